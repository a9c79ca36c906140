"""Many steps of a flat network in one GPU kernel: the neuron's own verbs, then the synapses of what spiked.

A grid of programs stays on the chip for the whole chunk. Each keeps the state of its units in registers; in a step
it takes their arrivals out of the ring, updates them, appends those that spike to a list, waits until all programs
have done so, walks its share of the list's synapses, and waits again. A step costs two waits instead of two kernel
launches. There is no limit on spikes: the list holds every unit.

Written for Pallas' Triton backend; runs in interpret mode on a CPU with one program.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton as plgpu

from snnsim.kernels.event_propagation import Rows


class Tuning(NamedTuple):
    """How the work is cut; the defaults were measured on an H100."""

    block: int = 512  # units of a program, a power of two
    programs: int = 264  # at most as many as are on the chip at once, else the kernel waits for ever
    warps: int = 4
    parts: int = 16  # into which the synapses of one spike are cut
    width: int = 128  # synapses that a program reads at once


def persistent_steps(update: Callable, constants: Any, state: Any, ring: jax.Array, rows: Rows, weight: jax.Array, *,
                     units: int, steps: int, senders: int, tuning: Tuning | None = None,
                     interpret: bool = False) -> tuple[Any, jax.Array, jax.Array, Any]:
    """Run `steps` steps of `units` units in each of several groups.

    Args:
        update: ``(constants, state, arrivals, offset) -> (state, spikes, records)`` for a block of units: arrivals is
            a tuple of one array for each region of the ring, spikes a tuple of flags for each sending group, records
            a tree of arrays. A pure function of its arguments.
        constants: tree of arrays ``[]`` or ``[units]``.
        state: tree of arrays ``[units]``.
        ring: arrivals ``[depth, regions * units]``, row k due in step k.
        rows: synapses by source; source ``g * units + i`` is unit i of sending group g.
        weight: ``[synapses]``.
        units: units of each group.
        steps: number of steps.
        senders: number of groups whose spikes travel.
        tuning: how the work is cut.
        interpret: run without a GPU.

    Returns:
        (state, ring with row ``steps % depth`` due next, spikes uint8 ``[steps, senders * units]``, records with a
        leading axis of steps).
    """
    tuning = tuning or Tuning()
    if interpret:
        block, programs = 1 << max(0, units - 1).bit_length(), 1
    else:
        block, programs = tuning.block, max(tuning.programs, -(-units // tuning.block))
    const_leaves, const_tree = jax.tree.flatten(constants)
    state_leaves, state_tree = jax.tree.flatten(state)
    kinds = [leaf.dtype for leaf in state_leaves]
    shapes = jax.eval_shape(lambda c, s: update(c, s, tuple(jnp.zeros(units, ring.dtype) for _ in range(
        ring.shape[1] // units)), jnp.int32(0)), constants, state)
    record_leaves, record_tree = jax.tree.flatten(shapes[2])
    depth, n_slots = ring.shape

    def wide(leaf):
        leaf = leaf.astype(jnp.int8) if leaf.dtype == bool else leaf
        return leaf if leaf.ndim else leaf[None]

    waste = max(block, tuning.width)  # behind each array, for lanes without work: see `put`
    flat_ring = jnp.concatenate([ring.reshape(-1), jnp.zeros(waste, ring.dtype)])
    signals = jnp.zeros(3, jnp.int32)  # arrivals at the barrier; spikes in the list of even and of odd steps
    inputs = [*map(wide, const_leaves), *map(wide, state_leaves), flat_ring, signals, rows.starts,
              rows.ends, rows.targets, rows.delays, weight]
    n_const, n_state = len(const_leaves), len(state_leaves)
    outputs = [*(jax.ShapeDtypeStruct((units + waste,), wide(leaf).dtype) for leaf in state_leaves),
               jax.ShapeDtypeStruct(flat_ring.shape, ring.dtype), jax.ShapeDtypeStruct((3,), jnp.int32),
               jax.ShapeDtypeStruct((2 * senders * units + waste,), jnp.int32),
               jax.ShapeDtypeStruct((steps * senders * units + waste,), jnp.uint8),
               *(jax.ShapeDtypeStruct((steps * units + waste,), leaf.dtype) for leaf in record_leaves)]
    kernel = partial(
        _kernel, update=update, const_tree=const_tree, scalar=[leaf.ndim == 0 for leaf in const_leaves],
        state_tree=state_tree, kinds=kinds, units=units, steps=steps, senders=senders, depth=depth, n_slots=n_slots,
        one_delay=rows.delays.shape[0] == 1, block=block, programs=programs,
        parts=tuning.parts, width=tuning.width, interpret=interpret)
    found = pl.pallas_call(
        kernel, out_shape=outputs, grid=(programs,), interpret=interpret,
        input_output_aliases={n_const + n_state: n_state, n_const + n_state + 1: n_state + 1},
        compiler_params=None if interpret else plgpu.CompilerParams(num_warps=tuning.warps, num_stages=1),
        name="snnsim_persistent_steps")(*inputs)
    after = [leaf[:units].astype(kind) for leaf, kind in zip(found[:n_state], kinds, strict=True)]
    records = [leaf[:steps * units].reshape(steps, units) for leaf in found[n_state + 4:]]
    return (jax.tree.unflatten(state_tree, after), found[n_state][:ring.size].reshape(ring.shape),
            found[n_state + 3][:steps * senders * units].reshape(steps, -1), jax.tree.unflatten(record_tree, records))


def _kernel(*refs, update, const_tree, scalar, state_tree, kinds, units, steps, senders, depth, n_slots, one_delay,
            block, programs, parts, width, interpret):
    n_const, n_state = len(scalar), len(kinds)
    const_refs, refs = refs[:n_const], refs[n_const:]
    state_refs, refs = refs[:n_state], refs[n_state:]
    _, _, starts, ends, targets, delays, weight, *refs = refs  # ring and signals are aliased to outputs
    after_refs, refs = refs[:n_state], refs[n_state:]
    ring, signals, spiking, spikes, *records = refs

    me = pl.program_id(0)
    mine = me * block + jnp.arange(block, dtype=jnp.int32)
    here = mine < units
    safe = jnp.minimum(mine, units - 1)

    def load(ref, index, mask=None, **options):
        return plgpu.load(ref.at[index], mask=mask, **({"other": 0} if mask is not None else {}), **options)

    def put(ref, at, value, mask, size):
        """Store where `mask` holds; interpret mode has no masked stores to repeated places, so the rest goes behind."""
        if interpret:
            plgpu.store(ref.at[jnp.where(mask, at, size + jnp.arange(block, dtype=jnp.int32))], value)
        else:
            plgpu.store(ref.at[at], value, mask=mask)

    def barrier(count):
        """Wait until all programs have come here `count` times; what they wrote before is visible after."""
        if interpret:
            return
        plgpu.debug_barrier()
        plgpu.atomic_add(signals, (0,), 1)
        # Looked at by an atomic operation and not by a load, behind which later loads would not have to wait.
        jax.lax.while_loop(lambda seen: seen < count * programs,
                           lambda _: plgpu.atomic_add(signals, (0,), 0), plgpu.atomic_add(signals, (0,), 0))
        plgpu.debug_barrier()

    wide = [load(ref, jnp.int32(0)) if one else load(ref, safe) for ref, one in zip(const_refs, scalar, strict=True)]
    constants = jax.tree.unflatten(const_tree, wide)
    state = [load(ref, safe).astype(kind) for ref, kind in zip(state_refs, kinds, strict=True)]

    def step(offset, carry):
        row = jax.lax.rem(offset, depth) * n_slots
        arrivals = []
        for region in range(n_slots // units):
            at = row + region * units + safe
            arrivals.append(load(ring, at, here, volatile=True))
            put(ring, at, jnp.zeros(block, ring.dtype), here, depth * n_slots)
        state, fired, found = update(constants, jax.tree.unflatten(state_tree, carry), tuple(arrivals), offset)
        parity = jax.lax.rem(offset, 2)
        for g, flags in enumerate(fired):
            flags = jnp.where(here, flags.astype(jnp.int32), 0)
            at = offset * (senders * units) + g * units + safe
            put(spikes, at, flags.astype(jnp.uint8), here, steps * senders * units)
            place = jnp.cumsum(flags) - flags
            total = jnp.sum(flags)
            first = plgpu.atomic_add(signals, (1 + parity,), total)
            at = parity * senders * units + first + place
            put(spiking, at, g * units + safe, flags != 0, 2 * senders * units)
        for ref, value in zip(records, jax.tree.leaves(found), strict=True):
            put(ref, offset * units + safe, value, here, steps * units)
        barrier(2 * offset + 1)
        _send(signals, spiking, starts, ends, targets, delays, weight, ring, me=me, offset=offset, parity=parity,
              load=load, senders=senders, units=units, depth=depth, n_slots=n_slots,
              one_delay=one_delay, programs=programs, parts=parts, width=width, interpret=interpret)

        @pl.when(me == 0)
        def _():
            plgpu.store(signals.at[2 - parity], jnp.int32(0))  # the other list: all have read it, none fills it yet
        barrier(2 * offset + 2)
        return jax.tree.leaves(state)

    state = jax.lax.fori_loop(0, steps, step, state)
    for ref, value in zip(after_refs, state, strict=True):
        put(ref, safe, value.astype(ref.dtype), here, units)


def _send(signals, spiking, starts, ends, targets, delays, weight, ring, *, me, offset, parity, load, senders, units,
          depth, n_slots, one_delay, programs, parts, width, interpret):
    """This program's share of the synapses of all units in the list."""
    items = plgpu.atomic_add(signals, (1 + parity,), 0) * parts
    now = jax.lax.rem(offset + 1, depth)
    lane = jnp.arange(width, dtype=jnp.int32)

    def item(k, carry):
        spike, piece = k // parts, jax.lax.rem(k, parts)
        source = load(spiking, parity * senders * units + spike, volatile=True)
        start, end = (load(ref, source) for ref in (starts, ends))
        length = (end - start + parts - 1) // parts
        first = start + piece * length
        last = jnp.minimum(first + length, end)

        def chunk(n, carry):
            index = first + n * width + lane
            inside = index < last
            index = jnp.where(inside, index, 0)
            target, value = load(targets, index, inside), load(weight, index, inside)
            delay = load(delays, jnp.int32(0)) if one_delay else load(delays, index, inside)
            due = now + delay.astype(jnp.int32)
            due = jnp.where(due >= depth, due - depth, due)
            at = due * n_slots + target
            if interpret:  # no masked atomics there
                plgpu.atomic_add(ring, (jnp.where(inside, at, depth * n_slots + lane),), jnp.where(inside, value, 0))
            else:
                plgpu.atomic_add(ring, (at,), value.astype(ring.dtype), mask=inside)
            return carry
        return jax.lax.fori_loop(0, (jnp.maximum(last - first, 0) + width - 1) // width, chunk, carry)

    jax.lax.fori_loop(0, (jnp.maximum(items - me, 0) + programs - 1) // programs,
                      lambda n, carry: item(me + n * programs, carry), jnp.int32(0))
