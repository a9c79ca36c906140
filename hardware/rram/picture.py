"""A picture of the arrays: one square each, the fuller the darker."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from snnsim.hardware.rram.placement import Matrix

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST, WIDTH = 4000, 48  # squares of a matrix that are drawn, squares in a line


def filled_arrays(matrices: Sequence[Matrix]) -> Figure:
    """How full each array is, matrix by matrix.

    Args:
        matrices: as a mapping holds them.
    """
    from matplotlib.figure import Figure

    lines = [max(1, ceil(min(m.arrays, MOST) / WIDTH)) for m in matrices]
    figure = Figure(figsize=(7.0, 0.8 + sum(0.3 + 0.14 * n for n in lines)), layout="constrained")
    heights = {"height_ratios": [1.2 + n for n in lines]}
    axes = figure.subplots(len(matrices), 1, squeeze=False, gridspec_kw=heights)[:, 0]
    image = None
    for ax, m, n in zip(axes, matrices, lines, strict=True):
        squares = np.full(n * WIDTH, np.nan)
        drawn = m.fill[:MOST]
        squares[: len(drawn)] = 100 * drawn
        image = ax.pcolormesh(squares.reshape(n, WIDTH), cmap="Blues", vmin=0, vmax=100, edgecolors="white",
                              linewidth=0.6)
        ax.set_aspect("equal")
        ax.invert_yaxis()
        ax.axis("off")
        more = "" if m.arrays <= MOST else f", {MOST:,} drawn"
        ax.set_title(f"{m.name}: {m.rows} x {m.columns} weights, {m.arrays:,} arrays{more}", loc="left", fontsize=9)
    if image is not None:
        figure.colorbar(image, ax=list(axes), shrink=0.8, label="cells in use (%)")
    return figure
