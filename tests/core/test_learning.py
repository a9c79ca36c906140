"""The learning contract: synapses defined here, checked against plain NumPy loops."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.fields import param
from snnsim.core.synapse import AbstractSynapse

KEY = jax.random.key(1)
STEPS, BATCH, PRE, POST = 60, 2, 5, 4


def with_weight(connection, weight):
    return sn.Dense(weight, connection.bias, connection.post)


class Depression(AbstractSynapse):
    """Per source: a resource x that each spike uses up by a part u, and that recovers with tau (ms)."""

    u: jax.Array = param(0.4, unit="1", doc="part used by a spike")
    tau: jax.Array = param(20.0, unit="ms", doc="time constant of recovery")

    def initial_state(self, connection, pre, post):
        return jnp.ones(pre)

    def transmit(self, state, connection, signal, dt, rand):
        x = 1.0 - (1.0 - state) * jnp.exp(-dt / self.tau)
        return x * (1.0 - self.u * signal), connection((signal * x * self.u)[None])[0]


class Traces(NamedTuple):
    """What pair STDP remembers."""

    pre: jax.Array
    post: jax.Array


class PairSTDP(AbstractSynapse):
    """Per synapse: pre before post strengthens, post before pre weakens; both traces decay with tau (ms)."""

    a_plus: float = 0.05
    a_minus: float = 0.03
    tau: float = 10.0

    learns = True
    per_synapse = True

    def initial_state(self, connection, pre, post):
        return Traces(jnp.zeros(connection.weight.shape), jnp.zeros(post))

    def transmit(self, state, connection, signal, dt, rand):
        if signal.ndim == 1:  # one delay for all: the signal of each source
            signal = jnp.broadcast_to(signal[:, None], connection.weight.shape)
        return state, connection.reduce(signal)

    def learn(self, state, connection, signal, post, modulators, dt):
        if signal.ndim == 1:
            signal = jnp.broadcast_to(signal[:, None], connection.weight.shape)
        decay = jnp.exp(-dt / self.tau)
        x, y = state.pre * decay, state.post * decay
        change = self.a_plus * x * post[None] - self.a_minus * signal * y[None]
        return Traces(x + signal, y + post), with_weight(connection, jnp.clip(connection.weight + change, 0.0, 1.0))


class Homeostasis(AbstractSynapse):
    """Per target: all weights onto a cell shrink by `rate` with each of its spikes."""

    rate: float = 0.1
    learns = True

    def initial_state(self, connection, pre, post):
        return jnp.zeros(post)

    def transmit(self, state, connection, signal, dt, rand):
        return state, connection(signal[None])[0]

    def learn(self, state, connection, signal, post, modulators, dt):
        return state + post, with_weight(connection, connection.weight * (1.0 - self.rate * post)[None])


class ThreeFactor(AbstractSynapse):
    """Eligibility of each synapse (pre times post, decaying with tau), turned into weight by a modulator."""

    rate: float = 0.2
    tau: float = 8.0
    learns = True

    def initial_state(self, connection, pre, post):
        return jnp.zeros(connection.weight.shape)

    def transmit(self, state, connection, signal, dt, rand):
        return state, connection(signal[None])[0]

    def learn(self, state, connection, signal, post, modulators, dt):
        state = state * jnp.exp(-dt / self.tau) + signal[:, None] * post[None]
        reward = modulators["reward"].sum()
        return state, with_weight(connection, connection.weight + self.rate * reward * state)


def spikes(units, rate=0.25, seed=0):
    return (np.random.default_rng(seed).random((STEPS, BATCH, units)) < rate).astype(float)


def lif(arrivals, v, tau=10.0):
    """One step of the cell used here: (v after reset, spikes)."""
    v = v * np.exp(-1.0 / tau) + arrivals
    fired = (v > 1.0).astype(float)
    return v - fired, fired


def simulated(synapse, weight, *, delay=1.0, chunk=None, record=("spikes", "v"), extra=None, inputs=None, **options):
    net = sn.Network(dict(input=sn.Input(PRE), reward=sn.Input(1), cell=sn.LIF(POST, tau_mem=10.0)),
                     dict(plastic=sn.Projection("input", "cell", sn.Dense(weight), synapse=synapse, delay=delay,
                                                **options), **(extra or {})), key=KEY)
    given = inputs or {"input": spikes(PRE), "reward": spikes(1, 0.1, 9)}
    return sn.simulate(net, given, duration=float(STEPS), chunk=chunk, record={"cell": list(record)})


@pytest.fixture
def weight():
    return np.random.default_rng(2).uniform(0.2, 0.7, (PRE, POST))


@pytest.mark.parametrize("loop", [False, True])
def test_depression_of_each_source(weight, loop, x64):
    """Not learning: the same layer by layer and in a cycle, and equal to the loop below."""
    extra = dict(loop=sn.Projection("cell", "cell", sn.Dense(0.0))) if loop else None
    rec = simulated(Depression(), weight * 2, delay=2.0, extra=extra)
    given, x, v = spikes(PRE), np.ones((BATCH, PRE)), np.zeros((BATCH, POST))
    for step in range(STEPS):
        now = given[step - 2] if step >= 2 else np.zeros((BATCH, PRE))
        x = 1 - (1 - x) * np.exp(-1 / 20.0)
        v, fired = lif((now * x * 0.4) @ (weight * 2), v)
        x = x * (1 - 0.4 * now)
        np.testing.assert_array_equal(rec["cell", "spikes"][step], fired)
        np.testing.assert_allclose(rec["cell", "v"][step], v, atol=1e-12)
    np.testing.assert_allclose(rec.state.projections["plastic"].synapse, x, atol=1e-12)
    assert rec.counts["cell"].sum() > 10


@pytest.mark.parametrize("delays", ["one", "each synapse"])
def test_pair_stdp_by_hand(weight, delays, x64):
    steps = np.full((PRE, POST), 1) if delays == "one" else np.random.default_rng(3).integers(0, 6, (PRE, POST))
    delay = 1.0 if delays == "one" else sn.Delay(steps)
    rec = simulated(PairSTDP(), weight, delay=delay)
    given = spikes(PRE)
    for sample in range(BATCH):
        w, x, y, v = weight.copy(), np.zeros((PRE, POST)), np.zeros(POST), np.zeros(POST)
        for step in range(STEPS):
            now = np.zeros((PRE, POST))
            for (i, j), d in np.ndenumerate(steps):
                now[i, j] = given[step - d, sample, i] if step >= d else 0.0
            v, fired = lif((w * now).sum(0), v)
            x, y = x * np.exp(-1 / 10.0), y * np.exp(-1 / 10.0)
            w = np.clip(w + 0.05 * x * fired - 0.03 * now * y, 0.0, 1.0)
            x, y = x + now, y + fired
            np.testing.assert_array_equal(rec["cell", "spikes"][step, sample], fired)
        np.testing.assert_allclose(rec.state.projections["plastic"].plastic.weight[sample], w, atol=1e-12)
        assert np.abs(w - weight).max() > 0.05


def test_homeostasis_of_each_target(weight, x64):
    rec = simulated(Homeostasis(), weight)
    counts = np.asarray(rec.counts["cell"])
    assert counts.min() > 0
    found = rec.state.projections["plastic"]
    np.testing.assert_allclose(found.synapse, counts)
    np.testing.assert_allclose(found.plastic.weight, weight[None] * 0.9 ** counts[:, None], rtol=1e-12)


@pytest.mark.parametrize("source", ["input", "neuron"])
def test_three_factors_by_hand(weight, source, x64):
    """The modulator may be an input, or a neuron that fires within the step (here a copy of the input)."""
    options = dict(modulators=["reward"])
    given = {"input": spikes(PRE), "reward": spikes(1, 0.1, 9)}
    if source == "neuron":
        cells = dict(reward=sn.LIF(1), cell=sn.LIF(POST, tau_mem=10.0))
        net = sn.Network(dict(input=sn.Input(PRE), signal=sn.Input(1), **cells),
                         dict(plastic=sn.Projection("input", "cell", sn.Dense(weight), synapse=ThreeFactor(), delay=1.0,
                                                    **options),
                              copy=sn.Projection("signal", "reward", sn.Dense(1.5)),
                              loop=sn.Projection("cell", "reward", sn.Dense(0.0))), key=KEY)
        assert any({"reward", "cell"} <= set(c.populations) for c in net.components())
        rec = sn.simulate(net, {"input": given["input"], "signal": given["reward"]}, duration=float(STEPS),
                          record={"cell": ["spikes"], "reward": ["spikes"]})
        # 1.5 decays to 0.5 and is topped up: this cell copies spikes that are far apart.
        given["reward"] = np.asarray(rec["reward", "spikes"])
    else:
        rec = simulated(ThreeFactor(), weight, record=["spikes"], inputs=given, **options)
    assert given["reward"].sum() > 3
    for sample in range(BATCH):
        w, e, v = weight.copy(), np.zeros((PRE, POST)), np.zeros(POST)
        for step in range(STEPS):
            now = given["input"][step - 1, sample] if step else np.zeros(PRE)
            v, fired = lif(now @ w, v)
            e = e * np.exp(-1 / 8.0) + np.outer(now, fired)
            w = w + 0.2 * given["reward"][step, sample, 0] * e
            np.testing.assert_array_equal(rec["cell", "spikes"][step, sample], fired)
        np.testing.assert_allclose(rec.state.projections["plastic"].plastic.weight[sample], w, atol=1e-12)
        assert np.abs(w - weight).max() > 0.1


def test_each_sample_learns_its_own_weights_and_the_network_keeps_them(weight):
    rec = simulated(PairSTDP(), weight)
    plastic = np.asarray(rec.state.projections["plastic"].plastic.weight)
    assert plastic.shape == (BATCH, PRE, POST)
    assert np.abs(plastic[0] - plastic[1]).max() > 1e-3
    np.testing.assert_array_equal(rec.network(1)["plastic"].connection.weight, plastic[1])
    np.testing.assert_allclose(rec.network()["plastic"].connection.weight, plastic.mean(0), rtol=1e-6)
    np.testing.assert_allclose(rec.simulated["plastic"].connection.weight, weight, rtol=1e-6)
    alone = simulated(PairSTDP(), weight, inputs={"input": spikes(PRE)[:, 1:]})
    np.testing.assert_allclose(alone.network(0)["plastic"].connection.weight, plastic[1], atol=1e-6)


def test_learning_does_not_see_the_chunks(weight, x64):
    whole, cut = simulated(PairSTDP(), weight), simulated(PairSTDP(), weight, chunk=12)
    np.testing.assert_array_equal(whole["cell", "spikes"], cut["cell", "spikes"])
    np.testing.assert_allclose(whole.state.projections["plastic"].plastic.weight,
                               cut.state.projections["plastic"].plastic.weight, atol=1e-13)


def test_parameters_of_a_synapse_can_be_trained(weight):
    net = sn.Network(dict(input=sn.Input(PRE), out=sn.LI(POST)),
                     dict(p=sn.Projection("input", "out", sn.Dense(weight), synapse=Depression())), key=KEY,
                     trainable={"p.synapse.u": True, "p.connection.weight": False})
    trainable, _ = sn.partition(net)
    assert [leaf.shape for leaf in jax.tree.leaves(trainable)] == [()]
