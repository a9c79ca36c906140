"""Raster plots: who fired when, and how often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.events import Events
from snnsim.core.recording import Recording
from snnsim.plotting.style import colour, label, new_figure, styled
from snnsim.statistics import recorded_spikes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# More bars than this on the side are no longer seen one by one: neighbours share one.
_BARS = 80
_INCHES = 0.16  # of height for each unit's share (square root of their number)


def raster(source: Recording | Events | Mapping[str, Events], populations: Sequence[str] | None = None, *,
           sample: int = 0, start: float = 0.0, stop: float | None = None, title: str | None = None) -> Figure:
    """Spikes of one sample, populations stacked over one time axis, mean rates on the right.

    Args:
        source: a recording with spikes, events, or events by name of the population.
        populations: names, in order from the top; None is all that are there.
        sample: which sample of the batch.
        start: first time shown (ms).
        stop: last time shown (ms); None is the end.
        title: heading; None is the number of spikes shown.

    Returns:
        A figure with two axes for each population: raster and rates (spikes/s).

    Raises:
        ConfigurationError: no spikes were recorded, an unknown population or sample, or an empty time window.

    Example:
        >>> import snnsim as sn
        >>> from snnsim.plotting import raster
        >>> picture = raster(sn.Events.from_times([1.0, 2.0], [0, 3], shape=4), stop=10.0)
        >>> [axes.get_xlabel() for axes in picture.axes]
        ['time (ms)', 'rate (Hz)']
    """
    events = recorded_spikes(source, populations, where="raster")
    end = stop if stop is not None else _end(source, events)
    if not end > start:
        raise ConfigurationError(got=f"a window from {start:g} to {end:g} ms", expected="a positive length",
                                 where="raster", fix="choose start and stop around the spikes")
    shown = {name: _shown(part, name, sample, start, end) for name, part in events.items()}
    with styled():
        heights = [np.clip(np.sqrt(part.n_units), 5.0, 20.0) for part in events.values()]
        figure = new_figure(8.0, 0.8 + _INCHES * float(sum(heights)) + 0.2 * len(heights))
        grid = figure.subplots(len(events), 2, squeeze=False, sharex="col", height_ratios=heights, width_ratios=[6, 1])
        fastest = 0.0
        for row, (name, (times, units)) in enumerate(shown.items()):
            n_units = events[name].n_units
            left, right = grid[row]
            # A stroke fills its unit's row; of very many units the eye takes in the density, as dots.
            size = np.clip(0.85 * 72 * _INCHES * heights[row] / n_units, 1.8, 8.0)
            marker = {"marker": "|", "markersize": size, "markeredgewidth": 1.0} if n_units <= 250 else \
                {"marker": ".", "markersize": size, "markeredgewidth": 0.0}
            left.plot(times, units, linestyle="", color=colour(row), rasterized=len(times) > 20_000, **marker)
            left.set(xlim=(start, end), ylim=(-0.5, n_units - 0.5), ylabel=f"{name}\nunit")
            left.yaxis.get_major_locator().set_params(integer=True, nbins=4)
            rates, edges = _rates(units, n_units, end - start)
            right.stairs(rates, edges, orientation="horizontal", fill=True, color=colour(row), alpha=0.75)
            right.set_ylim(left.get_ylim())
            fastest = max(fastest, float(rates.max(initial=0.0)))
            right.tick_params(labelleft=False)
            right.annotate(f"mean {len(times) / n_units / (end - start) * 1e3:.3g}", (1, 1.0), (0, 2),
                           xycoords="axes fraction", textcoords="offset points", ha="right", fontsize=7.5)
        grid[-1, 1].set_xlim(0, 1.05 * fastest or 1.0)
        grid[-1, 0].set_xlabel(label("time", "ms"))
        grid[-1, 1].set_xlabel(label("rate", "Hz"))
        n_spikes = sum(len(times) for times, _ in shown.values())
        grid[0, 0].set_title(f"{n_spikes:,} spikes" if title is None else title)
        figure.align_ylabels(grid[:, 0])
    return figure


def _end(source: object, events: Mapping[str, Events]) -> float:
    return source.duration if isinstance(source, Recording) else max(part.duration for part in events.values())


def _shown(part: Events, name: str, sample: int, start: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Times and units of one sample within the window."""
    if not 0 <= sample < len(part):
        raise ConfigurationError(got=f"sample {sample}", expected=f"0 to {len(part) - 1}", where=f"raster of {name!r}",
                                 fix="choose a sample of the batch")
    one = part[sample]
    inside = (one.times >= start) & (one.times < end)
    return one.times[inside], one.indices[inside]


def _rates(units: np.ndarray, n_units: int, duration: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean rate (spikes/s) of each unit or group of neighbours, and the groups' edges."""
    edges = np.unique(np.linspace(0, n_units, min(n_units, _BARS) + 1).round()).astype(int)
    counts, _ = np.histogram(units, edges)
    return counts / np.diff(edges) / (duration * 1e-3), edges - 0.5
