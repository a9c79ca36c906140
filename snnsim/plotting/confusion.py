"""Confusion matrices: which class was taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from snnsim.core.errors import ShapeError
from snnsim.plotting.style import INK, hide_spines, new_figure, sequential, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confusion(counts: np.ndarray, classes: Sequence[str] | None = None, *, title: str | None = None) -> Figure:
    """A confusion matrix with its counts; shades are the share within each true class.

    Args:
        counts: ``[true class, predicted class]``, how many samples.
        classes: names of the classes; None numbers them.
        title: heading; None is the accuracy.

    Returns:
        A figure with the matrix and its colour scale.

    Raises:
        ShapeError: a matrix that is not square, or another number of names.

    Example:
        >>> from snnsim.plotting import confusion
        >>> confusion([[9, 1], [0, 10]], ["cat", "dog"]).axes[0].get_title(loc="left")
        '95.0 % of 20 right'
    """
    counts = np.asarray(counts)
    n = len(counts)
    names = [str(k) for k in range(n)] if classes is None else [str(name) for name in classes]
    if counts.shape != (n, n) or n == 0 or len(names) != n:
        raise ShapeError(got=f"counts of shape {counts.shape} and {len(names)} names", where="confusion",
                         expected="[classes, classes] and one name a class", fix="pass a square matrix of counts")
    total = int(counts.sum())
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    with styled():
        side = float(np.clip(0.42 * n, 2.4, 9.0))
        figure = new_figure(side + 1.6, side + 0.9)
        axes = figure.subplots()
        image = axes.imshow(share, cmap=sequential(), vmin=0.0, vmax=1.0)
        for row, column in np.ndindex(n, n):
            if counts[row, column] and n <= 35:
                tone = "white" if share[row, column] > 0.5 else INK
                axes.text(column, row, f"{counts[row, column]:g}", ha="center", va="center", color=tone,
                          fontsize=9.0 if n <= 12 else 6.5)
        long = max(map(len, names)) > 3 or n > 20
        axes.set_xticks(range(n), names, rotation=45 if long else 0, ha="right" if long else "center")
        axes.set_yticks(range(n), names)
        axes.tick_params(length=0)
        axes.set_xticks(np.arange(n + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(n + 1) - 0.5, minor=True)
        axes.grid(which="minor", color="#E4E4E4", linewidth=0.6)
        axes.tick_params(which="minor", length=0)
        hide_spines(axes)
        axes.set(xlabel="predicted class", ylabel="true class")
        accuracy = 100.0 * np.trace(counts) / max(total, 1)
        axes.set_title(f"{accuracy:.1f} % of {total:,} right" if title is None else title)
        bar = figure.colorbar(image, ax=axes, shrink=0.75, label="share of the true class")
        bar.outline.set_visible(False)
    return figure
