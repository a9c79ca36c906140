"""Whole networks on arrays of cells, and back to plain weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import equinox as eqx
import jax.numpy as jnp

from snnsim.core.connection import AbstractConnection
from snnsim.core.errors import ConfigurationError, UnsupportedError
from snnsim.core.keys import Rand
from snnsim.core.network import Network
from snnsim.core.parameters import matching, parameter_table
from snnsim.core.projection import BY_SIGN, Projection
from snnsim.hardware.rram.crossbar import Crossbar
from snnsim.hardware.rram.device import Device
from snnsim.hardware.rram.unrolled import unrolled
from snnsim.synapses.chain import Chain, of_part

Replace = Callable[[AbstractConnection, int], AbstractConnection]


def on_crossbars(network: Network, device: Device, *, projections: Iterable[str] | None = None,
                 **settings: Any) -> Network:
    """The same network with its weights on arrays of resistive cells.

    It can be simulated, tested and trained: see `Crossbar`. What is learned stays what was learned before.

    Args:
        network: a network; it is not changed.
        device: the cells.
        projections: names of those that go onto arrays; None: all that have weights.
        settings: further arguments of `Crossbar`: tiling, converters, wires, age, chip, scaling, compensate.

    Raises:
        UnsupportedError: a projection that learns while it is simulated, is split by sign, or is no matrix.
        ConfigurationError: a projection that does not exist, has no weights, or is on arrays already.

    Example:
        >>> import jax, snnsim as sn
        >>> from snnsim.hardware.rram import gaussian, on_crossbars
        >>> net = sn.Network(dict(a=sn.Input(3), b=sn.LIF(2)), [sn.Projection("a", "b", sn.Dense())],
        ...                  key=jax.random.key(0), trainable={"a_b.weight": False})
        >>> on_crossbars(net, gaussian(0.05), chip=1).trainable
        (('a_b.connection.stored.weight', False),)
    """
    wanted = [n for n, p in network.projections.items() if _parts(p)] if projections is None else list(projections)
    for name in wanted:
        if name not in network.projections or not _parts(network.projections[name]):
            raise ConfigurationError(
                got=f"projection {name!r}",
                expected=f"one of {', '.join(n for n, p in network.projections.items() if _parts(p))}",
                where="on_crossbars",
                fix="name projections that have weights",
            )
        _refuse(network.projections[name], name)
    return _replaced(network, dict.fromkeys(wanted, lambda plain, _: Crossbar(plain, device, **settings)), wrapped=True)


def programmed(network: Network, *, chip: int = 0) -> Network:
    """The plain network whose weights are what one chip's arrays hold.

    Errors of writing, stuck cells, ageing, levels and wires are in the weights; read noise and converters are not.
    It runs on every engine and target, and can be saved and exported like any other.

    Args:
        network: a network of `on_crossbars`.
        chip: number of the chip, for crossbars that do not name theirs: the same cells as ``simulate(seed=chip)``.

    Raises:
        ConfigurationError: nothing of it is on arrays.
    """
    names = [n for n, p in network.projections.items() if any(isinstance(c, Crossbar) for c in _connections(p))]
    if not names:
        raise ConfigurationError(
            got="a network without crossbars",
            expected="at least one",
            where="programmed",
            fix="put its weights on arrays with on_crossbars",
        )

    def of(name: str) -> Replace:
        def plain(connection, k):
            rand = Rand.at(jnp.uint32(chip), name, jnp.uint32(0))
            return connection.programmed(of_part(rand, k)) if isinstance(connection, Crossbar) else connection

        return plain

    return _replaced(network, {name: of(name) for name in names}, wrapped=False)


def _connections(projection: Projection) -> tuple[AbstractConnection, ...]:
    connection = projection.connection
    return connection.parts if isinstance(connection, Chain) else (connection,)


def _parts(projection: Projection) -> list[AbstractConnection]:
    """Those of a projection's connections that have weights."""
    return [part for part in _connections(projection) if getattr(part, "weight", None) is not None]


def _refuse(projection: Projection, name: str) -> None:
    where = f"projection {name!r} on crossbars"
    if projection.synapse.learns:
        raise UnsupportedError(
            got=f"{type(projection.synapse).__name__}, which changes weights in every step",
            expected="weights that are written once",
            where=where,
            fix="simulate learning first, and put recording.network() on arrays",
        )
    if projection.port == BY_SIGN:
        raise UnsupportedError(
            got="port 'by_sign'",
            expected="one port for all weights: cells hold differences",
            where=where,
            fix="use one projection to 'exc' and one to 'inh'",
        )
    for connection in _parts(projection):
        if isinstance(connection, Crossbar):
            raise ConfigurationError(
                got="a Crossbar", expected="plain weights", where=where, fix="use programmed(network) before"
            )
        unrolled(connection, where)


def _replaced(network: Network, replace: dict[str, Replace], wrapped: bool) -> Network:
    """The network with the weighted connections of some projections replaced; what is learned stays learned."""
    projections, moved = dict(network.projections), {}  # type: ignore[var-annotated]
    for name, of in replace.items():
        connection = projections[name].connection
        new: AbstractConnection
        if isinstance(connection, Chain):
            weighted = [getattr(part, "weight", None) is not None for part in connection.parts]
            new = Chain(tuple(of(part, k) if weighted[k] else part for k, part in enumerate(connection.parts)),
                        connection.between)
            begin = [f"{name}.connection.parts.{k}." for k in range(len(weighted)) if weighted[k]]
        else:
            new, begin = of(connection, 0), [f"{name}.connection."]
        for plain in begin:
            moved.update([(plain, f"{plain}stored.")] if wrapped else [(f"{plain}stored.", plain), (plain, "")])
        projections[name] = eqx.tree_at(lambda p: p.connection, projections[name], new)
    table, trainable = parameter_table(network), {}
    for pattern, chosen in network.trainable:
        for path in matching(pattern, table):
            before, after = next(((b, a) for b, a in moved.items() if path.startswith(b)), ("", None))
            if after != "":  # parameters of cells have no place in a plain network
                trainable[(after or "") + path[len(before) :]] = chosen
    # Not by the constructor, which would build everything anew and forget running statistics.
    made = object.__new__(Network)
    for field, value in (("populations", network.populations), ("projections", projections),
                         ("trainable", tuple(trainable.items()))):
        object.__setattr__(made, field, value)
    return made
