"""A network laid out flat: like populations side by side as one, and all event-driven synapses in one table.

A cortical model of 8 populations and 64 projections then costs per step what one population and one projection
cost. Nothing is approximated; only in float32 are weights rounded, see `order_free`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.fields import float_array, part, static
from snnsim.core.input import Input
from snnsim.core.memory import ensure_room, laid_out
from snnsim.core.network import Network
from snnsim.core.neuron import AbstractNeuron, AbstractPointNeuron
from snnsim.core.projection import BY_SIGN, Projection
from snnsim.core.sending import delay_type, pending_depth, ports_of
from snnsim.core.table import Entry, synapse_table

PARTS = 2**8  # of a target's largest weight, in which its weights are summed; 2^24 synapses of a target fit into uint32


class Place(NamedTuple):
    """Where a population lies: its group, the first of its units there, and its shape."""

    name: str
    group: int
    first: int
    size: int
    shape: tuple[int, ...]


class Twins(eqx.Module):
    """One-to-one projections without delay between two groups: ``arrivals[port] += weight * output[index]``."""

    pre: int = static(doc="source group")
    post: int = static(doc="target group")
    port: str = static(doc="where it arrives")
    aligned: bool = static(doc="whether index is 0, 1, 2, ...")
    index: Any = part(doc="source unit of each target unit, int32")
    weight: Any = part(doc="weight of each target unit, 0 where there is none")


class Flat(eqx.Module):
    """The layout; made by `flatten`, run by `snnsim.core.flat_engine`."""

    groups: tuple[AbstractPointNeuron, ...] = part(doc="merged populations, in the order of update")
    places: tuple[Place, ...] = static(doc="where each population lies")
    streams: tuple = part(doc="(stream, unit) of the random numbers of each unit, by group")
    senders: tuple[tuple[int, int], ...] = static(doc="(group, first source) of those whose spikes travel")
    inputs: tuple[tuple[str, int, int], ...] = static(doc="(name, first source, size) of the input populations")
    slots: tuple[tuple[str, int, int], ...] = static(doc="(port, group, first slot) of arrivals")
    twins: tuple[Twins, ...] = part(doc="one-to-one projections without delay")
    rows: Any = part(doc="all synapses, by source (Rows); None while the layout has no table")
    weight: Any = part(doc="their weights, or one for all")
    quantum: Any = part(doc="largest unit to which weights were rounded; 0 if none")
    n_sources: int = static(doc="number of units that may send, inputs among them")
    n_slots: int = static(doc="length of the arrivals of one step")
    depth: int = static(doc="rows of the ring of arrivals")
    waits: int = static(doc="steps for which spikes of the network may be under way")


def obstacle(network: Network, dt: float) -> str | None:
    """Why this network cannot be laid out flat, or None."""
    for name, neuron in network.populations.items():
        if not isinstance(neuron, AbstractPointNeuron | Input):
            return f"population {name!r} mixes units"
    if not any(p.event_driven for p in network.projections.values()):
        return "no projection is event driven"
    for name, p in network.projections.items():
        immediate = p.may_be_instant and not isinstance(network.populations[p.pre], Input)
        if p.connection.diagonal and p.is_static and not p.transforms and p.depth(dt) == 0:
            if p.port == BY_SIGN:
                return f"projection {name!r} is one to one and split by sign"
        elif not p.event_driven:
            return f"projection {name!r} is not event driven"
        elif immediate:
            return f"projection {name!r} has no delay"
    return None


def flatten(network: Network, dt: float) -> Flat:
    """The flat layout of a network without `obstacle`."""
    flat = outline(network, dt)
    where, source = {place.name: place for place in flat.places}, first_sources(flat)
    table = [Entry(p, spent(network, p), source[p.pre] + (where[p.pre].first if p.pre in where else 0),
                   tuple(first + where[p.post].first for first in first_slots(flat, p)))
             for p in far_projections(network).values()]
    need = laid_out([entry.projection for entry in table], delay_type(flat.depth), flat.depth, flat.n_slots)
    ensure_room(need, "simulation", on_device=True,
                fix="use fewer neurons or synapses, weights of bfloat16, or a machine or device with more memory")
    rows, weight = synapse_table(table, flat.n_sources, flat.depth, dt)
    quantum = jnp.zeros(())
    if weight.dtype == jnp.float32 and rows.targets.size:
        weight, quantum = order_free(weight, rows.targets, flat.n_slots)
    return dataclasses.replace(flat, rows=rows, weight=weight, quantum=quantum)


def outline(network: Network, dt: float, sizes: Sequence[int] | None = None) -> Flat:
    """The layout without its synapses.

    Args:
        network: without `obstacle`.
        dt: step (ms).
        sizes: units for which sources and slots are numbered, by group; None is all of them. Other sizes are for the
            part of the network on one of several devices.
    """
    places, groups, streams = _grouped(network)
    where = {place.name: place for place in places}
    far = far_projections(network)
    sizes = [neuron.size for neuron in groups] if sizes is None else sizes

    senders, inputs, n_sources = [], [], 0
    for g, neuron in enumerate(groups):
        if not graded(neuron) or any(where[p.pre].group == g for p in far.values() if p.pre in where):
            senders.append((g, n_sources))
            n_sources += sizes[g]
    for name in network.inputs:
        inputs.append((name, n_sources, network.populations[name].size))
        n_sources += network.populations[name].size
    slots, n_slots = [], 0
    for g, neuron in enumerate(groups):
        used = {port for p in far.values() if where[p.post].group == g for port in ports_of(p)}
        for port in (port for port in neuron.ports if port in used):
            slots.append((port, g, n_slots))
            n_slots += sizes[g]
    depth = 1 + max([p.depth(dt) - spent(network, p) for p in far.values()], default=0)
    return Flat(groups=groups, places=places, streams=streams, senders=tuple(senders), inputs=tuple(inputs),
                slots=tuple(slots), twins=_twins(twin_projections(network).values(), where, groups), rows=None,
                weight=None, quantum=None, n_sources=n_sources, n_slots=n_slots, depth=depth,
                waits=pending_depth(network, dt))


def twin_projections(network: Network) -> dict[str, Projection]:
    """One-to-one projections whose signals arrive in the step in which they are sent."""
    return {name: p for name, p in network.projections.items() if p.connection.diagonal and p.may_be_instant
            and not isinstance(network.populations[p.pre], Input)}


def far_projections(network: Network) -> dict[str, Projection]:
    """All others: their synapses are in the table."""
    twins = twin_projections(network)
    return {name: p for name, p in network.projections.items() if name not in twins}


def spent(network: Network, projection: Projection) -> int:
    """Steps of a delay that have passed when a spike leaves: at the end of a step, those of an input at its begin."""
    return 0 if isinstance(network.populations[projection.pre], Input) else 1


def first_sources(flat: Flat) -> dict[str, int]:
    """First source of each input, and of the group of each population that sends."""
    senders = dict(flat.senders)
    found = {place.name: senders[place.group] for place in flat.places if place.group in senders}
    return found | {name: first for name, first, _ in flat.inputs}


def first_slots(flat: Flat, projection: Projection) -> tuple[int, ...]:
    """First slot of the target's group at each port at which a projection arrives."""
    group = next(place.group for place in flat.places if place.name == projection.post)
    return tuple(first for wanted in ports_of(projection) for port, g, first in flat.slots
                 if (port, g) == (wanted, group))


