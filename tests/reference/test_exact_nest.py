"""The exact engine against NEST's precise-spiking models: spike times off any grid, currents and whole networks."""

import json

import jax
import numpy as np
import pytest

import snnsim as sn

T = 500.0
NAMES = ("C_m", "tau_m", "E_L", "V_reset", "V_th", "t_ref", "tau_syn_ex", "tau_syn_in")


@pytest.fixture(scope="module")
def nest():
    simulator = pytest.importorskip("nest")
    simulator.set_verbosity("M_ERROR")
    return simulator


@pytest.fixture(scope="module")
def net100(data_folder):
    with np.load(data_folder("nest") / "net100_iaf_psc_exp.npz") as file:
        data = {name: file[name] for name in file.files}
    edges = data["edges"][np.argsort(data["edges"][:, 0], kind="stable")]
    # The input of the clocked reference, moved off its grid.
    times = np.round(data["in_t"] - np.random.default_rng(0).uniform(0.0, 0.09, len(data["in_t"])), 6)
    order = np.argsort(times)
    return json.loads(str(data["params"])), edges, times[order], data["in_idx"][order]


def live(nest, model, parameters, edges, times, units, weight, delay, resolution=0.1):
    """Spikes [(time, unit)] of a network of NEST's precise neurons."""
    nest.ResetKernel()
    nest.set(resolution=resolution)
    n = int(edges[:, :2].max()) + 1
    cells = nest.Create(model, n, params=parameters)
    generators = nest.Create("spike_generator", n, params=[
        {"precise_times": True, "spike_times": times[units == unit]} for unit in range(n)])
    nest.Connect(generators, cells, "one_to_one", {"weight": weight, "delay": delay})
    ids = np.array(cells.tolist())
    nest.Connect(ids[edges[:, 0].astype(int)], ids[edges[:, 1].astype(int)], "one_to_one",
                 {"weight": edges[:, 2], "delay": edges[:, 3]})
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    nest.Simulate(T + 0.1)
    events = recorder.get("events")
    spikes = np.c_[events["times"], events["senders"] - ids[0]]
    return spikes[np.lexsort(spikes.T[::-1])][np.sort(events["times"]) < T]


def ours(cells, edges, times, units, weight, delay, *ports):
    """The same network here; weights in nA or mV."""
    n = cells.size
    chosen = times < T
    net = sn.Network(dict(input=sn.Input(n), cells=cells), dict(
        drive=sn.Projection("input", "cells", sn.OneToOne(weight), delay=delay, port=ports[0]),
        recurrent=sn.Projection("cells", "cells", sn.Sparse.from_edges(*edges[:, :2].astype(int).T, edges[:, 2]),
                                delay=sn.Delay(edges[:, 3]), port=ports[1])), key=jax.random.key(0))
    events = sn.Events.from_times(times[chosen], units[chosen], shape=n, resolution=1e-6)
    found = sn.simulate(net, {"input": events}, duration=T, engine="exact").events("cells")
    return np.array(sorted(zip(found.times, found.indices, strict=True)))


def test_constant_currents_of_the_reference_file(data_folder):
    """NEST's precise times, which the closed form gives to 1e-9 ms."""
    reference = json.loads((data_folder("nest") / "lif_dc_spikes.json").read_text())
    p, currents = reference["params"], (376.0, 400.0, 500.0, 750.0, 1000.0)
    cells = sn.LIFPscExp(5, tau_mem=p["tau_m"], c_m=p["C_m"] * 1e-3, e_l=p["E_L"], v_th=p["V_th"],
                         v_reset=p["V_reset"], i_e=np.array(currents) * 1e-3)
    net = sn.Network(dict(cells=sn.Refractory(cells, t_ref=p["t_ref"])), [], key=jax.random.key(0))
    found = sn.simulate(net, duration=reference["T"], engine="exact").events("cells")
    for unit, current in enumerate(currents):
        expected = np.array(reference["spikes"][f"iaf_psc_exp_ps|{current}"])
        times = found.times[found.indices == unit]
        assert len(expected) > 10
        np.testing.assert_allclose(times[:len(expected)], expected, atol=1e-9, rtol=0)


def test_a_network_of_100_precise_cells(nest, net100, x64):
    """1,608 spikes over 500 ms in the same order, each within 1e-10 ms (4e-12 was seen)."""
    p, edges, times, units = net100
    expected = live(nest, "iaf_psc_exp_ps", {name: p[name] for name in NAMES}, edges, times, units,
                    p["input_weight"], p["input_delay"])
    cells = sn.LIFPscExp(100, tau_mem=p["tau_m"], tau_exc=p["tau_syn_ex"], tau_inh=p["tau_syn_in"],
                         c_m=p["C_m"] * 1e-3, e_l=p["E_L"], v_th=p["V_th"], v_reset=p["V_reset"])
    scaled = edges * [1.0, 1.0, 1e-3, 1.0]
    found = ours(sn.Refractory(cells, t_ref=p["t_ref"]), scaled, times, units, p["input_weight"] * 1e-3,
                 p["input_delay"], "exc", "by_sign")
    assert len(found) == len(expected) > 1500
    np.testing.assert_array_equal(found[:, 1], expected[:, 1])
    np.testing.assert_allclose(found[:, 0], expected[:, 0], atol=1e-10, rtol=0)


def test_a_network_of_precise_delta_cells(nest, x64):
    """Delays are multiples of 0.1 ms and t_ref is none, so that nothing arrives at the very end of a refractory period:
    NEST's precise model lets that pass, while its clocked one and ours (both engines) count it to the period."""
    rng = np.random.default_rng(2)
    mask = rng.random((50, 50)) < 0.2
    i, j = np.nonzero(mask)
    edges = np.c_[i, j, np.round(rng.normal(0.4, 2.5, len(i)), 3), np.round(rng.uniform(0.5, 5.0, len(i)), 1)]
    times = np.sort(np.round(rng.uniform(1.0, T, 12_000), 6))
    units = rng.integers(0, 50, 12_000)
    p = dict(C_m=250.0, tau_m=10.0, E_L=-70.0, V_reset=-70.0, V_th=-55.0, t_ref=2.05, I_e=280.0)
    expected = live(nest, "iaf_psc_delta_ps", p, edges, times, units, 2.5, 1.0, resolution=0.05)
    cells = sn.LIF(50, tau_mem=10.0, r_m=40.0, e_l=-70.0, v_th=-55.0, v_reset=-70.0, i_e=0.28, reset_mechanism="zero")
    found = ours(sn.Refractory(cells, t_ref=2.05, mode="discard"), edges, times, units, 2.5, 1.0, "in", "in")
    assert len(found) == len(expected) > 500
    np.testing.assert_array_equal(found[:, 1], expected[:, 1])
    np.testing.assert_allclose(found[:, 0], expected[:, 0], atol=1e-10, rtol=0)
