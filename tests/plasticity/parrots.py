"""Two trains of spikes and the synapses between them: whatever the rule does, the spikes stay as they are given."""

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import snnsim as sn
from snnsim.core.fields import shape_tuple, static
from snnsim.core.neuron import AbstractPointNeuron


class ParrotState(NamedTuple):
    """What arrives in a step: spikes to repeat, and what is only heard."""

    spike: jax.Array
    heard: jax.Array


class Parrot(AbstractPointNeuron):
    """Repeats the spikes of its port "in" in the same step; what comes to "plastic" is recorded as `heard`."""

    shape: tuple[int, ...] = static(doc="shape of the population", convert=shape_tuple)

    ports: ClassVar = {"in": "jump", "plastic": "jump"}

    def init(self):
        zero = jnp.zeros((), jnp.result_type(float))
        return ParrotState(zero, zero)

    def flow(self, state, dt, drive):
        return state

    def receive(self, state, arrivals):
        return ParrotState(arrivals["in"], arrivals["plastic"])

    def fire(self, state):
        return state, state.spike


def network(rule, connection, pre, post, *, delay=1.0, modulators=()):
    """``pre`` units by a plastic projection onto ``post`` parrots, whose spikes an input dictates."""
    return sn.Network(
        dict(pre=sn.Input(pre), teacher=sn.Input(post), reward=sn.Input(1), post=Parrot(post)),
        dict(plastic=sn.Projection("pre", "post", connection, delay=delay, port="plastic", synapse=rule,
                                   modulators=modulators),
             teach=sn.Projection("teacher", "post", sn.OneToOne(1.0))), key=jax.random.key(0))


def trains(steps, batch, units, rate, seed):
    """Random spikes, ``[steps, batch, units]``."""
    return (np.random.default_rng(seed).random((steps, batch, units)) < rate).astype(float)


def one_synapse(rule, pre, post, *, dt, delay, weight, duration, reward=None, modulators=()):
    """(weights that the spikes of `pre` carry, weight at the end); times in ms, on the grid."""
    net = network(rule, sn.Dense(weight=weight), 1, 1, delay=delay, modulators=modulators)
    given = {"pre": pre, "teacher": post} | ({} if reward is None else {"reward": reward})
    inputs = {name: sn.Events.from_times(times, np.zeros(len(times), int), shape=1, resolution=dt)
              for name, times in given.items()}
    rec = sn.simulate(net, inputs, duration=duration, dt=dt, record={"post": ["heard"]})
    heard = np.asarray(rec["post", "heard"])[:, 0, 0]
    at = np.rint((np.asarray(pre) + delay) / dt).astype(int)
    assert (np.delete(heard, at) == 0).all()
    return heard[at], float(rec.network()["plastic"].connection.weight[0, 0])  # of static weights: the given one


def learned(rule, connection, p, q, dt=1.0, modulators=None):
    """(rule, weight, state) after spikes ``p [steps, pre]`` and ``q [steps, post]`` met at the synapses."""
    connection = connection.build(p.shape[1:], q.shape[1:], jax.random.key(0))
    rule = rule.build(connection, None, p.shape[1:], q.shape[1:])
    modulators = {} if modulators is None else modulators

    def body(carry, now):
        state, weight = carry
        state, after = rule.learn(state, eqx.tree_at(lambda c: c.weight, connection, weight), *now, dt)
        return (state, after.weight), None
    begin = rule.initial_state(connection, p.shape[1:], q.shape[1:]), connection.weight
    (state, weight), _ = jax.jit(lambda carry, given: jax.lax.scan(body, carry, given))(
        begin, (jnp.asarray(p), jnp.asarray(q), modulators))
    return rule, weight, state
