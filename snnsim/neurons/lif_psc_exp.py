"""`LIFPscExp`: LIF with exponential excitatory and inhibitory currents (NEST iaf_psc_exp)."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from snnsim.core.fields import param
from snnsim.core.neuron import Inputs
from snnsim.neurons.crossing import first_crossing, not_before
from snnsim.neurons.integrate_and_fire import AbstractIntegrateAndFire, reset_field
from snnsim.neurons.propagators import decay, exponential_onto_leak, relax


class LIFPscExpState(NamedTuple):
    """Membrane potential v (mV), excitatory and inhibitory synaptic current (nA)."""

    v: jax.Array
    i_exc: jax.Array
    i_inh: jax.Array


class LIFPscExp(AbstractIntegrateAndFire):
    """LIF with exponentially decaying synaptic currents, integrated exactly; in mV, nA, nF.

    c_m dv/dt = -c_m (v - e_l) / tau_mem + i_exc + i_inh + i_e + current;
    tau_exc d i_exc/dt = -i_exc, tau_inh d i_inh/dt = -i_inh; an arriving spike adds its weight to the current of
    its port. With `Refractory(..., t_ref=2.0)` it is NEST's iaf_psc_exp.

    Args:
        shape: number of units, or shape.
        tau_mem: membrane time constant (ms).
        tau_exc: time constant of excitatory currents (ms).
        tau_inh: time constant of inhibitory currents (ms).
        c_m: membrane capacitance (nF).
        e_l: resting potential (mV).
        v_th: threshold (mV).
        v_reset: membrane after a spike (mV).
        i_e: constant current (nA).
        reset_mechanism: "zero" (to v_reset, NEST), "subtract" or "none".

    References:
        Rotter & Diesmann 1999, Biol. Cybern. 81:381; Tsodyks, Uziel & Markram 2000; NEST iaf_psc_exp.
    """

    tau_mem: jax.Array = param(10.0, unit="ms", doc="membrane time constant", bounds=(1e-3, None))
    tau_exc: jax.Array = param(2.0, unit="ms", doc="time constant of excitatory currents", bounds=(1e-3, None))
    tau_inh: jax.Array = param(2.0, unit="ms", doc="time constant of inhibitory currents", bounds=(1e-3, None))
    c_m: jax.Array = param(0.25, unit="nF", doc="membrane capacitance", bounds=(1e-9, None))
    e_l: jax.Array = param(-70.0, unit="mV", doc="resting potential")
    v_th: jax.Array = param(-55.0, unit="mV", doc="threshold")
    v_reset: jax.Array = param(-70.0, unit="mV", doc="membrane after a spike")
    i_e: jax.Array = param(0.0, unit="nA", doc="constant current")
    reset_mechanism: str = reset_field("zero")

    ports: ClassVar = {"exc": "jump", "inh": "jump", "current": "drive"}

    def init(self) -> LIFPscExpState:
        """At rest, no current."""
        zero = jnp.zeros_like(self.e_l)
        return LIFPscExpState(v=self.e_l, i_exc=zero, i_inh=zero)

    def flow(self, state: LIFPscExpState, dt: float, drive: Inputs) -> LIFPscExpState:
        """Exact propagation of membrane and currents."""
        r_m = self.tau_mem / self.c_m
        v = relax(state.v, self._target(drive), dt, self.tau_mem)
        v = v + r_m * (exponential_onto_leak(dt, self.tau_exc, self.tau_mem) * state.i_exc
                       + exponential_onto_leak(dt, self.tau_inh, self.tau_mem) * state.i_inh)
        return LIFPscExpState(v, state.i_exc * decay(dt, self.tau_exc), state.i_inh * decay(dt, self.tau_inh))

    def receive(self, state: LIFPscExpState, arrivals: Inputs) -> LIFPscExpState:
        """Arriving spikes step the currents."""
        return LIFPscExpState(state.v, state.i_exc + arrivals["exc"], state.i_inh + arrivals["inh"])

    def next_crossing(self, state: LIFPscExpState, drive: Inputs) -> jax.Array:
        """By bracketing: m' + m / tau_mem is the drive beyond threshold, whose slope has one zero at most."""
        beyond, r_m = self._target(drive) - self.v_th, self.tau_mem / self.c_m
        feeds = -state.i_inh / self.tau_inh, state.i_exc / self.tau_exc  # slopes of the currents cancel at the cut
        faster = 1.0 / self.tau_inh - 1.0 / self.tau_exc
        opposed = (feeds[0] * feeds[1] > 0) & (faster != 0)
        cut = jnp.log(jnp.where(opposed, feeds[0] / feeds[1], 1.0)) / jnp.where(opposed, faster, 1.0)
        return first_crossing(lambda t: self.flow(state, t, drive), self.margin,
                              [lambda later: beyond + r_m * (later.i_exc + later.i_inh)], cut,
                              jnp.maximum(self.tau_mem, jnp.maximum(self.tau_exc, self.tau_inh)))

    def earliest_crossing(self, state: LIFPscExpState, drive: Inputs) -> jax.Array:
        """From the slope now, and the height that it could add up to, without inhibition."""
        target, r_m = self._target(drive), self.tau_mem / self.c_m
        driven = tuple(jnp.maximum(r_m * i, 0.0) for i in (state.i_exc, state.i_inh))
        higher = sum(v * jnp.minimum(tau / self.tau_mem, 1.0)
                     for v, tau in zip(driven, (self.tau_exc, self.tau_inh), strict=True))
        return not_before(self.margin(state), (jnp.maximum(target - state.v, 0.0) + sum(driven)) / self.tau_mem,
                          jnp.maximum(state.v, target) + higher - self.v_th)

    def _target(self, drive: Inputs) -> jax.Array:
        return self.e_l + self.tau_mem / self.c_m * (self.i_e + drive["current"])
