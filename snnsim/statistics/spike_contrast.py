"""Spike-contrast: synchrony of many trains without choosing a time scale."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from snnsim.core.errors import ConfigurationError, ShapeError
from snnsim.statistics.binning import positive
from snnsim.statistics.trains import Source, SpikeTrains


class ContrastTrace(NamedTuple):
    """Synchrony at each time scale.

    Args:
        bin_sizes: float64 [scales], ms, from half the window downwards.
        contrast: float64 [scales], how much counts of neighbouring bins differ.
        active: float64 [scales], share of the other trains that are active with a spike.
        synchrony: float64 [scales], their product.
    """

    bin_sizes: np.ndarray
    contrast: np.ndarray
    active: np.ndarray
    synchrony: np.ndarray


def spike_contrast(source: Source, *, start: float | None = None, stop: float | None = None, least_bin: float = 10.0,
                   shrink: float = 0.9) -> float:
    """Synchrony of all trains together, 0 to 1: the largest product of contrast and activity over all bin sizes.

    Args:
        source: events, spike trains or a list of arrays of times (ms); two trains or more.
        start: begin of the window (ms).
        stop: end of the window (ms).
        least_bin: smallest bin (ms); half the shortest interval between spikes of a train, if that is longer.
        shrink: factor from one bin size to the next.

    Returns:
        Synchrony; NaN where no train has two spikes.

    Raises:
        ShapeError: fewer than two trains.
        ConfigurationError: a factor outside (0, 1), or a window shorter than two bins.

    References:
        Ciba, Isomura, Jimbo, Bahmer & Thielemann 2018, J. Neurosci. Methods 293:136,
        doi:10.1016/j.jneumeth.2017.09.008.
    """
    trace = spike_contrast_trace(source, start=start, stop=stop, least_bin=least_bin, shrink=shrink)
    return float(trace.synchrony.max()) if len(trace.synchrony) else float("nan")


def spike_contrast_trace(source: Source, *, start: float | None = None, stop: float | None = None,
                         least_bin: float = 10.0, shrink: float = 0.9) -> ContrastTrace:
    """Contrast, activity and synchrony of all trains at each bin size.

    Args:
        source: events, spike trains or a list of arrays of times (ms); two trains or more.
        start: begin of the window (ms).
        stop: end of the window (ms).
        least_bin: smallest bin (ms); half the shortest interval between spikes of a train, if that is longer.
        shrink: factor from one bin size to the next.

    Returns:
        The trace; empty where no train has two spikes.

    Raises:
        ShapeError: fewer than two trains.
        ConfigurationError: a factor outside (0, 1), or a window shorter than two bins.
    """
    trains, where = SpikeTrains.of(source, start=start, stop=stop), "spike_contrast"
    positive(least_bin, "least_bin", where)
    if not 0 < shrink < 1:
        raise ConfigurationError(got=f"shrink = {shrink}", expected="a factor between 0 and 1", where=where,
                                 fix="choose one such as 0.9")
    if trains.n_trains < 2:
        raise ShapeError(got=f"{trains.n_trains} trains", expected="two or more", where=where,
                         fix="pass the trains of several units")
    intervals = np.diff(trains.times)[np.diff(trains.train) == 0]
    if not len(intervals):
        return ContrastTrace(*np.empty((4, 0)))
    shortest = float(intervals.min())
    sizes, smallest = [trains.duration / 2], max(shortest / 2, least_bin)
    while sizes[-1] >= smallest:
        sizes.append(sizes[-1] * shrink)
    if len(sizes) == 1:
        raise ConfigurationError(got=f"bins of {smallest} ms in a window of {trains.duration} ms", where=where,
                                 expected="two bins or more", fix="choose a smaller least_bin, or a longer window")
    contrast, active = np.array([_at_scale(trains, size, shortest) for size in sizes[:-1]]).T
    return ContrastTrace(np.array(sizes[:-1]), contrast, active, contrast * active)


def _at_scale(trains: SpikeTrains, bin_size: float, margin: float) -> tuple[float, float]:
    """(contrast, activity) of bins that overlap by half, over the window and a margin on both sides."""
    step = bin_size / 2
    edges = np.arange(trains.start - margin, trains.start + trains.duration + margin + step, step)
    n_halves = len(edges) - 1
    key = np.sort(trains.train * n_halves + np.searchsorted(edges, trains.times, side="right") - 1)
    spikes = np.bincount(key % n_halves, minlength=n_halves)
    found = key[np.concatenate([[True], np.diff(key) > 0])]  # trains with a spike in a half bin, each once
    trains_active = np.bincount(found % n_halves, minlength=n_halves)
    follows = found[1:][(np.diff(found) == 1) & (found[1:] % n_halves > 0)] % n_halves
    both = np.bincount(follows, minlength=n_halves)[1:]
    theta, n_active = spikes[:-1] + spikes[1:], trains_active[:-1] + trains_active[1:] - both
    active = ((n_active * theta).sum() / theta.sum() - 1) / (trains.n_trains - 1)
    return float(np.abs(np.diff(theta)).sum() / (2 * len(trains.times))), float(active)
