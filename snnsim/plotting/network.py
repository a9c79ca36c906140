"""A diagram of a network: boxes for populations, arrows for projections."""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING, Any

import numpy as np

from snnsim.core.network import Network
from snnsim.core.projection import Projection
from snnsim.plotting.layout import Place, places
from snnsim.plotting.style import INK, PALETTE, new_figure, short_number, styled
from snnsim.synapses.sparse import Sparse

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Inches: a box, and the distance of box centres.
_WIDE, _HIGH = 1.35, 0.72
_ACROSS, _DOWN = 3.05, 1.75
_BOW = 1.15  # how far a long bow swings out


def network_diagram(network: Network, *, title: str | None = None) -> Figure:
    """Populations as boxes with kind and size, projections as arrows with synapses and delay.

    Signals run from left to right; what belongs to one cycle stands in one column. Blue boxes spike, green ones
    do not, grey ones are inputs.

    Args:
        network: what to draw.
        title: heading; None is the number of units and synapses.

    Returns:
        A figure with one axes.
    """
    from matplotlib.patches import FancyBboxPatch

    at = places(network, _ACROSS, _DOWN)
    pairs = {(p.pre, p.post) for p in network.projections.values()}
    reach: list[Place] = []
    with styled():
        figure = new_figure(1.0, 1.0)
        axes = figure.subplots()
        axes.axis("off")
        for name, projection in network.projections.items():
            mutual = (projection.post, projection.pre) in pairs
            _draw_arrow(axes, at, projection, describe(network, name), mutual, reach)
        for name, (x, y) in at.items():
            neuron = network.populations[name]
            hue = "#8A8A8A" if name in network.inputs else PALETTE[0] if neuron.spiking else PALETTE[2]
            axes.add_patch(FancyBboxPatch((x - _WIDE / 2, y - _HIGH / 2), _WIDE, _HIGH, edgecolor=hue, linewidth=1.4,
                                          facecolor=_tint(hue), boxstyle="round,pad=0,rounding_size=0.1", zorder=3))
            axes.text(x, y + 0.13, name, ha="center", va="center", fontweight="bold", zorder=4,
                      fontsize=10.0 if len(name) <= 12 else 7.5)
            axes.text(x, y - 0.15, f"{_kind(neuron)} {_shape(neuron)}", ha="center", va="center", fontsize=8.0,
                      zorder=4)
        _make_room(figure, axes, np.array([*at.values(), *reach]))
        units = sum(neuron.size for name, neuron in network.populations.items() if name not in network.inputs)
        synapses = sum(synapse_count(network, name) for name in network.projections)
        heading = f"{short_number(units)} neurons, {short_number(synapses)} synapses" if title is None else title
        axes.set_title(heading, loc="left")
    return figure


def _make_room(figure: Figure, axes: Any, points: np.ndarray) -> None:
    """Limits and size such that an inch of the drawing is an inch of the picture."""
    (left, bottom), (right, top) = points.min(0), points.max(0)
    left, right, bottom, top = left - _WIDE, right + _WIDE, bottom - _HIGH / 2 - 0.2, top + _HIGH / 2 + 0.2
    axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    figure.set_size_inches(right - left + 0.2, top - bottom + 0.4)


def synapse_count(network: Network, name: str) -> int:
    """Number of synapses of a projection; weights of exactly 0 are none.

    Args:
        network: where the projection is.
        name: of the projection.
    """
    projection = network.projections[name]
    if isinstance(projection.connection, Sparse):
        return projection.connection.n_synapses
    shapes = (network.populations[end].shape for end in (projection.pre, projection.post))
    return int(projection.connection.fan_out(*shapes).sum())


def describe(network: Network, name: str) -> str:
    """The two lines written at a projection's arrow: kind and synapses, delay and port.

    Args:
        network: where the projection is.
        name: of the projection.

    Example:
        >>> import jax, snnsim as sn
        >>> net = sn.Network(dict(a=sn.Input(30), b=sn.LIF(20)),
        ...                  [sn.Projection("a", "b", sn.Dense(weight=1.0), delay=2.0)], key=jax.random.key(0))
        >>> describe(net, "a_b").splitlines()
        ['Dense 600', '2 ms']
    """
    projection = network.projections[name]
    first = f"{type(projection.connection).__name__} {short_number(synapse_count(network, name))}"
    details = [_delay(projection)]
    if projection.port is not None and len(network.populations[projection.post].ports) > 1:
        default = next(iter(network.populations[projection.post].ports))
        details.append("" if projection.port == default == "in" else f"to {projection.port}")
    return "\n".join(filter(None, [first, ", ".join(filter(None, details))]))


