"""`LIF`: the leaky integrate-and-fire neuron, and `IF` without the leak."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import param, part, static
from snnsim.core.neuron import AbstractSpikingNeuron, Inputs
from snnsim.core.surrogate import AbstractSurrogate
from snnsim.neurons.propagators import after_spike, relax
from snnsim.neurons.surrogates import ATan

RESETS = ("subtract", "zero", "none")


def reset_field():
    """The choice of reset that integrate-and-fire neurons share."""
    return static("subtract", doc="what a spike does to the membrane: minus (v_th - v_reset), to v_reset, nothing",
                  choices=RESETS, kw_only=True)


def refuse_late_reset(neuron) -> None:
    """A reset to a value one step later is the immediate one seen before the reset: say so."""
    if neuron.reset_timing != "immediate" and neuron.reset_mechanism == "zero":
        raise ConfigurationError(got=f"reset_timing={neuron.reset_timing!r} with reset_mechanism='zero'",
                                 expected="reset_timing='immediate'", where=type(neuron).__name__,
                                 fix="reset at the spike and record v_before_reset: the spikes are the same")


class LIFState(NamedTuple):
    """Membrane potential v."""

    v: jax.Array


class LIF(AbstractSpikingNeuron):
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
    reset_mechanism: str = reset_field()
    method: str = static("exact", doc="integration", choices=("exact", "euler"), kw_only=True)
    surrogate: AbstractSurrogate = part(ATan, doc="pseudo-derivative of the spike", kw_only=True)

    ports: ClassVar = {"in": "jump", "current": "drive"}

    def __check_init__(self):
        refuse_late_reset(self)

    @property
    def exact_flow(self) -> bool:  # type: ignore[override]
        """Whether `flow` holds for any dt."""
        return self.method == "exact"

    def init(self) -> LIFState:
        """At rest."""
        return LIFState(v=self.e_l)

    def flow(self, state: LIFState, dt: float, drive: Inputs) -> LIFState:
        """Relaxation towards e_l plus the currents' voltage."""
        target = self.e_l + self.r_m * (self.i_e + drive["current"])
        return LIFState(v=relax(state.v, target, dt, self.tau_mem, self.method))

    def receive(self, state: LIFState, arrivals: Inputs) -> LIFState:
        """Arriving spikes step the membrane."""
        return LIFState(v=state.v + arrivals["in"])

    def margin(self, state: LIFState) -> jax.Array:
        """Membrane minus threshold."""
        return state.v - self.v_th

    def reset(self, state: LIFState, spikes: jax.Array) -> LIFState:
        """By `reset_mechanism`."""
        return LIFState(v=after_spike(self.reset_mechanism, state.v, spikes, self.v_th, self.v_reset))


class IF(AbstractSpikingNeuron):
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
    reset_mechanism: str = reset_field()
    surrogate: AbstractSurrogate = part(ATan, doc="pseudo-derivative of the spike", kw_only=True)

    ports: ClassVar = {"in": "jump", "current": "drive"}
    exact_flow: ClassVar = True

    def __check_init__(self):
        refuse_late_reset(self)

    def init(self) -> LIFState:
        """Discharged."""
        return LIFState(v=jax.numpy.zeros_like(self.v_th))

    def flow(self, state: LIFState, dt: float, drive: Inputs) -> LIFState:
        """Integral of the currents."""
        return LIFState(v=state.v + dt * self.r * (self.i_e + drive["current"]))

    def receive(self, state: LIFState, arrivals: Inputs) -> LIFState:
        """Arriving spikes step the membrane."""
        return LIFState(v=state.v + arrivals["in"])

    def margin(self, state: LIFState) -> jax.Array:
        """Membrane minus threshold."""
        return state.v - self.v_th

    def reset(self, state: LIFState, spikes: jax.Array) -> LIFState:
        """By `reset_mechanism`."""
        return LIFState(v=after_spike(self.reset_mechanism, state.v, spikes, self.v_th, self.v_reset))
