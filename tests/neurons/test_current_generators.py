"""Sources of current: what they put out, when, its statistics, and what they refuse."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError
from snnsim.neurons import AstrocyteLR, DCGenerator, LIFCondExp, NoiseGenerator, StepCurrentGenerator


def network(source, cell=None):
    cell = sn.LI(source.shape) if cell is None else cell
    return sn.Network(dict(source=source, cell=cell),
                      [sn.Projection("source", "cell", sn.OneToOne(1.0), port="current")], key=jax.random.key(0))


def run(source, duration, dt=1.0, cell=None, **options):
    rec = sn.simulate(network(source, cell), duration=duration, dt=dt, record={"source": ["output"], "cell": ["v"]},
                      **options)
    return np.asarray(rec["source", "output"])[:, 0], np.asarray(rec["cell", "v"])[:, 0], rec


SOURCES = {
    "dc": lambda: DCGenerator(3, jnp.array([0.1, 0.2, -0.3]), start=2.0, stop=5.0),
    "step": lambda: StepCurrentGenerator((3,), (1.0, 4.0, 6.0), (0.5, -1.0, 0.25), stop=9.0),
    "noise": lambda: NoiseGenerator(3, 0.2, jnp.array([0.5, 0.0, 1.0]), dt_noise=2.0, start=3.0),
}


@pytest.mark.parametrize("dt", [1.0, 0.5])
def test_when_current_flows(dt):
    """A time of t ms changes the steps that begin at t or later."""
    t = np.arange(0, 10, dt)
    dc, _, _ = run(SOURCES["dc"](), 10.0, dt)
    np.testing.assert_allclose(dc, ((t >= 2) & (t < 5))[:, None] * np.array([0.1, 0.2, -0.3]), rtol=1e-6)
    step, _, _ = run(SOURCES["step"](), 10.0, dt)
    expected = np.select([t < 1, t < 4, t < 6, t < 9], [0.0, 0.5, -1.0, 0.25], 0.0)
    np.testing.assert_array_equal(step, np.repeat(expected[:, None], 3, 1))


def test_a_drive_acts_in_its_own_step(x64):
    """The membrane under a step of current is the closed form, from the step on in which it flows."""
    _, v, _ = run(StepCurrentGenerator(1, (2.0,), (0.5,)), 20.0, 0.5, sn.LI(1, tau_mem=7.0, r_m=3.0))
    t = 0.5 * np.arange(1, 41)  # ends of steps
    np.testing.assert_allclose(v[:, 0], np.where(t > 2, 1.5 * (1 - np.exp(-(t - 2) / 7.0)), 0.0), atol=1e-14)


@pytest.mark.parametrize("name", SOURCES)
def test_a_continued_run_goes_on(name):
    """In one run, in chunks and in two runs joined by their state: the same."""
    source = SOURCES[name]()
    once, v, _ = run(source, 12.0)
    chunks, _, _ = run(source, 12.0, chunk=5)
    first, _, rec = run(source, 7.0)
    second, _, _ = run(source, 5.0, state=rec.state)
    np.testing.assert_array_equal(once, chunks)
    np.testing.assert_array_equal(once, np.concatenate([first, second]))
    assert np.ptp(v) > 0.01


def test_statistics_of_noise(x64):
    """Mean, deviation, constancy within an interval, independence of intervals and units; the membrane's deviation."""
    n, dt, every, tau = 400, 0.5, 2.0, 8.0
    i, v, _ = run(NoiseGenerator(n, 0.3, 0.8, dt_noise=every), 1200.0, dt, sn.LI(n, tau_mem=tau, r_m=5.0))
    blocks = i.reshape(-1, 4, n)
    assert (blocks == blocks[:, :1]).all()
    x = blocks[:, 0]
    error = 0.8 / np.sqrt(x.size)
    assert x.mean() == pytest.approx(0.3, abs=4 * error)
    assert x.std() == pytest.approx(0.8, abs=4 * error)
    centred = (x - 0.3) / 0.8
    for product in (centred[1:] * centred[:-1], centred[:, 1:] * centred[:, :-1]):
        assert abs(product.mean()) < 4 / np.sqrt(product.size)
    assert (centred**4).mean() == pytest.approx(3.0, abs=4 * np.sqrt(96 / centred.size))
    p, settled = np.exp(-every / tau), v[3::4][50:]
    assert settled.std() == pytest.approx(5.0 * 0.8 * np.sqrt((1 - p) / (1 + p)), rel=0.01)
    assert settled.mean() == pytest.approx(1.5, abs=0.02)


def test_noise_depends_on_seed_and_sample_but_not_on_dt_within_intervals(x64):
    source = NoiseGenerator(4, 0.0, 1.0, dt_noise=2.0)
    one, _, _ = run(source, 20.0, 1.0)
    fine, _, _ = run(source, 20.0, 0.5)
    np.testing.assert_array_equal(one[::2], fine[::4])
    other, _, _ = run(source, 20.0, 1.0, seed=1)
    assert not np.isclose(one, other).any()


