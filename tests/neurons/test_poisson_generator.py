"""Poisson spike trains: their distribution, independence, and the same bits everywhere."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import snnsim as sn
from snnsim.core.errors import ConfigurationError, DivergenceError, ShapeError
from snnsim.core.keys import Rand
from snnsim.neurons import PoissonGenerator
from snnsim.neurons.poisson_generator import MEAN_OF_A_DRAW, at_least

MEANS = [1e-4, 0.003, 0.1, 0.7, 2.32, 6.5, 8.0, 11.0, 30.0]


def counts(source, duration, dt=0.1, **options):
    net = sn.Network(dict(source=source), [], key=jax.random.key(0))
    rec = sn.simulate(net, duration=duration, dt=dt, record={"source": ["output"]}, **options)
    return np.asarray(rec["source", "output"])[:, 0]


@pytest.mark.parametrize("mean", [1e-6, 1e-4, 0.02, 0.5, 1.0, 2.32, 4.0, 7.99, MEAN_OF_A_DRAW])
def test_probabilities_are_those_of_double_precision(mean):
    found = np.array([int(p) for p in at_least(jnp.float32(mean), 1.0, mean)], np.float64) / 2**32
    truth = stats.poisson.sf(np.arange(len(found)), np.float64(np.float32(mean)))
    np.testing.assert_allclose(found, truth, rtol=5e-7, atol=32 * 2.0**-32)  # each term is cut
    assert 0 < found[0] < 1
    assert (np.diff(found) <= 0).all()
    assert stats.poisson.sf(len(found), mean) < 2.0**-31  # nothing is lost beyond the last


@pytest.mark.parametrize("mean", MEANS)
def test_mean_variance_and_distribution(mean):
    """A million draws against the exact distribution; bins of an expected number of 10 or more."""
    x = counts(PoissonGenerator(10_000, mean * 1e4), 10.0).ravel()
    n = x.size
    assert (x == np.rint(x)).all()
    assert x.mean() == pytest.approx(mean, abs=4.5 * np.sqrt(mean / n))
    assert x.var() == pytest.approx(mean, abs=4.5 * np.sqrt((mean + 2 * mean**2) / n))
    top = int(stats.poisson.isf(10 / n, mean))
    bottom = int(stats.poisson.ppf(10 / n, mean))
    k = np.arange(bottom, top + 1)
    expected = n * np.concatenate([[stats.poisson.cdf(bottom, mean)], stats.poisson.pmf(k[1:-1], mean),
                                   [stats.poisson.sf(top - 1, mean)]]) if top > bottom else None
    if expected is not None:
        observed = np.bincount(np.clip(x, bottom, top).astype(int) - bottom, minlength=len(k))
        assert stats.chisquare(observed, expected).pvalue > 1e-3


def test_units_steps_and_seeds_are_independent():
    x = counts(PoissonGenerator(400, 3000.0), 50.0)
    z = (x - x.mean()) / x.std()
    for product in (z[1:] * z[:-1], z[:, 1:] * z[:, :-1], z * (counts(PoissonGenerator(400, 3000.0), 50.0, seed=1)
                                                             - x.mean()) / x.std()):
        assert abs(product.mean()) < 4.5 / np.sqrt(product.size)
    train = x.sum(1)  # the superposition of all is Poisson too
    assert train.var() == pytest.approx(train.mean(), rel=4.5 * np.sqrt(2 / len(train)))


def test_draws_of_one_step_are_independent():
    """A mean of 30 is the sum of four draws: correlated ones would widen the distribution."""
    x = counts(PoissonGenerator(2000, 3e5), 20.0)
    assert x.var() / x.mean() == pytest.approx(1.0, abs=4.5 * np.sqrt(2 / x.size))


@pytest.mark.parametrize("mean", MEANS[::3])
def test_single_and_double_precision_give_the_same_bits(mean):
    found = {}
    for wide in (False, True):
        with jax.enable_x64(wide):
            found[wide] = counts(PoissonGenerator(500, mean * 1e4), 20.0)
    assert (found[False].dtype, found[True].dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(found[False], found[True])
    assert found[False].any()


def test_compiled_and_not_give_the_same_bits():
    rates = jnp.asarray(np.geomspace(1.0, 8e4, 500), jnp.float32)
    compiled = jax.jit(partial(at_least, scale=1e-4, most=8.0))(rates)
    with jax.disable_jit():
        for a, b in zip(compiled, at_least(rates, 1e-4, 8.0), strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_spike_depends_on_its_place_only():
    """Other units, samples, chunks and a continued run change nothing."""
    rates = jnp.asarray(np.linspace(0.0, 3e4, 40), jnp.float32)
    whole = counts(PoissonGenerator(40, rates, max_rate=3e4), 20.0)
    np.testing.assert_array_equal(whole[:, :7], counts(PoissonGenerator(7, rates[:7], max_rate=3e4), 20.0))
    np.testing.assert_array_equal(whole, counts(PoissonGenerator(40, rates, max_rate=3e4), 20.0, chunk=33))
    net = sn.Network(dict(source=PoissonGenerator(40, rates, max_rate=3e4)), [], key=jax.random.key(0))
    first = sn.simulate(net, duration=8.0, dt=0.1, record={"source": ["output"]})
    second = sn.simulate(net, duration=12.0, dt=0.1, record={"source": ["output"]}, state=first.state)
    parts = np.concatenate([first["source", "output"], second["source", "output"]])[:, 0]
    np.testing.assert_array_equal(whole, parts)
    assert not whole[:, 0].any()


def driven(event_driven):
    """Two populations with inputs of their own, recurrent or not: laid out flat, or layer by layer."""
    cells = sn.LIFPscExp(30, tau_exc=0.5, tau_inh=0.5)
    projections = [sn.Projection("noise_a", "a", sn.OneToOne(0.08), port="exc"),
                   sn.Projection("noise_b", "b", sn.OneToOne(0.08), port="exc")]
    if event_driven:
        projections.append(sn.Projection("a", "b", sn.Sparse(sn.synapses.FixedInDegree(3), weight=0.0), delay=1.0))
    net = sn.Network(dict(noise_a=PoissonGenerator(30, 15_000.0, max_rate=2e4), a=cells,
                          noise_b=PoissonGenerator(30, 9_000.0, max_rate=2e4), b=cells), projections,
                     key=jax.random.key(0))
    return sn.simulate(net, duration=100.0, dt=0.1, seed=3, record={"noise_b": ["output"], "a": ["spikes"],
                                                                     "b": ["spikes"]})


def test_the_same_in_both_layouts():
    flat, layers = driven(True), driven(False)
    assert flat.path.startswith("flat")
    assert layers.path == "layers"
    np.testing.assert_array_equal(flat["noise_b", "output"], layers["noise_b", "output"])
    for name in ("a", "b"):
        np.testing.assert_array_equal(flat[name, "spikes"], layers[name, "spikes"])
        assert int(flat.counts[name].sum()) > 20


@pytest.mark.gpu
def test_the_same_bits_on_a_gpu():
    if jax.default_backend() != "gpu" or "cpu" not in (jax.config.jax_platforms or "cpu"):
        pytest.skip("no GPU, or no CPU beside it")
    rates = np.geomspace(1.0, 3e5, 3000)

    def on(device):
        with jax.default_device(device):
            return counts(PoissonGenerator(3000, rates), 50.0)

    np.testing.assert_array_equal(on(jax.devices("gpu")[0]), on(jax.local_devices(backend="cpu")[0]))


def test_words_are_the_bits_behind_uniform_numbers():
    rand = Rand.at(jnp.uint32(1), "x", jnp.int32(2)).of_units((50,))
    first, second = rand.words(3)
    assert (first.dtype, second.dtype) == (jnp.uint32, jnp.uint32)
    np.testing.assert_array_equal(rand.uniform(3), (np.asarray(first) >> 9) * 2.0**-23 + 2.0**-24)
    assert not np.array_equal(first, second)


def test_when_it_is_on():
    x = counts(PoissonGenerator(50, 5000.0, start=2.0, stop=5.0), 10.0)
    t = 0.1 * np.arange(100)
    assert not x[(t < 1.99) | (t > 4.99)].any()
    assert x[20].sum() > 0
    assert x.sum() == pytest.approx(50 * 15, rel=0.2)


@pytest.mark.parametrize(("make", "word"), [
    (lambda: PoissonGenerator(3, -1.0), "-1"),
    (lambda: PoissonGenerator(3, jnp.inf), "inf"),
    (lambda: PoissonGenerator(3, jnp.nan), "nan"),
    (lambda: PoissonGenerator(3, 50.0, max_rate=40.0), "max_rate = 40"),
    (lambda: PoissonGenerator(3, 5.0, max_rate=jnp.inf), "max_rate = inf"),
    (lambda: PoissonGenerator(3, jnp.ones(4)), "rate"),
    (lambda: PoissonGenerator(3, 5.0, stop=-1.0), "stop"),
    (lambda: counts(PoissonGenerator(3, 6e6), 1.0), "spikes a step"),
    (lambda: counts(PoissonGenerator(3, 5.0, start=0.05), 1.0), "multiple of dt"),
    (lambda: jax.jit(lambda r: PoissonGenerator(3, r).rate)(1.0), "max_rate"),
])
def test_refusals(make, word):
    with pytest.raises((ConfigurationError, ShapeError), match=word):
        make()


def test_a_rate_set_too_high_later_does_not_pass_unseen():
    source = eqx.tree_at(lambda s: s.rate, PoissonGenerator(3, 50.0, max_rate=60.0), jnp.asarray(70.0))
    with pytest.raises(DivergenceError, match="source"):
        counts(source, 1.0)
