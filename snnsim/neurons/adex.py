"""`AdEx`: the adaptive exponential integrate-and-fire neuron."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from snnsim.core.fields import param, part, static
from snnsim.core.neuron import AbstractSpikingNeuron, Inputs
from snnsim.core.surrogate import AbstractSurrogate
from snnsim.neurons.integrators import METHODS, one_step
from snnsim.neurons.propagators import after_spike
from snnsim.neurons.surrogates import FastSigmoid


class AdExState(NamedTuple):
    """Membrane potential v (mV) and adaptation current w (nA)."""

    v: jax.Array
    w: jax.Array


class AbstractAdEx(AbstractSpikingNeuron):
    """The equation that AdEx neurons share, in mV, nA, nF, uS; states have fields v and w.

    c_m dv/dt = -g_l (v - e_l) + g_l delta_t exp((v - v_t) / delta_t) - w + i_e + other currents;
    tau_w dw/dt = a (v - e_l) - w; at v >= v_th: v = v_reset, w += b.

    Args:
        shape: number of units, or shape.
        c_m: membrane capacitance (nF).
        g_l: leak conductance (uS).
        e_l: leak reversal potential (mV).
        v_t: rheobase threshold (mV).
        delta_t: slope factor (mV).
        a: subthreshold adaptation (uS).
        b: spike-triggered adaptation (nA).
        tau_w: time constant of adaptation (ms).
        v_th: peak of the spike (mV).
        v_reset: membrane after a spike (mV).
        i_e: constant current (nA).
        method: "rk4" or "euler". Steps of at most 0.1 ms are needed near the peak.

    References:
        Brette & Gerstner 2005, J. Neurophysiol. 94:3637 (defaults are its example).
    """

    c_m: jax.Array = param(0.281, unit="nF", doc="membrane capacitance", bounds=(1e-9, None))
    g_l: jax.Array = param(0.03, unit="uS", doc="leak conductance", bounds=(0.0, None))
    e_l: jax.Array = param(-70.6, unit="mV", doc="leak reversal potential")
    v_t: jax.Array = param(-50.4, unit="mV", doc="rheobase threshold")
    delta_t: jax.Array = param(2.0, unit="mV", doc="slope factor", bounds=(1e-3, None))
    a: jax.Array = param(0.004, unit="uS", doc="subthreshold adaptation")
    b: jax.Array = param(0.0805, unit="nA", doc="spike-triggered adaptation")
    tau_w: jax.Array = param(144.0, unit="ms", doc="time constant of adaptation", bounds=(1e-3, None))
    v_th: jax.Array = param(0.0, unit="mV", doc="peak of the spike")
    v_reset: jax.Array = param(-70.6, unit="mV", doc="membrane after a spike")
    i_e: jax.Array = param(0.0, unit="nA", doc="constant current")
    method: str = static("rk4", doc="integration", choices=METHODS, kw_only=True)
    spike_at: str = static(">=", doc="whether reaching the threshold is enough", choices=(">", ">="), kw_only=True)
    surrogate: AbstractSurrogate = part(lambda: FastSigmoid(1.0), doc="pseudo-derivative of the spike", kw_only=True)

    def slopes(self, v: jax.Array, w: jax.Array, current: jax.Array) -> tuple[jax.Array, jax.Array]:
        """(dv/dt, dw/dt) where `current` (nA) enters beside leak, upswing, adaptation and i_e."""
        upswing = self.g_l * self.delta_t * jnp.exp((v - self.v_t) / self.delta_t)
        slope = (-self.g_l * (v - self.e_l) + upswing - w + self.i_e + current) / self.c_m
        return slope, (self.a * (v - self.e_l) - w) / self.tau_w

    def below_peak(self, v: jax.Array) -> jax.Array:
        """Slopes are those at the peak beyond it, where the spike cuts v off (as in NEST)."""
        return jnp.minimum(v, self.v_th)

    def margin(self, state: Any) -> jax.Array:
        """Membrane minus threshold."""
        return state.v - self.v_th

    def reset(self, state: Any, spikes: jax.Array) -> Any:
        """The membrane goes to v_reset, w grows by b."""
        v = after_spike("zero", state.v, spikes, self.v_th, self.v_reset)
        return state._replace(v=v, w=state.w + spikes * self.b)


class AdEx(AbstractAdEx):
    """Adaptive exponential integrate-and-fire neuron; an arriving spike adds its weight to v.

    Its equation is that of `AbstractAdEx`, with the drive port "current".

    References:
        Brette & Gerstner 2005, J. Neurophysiol. 94:3637 (defaults are its example).
    """

    ports: ClassVar = {"in": "jump", "current": "drive"}

    def init(self) -> AdExState:
        """At rest, not adapted."""
        return AdExState(v=self.e_l, w=jnp.zeros_like(self.e_l))

    def flow(self, state: AdExState, dt: float, drive: Inputs) -> AdExState:
        """One step of `method`."""
        def derivative(s):
            return AdExState(*self.slopes(self.below_peak(s.v), s.w, drive["current"]))
        return one_step(self.method, derivative, state, dt)

    def receive(self, state: AdExState, arrivals: Inputs) -> AdExState:
        """Arriving spikes step the membrane."""
        return AdExState(state.v + arrivals["in"], state.w)
