"""`LIFPscAlpha`: LIF with alpha-shaped excitatory and inhibitory currents (NEST iaf_psc_alpha)."""

from __future__ import annotations

from math import e
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from snnsim.core.fields import param
from snnsim.core.neuron import Inputs
from snnsim.neurons.crossing import first_crossing, not_before
from snnsim.neurons.integrate_and_fire import AbstractIntegrateAndFire, reset_field
from snnsim.neurons.propagators import alpha_decay, alpha_jump, alpha_onto_leak, decay, exponential_onto_leak, relax


class LIFPscAlphaState(NamedTuple):
    """Membrane potential v (mV), synaptic currents (nA) and what feeds them (nA/ms)."""

    v: jax.Array
    i_exc: jax.Array
    di_exc: jax.Array
    i_inh: jax.Array
    di_inh: jax.Array


class LIFPscAlpha(AbstractIntegrateAndFire):
    """LIF with alpha-shaped synaptic currents, integrated exactly; in mV, nA, nF.

    c_m dv/dt = -c_m (v - e_l) / tau_mem + i_exc + i_inh + i_e + current; a spike that arrives with weight w adds
    w (t / tau) exp(1 - t / tau) to the current of its port, which peaks at w after tau: di/dt = di - i / tau,
    d di/dt = -di / tau. With `Refractory(..., t_ref=2.0)` it is NEST's iaf_psc_alpha. Equal time constants are no
    special case.

    Args:
        shape: number of units, or shape.
        tau_mem: membrane time constant (ms).
        tau_exc: time to the peak of excitatory currents (ms).
        tau_inh: time to the peak of inhibitory currents (ms).
        c_m: membrane capacitance (nF).
        e_l: resting potential (mV).
        v_th: threshold (mV).
        v_reset: membrane after a spike (mV).
        i_e: constant current (nA).
        reset_mechanism: "zero" (to v_reset, NEST), "subtract" or "none".

    References:
        Rotter & Diesmann 1999, Biol. Cybern. 81:381, section 3.1.2; NEST iaf_psc_alpha.
    """

    tau_mem: jax.Array = param(10.0, unit="ms", doc="membrane time constant", bounds=(1e-3, None))
    tau_exc: jax.Array = param(2.0, unit="ms", doc="time to the peak of excitatory currents", bounds=(1e-3, None))
    tau_inh: jax.Array = param(2.0, unit="ms", doc="time to the peak of inhibitory currents", bounds=(1e-3, None))
    c_m: jax.Array = param(0.25, unit="nF", doc="membrane capacitance", bounds=(1e-9, None))
    e_l: jax.Array = param(-70.0, unit="mV", doc="resting potential")
    v_th: jax.Array = param(-55.0, unit="mV", doc="threshold")
    v_reset: jax.Array = param(-70.0, unit="mV", doc="membrane after a spike")
    i_e: jax.Array = param(0.0, unit="nA", doc="constant current")
    reset_mechanism: str = reset_field("zero")

    ports: ClassVar = {"exc": "jump", "inh": "jump", "current": "drive"}

    def init(self) -> LIFPscAlphaState:
        """At rest, no current."""
        zero = jnp.zeros_like(self.e_l)
        return LIFPscAlphaState(v=self.e_l, i_exc=zero, di_exc=zero, i_inh=zero, di_inh=zero)

    def flow(self, state: LIFPscAlphaState, dt: float, drive: Inputs) -> LIFPscAlphaState:
        """Exact propagation of membrane and currents."""
        r_m = self.tau_mem / self.c_m
        v = relax(state.v, self._target(drive), dt, self.tau_mem)
        for tau, i, di in ((self.tau_exc, state.i_exc, state.di_exc), (self.tau_inh, state.i_inh, state.di_inh)):
            v = v + r_m * (exponential_onto_leak(dt, tau, self.tau_mem) * i
                           + tau * alpha_onto_leak(dt, tau, self.tau_mem) * di)
        return LIFPscAlphaState(v, alpha_decay(state.i_exc, state.di_exc, dt, self.tau_exc),
                                state.di_exc * decay(dt, self.tau_exc),
                                alpha_decay(state.i_inh, state.di_inh, dt, self.tau_inh),
                                state.di_inh * decay(dt, self.tau_inh))

    def receive(self, state: LIFPscAlphaState, arrivals: Inputs) -> LIFPscAlphaState:
        """Arriving spikes start currents that peak at their weight."""
        return state._replace(di_exc=state.di_exc + alpha_jump(arrivals["exc"], self.tau_exc),
                              di_inh=state.di_inh + alpha_jump(arrivals["inh"], self.tau_inh))

    def next_crossing(self, state: LIFPscAlphaState, drive: Inputs) -> jax.Array:
        """By bracketing: the leak, the constant and one current's two terms leave, one after the other."""
        beyond, r_m = self._target(drive) - self.v_th, self.tau_mem / self.c_m
        rates = 1.0 / self.tau_exc, 1.0 / self.tau_inh
        apart = rates[0] - rates[1]

        def rising(later):  # slope of the inhibitory current
            return later.di_inh - later.i_inh * rates[1]
        chain = [
            lambda later: beyond + r_m * (later.i_exc + later.i_inh),  # m' + m / tau_mem
            lambda later: later.di_exc - later.i_exc * rates[0] + rising(later),  # its slope
            lambda later: apart * rising(later) - later.di_inh * rates[1] - later.di_exc * rates[0],
        ]
        # What follows is apart (apart rising - 2 di_inh / tau_inh), linear in time but for its decay.
        last = (state.di_inh != 0) & (apart != 0)
        cut = jnp.where(last, rising(state) * self.tau_inh / jnp.where(last, state.di_inh, 1.0)
                        - 2.0 / jnp.where(last, apart, 1.0), -1.0)
        return first_crossing(lambda t: self.flow(state, t, drive), self.margin, chain, cut,
                              jnp.maximum(self.tau_mem, jnp.maximum(self.tau_exc, self.tau_inh)))

    def earliest_crossing(self, state: LIFPscAlphaState, drive: Inputs) -> jax.Array:
        """From the largest slope to come, without inhibition."""
        target, r_m = self._target(drive), self.tau_mem / self.c_m
        currents = ((self.tau_exc, state.i_exc, state.di_exc), (self.tau_inh, state.i_inh, state.di_inh))
        # t exp(-t / tau) is at most tau / e.
        driven = sum(r_m * (jnp.maximum(i, 0.0) + jnp.maximum(di, 0.0) * tau / e) for tau, i, di in currents)
        return not_before(self.margin(state), (jnp.maximum(target - state.v, 0.0) + driven) / self.tau_mem,
                          jnp.maximum(state.v, target) + driven - self.v_th)

    def _target(self, drive: Inputs) -> jax.Array:
        return self.e_l + self.tau_mem / self.c_m * (self.i_e + drive["current"])
