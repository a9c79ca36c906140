"""Covariance and correlation of binned spike counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.statistics.binning import BinnedCounts, binned
from snnsim.statistics.pairs import each_group
from snnsim.statistics.trains import Source, SpikeTrains

_BLOCK = 2**24  # entries of a dense part of the counts


def covariance(source: Source, *, bin_size: float, start: float | None = None, stop: float | None = None,
               binary: bool = False) -> np.ndarray:
    r"""Covariance of spike counts of all pairs: sum_b (n_i - <n_i>) (n_j - <n_j>) / (bins - 1).

    Args:
        source: events (pairs of units within each sample), spike trains, or a list of arrays of times (ms).
        bin_size: width of a bin (ms); a rest of the window that is shorter is not counted.
        start: begin of the window (ms).
        stop: end of the window (ms).
        binary: count whether there was a spike in a bin instead of spikes.

    Returns:
        float64 ``[batch, units, units]`` of events, ``[trains, trains]`` of a list; NaN from a single bin.

    Raises:
        ConfigurationError: a matrix too large to hold, or a window without a whole bin.
    """
    def measure(trains: SpikeTrains) -> np.ndarray:
        counts = _counts(trains, bin_size, binary)
        return _product(counts) / (counts.n_bins - 1 if counts.n_bins > 1 else np.nan)

    return each_group(SpikeTrains.of(source, start=start, stop=stop), measure, "covariance")


def correlation(source: Source, *, bin_size: float, start: float | None = None, stop: float | None = None,
                binary: bool = False) -> np.ndarray:
    """Pearson's correlation coefficient of spike counts of all pairs.

    Args:
        source: events (pairs of units within each sample), spike trains, or a list of arrays of times (ms).
        bin_size: width of a bin (ms); a rest of the window that is shorter is not counted.
        start: begin of the window (ms).
        stop: end of the window (ms).
        binary: count whether there was a spike in a bin instead of spikes.

    Returns:
        float64 ``[batch, units, units]`` of events, ``[trains, trains]`` of a list. NaN in rows and columns of
        trains whose counts do not vary, such as silent ones.

    Raises:
        ConfigurationError: a matrix too large to hold, or a window without a whole bin.

    Example:
        >>> correlation([[1.0, 11.0], [2.0, 12.0], [7.0, 17.0]], bin_size=5.0, stop=20.0).round(9).tolist()
        [[1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]
    """
    def measure(trains: SpikeTrains) -> np.ndarray:
        counts = _counts(trains, bin_size, binary)
        spread = np.sqrt(_squares(counts))
        with np.errstate(invalid="ignore", divide="ignore"):
            return _product(counts) / spread[:, None] / spread

    return each_group(SpikeTrains.of(source, start=start, stop=stop), measure, "correlation")


def mean_correlation(source: Source, *, bin_size: float, start: float | None = None, stop: float | None = None,
                     binary: bool = False) -> Any:
    r"""Mean correlation coefficient over all pairs of different trains, exactly, without forming the pairs.

    With z_i the standardised counts of train i, sum_{i,j} rho_ij = sum_b (sum_i z_i)^2, so that the work grows with
    the spikes and not with the pairs: all 5 * 10^9 pairs of 10^5 neurons take seconds.

    Args:
        source: events (pairs of units within each sample), spike trains, or a list of arrays of times (ms).
        bin_size: width of a bin (ms); a rest of the window that is shorter is not counted.
        start: begin of the window (ms).
        stop: end of the window (ms).
        binary: count whether there was a spike in a bin instead of spikes.

    Returns:
        float64 [batch] of events, a number of a list. Trains whose counts do not vary, such as silent ones, are in
        no pair; NaN where fewer than two trains are left.

    Example:
        >>> round(float(mean_correlation([[1.0, 11.0], [2.0, 12.0], [7.0, 17.0]], bin_size=5.0, stop=20.0)), 9)
        -0.333333333
    """
    trains = SpikeTrains.of(source, start=start, stop=stop)
    counts = _counts(trains, bin_size, binary)
    groups, size = trains.groups
    squares = _squares(counts)
    varying = squares > 0
    scale = np.where(varying, 1.0 / np.sqrt(np.where(varying, squares, 1.0)), 0.0)
    bins = counts.n_bins
    at = counts.train // max(size, 1) * bins + counts.bin
    total = np.bincount(at, counts.count * scale[counts.train], minlength=groups * bins).reshape(groups, bins)
    total = total - (counts.per_train() * scale).reshape(groups, size).sum(1, keepdims=True) / bins
    n = varying.reshape(groups, size).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(n < 2, np.nan, ((total**2).sum(1) - n) / (n * (n - 1.0)))
    return mean if len(trains.shape) > 1 else mean[0]


def pair_correlations(source: Source, *, bin_size: float, start: float | None = None, stop: float | None = None,
                      binary: bool = False, most: int = 500, seed: int = 0) -> np.ndarray:
    """Correlation coefficients of pairs of different trains, for their distribution.

    Args:
        source: events (pairs of units within each sample), spike trains, or a list of arrays of times (ms).
        bin_size: width of a bin (ms); a rest of the window that is shorter is not counted.
        start: begin of the window (ms).
        stop: end of the window (ms).
        binary: count whether there was a spike in a bin instead of spikes.
        most: of larger populations this many trains are drawn at random among those whose counts vary.
        seed: of that draw.

    Returns:
        float64 [pairs]: all pairs of the trains drawn, sample after sample.
    """
    if most < 2:
        raise ConfigurationError(got=f"most = {most}", expected="2 trains or more", where="pair_correlations",
                                 fix="choose a larger number")
    trains = SpikeTrains.of(source, start=start, stop=stop)
    counts = _counts(trains, bin_size, binary)
    groups, size = trains.groups
    rng = np.random.default_rng(seed)
    found = []
    for group, varying in enumerate((_squares(counts) > 0).reshape(groups, size)):
        chosen = np.flatnonzero(varying)
        if len(chosen) > most:
            chosen = np.sort(rng.choice(chosen, most, replace=False))
        if len(chosen) > 1:
            matrix = correlation(trains[group * size + chosen], bin_size=bin_size, binary=binary)
            found.append(matrix[np.triu_indices(len(chosen), 1)])
    return np.concatenate([np.empty(0), *found])


def _counts(trains: SpikeTrains, bin_size: float, binary: bool) -> BinnedCounts:
    counts = binned(trains, bin_size)
    return counts.clipped() if binary else counts


def _squares(counts: BinnedCounts) -> np.ndarray:
    """sum_b (n - <n>)^2 of each train; exactly 0 where the counts do not vary, as it is made of integers."""
    return (counts.n_bins * counts.per_train(2) - counts.per_train()**2) / counts.n_bins


def _product(counts: BinnedCounts) -> np.ndarray:
    """sum_b (n_i - <n_i>) (n_j - <n_j>), ``[trains, trains]``, a block of bins at a time; empty bins need none."""
    size = counts.n_trains
    product = np.zeros((size, size))  # integers below 2^53: exact, whatever the order of the sums
    used, column = np.unique(counts.bin, return_inverse=True)
    order = np.argsort(column, kind="stable")
    row, column, count = counts.train[order], column[order], counts.count[order]
    width = max(1, _BLOCK // max(size, 1))
    for first in range(0, len(used), width):
        part = slice(*np.searchsorted(column, [first, first + width]))
        dense = np.zeros((size, min(width, len(used) - first)))
        dense[row[part], column[part] - first] = count[part]
        product += dense @ dense.T
    total = counts.per_train().astype(np.float64)
    return product - np.outer(total, total) / counts.n_bins
