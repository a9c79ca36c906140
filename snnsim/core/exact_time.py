"""Time of the exact engine: integer ticks of 1 fs, and numbers as they were written.

Integers make sums of delays exact: 0.1 ms after 0.2 ms is the instant 0.3 ms, so that arrivals meet where the
decimal numbers say that they do, whatever their way and however late it is. A tick is far below what a membrane in
double precision resolves; times reach 9.2e6 ms (two and a half hours).
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from snnsim.core.errors import ConfigurationError, DataError
from snnsim.core.events import Events, exact_ratio

TICK = 1e-12  # ms
PER_MS = 1e12
FAR = 2**62  # later than anything that happens


def duration_ticks(duration: float) -> int:
    """Ticks of a duration (ms).

    Raises:
        ConfigurationError: a duration that is not positive, or beyond what ticks can count.
    """
    if not (isinstance(duration, int | float | np.number) and isfinite(duration) and 0 < duration * PER_MS < FAR):
        raise ConfigurationError(got=f"duration = {duration} ms", expected=f"more than 0, less than {FAR * TICK:g} ms",
                                 where="simulate", fix="give it in ms; go on from recording.state for longer runs")
    return round(exact_ratio(duration, TICK))


def to_ticks(times: np.ndarray) -> np.ndarray:
    """The nearest ticks, int64, to times below 9,000 ms (delays); longer ones to double precision."""
    return np.rint(np.asarray(times, np.float64) * PER_MS).astype(np.int64)


def event_ticks(events: Events, name: str) -> np.ndarray:
    """Ticks of the events of one input, int64: exact where their resolution is a multiple of 1 fs, else nearest.

    Raises:
        DataError: times beyond what ticks can count.
    """
    ratio = exact_ratio(events.resolution, TICK)
    if events.n_events and int(events.ticks.max()) * ratio >= FAR:
        raise DataError(got=f"an event at {float(events.times.max()):g} ms", where=f"input {name!r}",
                        expected=f"events before {FAR * TICK:g} ms", fix="check the resolution of the events")
    if ratio.denominator == 1:
        return events.ticks * ratio.numerator
    return np.array([round(int(tick) * ratio) for tick in events.ticks], np.int64)


def as_written(values: Any) -> np.ndarray:
    """Numbers in double precision; a float32 becomes the shortest decimal number that is stored as it.

    A current that was written as 0.4 is 0.4 and not 0.4000000059604645: networks are built in single precision by
    default, and this engine is precise enough for the difference to show in every spike time.

    Example:
        >>> [float(x) for x in as_written(np.float32([0.4, -70.1, 1 / 3]))]
        [0.4, -70.1, 0.33333334]
    """
    array = np.asarray(values)
    wide = array.astype(np.float64)
    if array.dtype != np.float32:
        return wide
    found, size = wide.copy(), np.abs(wide)
    open_ = np.isfinite(wide) & (size > 1e-13) & (size < 1e13)  # beyond, powers of ten are themselves rounded
    exponent = np.floor(np.log10(np.where(open_, size, 1.0)))
    for digits in (6, 7, 8):  # fewer digits are six with zeros; nine tell all apart, as the number itself does
        power = digits - 1 - exponent
        up, down = 10.0 ** np.maximum(power, 0), 10.0 ** np.maximum(-power, 0)
        rounded = np.rint(wide * up / down) * down / up
        same = open_ & (rounded.astype(np.float32) == array)
        found[same] = rounded[same]
        open_ = open_ & ~same
    return found
