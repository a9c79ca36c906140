"""`SpikeTrains`: spike times of many trains, one after another, and the window in which they were watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite, prod
from typing import Any, TypeAlias

import numpy as np

from snnsim.core.errors import ConfigurationError, DataError, UnsupportedError
from snnsim.core.events import Events, exact_ratio

_MOST_SPIKES = 2**31  # that events with values may stand for: 32 GiB of working memory


@dataclass(frozen=True)
class SpikeTrains:
    """Spike times of several trains, sorted by train and then by time, within the window ``[start, stop)``.

    All statistics take `Events` or arrays and turn them into this form. Build it yourself to count in a part of a
    recording, such as after the first transient, or to sort a large recording only once.

    Args:
        times: float64 [spikes], ms, sorted within each train.
        offsets: int64 [trains + 1], where each train begins.
        shape: shape of a result with one number a train: ``(batch, *units)`` from events, ``(trains,)`` from a list,
            ``()`` from one array.
        start: begin of the window (ms).
        stop: end of the window (ms); None is not known, which is enough for what looks at intervals only.

    Raises:
        DataError: times that are not finite, unsorted or outside the window; offsets that do not fit.
        ConfigurationError: a window that is empty, negative or not finite.

    Example:
        >>> trains = SpikeTrains.of([[1.0, 5.0], [], [2.0]], stop=10.0)
        >>> trains.n_trains, trains.counts.tolist(), trains.duration
        (3, [2, 0, 1], 10.0)
    """

    times: np.ndarray
    offsets: np.ndarray
    shape: tuple[int, ...]
    start: float = 0.0
    stop: float | None = None

    def __post_init__(self):
        times, offsets = np.asarray(self.times, np.float64), np.asarray(self.offsets, np.int64)
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "offsets", offsets)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        _check_window(self.start, self.stop)
        n, where = len(times), "spike trains"
        if len(offsets) != prod(self.shape) + 1 or offsets[0] != 0 or offsets[-1] != n or (np.diff(offsets) < 0).any():
            raise DataError(got=f"{len(offsets)} offsets for trains of shape {self.shape} and {n} spikes", where=where,
                            expected=f"0 rising to {n}", fix="build the trains with SpikeTrains.of(...)")
        if not np.isfinite(times).all():
            raise DataError(got=f"{np.sum(~np.isfinite(times))} times that are not finite", expected="finite times",
                            where=where, fix="remove NaN and infinite times")
        falling = np.diff(times) < 0
        falling[offsets[(offsets > 0) & (offsets < n)] - 1] = False
        if falling.any():
            at = int(np.flatnonzero(falling)[0])
            raise DataError(got=f"time {times[at + 1]} ms after {times[at]} ms", expected="times in order", where=where,
                            fix="sort each train, for example with np.sort")
        if n and (times.min() < self.start or (self.stop is not None and times.max() >= self.stop)):
            raise DataError(got=f"times from {times.min()} to {times.max()} ms", where=where,
                            expected=f"times from {self.start} to before {self.stop} ms",
                            fix="give start and stop of the window that was recorded")

    @classmethod
    def of(cls, source: Source, *, start: float | None = None, stop: float | None = None) -> SpikeTrains:
        """The trains of events, arrays or other trains, cut to the window ``[start, stop)`` where one is given.

        Args:
            source: `Events` (a train is one unit of one sample; an event of value 2 is two spikes), `SpikeTrains`,
                one array of times (ms), or a sequence of such arrays.
            start: begin of the window (ms); None is 0, or the source's own.
            stop: end of the window (ms), itself not part of it; None is the source's own, or not known.

        Raises:
            DataError: times that are not finite or unsorted, or before 0 while no `start` says that they may be.
            ConfigurationError: a window that is empty, or that reaches beyond that of the trains.
            UnsupportedError: events with values that are not numbers of spikes (1, 2, ...).
        """
        if isinstance(source, SpikeTrains):
            return source._window(start, stop)
        begin = 0.0 if start is None else float(start)
        _check_window(begin, stop)
        if isinstance(source, Events):
            return _of_events(source, begin, stop)
        trains, shape = _arrays(source)
        if start is not None or stop is not None:
            low = -np.inf if start is None else begin
            high = np.inf if stop is None else stop
            trains = [times[((times >= low) & (times < high)) | ~np.isfinite(times)] for times in trains]
        times = np.concatenate([np.empty(0), *trains])
        offsets = np.concatenate([[0], np.cumsum([len(train) for train in trains], dtype=np.int64)])
        return cls(times, offsets, shape, begin, stop)

    @property
    def n_trains(self) -> int:
        """Number of trains."""
        return len(self.offsets) - 1

    @property
    def counts(self) -> np.ndarray:
        """Spikes of each train, int64 [trains]."""
        return np.diff(self.offsets)

    @property
    def train(self) -> np.ndarray:
        """Train of each spike, int64 [spikes]."""
        return np.repeat(np.arange(self.n_trains), self.counts)

    @property
    def groups(self) -> tuple[int, int]:
        """(groups, trains in each): pairs are formed between the units of one sample, or between all arrays."""
        if len(self.shape) < 2:
            return 1, self.n_trains
        return self.shape[0], prod(self.shape[1:])

    @property
    def duration(self) -> float:
        """Length of the window (ms).

        Raises:
            ConfigurationError: the end of the window is not known.
        """
        if self.stop is None:
            raise ConfigurationError(got="no end of the window", expected="the time at which the recording ended",
                                     where="spike trains", fix="pass stop=, for example the recording's duration (ms)")
        return self.stop - self.start

    def __getitem__(self, chosen: int | slice | np.ndarray | Sequence[int]) -> SpikeTrains:
        """The trains chosen by their flat number, a slice, an index array or a mask, as one list of trains."""
        index = np.atleast_1d(np.arange(self.n_trains)[chosen])
        return self._take(index, (len(index),))

    def by_unit(self) -> SpikeTrains:
        """The same trains with samples and units exchanged, so that pairs are formed between trials of one unit."""
        batch, units = self.groups
        return self._take(np.arange(self.n_trains).reshape(batch, units).T.ravel(), (units, batch))

    def shaped(self, values: np.ndarray) -> Any:
        """One number a train, in the shape of the trains (a plain number for one array)."""
        return values.reshape(self.shape)[()]

    def _take(self, index: np.ndarray, shape: tuple[int, ...]) -> SpikeTrains:
        counts = self.counts[index]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        at = np.repeat(self.offsets[index] - offsets[:-1], counts) + np.arange(offsets[-1])
        return SpikeTrains(self.times[at], offsets, shape, self.start, self.stop)

    def _window(self, start: float | None, stop: float | None) -> SpikeTrains:
        begin, end = self.start if start is None else float(start), self.stop if stop is None else stop
        if (begin, end) == (self.start, self.stop):
            return self
        _check_window(begin, end)
        if begin < self.start or (self.stop is not None and end is not None and end > self.stop):
            raise ConfigurationError(got=f"a window from {begin} to {end} ms", where="spike trains",
                                     expected=f"a part of the window from {self.start} to {self.stop} ms",
                                     fix="build the trains with the longer window")
        keep = (self.times >= begin) & (self.times < (np.inf if end is None else end))
        offsets = np.concatenate([[0], np.cumsum(keep)])[self.offsets]
        return SpikeTrains(self.times[keep], offsets, self.shape, begin, end)


Source: TypeAlias = Events | SpikeTrains | Sequence | np.ndarray


def _check_window(start: float, stop: float | None) -> None:
    if not isfinite(start) or (stop is not None and not (isfinite(stop) and stop > start)):
        raise ConfigurationError(got=f"a window from {start} to {stop} ms", expected="a finite begin before the end",
                                 where="spike trains", fix="choose start < stop, both in ms")


def _of_events(events: Events, start: float, stop: float | None) -> SpikeTrains:
    low, high = (None if t is None else ceil(exact_ratio(t, events.resolution)) for t in (start, stop))
    inside = events.ticks >= low
    if high is not None:
        inside &= events.ticks < high
    if not inside.all():
        events = events.select(inside)
    trains, train, ticks = len(events) * events.n_units, events.samples * events.n_units + events.indices, events.ticks
    if events.values is not None and len(train):
        many = _multiplicities(events.values)
        train, ticks = np.repeat(train, many), np.repeat(ticks, many)
    span = int(ticks.max()) + 1 if len(ticks) else 1
    if trains * span < 2**63:  # one sort of integers is several times faster than an indirect one
        key = train * span + ticks
        key.sort()
        train, ticks = np.divmod(key, span)
    else:
        order = np.argsort(train, kind="stable")
        train, ticks = train[order], ticks[order]
    offsets = np.searchsorted(train, np.arange(trains + 1))
    times = ticks * events.resolution
    # Inside by exact arithmetic; the rounded product may lie one unit in the last place beyond the window's ends.
    times = np.clip(times, start, np.inf if stop is None else np.nextafter(stop, start))
    return SpikeTrains(times, offsets, (len(events), *events.shape), start, stop)


def _multiplicities(values: np.ndarray) -> np.ndarray:
    """Spikes that each event stands for: several of a unit in one step travel as one event with their number."""
    if (values < 1).any() or (values != np.floor(values)).any() or values.sum(dtype=np.float64) > _MOST_SPIKES:
        raise UnsupportedError(got=f"events with values from {values.min()} to {values.max()}", where="spike trains",
                               expected=f"numbers of spikes (1, 2, ...), {_MOST_SPIKES} in all", fix="count each event "
                               "as one spike with dataclasses.replace(events, values=None)")
    return values.astype(np.int64)


def _arrays(source: Sequence | np.ndarray) -> tuple[list[np.ndarray], tuple[int, ...]]:
    """Arrays of times and the shape of the trains."""
    several = isinstance(source, list | tuple) and any(np.ndim(part) > 0 for part in source)
    parts = [np.asarray(part) for part in (source if several else [source])]
    for k, part in enumerate(parts):
        if part.ndim != 1 or (part.size and part.dtype.kind not in "iuf"):
            raise DataError(got=f"train {k} of dtype {part.dtype} and shape {part.shape}", where="spike trains",
                            expected="one array of times (ms), or a list of such arrays",
                            fix="pass a list with one array a train; build events of (time, unit) pairs with "
                                "Events.from_times")
    return [part.astype(np.float64) for part in parts], ((len(parts),) if several else ())
