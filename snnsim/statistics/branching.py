"""Branching ratio of population activity, also when only a part of the units is seen."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan, log

import numpy as np

from snnsim.core.errors import ConfigurationError, DataError
from snnsim.statistics.binning import binned
from snnsim.statistics.trains import Source, SpikeTrains

_GRID, _ROUNDS = 201, 8  # of the search for the best ratio: each round narrows it by a hundred


@dataclass(frozen=True)
class BranchingEstimate:
    """Branching ratio by multistep regression.

    Args:
        ratio: estimated branching ratio m: mean number of spikes that a spike causes in the next bin.
        amplitude: factor b of the fit ``b * ratio**lag``; 1 where all units were seen, less under sub-sampling.
        lags: int64 [lags], bins.
        slopes: float64 [lags], slope r_k of the regression of the activity on that of k bins before.
        residual: root of the mean squared difference of slopes and fit.
    """

    ratio: float
    amplitude: float
    lags: np.ndarray
    slopes: np.ndarray
    residual: float

    def timescale(self, bin_size: float) -> float:
        """Autocorrelation time -bin_size / ln(ratio) (ms); infinite at a ratio of 1 or more, 0 at a ratio of 0.

        Args:
            bin_size: width of the activity's bins (ms).
        """
        if isnan(self.ratio) or self.ratio >= 1:
            return self.ratio * inf
        return -bin_size / log(self.ratio) if self.ratio > 0 else 0.0


def activity(source: Source, *, bin_size: float, start: float | None = None, stop: float | None = None) -> np.ndarray:
    """Spikes of the whole population in each bin: what branching ratios and avalanches are made from.

    Args:
        source: events, spike trains, an array of times (ms) or a list of such arrays.
        bin_size: width of a bin (ms); a rest of the window that is shorter is not counted.
        start: begin of the window (ms).
        stop: end of the window (ms).

    Returns:
        int64 ``[batch, bins]``; one row of a list.

    Example:
        >>> activity([[1.0, 2.0], [3.0]], bin_size=5.0, stop=10.0).tolist()
        [[3, 0]]
    """
    trains = SpikeTrains.of(source, start=start, stop=stop)
    return binned(trains, bin_size).pooled(trains.groups[0])


def branching_ratio(counts: np.ndarray) -> float:
    """Branching ratio by regression of the activity on that of the bin before; biased where units are not seen.

    Args:
        counts: spikes of the population in each bin, ``[bins]`` or ``[samples, bins]``, see `activity`.

    Returns:
        The slope; NaN where the activity does not vary, and from fewer than three bins.

    Raises:
        DataError: counts that are negative or not finite, or of another shape.

    Example:
        >>> round(branching_ratio([8, 4, 2, 1]), 9)
        0.5
    """
    return float(_slopes(_checked(counts, "branching_ratio"), np.array([1]))[0])


def multistep_branching_ratio(counts: np.ndarray, *, max_lag: int) -> BranchingEstimate:
    r"""Branching ratio that does not depend on how large a part of the population was seen.

    Sub-sampling scales all regression slopes r_k = b m^k by one factor, so that their decay gives m. Amplitude and
    ratio (between 0 and 1.5) are those of least squares.

    Args:
        counts: spikes of the seen units in each bin, ``[bins]`` or ``[samples, bins]``, see `activity`. The activity
            is taken as stationary, with one mean for all samples.
        max_lag: longest lag of the regressions (bins), 2 or more; some autocorrelation times of the activity.

    Returns:
        The estimate; its numbers are NaN where the activity does not vary.

    Raises:
        DataError: counts that are negative or not finite, or of another shape.
        ConfigurationError: lags that are fewer than two or do not leave three bins.

    References:
        Wilting & Priesemann 2018, Nat. Commun. 9:2325, doi:10.1038/s41467-018-04725-4.
    """
    counts = _checked(counts, "multistep_branching_ratio")
    if not 2 <= max_lag <= counts.shape[1] - 3:
        raise ConfigurationError(got=f"max_lag = {max_lag} for {counts.shape[1]} bins", fix="choose another lag, or "
                                 "record longer", expected=f"2 to {counts.shape[1] - 3}",
                                 where="multistep_branching_ratio")
    lags = np.arange(1, max_lag + 1)
    slopes = _slopes(counts, lags)
    if not np.isfinite(slopes).all():
        return BranchingEstimate(np.nan, np.nan, lags, slopes, np.nan)
    ratio, amplitude, residual = _best(lags, slopes)
    return BranchingEstimate(ratio, amplitude, lags, slopes, residual)


def _best(lags: np.ndarray, slopes: np.ndarray) -> tuple[float, float, float]:
    """(ratio, amplitude, root of the mean squared difference) of least squares."""
    low, high = 0.0, 1.5
    for _ in range(_ROUNDS):
        grid = np.linspace(low, high, _GRID)
        amplitude, loss = _fit(grid, lags, slopes)
        best, step = int(np.argmin(loss)), grid[1] - grid[0]
        low, high = max(0.0, grid[best] - step), min(1.5, grid[best] + step)
    return float(grid[best]), float(amplitude[best]), float(np.sqrt(loss[best] / len(lags)))


def _fit(ratios: np.ndarray, lags: np.ndarray, slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Best amplitude and sum of squared differences for each ratio."""
    power = np.maximum(ratios[:, None], 1e-300)**lags
    amplitude = np.divide(power @ slopes, (power**2).sum(1), out=np.zeros(len(ratios)), where=power[:, 0] > 1e-150)
    return amplitude, ((slopes - amplitude[:, None] * power)**2).sum(1)


def _slopes(counts: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Slope of the regression of counts on those `lag` bins before, over all samples, [lags]."""
    slopes = np.full(len(lags), np.nan)
    for k, lag in enumerate(lags):
        before, after = counts[:, :-lag], counts[:, lag:]
        if before.shape[1] < 2 or not np.ptp(before):
            continue
        before = before - before.mean()
        slopes[k] = (before * (after - after.mean())).sum() / (before**2).sum()
    return slopes


def _checked(counts: np.ndarray, where: str) -> np.ndarray:
    counts = np.atleast_2d(np.asarray(counts))
    if counts.ndim != 2 or (counts.size and counts.dtype.kind not in "iufb"):
        raise DataError(got=f"activity of dtype {counts.dtype} and shape {counts.shape}", where=where,
                        expected="counts [bins] or [samples, bins]", fix="use snnsim.statistics.activity(...)")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise DataError(got="counts that are negative or not finite", expected="counts of 0 or more", where=where,
                        fix="use snnsim.statistics.activity(...)")
    return counts.astype(np.float64)
