"""`ALIF`: LIF with an adaptive threshold."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from snnsim.core.fields import param
from snnsim.core.neuron import Inputs
from snnsim.neurons.crossing import first_crossing, not_before
from snnsim.neurons.integrate_and_fire import AbstractIntegrateAndFire
from snnsim.neurons.propagators import after_spike, decay, relax


class ALIFState(NamedTuple):
    """Membrane potential v and adaptation a."""

    v: jax.Array
    a: jax.Array


class ALIF(AbstractIntegrateAndFire):
    """LIF whose threshold v_th + beta a rises by beta at each spike and decays with tau_adapt.

    Args:
        shape: number of units, or shape.
        tau_mem: membrane time constant (ms).
        tau_adapt: time constant of the adaptation (ms).
        beta: strength of the adaptation.
        v_th: threshold at rest.
        v_reset: membrane after a spike.
        e_l: resting potential.
        r_m: membrane resistance.
        reset_mechanism: "subtract" (by v_th - v_reset), "zero" or "none".

    References:
        Bellec et al. 2018, "Long short-term memory and learning-to-learn in networks of spiking neurons".
    """

    tau_mem: jax.Array = param(20.0, unit="ms", doc="membrane time constant", bounds=(1e-3, None))
    tau_adapt: jax.Array = param(200.0, unit="ms", doc="time constant of the adaptation", bounds=(1e-3, None))
    beta: jax.Array = param(0.2, unit="state", doc="rise of the threshold per spike")
    v_th: jax.Array = param(1.0, unit="state", doc="threshold at rest")
    v_reset: jax.Array = param(0.0, unit="state", doc="membrane after a spike")
    e_l: jax.Array = param(0.0, unit="state", doc="resting potential")
    r_m: jax.Array = param(1.0, unit="MOhm", doc="membrane resistance (1 in dimensionless networks)")

    def init(self) -> ALIFState:
        """At rest, not adapted."""
        return ALIFState(v=self.e_l, a=jnp.zeros_like(self.e_l))

    def flow(self, state: ALIFState, dt: float, drive: Inputs) -> ALIFState:
        """Relaxation of membrane and adaptation."""
        v = relax(state.v, self.e_l + self.r_m * drive["current"], dt, self.tau_mem)
        return ALIFState(v, state.a * decay(dt, self.tau_adapt))

    def margin(self, state: ALIFState) -> jax.Array:
        """Membrane minus the adapted threshold v_th + beta a."""
        return state.v - self.v_th - self.beta * state.a

    def reset(self, state: ALIFState, spikes: jax.Array) -> ALIFState:
        """Membrane by `reset_mechanism`; the adaptation grows by 1."""
        v = after_spike(self.reset_mechanism, state.v, spikes, self.v_th, self.v_reset)
        return ALIFState(v, state.a + spikes)

    def next_crossing(self, state: ALIFState, drive: Inputs) -> jax.Array:
        """By bracketing: m' + m / tau_mem is an exponential (the falling threshold) and a constant."""
        beyond = (self.e_l + self.r_m * drive["current"] - self.v_th) / self.tau_mem
        falling = self.beta * state.a * (1.0 / self.tau_adapt - 1.0 / self.tau_mem)
        opposed = beyond * falling < 0
        cut = self.tau_adapt * jnp.log(jnp.where(opposed, -falling / beyond, 1.0))
        return first_crossing(lambda t: self.flow(state, t, drive), self.margin, [], cut,
                              jnp.maximum(self.tau_mem, self.tau_adapt))

    def earliest_crossing(self, state: ALIFState, drive: Inputs) -> jax.Array:
        """From the slopes now of membrane and threshold, and the heights that they go to."""
        target, adapted = self.e_l + self.r_m * drive["current"], self.beta * state.a
        slope = jnp.maximum(target - state.v, 0.0) / self.tau_mem + jnp.maximum(adapted, 0.0) / self.tau_adapt
        return not_before(self.margin(state), slope,
                          jnp.maximum(state.v, target) - self.v_th - jnp.minimum(adapted, 0.0))
