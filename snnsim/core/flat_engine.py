"""Runs a flat network step by step: one update of each group, then one exchange of spikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from snnsim.core.fields import part
from snnsim.core.flat import Flat, Place, graded, resized
from snnsim.core.keys import Rand
from snnsim.core.observe import OUTPUT, Record, batched_step
from snnsim.core.state import SimulationState
from snnsim.kernels.event_propagation import exchange, packed
from snnsim.kernels.persistent_steps import persistent_steps
from snnsim.kernels.time_loop import time_loop

UNROLL = 4  # steps a turn of the loop: between turns XLA copies the state


class Ran(eqx.Module):
    """What a chunk of a flat network gave."""

    words: jax.Array = part(doc="spikes of the senders, 32 a word, uint32 [steps, batch, words]")
    traces: dict[str, dict[str, jax.Array]] = part(doc="recorded variables by population")
    counts: dict[str, jax.Array] = part(doc="outputs other than 0 of each unit by population")
    graded: dict[str, jax.Array] = part(doc="whether an output was neither 0 nor 1")


def run_flat(flat: Flat, state: SimulationState, inputs: Mapping[str, jax.Array], *, dt: float, steps: int,
             seed: jax.Array, record: Record, fused: bool = False) -> tuple[SimulationState, Ran]:
    """Simulate one chunk of time of a flat network; the same state goes in and out as in `run_chunk`.

    Args:
        flat: the layout.
        state: where to begin.
        inputs: outputs of the input populations, ``[steps, batch, *shape]``.
        dt: step (ms).
        steps: number of steps.
        seed: uint32 scalar.
        record: pairs (population, variables); spikes of senders come as words in any case.
        fused: all steps in one GPU kernel; only where `can_fuse`.
    """
    batch = state.batch
    ring = _ring(flat, state, batch)
    neurons = tuple(_joined(flat, g, state.populations) for g in range(len(flat.groups)))
    tally = {g: (jnp.zeros((batch, neuron.size), jnp.int32), jnp.zeros((batch, neuron.size), bool))
             for g, neuron in enumerate(flat.groups) if graded(neuron)}
    run = _fused if fused else _stepwise
    (neurons, tally), ring, sent, words, traces = run(flat, (neurons, tally), ring, inputs, dt, steps, seed, state.step,
                                                      _wanted(flat, record))

    populations, begin, beyond = dict(state.populations), dict(flat.senders), {}
    counts = {name: sent[:, first:first + size].reshape(-1, *inputs[name].shape[2:])
              for name, first, size in flat.inputs}
    for place in flat.places:
        populations[place.name] = jax.tree.map(lambda leaf, p=place: _cut(leaf, p, 1), neurons[place.group])
        if place.group in begin:
            counts[place.name] = _cut(sent, place._replace(first=begin[place.group] + place.first), 1)
        if place.group in tally:
            counts[place.name] = _cut(tally[place.group][0], place, 1)
            beyond[place.name] = jnp.any(_cut(tally[place.group][1], place, 1))
    found: dict[str, dict[str, jax.Array]] = {}
    for name, variables in record:
        place = next((p for p in flat.places if p.name == name), None)
        if place is None:
            found[name] = {variable: inputs[name] for variable in variables}
        else:
            found[name] = {v: _cut(traces[place.group][v], place, 2) for v in variables if v in traces[place.group]}
    after = SimulationState(step=state.step + steps, populations=populations, lines=state.lines,
                            projections=state.projections, pending=_pending(flat, state, ring, steps))
    return after, Ran(words, found, counts, beyond)


def can_fuse(flat: Flat, batch: int) -> bool:
    """Whether `run_flat` can run in one kernel: one sample, no inputs, groups of one size, plain spikes, float32."""
    return batch == 1 and not flat.inputs and flat.weight.dtype != jnp.float64 \
        and len({neuron.size for neuron in flat.groups}) == 1 and all(twins.aligned for twins in flat.twins) \
        and not any(graded(flat.groups[g]) for g, _ in flat.senders)


def _stepwise(flat, carried, ring, inputs, dt, steps, seed, first_step, wanted):
    """Every step as operations of its own: ((states, tally), ring, counts of sources, words, traces)."""
    batch = ring.shape[1]
    given = [inputs[name].reshape(steps, batch, -1) for name, _, _ in flat.inputs]
    external = jnp.concatenate(given, -1) if given else jnp.zeros((steps, batch, 0), ring.dtype)
    following = jnp.concatenate([external[1:], jnp.zeros_like(external[:1])])
    quiet = jnp.zeros((batch, sum(flat.groups[g].size for g, _ in flat.senders)), ring.dtype)
    first = jnp.concatenate([quiet, external[0]], -1)
    ring, counts, arrivals, _ = exchange(ring, jnp.zeros(first.shape, jnp.int32), first, flat.weight, flat.rows,
                                         jnp.int32(0))

    def body(carry, given, offset):
        carried, ring, counts, arrivals = carry
        due = {(port, g): arrivals[:, first:first + flat.groups[g].size] for port, g, first in flat.slots}
        carried, outputs, traces = _update(flat, carried, due, dt, seed, first_step + offset, wanted)
        sent = jnp.concatenate([*(outputs[g] for g, _ in flat.senders), given], -1)
        ring, counts, arrivals, words = exchange(ring, counts, sent, flat.weight, flat.rows, offset + 1)
        return (carried, ring, counts, arrivals), (words, traces)

    (carried, ring, counts, arrivals), (words, traces) = time_loop(
        body, (carried, ring, counts, arrivals), following, steps=steps, unroll=UNROLL)
    # What is due next was taken out of the ring already: put it back.
    return carried, ring.at[steps % ring.shape[0]].set(arrivals), counts, words, traces


def _fused(flat, carried, ring, inputs, dt, steps, seed, first_step, wanted):
    """All steps in one kernel: ((states, tally), ring, counts of sources, words, traces)."""
    units = flat.groups[0].size
    # The table stays outside: the update needs the neurons only.
    small = eqx.tree_at(lambda f: (f.rows, f.weight, f.quantum), flat, (None, None, None), is_leaf=lambda x: x is None)
    arrays, rest = eqx.partition((small, seed, first_step), eqx.is_array)

    def update(constants, carried, arrivals, offset):
        small, seed, first_step = eqx.combine(constants, rest)
        block = arrivals[0].shape
        small = eqx.tree_at(lambda f: f.groups, small, tuple(resized(neuron, block) for neuron in small.groups))
        due = {(port, g): arrivals[first // units][None] for port, g, first in small.slots}
        carried = jax.tree.map(lambda leaf: leaf[None], carried)
        carried, outputs, traces = _update(small, carried, due, dt, seed, first_step + offset, wanted)
        spikes = tuple(outputs[g][0] != 0 for g, _ in small.senders)
        return jax.tree.map(lambda leaf: leaf[0], carried), spikes, jax.tree.map(lambda leaf: leaf[0], traces)

    carried, ring, spikes, traces = persistent_steps(
        update, arrays, jax.tree.map(lambda leaf: leaf[0], carried), ring[:, 0], flat.rows, flat.weight, units=units,
        steps=steps, senders=len(flat.senders), interpret=jax.default_backend() != "gpu")
    carried, traces = jax.tree.map(lambda leaf: leaf[None], carried), jax.tree.map(lambda leaf: leaf[:, None], traces)
    counts = jnp.sum(spikes, 0, dtype=jnp.int32)[None]
    return carried, ring[:, None], counts, packed(spikes != 0)[:, None], traces


def _update(flat: Flat, carried: tuple, due: Mapping[tuple[str, int], jax.Array], dt: float, seed: jax.Array,
            step: jax.Array, wanted: tuple) -> tuple[tuple, list[jax.Array], list]:
    """All groups, one step: ((states, tally), outputs, traces); arrays ``[batch, units]``."""
    neurons, tally = carried
    outputs: list[jax.Array] = []
    after, traces, tally = [], [], dict(tally)
    for g, neuron in enumerate(flat.groups):
        ports = {port: arrivals for (port, owner), arrivals in due.items() if owner == g}
        for twins in flat.twins:
            if twins.post == g:
                source = outputs[twins.pre] if twins.aligned else outputs[twins.pre][:, twins.index]
                value = twins.weight[None] * source
                ports[twins.port] = ports[twins.port] + value if twins.port in ports else value
        stream, unit = flat.streams[g]
        rand = Rand(seed, stream, step.astype(jnp.uint32), jnp.uint32(0), unit)
        state, output, trace = batched_step(neuron, neurons[g], ports, dt, rand, wanted[g])
        if g in tally:
            count, beyond = tally[g]
            tally[g] = (count + (output != 0).astype(jnp.int32), beyond | ((output != 0) & (output != 1)))
        after.append(state)
        outputs.append(output)
        traces.append(trace)
    return (tuple(after), tally), outputs, traces


def _wanted(flat: Flat, record: Record) -> tuple[tuple[str, ...], ...]:
    """Variables that each group must trace; spikes of senders are in the words already."""
    sending = {g for g, _ in flat.senders if not graded(flat.groups[g])}
    group_of = {place.name: place.group for place in flat.places}
    wanted: list[list[str]] = [[] for _ in flat.groups]
    for name, variables in record:
        if name in group_of:
            g = group_of[name]
            wanted[g] += [v for v in variables if v not in wanted[g] and not (v in OUTPUT and g in sending)]
    return tuple(tuple(variables) for variables in wanted)


def _joined(flat: Flat, group: int, populations: Mapping[str, Any]) -> Any:
    """States of a group's populations side by side, leaves ``[batch, units]``."""
    def flattened(leaf, shape):
        return leaf.reshape(leaf.shape[0], -1)
    members = [jax.tree.map(lambda leaf, p=place: flattened(leaf, p.shape), populations[place.name])
               for place in flat.places if place.group == group]
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves, 1), *members)


