"""`CubaLIF`: LIF with one exponential synaptic current (NIR CubaLIF, snnTorch Synaptic)."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from snnsim.core.fields import param, static
from snnsim.core.neuron import Inputs
from snnsim.neurons.crossing import first_crossing, not_before
from snnsim.neurons.integrate_and_fire import AbstractIntegrateAndFire
from snnsim.neurons.propagators import decay, exponential_onto_leak, relax


class CubaLIFState(NamedTuple):
    """Membrane potential v and synaptic current i."""

    v: jax.Array
    i: jax.Array


class CubaLIF(AbstractIntegrateAndFire):
    """Current-based LIF: tau_syn di/dt = -i, tau_mem dv/dt = e_l - v + r_m (i + current).

    An arriving spike adds w_in times its weight to i.

    Args:
        shape: number of units, or shape.
        tau_mem: membrane time constant (ms).
        tau_syn: synaptic time constant (ms).
        v_th: threshold.
        v_reset: membrane after a spike.
        e_l: resting potential.
        r_m: membrane resistance.
        w_in: gain of arriving spikes.
        reset_mechanism: "subtract", "zero" (to v_reset) or "none".
        method: "exact"; "euler"; or "discrete", the recurrence of snnTorch's `Synaptic`:
            i' = exp(-dt/tau_syn) i + in, v' = exp(-dt/tau_mem) v + i', where arrivals reach both at once.

    References:
        NIR primitive CubaLIF (Pedersen et al. 2024); Zenke & Ganguli 2018 for the discrete form.
    """

    tau_mem: jax.Array = param(20.0, unit="ms", doc="membrane time constant", bounds=(1e-3, None))
    tau_syn: jax.Array = param(10.0, unit="ms", doc="synaptic time constant", bounds=(1e-3, None))
    v_th: jax.Array = param(1.0, unit="state", doc="threshold")
    v_reset: jax.Array = param(0.0, unit="state", doc="membrane after a spike")
    e_l: jax.Array = param(0.0, unit="state", doc="resting potential")
    r_m: jax.Array = param(1.0, unit="MOhm", doc="membrane resistance (1 in dimensionless networks)")
    w_in: jax.Array = param(1.0, unit="1", doc="gain of arriving spikes")
    method: str = static("exact", doc="integration", choices=("exact", "euler", "discrete"), kw_only=True)

    def init(self) -> CubaLIFState:
        """At rest, no current."""
        return CubaLIFState(v=self.e_l, i=jnp.zeros_like(self.e_l))

    def flow(self, state: CubaLIFState, dt: float, drive: Inputs) -> CubaLIFState:
        """Propagation of membrane and current by `method`."""
        rest = self.e_l + self.r_m * drive["current"]
        if self.method == "euler":
            v = relax(state.v, rest + self.r_m * state.i, dt, self.tau_mem, "euler")
            return CubaLIFState(v, relax(state.i, jnp.zeros_like(state.i), dt, self.tau_syn, "euler"))
        i = state.i * decay(dt, self.tau_syn)
        onto = i if self.method == "discrete" else state.i * exponential_onto_leak(dt, self.tau_syn, self.tau_mem)
        return CubaLIFState(relax(state.v, rest, dt, self.tau_mem) + self.r_m * onto, i)

    def receive(self, state: CubaLIFState, arrivals: Inputs) -> CubaLIFState:
        """Arriving spikes step the current (in the discrete form the membrane, too)."""
        arrived = self.w_in * arrivals["in"]
        v = state.v + self.r_m * arrived if self.method == "discrete" else state.v
        return CubaLIFState(v, state.i + arrived)

    def next_crossing(self, state: CubaLIFState, drive: Inputs) -> jax.Array:
        """By bracketing: m' + m / tau_mem is the drive beyond threshold, an exponential and a constant."""
        beyond, driven = self.e_l + self.r_m * drive["current"] - self.v_th, self.r_m * state.i
        opposed = beyond * driven < 0
        cut = self.tau_syn * jnp.log(jnp.where(opposed, -driven / beyond, 1.0))
        return first_crossing(lambda t: self.flow(state, t, drive), self.margin, [], cut,
                              jnp.maximum(self.tau_mem, self.tau_syn))

    def earliest_crossing(self, state: CubaLIFState, drive: Inputs) -> jax.Array:
        """From the slope now, and the height that it could add up to."""
        target, driven = self.e_l + self.r_m * drive["current"], jnp.maximum(self.r_m * state.i, 0.0)
        return not_before(self.margin(state), (jnp.maximum(target - state.v, 0.0) + driven) / self.tau_mem,
                          jnp.maximum(state.v, target) + driven * jnp.minimum(self.tau_syn / self.tau_mem, 1.0)
                          - self.v_th)
