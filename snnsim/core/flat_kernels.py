"""The kernels that can run a flat network: each updates every group, then sends spikes, step by step.

A kernel answers None where it cannot run a network; the next one of its platform is asked then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from snnsim.core.flat import Flat, graded, resized
from snnsim.core.keys import Rand
from snnsim.core.observe import batched_step, observed_step
from snnsim.kernels.compiled_steps import Group, Twin, compiled_steps
from snnsim.kernels.event_propagation import exchange, packed
from snnsim.kernels.persistent_steps import persistent_steps
from snnsim.kernels.time_loop import time_loop

UNROLL = 4  # steps a turn of the loop: between turns XLA copies the state


class Given(NamedTuple):
    """What a kernel runs."""

    flat: Flat
    dt: float
    steps: int
    seed: jax.Array
    first_step: jax.Array
    wanted: tuple[tuple[str, ...], ...]  # variables to trace, by group
    external: jax.Array  # outputs of the input populations, [steps, batch, units]
    first_row: jax.Array  # row of the ring that is due in the first step, int32


class Kernel(NamedTuple):
    """A way to run a chunk: ``run(given, (states, tally), ring)``.

    It returns None, or ((states, tally), ring, outputs other than 0 by source, spikes as words, traces by group).
    States and traces go by group; the tally counts what graded groups put out.
    """

    name: str
    run: Callable[[Given, tuple, jax.Array], Any]


def _stepwise(given: Given, carried: tuple, ring: jax.Array) -> Any:
    """Every step as operations of XLA."""
    flat, external, batch = given.flat, given.external, ring.shape[1]
    following = jnp.concatenate([external[1:], jnp.zeros_like(external[:1])])
    quiet = jnp.zeros((batch, sum(flat.groups[g].size for g, _ in flat.senders)), ring.dtype)
    first = jnp.concatenate([quiet, external[0]], -1)
    ring, counts, arrivals, _ = exchange(ring, jnp.zeros(first.shape, jnp.int32), first, flat.weight, flat.rows,
                                         given.first_row)

    def body(carry, following, offset):
        carried, ring, counts, arrivals = carry
        due = {(port, g): arrivals[:, first:first + flat.groups[g].size] for port, g, first in flat.slots}
        carried, outputs, traces = _update(flat, carried, due, given.dt, given.seed, given.first_step + offset,
                                           given.wanted, range(len(flat.groups)), {})
        sent = jnp.concatenate([*(outputs[g] for g, _ in flat.senders), following], -1)
        ring, counts, arrivals, words = exchange(ring, counts, sent, flat.weight, flat.rows,
                                                 given.first_row + offset + 1)
        return (carried, ring, counts, arrivals), (words, traces)

    (carried, ring, counts, arrivals), (words, traces) = time_loop(
        body, (carried, ring, counts, arrivals), following, steps=given.steps, unroll=UNROLL)
    # What is due next was taken out of the ring already: put it back.
    return carried, ring.at[(given.first_row + given.steps) % ring.shape[0]].set(arrivals), counts, words, traces


def _compiled(given: Given, carried: tuple, ring: jax.Array) -> Any:
    """All steps in one C++ kernel made from the neurons' verbs."""
    flat, (states, tally) = given.flat, carried
    source = dict(flat.senders)
    groups = []
    for g, neuron in enumerate(flat.groups):
        arrays, rest = eqx.partition(resized(neuron, ()), eqx.is_array)
        constants = (arrays, given.seed, *flat.streams[g])
        if any(leaf.ndim > 1 for leaf in jax.tree.leaves(constants)) or \
                any(leaf.ndim != 2 for leaf in jax.tree.leaves(states[g])):
            return None

        def update(constants, state, arrivals, step, sample, rest=rest, wanted=given.wanted[g]):
            arrays, seed, stream, unit = constants
            rand = Rand(seed, stream, step, sample, unit)
            return observed_step(eqx.combine(arrays, rest), state, arrivals, given.dt, rand, wanted)

        twins = tuple(Twin(one.port, one.pre, one.index, one.weight) for one in flat.twins if one.post == g)
        slots = {port: first for port, owner, first in flat.slots if owner == g}
        groups.append(Group(update, constants, states[g], neuron.size, slots, twins, source.get(g), graded(neuron)))
    ran = compiled_steps(groups, ring, flat.weight, flat.rows, given.external, steps=given.steps,
                         first_step=given.first_step, first_row=given.first_row)
    if ran is None:
        return None
    tally = {g: ran.tallies[g] for g in tally}
    return (tuple(ran.states), tally), ran.ring, ran.counts, ran.words, ran.records


