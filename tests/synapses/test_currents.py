"""Exponential and alpha currents: course and charge in closed form, and membranes of neurons that have their own."""

from math import e

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError
from snnsim.neurons import LIFPscAlpha
from snnsim.synapses import AlphaSynapse, ExponentialSynapse


def current(synapse, times, duration, dt, weight=2.0, delay=None, connection=None):
    """The current at each step: what a capacitor without leak collects, over the step."""
    net = sn.Network(dict(input=sn.Input(1), out=sn.IF(1, v_th=1e9)),
                     dict(p=sn.Projection("input", "out", sn.Dense(weight) if connection is None else connection,
                                          port="current", synapse=synapse, delay=delay)), key=jax.random.key(0))
    events = sn.Events.from_times(times, np.zeros(len(times), int), shape=1, resolution=dt)
    rec = sn.simulate(net, {"input": events}, duration=duration, dt=dt, record={"out": ["v"]})
    return np.diff(np.asarray(rec["out", "v"])[:, 0, 0], prepend=0.0) / dt


@pytest.mark.parametrize("dt", [0.1, 1.0, 5.0])
def test_exponential_in_closed_form(dt, x64):
    t = np.arange(round(50 / dt)) * dt - 10.0
    start = current(ExponentialSynapse(4.0, sample="start"), [10.0], 50.0, dt)
    np.testing.assert_allclose(start, np.where(t > -dt / 2, 2.0 * np.exp(-t / 4.0), 0.0), atol=1e-12)
    mean = current(ExponentialSynapse(4.0), [10.0], 50.0, dt)
    expected = 2.0 * 4.0 / dt * (np.exp(-t / 4.0) - np.exp(-(t + dt) / 4.0))
    np.testing.assert_allclose(mean, np.where(t > -dt / 2, expected, 0.0), atol=1e-12)


@pytest.mark.parametrize("dt", [0.1, 1.0, 5.0])
def test_alpha_in_closed_form(dt, x64):
    def integral(t):  # of 2 (t / 4) exp(1 - t / 4)
        return -2.0 * e * (t + 4.0) * np.exp(-t / 4.0)
    t = np.arange(round(60 / dt)) * dt - 10.0
    start = current(AlphaSynapse(4.0, sample="start"), [10.0], 60.0, dt)
    np.testing.assert_allclose(start, np.where(t > -dt / 2, 2.0 * t / 4.0 * np.exp(1 - t / 4.0), 0.0), atol=1e-12)
    mean = current(AlphaSynapse(4.0), [10.0], 60.0, dt)
    np.testing.assert_allclose(mean, np.where(t > -dt / 2, (integral(t + dt) - integral(t)) / dt, 0.0), atol=1e-12)


@pytest.mark.parametrize(("synapse", "charge"), [(ExponentialSynapse, 3.0), (AlphaSynapse, e * 3.0)])
def test_the_mean_keeps_the_charge_whatever_the_step(synapse, charge, x64):
    for dt in (0.1, 0.5, 2.0):
        got = current(synapse(3.0), [2.0, 4.0, 6.0], 150.0, dt).sum() * dt
        assert got == pytest.approx(3 * 2.0 * charge, rel=1e-9)


def test_all_spikes_add_up_and_the_last_one_starts_anew(x64):
    both = {spikes: current(ExponentialSynapse(4.0, sample="start", spikes=spikes), [10.0, 12.0], 30.0, 1.0)
            for spikes in ("all", "last")}
    np.testing.assert_allclose(both["all"][12:], 2.0 * (1 + np.exp(-0.5)) * np.exp(-np.arange(18) / 4.0), atol=1e-12)
    np.testing.assert_allclose(both["last"][12:], 2.0 * np.exp(-np.arange(18) / 4.0), atol=1e-12)


@pytest.mark.parametrize("spikes", ["all", "last"])
def test_delays_of_each_synapse(spikes, x64):
    synapse = ExponentialSynapse(4.0, spikes=spikes)
    one = current(synapse, [3.0, 5.0], 30.0, 1.0, delay=2.0)
    each = current(synapse, [3.0, 5.0], 30.0, 1.0, delay=sn.Delay(np.array([[2.0]])))
    listed = current(synapse, [3.0, 5.0], 30.0, 1.0, delay=sn.Delay([2.0]),
                     connection=sn.Sparse.from_edges([0], [0], [2.0]))
    np.testing.assert_allclose(each, one, atol=1e-13)
    np.testing.assert_allclose(listed, one, atol=1e-13)


@pytest.mark.parametrize(("synapse", "neuron", "tolerance"), [
    (lambda: ExponentialSynapse(2.0), lambda: sn.LIFPscExp(1, tau_exc=2.0, v_th=1e9), 2e-3),
    (lambda: AlphaSynapse(2.0), lambda: LIFPscAlpha(1, tau_exc=2.0, v_th=1e9), 2e-3)])
def test_membranes_of_neurons_with_such_currents(synapse, neuron, tolerance, x64):
    """With small steps the membrane is that of the neuron that integrates the course itself, one step later."""
    dt = 0.01
    events = sn.Events.from_times([5.0, 8.0], [0, 0], shape=1, resolution=dt)
    traces = []
    for projection in (sn.Projection("input", "cell", sn.Dense(0.3), port="current", synapse=synapse(), delay=dt),
                       sn.Projection("input", "cell", sn.Dense(0.3), port="exc")):
        net = sn.Network(dict(input=sn.Input(1), cell=neuron()), dict(p=projection), key=jax.random.key(0))
        rec = sn.simulate(net, {"input": events}, duration=30.0, dt=dt, record={"cell": ["v"]})
        traces.append(np.asarray(rec["cell", "v"])[:, 0, 0])
    assert np.ptp(traces[1]) > 1.0
    np.testing.assert_allclose(traces[0], traces[1], atol=tolerance)


def test_refusals():
    with pytest.raises(ConfigurationError, match="tau_syn"):
        ExponentialSynapse(0.0)
    with pytest.raises(ConfigurationError, match="sample"):
        AlphaSynapse(2.0, sample="end")
