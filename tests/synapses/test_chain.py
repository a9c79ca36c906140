"""A chain is its parts, one after the other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError, ShapeError
from snnsim.synapses import Chain


def test_chain_is_its_parts_in_order():
    chain = Chain((sn.SumPool2d(2), sn.Dense(bias=True)), [(2, 3, 3)]).build((2, 6, 6), (4,), jax.random.key(0))
    signal = jnp.asarray(np.random.default_rng(0).random((5, 2, 6, 6)), jnp.float32)
    np.testing.assert_array_equal(chain(signal), chain.parts[1](chain.parts[0](signal)))


def test_fan_out_counts_paths():
    chain = Chain((sn.SumPool2d(2), sn.Dense(bias=True)), [(1, 1, 1)]).build((1, 2, 2), (3,), jax.random.key(0))
    assert chain.fan_out((1, 2, 2), (3,)).tolist() == [[[3, 3], [3, 3]]]


def test_weights_of_the_parts_are_learned():
    chain = Chain((sn.SumPool2d(2), sn.Dense()), [(1, 1, 1)])
    network = sn.Network({"a": sn.Input((1, 2, 2)), "b": sn.LIF(3)}, [sn.Projection("a", "b", chain)],
                         key=jax.random.key(0))
    assert [leaf.shape for leaf in jax.tree.leaves(sn.partition(network)[0])] == [(1, 3)]


def test_shapes_that_do_not_fit():
    with pytest.raises(ConfigurationError, match="one shape fewer"):
        Chain((sn.Dense(), sn.Dense()), [])
    with pytest.raises(ShapeError):
        Chain((sn.SumPool2d(2), sn.Dense()), [(2, 9, 9)]).build((2, 6, 6), (4,), jax.random.key(0))
