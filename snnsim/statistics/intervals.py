"""How regular spike trains are: coefficients of variation of their inter-spike intervals, whole and local."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.statistics.trains import Source, SpikeTrains


def isi(source: Source) -> list[np.ndarray] | np.ndarray:
    """Inter-spike intervals of each train.

    Args:
        source: events, spike trains, an array of times (ms) or a list of such arrays.

    Returns:
        Intervals (ms): one array for one array of times, else a list with one array a train (events: sample after
        sample, units in flat order).

    Example:
        >>> isi([1.0, 3.0, 6.0]).tolist()
        [2.0, 3.0]
    """
    trains = SpikeTrains.of(source)
    interval, counts = _intervals(trains)
    parts = np.split(interval, np.cumsum(counts)[:-1]) if trains.n_trains else []
    return parts if trains.shape else parts[0]


def pooled_isi(source: Source) -> np.ndarray:
    """Inter-spike intervals of all trains together (ms), float64 [intervals].

    Args:
        source: events, spike trains, an array of times (ms) or a list of such arrays.
    """
    return _intervals(SpikeTrains.of(source))[0]


def cv_isi(source: Source) -> Any:
    r"""Coefficient of variation of the inter-spike intervals: std(I) / mean(I).

    The standard deviation is that of the sample (divided by the number of intervals). A Poisson train has 1, a
    regular one 0.

    Args:
        source: events, spike trains, an array of times (ms) or a list of such arrays.

    Returns:
        ``[batch, *shape]`` of events, ``[trains]`` of a list, a number of one array. NaN for trains of fewer than
        three spikes: one interval does not vary (Elephant says 0 for two spikes).

    Example:
        >>> float(cv_isi([0.0, 10.0, 20.0, 30.0]))
        0.0
    """
    trains = SpikeTrains.of(source)
    interval, counts = _intervals(trains)
    train = np.repeat(np.arange(trains.n_trains), counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(train, interval, minlength=trains.n_trains) / counts
        variance = np.bincount(train, (interval - mean[train])**2, minlength=trains.n_trains) / counts
        return trains.shaped(np.where(counts < 2, np.nan, np.sqrt(variance) / mean))


def cv2(source: Source) -> Any:
    r"""Local coefficient of variation: mean over neighbouring intervals of 2 |I' - I| / (I' + I).

    Args:
        source: events, spike trains, an array of times (ms) or a list of such arrays.

    Returns:
        As `cv_isi`; NaN for trains of fewer than three spikes, or with three spikes at one time.

    References:
        Holt, Softky, Koch & Douglas 1996, J. Neurophysiol. 75:1806, doi:10.1152/jn.1996.75.5.1806.
    """
    return _local(source, lambda one, other: 2.0 * np.abs(other - one) / (one + other))


def lv(source: Source) -> Any:
    r"""Local variation: mean over neighbouring intervals of 3 (I - I')^2 / (I + I')^2.

    Args:
        source: events, spike trains, an array of times (ms) or a list of such arrays.

    Returns:
        As `cv_isi`; NaN for trains of fewer than three spikes, or with three spikes at one time.

    References:
        Shinomoto, Shima & Tanji 2003, Neural Comput. 15:2823, doi:10.1162/089976603322518759.
    """
    return _local(source, lambda one, other: 3.0 * ((one - other) / (one + other))**2)


def lvr(source: Source, *, refractoriness: float = 5.0) -> Any:
    r"""Revised local variation: mean of 3 (1 - 4 I I' / (I + I')^2) (1 + 4 R / (I + I')).

    Args:
        source: events, spike trains, an array of times (ms) or a list of such arrays.
        refractoriness: constant R (ms); the paper's value is 5.

    Returns:
        As `cv_isi`; NaN for trains of fewer than three spikes, or with three spikes at one time.

    Raises:
        ConfigurationError: a negative `refractoriness`.

    References:
        Shinomoto et al. 2009, PLoS Comput. Biol. 5:e1000433, doi:10.1371/journal.pcbi.1000433.
    """
    if not (isfinite(refractoriness) and refractoriness >= 0):
        raise ConfigurationError(got=f"refractoriness = {refractoriness} ms", expected="0 or more", where="lvr",
                                 fix="choose a time of 0 or more")
    return _local(source, lambda one, other: 3.0 * (1.0 - 4.0 * one * other / (one + other)**2)
                  * (1.0 + 4.0 * refractoriness / (one + other)))


def _intervals(trains: SpikeTrains) -> tuple[np.ndarray, np.ndarray]:
    """Intervals within the trains [intervals], and how many each train has [trains]."""
    inner = np.ones(max(len(trains.times) - 1, 0), bool)
    borders = trains.offsets[1:-1]
    inner[borders[(borders > 0) & (borders < len(trains.times))] - 1] = False
    return np.diff(trains.times)[inner], np.maximum(trains.counts - 1, 0)


def _local(source: Source, measure: Any) -> Any:
    """Mean of a measure of neighbouring intervals over each train."""
    trains = SpikeTrains.of(source)
    interval, counts = _intervals(trains)
    train = np.repeat(np.arange(trains.n_trains), counts)
    same = train[1:] == train[:-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        local = measure(interval[:-1][same], interval[1:][same])
        total = np.bincount(train[1:][same], local, minlength=trains.n_trains)
        return trains.shaped(total / np.maximum(counts - 1, 0))
