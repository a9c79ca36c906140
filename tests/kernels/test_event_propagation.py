"""Event propagation: the C++ kernel, plain JAX and a loop in NumPy; gradients against finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from snnsim.kernels import event_propagation, native
from snnsim.kernels.event_propagation import Rows, exchange, packed, propagate, reference, reference_exchange

compiles = pytest.mark.skipif(not native.available("propagate"), reason="no C++ compiler")


def table(rng, sources, synapses, slots, depth, delay=np.uint8, one_delay=False):
    """Random synapses by source, some sources without any."""
    ends = np.sort(rng.integers(0, synapses + 1, sources))
    ends[-1] = synapses
    starts = np.concatenate([[0], ends[:-1]])
    delays = rng.integers(0, depth, 1 if one_delay else synapses).astype(delay)
    return Rows(*(jnp.asarray(array) for array in (
        starts.astype(np.int32), ends.astype(np.int32), rng.integers(0, slots, synapses).astype(np.int32), delays)))


def by_numpy(ring, spikes, weight, rows, step):
    """The definition, one synapse at a time, in double precision."""
    ring, spikes, step = np.array(ring, np.float64), np.asarray(spikes, np.float64), int(step)
    starts, ends, targets, delays = (np.asarray(array) for array in rows)
    weight = np.broadcast_to(np.asarray(weight).astype(np.float64), targets.shape)
    delays = np.broadcast_to(delays.astype(int), targets.shape)
    for t, sample, source in zip(*np.nonzero(spikes), strict=True):
        for n in range(starts[source], ends[source]):
            ring[(step + t + delays[n]) % len(ring), sample, targets[n]] += spikes[t, sample, source] * weight[n]
    return ring


# steps, batch, sources, slots, synapses, depth, type of delays, one delay, type of weights, one weight
FORMS = [(1, 1, 40, 6, 200, 5, np.uint8, False, jnp.float32, False),
         (3, 2, 33, 6, 200, 2, np.uint8, False, jnp.bfloat16, False),
         (2, 3, 7, 3, 50, 300, np.uint16, False, jnp.float32, True),
         (3, 1, 32, 1, 90, 4, np.int32, False, jnp.float32, False),
         (1, 2, 64, 5, 100, 9, np.uint8, True, jnp.bfloat16, True),
         (2, 1, 1, 4, 1, 1, np.uint8, False, jnp.float32, False),
         (3, 2, 5, 4, 0, 3, np.uint8, False, jnp.float32, False)]
forms = pytest.mark.parametrize("form", FORMS, ids=lambda form: "-".join(str(getattr(x, "__name__", x)) for x in form))


def cases(form, number=8):
    """Rings, spikes, weights, rows and first steps of this form."""
    steps, batch, sources, slots, synapses, depth, kind, one_delay, weight_kind, one_weight = form
    for seed in range(number):
        rng = np.random.default_rng(seed)
        rows = table(rng, sources, synapses, slots, depth, kind, one_delay)
        density = rng.choice([0.1, 0.5, 1.0])
        values = rng.choice([1.0, 1.0, -0.5, 3.0], (steps, batch, sources)) * (
            rng.random((steps, batch, sources)) < density)
        weight = rng.integers(-8, 8, 1 if one_weight else synapses) / 4  # their sums are exact in any order
        ring = rng.integers(0, 4, (depth + steps - 1, batch, slots))
        yield (jnp.asarray(ring, jnp.float32), jnp.asarray(values, jnp.float32), jnp.asarray(weight, weight_kind),
               rows, jnp.int32(rng.integers(0, 10_000)))


@forms
def test_kernel_reference_and_definition_agree(form):
    """By C++ where there is a compiler, and by plain JAX."""
    kernel, plain = jax.jit(propagate), jax.jit(reference)
    for case in cases(form):
        ring, spikes, weight, rows, step = case
        expected = by_numpy(*case)
        found = kernel(*case)
        assert found.dtype == ring.dtype
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(plain(ring, spikes, weight, *rows, step), expected)


@forms
def test_an_exchange_sends_and_takes_what_is_due(form):
    kernel, plain = jax.jit(exchange), jax.jit(reference_exchange)
    depth = form[5]
    for ring, spikes, weight, rows, step in cases(form):
        ring, values = ring[:depth], spikes[0]
        counts = jnp.arange(values.size, dtype=jnp.int32).reshape(values.shape)
        sent = by_numpy(ring, spikes[:1], weight, rows, step)
        due = sent[step % depth].copy()
        sent[step % depth] = 0
        active = np.asarray(values) != 0
        bits = np.packbits(np.pad(active, ((0, 0), (0, -active.shape[1] % 32))), axis=1, bitorder="little").view("<u4")
        for found in (kernel(ring, counts, values, weight, rows, step),
                      plain(ring, counts, values, weight, *rows, step)):
            for array, expected in zip(found, (sent, np.asarray(counts) + active, due, bits), strict=True):
                np.testing.assert_array_equal(array, expected)
            assert [array.dtype for array in found] == [jnp.float32, jnp.int32, jnp.float32, jnp.uint32]


@compiles
def test_the_order_of_sums_is_that_of_sources(x64):
    """Numbers that do round: the kernel adds in the order of the table, whatever else happens; equal runs are equal."""
    rng = np.random.default_rng(0)
    rows = table(rng, 50, 5000, 7, 9)
    ring, weight = jnp.asarray(rng.normal(size=(9, 2, 7))), jnp.asarray(rng.normal(size=5000))
    spikes = jnp.asarray(rng.random((1, 2, 50)) < 0.5, jnp.float64)
    found = propagate(ring, spikes, weight, rows, jnp.int32(4))
    np.testing.assert_array_equal(found, by_numpy(ring, spikes, weight, rows, 4))
    np.testing.assert_array_equal(found, propagate(ring, spikes, weight, rows, jnp.int32(4)))
    np.testing.assert_allclose(reference(ring, spikes, weight, *rows, jnp.int32(4)), found, rtol=0, atol=1e-12)


def test_more_events_than_a_block_of_the_reference():
    rng = np.random.default_rng(0)
    n = 3 * event_propagation.BLOCK + 17
    rows = table(rng, 5, n, 11, 4)
    weight = jnp.ones(1)
    found = reference(jnp.zeros((4, 1, 11)), jnp.ones((1, 1, 5)), weight, *rows, jnp.int32(0))
    np.testing.assert_array_equal(found, by_numpy(np.zeros((4, 1, 11)), np.ones((1, 1, 5)), weight, rows, 0))
    assert float(found.sum()) == n


def test_more_events_than_an_index_holds(monkeypatch):
    """The running total of a call is kept below 2^31: steps that would exceed it go one after the other."""
    rng = np.random.default_rng(0)
    rows = table(rng, 5, 60, 11, 4)
    spikes = jnp.asarray(rng.random((3, 2, 5)) < 0.7, jnp.float32)
    ring, weight = jnp.zeros((6, 2, 11)), jnp.ones(60)
    expected = by_numpy(ring, spikes, weight, rows, 5)
    for most in (2**31, 3 * 60, 60, 1):
        monkeypatch.setattr(event_propagation, "MOST_EVENTS", most)
        np.testing.assert_array_equal(reference(ring, spikes, weight, *rows, jnp.int32(5)), expected)


def test_a_batch_by_vmap_and_a_loop_by_scan():
    """Transformations of JAX go through the kernel."""
    rng = np.random.default_rng(0)
    rows = table(rng, 6, 40, 5, 3)
    rings = jnp.asarray(rng.integers(0, 4, (4, 3, 1, 5)), jnp.float32)
    spikes = jnp.asarray(rng.random((4, 1, 1, 6)) < 0.5, jnp.float32)
    weight = jnp.asarray(rng.integers(-4, 4, 40), jnp.float32)
    mapped = jax.vmap(lambda ring, spikes: propagate(ring, spikes, weight, rows, jnp.int32(1)))(rings, spikes)
    for k in range(4):
        np.testing.assert_array_equal(mapped[k], by_numpy(rings[k], spikes[k], weight, rows, 1))

    @jax.jit
    def looped(ring):
        def body(ring, given):
            return propagate(ring, given[0], weight, rows, given[1]), None
        return jax.lax.scan(body, ring, (spikes, jnp.arange(4, dtype=jnp.int32)))[0]
    expected = np.asarray(rings[0])
    for k in range(4):
        expected = by_numpy(expected, spikes[k], weight, rows, k)
    np.testing.assert_array_equal(looped(rings[0]), expected)


@pytest.mark.parametrize("native_kernel", [pytest.param(True, marks=compiles), False])
@pytest.mark.parametrize(("one_weight", "one_delay", "most_at_once"), [
    (False, False, 2**22), (True, False, 100), (False, True, 1)])
def test_gradients_equal_finite_differences(native_kernel, one_weight, one_delay, most_at_once, monkeypatch, x64):
    """Of ring, spikes and weights; a part of the rows at a time where there are many synapses."""
    monkeypatch.setattr(event_propagation, "MOST_AT_ONCE", most_at_once)
    monkeypatch.setattr(native, "available", lambda name: native_kernel)
    rng = np.random.default_rng(0)
    rows = table(rng, 6, 30, 5, 4, one_delay=one_delay)
    given = dict(ring=rng.normal(size=(6, 2, 5)), spikes=rng.normal(size=(3, 2, 6)) * (rng.random((3, 2, 6)) < 0.6),
                 weight=rng.normal(size=1 if one_weight else 30))
    target = rng.normal(size=(6, 2, 5))

    @jax.jit
    def loss(given):
        after = propagate(given["ring"], given["spikes"], given["weight"], rows, jnp.int32(7))
        return jnp.sum(jnp.sin(after) * target)

    given = {name: jnp.asarray(array) for name, array in given.items()}
    found = jax.jit(jax.grad(loss))(given)
    h = 1e-6
    for name, array in given.items():
        assert found[name].dtype == jnp.float64
        places = [place for place in np.ndindex(*array.shape) if name != "spikes" or float(array[place]) != 0]
        for place in places[::max(1, len(places) // 12)]:
            moved = [loss({**given, name: array.at[place].add(shift)}) for shift in (h, -h)]
            slope = (float(moved[0]) - float(moved[1])) / (2 * h)
            np.testing.assert_allclose(found[name][place], slope, rtol=1e-6, atol=1e-8, err_msg=f"{name} {place}")


def test_a_silent_source_has_a_gradient_too(x64):
    """A spike that was not sent would have moved its targets: surrogate gradients need that."""
    rows = Rows(*(jnp.asarray(a, jnp.int32) for a in ([0, 2], [2, 3], [0, 1, 1])), jnp.asarray([1, 0, 2], jnp.uint8))
    weight, target = jnp.asarray([2.0, 3.0, 5.0]), jnp.arange(6.0).reshape(3, 1, 2)

    def loss(spikes):
        return jnp.sum(propagate(jnp.zeros((3, 1, 2)), spikes, weight, rows, jnp.int32(0)) * target)
    slopes = jax.grad(loss)(jnp.asarray([[[1.0, 0.0]]]))
    np.testing.assert_array_equal(slopes[0, 0], [2 * target[1, 0, 0] + 3 * target[0, 0, 1], 5 * target[2, 0, 1]])


def test_gradients_keep_the_type_of_the_weights():
    rows = Rows(*(jnp.asarray(a, jnp.int32) for a in ([0], [2], [0, 1])), jnp.zeros(1, jnp.uint8))
    weight = jnp.asarray([2.0, 3.0], jnp.bfloat16)
    ring, spikes = jnp.zeros((1, 1, 2)), jnp.ones((1, 1, 1))
    slope = jax.grad(lambda weight: propagate(ring, spikes, weight, rows, jnp.int32(0)).sum())(weight)
    assert slope.dtype == jnp.bfloat16
    assert slope.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("n", [0, 1, 31, 32, 33, 100])
def test_flags_as_bits(n):
    flags = np.random.default_rng(0).random((2, 3, n)) < 0.5
    words = np.asarray(packed(jnp.asarray(flags)))
    assert words.shape == (2, 3, -(-n // 32))
    bits = np.unpackbits(words.astype("<u4").view(np.uint8), axis=-1, bitorder="little").reshape(2, 3, -1)
    np.testing.assert_array_equal(bits[..., :n], flags)
    assert not bits[..., n:].any()
