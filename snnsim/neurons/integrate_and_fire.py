"""What integrate-and-fire neurons share: a membrane v, a threshold, and three ways to reset."""

from __future__ import annotations

from typing import Any, ClassVar

import jax

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import part, static
from snnsim.core.neuron import AbstractSpikingNeuron, Inputs
from snnsim.core.surrogate import AbstractSurrogate
from snnsim.neurons.propagators import after_spike
from snnsim.neurons.surrogates import ATan


def reset_field(default: str) -> Any:
    """The choice of reset, with a neuron's own default."""
    return static(default, doc="what a spike does to the membrane: minus (v_th - v_reset), to v_reset, nothing",
                  choices=("subtract", "zero", "none"), kw_only=True)


class AbstractIntegrateAndFire(AbstractSpikingNeuron):
    """A neuron that fires where v > v_th; subclasses add the fields v_th and v_reset, `init` and `flow`.

    Arriving spikes step v (overridden where they step a current), and a spike resets v by `reset_mechanism`.
    """

    reset_mechanism: str = reset_field("subtract")
    surrogate: AbstractSurrogate = part(ATan, doc="pseudo-derivative of the spike", kw_only=True)

    ports: ClassVar = {"in": "jump", "current": "drive"}

    def __check_init__(self):
        # A reset to a value one step later is the immediate one seen before the reset: say so.
        if self.reset_timing != "immediate" and self.reset_mechanism == "zero":
            raise ConfigurationError(got=f"reset_timing={self.reset_timing!r} with reset_mechanism='zero'",
                                     expected="reset_timing='immediate'", where=type(self).__name__,
                                     fix="reset at the spike and record v_before_reset: the spikes are the same")

    @property
    def exact_flow(self) -> bool:  # type: ignore[override]
        """Whether `flow` holds for any dt."""
        return getattr(self, "method", "exact") == "exact"

    def receive(self, state: Any, arrivals: Inputs) -> Any:
        """Arriving spikes step the membrane."""
        return state._replace(v=state.v + arrivals["in"])

    def margin(self, state: Any) -> jax.Array:
        """Membrane minus threshold."""
        return state.v - self.v_th  # type: ignore[attr-defined]

    def reset(self, state: Any, spikes: jax.Array) -> Any:
        """Membrane by `reset_mechanism`."""
        v = after_spike(self.reset_mechanism, state.v, spikes, self.v_th, self.v_reset)  # type: ignore[attr-defined]
        return state._replace(v=v)
