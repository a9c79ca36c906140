"""Picture of a run: rate, regularity and correlation of each population, published values beside ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from snnsim.models.cortex.published import Published
from snnsim.plotting.style import FAINT, PALETTE, label, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANELS = (("rate", "rate", "Hz", "rates"), ("cv", "CV of inter-spike intervals", "", "regularity"),
          ("correlation", "spike count correlation", "", ""))


def rates_picture(populations: Mapping[str, Mapping[str, Any]], published: Published | None = None, *,
                  title: str = "") -> Figure:
    """One row a population: mean over its units, and the standard deviation between units (pairs for correlations).

    Args:
        populations: statistics by population, as `snnsim.statistics.summary` names them.
        published: shown as open diamonds.
        title: above the picture.
    """
    names = list(populations)
    rows = range(len(names))
    with styled():
        figure = new_figure(7.6, 1.1 + 0.3 * len(names))
        axes = figure.subplots(1, len(PANELS), sharey=True)
        for axis, (field, text, unit, theirs) in zip(axes, PANELS, strict=True):
            mean = [_number(populations[name][f"{field}_mean"]) for name in names]
            spread = [_number(populations[name][f"{field}_std"]) for name in names]
            if field == "correlation":
                axis.axvline(0.0, color=FAINT, linewidth=0.8)
            axis.errorbar(mean, rows, xerr=spread, fmt="o", color=PALETTE[0], ecolor=PALETTE[5], markersize=5,
                          label="ours: mean, spread of units" if field != "correlation" else None)
            values = getattr(published, theirs, {}) if theirs else {}
            if values:
                axis.plot([values.get(name, float("nan")) for name in names], rows, "D", color=PALETTE[1],
                          markerfacecolor="none", markersize=8, label="published")
            if field != "correlation":
                axis.set_xlim(left=0.0)  # bars may reach below, rates cannot
            axis.set_xlabel(label(text, unit))
        axes[0].set_yticks(rows, names)
        axes[0].set_ylim(len(names) - 0.5, -0.5)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=2)
        axes[0].set_title(title)
    return figure


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
