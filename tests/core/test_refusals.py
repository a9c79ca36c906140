"""What cannot be meant is refused, with what was got, what was expected, where, and what to do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import (
    ConfigurationError,
    DataError,
    DelayError,
    DivergenceError,
    ShapeError,
    SnnsimError,
    UnsupportedError,
)
from snnsim.core.recording import Status
from snnsim.core.synapse import AbstractSynapse

KEY = jax.random.key(0)


class Dynamic(AbstractSynapse):
    """A synapse with state of its own."""

    def initial_state(self, connection, pre, post):
        return jnp.zeros(pre)

    def transmit(self, state, connection, signal, dt, rand):
        return state, connection(signal[None])[0]


def net(*projections, **populations):
    return sn.Network(dict(a=sn.Input(3), **(populations or dict(b=sn.LIF(2)))), list(projections), key=KEY)


def joined(**options):
    return net(sn.Projection("a", "b", sn.Dense(1.0), **options))


def simulated(network=None, inputs=None, duration=4.0, **options):
    return sn.simulate(joined() if network is None else network, inputs, duration=duration, **options)


def two(first=None, second=None):
    """b and c, joined both ways."""
    return net(sn.Projection("a", "b", sn.Dense()), sn.Projection("b", "c", sn.Dense(), delay=first),
               sn.Projection("c", "b", sn.Dense(), delay=second), b=sn.LIF(2), c=sn.LIF(2))


def explosive():
    return net(sn.Projection("b", "b", sn.Dense(1e30)), sn.Projection("a", "b", sn.Dense(1.0)), b=sn.LI(2))


REFUSED = {
    # names
    "unknown target": (lambda: net(sn.Projection("a", "x", sn.Dense())), ConfigurationError, "'x'"),
    "unknown source": (lambda: net(sn.Projection("x", "b", sn.Dense())), ConfigurationError, "'x'"),
    "unknown modulator": (lambda: joined(modulators=["x"]), ConfigurationError, "'x'"),
    "name twice": (lambda: net(sn.Projection("a", "b", sn.Dense()), sn.Projection("a", "b", sn.Dense())),
                   ConfigurationError, "'a_b'"),
    "projection like a population": (
        lambda: sn.Network(dict(a=sn.Input(1), b=sn.LIF(1)), dict(b=sn.Projection("a", "b", sn.Dense())), key=KEY),
        ConfigurationError, "'b'"),
    "name with a space": (lambda: sn.Network({"my cell": sn.LIF(1)}, [], key=KEY), ConfigurationError, "'my cell'"),
    "unknown part": (lambda: joined()["c"], ConfigurationError, "'c'"),
    "no neuron": (lambda: net(b=3), ConfigurationError, "'b'"),
    "no connection": (lambda: sn.Projection("a", "b", 3.0), ConfigurationError, "3.0"),
    "input as target": (lambda: net(sn.Projection("b", "a", sn.Dense()), b=sn.LIF(2)), ConfigurationError, "'a'"),
    # ports
    "unknown port": (lambda: joined(port="exc"), ConfigurationError, "'exc'"),
    "by_sign without its ports": (lambda: joined(port="by_sign"), ConfigurationError, "'by_sign'"),
    "by_sign and dynamics": (
        lambda: net(sn.Projection("a", "b", sn.Dense(), port="by_sign", synapse=Dynamic()), b=sn.LIFPscExp(2)),
        ConfigurationError, "by_sign"),
    "by_sign without weights": (
        lambda: sn.Network(dict(a=sn.Input((1, 2, 2)), b=sn.LIFPscExp((1, 1, 1))),
                           [sn.Projection("a", "b", sn.SumPool2d(2), port="by_sign")], key=KEY),
        ConfigurationError, "by_sign"),
    "by_sign and normalisation": (
        lambda: net(sn.Projection("a", "b", sn.Dense(), port="by_sign", transforms=[sn.BatchNorm()]),
                    b=sn.LIFPscExp(2)), ConfigurationError, "by_sign"),
    # delays
    "cycle without delay": (lambda: two(), DelayError, "b <- c"),
    "self without delay": (lambda: net(sn.Projection("b", "b", sn.Dense(), delay=0.0), b=sn.LIF(2)),
                           DelayError, "b <- b"),
    "some synapses onto itself without delay": (
        lambda: net(sn.Projection("b", "b", sn.Dense(), delay=sn.Delay(np.eye(2))), b=sn.LIF(2)),
        DelayError, "b <- b"),
    "negative delay": (lambda: joined(delay=-1.0), DelayError, "-1"),
    "infinite delay": (lambda: joined(delay=np.inf), DelayError, "inf"),
    "delay off the grid": (lambda: simulated(joined(delay=1.5)), DelayError, "1.5"),
    "one delay off the grid": (lambda: simulated(joined(delay=sn.Delay([1.0, 2.0, 2.25]))), DelayError, "2.25"),
    "delays of another shape": (lambda: joined(delay=sn.Delay([1.0, 2.0])), DelayError, "(2,)"),
    "a delay of every synapse and dynamics": (
        lambda: simulated(joined(delay=sn.Delay(np.ones((3, 2))), synapse=Dynamic())), UnsupportedError, "Dynamic"),
    "a delay of every kernel point": (
        lambda: simulated(sn.Network(dict(a=sn.Input((1, 4)), b=sn.LIF((1, 2))), [sn.Projection(
            "a", "b", sn.Conv1d(3), delay=sn.Delay(np.ones((1, 1, 3))))], key=KEY), None), UnsupportedError, "Conv1d"),
    # parameters and sizes
    "negative time constant": (lambda: sn.LIF(2, tau_mem=-1.0), ConfigurationError, "tau_mem"),
    "one of them negative": (lambda: sn.LIF(2, tau_mem=[1.0, -1.0]), ConfigurationError, "tau_mem"),
    "not a number": (lambda: sn.LIF(2, v_th=np.nan), ConfigurationError, "v_th"),
    "inside another": (lambda: sn.Refractory(sn.LIF(2), t_ref=-2.0), ConfigurationError, "t_ref"),
    "parameters of another shape": (lambda: sn.LIF(2, tau_mem=[1.0, 2.0, 3.0]), ShapeError, "(3,)"),
    "no units": (lambda: sn.LIF(0), ShapeError, "0"),
    "half a unit": (lambda: sn.Input(2.5), ShapeError, "2.5"),
    "unknown choice": (lambda: sn.LIF(2, reset_mechanism="soft"), ConfigurationError, "'soft'"),
    "zero reset later": (lambda: sn.LIF(2, reset_mechanism="zero", reset_timing="delayed"), ConfigurationError,
                         "delayed"),
    "refractory and late reset": (lambda: sn.Refractory(sn.LIF(2, reset_timing="delayed")), ConfigurationError,
                                  "delayed"),
    "noise outside": (lambda: sn.Noisy(sn.Refractory(sn.LIF(2))), ConfigurationError, "Refractory"),
    "weights of another shape": (lambda: net(sn.Projection("a", "b", sn.Dense(np.ones((2, 2))))),
                                 ConfigurationError, "(2, 2)"),
    "no recipe": (lambda: net(sn.Projection("a", "b", sn.Dense("normal"))), ConfigurationError, "'normal'"),
    # simulate
    "step": (lambda: simulated(dt=0.0), ConfigurationError, "dt"),
    "duration": (lambda: simulated(duration=4.5), ConfigurationError, "4.5"),
    "no duration": (lambda: simulated(duration=0.0), ConfigurationError, "0.0"),
    "endless": (lambda: simulated(duration=np.inf), ConfigurationError, "inf"),
    "engine": (lambda: simulated(engine="quantum"), UnsupportedError, "quantum"),
    "seed": (lambda: simulated(seed=-1), ConfigurationError, "-1"),
    "input name": (lambda: simulated(inputs={"b": np.zeros((4, 1, 2))}), ConfigurationError, "'b'"),
    "input steps": (lambda: simulated(inputs={"a": np.zeros((5, 1, 3))}), ShapeError, "(5, 1, 3)"),
    "input units": (lambda: simulated(inputs={"a": np.zeros((4, 1, 2))}), ShapeError, "(4, 1, 2)"),
    "input as a plain list": (lambda: simulated(inputs={"a": [0.0, 1.0]}), ShapeError, "(2,)"),
    "events of another size": (lambda: simulated(inputs={"a": sn.Events.from_times([1.0], [0], shape=4)}),
                               ShapeError, "(4,)"),
    "events too late": (lambda: simulated(inputs={"a": sn.Events.from_times([9.0], [0], shape=3)}), DataError, "9"),
    "recorded population": (lambda: simulated(record={"x": ["v"]}), ConfigurationError, "'x'"),
    "recorded variable": (lambda: simulated(record={"b": ["w"]}), ConfigurationError, "'w'"),
    "not recorded": (lambda: simulated()["b", "v"], ConfigurationError, "b.v"),
    "batch of a state": (lambda: simulated(inputs={"a": np.zeros((4, 2, 3))}, state=simulated().state),
                         ShapeError, "2 samples"),
    "trainable pattern": (lambda: sn.partition(sn.Network(dict(a=sn.Input(1), b=sn.LIF(1)), [], key=KEY,
                                                          trainable={"b.tau": True})), ConfigurationError, "'b.tau'"),
    "normalisation in a cycle": (
        lambda: simulated(net(sn.Projection("a", "b", sn.Dense()),
                              sn.Projection("b", "b", sn.Dense(), transforms=[sn.BatchNorm()]), b=sn.LIF(2))),
        UnsupportedError, "b_b"),
    "normalisation in chunks": (lambda: simulated(joined(transforms=[sn.BatchNorm()]), inference=False, chunk=2),
                                UnsupportedError, "a_b"),
    "divergence": (lambda: simulated(explosive(), {"a": np.ones((4, 1, 3))}), DivergenceError, "'b'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_four_parts(case):
    attempt, kind, word = REFUSED[case]
    with pytest.raises(SnnsimError) as caught:
        attempt()
    error = caught.value
    assert type(error) is kind
    assert isinstance(error, {UnsupportedError: TypeError, DivergenceError: ArithmeticError}.get(kind, ValueError))
    for part in (error.got, error.expected, error.where, error.fix):
        assert part.strip()
        assert part in str(error)
    assert "None" not in error.expected
    assert word in error.got + error.where


def test_batches_must_agree():
    network = sn.Network(dict(a=sn.Input(1), b=sn.Input(1), c=sn.LIF(1)),
                         [sn.Projection("a", "c", sn.Dense()), sn.Projection("b", "c", sn.Dense())], key=KEY)
    with pytest.raises(ShapeError, match="one batch size"):
        sn.simulate(network, {"a": np.zeros((2, 1, 1)), "b": np.zeros((2, 3, 1))}, duration=2.0)


def test_without_throw_the_status_tells():
    rec = sn.simulate(explosive(), {"a": np.ones((4, 1, 3))}, duration=4.0, throw=False)
    assert rec.status is Status.not_finite
    assert simulated().status is Status.ok


def test_a_cycle_with_one_delay_is_welcome():
    assert [c.populations for c in two(second=1.0).components() if c.cyclic] == [("b", "c")]


def test_delays_of_decimal_fractions_are_on_the_grid():
    """0.3 / 0.1 is not 3 in binary; the grid is decimal."""
    rec = sn.simulate(net(sn.Projection("a", "b", sn.Dense(1.0), delay=0.3), b=sn.LI(2)),
                      {"a": np.eye(6, 1)[:, :, None] * np.ones(3)}, duration=0.6, dt=0.1)
    assert np.flatnonzero(np.asarray(rec["b", "output"])[:, 0, 0]).tolist() == [3, 4, 5]


def test_a_neuron_can_be_built_while_tracing():
    """Checks run on the host: arrays made outside may be given to a neuron inside a compiled function."""
    tau = jnp.full((3,), 5.0)
    assert jax.jit(lambda x: sn.LIF(3, tau_mem=tau, v_th=x).v_th * 2)(1.5) == 3.0