def graded(neuron: AbstractPointNeuron) -> bool:
    """Whether a neuron may put out values other than 0 and 1."""
    if type(neuron).fire is AbstractPointNeuron.fire:
        return False
    return not getattr(neuron, "fires_as_inside", False) or graded(neuron.neuron)  # type: ignore[attr-defined]


def order_free(weight: jax.Array, targets: jax.Array, n_slots: int) -> tuple[jax.Array, jax.Array]:
    """(weights rounded so that sums do not depend on their order, the largest unit of rounding).

    The weights of a target become multiples of a power of two so large that the sum of all of them, at most 2^24
    of it, is exact in float32: in any order, on any number of threads or devices. How large that sum may get must not
    depend on an order either: it is bounded by whole parts of the target's largest weight.
    """
    @jax.jit
    def rounded(weight, targets):
        each = jnp.broadcast_to(jnp.abs(weight), targets.shape)
        top = jnp.zeros(n_slots, weight.dtype).at[targets].max(each)
        # Units below the normal numbers would be 0.
        scale = _power_of_two(jnp.maximum(top, jnp.finfo(weight.dtype).tiny * 2.0**24))
        parts = jnp.ceil(each / scale[targets] * PARTS).astype(jnp.uint32)
        bound = jnp.zeros(n_slots, jnp.uint32).at[targets].add(parts).astype(weight.dtype) * (scale / PARTS)
        unit = _power_of_two(jnp.maximum(bound, scale)) * 2.0**-23  # one binade to spare: weights are rounded up, too
        mine = unit[targets]
        return jnp.round(weight / mine) * mine, jnp.where(top > 0, unit, 0).max()
    return rounded(weight, targets)


