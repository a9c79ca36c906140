"""Brunel's network against its own theory: the rate of the stationary state, and its regimes."""

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError
from snnsim.models.cortex import brunel, brunel_rate, current_of_psp, siegert
from snnsim.models.cortex import brunel_constants as c
from snnsim.models.cortex.mean_field import stationary
from snnsim.statistics import cv_isi, mean_correlation

CELL = dict(tau_mem=20.0, t_ref=2.0, v_th=20.0, v_reset=10.0)


def test_rate_without_noise_is_the_closed_form():
    expected = 1e3 / (2.0 + 20.0 * np.log((30.0 - 10.0) / (30.0 - 20.0)))
    assert siegert(30.0, 1e-3, **CELL) == pytest.approx(expected, rel=1e-4)
    assert siegert(15.0, 0.01, **CELL) == 0.0


@pytest.mark.parametrize(("mean", "std"), [(15.0, 4.0), (22.0, 3.0), (-100.0, 60.0)])
def test_the_integral_is_that_of_adaptive_quadrature(mean, std):
    from scipy.integrate import quad
    from scipy.special import erfcx
    integral = quad(lambda u: erfcx(-u), (10.0 - mean) / std, (20.0 - mean) / std, epsabs=0, epsrel=1e-11)[0]
    assert siegert(mean, std, **CELL) == pytest.approx(1e3 / (2.0 + 20.0 * np.sqrt(np.pi) * integral), rel=1e-9)


def test_rate_of_a_cell_under_noise():
    """Two thousand cells under Poisson input of small steps fire as the diffusion approximation says, within 3 %."""
    rate, weight, n = 10_000.0, 0.1, 2000
    net = sn.Network(dict(noise=sn.neurons.PoissonGenerator(n, rate), cells=sn.Refractory(
        sn.LIF(n, tau_mem=20.0, v_th=20.0, v_reset=10.0, reset_mechanism="zero"), t_ref=2.0, mode="discard")),
        [sn.Projection("noise", "cells", sn.OneToOne(weight))], key=jax.random.key(0))
    first = sn.simulate(net, duration=100.0, dt=0.05, record={})
    rec = sn.simulate(net, duration=400.0, dt=0.05, record={}, state=first.state)
    expected = siegert(weight * rate * 0.02, weight * (rate * 0.02) ** 0.5, **CELL)
    assert 5.0 < expected < 50.0
    assert float(rec.rates("cells").mean()) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("order", "g", "eta", "j"), [(2500, 5.0, 2.0, 0.1), (250, 6.0, 1.5, 0.1),
                                                      (500, 5.0, 2.0, 0.2)])
def test_self_consistent_rates(order, g, eta, j):
    """Against another integral and another solver."""
    from scipy.integrate import quad
    from scipy.optimize import brentq
    from scipy.special import erfcx

    def surplus(rate):
        external = eta * 20.0 / (j * 20.0) * 1e3
        mean = j * 0.02 * (external + rate * 0.4 * order - g * rate * 0.1 * order)
        std = j * (0.02 * (external + rate * 0.4 * order + g**2 * rate * 0.1 * order)) ** 0.5
        integral = quad(lambda u: erfcx(-u), (10.0 - mean) / std, (20.0 - mean) / std, epsabs=0, epsrel=1e-10)[0]
        return 1e3 / (2.0 + 20.0 * np.sqrt(np.pi) * integral) - rate

    assert brunel_rate(order, g=g, eta=eta, j=j) == pytest.approx(brentq(surplus, 1.0, 400.0, xtol=1e-6), abs=1e-4)


def test_a_response_above_all_rates_is_refused():
    with pytest.raises(ConfigurationError, match="stationary"):
        stationary(lambda rate: rate + 1.0, highest=500.0)


@pytest.mark.parametrize("synapses", ["delta", "exponential"])
def test_rate_and_irregularity(synapses):
    """Asynchronous irregular state of 2,500 neurons, steps of which are larger by sqrt(5): the theory's rate."""
    net = brunel(500, j=0.2, synapses=synapses, key=jax.random.key(0))
    rec = sn.simulate(net, duration=300.0, dt=0.1, record={"excitatory": ["spikes"]})
    events = rec.events("excitatory").crop(100.0, 300.0)
    rate = events.n_events / 2000 / 0.2
    assert rate == pytest.approx(brunel_rate(500, j=0.2), rel=0.05 if synapses == "delta" else 0.15)
    assert 0.2 < np.nanmean(cv_isi(events)) < 1.2
    assert abs(float(mean_correlation(events, bin_size=2.0, stop=200.0)[0])) < 0.05


@pytest.mark.slow
def test_rate_at_the_size_of_the_paper():
    """12,500 neurons, 15.6 million synapses: within 5 % of theory."""
    net = brunel(key=jax.random.key(0))
    assert sum(len(p.connection.targets) for p in net.projections.values() if p.connection.listed) == 12_500 * 1250
    first = sn.simulate(net, duration=100.0, dt=0.1, record={})
    rec = sn.simulate(net, duration=200.0, dt=0.1, record={}, state=first.state)
    assert float(rec.rates("excitatory").mean()) == pytest.approx(brunel_rate(), rel=0.05)
    assert float(rec.rates("inhibitory").mean()) == pytest.approx(brunel_rate(), rel=0.05)


def test_what_is_built():
    net = brunel(100, g=4.5, eta=0.9, key=jax.random.key(0))
    assert (net["excitatory"].size, net["inhibitory"].size) == (400, 100)
    for pre, inputs, weight in (("excitatory", 40, 0.1), ("inhibitory", 10, -0.45)):
        for post in ("excitatory", "inhibitory"):
            connection = net[f"{pre}_{post}"].connection
            sources, targets = np.asarray(connection.sources), np.asarray(connection.targets)
            assert (np.bincount(targets, minlength=net[post].size) == inputs).all()
            assert len(set(zip(sources.tolist(), targets.tolist(), strict=True))) == len(targets)
            assert pre != post or (sources != targets).all()
            np.testing.assert_allclose(connection.weight, weight, rtol=1e-6)
    # eta times theta / (J tau): the paper's threshold rate times its number of inputs.
    assert float(net["external_excitatory"].rate) == pytest.approx(0.9 * 20.0 / (0.1 * 20.0) * 1e3)


def test_exponential_potentials_have_the_area_of_delta_ones():
    """J tau_mem: 2 mV ms. Their peak is then lower by what the current takes to pass."""
    net = brunel(10, synapses="exponential", key=jax.random.key(0))
    weight = float(net["external_excitatory_excitatory"].connection.weight[0])
    assert weight * c.TAU_SYN * c.TAU_MEM / c.C_M == pytest.approx(c.J * c.TAU_MEM, rel=1e-6)
    peak = weight / current_of_psp(1.0, tau_mem=c.TAU_MEM, tau_syn=c.TAU_SYN, c_m=c.C_M)
    assert 0.85 * c.J < peak < c.J


@pytest.mark.parametrize("wrong", [{"order": 15}, {"order": 0}, {"g": -1.0}, {"eta": -0.1}, {"synapses": "gamma"}])
def test_refusals(wrong):
    with pytest.raises(ConfigurationError, match="brunel"):
        brunel(**wrong, key=jax.random.key(0))
