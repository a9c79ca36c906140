"""Neurons against solutions on paper, against an ODE solver and against Brian2 with the same method."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm, expm_frechet

import snnsim as sn
from snnsim import neurons
from snnsim.core.neuron import AbstractPointNeuron
from snnsim.neurons.propagators import exponential_onto_leak

LOW = dict(v_th=1e6)  # out of reach


def run(neuron, given, dt, *variables, port="current", **options):
    """Recorded variables ``[steps, *shape]`` of one population that is given `given` ``[steps, *shape]`` at a port."""
    given = np.asarray(given, float).reshape(len(given), 1, *neuron.shape)
    net = sn.Network(dict(input=sn.Input(neuron.shape), cell=neuron),
                     [sn.Projection("input", "cell", sn.OneToOne(1.0), port=port)], key=jax.random.key(0))
    rec = sn.simulate(net, {"input": given}, duration=round(len(given) * dt, 9), dt=dt,
                      record={"cell": variables}, **options)
    return tuple(np.asarray(rec["cell", name])[:, 0] for name in variables)


# -- membrane and currents ------------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [0.1, 1.0, 7.0])
def test_lif_step_response(dt, x64):
    cell = sn.LIF(1, tau_mem=13.0, e_l=-2.0, r_m=3.0, i_e=0.25, **LOW)
    v, = run(cell, np.full((20, 1), 0.5), dt, "v")
    t = dt * np.arange(1, 21)
    np.testing.assert_allclose(v[:, 0], -2.0 + 3.0 * 0.75 * (1 - np.exp(-t / 13.0)), rtol=1e-13)


def test_li_forgets_each_jump_exponentially(x64):
    jumps = np.zeros((50, 2))
    jumps[[3, 3, 20], [0, 1, 1]] = 1.5, -2.0, 4.0
    v, = run(sn.LI(2, tau_mem=[5.0, 9.0]), jumps, 0.5, "output", port="in")
    t = 0.5 * np.arange(50)

    def bump(at):
        return np.where(t >= at, np.exp(-(t - at)[:, None].T / np.array([[5.0], [9.0]])), 0.0).T
    expected = bump(1.5) * [1.5, -2.0] + bump(10.0) * [0.0, 4.0]
    np.testing.assert_allclose(v, expected, atol=1e-14)


@pytest.mark.parametrize("reset_mechanism", ["subtract", "zero"])
def test_if_counts_its_charge(reset_mechanism, x64):
    """Without leak the rate is current over threshold; "zero" loses what is above it."""
    spikes, v = run(sn.IF(1, v_th=1.0, r=0.5, reset_mechanism=reset_mechanism, spike_at=">="),
                    np.full((600, 1), 0.75), 1.0, "spikes", "v")  # 3/8 a step
    if reset_mechanism == "subtract":
        assert spikes.sum() == 600 * 3 // 8
        np.testing.assert_allclose(np.cumsum(spikes) + v[:, 0], 0.375 * np.arange(1, 601), atol=1e-12)
    else:
        assert spikes.sum() == 200  # every third step
        assert v[-1, 0] == 0.0


@pytest.mark.parametrize("dt", [0.1, 0.5])
def test_psp_of_an_exponential_current(dt, x64):
    tau_m, tau_s, c, w = 10.0, 2.0, 0.25, 0.12
    cell = sn.LIFPscExp(1, tau_mem=tau_m, tau_exc=tau_s, c_m=c, e_l=-70.0, **LOW)
    v, i = run(cell, np.eye(int(300 / dt), 1) * w, dt, "v", "i_exc", port="exc")
    t = dt * np.arange(len(v))  # the spike arrives at the end of step 0
    psp = w / c * tau_m * tau_s / (tau_m - tau_s) * (np.exp(-t / tau_m) - np.exp(-t / tau_s))
    np.testing.assert_allclose(v[:, 0] + 70.0, psp, atol=1e-12)
    np.testing.assert_allclose(i[:, 0], w * np.exp(-t / tau_s), atol=1e-15)
    peak = tau_m * tau_s / (tau_m - tau_s) * np.log(tau_m / tau_s)
    assert abs(t[v[:, 0].argmax()] - peak) <= dt
    area = (v[:, 0] + 70.0).sum() * dt  # the sum misses the integral by O(dt^2)
    assert area == pytest.approx(w / c * tau_m * tau_s, rel=dt**2 / 10)


def test_inhibition_has_its_own_time_constant(x64):
    cell = sn.LIFPscExp(1, tau_mem=10.0, tau_exc=2.0, tau_inh=5.0, **LOW)
    exc, = run(cell, np.eye(200, 1), 0.1, "v", port="exc")
    inh, = run(cell, -np.eye(200, 1), 0.1, "v", port="inh")
    for depth, tau in ((exc.max() + 70.0, 2.0), (-70.0 - inh.min(), 5.0)):
        peak = tau / 0.25 * (tau / 10.0) ** (tau / (10.0 - tau))  # w tau_s / c (tau_s / tau_m)^(...)
        assert depth == pytest.approx(peak, rel=1e-3)


@pytest.mark.parametrize("difference", [0.0, 1e-14, 1e-10, -1e-7, 1e-5, 1e-4, -9e-4, 1.1e-3, 0.1])
def test_equal_and_nearly_equal_time_constants(difference, x64):
    """Value and slopes of the propagator, against the matrix exponential and its derivative."""
    dt, tau_m = 0.7, 10.0
    tau_s = tau_m * (1.0 + difference)
    matrix = np.array([[-1.0 / tau_m, 1.0 / tau_m], [0.0, -1.0 / tau_s]]) * dt
    value = exponential_onto_leak(dt, jnp.asarray(tau_s), jnp.asarray(tau_m))
    np.testing.assert_allclose(value, expm(matrix)[0, 1], rtol=1e-14)
    slopes = jax.grad(exponential_onto_leak, (1, 2))(dt, jnp.asarray(tau_s), jnp.asarray(tau_m))
    by_tau_s = expm_frechet(matrix, np.array([[0.0, 0.0], [0.0, dt / tau_s**2]]))[1][0, 1]
    by_tau_m = expm_frechet(matrix, np.array([[1.0, -1.0], [0.0, 0.0]]) * dt / tau_m**2)[1][0, 1]
    np.testing.assert_allclose(slopes, (by_tau_s, by_tau_m), rtol=1e-11)


@pytest.mark.parametrize("difference", [0.0, 1e-6, 1e-4, 5e-3, 0.1])
def test_nearly_equal_time_constants_in_single_precision(difference):
    tau = (jnp.float32(10.0 * (1.0 + difference)), jnp.float32(10.0))
    matrix = np.array([[-1.0 / 10.0, 1.0 / 10.0], [0.0, -1.0 / float(tau[0])]]) * 0.7
    np.testing.assert_allclose(exponential_onto_leak(0.7, *tau), expm(matrix)[0, 1], rtol=1e-6)
    by_tau_s = expm_frechet(matrix, np.array([[0.0, 0.0], [0.0, 0.7 / float(tau[0]) ** 2]]))[1][0, 1]
    np.testing.assert_allclose(jax.grad(exponential_onto_leak, 1)(0.7, *tau), by_tau_s, rtol=2e-4)


def test_cubalif_equals_lifpscexp(x64):
    """One equation in two units: r_m i in CubaLIF is r_m i_exc in LIFPscExp."""
    given = np.random.default_rng(0).random((80, 1)) < 0.2
    v, = run(sn.CubaLIF(1, tau_mem=10.0, tau_syn=3.0, r_m=40.0, w_in=0.1, v_th=1e6), given, 0.5, "v", port="in")
    u, = run(sn.LIFPscExp(1, tau_mem=10.0, tau_exc=3.0, c_m=0.25, e_l=0.0, v_th=1e6), 0.1 * given, 0.5, "v", port="exc")
    assert np.abs(v).max() > 1.0
    np.testing.assert_allclose(v, u, atol=1e-12)


def test_alif_threshold_decays_exponentially(x64):
    """After one spike the threshold is v_th + beta exp(-t / tau_adapt): probes just below and above it."""
    at, probe = np.arange(1, 40), {}
    threshold = 1.0 + 0.8 * np.exp(-at * 0.5 / 15.0)
    for side in (-1e-9, 1e-9):
        given = np.zeros((40, 39))
        given[0] = 1.5
        given[at, at - 1] = threshold + side
        cell = sn.ALIF(39, tau_mem=1e-3, tau_adapt=15.0, beta=0.8, reset_mechanism="zero")
        spikes, a = run(cell, given, 0.5, "spikes", "a", port="in")
        assert (spikes[0] == 1).all()
        probe[side] = spikes[at, at - 1]
    assert not probe[-1e-9].any()
    assert probe[1e-9].all()
    np.testing.assert_allclose(a[-1, 38], 1.0 * np.exp(-39 * 0.5 / 15.0) + 1.0, rtol=1e-12)


# -- refractoriness and noise -----------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "expected"), [("clamp", 4), ("discard", 4), ("block", 4)])
@pytest.mark.parametrize("dt", [1.0, 0.1])
def test_a_refractory_cell_waits(mode, expected, dt, x64):
    """Driven far above threshold all the time it fires every t_ref + dt."""
    t_ref = 3 * dt
    spikes, = run(sn.Refractory(sn.LIF(1), t_ref=t_ref, mode=mode), np.full((41, 1), 1e5), dt, "spikes")
    np.testing.assert_array_equal(np.flatnonzero(spikes), np.arange(0, 41, expected))


def test_what_each_refractory_mode_holds(x64):
    """A spike at step 1; one more arrival at step 2, in the refractory period of 3 steps."""
    given, found = np.zeros((9, 1)), {}
    given[0], given[2] = 1e4, 0.5  # the first drives the cell over threshold one step later
    for mode in ("clamp", "discard", "block"):
        cell = sn.LIFPscExp(1, tau_mem=10.0, tau_exc=5.0, c_m=0.25, e_l=-70.0, v_reset=-65.0, i_e=0.01,
                            reset_mechanism="zero")
        found[mode] = run(sn.Refractory(cell, t_ref=3.0, mode=mode), given, 1.0, "v", "i_exc", "spikes",
                          "v_before_reset", port="exc")
    decay = np.exp(-1 / 5.0)
    for mode, (v, i, spikes, _) in found.items():
        assert spikes[:6, 0].tolist() == [0, 1, 0, 0, 0, 1], mode
        extra = 0.0 if mode == "discard" else 0.5  # arrives at step 2
        np.testing.assert_allclose(i[:5, 0], 1e4 * decay ** np.arange(5) + extra * np.r_[0, 0, decay ** np.arange(3)])
        if mode == "block":
            assert v[2, 0] > 1e3
        else:
            np.testing.assert_array_equal(v[1:5, 0], -65.0)
    free = {mode: traces[3][5, 0] for mode, traces in found.items()}
    assert free["discard"] < free["clamp"] < free["block"]


def test_noise_has_the_stated_variance():
    """Ornstein-Uhlenbeck sampled each step: sigma^2 dt / (1 - exp(-2 dt / tau)), near sigma^2 tau / 2."""
    sigma, tau, dt = 0.3, 10.0, 0.5
    v, = run(sn.Noisy(sn.LIF(2000, tau_mem=tau, **LOW), sigma=sigma), np.zeros((600, 2000)), dt, "v")
    v = v[200:]
    exact = sigma**2 * dt / (1 - np.exp(-2 * dt / tau))
    assert v.var() == pytest.approx(exact, rel=0.04)
    assert exact == pytest.approx(sigma**2 * tau / 2, rel=1.1 * dt / tau)
    assert abs(v.mean()) < 0.02 * exact**0.5 * 2
    # lag of one time constant: 1/e; between units: nothing
    lag = int(tau / dt)
    assert (v[lag:] * v[:-lag]).mean() / v.var() == pytest.approx(np.exp(-1), abs=0.03)
    assert abs((v[:, 1:] * v[:, :-1]).mean() / v.var()) < 0.02


# -- exact flows and numerical ones -------------------------------------------------------------------------


POINT = sorted((kind for _, kind in inspect.getmembers(neurons, inspect.isclass)
                if issubclass(kind, AbstractPointNeuron) and not issubclass(kind, neurons.Refractory | neurons.Noisy)),
               key=lambda kind: kind.__name__)
EXACT = [kind for kind in POINT if kind(1).exact_flow is True]


def test_who_claims_an_exact_flow():
    assert {neurons.LIF, neurons.LI, neurons.IF, neurons.ALIF, neurons.CubaLIF, neurons.LIFPscExp} <= set(EXACT)
    for other in (sn.LIF(1, method="euler"), sn.LI(1, method="euler"), sn.CubaLIF(1, method="discrete"),
                  sn.CubaLIF(1, method="euler"), sn.Izhikevich(1), sn.AdEx(1)):
        assert not other.exact_flow


def jumped(neuron, state, *times):
    drive = {port: jnp.asarray(0.3) for port, kind in neuron.ports.items() if kind == "drive"}
    for dt in times:
        state = neuron.flow(state, dt, drive)
    return state


@pytest.mark.parametrize("kind", EXACT, ids=lambda kind: kind.__name__)
def test_two_short_jumps_are_one_long_one(kind, x64):
    neuron, rng = kind(1), np.random.default_rng(3)
    for first, second in ((0.1, 0.2), (3.0, 17.0), (1e-6, 250.0)):
        state = jax.tree.map(lambda leaf: leaf + rng.normal(), neuron.init())
        once, twice = jumped(neuron, state, first + second), jumped(neuron, state, first, second)
        for a, b in zip(jax.tree.leaves(once), jax.tree.leaves(twice), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


SMOOTH = {"Izhikevich": lambda method: sn.Izhikevich(1, i_e=2.0, method=method),
          "AdEx": lambda method: sn.AdEx(1, i_e=0.4, method=method)}


def derivative(name):
    """The equations once more, for SciPy."""
    if name == "Izhikevich":
        return lambda t, y: [0.04 * y[0] ** 2 + 5 * y[0] + 140 - y[1] + 2.0, 0.02 * (0.2 * y[0] - y[1])]
    return lambda t, y: [(-0.03 * (y[0] + 70.6) + 0.03 * 2.0 * np.exp((y[0] + 50.4) / 2.0) - y[1] + 0.4) / 0.281,
                         (0.004 * (y[0] + 70.6) - y[1]) / 144.0]


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("rk4", 4)])
@pytest.mark.parametrize("name", SMOOTH)
def test_order_of_convergence(name, method, order, x64):
    neuron, duration, errors = SMOOTH[name](method), 16.0, []
    start = np.array([float(x) for x in neuron.init()])
    exact = solve_ivp(derivative(name), (0, duration), start, method="DOP853", rtol=1e-13, atol=1e-13).y[:, -1]
    for steps in (64, 128, 256):
        state, dt = neuron.init(), duration / steps
        state = jax.lax.fori_loop(0, steps, lambda _, s, dt=dt: neuron.flow(s, dt, {"current": jnp.zeros(())}), state)
        errors.append(np.abs(np.array([float(x) for x in state]) - exact).max())
    found = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    np.testing.assert_allclose(found, order, atol=0.25)


BRIAN = {
    "Izhikevich": ("""dv/dt = (0.04*v**2 + 5*v + 140 - u + drive)/ms : 1
                      du/dt = 0.02*(0.2*v - u)/ms : 1
                      drive : 1""", "v >= 30", "v = -65; u += 8", [4.0, 10.0, 15.0], (-65.0, -13.0), ("v", "u")),
    "AdEx": ("""dv/dt = (-0.03*(v + 70.6) + 0.03*2.0*exp((v + 50.4)/2.0) - w + drive)/0.281/ms : 1
                dw/dt = (0.004*(v + 70.6) - w)/144.0/ms : 1
                drive : 1""", "v >= 0", "v = -70.6; w += 0.0805", [0.6, 1.0, 1.5], (-70.6, 0.0), ("v", "w")),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BRIAN)
def test_euler_equals_brian2(name, x64):
    b = pytest.importorskip("brian2")
    b.prefs.codegen.target = "numpy"
    b.start_scope()
    equations, threshold, reset, currents, start, variables = BRIAN[name]
    dt, steps = 0.05, 4000
    b.defaultclock.dt = dt * b.ms
    group = b.NeuronGroup(3, equations, threshold=threshold, reset=reset, method="euler")
    group.drive = currents
    for variable, value in zip(variables, start, strict=True):
        setattr(group, variable, value)
    spikes, traces = b.SpikeMonitor(group), b.StateMonitor(group, variables, record=True)
    b.Network(group, spikes, traces).run((steps + 1) * dt * b.ms)
    ours = run(getattr(sn, name)(3, method="euler"), np.tile(currents, (steps, 1)), dt, "spikes", *variables)
    # Brian2 records a step's beginning, we its end: its sample k + 1 is our step k.
    step, unit = np.nonzero(ours[0])
    theirs = np.c_[np.rint(np.array(spikes.t / b.ms) / dt).astype(int), np.array(spikes.i)]
    theirs = theirs[theirs[:, 0] < steps]
    assert len(theirs) > 10
    np.testing.assert_array_equal(np.c_[step, unit], theirs[np.lexsort(theirs.T[::-1])])
    for variable, found in zip(variables, ours[1:], strict=True):
        np.testing.assert_allclose(found, getattr(traces, variable).T[1:], rtol=1e-7, atol=1e-7)


def test_a_spike_of_adex_leaves_no_trace_but_b(x64):
    """The step that overshoots the peak must not enter the adaptation, however steep the upswing was."""
    for method in ("rk4", "euler"):
        given = np.zeros((20, 1))
        given[3] = 35.0  # far into the upswing
        spikes, v, w = run(sn.AdEx(1, method=method), given, 0.1, "spikes", "v", "w", port="in")
        at = int(np.flatnonzero(spikes)[0])
        assert spikes.sum() == 1
        assert at in (4, 5)
        assert v[at, 0] == -70.6
        assert abs(w[at, 0] - w[at - 1, 0] - 0.0805) < 1e-3
        assert abs(v[-1, 0] + 70.6) < 1.0
