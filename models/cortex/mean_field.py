"""Rates of leaky integrate-and-fire neurons under noise, in closed form: what a network should do in the mean."""

from __future__ import annotations

from collections.abc import Callable
from math import erf, erfc, exp, inf, pi, sqrt

import numpy as np

from snnsim.core.errors import ConfigurationError


def siegert(mean: float, std: float, *, tau_mem: float, t_ref: float, v_th: float, v_reset: float) -> float:
    """Stationary rate of a neuron whose input is white noise; potentials count from rest.

    1 / rate = t_ref + tau_mem sqrt(pi) times the integral of exp(u^2) (1 + erf(u)) from (v_reset - mean) / std to
    (v_th - mean) / std.

    Args:
        mean: membrane potential without threshold, in the mean (mV).
        std: amplitude of the noise (mV); the potential without threshold has a standard deviation of std / sqrt(2).
        tau_mem: membrane time constant (ms).
        t_ref: refractory period (ms).
        v_th: threshold (mV).
        v_reset: membrane after a spike (mV).

    Returns:
        The rate (spikes/s).

    Example:
        >>> noiseless = 1e3 / (2.0 + 20.0 * np.log((30.0 - 0.0) / (30.0 - 20.0)))
        >>> found = siegert(30.0, 0.01, tau_mem=20.0, t_ref=2.0, v_th=20.0, v_reset=0.0)
        >>> bool(abs(found / noiseless - 1.0) < 1e-3)
        True

    References:
        Siegert 1951, Phys. Rev. 81:617; Brunel 2000.
    """
    low, high = (v_reset - mean) / std, (v_th - mean) / std
    if high > 25.0:  # the integral leaves the floating-point numbers: it does not fire
        return 0.0
    nodes, weights = np.polynomial.legendre.leggauss(16)
    edges = np.linspace(low, high, 1 + max(8, int(np.ceil(2 * (high - low)))))
    half, middle = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
    at = middle[:, None] + half[:, None] * nodes
    values = np.vectorize(_integrand)(at)
    return 1e3 / (t_ref + tau_mem * sqrt(pi) * float((half[:, None] * weights * values).sum()))


def _integrand(u: float) -> float:
    """exp(u^2) (1 + erf(u)), far below 0 by its series."""
    if u > -20.0:
        return exp(u * u) * (1.0 + erf(u) if u > 0 else erfc(-u))
    return (1.0 - 0.5 / u**2 + 0.75 / u**4) / (-u * sqrt(pi))


def stationary(response: Callable[[float], float], *, highest: float) -> float:
    """The lowest rate r with response(r) = r, to about 1e-6 of `highest`.

    Args:
        response: rate of a neuron (spikes/s) whose inputs fire at a rate (spikes/s).
        highest: no neuron fires faster (spikes/s).

    Raises:
        ConfigurationError: none below `highest`.
    """
    def above(rate: float) -> bool:
        return response(rate) > rate

    grid = np.geomspace(highest * 1e-6, highest, 200)
    low, high = 0.0, next((float(rate) for rate in grid if not above(float(rate))), inf)
    if high == inf:
        raise ConfigurationError(got="a response above every rate", expected="a stationary rate", where="mean field",
                                 fix="raise the inhibition")
    low = float(grid[max(0, int(np.searchsorted(grid, high)) - 1)]) if high > grid[0] else 0.0
    while high - low > 1e-7 * highest:
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) else (low, middle)
    return (low + high) / 2
