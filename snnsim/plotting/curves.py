"""Training curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.plotting.style import FAINT, INK, colour, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def training_curves(log: Sequence[Mapping[str, Any]], *, title: str | None = None) -> Figure:
    """Loss and accuracy over the epochs; the epoch of best validation is marked.

    Args:
        log: one mapping an epoch, as `fit` writes them, with `epoch` and any of `train_loss`,
            `validation_loss`, `train_accuracy`, `validation_accuracy` (shares from 0 to 1). A missing number
            or None leaves a gap.
        title: heading of the left axes.

    Returns:
        A figure with one axes for losses and one for accuracies, of which there is something to show.

    Raises:
        ConfigurationError: no epoch, or neither loss nor accuracy.

    Example:
        >>> from snnsim.plotting import training_curves
        >>> log = [dict(epoch=1, train_loss=2.3, train_accuracy=0.2), dict(epoch=2, train_loss=1.1, train_accuracy=0.7)]
        >>> [axes.get_ylabel() for axes in training_curves(log).axes]
        ['loss', 'accuracy (%)']
    """
    panels = [(quantity, parts) for quantity in ("loss", "accuracy")
              if (parts := {part: _column(log, f"{part}_{quantity}") for part in ("train", "validation")
                            if any(row.get(f"{part}_{quantity}") is not None for row in log)})]
    if not panels:
        raise ConfigurationError(got=f"a log of {len(log)} epochs without numbers", where="training_curves",
                                 expected="train_loss or train_accuracy by epoch", fix="pass the log that fit returned")
    epochs = np.array([row.get("epoch", k) for k, row in enumerate(log)])
    with styled():
        figure = new_figure(3.9 * len(panels), 2.9)
        row = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, (quantity, parts) in zip(row, panels, strict=True):
            scale = 100.0 if quantity == "accuracy" else 1.0
            for k, (part, values) in enumerate(parts.items()):
                axes.plot(epochs, scale * values, color=colour(k), marker="os"[k], markersize=3, linewidth=1.4,
                          label=part)
            axes.set(xlabel="epoch", ylabel="accuracy (%)" if quantity == "accuracy" else "loss")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(axis="y", color=FAINT, linewidth=0.4, alpha=0.6)
            if quantity == "accuracy":
                axes.set_ylim(None, 101.0)
            elif all(np.nanmin(values) >= 0 for values in parts.values()):
                axes.set_ylim(0.0, None)
            _mark_best(axes, epochs, parts.get("validation"), quantity, scale)
            axes.legend(loc="lower right" if quantity == "accuracy" else "upper right")
        if title is not None:
            row[0].set_title(title)
    return figure


def _column(log: Sequence[Mapping[str, Any]], key: str) -> np.ndarray:
    return np.array([np.nan if row.get(key) is None else float(row[key]) for row in log])


def _mark_best(axes: Any, epochs: np.ndarray, values: np.ndarray | None, quantity: str, scale: float) -> None:
    """A ring around the best validation value, with its number."""
    if values is None or not np.isfinite(values).any():
        return
    best = int(np.nanargmax(values) if quantity == "accuracy" else np.nanargmin(values))
    text = f"{scale * values[best]:.1f} %" if quantity == "accuracy" else f"{values[best]:.3g}"
    axes.plot(epochs[best], scale * values[best], "o", markersize=9, markerfacecolor="none", markeredgecolor=INK)
    below = quantity == "accuracy"
    axes.annotate(text, (epochs[best], scale * values[best]), (0, -9 if below else 8), textcoords="offset points",
                  ha="right", va="top" if below else "bottom", fontsize=8)
