"""Which numbers of a network are learned: paths, groups, bounds."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import parameters
from snnsim.core.network import Network


def parameter_table(network: Network) -> dict[str, dict[str, Any]]:
    """Every parameter of a network by path (``hidden.tau_mem``, ``input_hidden.connection.weight``).

    Returns:
        path -> dict(value, unit, doc, group, bounds, trainable), with the network's own choice of `trainable`.

    Raises:
        ConfigurationError: a pattern of `trainable` that fits no parameter.
    """
    table: dict[str, dict[str, Any]] = {}
    for parts in (network.populations, network.projections):
        for path, field, value in parameters(parts):
            if eqx.is_array(value) and jnp.issubdtype(value.dtype, jnp.floating):
                kept = {key: field.metadata[key] for key in ("unit", "doc", "group", "bounds", "trainable")}
                table[path] = dict(value=value, **kept)
    for pattern, chosen in network.trainable:
        fitting = matching(pattern, table)
        if not fitting:
            raise ConfigurationError(got=f"trainable pattern {pattern!r}", where="network",
                                     expected=f"a path such as {next(iter(table), '')}",
                                     fix=f"choose among {', '.join(table)}")
        for path in fitting:
            table[path]["trainable"] = chosen
    return table


def matching(pattern: str, paths: Iterable[str]) -> list[str]:
    """Those of the paths that a pattern of `trainable` means."""
    return [path for path in paths if fnmatchcase(path, pattern) or fnmatchcase(_short(path), pattern)]


def _short(path: str) -> str:
    """``input_hidden.connection.weight`` may also be called ``input_hidden.weight``."""
    return path.replace(".connection.", ".").replace(".delay.value", ".delay")


def map_parameters(function, network: Network) -> Network:
    """The network with ``function(path, info, value)`` in place of each parameter's value."""
    table = parameter_table(network)
    paths = list(table)
    if not paths:
        return network
    values = [function(path, table[path], table[path]["value"]) for path in paths]
    return eqx.tree_at(lambda net: [_get(net, path) for path in paths], network, values, is_leaf=lambda x: x is None)


def _get(network: Network, path: str) -> Any:
    first, *rest = path.split(".")
    node: Any = network.populations[first] if first in network.populations else network.projections[first]
    for name in rest:
        node = node[int(name)] if isinstance(node, tuple | list) else \
            node[name] if isinstance(node, dict) else getattr(node, name)
    return node


def partition(network: Network) -> tuple[Network, Network]:
    """(trainable part, the rest); `eqx.combine` joins them again.

    Only floating-point parameters that are to be learned are in the first part: an optimiser never sees
    indices, seeds or statistics.

    Args:
        network: what to divide.

    Example:
        >>> import jax, snnsim as sn
        >>> net = sn.Network(dict(a=sn.Input(3), b=sn.LIF(2)), [sn.Projection("a", "b", sn.Dense())],
        ...                  key=jax.random.key(0))
        >>> trainable, rest = sn.partition(net)
        >>> [leaf.shape for leaf in jax.tree.leaves(trainable)]
        [(3, 2)]
    """
    nothing = jax.tree.map(lambda _: False, network)
    table = parameter_table(network)
    chosen = [path for path in table if table[path]["trainable"]]
    if not chosen:
        return eqx.partition(network, nothing)
    mask = eqx.tree_at(lambda net: [_get(net, path) for path in chosen], nothing, [True] * len(chosen))
    return eqx.partition(network, mask)


def within_bounds(network: Network) -> Network:
    """The network with every parameter moved to the nearest value within its bounds (after an update)."""
    def bounded(path, info, value):
        low, high = info["bounds"]
        return value if low is None and high is None else jnp.clip(value, low, high)
    return map_parameters(bounded, network)


def groups(network: Network) -> Network:
    """A tree like the network's trainable part with the name of its group at each parameter (for optax)."""
    table = parameter_table(network)
    trainable, _ = partition(network)
    paths = [path for path in table if table[path]["trainable"]]
    labels = [table[path]["group"] for path in paths]
    return eqx.tree_at(lambda net: [_get(net, path) for path in paths], trainable, labels)
