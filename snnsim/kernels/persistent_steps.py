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

    warps: int = 4  # of a program; 8 are on a processor at once whatever registers they need
    width: int = 1024  # synapses that a program reads at once, a power of two
    run: int = 32  # of them from one spike, a power of two


def persistent_steps(ahead: Callable, update: Callable, constants: Any, state: Any, ring: jax.Array, rows: Rows,
                     weight: jax.Array, *, units: int, steps: int, senders: int, first_row: jax.Array | int = 0,
                     tuning: Tuning | None = None, interpret: bool = False) -> tuple[Any, jax.Array, jax.Array, Any]:
    """Run `steps` steps of `units` units in each of several groups.

    Args:
        ahead: ``(constants, state, offset) -> (state, early)`` for a block of units: what of a step does not depend on
            arrivals. It runs while programs wait for each other.
        update: ``(constants, state, early, arrivals, offset) -> (state, spikes, records)``, the rest of the step:
            arrivals is a tuple of one array for each region of the ring, spikes a tuple of flags for each sending
            group, records a tree of arrays. Both are pure functions of their arguments.
        constants: tree of arrays ``[]`` or ``[units]``.
        state: tree of arrays ``[units]``.
        ring: arrivals ``[depth, regions * units]``, row ``(first_row + k) % depth`` due in step k.
        rows: synapses by source; source ``g * units + i`` is unit i of sending group g.
        weight: ``[synapses]``.
        units: units of each group.
        steps: number of steps.
        senders: number of groups whose spikes travel.
        first_row: below depth, int32 scalar.
        tuning: how the work is cut.
        interpret: run without a GPU.

    Returns:
        (state, ring with row ``(first_row + steps) % depth`` due next, spikes uint8 ``[steps, senders * units]``,
        records with a leading axis of steps).
    """
    tuning = tuning or Tuning()
    programs = 1 if interpret else processors() * max(1, 8 // tuning.warps)  # more would wait for a place for ever
    block = 1 << max(0, -(-units // programs) - 1).bit_length()
    block = block if interpret else max(block, 32 * tuning.warps)
    const_leaves, const_tree = jax.tree.flatten(constants)
    state_leaves, state_tree = jax.tree.flatten(state)
    kinds = [leaf.dtype for leaf in state_leaves]

    def whole(constants, state):
        state, early = ahead(constants, state, jnp.int32(0))
        arrivals = tuple(jnp.zeros(units, ring.dtype) for _ in range(ring.shape[1] // units))
        return update(constants, state, early, arrivals, jnp.int32(0))[2]
    record_leaves, record_tree = jax.tree.flatten(jax.eval_shape(whole, constants, state))
    depth, n_slots = ring.shape

    def wide(leaf):
        leaf = leaf.astype(jnp.int8) if leaf.dtype == bool else leaf
        return leaf if leaf.ndim else leaf[None]

    waste = max(block, tuning.width) if interpret else 0  # behind each array, for lanes without work: see `put`
    flat_ring = jnp.concatenate([ring.reshape(-1), jnp.zeros(waste, ring.dtype)])
    # 32 apart: arrivals at the barrier; spikes in the list of even and of odd steps; the first row of the ring.
    signals = jnp.zeros(128, jnp.int32).at[96].set(first_row)
    inputs = [*map(wide, const_leaves), *map(wide, state_leaves), flat_ring, signals, rows.starts,
              rows.ends, rows.targets, rows.delays, weight]
    n_const, n_state = len(const_leaves), len(state_leaves)
    outputs = [*(jax.ShapeDtypeStruct((units + waste,), wide(leaf).dtype) for leaf in state_leaves),
               jax.ShapeDtypeStruct(flat_ring.shape, ring.dtype), jax.ShapeDtypeStruct(signals.shape, jnp.int32),
               *2 * [jax.ShapeDtypeStruct((2 * senders * units + waste,), jnp.int32)],
               jax.ShapeDtypeStruct((steps * senders * units + waste,), jnp.uint8),
               *(jax.ShapeDtypeStruct((steps * units + waste,), leaf.dtype) for leaf in record_leaves)]
    kernel = partial(
        _kernel, ahead=ahead, update=update, const_tree=const_tree, scalar=[leaf.ndim == 0 for leaf in const_leaves],
        state_tree=state_tree, kinds=kinds, units=units, steps=steps, senders=senders, depth=depth, n_slots=n_slots,
        one_delay=rows.delays.shape[0] == 1, block=block, programs=programs, tuning=tuning, interpret=interpret,
        parts=min(programs, max(1, -(-rows.targets.shape[0] // (rows.starts.shape[0] * tuning.run)))))
    found = pl.pallas_call(
        kernel, out_shape=outputs, grid=(programs,), interpret=interpret,
        input_output_aliases={n_const + n_state: n_state, n_const + n_state + 1: n_state + 1},
        compiler_params=None if interpret else plgpu.CompilerParams(num_warps=tuning.warps, num_stages=1),
        name="snnsim_persistent_steps")(*inputs)
    after = [leaf[:units].astype(kind) for leaf, kind in zip(found[:n_state], kinds, strict=True)]
    records = [leaf[:steps * units].reshape(steps, units) for leaf in found[n_state + 5:]]
    return (jax.tree.unflatten(state_tree, after), found[n_state][:ring.size].reshape(ring.shape),
            found[n_state + 4][:steps * senders * units].reshape(steps, -1), jax.tree.unflatten(record_tree, records))


def processors() -> int:
    """Multiprocessors of the GPU."""
    return int(getattr(jax.devices()[0], "core_count", 0)) or 108  # as few as any GPU of the last years with many has


def _kernel(*refs, ahead, update, const_tree, scalar, state_tree, kinds, units, steps, senders, depth, n_slots,
            one_delay, block, programs, tuning, parts, interpret):
    n_const, n_state = len(scalar), len(kinds)
    const_refs, refs = refs[:n_const], refs[n_const:]
    state_refs, refs = refs[:n_state], refs[n_state:]
    starts, ends, targets, delays, weight = refs[2:7]  # ring and signals are aliased to outputs
    after_refs, refs = refs[7:7 + n_state], refs[7 + n_state:]
    ring, signals, first_of, last_of, spikes, *records = refs

    me = pl.program_id(0)
    mine = me * block + jnp.arange(block, dtype=jnp.int32)
    here = mine < units
    safe = jnp.minimum(mine, units - 1)

    def load(ref, index, mask=None, **options):
        return plgpu.load(ref.at[index], mask=mask, other=None if mask is None else 0, **options)

    def put(ref, at, value, mask, size):
        """Store where `mask` holds; interpret mode has no masked stores to repeated places, so the rest goes behind."""
        if interpret:
            plgpu.store(ref.at[jnp.where(mask, at, size + jnp.arange(block, dtype=jnp.int32))], value)
        else:
            plgpu.store(ref.at[at], value, mask=mask)

    def arrive():
        """Tell the others that this program's writes so far are done."""
        if not interpret:
            plgpu.debug_barrier()
            plgpu.atomic_add(signals, (0,), jnp.int32(1))

    def wait(count):
        """Wait until all programs have arrived `count` times; what they wrote before is visible after."""
        if interpret:
            return
        # Looked at by an atomic operation: one thread does it, where a load would keep all of them at it; and later
        # loads have to wait for it.
        jax.lax.while_loop(lambda seen: seen < count * programs,
                           lambda _: plgpu.atomic_add(signals, (0,), jnp.int32(0)),
                           plgpu.atomic_add(signals, (0,), jnp.int32(0)))
        plgpu.debug_barrier()

    wide = [load(ref, jnp.int32(0)) if one else load(ref, safe) for ref, one in zip(const_refs, scalar, strict=True)]
    constants = jax.tree.unflatten(const_tree, wide)
    first_row = load(signals, jnp.int32(96))
    state = [load(ref, safe).astype(kind) for ref, kind in zip(state_refs, kinds, strict=True)]
    own = [(load(starts, g * units + safe), load(ends, g * units + safe)) for g in range(senders)]

    def ahead_of(offset, carry):
        return ahead(constants, jax.tree.unflatten(state_tree, carry), offset)

    def step(offset, carry):
        carry, early = carry
        row = jax.lax.rem(first_row + offset, depth) * n_slots
        arrivals = []
        for region in range(n_slots // units):
            at = row + region * units + safe
            arrivals.append(load(ring, at, here, volatile=True))
            put(ring, at, jnp.zeros(block, ring.dtype), here, depth * n_slots)
        state, fired, found = update(constants, jax.tree.unflatten(state_tree, carry), early, tuple(arrivals), offset)
        parity = jax.lax.rem(offset, 2)
        for g, flags in enumerate(fired):
            flags = jnp.where(here, flags.astype(jnp.int32), 0)
            total = jnp.sum(flags)

            @pl.when(total > 0)
            def _(g=g, flags=flags, total=total):
                first = plgpu.atomic_add(signals, (32 * (1 + parity),), total)
                at = parity * senders * units + first + jnp.cumsum(flags) - flags
                for ref, value in zip((first_of, last_of), own[g], strict=True):
                    put(ref, at, value, flags != 0, 2 * senders * units)
        arrive()
        for g, flags in enumerate(fired):  # what nobody waits for is written while waiting
            at = offset * (senders * units) + g * units + safe
            put(spikes, at, flags.astype(jnp.uint8), here, steps * senders * units)
        for ref, value in zip(records, jax.tree.leaves(found), strict=True):
            put(ref, offset * units + safe, value, here, steps * units)
        wait(2 * offset + 1)
        _send(signals, first_of, last_of, targets, delays, weight, ring, me=me, step=first_row + offset, parity=parity,
              load=load, places=senders * units, depth=depth, n_slots=n_slots, one_delay=one_delay, programs=programs,
              tuning=tuning, parts=parts, interpret=interpret)

        @pl.when(me == 0)
        def _():
            # The other list begins anew: all have read it, none fills it yet.
            plgpu.store(signals.at[32 * (2 - parity)], jnp.int32(0))
        arrive()
        now = jax.tree.leaves(state)
        next_state, early = ahead_of(offset + 1, now)
        more = offset + 1 < steps  # what was begun too early for another chunk is left out
        now = [jnp.where(more, new, old) for new, old in zip(jax.tree.leaves(next_state), now, strict=True)]
        wait(2 * offset + 2)
        return now, early

    begun, early = ahead_of(jnp.int32(0), state)
    state, _ = jax.lax.fori_loop(0, steps, step, (jax.tree.leaves(begun), early))
    for ref, value in zip(after_refs, state, strict=True):
        put(ref, safe, value.astype(ref.dtype), here, units)


def _send(signals, first_of, last_of, targets, delays, weight, ring, *, me, step, parity, load, places, depth,
          n_slots, one_delay, programs, tuning, parts, interpret):
    """This program's share of the synapses of all units in the list.

    A row is cut into `parts`, so that many programs share it; a program reads its part of several rows at once.
    """
    width, run = tuning.width, tuning.run
    lane = jnp.arange(width, dtype=jnp.int32)
    row, column = lane // run, jax.lax.rem(lane, run)
    teams = programs // parts
    team, part = me // parts, jax.lax.rem(me, parts)
    listed = load(signals, 32 * (1 + parity), volatile=True)
    mine = jnp.where(team < teams, (listed - team + teams - 1) // teams, 0)  # spikes of this team
    now = jax.lax.rem(step + 1, depth)

    def some(n, carry):
        spike = (n * (width // run) + row) * teams + team
        valid = spike < listed
        start, end = (load(ref, parity * places + spike, valid, volatile=True) for ref in (first_of, last_of))
        length = (end - start + parts - 1) // parts
        first = start + part * length
        last = jnp.minimum(first + length, end)

        def piece(k, carry):
            index = first + k * run + column
            inside = valid & (index < last)
            index = jnp.where(inside, index, 0)
            target, value = load(targets, index, inside), load(weight, index, inside)
            delay = load(delays, jnp.int32(0)) if one_delay else load(delays, index, inside)
            due = now + delay.astype(jnp.int32)
            at = jnp.where(due >= depth, due - depth, due) * n_slots + target
            add_at(ring, at, value.astype(ring.dtype), inside, interpret)
            return carry
        return jax.lax.fori_loop(0, (jnp.max(length) + run - 1) // run, piece, carry)

    jax.lax.fori_loop(0, (mine + width // run - 1) // (width // run), some, jnp.int32(0))


def add_at(ring, at, value, mask, interpret):
    """``ring[at] += value`` where `mask` holds, also where places repeat."""
    if not interpret:
        plgpu.atomic_add(ring, (at,), value, mask=mask)
        return

    def one(lane, carry):  # interpret mode has no masked atomics, and counts repeated places once
        plgpu.atomic_add(ring, (at[lane],), jnp.where(mask, value, 0)[lane])
        return carry
    jax.lax.fori_loop(0, at.shape[0], one, 0)
