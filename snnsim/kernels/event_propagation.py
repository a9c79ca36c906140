"""Event propagation: the synapses of units that spike are added to a ring of future arrivals.

``ring[(step + t + delay[n]) % depth, sample, target[n]] += spikes[t, sample, source] * weight[n]`` for every synapse
`n` of every source with a spike. Work grows with spikes times their synapses, whatever the number of synapses at
rest; there is no limit on spikes. A C++ kernel serves CPUs, plain JAX everything else; both are tested to agree.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from snnsim.kernels import native

BLOCK = 4096  # synaptic events of one turn of the reference's loop
MOST_EVENTS = 2**31 - 2**13  # counted at a time, in int32; the last block may end beyond them
MOST_AT_ONCE = 2**22  # synapses times rows whose gradient is held at a time


class Rows(NamedTuple):
    """Synapses by source: source `i` has those from ``starts[i]`` to ``ends[i]``. Arrays of JAX or of NumPy."""

    starts: Any  # int32 [sources]
    ends: Any  # int32 [sources]
    targets: Any  # int32 [synapses], slot of the ring
    delays: Any  # uint8, uint16 or int32 [synapses], or [1] for all; steps, below the ring's depth


@jax.custom_vjp
def propagate(ring: jax.Array, spikes: jax.Array, weight: jax.Array, rows: Rows, step: jax.Array) -> jax.Array:
    """The ring with the arrivals that these spikes cause.

    Args:
        ring: ``[depth, batch, slots]``; depth exceeds the largest delay (for several steps: by their number).
        spikes: ``[steps, batch, sources]``, 0 where there is none; a value other than 1 scales the weights.
        weight: ``[synapses]`` or ``[1]``, in the ring's type or bfloat16.
        rows: the synapses.
        step: int32 scalar, absolute step of ``spikes[0]``.

    Differentiable in ring, spikes and weight; the gradient costs steps x batch x synapses.
    """
    weight = weight if weight.dtype == jnp.bfloat16 else weight.astype(ring.dtype)
    arguments = (ring, spikes.astype(ring.dtype), weight, *rows, jnp.asarray(step, jnp.int32))
    if native.available("propagate"):
        return jax.lax.platform_dependent(*arguments, cpu=_native, default=reference)
    return reference(*arguments)


def exchange(ring: jax.Array, counts: jax.Array, values: jax.Array, weight: jax.Array, rows: Rows,
             step: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """One step of a simulation: `propagate` these outputs, then take what is due out of the ring.

    Args:
        ring: ``[depth, batch, slots]``.
        counts: outputs other than 0 so far, int32 ``[batch, sources]``.
        values: outputs ``[batch, sources]``.
        weight: as in `propagate`.
        rows: the synapses; delays count from `step`.
        step: int32 scalar, the step whose arrivals are taken.

    Returns:
        (ring with an empty row for `step`, counts, arrivals ``[batch, slots]``, outputs other than 0 as bits, 32 a
        word, uint32 ``[batch, words]``).
    """
    weight = weight if weight.dtype == jnp.bfloat16 else weight.astype(ring.dtype)
    arguments = (ring, counts, values, weight, *rows, step)
    if native.available("exchange"):
        return jax.lax.platform_dependent(*arguments, cpu=_native_exchange, default=reference_exchange)
    return reference_exchange(*arguments)


def reference_exchange(ring, counts, values, weight, starts, ends, targets, delays, step):
    """`exchange` in plain JAX."""
    ring = reference(ring, values[None], weight, starts, ends, targets, delays, step)
    row = step % ring.shape[0]
    arrivals = jax.lax.dynamic_index_in_dim(ring, row, 0, keepdims=False)
    ring = jax.lax.dynamic_update_index_in_dim(ring, jnp.zeros_like(arrivals), row, 0)
    return ring, counts + (values != 0).astype(counts.dtype), arrivals, packed(values != 0)


def packed(flags: jax.Array) -> jax.Array:
    """Flags ``[..., n]`` as bits, the first the lowest: uint32 ``[..., ceil(n / 32)]``."""
    padding = [(0, 0)] * (flags.ndim - 1) + [(0, -flags.shape[-1] % 32)]
    groups = jnp.pad(flags, padding).reshape(*flags.shape[:-1], -1, 32).astype(jnp.uint32)
    return jnp.sum(groups << jax.lax.broadcasted_iota(jnp.uint32, groups.shape, groups.ndim - 1), -1, dtype=jnp.uint32)


def _native_exchange(ring, counts, values, weight, starts, ends, targets, delays, step):
    batch, sources = values.shape
    results = (jax.ShapeDtypeStruct(ring.shape, ring.dtype), jax.ShapeDtypeStruct(counts.shape, jnp.int32),
               jax.ShapeDtypeStruct(ring.shape[1:], ring.dtype),
               jax.ShapeDtypeStruct((batch, -(-sources // 32)), jnp.uint32))
    call = jax.ffi.ffi_call("snnsim_exchange", results, input_output_aliases={0: 0, 8: 1}, vmap_method="sequential")
    return call(ring, values, weight, starts, ends, targets, delays, step[None], counts)


def _native(ring, spikes, weight, starts, ends, targets, delays, step):
    call = jax.ffi.ffi_call("snnsim_propagate", jax.ShapeDtypeStruct(ring.shape, ring.dtype),
                            input_output_aliases={0: 0}, vmap_method="sequential")
    return call(ring, spikes, weight, starts, ends, targets, delays, step[None])


def reference(ring, spikes, weight, starts, ends, targets, delays, step):
    """The same in plain JAX: a loop over blocks of synaptic events, found by their place in the running total."""
    steps, batch, _ = spikes.shape
    if steps * batch * targets.shape[0] < MOST_EVENTS:
        return _events(ring, spikes, weight, starts, ends, targets, delays, step)
    if batch == 1:
        def one(ring, given):
            offset, spikes = given
            return _events(ring, spikes[None], weight, starts, ends, targets, delays, step + offset), None
        return jax.lax.scan(one, ring, (jnp.arange(steps, dtype=jnp.int32), spikes))[0]

    def alone(ring, spikes):
        return reference(ring[:, None], spikes[:, None], weight, starts, ends, targets, delays, step)[:, 0]
    return jax.lax.map(lambda given: alone(*given), (ring.swapaxes(0, 1), spikes.swapaxes(0, 1))).swapaxes(0, 1)


def _events(ring, spikes, weight, starts, ends, targets, delays, step):
    """All events of spikes that together have fewer than `MOST_EVENTS` synapses."""
    depth, batch, slots = ring.shape
    sources = starts.shape[0]
    values = spikes.reshape(-1)
    if not values.size or not targets.size:
        return ring
    lengths = jnp.where(values != 0, jnp.tile(ends - starts, values.shape[0] // sources), 0)
    until = jnp.cumsum(lengths)  # synaptic events of all rows up to here

    def body(carry):
        first, ring = carry
        event = first + jnp.arange(BLOCK, dtype=jnp.int32)
        row = jnp.minimum(jnp.searchsorted(until, event, side="right"), until.shape[0] - 1).astype(jnp.int32)
        sample, t = row // sources % batch, row // (sources * batch)
        n = starts[row % sources] + event - (until[row] - lengths[row])
        slot = (step + t + _each(delays, n).astype(jnp.int32)) % depth
        arrival = values[row] * _each(weight, n).astype(ring.dtype)
        target = jnp.where(event < until[-1], targets[n], slots)  # beyond the last event: dropped
        return first + BLOCK, ring.at[slot, sample, target].add(arrival, mode="drop")

    return jax.lax.while_loop(lambda carry: carry[0] < until[-1], body, (jnp.int32(0), ring))[1]


def _each(values: jax.Array, n: jax.Array) -> jax.Array:
    return values[0] if values.shape[0] == 1 else values[n]


def _forward(ring, spikes, weight, rows, step):
    return propagate(ring, spikes, weight, rows, step), (spikes, weight, rows, step)


def _backward(kept, upstream):
    spikes, weight, rows, step = kept
    (steps, batch, sources), depth, n_synapses = spikes.shape, upstream.shape[0], rows.targets.shape[0]
    owners = jnp.repeat(jnp.arange(sources, dtype=jnp.int32), rows.ends - rows.starts, total_repeat_length=n_synapses)

    def one(row):
        t, sample = row // batch, row % batch
        slot = (step + t + rows.delays.astype(jnp.int32)) % depth
        adjoint = upstream[slot, sample, rows.targets]
        return (jax.ops.segment_sum(adjoint * weight.astype(upstream.dtype), owners, sources),
                adjoint * spikes[t, sample, owners].astype(upstream.dtype))

    def part(total, of_rows):
        to_spikes, to_weight = jax.vmap(one)(of_rows)
        return total + to_weight.sum(0), to_spikes

    width = max(1, min(steps * batch, MOST_AT_ONCE // max(1, n_synapses)))
    while (steps * batch) % width:
        width -= 1
    total, to_spikes = jax.lax.scan(part, jnp.zeros(n_synapses, upstream.dtype),
                                    jnp.arange(steps * batch, dtype=jnp.int32).reshape(-1, width))
    to_weight = total if weight.shape[0] == n_synapses else total.sum(keepdims=True)
    return (upstream, to_spikes.reshape(spikes.shape).astype(spikes.dtype), to_weight.astype(weight.dtype), None, None)


propagate.defvjp(_forward, _backward)
