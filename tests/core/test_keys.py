"""Randomness: the published generator, the same numbers for every batch and chunk, and their distribution."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.keys import Rand, named_key, threefry


def test_twenty_rounds_are_jax_threefry():
    from jax.extend.random import threefry_2x32
    key = jnp.asarray(np.random.default_rng(0).integers(0, 2**32, 2, np.uint32))
    counters = jnp.asarray(np.random.default_rng(1).integers(0, 2**32, (2, 40), np.uint32))
    found = jax.jit(lambda k, c: threefry((k[0], k[1]), (c[0], c[1]), rounds=20))(key, counters)
    np.testing.assert_array_equal(np.concatenate(found), threefry_2x32(key, counters.ravel()))


@pytest.mark.parametrize(("key", "counter", "expected"), [
    ((0, 0), (0, 0), (0x9D1C5EC6, 0x8BD50731)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0xFD36D048, 0x2D17272C)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xBA3E4725, 0xF27D669E)),
])
def test_thirteen_rounds_are_those_of_random123(key, counter, expected):
    """Known answers that the authors publish for threefry2x32 with 13 rounds."""
    words = [jnp.uint32(word) for word in (*key, *counter)]
    assert tuple(int(word) for word in threefry(tuple(words[:2]), tuple(words[2:]))) == expected


@partial(jax.jit, static_argnames=("batch", "units", "name"))
def drawn(batch=3, units=4, step=5, seed=1, name="a"):
    rand = Rand.at(jnp.uint32(seed), name, jnp.int32(step))
    return jax.vmap(lambda r: r.of_units((units,)).uniform(), in_axes=(Rand.axes("sample"),))(rand.of_samples(batch))


def test_a_number_depends_on_its_place_only():
    found = drawn()
    np.testing.assert_array_equal(found, drawn(batch=7, units=9)[:3, :4])
    others = [drawn(step=6), drawn(seed=2), drawn(name="b")]
    for other in others:
        assert not (np.asarray(found) == np.asarray(other)).any()
    assert len(np.unique(found)) == found.size


def test_uniform_and_normal_numbers():
    rand = Rand.at(jnp.uint32(0), "x", jnp.int32(0)).of_units((200_000,))
    u, z = np.asarray(rand.uniform()), np.asarray(rand.normal())
    assert 0.0 < u.min() < u.max() < 1.0
    assert u.mean() == pytest.approx(0.5, abs=4 * (1 / 12 / u.size) ** 0.5)
    histogram = np.histogram(u, 100, (0, 1))[0]
    chi = ((histogram - u.size / 100) ** 2 / (u.size / 100)).sum()
    assert 50 < chi < 160  # 99 degrees of freedom
    assert np.isfinite(z).all()
    assert z.mean() == pytest.approx(0.0, abs=4 / z.size**0.5)
    assert z.std() == pytest.approx(1.0, abs=4 / (2 * z.size) ** 0.5)
    assert (z**4).mean() == pytest.approx(3.0, abs=0.15)
    assert abs(np.corrcoef(z[1:], z[:-1])[0, 1]) < 4 / z.size**0.5
    assert abs(np.corrcoef(rand.uniform(0), rand.uniform(1))[0, 1]) < 4 / z.size**0.5


def test_keys_go_by_name():
    key = jax.random.key(0)
    small = sn.Network(dict(a=sn.Input(3), b=sn.LIF(2)), [sn.Projection("a", "b", sn.Dense())], key=key)
    large = sn.Network(dict(z=sn.LIF(4), a=sn.Input(3), b=sn.LIF(2)),
                       [sn.Projection("a", "z", sn.Dense()), sn.Projection("a", "b", sn.Dense())], key=key)
    np.testing.assert_array_equal(small["a_b"].connection.weight, large["a_b"].connection.weight)
    assert not np.array_equal(jax.random.key_data(named_key(key, "a")), jax.random.key_data(named_key(key, "b")))


def noisy(batch, chunk=None, seed=0):
    net = sn.Network(dict(input=sn.Input(1), cell=sn.Noisy(sn.LI(3), sigma=0.2)), [], key=jax.random.key(0))
    rec = sn.simulate(net, {"input": np.zeros((12, batch, 1))}, duration=12.0, chunk=chunk, seed=seed,
                      record={"cell": ["v"]})
    return np.asarray(rec["cell", "v"])


def test_noise_is_the_same_for_every_batch_and_chunk():
    found = noisy(5)
    np.testing.assert_array_equal(found[:, :2], noisy(2))
    np.testing.assert_array_equal(found, noisy(5, chunk=6))
    assert np.abs(found - noisy(5, seed=1)).min() > 0
    assert np.abs(np.diff(found[0].ravel())).min() > 0
