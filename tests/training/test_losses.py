"""Losses against their formulas, by hand and by finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from snnsim.training.losses import CrossEntropy, FirstSpike, RateError, RateRegulariser, read_out


def outputs(seed=0, steps=7, batch=3, classes=4):
    return jnp.asarray(np.random.default_rng(seed).normal(size=(steps, batch, classes)), jnp.float32)


def test_readouts():
    x = np.asarray(outputs())
    np.testing.assert_allclose(read_out(x, "mean"), x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(read_out(x, "sum"), x.sum(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(read_out(x, "max"), x.max(0))
    np.testing.assert_allclose(read_out(x, "last"), x[-1])
    soft = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
    np.testing.assert_allclose(read_out(x, "softmax_sum"), soft.sum(0), rtol=1e-5)


def test_cross_entropy_is_minus_the_log_of_the_share():
    x, labels = outputs(), jnp.array([0, 3, 1])
    share = np.asarray(jax.nn.softmax(x.mean(0)))
    expected = -np.log(share[np.arange(3), np.asarray(labels)])
    np.testing.assert_allclose(CrossEntropy("mean")(x, labels), expected, rtol=1e-5)


def test_label_smoothing_spreads_the_target():
    x, labels = outputs(), jnp.array([0, 3, 1])
    logs = np.asarray(jax.nn.log_softmax(x.mean(0)))
    target = 0.9 * np.eye(4)[np.asarray(labels)] + 0.1 / 4
    np.testing.assert_allclose(CrossEntropy("mean", 0.1)(x, labels), -(target * logs).sum(-1), rtol=1e-5)


def test_first_spike_counts_silent_steps():
    spikes = jnp.zeros((5, 1, 3)).at[2, 0, 0].set(1).at[4, 0, 0].set(1).at[1, 0, 2].set(1)
    np.testing.assert_allclose(FirstSpike(tau=1.0).scores(spikes)[0], [-2, -5, -1])
    # A spike moved into silence lowers the time: the gradient of a score in the spikes is positive there.
    slope = jax.grad(lambda s: FirstSpike(tau=1.0).scores(s)[0, 1])(spikes)
    assert float(slope[0, 0, 1]) == pytest.approx(5.0)


def test_rate_error():
    spikes = jnp.zeros((10, 1, 2)).at[:8, 0, 1].set(1)
    assert float(RateError(0.8, 0.0)(spikes, jnp.array([1]))[0]) == pytest.approx(0.0, abs=1e-7)
    assert float(RateError(0.8, 0.0)(spikes, jnp.array([0]))[0]) == pytest.approx(0.64, rel=1e-5)


def test_rate_regulariser_is_zero_within_the_band_and_quadratic_outside():
    spikes = jnp.zeros((10, 2, 3)).at[:4, :, 0].set(1).at[:9, :, 1].set(1)  # 4, 9 and 0 spikes
    penalty = RateRegulariser("h", low=1.0, high=6.0, strength=0.3)({"h": spikes})
    assert float(penalty) == pytest.approx(0.3 * (0 + 9 + 1) / 3)
