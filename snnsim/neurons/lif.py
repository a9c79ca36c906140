"""`LIF`: the leaky integrate-and-fire neuron, and `IF` without the leak."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from snnsim.core.fields import param, static
from snnsim.core.neuron import Inputs
from snnsim.neurons.integrate_and_fire import AbstractIntegrateAndFire
from snnsim.neurons.propagators import relax


class LIFState(NamedTuple):
    """Membrane potential v."""

    v: jax.Array


class LIF(AbstractIntegrateAndFire):
    """Leaky integrate-and-fire neuron with delta synapses, integrated exactly.

    tau_mem dv/dt = e_l - v + r_m (i_e + current); an arriving spike adds its weight to v; a spike is sent
    where v > v_th. Dimensionless by default (snnTorch's `Leaky` with beta = exp(-dt / tau_mem)); in mV, nA and
    MOhm it is NEST's iaf_psc_delta.

    Args:
        shape: number of units, or shape.
        tau_mem: membrane time constant (ms).
        v_th: threshold.
        v_reset: membrane after a spike; with reset "subtract" the spike subtracts v_th - v_reset.
        e_l: resting potential.
        r_m: membrane resistance, applied to currents.
        i_e: constant current.
        reset_mechanism: "subtract", "zero" (to v_reset) or "none".
        method: "exact", or "euler" as some other simulators integrate.

    References:
        Dayan & Abbott 2001, Theoretical Neuroscience, section 5.4; Rotter & Diesmann 1999.
    """

    tau_mem: jax.Array = param(20.0, unit="ms", doc="membrane time constant", bounds=(1e-3, None))
    v_th: jax.Array = param(1.0, unit="state", doc="threshold")
    v_reset: jax.Array = param(0.0, unit="state", doc="membrane after a spike")
    e_l: jax.Array = param(0.0, unit="state", doc="resting potential")
    r_m: jax.Array = param(1.0, unit="MOhm", doc="membrane resistance (1 in dimensionless networks)")
    i_e: jax.Array = param(0.0, unit="nA", doc="constant current")
    method: str = static("exact", doc="integration", choices=("exact", "euler"), kw_only=True)

    def init(self) -> LIFState:
        """At rest."""
        return LIFState(v=self.e_l)

    def flow(self, state: LIFState, dt: float, drive: Inputs) -> LIFState:
        """Relaxation towards e_l plus the currents' voltage."""
        return LIFState(v=relax(state.v, self._target(drive), dt, self.tau_mem, self.method))

    def next_crossing(self, state: LIFState, drive: Inputs) -> jax.Array:
        """tau_mem ln((target - v) / (target - v_th)), if the target lies above the threshold."""
        below, beyond = -self.margin(state), self._target(drive) - self.v_th
        wait = self.tau_mem * jnp.log1p(below / jnp.where(beyond > 0, beyond, 1.0))
        return jnp.where(below < 0, 0.0, jnp.where(beyond > 0, wait, jnp.inf))

    def _target(self, drive: Inputs) -> jax.Array:
        return self.e_l + self.r_m * (self.i_e + drive["current"])


class IF(AbstractIntegrateAndFire):
    """Integrate-and-fire neuron without leak: dv/dt = r (i_e + current); an arriving spike adds its weight.

    Args:
        shape: number of units, or shape.
        v_th: threshold.
        v_reset: membrane after a spike.
        r: slope of the membrane for a current of 1.
        i_e: constant current.
        reset_mechanism: "subtract", "zero" (to v_reset) or "none".

    References:
        NIR primitive IF (Pedersen et al. 2024).
    """

    v_th: jax.Array = param(1.0, unit="state", doc="threshold")
    v_reset: jax.Array = param(0.0, unit="state", doc="membrane after a spike")
    r: jax.Array = param(1.0, unit="1/ms", doc="slope of the membrane for a current of 1")
    i_e: jax.Array = param(0.0, unit="nA", doc="constant current")

    def init(self) -> LIFState:
        """Discharged."""
        return LIFState(v=jnp.zeros_like(self.v_th))

    def flow(self, state: LIFState, dt: float, drive: Inputs) -> LIFState:
        """Integral of the currents."""
        return LIFState(v=state.v + dt * self._slope(drive))

    def next_crossing(self, state: LIFState, drive: Inputs) -> jax.Array:
        """(v_th - v) / slope, if it rises."""
        below, slope = -self.margin(state), self._slope(drive)
        wait = below / jnp.where(slope > 0, slope, 1.0)
        return jnp.where(below < 0, 0.0, jnp.where(slope > 0, wait, jnp.inf))

    def _slope(self, drive: Inputs) -> jax.Array:
        return self.r * (self.i_e + drive["current"])
