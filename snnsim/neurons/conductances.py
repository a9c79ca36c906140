"""Excitatory and inhibitory synaptic conductances, exponential or alpha-shaped, for any membrane equation."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from snnsim.core.fields import param
from snnsim.core.neuron import Inputs
from snnsim.neurons.propagators import alpha_decay, alpha_jump, decay


class AbstractConductances(eqx.Module):
    """What a neuron with synaptic conductances g_exc and g_inh (uS) adds to its membrane equation.

    Weights are in uS, at port "exc" positive and at port "inh" negative, as in NEST (so that port="by_sign" serves
    both): an inhibitory spike adds the magnitude of its weight to g_inh.

    Args:
        tau_exc: time constant of excitatory conductances (ms).
        tau_inh: time constant of inhibitory conductances (ms).
        e_exc: excitatory reversal potential (mV).
        e_inh: inhibitory reversal potential (mV).
    """

    tau_exc: jax.Array = param(0.2, unit="ms", doc="time constant of excitatory conductances", bounds=(1e-3, None))
    tau_inh: jax.Array = param(2.0, unit="ms", doc="time constant of inhibitory conductances", bounds=(1e-3, None))
    e_exc: jax.Array = param(0.0, unit="mV", doc="excitatory reversal potential")
    e_inh: jax.Array = param(-85.0, unit="mV", doc="inhibitory reversal potential")

    ports: ClassVar[Any] = {"exc": "jump", "inh": "jump", "current": "drive"}
    weight_signs: ClassVar[Any] = {"exc": 1, "inh": -1}
    conductances: ClassVar[tuple[str, ...]]

    def synaptic_current(self, v: jax.Array, state: Any) -> jax.Array:
        """Current into the cell (nA) at membrane potential `v`."""
        return state.g_exc * (self.e_exc - v) + state.g_inh * (self.e_inh - v)

    def closed(self, like: jax.Array) -> dict[str, jax.Array]:
        """No conductance: zeros by name."""
        return {name: jnp.zeros_like(like) for name in self.conductances}

    @abstractmethod
    def conductance_slopes(self, state: Any) -> dict[str, jax.Array]:
        """Time derivatives by name."""

    @abstractmethod
    def propagated(self, state: Any, dt: float) -> dict[str, jax.Array]:
        """Values after `dt` ms without spikes, exact, by name."""

    @abstractmethod
    def receive(self, state: Any, arrivals: Inputs) -> Any:
        """State after the arrivals of this step."""


class AbstractExponentialConductances(AbstractConductances):
    """Conductances that jump by the weight and decay: tau dg/dt = -g."""

    conductances: ClassVar = ("g_exc", "g_inh")

    def conductance_slopes(self, state: Any) -> dict[str, jax.Array]:
        """Time derivatives by name."""
        return {"g_exc": -state.g_exc / self.tau_exc, "g_inh": -state.g_inh / self.tau_inh}

    def propagated(self, state: Any, dt: float) -> dict[str, jax.Array]:
        """Values after `dt` ms without spikes, exact, by name."""
        return {"g_exc": state.g_exc * decay(dt, self.tau_exc), "g_inh": state.g_inh * decay(dt, self.tau_inh)}

    def receive(self, state: Any, arrivals: Inputs) -> Any:
        """Arriving spikes step the conductances."""
        return state._replace(g_exc=state.g_exc + arrivals["exc"], g_inh=state.g_inh - arrivals["inh"])


class AbstractAlphaConductances(AbstractConductances):
    """Conductances w (t / tau) exp(1 - t / tau), which peak at the weight: dg/dt = dg - g / tau, d dg/dt = -dg / tau.

    The state's dg_exc and dg_inh (uS/ms) are what feeds them.
    """

    conductances: ClassVar = ("g_exc", "dg_exc", "g_inh", "dg_inh")

    def conductance_slopes(self, state: Any) -> dict[str, jax.Array]:
        """Time derivatives by name."""
        return {"g_exc": state.dg_exc - state.g_exc / self.tau_exc, "dg_exc": -state.dg_exc / self.tau_exc,
                "g_inh": state.dg_inh - state.g_inh / self.tau_inh, "dg_inh": -state.dg_inh / self.tau_inh}

    def propagated(self, state: Any, dt: float) -> dict[str, jax.Array]:
        """Values after `dt` ms without spikes, exact, by name."""
        return {"g_exc": alpha_decay(state.g_exc, state.dg_exc, dt, self.tau_exc),
                "dg_exc": state.dg_exc * decay(dt, self.tau_exc),
                "g_inh": alpha_decay(state.g_inh, state.dg_inh, dt, self.tau_inh),
                "dg_inh": state.dg_inh * decay(dt, self.tau_inh)}

    def receive(self, state: Any, arrivals: Inputs) -> Any:
        """Arriving spikes start conductances that peak at the magnitude of their weight."""
        return state._replace(dg_exc=state.dg_exc + alpha_jump(arrivals["exc"], self.tau_exc),
                              dg_inh=state.dg_inh - alpha_jump(arrivals["inh"], self.tau_inh))
