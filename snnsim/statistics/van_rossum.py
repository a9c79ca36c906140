"""Van Rossum's distance between spike trains."""

from __future__ import annotations

import numpy as np

from snnsim.statistics.binning import positive
from snnsim.statistics.pairs import each_group
from snnsim.statistics.trains import Source, SpikeTrains


def van_rossum_distance(source: Source, *, tau: float, start: float | None = None,
                        stop: float | None = None) -> np.ndarray:
    r"""Van Rossum's distance of all pairs: D^2 = (2 / tau) int (f_1 - f_2)^2 dt, f the train behind exp(-t / tau).

    Between spikes the difference of the filtered trains only decays, so that the integral is a sum over the merged
    spikes, D^2 = sum_k f_k^2 (1 - exp(-2 (t_{k+1} - t_k) / tau)), of terms that are never negative: equal trains have
    a distance of exactly 0, and near ones lose no digits. One spike is at distance 1 from none.

    Args:
        source: events (pairs of units within each sample), spike trains, or a list of arrays of times (ms).
        tau: time constant of the filter (ms).
        start: begin of the window (ms).
        stop: end of the window (ms).

    Returns:
        float64 ``[batch, units, units]`` of events, ``[trains, trains]`` of a list.

    Raises:
        ConfigurationError: a time constant that is not positive, or a matrix too large to hold.

    Example:
        >>> van_rossum_distance([[10.0], [], [10.0]], tau=5.0).tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]

    References:
        van Rossum 2001, Neural Comput. 13:751, doi:10.1162/089976601300014321 (whose distance is smaller by sqrt(2)).
    """
    positive(tau, "tau", "van_rossum_distance")
    trains = SpikeTrains.of(source, start=start, stop=stop)
    return each_group(trains, lambda part: _matrix(part, tau), "van_rossum_distance")


def _matrix(trains: SpikeTrains, tau: float) -> np.ndarray:
    squared = np.zeros((trains.n_trains, trains.n_trains))
    for one in range(trains.n_trains - 1):
        squared[one, one + 1:] = squared[one + 1:, one] = _to_later(trains, one, tau)
    return np.sqrt(squared)


def _to_later(trains: SpikeTrains, one: int, tau: float) -> np.ndarray:
    """Squared distances of a train to all later ones."""
    mine = trains.times[trains.offsets[one]:trains.offsets[one + 1]]
    theirs, begin = trains.times[trains.offsets[one + 1]:], trains.offsets[one + 1:] - trains.offsets[one + 1]
    later = len(begin) - 1
    pair = np.concatenate([np.repeat(np.arange(later), np.diff(begin)), np.repeat(np.arange(later), len(mine))])
    times = np.concatenate([theirs, np.tile(mine, later)])
    sign = np.repeat([-1.0, 1.0], [len(theirs), later * len(mine)])
    order = np.lexsort((times, pair))
    pair, times, sign = pair[order], times[order], sign[order]
    gap = np.diff(times, prepend=-np.inf)
    gap[np.flatnonzero(np.diff(pair)) + 1] = np.inf  # nothing is left of the pair before
    at = np.flatnonzero(gap > 0)  # spikes at one time are one step, so that equal trains cancel exactly
    pair, gap, step = pair[at], gap[at], np.add.reduceat(sign, at)
    difference = decayed_sums(np.exp(-gap / tau), step)
    lost = -np.expm1(-2.0 * np.append(gap, np.inf)[1:] / tau)
    return np.bincount(pair, difference**2 * lost, minlength=later)


def decayed_sums(decay: np.ndarray, added: np.ndarray) -> np.ndarray:
    """x with x[k] = decay[k] x[k - 1] + added[k], by doubling: log2(n) passes over the array instead of n steps.

    Args:
        decay: float64 [n], factors from 0 to 1; 0 begins anew.
        added: float64 [n].
    """
    x, decay, step = added.copy(), decay.copy(), 1
    while step < len(x) and decay[step:].any():
        x[step:] += decay[step:] * x[:-step]
        decay[step:] *= decay[:-step]
        decay[:step] = 0.0
        step *= 2
    return x
