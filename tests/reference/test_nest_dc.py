"""Constant current into NEST's integrate-and-fire models: spike times, and their error against the closed form."""

import json

import jax
import numpy as np
import pytest

import snnsim as sn

CURRENTS = (376.0, 400.0, 500.0, 750.0, 1000.0)  # pA


@pytest.fixture(scope="module")
def nest(data_folder):
    return json.loads((data_folder("nest") / "lif_dc_spikes.json").read_text())


def cell(model, p, currents):
    """All currents at once, one unit each."""
    common = dict(tau_mem=p["tau_m"], e_l=p["E_L"], v_th=p["V_th"], v_reset=p["V_reset"],
                  i_e=np.asarray(currents) * 1e-3, reset_mechanism="zero", spike_at=">=")
    if model == "iaf_psc_delta":
        inside, mode = sn.LIF(len(currents), r_m=p["tau_m"] / (p["C_m"] * 1e-3), **common), "discard"
    else:
        inside, mode = sn.LIFPscExp(len(currents), c_m=p["C_m"] * 1e-3, **common), "clamp"
    return sn.Refractory(inside, t_ref=p["t_ref"], mode=mode)


def spike_times(neuron, duration, dt):
    """NEST's stamps of each unit: the end of the step."""
    net = sn.Network(dict(input=sn.Input(1), cell=neuron), [], key=jax.random.key(0))
    events = sn.simulate(net, duration=duration, dt=dt).events("cell")
    return [(events.ticks[events.indices == unit] + 1) * dt for unit in range(neuron.size)]


def closed_form(p, current, duration):
    """Spike times of the continuous equation: t_ref + tau ln(RI / (RI - 15)) apart."""
    drive = p["tau_m"] / p["C_m"] * current
    rise = p["tau_m"] * np.log(drive / (drive - (p["V_th"] - p["E_L"])))
    return rise + (rise + p["t_ref"]) * np.arange(int((duration - rise) / (rise + p["t_ref"])) + 1)


@pytest.mark.parametrize("model", ["iaf_psc_delta", "iaf_psc_exp"])
def test_spikes_fall_on_the_steps_of_nest(nest, model, x64):
    found = spike_times(cell(model, nest["params"], CURRENTS), nest["T"], nest["resolution"])
    for current, times in zip(CURRENTS, found, strict=True):
        expected = nest["spikes"][f"{model}|{current}"]
        assert len(expected) > 10
        np.testing.assert_array_equal(np.rint(times * 10), np.rint(np.array(expected) * 10))


def test_the_closed_form_is_that_of_the_precise_models(nest):
    """The yardstick of the next test is NEST's precise spike times to 1e-9 ms."""
    for current in CURRENTS:
        expected = nest["spikes"][f"iaf_psc_exp_ps|{current}"]
        np.testing.assert_allclose(closed_form(nest["params"], current, 1000.0)[:len(expected)], expected, atol=1e-9)


def test_the_error_of_a_spike_time_is_below_a_step_and_halves_with_it(nest, x64):
    """A clocked spike is late by less than a step for each interval before it; the mean lateness halves with dt."""
    p, currents = nest["params"], np.linspace(380.0, 1000.0, 63)
    late = {}
    for dt in (0.4, 0.2, 0.1, 0.05):
        found = spike_times(cell("iaf_psc_exp", p, currents), 100.0, dt)
        late[dt] = np.array([times[0] - closed_form(p, current, 100.0)[0]
                             for current, times in zip(currents, found, strict=True)])
        assert late[dt].min() >= -1e-9
        assert late[dt].max() < dt
    ratios = [late[dt].mean() / late[dt / 2].mean() for dt in (0.4, 0.2, 0.1)]
    np.testing.assert_allclose(ratios, 2.0, rtol=0.25)
