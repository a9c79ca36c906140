"""Distributions of rates, regularity and correlation, with a reference beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.events import Events
from snnsim.core.recording import Recording
from snnsim.plotting.style import FAINT, INK, colour, label, new_figure, styled
from snnsim.statistics import SpikeTrains, cv_isi, pair_correlations, rates, recorded_spikes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BINS = 50
_QUANTITIES = (("rate", "Hz"), ("CV of intervals", "1"), ("correlation", "1"))
Spikes = Recording | Events | SpikeTrains | Mapping[str, Events | SpikeTrains]


def spike_statistics(source: Spikes, populations: Sequence[str] | None = None, *, reference: Spikes | None = None,
                     reference_name: str = "reference", start: float = 0.0, stop: float | None = None,
                     bin_size: float = 5.0, most: int = 500, seed: int = 0, title: str | None = None) -> Figure:
    """Distributions over the units of a population: rates, coefficients of variation, correlations of pairs.

    Args:
        source: a recording with spikes, events or trains, or these by name of the population.
        populations: names, in order from the top; None is all that are there.
        reference: the same from elsewhere (another simulator, an experiment), drawn as a line; populations that it
            lacks have none.
        reference_name: what the reference is called in the legend.
        start: begin of the window (ms), for example after the first transient.
        stop: end of the window (ms); None is the end of the recording.
        bin_size: bin of the spike counts that are correlated (ms).
        most: units drawn at random for the correlations.
        seed: of that draw.
        title: heading.

    Returns:
        A figure with a row of three axes for each population; means are written above.

    Raises:
        ConfigurationError: no spikes, an unknown population, or a window without a known end.

    Example:
        >>> from snnsim.plotting import spike_statistics
        >>> picture = spike_statistics(Events.from_times([1.0, 4.0, 8.0], [0, 0, 1], shape=2), stop=10.0)
        >>> [axes.get_xlabel() for axes in picture.axes]
        ['rate (Hz)', 'CV of intervals', 'correlation']
    """
    where = "spike_statistics"
    ours = recorded_spikes(source, populations, where=where)
    theirs = {} if reference is None else recorded_spikes(reference, None, where=where)
    setting: dict[str, Any] = dict(start=start, stop=stop, bin_size=bin_size, most=most, seed=seed)
    rows = {name: (_values(part, source, **setting),
                   _values(theirs[name], reference, **setting) if name in theirs else None)
            for name, part in ours.items()}
    if reference is not None and not set(theirs) & set(ours):
        raise ConfigurationError(got=f"a reference of {', '.join(theirs)}", where=where,
                                 expected=f"one of {', '.join(ours)}", fix="name its populations like those shown")
    with styled():
        figure = new_figure(8.0, 0.7 + 1.55 * len(rows))
        grid = figure.subplots(len(rows), 3, squeeze=False, sharex="col")
        for row, (name, (mine, other)) in enumerate(rows.items()):
            grids = (_step(mine[0], None if other is None else other[0]), 0.0, 0.0)
            for axes, values, beside, step in zip(grid[row], mine, other or (None,) * 3, grids, strict=True):
                edges = _edges(values if beside is None else np.concatenate([values, beside]), step)
                _draw(axes, edges, values, beside, colour(row), reference_name if name in theirs else "")
            grid[row, 0].set_ylabel(f"{name}\ndensity")
        for axes, (quantity, unit) in zip(grid[-1], _QUANTITIES, strict=True):
            axes.set_xlabel(label(quantity, unit))
        for axes in (*grid[:, 0], *grid[:, 1]):
            axes.set_xlim(min(0.0, axes.dataLim.x0), None)
        if title is not None:
            grid[0, 0].set_title(title, pad=18)
        figure.align_ylabels(grid[:, 0])
    return figure


def _values(part: Events | SpikeTrains, whole: Any, *, start: float, stop: float | None, bin_size: float, most: int,
            seed: int) -> tuple[np.ndarray, ...]:
    """Rates, coefficients of variation and correlations, each without what is not defined."""
    end = whole.duration if stop is None and isinstance(whole, Recording) else stop
    trains = SpikeTrains.of(part, start=start, stop=end)
    found = (rates(trains), cv_isi(trains), pair_correlations(trains, bin_size=bin_size, most=most, seed=seed))
    flat = [np.ravel(values) for values in found]
    return tuple(values[np.isfinite(values)] for values in flat)


def _step(values: np.ndarray, beside: np.ndarray | None) -> float:
    """Rates are whole spikes over one duration: their common step, or 0 where there is none."""
    both = np.unique(np.concatenate([values, [0.0], [] if beside is None else beside]))
    gaps = np.diff(both)
    least = float(gaps.min(initial=np.inf))
    shares = both / least if np.isfinite(least) else both
    return least if np.isfinite(least) and np.allclose(shares, shares.round(), rtol=0, atol=1e-3) else 0.0


def _draw(axes: Any, edges: np.ndarray, values: np.ndarray, beside: np.ndarray | None, tone: str, name: str) -> None:
    """Our values filled, the reference as a line over them, with the means above."""
    means = []
    if len(values):
        axes.stairs(np.histogram(values, edges, density=True)[0], edges, fill=True, color=tone, alpha=0.6)
        axes.plot([], [], color=tone, linewidth=5, alpha=0.6, label=f"mean {values.mean():.3g}")
    else:
        means.append("not defined")
    if beside is not None and len(beside):
        axes.stairs(np.histogram(beside, edges, density=True)[0], edges, color=INK, linewidth=1.0,
                    label=f"{name} {beside.mean():.3g}")
    elif beside is not None:
        means.append(f"{name} not defined")
    for text in means:
        axes.plot([], [], linestyle="", label=text)
    axes.set_ylim(0.0, None)
    axes.yaxis.get_major_locator().set_params(nbins=3)
    axes.grid(axis="x", color=FAINT, linewidth=0.4, alpha=0.6)
    axes.set_axisbelow(True)
    axes.legend(loc="lower right", bbox_to_anchor=(1.02, 0.97), ncols=2, borderaxespad=0.0, handlelength=1.0,
                columnspacing=1.0, handletextpad=0.5, fontsize=7.5)


def _edges(values: np.ndarray, step: float) -> np.ndarray:
    """Bins of equal width for both distributions, after Freedman and Diaconis, not too many.

    Values in multiples of a step get bins of whole steps around them: others would hold now more, now fewer of them.
    """
    if not len(values):
        return np.array([0.0, 1.0])
    low, high = float(values.min()), float(values.max())
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-9):
        half = 0.15 * max(abs(low), 0.1)
        return np.linspace(low - half, low + half, 4)
    spread = float(np.subtract(*np.percentile(values, [75, 25])))
    width = 2.0 * spread / len(values)**(1 / 3)
    number = _MOST_BINS if width <= 0 else int(np.clip(np.ceil((high - low) / width), 5, _MOST_BINS))
    if step <= 0:
        return np.linspace(low, high, number + 1)
    width = step * max(1.0, np.ceil((high - low) / number / step - 1e-9))
    return low - 0.5 * step + width * np.arange(np.ceil((high - low + step) / width - 1e-9) + 1)