def test_slopes_by_the_parameters(x64):
    """The output is linear in amplitude, mean and deviation: derivatives are exact."""
    def total(network):
        return sn.simulate(network, duration=10.0, record={"source": ["output"]})["source", "output"].sum()
    by = eqx.filter_grad(total)(network(SOURCES["dc"]())).populations["source"]
    np.testing.assert_array_equal(by.amplitude, [3.0, 3.0, 3.0])
    net = network(NoiseGenerator(3, 0.2, 0.5))
    by = eqx.filter_grad(total)(net).populations["source"]
    assert float(by.mean) == pytest.approx(30.0)
    assert float(by.std) == pytest.approx((float(total(net)) - 6.0) / 0.5)


def test_saved_and_loaded(tmp_path):
    net = sn.Network({name: make() for name, make in SOURCES.items()}, [], key=jax.random.key(0))
    sn.save(net, tmp_path / "net.h5")
    again = sn.load(tmp_path / "net.h5")
    assert again["step"].times == (1.0, 4.0, 6.0)
    assert again["noise"].stop == float("inf")
    record = {name: ["output"] for name in SOURCES}
    old, new = (sn.simulate(which, duration=12.0, record=record) for which in (net, again))
    for name in SOURCES:
        np.testing.assert_array_equal(old[name, "output"], new[name, "output"])


def test_the_same_in_a_flat_layout_and_layer_by_layer(x64):
    """A network of generators, conductance cells and an astrocyte on both paths of the engine."""
    pairs, units = np.argwhere(np.random.default_rng(0).random((20, 20)) < 0.3), np.arange(20)
    weight = np.random.default_rng(1).normal(0, 0.004, len(pairs))
    net = sn.Network(
        dict(noise=NoiseGenerator(20, 0.35, 0.3), step=StepCurrentGenerator(20, (10.0, 50.0), (0.1, -0.1)),
             cells=sn.Refractory(LIFCondExp(20, tau_exc=2.0), t_ref=2.0), astrocytes=AstrocyteLR(2, ca_0=0.19)),
        [sn.Projection("noise", "cells", sn.OneToOne(1.0), port="current"),
         sn.Projection("step", "cells", sn.OneToOne(1.0), port="current"),
         sn.Projection("cells", "cells", sn.Sparse.from_edges(*pairs.T, weight), delay=1.0, port="by_sign"),
         sn.Projection("cells", "astrocytes", sn.Sparse.from_edges(units, units % 2, np.full(20, 900.0)), delay=1.0),
         sn.Projection("astrocytes", "cells", sn.Sparse.from_edges([0, 1, 1], [3, 4, 5], [50.0, 60.0, 70.0]),
                       delay=1.0, port="current")], key=jax.random.key(0))

    def simulated(net):
        return sn.simulate(net, duration=100.0, dt=0.1, record={"cells": ["v", "spikes"], "astrocytes": ["output"]})
    whole, layers = simulated(net), eqx.filter_jit(lambda net: simulated(net).traces)(net)
    assert (whole.path.split(",")[0], float(whole["cells", "spikes"].sum()) > 50) == ("flat", True)
    assert float(whole["astrocytes", "output"].max()) > 1e-3
    np.testing.assert_array_equal(whole["cells", "spikes"], layers["cells"]["spikes"])
    np.testing.assert_allclose(whole["cells", "v"], layers["cells"]["v"], atol=1e-11)
    np.testing.assert_allclose(whole["astrocytes", "output"], layers["astrocytes"]["output"], atol=1e-15)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: DCGenerator(2, np.inf), "amplitude"),
    (lambda: DCGenerator(2, 1.0, start=-1.0), "start <= stop"),
    (lambda: DCGenerator(2, 1.0, start=5.0, stop=4.0), "start <= stop"),
    (lambda: DCGenerator(2, 1.0, stop=np.nan), "start <= stop"),
    (lambda: StepCurrentGenerator(2, (1.0, 2.0), (1.0,)), "one amplitude for each time"),
    (lambda: StepCurrentGenerator(2, (2.0, 1.0), (1.0, 2.0)), "ascending"),
    (lambda: StepCurrentGenerator(2, (1.0, 1.0), (1.0, 2.0)), "ascending"),
    (lambda: StepCurrentGenerator(2, (-1.0,), (1.0,)), "0 ms or more"),
    (lambda: StepCurrentGenerator(2, (1.0,), (np.nan,)), "finite numbers"),
    (lambda: NoiseGenerator(2, 0.0, -1.0), "std"),
    (lambda: NoiseGenerator(2, 0.0, 1.0, dt_noise=0.0), "positive number of ms"),
])
def test_bad_parameters(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


@pytest.mark.parametrize("source", [DCGenerator(1, 1.0, start=0.5), DCGenerator(1, 1.0, stop=0.5),
                                    StepCurrentGenerator(1, (1.5,), (1.0,)), NoiseGenerator(1, dt_noise=0.1),
                                    NoiseGenerator(1, dt_noise=2.5)], ids=str)
def test_times_off_the_grid(source):
    with pytest.raises(ConfigurationError, match="a multiple of dt"):
        run(source, 5.0, 1.0)


def test_nothing_can_be_sent_to_a_generator():
    with pytest.raises(ConfigurationError, match="DCGenerator as target"):
        sn.Network(dict(input=sn.Input(2), source=DCGenerator(2)), [sn.Projection("input", "source", sn.OneToOne(1.0))],
                   key=jax.random.key(0))