def _cut(array: jax.Array, place: Place, axis: int) -> jax.Array:
    """A population's units of a group's array, in the population's shape."""
    mine = jax.lax.slice_in_dim(array, place.first, place.first + place.size, axis=axis)
    return mine.reshape(*array.shape[:axis], *place.shape)


def _ring(flat: Flat, state: SimulationState, batch: int) -> jax.Array:
    """Arrivals under way, row k due in step k of the chunk."""
    ring = jnp.zeros((max(flat.depth, flat.waits), batch, flat.n_slots), jnp.result_type(float))
    for place, key, first in _pending_places(flat, state):
        waiting = state.pending[key].reshape(flat.waits, batch, place.size)
        ring = ring.at[:flat.waits, :, first:first + place.size].set(waiting)
    return ring


def _pending(flat: Flat, state: SimulationState, ring: jax.Array, steps: int) -> dict[str, jax.Array]:
    """Arrivals under way at the end of the chunk."""
    ahead = jnp.roll(ring, -(steps % ring.shape[0]), 0)[:flat.waits]
    after = dict(state.pending)
    for place, key, first in _pending_places(flat, state):
        mine = ahead[:, :, first:first + place.size]
        after[key] = mine.reshape(flat.waits, ring.shape[1], *place.shape)
    return after


def _pending_places(flat: Flat, state: SimulationState) -> list[tuple[Place, str, int]]:
    """(place, key of the state's `pending`, first slot) of all arrivals."""
    return [(place, f"{place.name}.{port}", first + place.first) for port, group, first in flat.slots
            for place in flat.places if place.group == group and f"{place.name}.{port}" in state.pending]
