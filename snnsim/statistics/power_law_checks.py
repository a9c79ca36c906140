"""Is it a power law? Samples of one, the bootstrap of its distance, and an exponential beside it."""

from __future__ import annotations

from math import erfc, sqrt
from typing import NamedTuple

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.statistics.power_law import PowerLaw, fit_power_law

_TABLE = 2**14  # smallest values of a law whose probabilities are tabulated; the rest is found by bisection
_LARGEST = 2.0**53


class LikelihoodRatio(NamedTuple):
    """Comparison of two laws on the same values.

    Args:
        ratio: difference of the log-likelihoods; positive where the power law is the likelier one.
        p: probability of a ratio at least as far from 0 if neither were better; above 0.1 the sign says nothing.
    """

    ratio: float
    p: float


def sample_power_law(n: int, *, exponent: float, minimum: int = 1, maximum: int | None = None,
                     rng: np.random.Generator | int = 0) -> np.ndarray:
    """Values of a discrete power law, by inversion of its distribution function.

    Args:
        n: how many.
        exponent: above 1 (any with a maximum).
        minimum: smallest value.
        maximum: largest value; None is no limit.
        rng: generator, or a seed.

    Returns:
        int64 [n].

    Raises:
        ConfigurationError: an exponent without a normalisation, an empty range, or a draw beyond 2^53.
    """
    if not (np.isfinite(exponent) and minimum >= 1 and (exponent > 1 if maximum is None else maximum >= minimum)):
        raise ConfigurationError(got=f"exponent = {exponent} from {minimum} to {maximum}", where="sample_power_law",
                                 expected="an exponent above 1, or a maximum", fix="choose one of the two")
    law = PowerLaw(exponent, minimum, maximum, np.nan, np.nan, n, n, np.nan)
    u = 1.0 - np.random.default_rng(rng).random(n)  # in (0, 1]; x is the largest value with P(X >= x) >= u
    table = law.survival(np.arange(minimum, minimum + _TABLE, dtype=np.float64))
    x = minimum + np.searchsorted(-table, -u, side="right") - 1.0
    far = x >= minimum + _TABLE - 1
    low = x[far]
    high = 2.0 * low
    while (growing := law.survival(high) >= u[far]).any():
        if high.max() > _LARGEST:
            raise ConfigurationError(got=f"a draw beyond 2^53 at exponent {exponent}", expected="a bounded law",
                                     where="sample_power_law", fix="give a maximum")
        low, high = np.where(growing, high, low), np.where(growing, 2.0 * high, high)
    while (high - low > 1).any():
        middle = np.floor(0.5 * (low + high))
        above = law.survival(middle) >= u[far]
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    x[far] = low
    return x.astype(np.int64)


def power_law_p_value(values: np.ndarray, *, minimum: int | None = None, maximum: int | None = None, least: int = 50,
                      draws: int = 1000, seed: int = 0) -> float:
    """Share of samples of the fitted law that lie further from their own fit than the values do.

    Values below the minimum are drawn from those observed, the others from the law, and each sample is fitted in the
    same way. A law is ruled out where this is 0.1 or less (Clauset et al., section 4.1).

    Args:
        values: integers of 1 or more.
        minimum: as for `fit_power_law`.
        maximum: as for `fit_power_law`.
        least: as for `fit_power_law`.
        draws: samples; the result is good to about 1 / (2 sqrt(draws)).
        seed: of the samples.

    Returns:
        The share; NaN where the exponent is not defined.

    Raises:
        ConfigurationError: fewer than one sample.
    """
    if draws < 1:
        raise ConfigurationError(got=f"draws = {draws}", expected="1 or more", where="power_law_p_value",
                                 fix="choose about 1000")
    fit, values = fit_power_law(values, minimum=minimum, maximum=maximum, least=least), np.asarray(values)
    if np.isnan(fit.exponent):
        return float("nan")
    kept = values if maximum is None else values[values <= maximum]
    below, rng = kept[kept < fit.minimum], np.random.default_rng(seed)
    further = 0
    for _ in range(draws):
        n = rng.binomial(len(kept), fit.n / len(kept))
        drawn = [sample_power_law(n, exponent=fit.exponent, minimum=fit.minimum, maximum=maximum, rng=rng)]
        if n < len(kept):
            drawn.append(rng.choice(below, len(kept) - n))
        again = fit_power_law(np.concatenate(drawn), minimum=minimum, maximum=maximum, least=least)
        further += again.distance >= fit.distance
    return further / draws


def compare_exponential(values: np.ndarray, fit: PowerLaw) -> LikelihoodRatio:
    """Log-likelihood ratio of a power law against an exponential in the same range.

    Args:
        values: integers of 1 or more.
        fit: the power law fitted to them.

    Returns:
        The ratio and its significance (Vuong's test); NaN where the power law is not defined.

    References:
        Clauset, Shalizi & Newman 2009, SIAM Rev. 51:661, appendix C, doi:10.1137/070710111.
    """
    x = np.asarray(values)
    x = x[(x >= fit.minimum) & (x <= (np.inf if fit.maximum is None else fit.maximum))]
    if np.isnan(fit.exponent):
        return LikelihoodRatio(float("nan"), float("nan"))
    difference = np.log(fit.density(x)) - _log_geometric(x - fit.minimum, None if fit.maximum is None
                                                         else fit.maximum - fit.minimum)
    ratio, spread = float(difference.sum()), float(difference.std())
    return LikelihoodRatio(ratio, erfc(abs(ratio) / (sqrt(2.0 * len(x)) * spread)) if spread > 0 else float("nan"))


def _log_geometric(k: np.ndarray, last: int | None) -> np.ndarray:
    """ln p of p ~ exp(-rate k), k = 0 to last, at the rate of maximum likelihood."""
    mean = k.mean()
    if last is None:
        rate = np.log1p(1.0 / mean)
        return -rate * k + np.log(-np.expm1(-rate))
    low, high = -50.0, 50.0  # the mean falls with the rate
    for _ in range(100):
        rate = 0.5 * (low + high) or 1e-12
        decay = np.exp(-abs(rate) * np.arange(last + 1))
        found = (np.arange(last + 1) * decay).sum() / decay.sum()
        low, high = (rate, high) if (found if rate > 0 else last - found) > mean else (low, rate)
    decay = np.exp(-abs(rate) * np.arange(last + 1))
    return (-rate * k if rate > 0 else -rate * (k - last)) - np.log(decay.sum())
