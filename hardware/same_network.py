"""Whether a recording was made with this network."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.network import Network
from snnsim.core.recording import Recording


def refuse_other_network(network: Network, recording: Recording) -> None:
    """Raise unless `network` is the one that was simulated, as it was or with what it learned in the run.

    Raises:
        ConfigurationError: other populations, projections or parameters.
    """
    simulated = recording.simulated
    for what in ("populations", "projections"):
        mine, theirs = (_described(getattr(n, what)) for n in (network, simulated))
        if mine != theirs:
            raise _refusal(f"{what} {', '.join(mine)}", f"{what} of the recording: {', '.join(theirs)}")
    if _equal(network, simulated) or _equal(network, recording.network()):
        return
    raise _refusal("a network with other parameters or choices", "the network that was simulated")


def _refusal(got: str, expected: str) -> ConfigurationError:
    return ConfigurationError(
        got=got, expected=expected, where="Workload", fix="simulate this network, and pass that recording"
    )


def _described(parts) -> list[str]:
    """Names with types and sizes, as far as they decide the counts."""
    found = []
    for name, part in parts.items():
        connection = getattr(part, "connection", None)
        form = getattr(part, "shape", None) if connection is None else f"{part.pre} to {part.post}"
        found.append(f"{name} ({type(part if connection is None else connection).__name__} {form})")
    return sorted(found)


def _equal(one: Network, other: Network) -> bool:
    parts = [eqx.partition(network, eqx.is_array) for network in (one, other)]
    shapes: list[Any] = [jax.tree.structure(arrays) for arrays, _ in parts]
    if shapes[0] != shapes[1] or not eqx.tree_equal(
        parts[0][1], parts[1][1]
    ):
        return False
    pairs = zip(jax.tree.leaves(parts[0][0]), jax.tree.leaves(parts[1][0]), strict=True)
    return all(a.shape == b.shape and np.array_equal(np.asarray(a), np.asarray(b)) for a, b in pairs)
