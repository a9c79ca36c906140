"""The search for spikes on a GPU, interpreted, is the reference; kernels begin at any row of the ring of arrivals."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flat_networks import drawn, sparse

import snnsim as sn
from snnsim.core.flat import flatten
from snnsim.core.flat_kernels import COMPILED, PERSISTENT, STEPWISE, Given
from snnsim.kernels.event_propagation import Rows, propagate
from snnsim.kernels.spike_search import UNITS, searched

KEY = jax.random.key(0)


def table(rng, sources, synapses, slots, delays):
    """Random rows, some of them empty, and weights whose sums are exact."""
    ends = np.sort(rng.integers(0, synapses + 1, sources))
    starts = np.concatenate([[0], ends[:-1]])
    kind = jnp.uint8 if max(delays) < 256 else jnp.uint16
    rows = Rows(jnp.asarray(starts, jnp.int32), jnp.asarray(ends, jnp.int32),
                jnp.asarray(rng.integers(0, slots, synapses), jnp.int32),
                jnp.asarray(rng.integers(*delays, synapses), kind))
    return rows, jnp.asarray(rng.integers(-8, 9, synapses) / 8, jnp.float32)


@pytest.mark.parametrize(("steps", "batch", "sources", "rate", "delays"), [
    (1, 1, 5, 1.0, (1, 20)), (4, 2, 2 * UNITS + 7, 0.02, (4, 20)), (3, 1, 90, 0.5, (3, 300)), (2, 3, 40, 0.0, (2, 9)),
])
def test_the_search_adds_what_the_reference_adds(steps, batch, sources, rate, delays):
    rng = np.random.default_rng(steps)
    rows, weight = table(rng, sources, 40 * sources, 31, delays)
    ring = jnp.asarray(rng.integers(0, 9, (delays[1] + 2, batch, 31)), jnp.float32)
    spikes = (rng.random((steps, batch, sources)) < rate) * rng.integers(1, 3, (steps, batch, sources))
    for step in (0, delays[1] + 1):
        step = jnp.int32(step)
        found = searched(ring, jnp.asarray(spikes, jnp.float32), weight, rows, step, interpret=True)
        np.testing.assert_array_equal(found, propagate(ring, jnp.asarray(spikes, jnp.float32), weight, rows, step))
        assert (np.asarray(found) != np.asarray(ring)).any() == (rate > 0)


def test_the_search_lowers_for_a_gpu():
    rows, weight = table(np.random.default_rng(0), 9, 90, 31, (1, 20))
    call = jax.jit(lambda ring, spikes: searched(ring, spikes, weight, rows, jnp.int32(0)))
    traced = call.trace(jnp.zeros((22, 1, 31)), jnp.zeros((1, 1, 9)))
    assert "snnsim_spike_search" in traced.lower(lowering_platforms=("cuda",)).as_text()


@pytest.mark.parametrize("kernel", [COMPILED, STEPWISE, PERSISTENT], ids=lambda kernel: kernel.name)
def test_kernels_begin_at_any_row(kernel):
    network = sn.Network({"a": sn.LIFPscExp(24, tau_mem=10.0, v_th=1.0, e_l=0.0, v_reset=0.0, i_e=0.02),
                          "b": sn.LIFPscExp(24, tau_mem=5.0, v_th=1.0, e_l=0.0, v_reset=0.0, i_e=0.03)},
                         [sparse("a", "b", 5, 0.01, delay=drawn(1.0), port="exc"),
                          sparse("b", "a", 5, -0.02, delay=drawn(2.0), port="inh")], key=KEY)
    flat = flatten(network, 0.1)
    states = tuple(jax.tree.map(lambda leaf: leaf[None], neuron.initial_state()) for neuron in flat.groups)
    rng = np.random.default_rng(0)
    ring = jnp.asarray(rng.integers(0, 9, (flat.depth, 1, flat.n_slots)), jnp.float32) / 64

    @partial(jax.jit, static_argnums=1)
    def run(row, steps):
        external, zero = jnp.zeros((steps, 1, 0)), jnp.int32(0)
        given = Given(flat, 0.1, steps, jnp.uint32(0), zero, (("v",),), external, row)
        return kernel.run(given, (states, {}), jnp.roll(ring, row, 0))
    for steps in (1, 2 * flat.depth + 3):
        expected = run(jnp.int32(0), steps)
        for row in (1, flat.depth - 1):
            found = run(jnp.int32(row), steps)
            for a, b in zip(jax.tree.leaves((found[0], *found[2:])), jax.tree.leaves((expected[0], *expected[2:])),
                            strict=True):
                np.testing.assert_array_equal(a, b)
            np.testing.assert_array_equal(jnp.roll(found[1], -row, 0), expected[1])
    assert int(expected[2].sum()) > 0  # there were spikes
