"""Discrete power laws by maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from snnsim.core.errors import ConfigurationError, DataError
from snnsim.statistics.zeta import hurwitz_zeta

_STEEPEST = 40.0  # largest exponent that is looked for
_TINY = 1e-30  # imaginary step of derivatives


@dataclass(frozen=True)
class PowerLaw:
    """A discrete power law p(x) = x^-exponent / Z for minimum <= x <= maximum, and how it was found.

    Args:
        exponent: by maximum likelihood; NaN where it is not defined.
        minimum: smallest value that follows it.
        maximum: largest value; None is no limit.
        standard_error: of the exponent, from the curvature of the likelihood.
        distance: Kolmogorov-Smirnov distance between data and law.
        n: values in the range.
        n_all: all values.
        log_likelihood: of the values in the range.
    """

    exponent: float
    minimum: int
    maximum: int | None
    standard_error: float
    distance: float
    n: int
    n_all: int
    log_likelihood: float

    def density(self, x: np.ndarray) -> np.ndarray:
        """Probability of each value among those in the range.

        Args:
            x: integers.
        """
        x = np.asarray(x, np.float64)
        inside = (x >= self.minimum) & (x <= (np.inf if self.maximum is None else self.maximum))
        z = np.exp(_log_z(np.float64(self.exponent), self.minimum, self.maximum))
        return np.where(inside, np.where(inside, x, 1.0)**-self.exponent / z, 0.0)

    def survival(self, x: np.ndarray) -> np.ndarray:
        """Probability of a value of `x` or more among those in the range.

        Args:
            x: integers.
        """
        x = np.clip(np.asarray(x, np.float64), self.minimum, None if self.maximum is None else self.maximum + 1)
        return _tail(self.exponent, x, self.maximum) / _tail(self.exponent, float(self.minimum), self.maximum)


def fit_power_law(values: np.ndarray, *, minimum: int | None = None, maximum: int | None = None,
                  least: int = 50) -> PowerLaw:
    r"""Exponent of a discrete power law: the root of -d ln Z / d alpha = <ln x>, with Z = sum_x x^-alpha.

    Args:
        values: integers of 1 or more, such as sizes of avalanches.
        minimum: smallest value that follows the law. None tries each value that occurs and takes the one whose fit
            has the smallest Kolmogorov-Smirnov distance.
        maximum: largest value that follows it, for a law cut off by the size of the system; None is no limit.
        least: with ``minimum=None``, values that must be left above the minimum (Clauset et al. call fewer than
            about 50 too few for a good estimate).

    Returns:
        The fit. Its numbers are NaN where fewer than two values are in the range, where none of them is above the
        minimum, or (``minimum=None``) where fewer than `least` values are there.

    Raises:
        DataError: values that are no integers of 1 or more.
        ConfigurationError: a range that is empty.

    References:
        Clauset, Shalizi & Newman 2009, SIAM Rev. 51:661, doi:10.1137/070710111.
    """
    values = np.asarray(values)
    if values.ndim != 1 or (values.size and (values.dtype.kind not in "iu" or values.min() < 1)):
        raise DataError(got=f"values of dtype {values.dtype} and shape {values.shape}", where="fit_power_law",
                        expected="a list of integers of 1 or more", fix="pass sizes or durations of avalanches")
    if (minimum is not None and minimum < 1) or least < 2 or (maximum is not None and maximum <= (minimum or 1)):
        raise ConfigurationError(got=f"minimum = {minimum}, maximum = {maximum}, least = {least}",
                                 expected="1 <= minimum < maximum, and least of 2 or more", where="fit_power_law",
                                 fix="correct the range")
    kept = values if maximum is None else values[values <= maximum]
    x, number = np.unique(kept, return_counts=True)
    above = number[::-1].cumsum()[::-1]  # values of x or more
    if minimum is None:
        first = np.flatnonzero(above >= least)
        first = first[first < len(x) - 1]
    else:
        first = np.atleast_1d(np.searchsorted(x, minimum))
        first = first[first < len(x)]
    smallest = x[first] if minimum is None else np.full(len(first), minimum)
    log_sum = (number * np.log(x))[::-1].cumsum()[::-1][first]
    exponents = _exponents(log_sum / above[first], smallest, maximum)
    distances = np.array([_distance(alpha, low, maximum, x[f:], number[f:])
                          for alpha, low, f in zip(exponents, smallest, first, strict=True)])
    if not np.isfinite(distances).any():
        n = int(above[first[0]]) if len(first) and minimum is not None else 0
        return PowerLaw(np.nan, minimum or 1, maximum, np.nan, np.nan, n, len(values), np.nan)
    best = int(np.nanargmin(distances))
    alpha, low, n = float(exponents[best]), int(smallest[best]), int(above[first[best]])
    curvature = (_slope_log_z(alpha + 1e-4, low, maximum) - _slope_log_z(alpha - 1e-4, low, maximum)) / 2e-4
    return PowerLaw(alpha, low, maximum, float(1.0 / np.sqrt(n * curvature)), float(distances[best]), n, len(values),
                    float(-n * _log_z(np.float64(alpha), low, maximum) - alpha * log_sum[best]))


def _tail(alpha: Any, x: Any, maximum: int | None) -> Any:
    """Sum of k^-alpha from x to the maximum."""
    return hurwitz_zeta(alpha, x) - (0.0 if maximum is None else hurwitz_zeta(alpha, maximum + 1.0))


def _log_z(alpha: Any, minimum: Any, maximum: int | None) -> Any:
    return np.log(_tail(alpha, minimum, maximum))


def _slope_log_z(alpha: Any, minimum: Any, maximum: int | None) -> Any:
    """d ln Z / d alpha."""
    return np.imag(_log_z(alpha + 1j * _TINY, minimum, maximum)) / _TINY


def _exponents(mean_log: np.ndarray, minimum: np.ndarray, maximum: int | None) -> np.ndarray:
    """Exponents of maximum likelihood, by bisection: -d ln Z / d alpha falls with alpha. NaN where there is no root."""
    minimum = minimum.astype(np.float64)
    low = np.full(len(minimum), 1.0 + 1e-6 if maximum is None else -_STEEPEST)
    high = np.full(len(minimum), _STEEPEST)
    for _ in range(64):
        middle = 0.5 * (low + high)
        middle += (np.abs(middle - 1.0) < 1e-9) * 2e-9  # zeta has its pole there
        flat = -_slope_log_z(middle, minimum, maximum) > mean_log
        low, high = np.where(flat, middle, low), np.where(flat, high, middle)
    inside = (high < _STEEPEST - 1e-6) & (low > (1.0 + 2e-6 if maximum is None else -_STEEPEST + 1e-6))
    return np.where(inside & (mean_log > np.log(minimum)), 0.5 * (low + high), np.nan)


def _distance(alpha: float, minimum: int, maximum: int | None, x: np.ndarray, number: np.ndarray) -> float:
    """Largest difference of the distribution functions: at each value, and just before the next."""
    if not np.isfinite(alpha):
        return float("nan")
    z = _tail(alpha, float(minimum), maximum)
    at_least = _tail(alpha, np.append(x, x[-1] + 1.0), maximum) / z  # P(X >= value)
    data = np.concatenate([[1.0], 1.0 - np.cumsum(number) / number.sum()])
    just_after = _tail(alpha, x + 1.0, maximum) / z
    return float(max(np.abs(data[:-1] - at_least[:-1]).max(), np.abs(data[1:] - just_after).max()))
