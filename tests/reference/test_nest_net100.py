"""A recurrent network of 100 iaf_psc_exp cells: every spike of NEST 3.10 at the same step.

The reference file holds 1,487 edges with delays of 1 to 10 ms, 38,401 input spikes and NEST's answer. NEST stamps
a spike at the end of its step, we at the beginning: all of NEST's times are ours plus dt.
"""

import json
from types import SimpleNamespace

import jax
import numpy as np
import pytest

import snnsim as sn


@pytest.fixture(scope="module")
def nest(data_folder):
    with np.load(data_folder("nest") / "net100_iaf_psc_exp.npz") as file:
        data = {name: file[name] for name in file.files}
    parameters = json.loads(str(data["params"]))
    edges = data["edges"][np.argsort(data["edges"][:, 0], kind="stable")]
    dt = parameters["resolution"]
    spikes = np.c_[data["spk_i"], np.rint(data["spk_t"] / dt).astype(int) - 1]
    return SimpleNamespace(
        dt=dt, p=parameters, sources=edges[:, 0].astype(int), targets=edges[:, 1].astype(int),
        weights=edges[:, 2] * 1e-3, delays=edges[:, 3], spikes=spikes[np.lexsort(spikes.T)], v=data["vm0"],
        events=sn.Events.from_times(data["in_t"] - dt, data["in_idx"], shape=100, resolution=dt, sort=True))


def network(nest, dense=False):
    p = nest.p
    cells = sn.LIFPscExp(100, tau_mem=p["tau_m"], tau_exc=p["tau_syn_ex"], tau_inh=p["tau_syn_in"],
                         c_m=p["C_m"] * 1e-3, e_l=p["E_L"], v_th=p["V_th"], v_reset=p["V_reset"],
                         reset_mechanism="zero", spike_at=">=")
    if dense:
        weight, delay = np.zeros((100, 100)), np.full((100, 100), nest.dt)
        assert len(set(zip(nest.sources, nest.targets, strict=True))) == len(nest.sources)
        weight[nest.sources, nest.targets], delay[nest.sources, nest.targets] = nest.weights, nest.delays
        connection = sn.Dense(weight)
    else:
        connection, delay = sn.Sparse.from_edges(nest.sources, nest.targets, nest.weights), nest.delays
    return sn.Network(
        dict(input=sn.Input(100), cells=sn.Refractory(cells, t_ref=p["t_ref"])),
        dict(drive=sn.Projection("input", "cells", sn.OneToOne(p["input_weight"] * 1e-3), delay=p["input_delay"],
                                 port="exc"),
             recurrent=sn.Projection("cells", "cells", connection, delay=sn.Delay(delay), port="by_sign")),
        key=jax.random.key(0))


def run(net, nest, duration, **options):
    """(spikes [n, 2] by unit and step, membrane of unit 0)."""
    rec = sn.simulate(net, {"input": nest.events.crop(0.0, duration)}, duration=duration, dt=nest.dt,
                      record={"cells": ["spikes", "v"]}, **options)
    events = rec.events("cells")
    spikes = np.c_[events.indices, events.ticks]
    return spikes[np.lexsort(spikes.T)], np.asarray(rec["cells", "v"])[:, 0, 0], rec


def until(nest, duration):
    return nest.spikes[nest.spikes[:, 1] < round(duration / nest.dt)]


@pytest.mark.parametrize("chunk", [None, 777])
def test_all_spikes_and_the_membrane(nest, chunk, x64):
    spikes, v, rec = run(network(nest), nest, 500.0, chunk=chunk)
    assert len(nest.spikes) == 1587
    np.testing.assert_array_equal(spikes, nest.spikes)
    # NEST's multimeter holds t = 0.1 to 499.9 ms: our steps 0 to 4998.
    assert np.abs(v[:len(nest.v)] - nest.v).max() < 1e-11
    assert int(rec.counts["cells"].sum()) == 1587
    assert int(rec.counts["input"].sum()) == nest.events.n_events == 38401


@pytest.mark.parametrize(("dense", "chunk", "duration"), [(True, None, 100.0), (False, 1, 15.0), (True, 333, 50.0)])
def test_dense_matrix_and_single_steps(nest, dense, chunk, duration, x64):
    spikes, v, _ = run(network(nest, dense), nest, duration, chunk=chunk)
    assert len(spikes) > 20
    np.testing.assert_array_equal(spikes, until(nest, duration))
    assert np.abs(v - nest.v[:len(v)]).max() < 1e-11


