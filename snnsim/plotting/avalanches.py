"""Avalanches on logarithmic axes: sizes, durations, and how they belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.plotting.style import FAINT, INK, colour, label, new_figure, styled
from snnsim.statistics import Avalanches, CracklingNoise, PowerLaw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PER_DECADE = 8  # bins


def avalanches(found: Avalanches, fit: CracklingNoise | None = None, *, bin_size: float | None = None,
               title: str | None = None) -> Figure:
    """Densities of sizes and durations, and the mean size of each duration, with the fitted power laws.

    Args:
        found: avalanches.
        fit: what `snnsim.statistics.crackling_noise` said of them; None draws no lines.
        bin_size: width of the activity's bins (ms), which turns durations into ms; None shows bins.
        title: heading; None is the number of avalanches.

    Returns:
        A figure with three axes.

    Raises:
        ConfigurationError: no avalanche.

    Example:
        >>> from snnsim.plotting import avalanches
        >>> from snnsim import statistics
        >>> picture = avalanches(statistics.avalanches([0, 1, 0, 3, 0, 2, 2, 0]))
        >>> [axes.get_xlabel() for axes in picture.axes]
        ['size (spikes)', 'duration (bins)', 'duration (bins)']
    """
    if not len(found):
        raise ConfigurationError(got="no avalanche", expected="one or more", where="avalanches",
                                 fix="choose other bins or another threshold")
    width, unit = (1.0, "bins") if bin_size is None else (bin_size, "ms")
    with styled():
        figure = new_figure(8.4, 2.9)
        size, duration, both = figure.subplots(1, 3)
        _density(size, found.sizes, 1.0, colour(0), None if fit is None else fit.size, "S", "τ")
        _density(duration, found.durations, width, colour(1), None if fit is None else fit.duration, "D", "α")
        size.set(xlabel=label("size", "spikes"), ylabel="probability density")
        duration.set(xlabel=label("duration", unit),
                     ylabel=label("probability density", "" if bin_size is None else "1/ms"))
        bins, mean, number = found.mean_sizes()
        both.scatter(bins * width, mean, s=np.clip(6 + 7 * np.log10(number), 6, 40), color=colour(2), alpha=0.75,
                     linewidth=0)
        if fit is not None and np.isfinite(fit.fitted):
            _mean_lines(both, bins, mean, number, width, fit)
        both.set(xscale="log", yscale="log", xlabel=label("duration", unit), ylabel=label("mean size", "spikes"))
        for axes in (size, duration, both):
            axes.grid(color=FAINT, linewidth=0.4, alpha=0.5)
            axes.set_axisbelow(True)
            if axes.get_legend_handles_labels()[0]:
                axes.legend(loc="upper left" if axes is both else "upper right", handlelength=1.3)
        size.set_title(f"{len(found):,} avalanches" if title is None else title)
    return figure


def _density(axes: Any, values: np.ndarray, width: float, tone: str, law: PowerLaw | None, symbol: str,
             exponent: str) -> None:
    """Density in logarithmic bins of whole numbers, with the law over its range."""
    decades = np.log10(values.max() + 1.0)
    edges = np.unique(np.floor(np.logspace(0, decades, max(2, int(_PER_DECADE * decades) + 1))).astype(np.int64))
    edges[-1] = values.max() + 1
    counts = np.histogram(values, edges - 0.5)[0]
    middle = np.sqrt(edges[:-1] * (edges[1:] - 1.0))
    density = counts / np.diff(edges) / len(values) / width
    seen = counts > 0
    axes.plot(middle[seen] * width, density[seen], "o", markersize=3.5, color=tone)
    if law is not None and np.isfinite(law.exponent):
        last = values.max() if law.maximum is None else min(law.maximum, values.max())
        x = np.unique(np.logspace(np.log10(law.minimum), np.log10(last), 60).round())
        axes.plot(x * width, law.density(x) * law.n / law.n_all / width, color=INK, linewidth=1.2,
                  label=f"{symbol}$^{{-{exponent}}}$, {exponent} = {law.exponent:.2f} ± {law.standard_error:.2f}")
    axes.set(xscale="log", yscale="log")


def _mean_lines(axes: Any, bins: np.ndarray, mean: np.ndarray, number: np.ndarray, width: float,
                fit: CracklingNoise) -> None:
    """Fitted and predicted growth of the mean size, through the centre of the fitted points."""
    inside = (bins >= fit.duration.minimum) & (bins <= (fit.duration.maximum or bins.max()))
    x, y = (np.average(np.log(part[inside]), weights=number[inside]) for part in (bins, mean))
    ends = np.log([bins[inside].min(), bins[inside].max()])
    for gamma, style, name in ((fit.fitted, "-", "fit, γ"), (fit.predicted, "--", "(α − 1) / (τ − 1)")):
        if np.isfinite(gamma):
            axes.plot(np.exp(ends) * width, np.exp(y + gamma * (ends - x)), color=INK, linestyle=style, linewidth=1.2,
                      label=f"{name} = {gamma:.2f}")
