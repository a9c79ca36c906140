"""Cells with synaptic conductances against solutions on paper, and what they refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import snnsim as sn
from snnsim.core.errors import ConfigurationError
from snnsim.neurons import AdExCondAlpha, AdExCondExp, LIFCondAlpha, LIFCondExp

EVERYONE = pytest.mark.parametrize("kind", [AdExCondAlpha, AdExCondExp, LIFCondAlpha, LIFCondExp])


def network(neuron, weight, port, projection=None):
    return sn.Network(dict(input=sn.Input(neuron.shape), cell=neuron),
                      [sn.Projection("input", "cell", projection or sn.OneToOne(weight), port=port)],
                      key=jax.random.key(0))


def after(cell, state, duration, steps):
    none = {"current": jnp.zeros(())}
    return jax.lax.fori_loop(0, steps, lambda _, s: cell.flow(s, duration / steps, none), state)


@pytest.mark.parametrize("dt", [0.1, 3.0, 50.0])
def test_a_constant_conductance_is_exact_for_exponential_euler(dt, x64):
    """With conductances that hardly decay v relaxes to the mean of the reversal potentials, by g_total / c_m."""
    cell = LIFCondExp(1, tau_exc=1e15, tau_inh=1e15, v_th=1e6)
    state = cell.init()._replace(g_exc=jnp.asarray(0.02), g_inh=jnp.asarray(0.01))
    total = 0.0166667 + 0.02 + 0.01
    target = (0.0166667 * -70 + 0.02 * 0 + 0.01 * -85) / total
    found = after(cell, state, 20 * dt, 20).v
    np.testing.assert_allclose(found, target + (-70 - target) * np.exp(-20 * dt * total / 0.25), rtol=1e-10)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("exponential_euler", 1), ("rk4", 4)])
@pytest.mark.parametrize("kind", [LIFCondExp, LIFCondAlpha])
def test_order_of_convergence(kind, method, order, x64):
    """Against SciPy's solution of the same equations, written once more."""
    cell = kind(1, tau_exc=2.0, tau_inh=5.0, i_e=0.1, method=method, v_th=1e6)
    state = cell.receive(cell.init(), {"exc": jnp.asarray(0.02), "inh": jnp.asarray(-0.03)})
    alpha = kind is LIFCondAlpha

    def shape(t, tau):
        return t / tau * np.exp(1 - t / tau) if alpha else np.exp(-t / tau)

    def slope(t, v):
        exc, inh = 0.02 * shape(t, 2.0), 0.03 * shape(t, 5.0)
        return (0.0166667 * (-70 - v) + exc * (0 - v) + inh * (-85 - v) + 0.1) / 0.25
    exact = solve_ivp(slope, (0, 5.0), [-70.0], method="DOP853", rtol=1e-13, atol=1e-13).y[0, -1]
    errors = np.array([abs(float(after(cell, state, 5.0, steps).v) - exact) for steps in (16, 32, 64, 128)])
    np.testing.assert_allclose(np.log2(errors[:-1] / errors[1:])[-1], order, atol=0.2)


@pytest.mark.parametrize("kind", [LIFCondExp, AdExCondExp])
def test_by_sign_opens_both_conductances(kind, x64):
    """One projection of both signs: negative weights go to g_inh with their magnitude."""
    net = network(kind(2), None, "by_sign", sn.Dense(np.array([[0.003, -0.002], [-0.001, 0.0]])))
    rec = sn.simulate(net, {"input": np.ones((1, 1, 2))}, duration=0.1, dt=0.1, record={"cell": ["g_exc", "g_inh"]})
    np.testing.assert_allclose(rec["cell", "g_exc"][0, 0], [0.003, 0.0], atol=1e-15)
    np.testing.assert_allclose(rec["cell", "g_inh"][0, 0], [0.001, 0.002], atol=1e-15)


@EVERYONE
def test_shunting_inhibition_saturates_at_its_reversal_potential(kind, x64):
    cell = kind(1, tau_inh=5.0)
    rec = sn.simulate(network(cell, -0.02, "inh"), {"input": np.ones((400, 1, 1))}, duration=8.0, dt=0.02,
                      record={"cell": ["v"]})
    v = np.asarray(rec["cell", "v"])[:, 0, 0]
    assert v.min() >= -85.0
    assert v[-1] == pytest.approx(-85.0, abs=0.2)


@EVERYONE
@pytest.mark.parametrize("wrap", [lambda cell: cell, lambda cell: sn.Refractory(cell, t_ref=2.0)])
@pytest.mark.parametrize(("port", "weight"), [("exc", -0.01), ("inh", 0.01)])
def test_weights_of_the_wrong_sign(kind, wrap, port, weight):
    with pytest.raises(ConfigurationError, match=r"weights .= 0") as caught:
        network(wrap(kind(2)), weight, port)
    assert (f"{weight:g}" in caught.value.got, "by_sign" in caught.value.fix) == (True, True)
    network(wrap(kind(2)), -weight, port)


@pytest.mark.parametrize("wrong", [dict(tau_exc=0.0), dict(tau_inh=-1.0), dict(g_l=0.0), dict(c_m=0.0),
                                   dict(e_exc=np.nan), dict(method="rk5")])
def test_parameters_out_of_bounds(wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        LIFCondExp(1, **wrong)
