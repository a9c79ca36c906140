"""Victor and Purpura's distance between spike trains."""

from __future__ import annotations

from math import isfinite

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.statistics.pairs import each_group
from snnsim.statistics.trains import Source, SpikeTrains

_BLOCK = 2**20  # entries of the rows that are advanced together


def victor_purpura_distance(source: Source, *, cost: float, start: float | None = None,
                            stop: float | None = None) -> np.ndarray:
    r"""Victor and Purpura's distance of all pairs: the least cost of turning one train into the other.

    Adding or removing a spike costs 1, moving it by dt costs ``cost * |dt|``. With G[i, j] the distance of the first
    i and j spikes and F = G - i - j, the recurrence has only minima,
    F[i, j] = min(F[i - 1, j], F[i, j - 1], F[i - 1, j - 1] + cost |a_i - b_j| - 2), so that a row is a running minimum;
    rows of many pairs advance together.

    Args:
        source: events (pairs of units within each sample), spike trains, or a list of arrays of times (ms).
        cost: cost of moving a spike (1/ms), 0 or more; 0 compares the numbers of spikes.
        start: begin of the window (ms).
        stop: end of the window (ms).

    Returns:
        float64 ``[batch, units, units]`` of events, ``[trains, trains]`` of a list.

    Raises:
        ConfigurationError: a cost that is negative or not finite, or a matrix too large to hold.

    Example:
        >>> victor_purpura_distance([[10.0, 20.0], [12.0]], cost=0.1).tolist()
        [[0.0, 1.2], [1.2, 0.0]]

    References:
        Victor & Purpura 1996, J. Neurophysiol. 76:1310, doi:10.1152/jn.1996.76.2.1310.
    """
    if not (isfinite(cost) and cost >= 0):
        raise ConfigurationError(got=f"cost = {cost} 1/ms", expected="a finite number of 0 or more",
                                 where="victor_purpura_distance", fix="choose one such as 0.01")
    trains = SpikeTrains.of(source, start=start, stop=stop)
    return each_group(trains, lambda part: _matrix(part, cost), "victor_purpura_distance")


def _matrix(trains: SpikeTrains, cost: float) -> np.ndarray:
    counts = trains.counts
    one, other = np.triu_indices(trains.n_trains, 1)
    fewer = counts[one] <= counts[other]
    one, other = np.where(fewer, one, other), np.where(fewer, other, one)  # the loop runs over the shorter train
    order = np.lexsort((counts[one], counts[other]))  # pairs of like lengths together
    one, other = one[order], other[order]
    matrix, first = np.zeros((trains.n_trains, trains.n_trains)), 0
    while first < len(one):
        width = counts[other[first:]] + 1
        last = first + max(1, int(np.searchsorted(width * np.arange(1, len(width) + 1), _BLOCK, side="right")))
        a, b = one[first:last], other[first:last]
        matrix[a, b] = matrix[b, a] = _distances(_padded(trains, a, -np.inf), _padded(trains, b, np.inf), cost) \
            + counts[a] + counts[b]
        first = last
    return matrix


def _padded(trains: SpikeTrains, chosen: np.ndarray, beyond: float) -> np.ndarray:
    """Times of these trains, ``[trains, longest]``, with a time at infinity where there is no spike."""
    counts = trains.counts[chosen]
    spike = np.arange(int(counts.max(initial=0)))
    at = np.minimum(trains.offsets[chosen][:, None] + spike, max(len(trains.times) - 1, 0))
    return np.where(spike < counts[:, None], trains.times[at], beyond) if len(spike) else np.empty((len(chosen), 0))


def _distances(a: np.ndarray, b: np.ndarray, cost: float) -> np.ndarray:
    """G - i - j at the ends of all pairs ``[pairs]``; a shift to or from infinity is never the least."""
    row = np.zeros((len(a), b.shape[1] + 1))
    for times in a.T[:, :, None]:
        distance = np.abs(times - b)
        shift = np.where(np.isfinite(distance), cost * np.where(np.isfinite(distance), distance, 0.0), np.inf) - 2.0
        np.minimum(row[:, 1:], row[:, :-1] + shift, out=row[:, 1:])
        row = np.minimum.accumulate(row, axis=1)
    return row[:, -1]
