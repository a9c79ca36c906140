"""`ExponentialSynapse` and `AlphaSynapse`: arriving spikes as currents with a course in time.

For neurons without synaptic currents of their own, or for projections of different time constants onto one port: the
projection then ends at a port that takes a current, such as "current".
"""

from __future__ import annotations

import dataclasses
from math import e
from typing import ClassVar

import jax
import jax.numpy as jnp

from snnsim.core.connection import AbstractConnection
from snnsim.core.delay import AbstractDelay
from snnsim.core.fields import param, static
from snnsim.core.keys import Rand
from snnsim.core.neuron import check_fields
from snnsim.core.synapse import AbstractSynapse, arrivals


class AbstractCurrent(AbstractSynapse):
    """A synapse that turns spikes into a current; subclasses add their parameters.

    Args:
        tau_syn: time constant (ms).
        sample: the current that holds over a step: its "mean" over the step, which keeps the charge whatever the step,
            or the value at the "start" of the step.
        separate: whether signals come one a synapse; set by the network.
    """

    tau_syn: jax.Array = param(5.0, unit="ms", doc="time constant", bounds=(1e-3, None))
    sample: str = static("mean", doc="current that holds over a step", choices=("mean", "start"), kw_only=True)
    separate: bool = static(False, doc="whether signals come one a synapse", kw_only=True)

    per_synapse: ClassVar = True

    def __check_init__(self):
        check_fields(self)

    def build(self, connection: AbstractConnection, delay: AbstractDelay | None, pre: tuple[int, ...],
              post: tuple[int, ...]) -> AbstractCurrent:
        """For signals of each source or of each synapse."""
        return dataclasses.replace(self, separate=delay is not None and connection.separate(delay.shape, pre))


class ExponentialSynapse(AbstractCurrent):
    """A spike of weight w causes the current w exp(-t / tau_syn) from the step in which it arrives.

    Args:
        spikes: "all" add up; with "last" a spike starts the course of its synapse anew, and the present weight counts
            at every step.

    References:
        Casanueva-Morato et al. 2024, Neural Networks 178:106474 (its spike tables, from SpiNNaker, need the mean over a
        step); Ivanov & Michmizos 2021, NeurIPS (only the last spike, at the start of the step).
    """

    spikes: str = static("all", doc="spikes that count", choices=("all", "last"), kw_only=True)

    def initial_state(self, connection: AbstractConnection, pre: tuple[int, ...], post: tuple[int, ...]) -> jax.Array:
        """No current."""
        sources = connection.weight.shape if self.separate else pre  # type: ignore[attr-defined]
        return jnp.zeros(sources if self.spikes == "last" else post, self.tau_syn.dtype)

    def transmit(self, state: jax.Array, connection: AbstractConnection, signal: jax.Array, dt: float,
                 rand: Rand) -> tuple[jax.Array, jax.Array]:
        """Decay over a step, then this step's spikes."""
        state = state * jnp.exp(-dt / self.tau_syn)
        gain = 1.0 if self.sample == "start" else -self.tau_syn / dt * jnp.expm1(-dt / self.tau_syn)
        if self.spikes == "all":
            state = state + arrivals(connection, signal, self.separate, rand)
            return state, state * gain
        state = state + (1.0 - state) * signal
        return state, arrivals(connection, state * gain, self.separate, rand)


class AlphaSynapse(AbstractCurrent):
    """A spike of weight w causes the current w (t / tau_syn) exp(1 - t / tau_syn), which peaks at w after tau_syn.

    References:
        Rotter & Diesmann 1999, Biol. Cybern. 81:381.
    """

    def initial_state(self, connection: AbstractConnection, pre: tuple[int, ...],
                      post: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
        """(current, feed): none."""
        nothing = jnp.zeros(post, self.tau_syn.dtype)
        return nothing, nothing

    def transmit(self, state: tuple[jax.Array, jax.Array], connection: AbstractConnection, signal: jax.Array, dt: float,
                 rand: Rand) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        """With i(t) = (i + feed t) exp(-t / tau_syn) over a step; a spike adds w e / tau_syn to the feed."""
        current, feed = state
        kept = jnp.exp(-dt / self.tau_syn)
        current, feed = (current + dt * feed) * kept, feed * kept
        feed = feed + arrivals(connection, signal, self.separate, rand) * (e / self.tau_syn)
        if self.sample == "start":
            return (current, feed), current
        gone = -jnp.expm1(-dt / self.tau_syn)
        charge = current * self.tau_syn * gone + feed * self.tau_syn * (self.tau_syn * gone - dt * kept)
        return (current, feed), charge / dt
