"""`propagate` as one GPU kernel: each program looks for spikes among a few units and adds the synapses of those found.

It takes the place of the loop over blocks of synaptic events where that loop would be asked for often, with few spikes
each time: a turn of it costs more than the work. Written for Pallas' Triton backend; runs in interpret mode on a CPU.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton as plgpu

from snnsim.kernels.event_propagation import Rows
from snnsim.kernels.persistent_steps import add_at

UNITS = 256  # among which a program looks, a power of two
WIDTH = 256  # synapses that it adds at once, a power of two


def searched(ring: jax.Array, spikes: jax.Array, weight: jax.Array, rows: Rows, step: jax.Array,
             interpret: bool = False) -> jax.Array:
    """The ring with the arrivals that these spikes cause.

    Args:
        ring: float32 ``[depth, batch, slots]``.
        spikes: ``[steps, batch, sources]``, 0 where there is none; a value other than 1 scales the weights.
        weight: ``[synapses]``.
        rows: the synapses, with a delay each.
        step: int32 scalar, step of ``spikes[0]``.
        interpret: run without a GPU.
    """
    depth, batch, slots = ring.shape
    values = spikes.astype(ring.dtype).reshape(-1)
    kernel = partial(_kernel, places=values.size, sources=rows.starts.shape[0], depth=depth, batch=batch, slots=slots,
                     interpret=interpret)
    after = pl.pallas_call(
        kernel, out_shape=jax.ShapeDtypeStruct((ring.size,), ring.dtype), grid=(max(1, -(-values.size // UNITS)),),
        input_output_aliases={0: 0}, interpret=interpret, name="snnsim_spike_search",
        compiler_params=None if interpret else plgpu.CompilerParams(num_warps=4, num_stages=1),
    )(ring.reshape(-1), values, weight, *rows, step.reshape(1))
    return after.reshape(ring.shape)


def _kernel(_before, values, weight, starts, ends, targets, delays, step, ring, *, places, sources, depth, batch, slots,
            interpret):
    place = pl.program_id(0) * UNITS + jnp.arange(UNITS, dtype=jnp.int32)
    inside = place < places
    value = plgpu.load(values.at[jnp.where(inside, place, 0)], mask=inside, other=0)
    flags = (value != 0).astype(jnp.int32)
    found = jnp.sum(flags)
    lane = jnp.arange(WIDTH, dtype=jnp.int32)

    @pl.when(found > 0)
    def _():
        rank = jnp.cumsum(flags)
        now = plgpu.load(step.at[jnp.int32(0)])

        def spike(k, carry):
            mine = (flags != 0) & (rank == k + 1)
            row = jnp.sum(jnp.where(mine, place, 0))
            amount = jnp.sum(jnp.where(mine, value, 0))
            source, sample, t = row % sources, row // sources % batch, row // (sources * batch)
            start, end = plgpu.load(starts.at[source]), plgpu.load(ends.at[source])

            def piece(n, carry):
                index = start + n * WIDTH + lane
                here = index < end
                index = jnp.where(here, index, 0)
                target = plgpu.load(targets.at[index], mask=here, other=0)
                arrival = amount * plgpu.load(weight.at[index], mask=here, other=0).astype(ring.dtype)
                delay = plgpu.load(delays.at[index], mask=here, other=0).astype(jnp.int32)
                due = jax.lax.rem(now + t + delay, depth)
                add_at(ring, (due * batch + sample) * slots + target, arrival, here, interpret)
                return carry
            return jax.lax.fori_loop(0, (end - start + WIDTH - 1) // WIDTH, piece, carry)
        jax.lax.fori_loop(0, found, spike, jnp.int32(0))
