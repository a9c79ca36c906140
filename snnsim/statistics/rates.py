"""Firing rates: of each train, of a population in time, and histograms of spike times."""

from __future__ import annotations

from math import prod
from typing import Any, Literal

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.statistics.binning import binned, check_size
from snnsim.statistics.trains import Source, SpikeTrains

_OUTPUTS = ("counts", "mean", "rate")


def rates(source: Source, *, start: float | None = None, stop: float | None = None) -> Any:
    """Mean firing rate of each train: spikes / (stop - start).

    Args:
        source: events, spike trains, an array of times (ms) or a list of such arrays.
        start: begin of the window (ms).
        stop: end of the window (ms); needed unless the source knows it.

    Returns:
        Rates (Hz): ``[batch, *shape]`` of events, ``[trains]`` of a list, a number of one array.

    Raises:
        ConfigurationError: a window that is empty or whose end is not known.

    Example:
        >>> rates([[1.0, 5.0, 7.0], []], stop=100.0).tolist()
        [30.0, 0.0]
    """
    trains = SpikeTrains.of(source, start=start, stop=stop)
    return trains.shaped(trains.counts / (trains.duration * 1e-3))


def population_rate(source: Source, *, bin_size: float, start: float | None = None,
                    stop: float | None = None) -> np.ndarray:
    """Mean rate of the units of a population in each bin: spikes / (units * bin_size).

    Args:
        source: events, spike trains, an array of times (ms) or a list of such arrays.
        bin_size: width of a bin (ms); a rest of the window that is shorter is not counted.
        start: begin of the window (ms).
        stop: end of the window (ms).

    Returns:
        Rates (Hz), float64 ``[bins, batch]`` of events, ``[bins]`` of arrays.

    Example:
        >>> population_rate([[1.0, 2.0], [3.0]], bin_size=5.0, stop=10.0).tolist()
        [300.0, 0.0]
    """
    trains = SpikeTrains.of(source, start=start, stop=stop)
    batch, units = trains.groups
    rate = binned(trains, bin_size).pooled(batch).T / (units * bin_size * 1e-3)
    return rate if len(trains.shape) > 1 else rate[:, 0]


def time_histogram(source: Source, *, bin_size: float, start: float | None = None, stop: float | None = None,
                   output: Literal["counts", "mean", "rate"] = "counts", binary: bool = False) -> np.ndarray:
    """Spikes of all trains together in each bin.

    Args:
        source: events, spike trains, an array of times (ms) or a list of such arrays.
        bin_size: width of a bin (ms); a rest of the window that is shorter is not counted.
        start: begin of the window (ms).
        stop: end of the window (ms).
        output: "counts" of all trains, their "mean" over the trains, or the mean "rate" of a train (Hz).
        binary: count trains that fired in the bin instead of spikes.

    Returns:
        float64 [bins].

    Example:
        >>> time_histogram([[1.0, 2.0], [3.0]], bin_size=5.0, stop=10.0, binary=True).tolist()
        [2.0, 0.0]
    """
    if output not in _OUTPUTS:
        raise ConfigurationError(got=f"output = {output!r}", expected=f"one of {', '.join(_OUTPUTS)}",
                                 where="time_histogram", fix="choose one of these")
    trains = SpikeTrains.of(source, start=start, stop=stop)
    counts = binned(trains, bin_size)
    total = (counts.clipped() if binary else counts).pooled()[0].astype(np.float64)
    share = {"counts": 1.0, "mean": trains.n_trains, "rate": trains.n_trains * bin_size * 1e-3}[output]
    return total / share


def psth(source: Source, *, bin_size: float, start: float | None = None, stop: float | None = None) -> np.ndarray:
    """Peri-stimulus time histogram: the rate of each unit in each bin, averaged over the samples (trials).

    Args:
        source: events with one sample a trial, or a list with one array of times (ms) a trial.
        bin_size: width of a bin (ms); a rest of the window that is shorter is not counted.
        start: begin of the window (ms).
        stop: end of the window (ms).

    Returns:
        Rates (Hz), float64 ``[bins, *shape]`` of events, ``[bins]`` of a list; NaN without a trial.

    Example:
        >>> psth([[1.0], [2.0, 7.0]], bin_size=5.0, stop=10.0).tolist()
        [200.0, 100.0]
    """
    trains = SpikeTrains.of(source, start=start, stop=stop)
    trials, units = trains.shape[0] if trains.shape else 1, prod(trains.shape[1:])
    counts = binned(trains, bin_size)
    check_size(counts.n_bins * units, f"{counts.n_bins} bins of {units} units", "psth",
               "choose a larger bin_size, or some of the trains")
    total = np.zeros(counts.n_bins * units)
    np.add.at(total, counts.bin * units + counts.train % units, counts.count)
    return total.reshape(counts.n_bins, *trains.shape[1:]) / (trials * bin_size * 1e-3 or np.nan)
