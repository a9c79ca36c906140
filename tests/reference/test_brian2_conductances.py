"""Cells with conductances against Brian2 with the same method: the same spikes, traces equal to rounding.

A spike that Brian2's source emits in step k arrives in our step k. Its refractory period is counted from the
beginning of the step of the spike: t_ref of ours is shorter by dt. It records a step's beginning, we its end.
"""

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim import neurons

DT, STEPS, CELLS = 0.1, 1500, 5
CURRENTS = np.array([0.0, 0.1, 0.2, 0.25, 0.3])

LIF = """dv/dt = (0.0166667*(-70 - v) + g_exc*(0 - v) + g_inh*(-85 - v) + drive)/0.25/ms : 1 (unless refractory)
         drive : 1
         """
ADEX = """u = clip(v, -1000, 0) : 1
          dv/dt = (-0.03*(u + 70.6) + 0.03*2.0*exp((u + 50.4)/2.0) - w
                   + g_exc*(0 - u) + g_inh*(-85 - u) + 4*drive)/0.281/ms : 1
          dw/dt = (0.004*(u + 70.6) - w)/144.0/ms : 1
          drive : 1
          """
EXPONENTIAL = """dg_exc/dt = -g_exc/(2*ms) : 1
                 dg_inh/dt = -g_inh/(5*ms) : 1"""
ALPHA = """dg_exc/dt = (dg_exc - g_exc/2)/ms : 1
           ddg_exc/dt = -dg_exc/(2*ms) : 1
           dg_inh/dt = (dg_inh - g_inh/5)/ms : 1
           ddg_inh/dt = -dg_inh/(5*ms) : 1"""
MODELS = {
    "LIFCondExp": (LIF + EXPONENTIAL, ("g_exc += 0.008", "g_inh += 0.012"), 1.0),
    "LIFCondAlpha": (LIF + ALPHA, ("dg_exc += 0.004*exp(1)/2", "dg_inh += 0.006*exp(1)/5"), 0.5),
    "AdExCondExp": (ADEX + EXPONENTIAL, ("g_exc += 0.008", "g_inh += 0.012"), 1.0),
    "AdExCondAlpha": (ADEX + ALPHA, ("dg_exc += 0.004*exp(1)/2", "dg_inh += 0.006*exp(1)/5"), 0.5),
}
CASES = [(name, method) for name in MODELS for method in ("rk4", "euler")] + [("LIFCondExp", "exponential_euler")]


def spikes():
    given = np.random.default_rng(5).random((2, STEPS, CELLS)) < 0.06
    given[:, :2] = False
    return given


def theirs(name, method, variables):
    b = pytest.importorskip("brian2")
    b.prefs.codegen.target = "numpy"
    b.start_scope()
    b.defaultclock.dt = DT * b.ms
    equations, jumps, _ = MODELS[name]
    lif = name.startswith("LIF")
    cells = b.NeuronGroup(CELLS, equations, threshold="v >= -55" if lif else "v >= 0", method=method,
                          reset="v = -60" if lif else "v = -60; w += 0.0805", refractory=2 * b.ms if lif else False)
    cells.v, cells.drive = -70.0 if lif else -70.6, CURRENTS
    parts = []
    for given, jump in zip(spikes(), jumps, strict=True):
        step, unit = np.nonzero(given)
        source = b.SpikeGeneratorGroup(CELLS, unit, step * DT * b.ms)
        synapses = b.Synapses(source, cells, on_pre=jump)
        synapses.connect(j="i")
        parts += [source, synapses]
    monitor, traces = b.SpikeMonitor(cells), b.StateMonitor(cells, variables, record=True)
    b.Network(cells, monitor, traces, *parts).run((STEPS + 1) * DT * b.ms)
    found = np.c_[np.rint(np.array(monitor.t / b.ms) / DT).astype(int), np.array(monitor.i)]
    found = found[found[:, 0] < STEPS]
    return found[np.lexsort(found.T[::-1])], {name: getattr(traces, name).T[1:] for name in variables}


@pytest.mark.parametrize(("name", "method"), CASES)
def test_equal_to_brian2_with_the_same_method(name, method, x64):
    lif, scale = name.startswith("LIF"), MODELS[name][2]
    kind = getattr(neurons, name)
    cell = kind(CELLS, tau_exc=2.0, tau_inh=5.0, v_reset=-60.0, method=method, spike_at=">=",
                i_e=CURRENTS if lif else 4 * CURRENTS)
    variables = cell.init()._fields
    net = sn.Network(
        dict(exc=sn.Input(CELLS), inh=sn.Input(CELLS), cell=sn.Refractory(cell, t_ref=2.0 - DT) if lif else cell),
        [sn.Projection("exc", "cell", sn.OneToOne(0.008 * scale), port="exc"),
         sn.Projection("inh", "cell", sn.OneToOne(-0.012 * scale), port="inh")], key=jax.random.key(0))
    given = spikes()[:, :, None].astype(float)
    rec = sn.simulate(net, dict(exc=given[0], inh=given[1]), duration=STEPS * DT, dt=DT,
                      record={"cell": ["spikes", *variables]})
    expected, traces = theirs(name, method, variables)
    assert len(expected) > 5
    np.testing.assert_array_equal(np.argwhere(np.asarray(rec["cell", "spikes"])[:, 0]), expected)
    for variable in variables:
        np.testing.assert_allclose(np.asarray(rec["cell", variable])[:, 0], traces[variable], rtol=1e-9, atol=1e-9)
