"""The next threshold crossing: closed forms, dense sampling, adversarial shapes, and what comes between crossings."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import snnsim as sn
from snnsim import neurons
from snnsim.core.neuron import AbstractPointNeuron
from snnsim.neurons.crossing import bracketed_root

# All of unit size: threshold 1, rest 0, and a resistance of 1 where there is one.
CELLS = {
    "ALIF": lambda p: sn.ALIF(1, tau_mem=p[0], tau_adapt=p[1], beta=0.7, e_l=p[3]),
    "CubaLIF": lambda p: sn.CubaLIF(1, tau_mem=p[0], tau_syn=p[1], e_l=p[3]),
    "IF": lambda p: sn.IF(1, i_e=p[3] - 0.5),
    "LIF": lambda p: sn.LIF(1, tau_mem=p[0], e_l=p[3]),
    "LIFPscAlpha": lambda p: neurons.LIFPscAlpha(1, tau_mem=p[0], tau_exc=p[1], tau_inh=p[2], c_m=p[0], e_l=p[3],
                                                 v_th=1.0),
    "LIFPscExp": lambda p: sn.LIFPscExp(1, tau_mem=p[0], tau_exc=p[1], tau_inh=p[2], c_m=p[0], e_l=p[3], v_th=1.0),
}
EVERY = pytest.mark.parametrize("name", CELLS)


def neuron_and_state(name, taus, e_l, values):
    neuron = CELLS[name](np.array([*taus, e_l]))
    leaves, kind = jax.tree.flatten(neuron.init())
    return neuron, kind.unflatten([jnp.asarray(v) for v in values[:len(leaves)]])


@eqx.filter_jit
def crossing(neuron, state):
    return neuron.next_crossing(state, {"current": jnp.zeros_like(state.v)})


@eqx.filter_jit
def earliest(neuron, state):
    return neuron.earliest_crossing(state, {"current": jnp.zeros_like(state.v)})


@eqx.filter_jit
def margins(neuron, state, times):
    drive = {"current": jnp.zeros_like(state.v)}
    return jax.vmap(lambda t: neuron.margin(neuron.flow(state, t, drive)))(times)


def checked(neuron, state, longest):
    """The crossing, after comparing it with the margin at 20,000 times before it."""
    found = float(crossing(neuron, state))
    assert float(earliest(neuron, state)) <= found * (1.0 + 1e-12), "a bound that does not hold"
    end = min(found, 90.0 * longest)
    times = np.unique(np.r_[np.linspace(0.0, end, 10_000), end * np.geomspace(1e-9, 1.0, 10_000)])
    before = np.asarray(margins(neuron, state, jnp.asarray(times)))[:-1] if found else np.zeros(1)
    rounding = 1e-13 * (1.0 + max(abs(float(leaf)) for leaf in jax.tree.leaves(state)))
    assert before.max(initial=-1.0) <= rounding, "a crossing was missed"
    if 0.0 < found < np.inf:
        around = found * (1.0 + np.array([-1e-13, 1e-13])) + np.array([-1e-13, 1e-13])
        low, high = np.asarray(margins(neuron, state, jnp.asarray(np.maximum(around, 0.0))))
        assert low <= rounding
        assert high >= -rounding
    return found


TAUS = st.floats(0.5, 50.0)
VALUES = st.floats(-20.0, 20.0)


@EVERY
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_no_crossing_is_missed_and_none_is_invented(name, data):
    with jax.enable_x64(True):
        taus = data.draw(st.tuples(TAUS, TAUS, TAUS))
        if data.draw(st.booleans()):  # time constants that coincide, or nearly
            taus = (taus[0], taus[0] * (1.0 + data.draw(st.sampled_from([0.0, 1e-12, 1e-4]))), taus[2])
        e_l = data.draw(st.floats(-2.0, 2.0))
        values = [data.draw(st.floats(-3.0, 1.0)), *(data.draw(VALUES) for _ in range(4))]
        neuron, state = neuron_and_state(name, taus, e_l, values)
        checked(neuron, state, max(taus))


@EVERY
def test_a_thousand_random_states_of_each(name, x64):
    """Many at once, half of them near the threshold, where extrema lie on both sides of it."""
    rng, found = np.random.default_rng(1), []
    for _ in range(12):
        taus = tuple(np.exp(rng.uniform(0.0, 3.5, 3)))
        neuron, _ = neuron_and_state(name, taus, rng.uniform(-1.0, 1.5), np.zeros(5))
        values = np.c_[rng.uniform(0.5, 1.0, 80), rng.normal(0.0, 2.0, (80, 4))]
        states = neuron_and_state(name, taus, 0.0, values.T)[1]
        found.append(np.asarray(jax.vmap(lambda s, n=neuron: crossing(n, s))(states)))
        bound = np.asarray(jax.vmap(lambda s, n=neuron: earliest(n, s))(states))
        assert (bound <= found[-1] * (1.0 + 1e-12)).all()
        times = np.r_[np.linspace(0.0, 8.0 * max(taus), 30_000), np.linspace(0.0, 1.0, 10_000)]
        times.sort()
        values = np.asarray(jax.vmap(lambda s, n=neuron, t=times: margins(n, s, jnp.asarray(t)))(states))
        above = values > 1e-13
        first = np.where(above.any(1), times[above.argmax(1)], np.inf)
        before = np.where(above.any(1), times[np.maximum(above.argmax(1) - 1, 0)], np.inf)
        here = found[-1]
        assert (here <= first + 1e-12).all(), "a crossing was missed"
        for state in np.flatnonzero(here < before - 1e-9):  # between or behind the samples: it has to be real
            t = here[state] + np.linspace(0.0, 1e-3, 1000)
            one = jax.tree.map(lambda leaf, s=state: leaf[s], states)
            assert np.asarray(margins(neuron, one, jnp.asarray(t))).max() > 0
    found = np.concatenate(found)
    assert 0.15 < np.isfinite(found).mean() < 0.95


def test_constant_current_in_closed_form(x64):
    lif = sn.LIF(1, tau_mem=13.0, e_l=-2.0, r_m=3.0, i_e=1.5, v_th=1.0)
    state = lif.init()
    assert float(crossing(lif, state)) == pytest.approx(13.0 * np.log(4.5 / 1.5), abs=1e-13)
    psc = sn.LIFPscExp(1, tau_mem=13.0, c_m=13.0 / 3.0, e_l=-2.0, i_e=1.5, v_th=1.0)
    assert float(crossing(psc, psc.init())) == pytest.approx(13.0 * np.log(4.5 / 1.5), abs=1e-13)
    charge = sn.IF(1, r=0.25, i_e=2.0, v_th=3.0)
    assert float(crossing(charge, charge.init())) == 6.0


@pytest.mark.parametrize("kind", [sn.LIF, sn.LIFPscExp, sn.CubaLIF, sn.ALIF, neurons.LIFPscAlpha])
def test_a_target_at_or_below_threshold_is_never_reached(kind, x64):
    for e_l in (1.0, 0.999):  # at threshold it takes forever
        neuron = kind(1, e_l=e_l, v_th=1.0)
        start = neuron.init()._replace(v=jnp.asarray(0.5))
        assert float(crossing(neuron, start)) == np.inf


@EVERY
def test_above_threshold_is_now(name, x64):
    neuron, state = neuron_and_state(name, (20.0, 5.0, 7.0), 0.0, [1.5, 0.0, 0.0, 0.0, 0.0])
    assert float(crossing(neuron, state)) == 0.0
    if name == "IF":
        return
    at_threshold, falling = neuron_and_state(name, (20.0, 5.0, 7.0), 0.0, [1.0, 0.0, 0.0, 0.0, 0.0])
    assert float(crossing(at_threshold, falling)) == np.inf


def test_both_extrema_of_two_currents_are_found(x64):
    """Fast inhibition first pulls the membrane down, slow excitation lifts it, and it touches the threshold late."""
    neuron = sn.LIFPscExp(1, tau_mem=10.0, tau_exc=30.0, tau_inh=1.0, c_m=10.0, e_l=0.0, v_th=1.0)
    for late in (3.0, 3.5, 8.0):
        state = neuron.init()._replace(v=jnp.asarray(0.9), i_exc=jnp.asarray(late), i_inh=jnp.asarray(-30.0))
        assert 0.5 < checked(neuron, state, 30.0) < np.inf
    # And the other way round: a short excursion above, then a long one below.
    neuron = sn.LIFPscExp(1, tau_mem=10.0, tau_exc=1.0, tau_inh=30.0, c_m=10.0, e_l=0.0, v_th=1.0)
    state = neuron.init()._replace(v=jnp.asarray(0.95), i_exc=jnp.asarray(4.0), i_inh=jnp.asarray(-1.0))
    assert 0.0 < checked(neuron, state, 30.0) < 1.0


def test_a_grazing_peak_just_above_and_just_below(x64):
    """The peak of the PSP at 1 + 1e-10 is a crossing, at 1 - 1e-10 it is none."""
    neuron = sn.CubaLIF(1, tau_mem=20.0, tau_syn=5.0)
    peak = 0.25 ** (1.0 / 3.0) * 0.25  # (tau_s / tau_m)^(tau_m / (tau_m - tau_s)), for a current of 1
    for excess in (1e-3, 1e-6, 1e-10):
        above, below = (neuron.init()._replace(i=jnp.asarray((1.0 + e) / peak)) for e in (excess, -excess))
        top = 20.0 / 3.0 * np.log(4.0)
        found = float(crossing(neuron, above))
        # m = excess - (t - top)^2 / (2 tau_m tau_s) near the top
        assert found == pytest.approx(top - np.sqrt(200.0 * excess), abs=0.1 * np.sqrt(200.0 * excess) + 1e-6)
        assert float(crossing(neuron, below)) == np.inf


def test_refractory_waits_and_then_looks_again(x64):
    neuron = sn.Refractory(sn.LIF(1, tau_mem=10.0, i_e=2.0), t_ref=3.0)
    start = neuron.init()
    state = neuron.reset(start._replace(neuron=start.neuron._replace(v=jnp.asarray(1.0))), jnp.asarray(1.0))
    drive = {"current": jnp.zeros(())}
    assert float(neuron.next_crossing(state, drive)) == np.inf
    assert float(neuron.next_change(state)) == 3.0
    after = neuron.flow(neuron.flow(state, 3.0, drive), 0.0, drive)
    assert not bool(after.held)
    assert float(neuron.next_change(after)) == np.inf
    assert float(neuron.next_crossing(after, drive)) == pytest.approx(10.0 * np.log(2.0), abs=1e-13)


def test_per_unit_parameters_under_vmap(x64):
    neuron = sn.LIFPscExp(3, tau_mem=10.0, tau_exc=2.0, c_m=[10.0, 5.0, 2.0], e_l=0.0, v_th=1.0)
    states = jax.tree.map(lambda leaf: jnp.full((3,), leaf), neuron.init())._replace(i_exc=jnp.full((3,), 7.0))
    axes = jax.tree.map(lambda leaf: 0 if leaf.ndim else None, neuron)
    together = jax.vmap(crossing, in_axes=(axes, 0))(neuron, states)
    for unit, c_m in enumerate((10.0, 5.0, 2.0)):
        alone = sn.LIFPscExp(1, tau_mem=10.0, tau_exc=2.0, c_m=c_m, e_l=0.0, v_th=1.0)
        assert float(together[unit]) == float(crossing(alone, jax.tree.map(lambda leaf: leaf[0], states)))
    assert np.isfinite(together).tolist() == [False, True, True]


def test_single_precision_is_close(x64):
    with jax.enable_x64(False):
        neuron = sn.LIFPscExp(1, tau_mem=10.0, tau_exc=2.0, tau_inh=5.0, c_m=10.0, e_l=0.0, v_th=1.0)
        state = neuron.init()._replace(i_exc=jnp.asarray(12.0), i_inh=jnp.asarray(-1.0))
        single = crossing(neuron, state)
    assert single.dtype == jnp.float32
    double = crossing(*jax.tree.map(lambda leaf: leaf.astype(float), (neuron, state)))
    assert float(single) == pytest.approx(float(double), rel=1e-4)


def test_a_root_at_the_ends_and_none(x64):
    def f(t):
        return (t - 1.0) * (t - 3.0) * (t - 3.0 - 1e-9)
    low, high = jnp.array([0.0, 1.0, 2.0, 4.0]), jnp.array([2.0, 2.0, 3.0 + 5e-10, 5.0])
    found = bracketed_root(f, low, high, jax.vmap(f)(low), jax.vmap(f)(high))
    np.testing.assert_allclose(found[:1], 1.0, rtol=1e-15)
    assert float(found[2]) == pytest.approx(3.0, abs=1e-9)
    assert float(found[3]) == 4.0  # no change of sign


def test_other_point_neurons_have_none(x64):
    for neuron in (sn.AdEx(1), sn.Izhikevich(1), neurons.LIFCondExp(1)):
        assert type(neuron).next_crossing is AbstractPointNeuron.next_crossing
        with pytest.raises(NotImplementedError):
            neuron.next_crossing(neuron.init(), {})
