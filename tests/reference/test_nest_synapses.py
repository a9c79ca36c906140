"""Cells with alpha currents and with conductances against NEST, live: the same spikes in, spikes and traces compared.

NEST stamps the end of a step, we its beginning; its traces begin at dt, ours hold the end of step 0 first.
"""

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim import neurons

DT, STEPS, CELLS = 0.1, 4000, 6


def spikes(seed=3, rate=0.06):
    """Times (steps of arrival) of 2 sources, excitatory and inhibitory, for each cell: bool ``[2, steps, cells]``."""
    rng = np.random.default_rng(seed)
    given = rng.random((2, STEPS, CELLS)) < rate
    given[:, :2] = False  # NEST's first arrival is at the end of step 1
    return given


def theirs(model, parameters, weights, currents, resolution=DT, record=()):
    """(spikes [n, 2] by cell and step, traces by name ``[steps, cells]``); weights by source in pA or nS, pA."""
    nest = pytest.importorskip("nest")
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.resolution = resolution
    cells = nest.Create(model, CELLS, params=parameters)
    cells.set(I_e=list(currents))
    for given, weight in zip(spikes(), weights, strict=True):
        for unit in range(CELLS):
            times = np.round(np.flatnonzero(given[:, unit]) * DT, 6)
            source = nest.Create("spike_generator", params={"spike_times": times})
            nest.Connect(source, cells[unit], syn_spec={"weight": weight, "delay": DT})
    recorder = nest.Create("spike_recorder")
    meter = nest.Create("multimeter", params={"record_from": list(record), "interval": DT})
    nest.Connect(cells, recorder)
    nest.Connect(meter, cells)
    nest.Simulate(STEPS * DT + DT)
    found, traces = recorder.get("events"), meter.get("events")
    first = cells[0].global_id
    step = np.rint(found["times"] / DT).astype(int) - 1
    pairs = np.c_[found["senders"] - first, step][step < STEPS]
    order = np.lexsort((traces["senders"], traces["times"]))
    return pairs[np.lexsort(pairs.T)], {name: traces[name][order].reshape(-1, CELLS)[:STEPS] for name in record}


def ours(neuron, weights, variables):
    """The same of ours; weights in nA or uS."""
    net = sn.Network(
        dict(exc=sn.Input(CELLS), inh=sn.Input(CELLS), cell=neuron),
        [sn.Projection("exc", "cell", sn.OneToOne(weights[0]), port="exc"),
         sn.Projection("inh", "cell", sn.OneToOne(weights[1]), port="inh")], key=jax.random.key(0))
    given = spikes()[:, :, None].astype(float)
    rec = sn.simulate(net, dict(exc=given[0], inh=given[1]), duration=STEPS * DT, dt=DT,
                      record={"cell": ["spikes", *variables]})
    step, unit = np.nonzero(np.asarray(rec["cell", "spikes"])[:, 0])
    pairs = np.c_[unit, step]
    return pairs[np.lexsort(pairs.T)], {name: np.asarray(rec["cell", name])[:, 0] for name in variables}


@pytest.mark.parametrize(("tau_exc", "tau_inh"), [(2.0, 5.0), (10.0, 0.5), (0.3, 10.0)])
def test_alpha_currents_spike_for_spike(tau_exc, tau_inh, x64):
    """Time constants equal to the membrane's among them."""
    currents = np.array([0.0, 100.0, 250.0, 330.0, 400.0, 500.0])
    amount = 300.0 / tau_exc, -200.0 / tau_inh  # pA
    expected, traces = theirs("iaf_psc_alpha", dict(tau_syn_ex=tau_exc, tau_syn_in=tau_inh), amount, currents,
                              record=("V_m", "I_syn_ex", "I_syn_in"))
    cell = neurons.LIFPscAlpha(CELLS, tau_exc=tau_exc, tau_inh=tau_inh, i_e=currents * 1e-3, spike_at=">=")
    found, variables = ours(sn.Refractory(cell, t_ref=2.0), np.array(amount) * 1e-3, ("v", "i_exc", "i_inh"))
    assert len(expected) > 40
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(variables["v"], traces["V_m"], atol=1e-11)
    np.testing.assert_allclose(variables["i_exc"] * 1e3, traces["I_syn_ex"], atol=1e-9)
    np.testing.assert_allclose(variables["i_inh"] * 1e3, traces["I_syn_in"], atol=1e-9)


CURRENTS = np.array([0.0, 100.0, 150.0, 200.0, 250.0, 300.0])
CONDUCTANCES = dict(tau_syn_ex=2.0, tau_syn_in=5.0)


