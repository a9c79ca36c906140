"""Which numbers are learned, how they are called, and where they may go."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.parameters import groups, map_parameters, parameter_table, within_bounds


def network(trainable=None):
    return sn.Network(
        dict(input=sn.Input(3), hidden=sn.Refractory(sn.LIF(4), t_ref=2.0), out=sn.LI(2)),
        dict(first=sn.Projection("input", "hidden", sn.Dense(bias=True), delay=sn.Delay([1.0, 2.0, 3.0]),
                                 transforms=[sn.BatchNorm()]),
             second=sn.Projection("hidden", "out", sn.Sparse(sn.FixedInDegree(2), weight=0.5))),
        key=jax.random.key(0), trainable=trainable)


def learned(trainable=None):
    net = network(trainable)
    trainable_part, _ = sn.partition(net)
    return {jax.tree_util.keystr(path): leaf.shape
            for path, leaf in jax.tree_util.tree_leaves_with_path(trainable_part)}


def test_what_is_learned_by_default():
    assert sorted(learned().values()) == [(3, 4), (4,), (4,), (4,), (4,)]
    assert [path for path, info in parameter_table(network()).items() if info["trainable"]] == [
        "first.connection.weight", "first.connection.bias", "first.transforms.0.scale", "first.transforms.0.shift",
        "second.connection.weight"]


@pytest.mark.parametrize(("patterns", "expected"), [
    ({"hidden.neuron.tau_mem": True}, [(), (3, 4), (4,), (4,), (4,), (4,)]),
    ({"*.weight": False}, [(4,), (4,), (4,)]),
    ({"first.weight": False}, [(4,), (4,), (4,), (4,)]),
    ({"first.delay": True, "first.connection.*": False}, [(3,), (4,), (4,), (4,)]),
    ({"*": False}, []),
    ({"*": False, "out.tau_mem": True}, [()]),
])
def test_patterns(patterns, expected):
    assert sorted(learned(patterns).values()) == sorted(expected)


def test_partition_and_combine_are_inverse():
    net = network()
    trainable, rest = sn.partition(net)
    assert eqx.tree_equal(eqx.combine(trainable, rest), net)
    assert all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in jax.tree.leaves(trainable))
    indices = [leaf for leaf in jax.tree.leaves(rest) if jnp.issubdtype(leaf.dtype, jnp.integer)]
    assert {leaf.shape for leaf in indices} == {(5,), (4,)}  # starts and targets of the sparse projection


def test_a_shared_array_is_two_parameters():
    tau = jnp.array(3.0)
    net = sn.Network(dict(input=sn.Input(1), cell=sn.LIFPscExp(1, tau_exc=tau, tau_inh=tau)), [],
                     key=jax.random.key(0), trainable={"cell.tau_inh": True})
    trainable, _ = sn.partition(net)
    assert trainable["cell"].tau_exc is None
    assert trainable["cell"].tau_inh == 3.0


def test_updates_return_within_bounds():
    net = map_parameters(lambda path, info, value: value - 30.0, network())
    assert float(net["hidden"].neuron.tau_mem) == -10.0
    back = within_bounds(net)
    assert float(back["hidden"].neuron.tau_mem) == pytest.approx(1e-3)
    assert float(back["hidden"].t_ref) == 0.0
    np.testing.assert_array_equal(back["first"].delay.value, 0.0)
    np.testing.assert_array_equal(back["first"].connection.weight, net["first"].connection.weight)
    assert eqx.tree_equal(within_bounds(network()), network())


def test_groups_for_optimisers():
    labels = groups(network({"first.delay": True, "out.tau_mem": True}))
    assert sorted(jax.tree.leaves(labels)) == ["delay", "neuron", *["weight"] * 5]
    trainable, _ = sn.partition(network({"first.delay": True, "out.tau_mem": True}))
    assert jax.tree.structure(labels) == jax.tree.structure(trainable)


def test_every_parameter_says_unit_and_meaning():
    for path, info in parameter_table(network()).items():
        assert info["unit"], path
        assert info["doc"], path


def test_precision_is_chosen_once(x64):
    for info in parameter_table(network()).values():
        assert info["value"].dtype == jnp.float64
    rec = sn.simulate(network(), {"input": np.ones((5, 1, 3), np.float32)}, duration=5.0)
    assert rec["out", "output"].dtype == jnp.float64


def test_weak_numbers_become_firm():
    """A weakly typed array would compile a second time."""
    assert not sn.LIF(2, tau_mem=jnp.array(3.0)).tau_mem.weak_type
    assert not sn.LIF(2, tau_mem=3.0).tau_mem.weak_type
