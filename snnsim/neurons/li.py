"""`LI`: leaky integrator without spikes, the usual readout."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax

from snnsim.core.fields import param, shape_tuple, static
from snnsim.core.neuron import AbstractPointNeuron, Inputs, check_fields
from snnsim.neurons.propagators import relax


class LIState(NamedTuple):
    """Membrane potential v."""

    v: jax.Array


class LI(AbstractPointNeuron):
    """Leaky integrator: tau_mem dv/dt = e_l - v + r_m current; an arriving spike adds its weight. Output is v.

    Args:
        shape: number of units, or shape.
        tau_mem: membrane time constant (ms).
        e_l: resting potential.
        r_m: membrane resistance.
        method: "exact" or "euler".

    References:
        NIR primitive LI (Pedersen et al. 2024).
    """

    shape: tuple[int, ...] = static(doc="shape of the population", convert=shape_tuple)
    tau_mem: jax.Array = param(20.0, unit="ms", doc="membrane time constant", bounds=(1e-3, None))
    e_l: jax.Array = param(0.0, unit="state", doc="resting potential")
    r_m: jax.Array = param(1.0, unit="MOhm", doc="membrane resistance (1 in dimensionless networks)")
    method: str = static("exact", doc="integration", choices=("exact", "euler"), kw_only=True)

    ports: ClassVar = {"in": "jump", "current": "drive"}
    spiking: ClassVar = False

    def __check_init__(self):
        check_fields(self)

    @property
    def exact_flow(self) -> bool:  # type: ignore[override]
        """Whether `flow` holds for any dt."""
        return self.method == "exact"

    def init(self) -> LIState:
        """At rest."""
        return LIState(v=self.e_l)

    def flow(self, state: LIState, dt: float, drive: Inputs) -> LIState:
        """Relaxation towards e_l plus the current's voltage."""
        return LIState(v=relax(state.v, self.e_l + self.r_m * drive["current"], dt, self.tau_mem, self.method))

    def receive(self, state: LIState, arrivals: Inputs) -> LIState:
        """Arriving spikes step the membrane."""
        return LIState(v=state.v + arrivals["in"])

    def fire(self, state: LIState) -> tuple[LIState, jax.Array]:
        """The membrane itself."""
        return state, state.v
