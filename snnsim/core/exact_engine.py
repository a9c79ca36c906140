"""`simulate_exact`: the exact engine, from event to event without a grid of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from typing import Any

import jax
import numpy as np

from snnsim.core.errors import DelayError, ShapeError, UnsupportedError
from snnsim.core.events import Events
from snnsim.core.exact_queue import ArrivalQueue
from snnsim.core.exact_recording import ExactState, Samples, recorded
from snnsim.core.exact_support import refuse
from snnsim.core.exact_synapses import Spikes, Synapses
from snnsim.core.exact_time import FAR, PER_MS, TICK, duration_ticks, event_ticks
from snnsim.core.exact_units import Units, jump_ports, too_many
from snnsim.core.feed import Feed, Given
from snnsim.core.network import Network
from snnsim.core.observe import Record
from snnsim.core.progress import ProgressCallback, following
from snnsim.core.recording import Recording

ARRIVALS_AT_ONCE = 2**20  # of a window of time, about
BUSY = 0.05  # spikes a ms of a unit that fires a lot: bounds what a window may hold


class ExactRun:
    """One run of the exact engine: the network as lists of synapses and units, gone through window by window.

    Args:
        network: what to simulate; `checked` has passed it.
        inputs: `Events` by input population.
        end: ticks of the duration.
        batch: number of samples.
        state: where to begin, or None.
        grid: ticks between samples of recorded variables, 0 if there are none.
    """

    def __init__(self, network: Network, inputs: Mapping[str, Events], end: int, batch: int,
                 state: ExactState | None = None, grid: int = 0):
        self.network, self.end, self.batch = network, end, batch
        self.inputs = {name: _entering(name, events) for name, events in inputs.items()}
        self.order = [name for part in network.components() for name in part.populations]
        states = {} if state is None else state.populations
        self.units = {name: Units(name, network.populations[name], batch, states.get(name))  # type: ignore[arg-type]
                      for name in self.order if name not in network.inputs}
        self.synapses: dict[str, dict[str, Synapses]] = {name: {} for name in self.order}
        for name, projection in network.projections.items():
            ports = jump_ports(network.populations[projection.post])  # type: ignore[arg-type]
            self.synapses[projection.pre][name] = Synapses.of(network, name, ports)
        self.queue = ArrivalQueue(self._width(grid))
        for post, arrivals in ({} if state is None else state.pending).items():
            self.queue.add(post, arrivals)
        self.spikes: dict[str, list[Spikes]] = {name: [] for name in self.order}
        self._read = dict.fromkeys(self.inputs, 0)

    def _width(self, grid: int) -> int:
        """Ticks of a window: no longer than delays that lead back, none too full, a divisor of the grid of samples."""
        place = {name: i for i, name in enumerate(self.order)}
        back = [int(s.delays.min()) for name in self.order for s in self.synapses[name].values()
                if place[s.post] <= place[name] and len(s.targets)]
        width = min([self.end, *back])
        if width < 1:
            raise DelayError(got="a cycle of delays below 1 fs", expected="a delay somewhere in every cycle",
                             where="network", fix="give a projection of the cycle a delay")
        fan_out = {name: sum(len(s.targets) for s in self.synapses[name].values()) * self.batch for name in self.order}
        entering = sum(len(spikes.times) * fan_out[name] / (self.batch * self.network.populations[name].size)
                       for name, spikes in self.inputs.items())
        rate = entering / self.end + BUSY * sum(fan_out[name] for name in self.units) / PER_MS
        width = max(1, min(width, int(ARRIVALS_AT_ONCE / rate) if rate else width))
        if not grid:
            return width
        parts = ceil(grid / width)
        while grid % parts:
            parts += 1
        return grid // parts

    def go(self, sample: Callable[[int], None], most: int, follow: Callable[[float], None]) -> None:
        """Through all windows; `sample(t)` is called when all that happens up to tick t has happened."""
        last, total, shown = self.queue.window(self.end - 1), 0, 0
        while (window := self._next_window()) <= last:
            begin = window * self.queue.width
            stop = min(begin + self.queue.width, self.end - 1)
            sample(begin)
            for name in self.order:
                spikes = self._window(name, window, stop, most - total)
                if len(spikes.times):
                    total += len(spikes.times) if name in self.units else 0
                    self.spikes[name].append(spikes)
                    for synapses in self.synapses[name].values():
                        self.queue.add(synapses.post, synapses.arrivals(spikes))
            self.queue.close(window)
            if total > most:
                raise too_many("simulate", stop)
            if stop * 100 // self.end > shown:
                shown = stop * 100 // self.end
                follow(stop * TICK)
        sample(self.end - 1)

    def _window(self, name: str, window: int, stop: int, most: int) -> Spikes:
        """Spikes of one population in a window."""
        if name in self.units:
            times, units = self.units[name].run(self.queue.take(window, name, stop), stop, most)
            return Spikes(times, units, np.ones(len(times)))
        if name not in self.inputs:
            return Spikes(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
        given, low = self.inputs[name], self._read[name]
        high = self._read[name] = int(np.searchsorted(given.times, stop, "right"))
        return Spikes(*(column[low:high] for column in given))

    def _next_window(self) -> int:
        """The first window in which something happens."""
        first = [units.first_due for units in self.units.values()]
        first += [int(given.times[self._read[name]]) for name, given in self.inputs.items()
                  if self._read[name] < len(given.times)]
        windows = [self.queue.window(time) for time in first if time < self.end]
        due = self.queue.next_window()
        return min([*windows, *([] if due is None else [due])], default=FAR)


def simulate_exact(network: Network, inputs: Given, *, duration: float, dt: float, record: Record, state: Any,
                   max_events: int, throw: bool, sink: Any, progress: bool | ProgressCallback) -> Recording:
    """Simulate from event to event; see `snnsim.simulate`.

    Args:
        network: what to simulate.
        inputs: `Events` by input population.
        duration: ms; any, where no state variable is recorded.
        dt: ms between samples of recorded state variables.
        record: pairs (population, variables).
        state: where to begin, from an earlier exact run, or None.
        max_events: spikes of neurons at which the run is given up.
        throw: raise when a state is not finite.
        sink: must be None.
        progress: see `simulate`.

    Raises:
        ConfigurationError: names that do not exist, a duration that is no multiple of `dt` where samples are taken.
        DataError: events beyond the duration.
        DelayError: a cycle without delay.
        DivergenceError: more than `max_events` spikes, or a state that is not finite.
        ShapeError: inputs of another shape or batch.
        UnsupportedError: a network, an input, a sink or a state that is defined step by step.
    """
    if sink is not None:
        raise UnsupportedError(got=f"a {type(sink).__name__}", expected="no sink", where='simulate(engine="exact")',
                               fix="record in memory, or use engine 'clocked', whose steps a sink writes")
    batch = checked(network, inputs, duration, state)
    with double_precision(), following(progress, duration=duration) as follow:
        samples = Samples(network, record, duration, dt, batch)
        run = ExactRun(network, inputs, duration_ticks(duration), batch, state, samples.grid)
        run.go(lambda until: samples.take(run.units, until), max_events, follow)
        after = ExactState.at_end(run, 0 if state is None else state.step, samples.steps)
    return recorded(network, record, run.spikes, samples, after, throw)


def checked(network: Network, inputs: Given, duration: float, state: Any = None) -> int:
    """The number of samples, if all of this fits together; raises as `simulate_exact` does."""
    refuse(network, inputs, state)
    duration_ticks(duration)
    batch = Feed(network, inputs, dt=duration, steps=1, batch=1 if state is None else state.batch).batch
    if state is not None and state.batch != batch:
        raise ShapeError(got=f"{batch} samples", expected=f"{state.batch}, as in the state", where="simulate",
                         fix="continue with the batch that the state was made with")
    return batch


@contextmanager
def double_precision() -> Iterator[None]:
    """Inside, JAX works in double precision and on the CPU."""
    with jax.enable_x64(True), jax.default_device(jax.local_devices(backend="cpu")[0]):
        yield


def _entering(name: str, events: Events) -> Spikes:
    """Events of one input, all samples merged in the order of time."""
    times = event_ticks(events, name)
    order = np.argsort(times, kind="stable")
    units = events.samples * events.n_units + events.indices
    return Spikes(times[order], units[order], events.weights().astype(np.float64)[order])