def test_single_precision_stays_close_for_100_ms(nest):
    spikes, v, _ = run(network(nest), nest, 100.0)
    assert v.dtype == np.float32
    expected = until(nest, 100.0)
    close = {(unit, step + shift) for unit, step in spikes for shift in (-1, 0, 1)}
    found = np.mean([tuple(spike) in close for spike in expected])
    assert found >= 0.99
    assert abs(len(spikes) - len(expected)) <= 0.01 * len(expected)


def test_a_wrong_synapse_shows(nest, x64):
    """The comparison can fail: delays longer by one step move spikes."""
    later = SimpleNamespace(**{**vars(nest), "delays": nest.delays + nest.dt})
    spikes, _, _ = run(network(later), nest, 50.0)
    assert not np.array_equal(spikes, until(nest, 50.0))


@pytest.mark.slow
def test_live_nest(nest):
    simulator = pytest.importorskip("nest")
    simulator.ResetKernel()
    simulator.set(resolution=nest.dt)
    names = ("C_m", "tau_m", "E_L", "V_reset", "V_th", "t_ref", "tau_syn_ex", "tau_syn_in")
    cells = simulator.Create("iaf_psc_exp", 100, params={name: nest.p[name] for name in names})
    times = (nest.events.ticks + 1) * nest.dt
    generators = simulator.Create("spike_generator", 100, params=[
        {"spike_times": np.round(times[nest.events.indices == unit], 1)} for unit in range(100)])
    simulator.Connect(generators, cells, "one_to_one",
                      {"weight": nest.p["input_weight"], "delay": nest.p["input_delay"]})
    ids = np.array(cells.tolist())
    simulator.Connect(ids[nest.sources], ids[nest.targets], "one_to_one",
                      {"weight": nest.weights * 1e3, "delay": nest.delays})
    recorder = simulator.Create("spike_recorder")
    simulator.Connect(cells, recorder)
    simulator.Simulate(nest.p["T"])
    events = recorder.get("events")
    spikes = np.c_[events["senders"] - ids[0], np.rint(events["times"] / nest.dt).astype(int) - 1]
    np.testing.assert_array_equal(spikes[np.lexsort(spikes.T)], nest.spikes)
    with jax.enable_x64(True):
        ours, _, _ = run(network(nest), nest, nest.p["T"])
    np.testing.assert_array_equal(ours, spikes[np.lexsort(spikes.T)])


@pytest.mark.slow
def test_live_brian2(nest):
    """Brian2 holds a cell one step longer and delivers input one step later: both shifts are applied."""
    b = pytest.importorskip("brian2")
    b.prefs.codegen.target = "numpy"
    b.start_scope()
    b.defaultclock.dt = nest.dt * b.ms
    p = nest.p
    names = dict(C=p["C_m"] * b.pF, tm=p["tau_m"] * b.ms, te=p["tau_syn_ex"] * b.ms, ti=p["tau_syn_in"] * b.ms,
                 EL=p["E_L"] * b.mV, th=p["V_th"] * b.mV, vr=p["V_reset"] * b.mV)
    cells = b.NeuronGroup(100, """dv/dt = (EL - v)/tm + (ie + ii)/C : volt (unless refractory)
                                  die/dt = -ie/te : amp
                                  dii/dt = -ii/ti : amp""", threshold="v >= th", reset="v = vr",
                          refractory=(p["t_ref"] + nest.dt) * b.ms, method="exact", namespace=names)
    cells.v = p["E_L"] * b.mV
    source = b.SpikeGeneratorGroup(100, nest.events.indices, (nest.events.ticks + 1) * nest.dt * b.ms)
    drive = b.Synapses(source, cells, on_pre=f"ie += {p['input_weight']}*pA",
                       delay=(p["input_delay"] - nest.dt) * b.ms)
    drive.connect(j="i")
    parts = [cells, source, drive]
    for field, chosen in (("ie", nest.weights > 0), ("ii", nest.weights < 0)):
        synapses = b.Synapses(cells, cells, "w : amp", on_pre=f"{field} += w")
        synapses.connect(i=nest.sources[chosen], j=nest.targets[chosen])
        synapses.w, synapses.delay = nest.weights[chosen] * b.nA, nest.delays[chosen] * b.ms
        parts.append(synapses)
    monitor = b.SpikeMonitor(cells)
    network_ = b.Network(*parts, monitor)
    network_.run(p["T"] * b.ms)
    spikes = np.c_[np.array(monitor.i), np.rint(np.array(monitor.t / b.ms) / nest.dt).astype(int)]
    # Brian2 stamps the beginning of the step, as we do.
    np.testing.assert_array_equal(spikes[np.lexsort(spikes.T)], nest.spikes)
