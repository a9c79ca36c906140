"""Where the junctions of a mapping go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from snnsim.hardware.sfq.cells import LIBRARIES
from snnsim.plotting.style import PALETTE, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from snnsim.hardware.sfq.target import SFQMapping


def junctions_by_use(mapping: SFQMapping) -> Figure:
    """Junctions of each projection and population, by cell, as stacked bars.

    Args:
        mapping: of a network.
    """
    from matplotlib.ticker import EngFormatter

    library = LIBRARIES[mapping.family]
    names = [name for name in library if any(bill.cells[name] for bill in mapping.bills)]
    with styled():
        figure = new_figure(7.0, 0.32 * len(mapping.bills) + 1.0)
        axes = figure.subplots()
        left = np.zeros(len(mapping.bills))
        for k, name in enumerate(names):
            each = library[name].junctions.value or 0.0
            size = np.array([bill.cells[name] * each for bill in mapping.bills])
            axes.barh(
                np.arange(len(size)),
                size,
                left=left,
                color=PALETTE[k % len(PALETTE)],
                label=name,
                hatch="//" if k >= len(PALETTE) else None,
                edgecolor="white",
                linewidth=0.3,
            )
            left += size
        items = [bill.item for bill in mapping.bills]
        axes.set(yticks=np.arange(len(items)), yticklabels=items, xlabel="Josephson junctions")
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter(EngFormatter())
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