def _power_of_two(values: jax.Array) -> jax.Array:
    """The power of two at or above each positive float32, exactly: `jnp.exp2` of a whole number need not be one."""
    bits = jax.lax.bitcast_convert_type(values, jnp.uint32)
    return jax.lax.bitcast_convert_type((bits + jnp.uint32(0x007FFFFF)) & jnp.uint32(0xFF800000), jnp.float32)


def _grouped(network: Network) -> tuple[tuple[Place, ...], tuple[AbstractPointNeuron, ...], tuple]:
    """Populations of one kind side by side; those that one-to-one projections feed at once come later."""
    order = [name for component in network.components() for name in component.populations
             if name not in network.inputs]
    level = dict.fromkeys(order, 0)
    for name in order:
        for p in network.incoming(name).values():
            if p.connection.diagonal and p.may_be_instant and p.pre in level:
                level[name] = max(level[name], level[p.pre] + 1)
    members: dict[Any, list[str]] = {}
    written = {name: i for i, name in enumerate(network.populations)}
    for name in sorted(order, key=lambda name: (level[name], written[name])):
        kind = jax.tree.structure(resized(network.populations[name], (1,)))
        members.setdefault((level[name], kind), []).append(name)
    places, groups, streams = [], [], []
    for g, names in enumerate(members.values()):
        first = 0
        for name in names:
            neuron = network.populations[name]
            places.append(Place(name, g, first, neuron.size, neuron.shape))
            first += neuron.size
        groups.append(_merged([network.populations[name] for name in names]))  # type: ignore[misc]
        sizes = [network.populations[name].size for name in names]
        stream = np.repeat(np.array([crc32(name.encode()) for name in names], np.uint32), sizes)
        unit = np.concatenate([np.arange(size, dtype=np.uint32) for size in sizes])
        streams.append((jnp.asarray(stream if len(names) > 1 else stream[0]), jnp.asarray(unit)))
    return tuple(places), tuple(groups), tuple(streams)


def resized(neuron: AbstractNeuron, shape: tuple[int, ...]) -> Any:
    """The neuron with another shape, parameters as they are."""
    copy = object.__new__(type(neuron))
    for name in (field.name for field in dataclasses.fields(neuron)):  # type: ignore[arg-type]
        value = getattr(neuron, name)
        value = shape if name == "shape" else resized(value, shape) if isinstance(value, AbstractNeuron) else value
        object.__setattr__(copy, name, value)
    return copy


def _merged(neurons: list[AbstractPointNeuron]) -> AbstractPointNeuron:
    """One population of all their units; a parameter that all share stays one number."""
    sizes = [neuron.size for neuron in neurons]
    shape = (sum(sizes),)

    def joined(*leaves):
        if all(np.ndim(leaf) == 0 for leaf in leaves) and len({float(leaf) for leaf in leaves}) == 1:
            return leaves[0]
        arrays = [float_array(leaf) if isinstance(leaf, float | int) else leaf for leaf in leaves]  # plain numbers
        parts = [jnp.broadcast_to(leaf, neuron.shape).reshape(-1) for leaf, neuron in zip(arrays, neurons, strict=True)]
        return jnp.concatenate(parts)
    return jax.tree.map(joined, *[resized(neuron, shape) for neuron in neurons])


def _twins(projections: Iterable[Projection], where: dict[str, Place], groups: tuple) -> tuple[Twins, ...]:
    """One-to-one projections joined as far as they go between the same groups onto different units."""
    found: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}
    for p in projections:
        pre, post = where[p.pre], where[p.post]
        rows = slice(post.first, post.first + post.size)
        layer = 0
        while (pre.group, post.group, p.port, layer) in found and \
                (found[pre.group, post.group, p.port, layer][0][rows] >= 0).any():
            layer += 1
        size = groups[post.group].size
        index, weight = found.setdefault((pre.group, post.group, p.port, layer),
                                         (np.full(size, -1), np.zeros(size, jnp.result_type(float))))
        index[rows] = pre.first + np.arange(pre.size)
        weight[rows] = np.asarray(p.connection.weight).reshape(-1)
    twins = []
    for (pre, post, port, _), (index, weight) in found.items():
        plain = groups[pre].size == len(index) and ((index == np.arange(len(index))) | (index < 0)).all()
        twins.append(Twins(pre, post, port, bool(plain), jnp.asarray(np.maximum(index, 0), jnp.int32),
                           jnp.asarray(weight)))
    return tuple(twins)
