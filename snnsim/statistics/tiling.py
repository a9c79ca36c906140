"""Spike time tiling coefficient: a correlation of spike times that does not depend on the rates."""

from __future__ import annotations

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.statistics.binning import EDGE, positive
from snnsim.statistics.pairs import each_group
from snnsim.statistics.trains import Source, SpikeTrains


def spike_time_tiling(source: Source, *, window: float = 5.0, start: float | None = None, stop: float | None = None,
                      relative_tolerance: float = 0.0) -> np.ndarray:
    r"""Spike time tiling coefficient of all pairs: ((P_A - T_B) / (1 - P_A T_B) + (P_B - T_A) / (1 - P_B T_A)) / 2.

    P_A is the share of spikes of A within `window` of a spike of B; T_A is the share of the recording within `window`
    of a spike of A. A term with P T = 1 is 1.

    Args:
        source: events (pairs of units within each sample), spike trains, or a list of arrays of times (ms).
        window: half width of the tile around a spike (ms), its ends included.
        start: begin of the recording (ms).
        stop: end of the recording (ms).
        relative_tolerance: widens the window for P by this share of the other spike's time. Elephant 1.2.1 has 1e-5
            there (the default of NumPy's ``isclose``), so that its window grows with the time since 0.

    Returns:
        float64 ``[batch, units, units]`` of events, ``[trains, trains]`` of a list; NaN for trains without spikes.

    Raises:
        ConfigurationError: a window that is not positive, a negative tolerance, or a matrix too large to hold.

    References:
        Cutts & Eglen 2014, J. Neurosci. 34:14288, doi:10.1523/JNEUROSCI.2767-14.2014.
    """
    positive(window, "window", "spike_time_tiling")
    if not 0 <= relative_tolerance < 1:
        raise ConfigurationError(got=f"relative_tolerance = {relative_tolerance}", expected="from 0 to below 1",
                                 where="spike_time_tiling", fix="leave it at 0")
    trains = SpikeTrains.of(source, start=start, stop=stop)
    return each_group(trains, lambda part: _matrix(part, window, relative_tolerance), "spike_time_tiling")


def _matrix(trains: SpikeTrains, window: float, tolerance: float) -> np.ndarray:
    near = _near(trains, window, tolerance)
    tiled = _tiled(trains, window)
    product = near * tiled  # P_A T_B at [A, B]
    with np.errstate(invalid="ignore", divide="ignore"):
        term = np.where(product == 1, 1.0, (near - tiled) / (1.0 - product))
    return 0.5 * (term + term.T)


def _near(trains: SpikeTrains, window: float, tolerance: float) -> np.ndarray:
    """Share of the spikes of train A near a spike of train B, ``[A, B]``; NaN without spikes."""
    share = np.full((trains.n_trains, trains.n_trains), np.nan)
    times, train, counts = trains.times, trains.train, trains.counts
    reach = window * (1.0 + EDGE)
    with np.errstate(invalid="ignore", divide="ignore"):
        for b in np.flatnonzero(counts):
            other = trains.times[trains.offsets[b]:trains.offsets[b + 1]]
            after = np.searchsorted(other, times)
            before, after = other[np.maximum(after - 1, 0)], other[np.minimum(after, len(other) - 1)]
            # The nearest on both sides decide: the tolerance grows slower than the distance.
            near = (np.abs(times - before) <= reach + tolerance * np.abs(before)) \
                | (np.abs(times - after) <= reach + tolerance * np.abs(after))
            share[:, b] = np.bincount(train[near], minlength=trains.n_trains) / counts
    return share


def _tiled(trains: SpikeTrains, window: float) -> np.ndarray:
    """Share of the recording within the window of a spike of each train, [trains]; NaN without spikes."""
    tiled, end = np.full(trains.n_trains, np.nan), trains.start + trains.duration
    filled = np.flatnonzero(trains.counts)
    if len(filled):
        first, last = trains.offsets[filled], trains.offsets[filled + 1] - 1
        gap = np.minimum(np.diff(trains.times, append=trains.times[-1]), 2 * window)
        gap[last] = np.minimum(end - trains.times[last], window)
        tiled[filled] = np.add.reduceat(gap, first) + np.minimum(trains.times[first] - trains.start, window)
    return tiled / trains.duration
