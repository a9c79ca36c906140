"""Groups, rates and schedules."""

import jax
import jax.numpy as jnp
import optax
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError
from snnsim.training import adam
from snnsim.training.step import loose


def net():
    return sn.Network(dict(a=sn.Input(2), b=sn.LIF(3)), [sn.Projection("a", "b", sn.Dense(), delay=2.0)],
                      key=jax.random.key(0), trainable={"b.tau_mem": True, "*.delay.value": True})


def test_each_group_moves_at_its_own_rate():
    network = net()
    trainable, _ = sn.partition(network)
    optimizer = adam(network, rates={"weight": 0.01, "neuron": 0.5, "delay": 0.25})
    ones = jax.tree.map(jnp.ones_like, trainable)
    with loose():
        updates, _ = optimizer.update(ones, optimizer.init(trainable), trainable)
    assert float(updates["b"].tau_mem) == pytest.approx(-0.5, rel=1e-4)
    assert float(updates["a_b"].delay.value) == pytest.approx(-0.25, rel=1e-4)
    assert updates["a_b"].connection.weight == pytest.approx(-0.01, rel=1e-4)


def test_schedules_need_the_number_of_updates():
    with pytest.raises(ConfigurationError, match="number of updates"):
        adam(net(), schedule="cosine")
    for schedule in ("cosine", "one_cycle"):
        assert isinstance(adam(net(), schedule=schedule, steps=10), optax.GradientTransformationExtraArgs | tuple)


@pytest.mark.parametrize("rates", [{"weight": -1.0}, {"weights": 0.1}, {"weight": float("nan")}])
def test_wrong_rates_are_refused(rates):
    with pytest.raises(ConfigurationError, match="adam"):
        adam(net(), rates=rates)
