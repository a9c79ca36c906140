"""Avalanches: stretches of activity between silent bins, and how their size grows with their duration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnsim.core.errors import ConfigurationError, DataError
from snnsim.statistics.power_law import PowerLaw, fit_power_law
from snnsim.statistics.trains import Source, SpikeTrains


@dataclass(frozen=True)
class Avalanches:
    """Sizes and durations of avalanches, in order of their time.

    Args:
        sizes: int64 [avalanches], spikes.
        durations: int64 [avalanches], bins.
        cut: avalanches at an end of a sample, which are not among them since their size is not known.
    """

    sizes: np.ndarray
    durations: np.ndarray
    cut: int

    def __len__(self) -> int:
        return len(self.sizes)

    def mean_sizes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(durations that occur, mean size at each, number of avalanches of each)."""
        durations, which, number = np.unique(self.durations, return_inverse=True, return_counts=True)
        return durations, np.bincount(which, self.sizes, minlength=len(durations)) / np.maximum(number, 1), number


def avalanches(counts: np.ndarray, *, threshold: int = 0) -> Avalanches:
    """Stretches of bins with activity above a threshold, with a bin at or below it on both sides.

    Args:
        counts: spikes of the population in each bin, ``[bins]`` or ``[samples, bins]``, see `activity`. The usual
            bin is `mean_event_interval` (Beggs & Plenz).
        threshold: a bin with this many spikes or fewer is silent. A size counts all spikes of its bins.

    Raises:
        DataError: counts that are no integers of 0 or more, or of another shape.
        ConfigurationError: a negative threshold.

    Example:
        >>> found = avalanches([0, 2, 1, 0, 0, 3, 0, 1])
        >>> found.sizes.tolist(), found.durations.tolist(), found.cut
        ([3, 3], [2, 1], 1)

    References:
        Beggs & Plenz 2003, J. Neurosci. 23:11167, doi:10.1523/JNEUROSCI.23-35-11167.2003.
    """
    counts = np.atleast_2d(np.asarray(counts))
    if counts.ndim != 2 or (counts.size and (counts.dtype.kind not in "iu" or counts.min() < 0)):
        raise DataError(got=f"activity of dtype {counts.dtype} and shape {counts.shape}", where="avalanches",
                        expected="integer counts of 0 or more, [bins] or [samples, bins]",
                        fix="use snnsim.statistics.activity(...)")
    if threshold < 0:
        raise ConfigurationError(got=f"threshold = {threshold}", expected="0 or more", where="avalanches",
                                 fix="leave it at 0")
    samples, bins = counts.shape
    framed = np.zeros((samples, bins + 1), np.int64)  # a silent bin parts each sample from the next
    framed[:, :bins] = counts
    edge = np.diff((framed.ravel() > threshold).astype(np.int8), prepend=0)
    begin, end = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
    whole = (begin % (bins + 1) > 0) & (end % (bins + 1) < bins)
    total = np.concatenate([[0], np.cumsum(framed)])
    return Avalanches((total[end] - total[begin])[whole], (end - begin)[whole], int((~whole).sum()))


def mean_event_interval(source: Source) -> float:
    """Mean time from a spike of the population to the next (ms), over all units of each sample.

    Args:
        source: events, spike trains, an array of times (ms) or a list of such arrays.

    Returns:
        The interval; NaN where no sample has two spikes.
    """
    trains = SpikeTrains.of(source)
    groups, size = trains.groups
    total = number = 0.0
    for group in range(groups):
        times = trains.times[trains.offsets[group * size]:trains.offsets[(group + 1) * size]]
        if len(times) > 1:
            total, number = total + float(np.ptp(times)), number + len(times) - 1
    return total / number if number else float("nan")


@dataclass(frozen=True)
class CracklingNoise:
    """Exponents of avalanches, and whether they obey the scaling relation of critical systems.

    Args:
        size: power law of the sizes, exponent tau.
        duration: power law of the durations, exponent alpha.
        predicted: (alpha - 1) / (tau - 1), which a critical system's `fitted` equals.
        fitted: exponent of the mean size against the duration, by least squares of the logarithms.
        deviation: |predicted - fitted|.
    """

    size: PowerLaw
    duration: PowerLaw
    predicted: float
    fitted: float
    deviation: float


def crackling_noise(found: Avalanches, *, size: tuple[int | None, int | None] = (None, None),
                    duration: tuple[int | None, int | None] = (None, None)) -> CracklingNoise:
    r"""Test of the crackling-noise relation <S>(D) ~ D^gamma with gamma = (alpha - 1) / (tau - 1).

    Args:
        found: avalanches.
        size: (smallest, largest) size of the power law; None finds the smallest and leaves the largest open.
        duration: the same for durations (bins); the mean sizes are fitted in this range, each weighted with its
            number of avalanches.

    Returns:
        Exponents; NaN where there are too few avalanches for one of them.

    References:
        Sethna, Dahmen & Myers 2001, Nature 410:242, doi:10.1038/35065675.
        Friedman et al. 2012, Phys. Rev. Lett. 108:208102, doi:10.1103/PhysRevLett.108.208102.
    """
    sizes = fit_power_law(found.sizes, minimum=size[0], maximum=size[1])
    durations = fit_power_law(found.durations, minimum=duration[0], maximum=duration[1])
    bins, mean, number = found.mean_sizes()
    inside = bins >= durations.minimum
    if durations.maximum is not None:
        inside &= bins <= durations.maximum
    fitted = _slope(np.log(bins[inside]), np.log(mean[inside]), number[inside])
    with np.errstate(divide="ignore", invalid="ignore"):
        predicted = float(np.divide(durations.exponent - 1.0, sizes.exponent - 1.0))
    return CracklingNoise(sizes, durations, predicted, fitted, abs(predicted - fitted))


def _slope(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
    """Weighted least squares; NaN from fewer than two different x."""
    if len(x) < 2:
        return float("nan")
    x = x - np.average(x, weights=weight)
    return float((weight * x * y).sum() / (weight * x**2).sum())