@pytest.mark.parametrize(("model", "kind", "amount"), [("iaf_cond_exp", neurons.LIFCondExp, (8.0, -12.0)),
                                                       ("iaf_cond_alpha", neurons.LIFCondAlpha, (4.0, -6.0))])
def test_conductances_spike_for_spike(model, kind, amount, x64):
    """NEST integrates with adaptive steps, we with Runge-Kutta on the grid: they differ by less than 1e-5 mV."""
    expected, traces = theirs(model, CONDUCTANCES, amount, CURRENTS, record=("V_m", "g_ex", "g_in"))
    variables, errors = ("v", "g_exc", "g_inh"), {}
    for method in ("rk4", "exponential_euler"):
        cell = kind(CELLS, tau_exc=2.0, tau_inh=5.0, i_e=CURRENTS * 1e-3, spike_at=">=", method=method)
        found, mine = ours(sn.Refractory(cell, t_ref=2.0), np.array(amount) * 1e-3, variables)
        before = min(expected[:, 1].min(), found[:, 1].min())
        errors[method] = np.abs(mine["v"] - traces["V_m"])[:before].max()
        exact = method == "exponential_euler"
        for name, theirs_name in (("g_exc", "g_ex"), ("g_inh", "g_in")):
            np.testing.assert_allclose(mine[name] * 1e3, traces[theirs_name], atol=1e-7 if exact else 1e-5)
        if method == "rk4":
            assert len(expected) > 15
            np.testing.assert_array_equal(found, expected)
            np.testing.assert_allclose(mine["v"], traces["V_m"], atol=1e-5)
        else:  # first order: spikes may move by steps, not by more in number than a few
            assert abs(len(found) - len(expected)) <= 2
    assert errors["rk4"] < 1e-5
    assert 1e-3 < errors["exponential_euler"] < 0.3


@pytest.mark.parametrize(("model", "kind", "amount"), [("aeif_cond_exp", neurons.AdExCondExp, (12.0, -6.0)),
                                                       ("aeif_cond_alpha", neurons.AdExCondAlpha, (6.0, -3.0))])
def test_adaptive_cells_up_to_the_first_spike(model, kind, amount, x64):
    """NEST resets inside its adaptive steps, so only the first spike (within a step) and v before it can be equal."""
    currents = CURRENTS * 4
    expected, traces = theirs(model, dict(CONDUCTANCES, gsl_error_tol=1e-10), amount, currents, record=("V_m", "w"))
    cell = kind(CELLS, tau_exc=2.0, tau_inh=5.0, i_e=currents * 1e-3, v_reset=-60.0)
    found, mine = ours(cell, np.array(amount) * 1e-3, ("v", "w"))
    compared = 0
    for unit in range(CELLS):
        first, same = (pairs[pairs[:, 0] == unit, 1][:1] for pairs in (expected, found))
        assert len(first) == len(same)
        before = STEPS
        if len(first):
            assert abs(first[0] - same[0]) <= 1
            before = min(first[0], same[0]) - 5  # the last 0.5 ms are the upswing
            compared += 1
        np.testing.assert_allclose(mine["v"][:before, unit], traces["V_m"][:before, unit], atol=2e-5)
        np.testing.assert_allclose(mine["w"][:before, unit] * 1e3, traces["w"][:before, unit], atol=1e-5)
    assert compared >= 3
    assert len(found) == pytest.approx(len(expected), rel=0.1)


def test_a_stepped_current_is_that_of_nest(x64):
    """A projection with NEST's delay gives NEST's membrane."""
    nest = pytest.importorskip("nest")
    times, amplitudes = (5.0, 60.0, 200.0), (300.0, 520.0, -100.0)  # ms, pA
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.resolution = DT
    cell = nest.Create("iaf_psc_alpha")
    source = nest.Create("step_current_generator", params=dict(amplitude_times=times, amplitude_values=amplitudes))
    meter = nest.Create("multimeter", params=dict(record_from=["V_m"], interval=DT))
    nest.Connect(source, cell, syn_spec=dict(delay=DT))
    nest.Connect(meter, cell)
    nest.Simulate(300.0 + DT)
    expected = meter.get("events")["V_m"]
    net = sn.Network(
        dict(source=neurons.StepCurrentGenerator(1, times, np.array(amplitudes) * 1e-3),
             cell=sn.Refractory(neurons.LIFPscAlpha(1, spike_at=">="), t_ref=2.0)),
        [sn.Projection("source", "cell", sn.OneToOne(1.0), delay=DT, port="current")], key=jax.random.key(0))
    v = np.asarray(sn.simulate(net, duration=300.0, dt=DT, record={"cell": ["v"]})["cell", "v"])[:, 0, 0]
    assert (v == -70.0).sum() > 100  # it spiked
    np.testing.assert_allclose(v, expected[:len(v)], atol=1e-11)
