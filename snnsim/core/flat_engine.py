"""Runs a chunk of a flat network: lays the state out flat, runs a kernel, and puts the state back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from snnsim.core.fields import part, static
from snnsim.core.flat import Flat, Place, graded
from snnsim.core.flat_kernels import Given, Kernel
from snnsim.core.observe import OUTPUT, Record
from snnsim.core.state import SimulationState


class Ran(eqx.Module):
    """What a chunk of a flat network gave."""

    words: jax.Array = part(doc="spikes of the senders, 32 a word, uint32 [steps, batch, words]")
    traces: dict[str, dict[str, jax.Array]] = part(doc="recorded variables by population")
    counts: dict[str, jax.Array] = part(doc="outputs other than 0 of each unit by population")
    graded: dict[str, jax.Array] = part(doc="whether an output was neither 0 nor 1")
    kernel: str = static(doc="which kernel ran")


def run_flat(flat: Flat, state: SimulationState, inputs: Mapping[str, jax.Array], *, dt: float, steps: int,
             seed: jax.Array, record: Record, kernels: Sequence[Kernel]) -> tuple[SimulationState, Ran]:
    """Simulate one chunk of time of a flat network; the same state goes in and out as in `run_chunk`.

    Args:
        flat: the layout.
        state: where to begin.
        inputs: outputs of the input populations, ``[steps, batch, *shape]``.
        dt: step (ms).
        steps: number of steps.
        seed: uint32 scalar.
        record: pairs (population, variables); spikes of senders come as words in any case.
        kernels: the first of them that can run it does.
    """
    batch = state.batch
    ring = _ring(flat, state, batch)
    parts = [inputs[name].reshape(steps, batch, -1) for name, _, _ in flat.inputs]
    external = jnp.concatenate(parts, -1) if parts else jnp.zeros((steps, batch, 0), ring.dtype)
    neurons = tuple(_joined(flat, g, state.populations) for g in range(len(flat.groups)))
    tally = {g: (jnp.zeros((batch, neuron.size), jnp.int32), jnp.zeros((batch, neuron.size), bool))
             for g, neuron in enumerate(flat.groups) if graded(neuron)}
    given = Given(flat, dt, steps, seed, state.step, _wanted(flat, record), external, jnp.int32(0))
    for kernel in kernels:
        done = kernel.run(given, (neurons, tally), ring)
        if done is not None:
            break
    (neurons, tally), ring, sent, words, traces = done

    populations, begin = dict(state.populations), dict(flat.senders)
    counts = {name: sent[:, first:first + size].reshape(-1, *inputs[name].shape[2:])
              for name, first, size in flat.inputs}
    beyond = {name: jnp.any((given != 0) & (given != 1)) for name, given in inputs.items()}
    for place in flat.places:
        populations[place.name] = jax.tree.map(lambda leaf, p=place: _cut(leaf, p, 1), neurons[place.group])
        if place.group in begin:
            counts[place.name] = _cut(sent, place._replace(first=begin[place.group] + place.first), 1)
        if place.group in tally:
            counts[place.name] = _cut(tally[place.group][0], place, 1)
            beyond[place.name] = jnp.any(_cut(tally[place.group][1], place, 1))
    found: dict[str, dict[str, jax.Array]] = {}
    for name, variables in record:
        if name in inputs:
            found[name] = {variable: inputs[name] for variable in variables}
        else:
            place = next(p for p in flat.places if p.name == name)
            found[name] = {v: _cut(traces[place.group][v], place, 2) for v in variables if v in traces[place.group]}
    after = SimulationState(step=state.step + steps, populations=populations, lines=state.lines,
                            projections=state.projections, pending=_pending(flat, state, ring, steps))
    return after, Ran(words, found, counts, beyond, kernel.name)


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
