"""`Events`: spike times and unit indices of a batch of samples, on integer ticks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, prod

import numpy as np

from snnsim.core.errors import DataError


def exact_ratio(numerator: float, denominator: float) -> Fraction:
    """Ratio of two decimal numbers as written (0.3 / 0.1 is 3), free of binary rounding."""
    return Fraction(repr(float(numerator))) / Fraction(repr(float(denominator)))


@dataclass(frozen=True)
class Events:
    """Events of a batch of samples, sorted in time within each sample (ragged, on the host).

    Event `e` of sample `b` (``offsets[b] <= e < offsets[b + 1]``) happens in unit ``indices[e]`` at
    ``ticks[e] * resolution`` ms. Its other face is the dense array ``[time, batch, *shape]``.

    Args:
        ticks: int64 [events], time in units of `resolution`, not negative, sorted in each sample.
        indices: int32 [events], flat unit index below the product of `shape`.
        offsets: int64 [batch + 1], where each sample begins.
        shape: shape of the population that emitted them.
        resolution: length of a tick (ms).
        values: float32 [events] for signed, graded or counted events; None means 1 each.

    Raises:
        DataError: negative or unsorted times, indices out of range, lengths that disagree, values not finite.

    Example:
        >>> events = Events.from_times([0.3, 1.2], [0, 4], shape=5)
        >>> len(events), events.n_events, events.dense(dt=0.5).shape
        (1, 2, (3, 1, 5))
    """

    ticks: np.ndarray
    indices: np.ndarray
    offsets: np.ndarray
    shape: tuple[int, ...]
    resolution: float = 0.001
    values: np.ndarray | None = None

    def __post_init__(self):
        shape = (self.shape,) if isinstance(self.shape, int | np.integer) else self.shape
        object.__setattr__(self, "shape", tuple(int(n) for n in shape))
        for name, dtype in (("ticks", np.int64), ("indices", np.int32), ("offsets", np.int64)):
            object.__setattr__(self, name, _integers(getattr(self, name), dtype, name))
        if self.values is not None:
            object.__setattr__(self, "values", np.asarray(self.values, np.float32))
        self._check()

    def _check(self) -> None:
        n, where = len(self.ticks), "Events"
        if not (np.isfinite(self.resolution) and self.resolution > 0):
            raise DataError(got=f"resolution = {self.resolution} ms", expected="a positive number",
                            where=where, fix="give the length of a tick in ms")
        if any(size < 1 for size in self.shape):
            raise DataError(got=f"shape {self.shape}", expected="at least one unit on each axis", where=where,
                            fix="give the size of the emitting population")
        if len(self.indices) != n or (self.values is not None and len(self.values) != n):
            raise DataError(got=f"{n} times and {len(self.indices)} indices", expected="equal lengths",
                            where=where, fix="pass one index (and value) for each time")
        offsets = self.offsets
        if len(offsets) < 1 or offsets[0] != 0 or offsets[-1] != n or np.any(np.diff(offsets) < 0):
            raise DataError(got=f"offsets that run from {offsets[:1]} to {offsets[-1:]}",
                            expected=f"0 rising to {n}", where=where, fix="pass the start of each sample and the end")
        if n == 0:
            return
        if self.ticks.min() < 0:
            raise DataError(got=f"time {self.ticks.min() * self.resolution} ms", expected="times of 0 or later",
                            where=where, fix="shift the times, or drop what came before the start")
        if self.indices.min() < 0 or self.indices.max() >= self.n_units:
            worst = self.indices.min() if self.indices.min() < 0 else self.indices.max()
            raise DataError(got=f"unit index {worst}", expected=f"0 to {self.n_units - 1}", where=where,
                            fix="check the sensor's size, or crop the events")
        falling = self.ticks[1:] < self.ticks[:-1]
        falling[offsets[(offsets > 0) & (offsets < n)] - 1] = False
        if falling.any():
            at = int(np.flatnonzero(falling)[0])
            raise DataError(got=f"time {self.ticks[at + 1] * self.resolution} ms after "
                            f"{self.ticks[at] * self.resolution} ms (event {at + 1})", expected="times in order",
                            where=where, fix="build the events with Events.from_times(..., sort=True)")
        if self.values is not None and not np.isfinite(self.values).all():
            raise DataError(got="a value that is not finite", expected="finite values", where=where,
                            fix="remove these events")

    # -- construction ---------------------------------------------------------------------------------

    @classmethod
    def from_times(cls, times: Sequence[float] | np.ndarray, indices: Sequence[int] | np.ndarray, *,
                   shape: int | tuple[int, ...], resolution: float = 0.001, values: np.ndarray | None = None,
                   sort: bool = False) -> Events:
        """One sample from times (ms), rounded to the nearest tick.

        Args:
            times: [events], ms.
            indices: [events], flat unit index.
            shape: size or shape of the emitting population.
            resolution: length of a tick (ms).
            values: [events] or None.
            sort: sort by time (stable) instead of refusing unsorted times.

        Raises:
            DataError: times that are not finite, negative or unsorted; indices out of range.
        """
        times = np.asarray(times, np.float64)
        if times.ndim != 1 or not np.isfinite(times).all():
            raise DataError(got=f"times of shape {times.shape} with {np.sum(~np.isfinite(times))} not finite",
                            expected="one finite time an event", where="Events.from_times",
                            fix="remove NaN and infinite times")
        with np.errstate(over="ignore"):  # refused below
            ticks = np.rint(times / resolution)
        if ticks.size and np.abs(ticks).max() >= 2.0**63:  # the cast would wrap without a word
            raise DataError(got=f"time {times[np.abs(ticks).argmax()]} ms", expected="fewer than 2^63 ticks",
                            where="Events.from_times", fix="check the unit, or use a coarser resolution")
        ticks, indices = ticks.astype(np.int64), np.asarray(indices)
        if sort and len(indices) == len(ticks):
            order = np.argsort(ticks, kind="stable")
            ticks, indices = ticks[order], indices[order]
            values = None if values is None else np.asarray(values)[order]
        return cls(ticks, indices, np.array([0, len(ticks)]), shape, resolution, values)  # type: ignore[arg-type]

    @classmethod
    def from_dense(cls, dense: np.ndarray, *, dt: float) -> Events:
        """Events of a dense array ``[time, batch, *shape]``; entries other than 0 become events at step * dt."""
        dense = np.asarray(dense)
        if dense.ndim < 3:
            raise DataError(got=f"an array of shape {dense.shape}", expected="[time, batch, unit, ...]",
                            where="Events.from_dense", fix="add the missing axis, for example array[:, None]")
        shape = dense.shape[2:]
        flat = np.moveaxis(dense.reshape(*dense.shape[:2], prod(shape)), 0, 1)  # [batch, time, unit]: sorted as needed
        sample, step, unit = np.nonzero(flat)
        values = flat[sample, step, unit].astype(np.float32)
        offsets = np.searchsorted(sample, np.arange(dense.shape[1] + 1))
        return cls(step, unit, offsets, shape, float(dt), None if np.all(values == 1) else values)

    @classmethod
    def concatenate(cls, parts: Sequence[Events]) -> Events:
        """Samples of several `Events` of one shape and resolution, in order."""
        kinds = {(part.shape, part.resolution) for part in parts}
        if len(kinds) != 1:
            raise DataError(got=f"shapes and resolutions {sorted(kinds)}", expected="one shape and one resolution",
                            where="Events.concatenate", fix="bring them to one sensor size and resolution first")
        shift = np.cumsum([0] + [part.n_events for part in parts])
        offsets = np.concatenate([part.offsets[:-1] + at for part, at in zip(parts, shift[:-1], strict=True)]
                                 + [shift[-1:]])
        valued = any(part.values is not None for part in parts)
        values = np.concatenate([part.weights() for part in parts]) if valued else None
        return cls(np.concatenate([part.ticks for part in parts]), np.concatenate([part.indices for part in parts]),
                   offsets, parts[0].shape, parts[0].resolution, values)

    # -- views ----------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[Events]:
        return (self[b] for b in range(len(self)))

    def __getitem__(self, index: int | slice | np.ndarray | Sequence[int]) -> Events:
        """The samples chosen by an integer, a slice, an index array or a boolean mask, as `Events`."""
        chosen = np.atleast_1d(np.arange(len(self))[index])
        lengths = self.offsets[chosen + 1] - self.offsets[chosen]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        take = np.repeat(self.offsets[chosen] - offsets[:-1], lengths) + np.arange(offsets[-1])
        values = None if self.values is None else self.values[take]
        return replace(self, ticks=self.ticks[take], indices=self.indices[take], offsets=offsets, values=values)

    @property
    def n_units(self) -> int:
        """Number of units of the population."""
        return prod(self.shape)

    @property
    def n_events(self) -> int:
        """Number of events in all samples."""
        return len(self.ticks)

    @property
    def counts(self) -> np.ndarray:
        """Events of each sample, int64 [batch]."""
        return np.diff(self.offsets)

    @property
    def times(self) -> np.ndarray:
        """Times of all events (ms), float64 [events]."""
        return self.ticks * self.resolution

    @property
    def samples(self) -> np.ndarray:
        """Sample of each event, int64 [events]."""
        return np.repeat(np.arange(len(self)), self.counts)

    @property
    def duration(self) -> float:
        """End of the last tick that holds an event (ms); 0 without events."""
        return float((self.ticks.max() + 1) * self.resolution) if self.n_events else 0.0

    def weights(self) -> np.ndarray:
        """Value of each event, float32 [events]; 1 where none was given."""
        return np.ones(self.n_events, np.float32) if self.values is None else self.values

    def steps(self, dt: float) -> np.ndarray:
        """Step of width `dt` (ms) into which each event falls: floor(tick * resolution / dt), in integers."""
        ratio = exact_ratio(self.resolution, dt)
        if self.n_events and int(self.ticks.max()) * ratio.numerator >= 2**63:  # dt = 1/3 ms: int64 is short
            return (self.ticks.astype(object) * ratio.numerator // ratio.denominator).astype(np.int64)
        return self.ticks * ratio.numerator // ratio.denominator

    def n_steps(self, dt: float) -> int:
        """Steps of width `dt` (ms) that hold all events."""
        return int(self.steps(dt).max()) + 1 if self.n_events else 0

    def check_end(self, dt: float, steps: int) -> None:
        """Raise `DataError` if events lie beyond `steps` steps of width `dt` (ms)."""
        if self.n_steps(dt) > steps:
            raise self._beyond(dt, steps)

    def _beyond(self, dt: float, steps: int) -> DataError:
        return DataError(got=f"an event at {self.duration:g} ms", expected=f"events before {steps * dt:g} ms",
                         where="Events", fix="simulate longer, or cut them with events.crop(0, duration)")

    def crop(self, start: float, stop: float) -> Events:
        """Events with start <= time < stop (ms), times counted from `start`."""
        first, last = (ceil(exact_ratio(t, self.resolution)) for t in (start, stop))
        return self.select((self.ticks >= first) & (self.ticks < last), ticks=self.ticks - first)

    def select(self, keep: np.ndarray, ticks: np.ndarray | None = None) -> Events:
        """Events where the mask `keep` [events] holds, with other `ticks` where given."""
        sums = np.concatenate([[0], np.cumsum(keep)])
        values = None if self.values is None else self.values[keep]
        return replace(self, ticks=(self.ticks if ticks is None else ticks)[keep], indices=self.indices[keep],
                       offsets=sums[self.offsets], values=values)

    def dense(self, dt: float, steps: int | None = None, dtype: type = np.float32) -> np.ndarray:
        """Dense face ``[time, batch, *shape]``; events that share a step and unit add up.

        Args:
            dt: width of a step (ms).
            steps: number of steps; by default as many as the events need.
            dtype: element type of the result.

        Raises:
            DataError: events lie beyond `steps`.
        """
        at = self.steps(dt)
        needed = int(at.max()) + 1 if self.n_events else 0
        steps = needed if steps is None else steps
        if needed > steps:
            raise self._beyond(dt, steps)
        flat = (at * len(self) + self.samples) * self.n_units + self.indices
        size = steps * len(self) * self.n_units
        if self.values is None:  # counts: no second array of the result's size, which is the larger cost
            total: np.ndarray = np.zeros(size, dtype)
            np.add.at(total, flat, np.ones((), dtype))
        else:
            total = np.bincount(flat, self.values.astype(np.float64), minlength=size).astype(dtype)
        return total.reshape(steps, len(self), *self.shape)


def _integers(values: np.ndarray, dtype: type, name: str) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise DataError(got=f"{name} of dtype {array.dtype} and shape {array.shape}", expected="a list of integers",
                        where="Events", fix="convert times with Events.from_times, indices with astype(int)")
    limit = np.iinfo(dtype)
    if array.size and (array.max() > limit.max or array.min() < limit.min):
        raise DataError(got=f"{name} up to {array.max()}", expected=f"numbers below {limit.max}", where="Events",
                        fix="check the file, or use a coarser resolution")
    return array.astype(dtype, copy=False)
