"""Instantaneous rates: spike trains seen through a kernel."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, log, prod, sqrt
from typing import Literal

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.statistics.binning import binned, check_size, positive
from snnsim.statistics.trains import Source, SpikeTrains

_BLOCK = 2**22  # entries that are transformed at a time


def _gaussian(t: np.ndarray, sigma: float) -> np.ndarray:
    return np.exp(-0.5 * (t / sigma)**2) / (sigma * sqrt(2 * np.pi))


def _boxcar(t: np.ndarray, sigma: float) -> np.ndarray:
    half = sqrt(3.0) * sigma
    return (np.abs(t) < half) / (2 * half)


def _exponential(t: np.ndarray, sigma: float) -> np.ndarray:
    return np.where(t >= 0, np.exp(-np.maximum(t, 0.0) / sigma), 0.0) / sigma


def _alpha(t: np.ndarray, sigma: float) -> np.ndarray:
    tau = sigma / sqrt(2.0)
    return np.maximum(t, 0.0) / tau**2 * np.exp(-np.maximum(t, 0.0) / tau)


# Density with standard deviation sigma, its median in units of sigma, and the least cutoff in units of sigma.
# The median of t exp(-t) is 1.678346990016661.
_KERNELS: dict[str, tuple[Callable[[np.ndarray, float], np.ndarray], float, float]] = {
    "gaussian": (_gaussian, 0.0, 3.0),
    "boxcar": (_boxcar, 0.0, sqrt(3.0)),
    "exponential": (_exponential, log(2.0), 3.0),
    "alpha": (_alpha, 1.678346990016661 / sqrt(2.0), 3.0),
}


def instantaneous_rate(source: Source, *, sampling_period: float, sigma: float,
                       kernel: Literal["gaussian", "boxcar", "exponential", "alpha"] = "gaussian", cutoff: float = 5.0,
                       centre: bool = True, pool: bool = False, start: float | None = None,
                       stop: float | None = None) -> np.ndarray:
    r"""Rate as the sum of one kernel a spike: r(t) = sum_k K(t - t_k), with spikes counted in steps.

    Args:
        source: events, spike trains, an array of times (ms) or a list of such arrays.
        sampling_period: step of the result and of the counts (ms).
        sigma: standard deviation of the kernel (ms). A boxcar is 2 sqrt(3) sigma wide, an exponential decays with
            sigma, an alpha function with sigma / sqrt(2).
        kernel: its form, a density: each spike adds an area of one spike.
        cutoff: half width of the kernel, in units of `sigma`.
        centre: put the kernel's median onto the spike, as Elephant does. False lets the exponential and the alpha
            function begin at the spike, so that the rate depends on the past only.
        pool: mean over the units of each sample (the trains of a list) instead of each train.
        start: begin of the window (ms); what happened outside is not seen, so that rates fall towards both ends.
        stop: end of the window (ms).

    Returns:
        Rates (Hz) at steps ``start + k sampling_period``, float64 ``[time, batch, *shape]`` of events (pooled:
        ``[time, batch]``), ``[time, trains]`` of a list (pooled: [time]), [time] of one array. Equal to Elephant's
        where ``cutoff * sigma`` is a whole number of steps (otherwise Elephant stretches the kernel a little).

    Raises:
        ConfigurationError: times that are not positive, an unknown kernel, a cutoff that would cut off too much, or a
            result too large to hold.

    Example:
        >>> rate = instantaneous_rate([50.0], sampling_period=1.0, sigma=5.0, stop=100.0)
        >>> int(rate.argmax()), round(float(rate.sum()) * 1e-3, 6)  # the area of one spike
        (50, 1.0)
    """
    trains = SpikeTrains.of(source, start=start, stop=stop)
    weights = _sampled(kernel, positive(sigma, "sigma", "instantaneous_rate"),
                       positive(sampling_period, "sampling_period", "instantaneous_rate"), cutoff, centre)
    counts = binned(trains, sampling_period)
    batch, units = trains.groups
    shape = (trains.shape[:1] if len(trains.shape) > 1 else ()) if pool else trains.shape
    check_size(counts.n_bins * prod(shape), f"{counts.n_bins} steps of {prod(shape)} trains", "instantaneous_rate",
               "choose some trains, a longer sampling_period, or pool=True")
    if pool:
        rate = _filtered(counts.pooled(batch) / units, weights).T
    else:
        rate = np.empty((counts.n_bins, trains.n_trains))
        width = max(1, _BLOCK // counts.n_bins)
        for first in range(0, trains.n_trains, width):
            rate[:, first:first + width] = _filtered(counts.dense(first, min(first + width, trains.n_trains)),
                                                     weights).T
    return rate.reshape(counts.n_bins, *shape)


def _sampled(kernel: str, sigma: float, step: float, cutoff: float, centre: bool) -> np.ndarray:
    """The kernel (Hz) at an odd number of steps, the spike in the middle."""
    if kernel not in _KERNELS:
        raise ConfigurationError(got=f"kernel {kernel!r}", expected=f"one of {', '.join(_KERNELS)}",
                                 where="instantaneous_rate", fix="choose one of these")
    density, median, least = _KERNELS[kernel]
    if not least <= cutoff < np.inf:
        raise ConfigurationError(got=f"cutoff = {cutoff}", expected=f"{least:.3g} or more for {kernel!r}",
                                 where="instantaneous_rate", fix="choose a larger cutoff")
    half = ceil(cutoff * sigma / step - 1e-9)
    if half > _BLOCK:
        raise ConfigurationError(got=f"a kernel of {half} steps", expected=f"{_BLOCK} at most", fix="choose a longer "
                                 "sampling_period", where="instantaneous_rate")
    return 1e3 * density(np.arange(-half, half + 1) * step + (median * sigma if centre else 0.0), sigma)


def _filtered(signal: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Convolution along the last axis, as long as the signal, the middle of the weights on each entry."""
    steps, half = signal.shape[-1], len(weights) // 2
    length = 1 << (steps + len(weights) - 2).bit_length()
    spectrum = np.fft.rfft(signal, length) * np.fft.rfft(weights, length)
    # Counts and kernels are not negative; the transform's rounding may leave -1e-16, which is no rate.
    return np.maximum(np.fft.irfft(spectrum, length)[..., half:half + steps], 0.0)
