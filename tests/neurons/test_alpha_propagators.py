"""The propagators of alpha-shaped currents against the matrix exponential and its derivative."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm, expm_frechet

from snnsim.neurons import LIFPscAlpha
from snnsim.neurons.propagators import alpha_decay, alpha_jump, alpha_onto_leak, decay

TAU = 10.0


def system(tau_syn, tau_mem, dt):
    """d(v, i, feed)/dt with the feed in units of 1 / tau_syn, times dt."""
    return dt * np.array([[-1 / tau_mem, 1 / tau_mem, 0.0], [0.0, -1 / tau_syn, 1 / tau_syn], [0.0, 0.0, -1 / tau_syn]])


@pytest.mark.parametrize("dt", [0.1, 2.0, 40.0])
@pytest.mark.parametrize("difference", [0.0, 1e-14, 1e-9, -1e-6, 1e-4, -1e-3, 0.03, -0.3, 0.7, 6.0])
def test_value_and_slopes(difference, dt, x64):
    """From equal time constants to very different ones, on both sides of where series and closed form meet."""
    tau_s = TAU * (1.0 + difference)
    matrix = system(tau_s, TAU, dt)
    value = alpha_onto_leak(dt, jnp.asarray(tau_s), jnp.asarray(TAU))
    np.testing.assert_allclose(value, expm(matrix)[0, 2], rtol=2e-14)
    slopes = jax.grad(alpha_onto_leak, (1, 2))(dt, jnp.asarray(tau_s), jnp.asarray(TAU))
    by_tau_s = expm_frechet(matrix, np.array([[0, 0, 0], [0, 1, -1], [0, 0, 1]]) * dt / tau_s**2)[1][0, 2]
    by_tau_m = expm_frechet(matrix, np.array([[1, -1, 0], [0, 0, 0], [0, 0, 0]]) * dt / TAU**2)[1][0, 2]
    scale = expm(matrix)[0, 2] / TAU  # a slope may cross zero
    np.testing.assert_allclose(slopes, (by_tau_s, by_tau_m), rtol=1e-11, atol=1e-13 * scale)


@pytest.mark.parametrize("difference", [0.0, 1e-6, 1e-3, 0.1, -0.4])
def test_single_precision(difference):
    tau_s = jnp.float32(TAU * (1.0 + difference))
    found = alpha_onto_leak(0.7, tau_s, jnp.float32(TAU))
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, expm(system(float(tau_s), TAU, 0.7))[0, 2], rtol=2e-6)


def test_an_alpha_function_peaks_at_its_weight(x64):
    tau, t = jnp.asarray(3.0), np.linspace(0.0, 20.0, 2001)
    value = np.array([alpha_decay(jnp.zeros(()), alpha_jump(jnp.asarray(0.7), tau), float(x), tau) for x in t])
    np.testing.assert_allclose(value, 0.7 * t / 3.0 * np.exp(1 - t / 3.0), atol=1e-15)
    assert (value.max(), t[value.argmax()]) == (pytest.approx(0.7), 3.0)
    assert float(decay(3.0, tau)) == pytest.approx(np.exp(-1))


@pytest.mark.parametrize("tau_syn", [10.0, 2.0])
def test_charge_of_an_alpha_current(tau_syn, x64):
    """The area under the membrane's response is the charge w e tau_syn times tau_mem / c_m."""
    cell, dt = LIFPscAlpha(1, tau_exc=tau_syn, e_l=0.0, v_th=1e6), 0.05
    none = {"current": jnp.zeros(())}
    state = cell.receive(cell.init(), {"exc": jnp.asarray(0.3), "inh": jnp.zeros(())})
    _, v = jax.lax.scan(lambda s, _: (cell.flow(s, dt, none), s.v), state, None, length=8000)
    assert float(v.sum()) * dt == pytest.approx(0.3 * np.e * tau_syn * 10.0 / 0.25, rel=1e-5)
