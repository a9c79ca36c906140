"""A picture of the boards: how many cores of each chip are in use, and the packets on each link."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from snnsim.hardware.formats import number
from snnsim.hardware.spinnaker.machine import BOARD, LINKS, SMALL_BOARD, Machine, opposite
from snnsim.plotting.style import FAINT, INK, PALETTE, new_figure, sequential, short_number, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from snnsim.hardware.spinnaker.mapping import SpiNNakerMapping

GAP = 1.6  # chips between boards


def board_picture(mapping: SpiNNakerMapping) -> Figure:
    """Every board that has a core in use: chips as hexagons, links between them as lines.

    The colour of a chip is the number of its cores in use; the width of a line grows with the root of the packets on
    the link, both ways together. Links that end in a short stub go to another board, or around the torus.

    Args:
        mapping: of `SpiNNaker`.
    """
    machine, used = mapping.machine, mapping.used_cores()
    boards = [int(b) for b in np.unique(machine.board[used > 0])]
    columns = min(len(boards), 3 if len(boards) <= 9 else 6)
    rows = -(-len(boards) // columns)
    places = _places(machine)
    across, up = (np.ptp([p[k] for p in places.values()]) + 2 * GAP for k in (0, 1))
    offsets = {b: (k % columns * across, -(k // columns) * up) for k, b in enumerate(boards)}
    both = _both_ways(mapping)
    with styled():
        scale = 0.42 if rows * columns <= 4 else 0.26
        figure = new_figure(max(4.8, scale * columns * across + 1.3), max(2.6, scale * rows * up + 0.9))
        axes = figure.subplots()
        axes.set_aspect("equal")
        axes.axis("off")
        at = {k: _at(machine, places, offsets, k) for k in range(machine.chips) if int(machine.board[k]) in offsets}
        _links(axes, machine, at, both)
        colours = _chips(axes, mapping, at, used)
        middle = float(np.mean([place[0] for place in places.values()]))
        for b, (x, y) in offsets.items():
            axes.text(x + middle, y - 0.9, f"board {b}", fontsize=7, color=INK, ha="center", va="top")
        x, y = np.array(list(at.values())).T
        axes.set_xlim(x.min() - GAP, x.max() + GAP)
        axes.set_ylim(y.min() - GAP - 0.4, y.max() + GAP)
        bar = figure.colorbar(colours, ax=axes, shrink=0.6, fraction=0.05, pad=0.02)
        bar.set_label("cores in use")
        bar.outline.set_visible(False)
        _key(axes, int(both.max(initial=0)))
        axes.set_title(f"{number(mapping.cores)} cores on {number(mapping.chips)} of {number(machine.chips)} chips")
        others = machine.boards - len(boards)
        if others:
            figure.supxlabel(f"{others} more board{'s are' if others > 1 else ' is'} idle", fontsize=7, color=INK)
    return figure


def _places(machine: Machine) -> dict[tuple[int, int], tuple[float, float]]:
    """Centre of each chip of a board; rows are shifted by half a chip, so that all six neighbours are equally far."""
    return {(x, y): (x - y / 2, y * sqrt(3) / 2) for x, y in (SMALL_BOARD if machine.is_small else BOARD)}


def _at(machine: Machine, places: dict, offsets: dict[int, tuple[float, float]], chip: int) -> tuple[float, float]:
    first = int(np.flatnonzero(machine.board == machine.board[chip])[0])
    x, y = places[int(machine.x[chip] - machine.x[first]) % machine.width,
                  int(machine.y[chip] - machine.y[first]) % machine.height]
    dx, dy = offsets[int(machine.board[chip])]
    return x + dx, y + dy


def _both_ways(mapping: SpiNNakerMapping) -> np.ndarray:
    """Packets on each link in both directions, int64 ``[chips, 6]``."""
    links, ends = mapping.traffic.links, mapping.machine.neighbours
    back = np.stack([np.where(ends[:, k] >= 0, links[ends[:, k], opposite(k)], 0) for k in range(len(LINKS))], 1)
    return links + back


def _links(axes: Any, machine: Machine, at: dict[int, tuple[float, float]], both: np.ndarray) -> None:
    """Lines between chips, stubs where a link leaves the board."""
    from matplotlib.collections import LineCollection

    lines: list = []
    counts: list[int] = []
    for chip, (x, y) in at.items():
        for link, (dx, dy) in enumerate(LINKS):
            end = int(machine.neighbours[chip, link])
            if end < 0:
                continue
            way = np.array([dx - dy / 2, dy * sqrt(3) / 2])
            near = end in at and machine.board[end] == machine.board[chip] \
                and np.allclose(np.array(at[end]) - (x, y), way)
            if near and end < chip:
                continue  # drawn from the other end
            lines.append([(x, y), tuple((x, y) + way * (1.0 if near else 0.72))])
            counts.append(both[chip, link])
    widths = _widths(np.array(counts, float), max(counts, default=0))
    colours = [PALETTE[1] if count else FAINT for count in counts]
    axes.add_collection(LineCollection(lines, linewidths=widths, colors=colours, zorder=1, capstyle="butt"))


def _widths(counts: np.ndarray, most: int) -> np.ndarray:
    """Width of a line, in points."""
    return 0.4 + 3.6 * np.sqrt(counts / max(1, most))


def _key(axes: Any, most: int) -> None:
    """What the widths mean."""
    from matplotlib.lines import Line2D

    counts = [most, most // 10] if most >= 10 else [most] if most else []
    lines = [Line2D([], [], color=PALETTE[1], linewidth=float(_widths(np.array(float(count)), most)),
                    label=f"{short_number(count)} packets") for count in counts]
    axes.legend(handles=[*lines, Line2D([], [], color=FAINT, linewidth=0.6, label="no packet")], loc="lower center",
                bbox_to_anchor=(0.5, -0.08), ncols=3, title=None, handlelength=1.6)


def _chips(axes: Any, mapping: SpiNNakerMapping, at: dict[int, tuple[float, float]], used: np.ndarray) -> Any:
    """Hexagons coloured by the cores in use; the chip with the Ethernet has a dark edge."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import RegularPolygon

    machine = mapping.machine
    hexagons = [RegularPolygon(place, 6, radius=0.40) for place in at.values()]
    first = [machine.first_core[chip] > machine.first_core.min() for chip in at]
    drawn = PatchCollection(hexagons, cmap=sequential(), edgecolors=[INK if f else FAINT for f in first],
                            linewidths=[1.4 if f else 0.6 for f in first], zorder=2)
    drawn.set_array(np.array([used[chip] for chip in at]))
    drawn.set_clim(0, int(machine.cores.max()))
    axes.add_collection(drawn)
    return drawn
