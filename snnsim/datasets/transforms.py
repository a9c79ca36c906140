"""Transforms of recordings: pure functions, `Events` in and `Events` out, random ones fixed by a seed.

Each takes `Events` or `LabelledEvents` and returns the same kind; labels and groups are untouched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np

from snnsim.core.dataset import LabelledEvents
from snnsim.core.errors import ConfigurationError
from snnsim.core.events import Events

P = ParamSpec("P")
Recordings = TypeVar("Recordings", Events, LabelledEvents)


def either_kind(transform: Callable[Concatenate[Events, P], Events]
                ) -> Callable[Concatenate[Recordings, P], Recordings]:
    """Lets a function of `Events` take `LabelledEvents` as well, keeping their labels.

    Args:
        transform: function whose first argument and result are `Events`.
    """
    @wraps(transform)
    def on_either(events: Recordings, *args: P.args, **kwargs: P.kwargs) -> Recordings:
        if isinstance(events, LabelledEvents):
            return events.with_events(transform(events.events, *args, **kwargs))
        return transform(events, *args, **kwargs)

    return on_either


@either_kind
def crop(events: Events, duration: float, *, start: float = 0.0) -> Events:
    """Events of ``start <= time < start + duration``, times counted from `start`.

    Args:
        events: recordings.
        duration: length of what is kept (ms).
        start: where it begins (ms).

    Raises:
        ConfigurationError: a duration that is not positive, or a negative start.
    """
    _require(duration > 0, f"duration = {duration} ms", "a positive time", "crop")
    _require(start >= 0, f"start = {start} ms", "0 or later", "crop")
    return events.crop(start, start + duration)


@either_kind
def time_jitter(events: Events, sigma: float, *, seed: int) -> Events:
    """Moves each event by a normal random time; what would fall before 0 is put at 0.

    Args:
        events: recordings.
        sigma: standard deviation (ms).
        seed: seed of the draws.

    Raises:
        ConfigurationError: a negative sigma.
    """
    _require(sigma >= 0, f"sigma = {sigma} ms", "0 or more", "time_jitter")
    shift = np.random.default_rng(seed).normal(0.0, sigma / events.resolution, events.n_events)
    return _sorted(events, np.maximum(events.ticks + np.rint(shift).astype(np.int64), 0))


@either_kind
def time_scale(events: Events, factor: float) -> Events:
    """Multiplies all times by `factor`, rounded to the nearest tick.

    Args:
        events: recordings.
        factor: above 1 is slower, below 1 faster.

    Raises:
        ConfigurationError: a factor that is not positive.
    """
    _require(factor > 0, f"factor = {factor}", "a positive number", "time_scale")
    return replace(events, ticks=np.rint(events.ticks * factor).astype(np.int64))


@either_kind
def bin_time(events: Events, dt: float) -> Events:
    """The same events with times floored onto a coarser grid, the new resolution.

    Args:
        events: recordings.
        dt: length of a tick of the result (ms), at least the present one.

    Raises:
        ConfigurationError: a finer grid than the present one.
    """
    _require(dt >= events.resolution, f"dt = {dt} ms", f"at least the resolution, {events.resolution} ms",
             "bin_time")
    return replace(events, ticks=events.steps(dt), resolution=float(dt))


@either_kind
def one_per_step(events: Events, dt: float) -> Events:
    """Keeps the first event of each unit in each step, so that binned input is 0 or 1: a spike, not a count.

    Args:
        events: recordings without values.
        dt: step (ms).

    Raises:
        ConfigurationError: events that carry values, or a step that is not positive.
    """
    _require(dt > 0, f"dt = {dt} ms", "a positive number", "one_per_step")
    _require(events.values is None, "events with values", "events without values", "one_per_step")
    steps = events.steps(dt)
    place = (events.samples * (int(steps.max(initial=0)) + 1) + steps) * events.n_units + events.indices
    keep = np.zeros(events.n_events, bool)
    keep[np.unique(place, return_index=True)[1]] = True
    return events.select(keep)


@either_kind
def drop_events(events: Events, p: float, *, seed: int) -> Events:
    """Removes each event with probability `p`.

    Args:
        events: recordings.
        p: probability, 0 to 1.
        seed: seed of the draws.

    Raises:
        ConfigurationError: p outside 0 to 1.
    """
    _require(0 <= p <= 1, f"p = {p}", "a probability", "drop_events")
    return events.select(np.random.default_rng(seed).random(events.n_events) >= p)


@either_kind
def channel_pool(events: Events, factor: int) -> Events:
    """Joins `factor` neighbouring channels to one, which receives all their events (700 by 5 gives 140).

    Args:
        events: recordings of shape ``(channels,)``.
        factor: channels joined; must divide their number.

    Raises:
        ConfigurationError: more than one axis, or a factor that does not divide the channels.
    """
    _one_axis(events, "channel_pool")
    _require(factor >= 1 and events.n_units % factor == 0, f"factor = {factor}",
             f"a divisor of {events.n_units}", "channel_pool")
    return replace(events, indices=events.indices // factor, shape=(events.n_units // factor,))


@either_kind
def channel_jitter(events: Events, sigma: float, *, seed: int) -> Events:
    """Moves each event by a normal random number of channels; what falls off an end is removed.

    Args:
        events: recordings of shape ``(channels,)``.
        sigma: standard deviation (channels).
        seed: seed of the draws.

    Raises:
        ConfigurationError: more than one axis, or a negative sigma.
    """
    _one_axis(events, "channel_jitter")
    _require(sigma >= 0, f"sigma = {sigma}", "0 or more", "channel_jitter")
    shift = np.random.default_rng(seed).normal(0.0, sigma, events.n_events)
    return _moved(events, events.indices + np.rint(shift).astype(np.int64))


@either_kind
def channel_shift(events: Events, max_shift: int, *, seed: int) -> Events:
    """Moves all events of a sample by one random number of channels; what falls off an end is removed.

    Args:
        events: recordings of shape ``(channels,)``.
        max_shift: largest shift, drawn from -max_shift to max_shift for each sample.
        seed: seed of the draws.

    Raises:
        ConfigurationError: more than one axis, or a negative shift.
    """
    _one_axis(events, "channel_shift")
    _require(max_shift >= 0, f"max_shift = {max_shift}", "0 or more", "channel_shift")
    shift = np.random.default_rng(seed).integers(-max_shift, max_shift, len(events), endpoint=True)
    return _moved(events, events.indices + shift[events.samples])


@either_kind
def spatial_shift(events: Events, max_shift: int, *, seed: int) -> Events:
    """Moves the picture of each sample by random whole pixels; what falls off the edge is removed.

    Args:
        events: recordings whose last two axes are y and x.
        max_shift: largest shift on each axis, drawn from -max_shift to max_shift for each sample.
        seed: seed of the draws.

    Raises:
        ConfigurationError: fewer than two axes, or a negative shift.
    """
    _require(max_shift >= 0, f"max_shift = {max_shift}", "0 or more", "spatial_shift")
    plane, y, x, height, width = _pixels(events, "spatial_shift")
    shift = np.random.default_rng(seed).integers(-max_shift, max_shift, (2, len(events)), endpoint=True)
    y, x = y + shift[0][events.samples], x + shift[1][events.samples]
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    indices = (plane * height + y) * width + x
    return replace(events.select(inside), indices=indices[inside])


@either_kind
def spatial_downsample(events: Events, factor: int) -> Events:
    """Joins squares of `factor` x `factor` pixels to one; a rest at the lower or right edge stands alone.

    Args:
        events: recordings whose last two axes are y and x.
        factor: pixels joined on each axis.

    Raises:
        ConfigurationError: fewer than two axes, or a factor below 1.
    """
    _require(factor >= 1, f"factor = {factor}", "1 or more", "spatial_downsample")
    plane, y, x, height, width = _pixels(events, "spatial_downsample")
    rows, columns = -(-height // factor), -(-width // factor)
    return replace(events, indices=(plane * rows + y // factor) * columns + x // factor,
                   shape=(*events.shape[:-2], rows, columns))


@either_kind
def centre_crop(events: Events, height: int, width: int) -> Events:
    """Events of the middle `height` x `width` pixels.

    Args:
        events: recordings whose last two axes are y and x.
        height: rows kept.
        width: columns kept.

    Raises:
        ConfigurationError: fewer than two axes, or a window larger than the sensor.
    """
    plane, y, x, rows, columns = _pixels(events, "centre_crop")
    _require(1 <= height <= rows and 1 <= width <= columns, f"a window of {height} x {width}",
             f"at most {rows} x {columns}", "centre_crop")
    y, x = y - (rows - height) // 2, x - (columns - width) // 2
    keep = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    kept, inside = events.select(keep), ((plane * height + y) * width + x)[keep]
    return replace(kept, indices=inside, shape=(*events.shape[:-2], height, width))


def _require(holds: bool, got: str, expected: str, where: str) -> None:
    if not holds:
        raise ConfigurationError(got=got, expected=expected, where=where, fix="correct the argument")


def _one_axis(events: Events, where: str) -> None:
    _require(len(events.shape) == 1, f"events of shape {events.shape}", "one axis of channels", where)


def _pixels(events: Events, where: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, int]:
    _require(len(events.shape) >= 2, f"events of shape {events.shape}", "axes (..., y, x)", where)
    height, width = events.shape[-2:]
    row, x = np.divmod(events.indices.astype(np.int64), width)
    return row // height, row % height, x, height, width


def _moved(events: Events, indices: np.ndarray) -> Events:
    inside = (indices >= 0) & (indices < events.n_units)
    return replace(events.select(inside), indices=indices[inside])


def _sorted(events: Events, ticks: np.ndarray) -> Events:
    """The events with other ticks, brought into order within each sample (stable)."""
    span = int(ticks.max(initial=0)) + 1
    if span * len(events) < 2**63:  # one key, nearly sorted already: several times faster
        order = np.argsort(events.samples * span + ticks, kind="stable")
    else:
        order = np.lexsort((ticks, events.samples))
    values = None if events.values is None else events.values[order]
    return replace(events, ticks=ticks[order], indices=events.indices[order], values=values)
