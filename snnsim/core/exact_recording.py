"""What an exact run leaves behind: spikes with their times, samples of state variables, and the state at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import DivergenceError, UnsupportedError
from snnsim.core.events import Events, exact_ratio
from snnsim.core.exact_synapses import Arrivals, Spikes
from snnsim.core.exact_time import TICK
from snnsim.core.exact_units import Units
from snnsim.core.fields import part, static
from snnsim.core.network import Network
from snnsim.core.observe import BEFORE_RESET, OUTPUT, Record, variables
from snnsim.core.packed import AbstractKept
from snnsim.core.recording import Recording, Status
from snnsim.core.simulate import steps_of
from snnsim.core.state import ProjectionState

if TYPE_CHECKING:
    from snnsim.core.exact_engine import ExactRun


class ExactSpikes(AbstractKept):
    """Spikes of one population with exact times; as an array they fall into steps of `dt`, several may share one.

    Args:
        ticks: int64 [spikes], time in units of 1e-12 ms.
        indices: int32 [spikes], flat unit index.
        offsets: int64 [batch + 1], where each sample begins.
        values: float32 [spikes], or None for 1 each.
        shape: shape of the population.
        dt: step of the array (ms).
        steps: its length.
    """

    ticks: np.ndarray = part(doc="time in units of 1e-12 ms, int64 [spikes]")
    indices: np.ndarray = part(doc="flat unit index, int32 [spikes]")
    offsets: np.ndarray = part(doc="where each sample begins, int64 [batch + 1]")
    values: np.ndarray | None = part(doc="float32 [spikes], or None for 1 each")
    shape: tuple[int, ...] = static(doc="shape of the population")
    dt: float = static(doc="step of the array", unit="ms")
    steps: int = static(doc="length of the array")

    def events(self, dt: float) -> Events:
        """The spikes with their exact times."""
        return Events(self.ticks, self.indices, self.offsets, self.shape, TICK, self.values)

    def dense(self) -> np.ndarray:
        """Number of spikes in each step, float32 ``[steps, batch, *shape]``."""
        return self.events(self.dt).dense(self.dt, self.steps)

    def counts(self) -> np.ndarray:
        """Number of spikes of each unit, int32 ``[batch, *shape]``."""
        batch, size = len(self.offsets) - 1, prod(self.shape)
        units = np.repeat(np.arange(batch), np.diff(self.offsets)) * size + self.indices
        return np.bincount(units, minlength=batch * size).astype(np.int32).reshape(batch, *self.shape)


def kept_spikes(parts: Sequence[Spikes], shape: tuple[int, ...], batch: int, dt: float, steps: int) -> ExactSpikes:
    """Spikes of a run, by sample, time and unit."""
    columns = zip(*parts, strict=True) if parts else ([np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)])
    times, units, values = (np.concatenate(list(column)) for column in columns)
    sample, unit = np.divmod(units, prod(shape))
    order = np.lexsort((unit, times, sample))
    offsets = np.searchsorted(sample[order], np.arange(batch + 1))
    plain = None if (values == 1).all() else values[order].astype(np.float32)
    return ExactSpikes(times[order], unit[order].astype(np.int32), offsets, plain, shape, dt, steps)


class ExactState(eqx.Module):
    """State of an exact run at its end: pass it to ``simulate(..., engine="exact", state=)`` to go on."""

    step: int = part(doc="steps of dt since the beginning")
    populations: dict[str, Any] = part(doc="neuron states in double precision, [batch, *shape]")
    pending: dict[str, Arrivals] = part(doc="arrivals under way by target, times in ticks from now")
    projections: dict[str, ProjectionState] = part(doc="nothing that changes: synapses are static")
    batch: int = static(doc="number of samples")

    @classmethod
    def at_end(cls, run: ExactRun, first: int, steps: int) -> ExactState:
        """All units at the end of the run."""
        def shaped(name):
            shape = (run.batch, *run.network.populations[name].shape)
            return jax.tree.map(lambda leaf: np.asarray(leaf).reshape(shape), run.units[name].states(run.end)[0])
        pending = {post: arrivals._replace(times=arrivals.times - run.end)
                   for post, arrivals in run.queue.rest().items()}
        return cls(first + steps, {name: shaped(name) for name in run.units}, pending,
                   {name: ProjectionState((), None, ()) for name in run.network.projections}, run.batch)


class Samples:
    """State variables of a run at the instants 0, dt, 2 dt, ..., after all that happens there.

    Args:
        network: what is simulated.
        record: pairs (population, variables); spikes are kept as they come and need no samples.
        duration: ms, a multiple of `dt` if there is anything to sample.
        dt: ms.
        batch: number of samples of the batch.

    Raises:
        ConfigurationError: a duration off the grid.
        UnsupportedError: a variable before the reset, which exists within a step only.
    """

    def __init__(self, network: Network, record: Record, duration: float, dt: float, batch: int):
        self.wanted: dict[str, list[str]] = {}
        for name, names in record:
            neuron = network.populations[name]
            late = [variable for variable in names if variable.endswith(BEFORE_RESET)]
            if late:
                raise UnsupportedError(got=f"{name}.{late[0]}", expected="variables between spikes",
                                       where='simulate(engine="exact")', fix="record the variable itself")
            chosen = [variable for variable in names if not (neuron.spiking and variable in OUTPUT)]
            if chosen:
                self.wanted[name] = chosen
        off = not self.wanted and exact_ratio(duration, dt).denominator != 1
        self.dt, self.steps = (duration, 1) if off else (dt, steps_of(duration, dt))
        self.grid = round(exact_ratio(dt, TICK)) if self.wanted else 0
        self.done = 0
        self.traces = {name: {variable: np.zeros((self.steps, batch, *network.populations[name].shape))
                              for variable in chosen} for name, chosen in self.wanted.items()}

    def take(self, units: Mapping[str, Units], until: int) -> None:
        """Samples up to the tick `until`, up to which everything has happened."""
        while self.wanted and self.done < self.steps and self.done * self.grid <= until:
            for name, chosen in self.wanted.items():
                state, output = units[name].states(self.done * self.grid)
                found = variables(state) | {variable: output for variable in OUTPUT}
                for variable in chosen:
                    trace = self.traces[name][variable]
                    trace[self.done] = np.asarray(found[variable]).reshape(trace.shape[1:])
            self.done += 1


def recorded(network: Network, record: Record, spikes: Mapping[str, Sequence[Spikes]], samples: Samples,
             state: ExactState, throw: bool) -> Recording:
    """The recording of a run.

    Raises:
        DivergenceError: a state that is not finite (with `throw`).
    """
    failed = [name for name, leaves in state.populations.items()
              if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(leaves))]
    if failed and throw:
        raise DivergenceError(got=f"a state that is not finite in {', '.join(map(repr, failed))}",
                              expected="finite numbers", where='simulate(engine="exact")',
                              fix="check weights and parameters of this population")
    kept = {name: kept_spikes(parts, network.populations[name].shape, state.batch, samples.dt, samples.steps)
            for name, parts in spikes.items()}
    traces = {name: {variable: samples.traces.get(name, {}).get(variable, kept[name]) for variable in names}
              for name, names in record}
    graded = {name: jnp.array(kept[name].values is not None or not neuron.spiking)
              for name, neuron in network.populations.items()}
    return Recording(traces=traces, counts={name: jnp.asarray(found.counts()) for name, found in kept.items()},
                     state=state, simulated=network, dt=float(samples.dt), steps=samples.steps,  # type: ignore[arg-type]
                     first_step=state.step - samples.steps, status=Status.not_finite if failed else Status.ok,
                     graded=graded, path="exact, event by event")
