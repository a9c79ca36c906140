"""`Izhikevich`: the simple model of spiking neurons."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax

from snnsim.core.fields import param, part, static
from snnsim.core.neuron import AbstractSpikingNeuron, Inputs
from snnsim.core.surrogate import AbstractSurrogate
from snnsim.neurons.integrators import METHODS, one_step
from snnsim.neurons.propagators import after_spike
from snnsim.neurons.surrogates import FastSigmoid


class IzhikevichState(NamedTuple):
    """Membrane potential v (mV) and recovery u (mV/ms)."""

    v: jax.Array
    u: jax.Array


class Izhikevich(AbstractSpikingNeuron):
    """dv/dt = 0.04 v^2 + 5 v + 140 - u + i_e + current, du/dt = a (b v - u); at v >= v_th: v = c, u += d.

    An arriving spike adds its weight to v. Defaults are the regular-spiking cell.

    Args:
        shape: number of units, or shape.
        a: rate of recovery (1/ms).
        b: sensitivity of recovery to v.
        c: membrane after a spike (mV).
        d: rise of recovery at a spike.
        v_th: peak of the spike (mV).
        i_e: constant current (in mV/ms, the model's own unit).
        method: "euler" or "rk4".

    References:
        Izhikevich 2003, IEEE Trans. Neural Netw. 14:1569.
    """

    a: jax.Array = param(0.02, unit="1/ms", doc="rate of recovery")
    b: jax.Array = param(0.2, unit="1/ms", doc="sensitivity of recovery to v")
    c: jax.Array = param(-65.0, unit="mV", doc="membrane after a spike")
    d: jax.Array = param(8.0, unit="mV/ms", doc="rise of recovery at a spike")
    v_th: jax.Array = param(30.0, unit="mV", doc="peak of the spike")
    i_e: jax.Array = param(0.0, unit="mV/ms", doc="constant current")
    method: str = static("euler", doc="integration", choices=METHODS, kw_only=True)
    spike_at: str = static(">=", doc="whether reaching the threshold is enough", choices=(">", ">="), kw_only=True)
    surrogate: AbstractSurrogate = part(lambda: FastSigmoid(1.0), doc="pseudo-derivative of the spike", kw_only=True)

    ports: ClassVar = {"in": "jump", "current": "drive"}

    def init(self) -> IzhikevichState:
        """At the reset potential, recovery in equilibrium with it."""
        return IzhikevichState(v=self.c, u=self.b * self.c)

    def flow(self, state: IzhikevichState, dt: float, drive: Inputs) -> IzhikevichState:
        """One step of `method`."""
        def derivative(s):
            v = 0.04 * s.v**2 + 5.0 * s.v + 140.0 - s.u + self.i_e + drive["current"]
            return IzhikevichState(v, self.a * (self.b * s.v - s.u))
        return one_step(self.method, derivative, state, dt)

    def receive(self, state: IzhikevichState, arrivals: Inputs) -> IzhikevichState:
        """Arriving spikes step the membrane."""
        return IzhikevichState(state.v + arrivals["in"], state.u)

    def margin(self, state: IzhikevichState) -> jax.Array:
        """Membrane minus threshold."""
        return state.v - self.v_th

    def reset(self, state: IzhikevichState, spikes: jax.Array) -> IzhikevichState:
        """The membrane goes to c, u grows by d."""
        v = after_spike("zero", state.v, spikes, self.v_th, self.c)
        return IzhikevichState(v, state.u + spikes * self.d)
