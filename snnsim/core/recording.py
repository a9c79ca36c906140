"""`Recording`: what came out of a simulation."""

from __future__ import annotations

from enum import Enum
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.events import Events
from snnsim.core.fields import part, static
from snnsim.core.network import Network
from snnsim.core.observe import OUTPUT
from snnsim.core.packed import AbstractKept
from snnsim.core.state import SimulationState, fold_back


class Status(Enum):
    """How a simulation ended; the value is the message."""

    ok = "the simulation ran to its end"
    not_finite = "a state left the finite numbers"


class Recording(eqx.Module):
    """Recorded variables, spike counts of every population, and the state to go on from.

    Args:
        traces: recorded variables, ``[steps, batch, *shape]`` by population and variable.
        counts: spikes of each unit over the run (outputs other than 0), int32 ``[batch, *shape]`` by population.
        state: pass it to ``simulate(..., state=)`` to continue.
        simulated: the network that was simulated.
        dt: step (ms).
        steps: number of steps.
        first_step: absolute step at which the recording begins.
        status: how it ended.
        graded: by population, whether any output was neither 0 nor 1, so that it cannot travel as a spike.
        path: how the network was executed: "layers", or "flat, events by ...".
    """

    traces: dict[str, dict[str, Any]] = part(doc="recorded variables by population")
    counts: dict[str, Any] = part(doc="spikes of each unit, int32 [batch, *shape]")
    state: SimulationState = part(doc="state at the end")
    simulated: Network = part(doc="the network that was simulated")
    dt: float = static(doc="step", unit="ms")
    steps: int = static(doc="number of steps")
    first_step: int = static(0, doc="absolute step at which the recording begins")
    status: Status = static(Status.ok, doc="how it ended")
    graded: dict[str, Any] = part(dict, doc="whether any output was neither 0 nor 1, by population")
    path: str = static("layers", doc="how the network was executed")

    def __getitem__(self, key: tuple[str, str]) -> jax.Array:
        """``recording["hidden", "v"]``: a recorded variable, ``[steps, batch, *shape]``."""
        population, variable = key if isinstance(key, tuple) else (key, "output")
        found = self.traces.get(population, {})
        if variable in OUTPUT:
            variable = next((name for name in OUTPUT if name in found), variable)
        if variable not in found:
            recorded = ", ".join(f"{p}.{v}" for p, variables in self.traces.items() for v in variables) or "nothing"
            raise ConfigurationError(got=f"{population}.{variable}", expected=f"a recorded variable: {recorded}",
                                     where="recording", fix=f'simulate with record={{"{population}": ["{variable}"]}}')
        values = found[variable]
        return jnp.asarray(values.dense()) if isinstance(values, AbstractKept) else values

    @property
    def duration(self) -> float:
        """Length of the recording (ms)."""
        return self.steps * self.dt

    @property
    def batch(self) -> int:
        """Number of samples."""
        return next(iter(self.counts.values())).shape[0]

    def times(self) -> np.ndarray:
        """Time of each step (ms), float64 [steps]; a spike of step k is stamped k * dt."""
        return (self.first_step + np.arange(self.steps)) * self.dt

    def events(self, population: str) -> Events:
        """Recorded spikes of a population; times count from the start of the recording."""
        for variable in OUTPUT:
            kept = self.traces.get(population, {}).get(variable)
            if isinstance(kept, AbstractKept):
                return kept.events(self.dt)
        return Events.from_dense(np.asarray(self[population, "spikes"]), dt=self.dt)

    def rates(self, population: str) -> jax.Array:
        """Mean rate of each unit (spikes/s), ``[batch, *shape]``."""
        counts = self.counts[population]
        return counts.astype(jnp.result_type(float)) / (self.duration * 1e-3)

    def network(self, sample: int | None = None) -> Network:
        """The network with what was learned in the run (plastic weights, running statistics) folded back.

        Plastic weights are those of `sample`, or their mean over the batch.
        """
        return fold_back(self.simulated, self.state, sample)