def _persistent(given: Given, carried: tuple, ring: jax.Array) -> Any:
    """All steps in one GPU kernel: one sample, no inputs, groups of one size, plain spikes, float32, any synapses."""
    flat = given.flat
    if ring.shape[1] != 1 or flat.inputs or flat.weight.dtype == jnp.float64 or not flat.rows.targets.size \
            or len({neuron.size for neuron in flat.groups}) != 1 or not all(twins.aligned for twins in flat.twins) \
            or any(graded(flat.groups[g]) for g, _ in flat.senders):
        return None
    units = flat.groups[0].size
    # The table stays outside: the update needs the neurons only.
    small = eqx.tree_at(lambda f: (f.rows, f.weight, f.quantum), flat, (None, None, None), is_leaf=lambda x: x is None)
    arrays, rest = eqx.partition((small, given.seed, given.first_step), eqx.is_array)

    early = _early(flat)
    late = [g for g in range(len(flat.groups)) if g not in early]

    def some(groups, constants, carried, known, due, offset):
        """`_update` of some groups for a block of units, without the axis of samples."""
        small, seed, first_step = eqx.combine(constants, rest)
        block = jax.tree.leaves(carried)[0].shape
        small = eqx.tree_at(lambda f: f.groups, small, tuple(resized(neuron, block) for neuron in small.groups))
        carried, known, due = jax.tree.map(lambda leaf: leaf[None], (carried, known, due))
        done = _update(small, carried, due, given.dt, seed, first_step + offset, given.wanted, groups, known)
        return jax.tree.map(lambda leaf: leaf[0], done)

    def ahead(constants, carried, offset):
        carried, outputs, traces = some(early, constants, carried, {}, {}, offset)
        return carried, (outputs, traces)

    def update(constants, carried, begun, arrivals, offset):
        due = {(port, g): arrivals[first // units] for port, g, first in flat.slots}
        carried, outputs, traces = some(late, constants, carried, begun[0], due, offset)
        return carried, tuple(outputs[g] != 0 for g, _ in flat.senders), begun[1] | traces

    carried, ring, spikes, traces = persistent_steps(
        ahead, update, arrays, jax.tree.map(lambda leaf: leaf[0], carried), ring[:, 0], flat.rows, flat.weight,
        units=units, steps=given.steps, first_row=given.first_row, senders=len(flat.senders),
        interpret=jax.default_backend() != "gpu")
    carried, traces = jax.tree.map(lambda leaf: leaf[None], carried), jax.tree.map(lambda leaf: leaf[:, None], traces)
    counts = jnp.sum(spikes, 0, dtype=jnp.int32)[None]
    return carried, ring[:, None], counts, packed(spikes != 0)[:, None], traces


def _early(flat: Flat) -> list[int]:
    """Groups to which no synapse sends: what they do in a step is known before its arrivals are."""
    found: list[int] = []
    for g in range(len(flat.groups)):
        fed = {twins.pre for twins in flat.twins if twins.post == g}
        if fed <= set(found) and not any(owner == g for _, owner, _ in flat.slots):
            found.append(g)
    return found


def _update(flat: Flat, carried: tuple, due: Mapping[tuple[str, int], jax.Array], dt: float, seed: jax.Array,
            step: jax.Array, wanted: tuple, groups: Iterable[int],
            known: Mapping[int, jax.Array]) -> tuple[tuple, dict[int, jax.Array], dict[int, Any]]:
    """Some groups, one step: ((states, tally), outputs, traces by group); arrays ``[batch, units]``.

    Args:
        flat: the layout.
        carried: (states, tally) of all groups.
        due: arrivals by port and group.
        dt: step (ms).
        seed: uint32 scalar.
        step: absolute step.
        wanted: variables to trace, by group.
        groups: which of them, in order.
        known: outputs of groups that were updated in this step already.
    """
    states, tally = list(carried[0]), dict(carried[1])
    outputs, traces = dict(known), {}
    for g in groups:
        ports = {port: arrivals for (port, owner), arrivals in due.items() if owner == g}
        for twins in flat.twins:
            if twins.post == g:
                source = outputs[twins.pre] if twins.aligned else outputs[twins.pre][:, twins.index]
                value = twins.weight[None] * source
                ports[twins.port] = ports[twins.port] + value if twins.port in ports else value
        stream, unit = flat.streams[g]
        rand = Rand(seed, stream, step.astype(jnp.uint32), jnp.uint32(0), unit)
        states[g], outputs[g], traces[g] = batched_step(flat.groups[g], states[g], ports, dt, rand, wanted[g])
        if g in tally:
            count, beyond = tally[g]
            tally[g] = (count + (outputs[g] != 0).astype(jnp.int32),
                        beyond | ((outputs[g] != 0) & (outputs[g] != 1)))
    return (tuple(states), tally), outputs, traces


STEPWISE = Kernel("events by XLA", _stepwise)
COMPILED = Kernel("compiled steps", _compiled)
PERSISTENT = Kernel("persistent kernel", _persistent)
# In the order in which they are asked.
KERNELS = {"cpu": (COMPILED, STEPWISE), "gpu": (PERSISTENT, STEPWISE)}
