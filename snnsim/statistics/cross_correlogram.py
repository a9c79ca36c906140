"""Cross-correlograms: how often one train fires how long after another."""

from __future__ import annotations

from math import floor
from typing import Literal, NamedTuple

import numpy as np

from snnsim.core.errors import ConfigurationError, ShapeError
from snnsim.statistics.binning import EDGE, BinnedCounts, binned
from snnsim.statistics.trains import Source, SpikeTrains

_BLOCK = 2**22  # pairs of bins that are looked at together


class Correlogram(NamedTuple):
    """A cross-correlogram.

    Args:
        lags: float64 [lags], ms; positive where the second train fires later.
        values: float64 [lags], pairs of spikes, or coefficients.
    """

    lags: np.ndarray
    values: np.ndarray


def cross_correlogram(first: Source, second: Source, *, bin_size: float, max_lag: float, start: float | None = None,
                      stop: float | None = None, binary: bool = False, border_correction: bool = False,
                      output: Literal["counts", "coefficient"] = "counts") -> Correlogram:
    r"""Cross-correlogram of two trains: sum_b n_1(b) n_2(b + lag), over binned counts.

    Args:
        first: one train: an array of times (ms), or spike trains with one train.
        second: another; the same one gives the autocorrelogram.
        bin_size: width of a bin (ms); a rest of the window that is shorter is not counted.
        max_lag: longest lag shown, on both sides (ms); whole bins of it.
        start: begin of the window (ms).
        stop: end of the window (ms).
        binary: count whether there was a spike in a bin instead of spikes.
        border_correction: divide by the share of the window in which both trains are seen at that lag.
        output: "counts", or the correlation "coefficient" (c - N_1 N_2 / bins) / sqrt(v_1 v_2), where
            v = sum n^2 - N^2 / bins; NaN where counts of a train do not vary.

    Raises:
        ShapeError: more than one train.
        ConfigurationError: lags beyond the window, windows that differ, an unknown output.

    Example:
        >>> lags, values = cross_correlogram([10.0, 50.0], [13.0, 53.0], bin_size=1.0, max_lag=3.0, stop=100.0)
        >>> lags[values > 0].tolist(), float(values.max())
        ([3.0], 2.0)
    """
    if output not in ("counts", "coefficient"):
        raise ConfigurationError(got=f"output = {output!r}", expected="counts or coefficient",
                                 where="cross_correlogram", fix="choose one of these")
    one, other = (_single(part, start, stop, bin_size, binary) for part in (first, second))
    n_bins, reach = one.n_bins, floor(max_lag / bin_size + EDGE) if np.isfinite(max_lag) else -1
    if not 0 <= reach < n_bins or other.n_bins != n_bins:
        raise ConfigurationError(got=f"max_lag = {max_lag} ms of windows of {n_bins} and {other.n_bins} bins",
                                 expected="a lag of 0 or more within one window", where="cross_correlogram",
                                 fix="choose a smaller max_lag, and the same start and stop for both trains")
    lags = np.arange(-reach, reach + 1)
    values = _pairs(one, other, reach)
    if border_correction:
        values *= n_bins / (n_bins - np.abs(lags))
    if output == "coefficient":
        (n_one, v_one), (n_other, v_other) = _moments(one), _moments(other)
        spread = np.sqrt(v_one * v_other)
        values = (values - n_one * n_other / n_bins) / (spread if spread > 0 else np.nan)
    return Correlogram(lags * float(bin_size), values)


def _single(source: Source, start: float | None, stop: float | None, bin_size: float, binary: bool) -> BinnedCounts:
    trains = SpikeTrains.of(source, start=start, stop=stop)
    if trains.n_trains != 1:
        raise ShapeError(got=f"{trains.n_trains} trains", expected="one train", where="cross_correlogram",
                         fix="choose one, for example SpikeTrains.of(events, stop=...)[unit]")
    counts = binned(trains, bin_size)
    return counts.clipped() if binary else counts


def _moments(counts: BinnedCounts) -> tuple[np.float64, np.float64]:
    total, squares = counts.per_train()[0], counts.per_train(2)[0]
    return np.float64(total), np.float64((counts.n_bins * squares - total**2) / counts.n_bins)


def _pairs(one: BinnedCounts, other: BinnedCounts, reach: int) -> np.ndarray:
    """Products of counts at each lag, float64 [2 reach + 1]; work grows with the pairs within reach."""
    low = np.searchsorted(other.bin, one.bin - reach)
    number = np.searchsorted(other.bin, one.bin + reach, side="right") - low
    begin = np.cumsum(number) - number
    values = np.zeros(2 * reach + 1)
    total, first = int(number.sum()), 0
    while first < len(number):
        last = int(np.searchsorted(begin, begin[first] + _BLOCK, side="right"))
        last = max(first + 1, last - 1) if last < len(number) or total > begin[first] + _BLOCK else len(number)
        many = number[first:last]
        mine = np.repeat(np.arange(first, last), many)
        theirs = np.repeat(low[first:last] - (begin[first:last] - begin[first]), many) + np.arange(many.sum())
        lag = other.bin[theirs] - one.bin[mine]
        values += np.bincount(lag + reach, one.count[mine] * other.count[theirs], minlength=len(values))
        first = last
    return values
