"""Peri-stimulus time histograms: trials above, their mean rate below."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.plotting.style import INK, colour, label, new_figure, styled
from snnsim.statistics import SpikeTrains, instantaneous_rate
from snnsim.statistics import psth as histogram
from snnsim.statistics.trains import Source

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def psth(source: Source, *, bin_size: float, unit: int | None = None, sigma: float | None = None,
         start: float | None = None, stop: float | None = None, stimulus: tuple[float, float] | None = None,
         title: str | None = None) -> Figure:
    """Spikes of all trials, and the rate in bins averaged over them.

    Args:
        source: events with one sample a trial, spike trains, or a list with one array of times (ms) a trial.
        bin_size: width of a bin (ms).
        unit: flat index of the unit shown; None is the mean over all units, with the spikes of all of them.
        sigma: standard deviation of a Gaussian (ms) for a smooth rate beside the bins; None draws none.
        start: begin of the window (ms).
        stop: end of the window (ms).
        stimulus: begin and end of what was shown (ms), as a bar.
        title: heading; None is the number of trials and spikes.

    Returns:
        A figure with two axes: trials and rate (Hz).

    Raises:
        ConfigurationError: an unknown unit, or a window that does not hold a bin.

    Example:
        >>> from snnsim.plotting import psth
        >>> picture = psth([[1.0, 7.0], [2.0]], bin_size=5.0, stop=10.0)
        >>> [axes.get_ylabel() for axes in picture.axes]
        ['trial', 'rate (Hz)']
    """
    trains = SpikeTrains.of(source, start=start, stop=stop)
    trials = trains.shape[0] if trains.shape else 1
    units = trains.n_trains // max(trials, 1)
    trains = replace(trains, shape=(trials, units))
    if unit is not None:
        if not 0 <= unit < units:
            raise ConfigurationError(got=f"unit {unit}", expected=f"0 to {units - 1}", where="psth",
                                     fix="choose a unit of the population")
        trains, units = replace(trains[np.arange(trials) * units + unit], shape=(trials, 1)), 1
    rate = histogram(trains, bin_size=bin_size).mean(1)
    end = trains.start + trains.duration
    edges = trains.start + bin_size * np.arange(len(rate) + 1)
    with styled():
        height = float(np.clip(0.09 * trials, 0.8, 3.2))
        figure = new_figure(6.0, 2.3 + height)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[height, 1.5])
        size = np.clip(0.8 * 72 * height / max(trials, 1), 1.5, 7.0)
        above.plot(trains.times, trains.train // units + 1, linestyle="", marker="|", markersize=size,
                   markeredgewidth=0.9, color=INK, rasterized=len(trains.times) > 20_000)
        above.set(ylim=(trials + 0.5, 0.5), ylabel="trial")
        above.yaxis.get_major_locator().set_params(integer=True, nbins=5)
        below.stairs(rate, edges, fill=True, color=colour(0), alpha=0.55, label=f"bins of {bin_size:g} ms")
        if sigma is not None:
            step = bin_size / 10
            smooth = instantaneous_rate(trains, sampling_period=step, sigma=sigma, pool=True).mean(1)
            below.plot(trains.start + step * (np.arange(len(smooth)) + 0.5), smooth, color=colour(1), linewidth=1.4,
                       label=f"Gaussian, {sigma:g} ms")
        if stimulus is not None:
            for axes in (above, below):
                axes.axvspan(*stimulus, color="#EDEDED", zorder=0, linewidth=0)
            below.plot([], [], color="#DDDDDD", linewidth=6, label="stimulus")
        below.set(xlim=(trains.start, end), ylim=(0.0, None), xlabel=label("time", "ms"), ylabel=label("rate", "Hz"))
        below.legend(loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=3, borderaxespad=0.0, handlelength=1.2)
        count = f"{trials} trial{'s' * (trials != 1)}, {len(trains.times):,} spikes"
        above.set_title(count if title is None else title)
        figure.align_ylabels([above, below])
    return figure
