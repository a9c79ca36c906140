"""BatchNorm against its formula, Dropout against its statistics."""

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError

KEY = jax.random.key(0)
STEPS, BATCH = 12, 5


def network(*transforms, post=(4,)):
    weight = np.linspace(-1, 2, 3 * int(np.prod(post))).reshape(3, -1)
    return sn.Network(dict(input=sn.Input(3), out=sn.LI(post, tau_mem=1e-3)),
                      [sn.Projection("input", "out", sn.Dense(weight), transforms=transforms)], key=KEY)


def run(net, seed=0, scale=1.0, **options):
    """(arrivals before the transform, output), float64."""
    x = scale * np.random.default_rng(seed).normal(1.0, 2.0, (STEPS, BATCH, 3))
    rec = sn.simulate(net, {"input": x}, duration=float(STEPS), **options)
    arrivals = (x @ np.asarray(net["input_out"].connection.weight)).reshape(STEPS, BATCH, *net["out"].shape)
    return arrivals, np.asarray(rec["out", "output"]), rec


@pytest.mark.parametrize("post", [(4,), (2, 3, 2)])
def test_batch_norm_in_training_and_inference(post, x64):
    """Over time and batch, per unit; per channel for an image."""
    net, axes = network(sn.BatchNorm(momentum=0.25), post=post), (0, 1) if len(post) == 1 else (0, 1, 3, 4)
    arrivals, out, rec = run(net, inference=False)
    mean, variance = (f(arrivals, axis=axes, keepdims=True) for f in (np.mean, np.var))
    np.testing.assert_allclose(out, (arrivals - mean) / np.sqrt(variance + 1e-5), atol=1e-10)
    trained = rec.network()
    running_mean, running_variance = 0.25 * mean, 0.75 + 0.25 * variance
    transform = trained["input_out"].transforms[0]
    np.testing.assert_allclose(transform.mean, running_mean[0, 0], atol=1e-12)
    np.testing.assert_allclose(transform.variance, running_variance[0, 0], atol=1e-12)
    arrivals, out, rec = run(trained, seed=1)
    np.testing.assert_allclose(out, (arrivals - running_mean) / np.sqrt(running_variance + 1e-5), atol=1e-10)
    np.testing.assert_array_equal(rec.network()["input_out"].transforms[0].mean, transform.mean)


def test_batch_norm_gain_and_offset(x64):
    import equinox as eqx
    net = network(sn.BatchNorm())
    net = eqx.tree_at(lambda n: (n["input_out"].transforms[0].scale, n["input_out"].transforms[0].shift), net,
                      (np.arange(1.0, 5.0), np.arange(4.0)))
    _, out, _ = run(net, inference=False)
    np.testing.assert_allclose(out.mean((0, 1)), np.arange(4.0), atol=1e-12)
    np.testing.assert_allclose(out.std((0, 1)), np.arange(1.0, 5.0), rtol=1e-4)


def test_dropout_keeps_a_mask_for_all_steps():
    net = network(sn.Dropout(0.4), post=(400,))
    arrivals, kept, _ = run(net, inference=True)
    np.testing.assert_allclose(kept, arrivals, atol=1e-4)
    arrivals, out, _ = run(net, inference=False)
    alive = (out != 0).any(0)
    assert alive.mean() == pytest.approx(0.6, abs=4 * (0.24 / alive.size) ** 0.5)
    np.testing.assert_allclose(out, arrivals * alive / 0.6, atol=1e-4)
    assert abs(np.corrcoef(alive[0], alive[1])[0, 1]) < 0.25  # each sample has its own
    np.testing.assert_array_equal(alive, (run(net, inference=False, chunk=4)[1] != 0).any(0))
    again = run(net, inference=False, seed=0)[1]
    np.testing.assert_array_equal(out, again)


def test_another_seed_drops_others():
    net, x = network(sn.Dropout(0.5), post=(400,)), np.ones((2, 1, 3))
    a, b = (np.asarray(sn.simulate(net, {"input": x}, duration=2.0, inference=False, seed=s)["out", "output"] != 0)
            for s in (0, 1))
    assert (a != b).mean() > 0.3


@pytest.mark.parametrize("p", [-0.1, 1.0])
def test_no_probability(p):
    with pytest.raises(ConfigurationError, match="0 up to"):
        sn.Dropout(p)


def test_transforms_apply_in_order(x64):
    """Normalisation after dropout sees the dropped arrivals; before it, it does not."""
    first = run(network(sn.Dropout(0.4), sn.BatchNorm(), post=(50,)), inference=False)[1]
    second = run(network(sn.BatchNorm(), sn.Dropout(0.4), post=(50,)), inference=False)[1]
    np.testing.assert_allclose(first.mean((0, 1)), 0.0, atol=1e-9)
    assert (second == 0).mean() > 0.2 > (first == 0).mean()