def _delay(projection: Projection) -> str:
    if projection.delay is None:
        return "1 step" if projection.pre == projection.post else ""
    low, high = projection.delay.bounds
    return f"{low:g} ms" if low == high else f"{low:g} to {high:g} ms"


def _kind(neuron: Any) -> str:
    """Kind of the neuron; composed ones by the neuron inside and what is around it."""
    return f"{_kind(neuron.neuron)}*" if hasattr(neuron, "neuron") else type(neuron).__name__


def _shape(neuron: Any) -> str:
    return " × ".join(map(str, neuron.shape))


def _tint(hue: str) -> tuple[float, ...]:
    """The colour, mixed with much white."""
    from matplotlib.colors import to_rgb

    return tuple(1 - 0.14 * (1 - part) for part in to_rgb(hue))


def _draw_arrow(axes: Any, at: dict[str, Place], projection: Projection, text: str, mutual: bool,
                reach: list[Place]) -> None:
    """One projection: a loop onto itself, a bow where a box or the way back is in between, else a line.

    `reach` collects how far loops and long bows swing out, which the picture must make room for.
    """
    from matplotlib.patches import FancyArrowPatch

    start, end = np.array(at[projection.pre]), np.array(at[projection.post])
    style: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 11, "color": INK, "linewidth": 1.1, "zorder": 2}
    writing: dict[str, Any] = {"fontsize": 7.5, "zorder": 5, "va": "center",
               "bbox": {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.9}}
    if projection.pre == projection.post:
        x, y = start
        side = 1 if y >= 0 else -1
        ends = [(x - 0.28, y + side * _HIGH / 2), (x + 0.28, y + side * _HIGH / 2)]
        axes.add_patch(FancyArrowPatch(*ends, connectionstyle=f"arc3,rad={-side * 1.3}", shrinkA=0, shrinkB=1, **style))
        reach.append((x, y + side * (_HIGH / 2 + 0.3)))
        axes.text(x + 0.3, y + side * (_HIGH / 2 + 0.34), text, ha="left", **writing)
        return
    upright = start[0] == end[0]
    far = abs(end[1] - start[1]) > 1.5 * _DOWN if upright else abs(end[0] - start[0]) > 1.5 * _ACROSS
    rad = 0.28 if mutual else 0.0
    if far:  # out of the way of the boxes in between, on the side where less is drawn so far
        swing = _BOW if upright else _BOW + max(abs(y) for _, y in at.values())
        crowded = not mutual and sum(np.sign(y) for _, y in reach) < 0
        rad = 2 * swing / hypot(*(end - start)) * (-1 if crowded else 1)
    a, b = _edge(start, end, rad), _edge(end, start, -rad)
    bow = f"arc3,rad={rad}"
    axes.add_patch(FancyArrowPatch(tuple(a), tuple(b), connectionstyle=bow, shrinkA=0, shrinkB=1, **style))
    bend = 0.5 * rad * np.array([b[1] - a[1], a[0] - b[0]])
    middle = (a + b) / 2 + bend
    if far:
        reach.append((float(middle[0]), float(middle[1])))
    # Beside an upright bow the text stands outside, so that the two of a pair do not meet.
    outside = "center" if not upright or not rad else "left" if bend[0] > 0 else "right"
    axes.text(*middle, text, ha=outside, **writing)


def _edge(inside: np.ndarray, towards: np.ndarray, rad: float) -> np.ndarray:
    """Where an arrow leaves the box centred at `inside`; bows leave at the angle at which they bend."""
    along = towards - inside
    along = along + rad * np.array([along[1], -along[0]])
    scale = min(_WIDE / 2 / max(abs(along[0]), 1e-9), _HIGH / 2 / max(abs(along[1]), 1e-9))
    return inside + along * scale * (1 + 0.03 / hypot(*(along * scale)))
