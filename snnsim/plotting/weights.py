"""Weights and delays of a projection: matrix, kernels, histograms."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from snnsim.core.errors import ConfigurationError, UnsupportedError
from snnsim.core.network import Network
from snnsim.core.parameters import parameter_table
from snnsim.core.projection import Projection
from snnsim.plotting.style import colour, diverging, hide_spines, label, new_figure, short_number, styled
from snnsim.synapses.sparse import Sparse

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A matrix with more units on a side is shown by the mean weight of blocks.
_BLOCKS = 400


def weight_matrix(network: Network, name: str, *, title: str | None = None) -> Figure:
    """Weights of a dense or sparse projection, sources from the top, targets from the left.

    Of populations with more than 400 units the picture shows blocks of neighbours, each by its mean weight over
    all pairs. The colours' range is that of the values shown.

    Args:
        network: where the projection is.
        name: of the projection.
        title: heading; None is the name and the number of synapses.

    Returns:
        A figure with the matrix and its colour scale.

    Raises:
        ConfigurationError: no such projection.
        UnsupportedError: a connection that is no matrix, such as a convolution.
    """
    projection = _projection(network, name)
    connection, size = projection.connection, (_size(network, projection.pre), _size(network, projection.post))
    weight = np.asarray(getattr(connection, "weight", np.zeros(())))
    if isinstance(connection, Sparse):
        sources, targets = np.asarray(connection.sources), np.asarray(connection.targets)
    elif weight.shape == size:
        sources, targets = (grid.ravel() for grid in np.indices(size))
    else:
        raise UnsupportedError(got=f"a {type(connection).__name__} connection", expected="Dense or Sparse",
                               where=f"weight_matrix of {name!r}", fix="use kernels or weight_histogram")
    shown, _, _ = np.histogram2d(sources, targets, bins=[min(n, _BLOCKS) for n in size],
                                 range=[(0, size[0]), (0, size[1])], weights=weight.ravel())
    shown = shown / (prod(size) / shown.size)
    n_synapses = len(weight) if isinstance(connection, Sparse) else int(np.count_nonzero(weight))
    with styled():
        figure = new_figure(5.4, 1.2 + 4.0 * float(np.clip(size[0] / size[1], 0.25, 1.25)))
        axes = figure.subplots()
        image = axes.imshow(shown, cmap=diverging(), aspect="auto", interpolation="none",
                            extent=(-0.5, size[1] - 0.5, size[0] - 0.5, -0.5), **_symmetric(shown))
        axes.set(xlabel=f"target unit ({projection.post})", ylabel=f"source unit ({projection.pre})")
        axes.locator_params(integer=True)
        axes.set_title(f"{name}: {short_number(n_synapses)} synapses" if title is None else title)
        quantity = "weight" if shown.shape == size else "mean weight of a block"
        figure.colorbar(image, ax=axes, label=label(quantity, _unit(network, name)))
    return figure


def kernels(network: Network, name: str, *, channel: int = 0, limit: int = 64, title: str | None = None) -> Figure:
    """Kernels of a two-dimensional convolution, one picture an output channel, all on one colour scale.

    Args:
        network: where the projection is.
        name: of the projection.
        channel: which input channel.
        limit: largest number of kernels shown.
        title: heading; None is the name and how many are shown.

    Returns:
        A figure with one axes a kernel and the colour scale.

    Raises:
        ConfigurationError: no such projection or channel.
        UnsupportedError: a connection that is no two-dimensional convolution.
    """
    projection = _projection(network, name)
    weight = np.asarray(getattr(projection.connection, "weight", np.zeros(())))
    if weight.ndim != 4:
        raise UnsupportedError(got=f"a {type(projection.connection).__name__} connection", expected="Conv2d",
                               where=f"kernels of {name!r}", fix="use weight_matrix or weight_histogram")
    if not 0 <= channel < weight.shape[1]:
        raise ConfigurationError(got=f"channel {channel}", expected=f"0 to {weight.shape[1] - 1}",
                                 where=f"kernels of {name!r}", fix="choose an input channel")
    shown = weight[:limit, channel]
    columns = min(len(shown), 8)
    rows = -(-len(shown) // columns)
    with styled():
        figure = new_figure(0.8 * columns + 1.4, 0.8 * rows + 0.6)
        grid = figure.subplots(rows, columns, squeeze=False)
        for k, axes in enumerate(grid.flat):
            hide_spines(axes)
            axes.set(xticks=[], yticks=[])
            if k < len(shown):
                image = axes.imshow(shown[k], cmap=diverging(), interpolation="none", **_symmetric(shown))
        figure.colorbar(image, ax=grid, label=label("weight", _unit(network, name)))
        default = f"{name}: {len(shown)} of {len(weight)} kernels, input channel {channel} of {weight.shape[1]}"
        figure.suptitle(default if title is None else title, fontsize=10.0, fontweight="bold")
    return figure


def parameter_histogram(network: Network, path: str, *, bins: int = 60, title: str | None = None) -> Figure:
    """How the values of a parameter are distributed: weights, delays, or a constant that each unit has for itself.

    Weights of exactly 0 are left out.

    Args:
        network: where the parameter is.
        path: of the parameter, such as ``hidden.tau_mem``, ``input_hidden.connection.weight`` or
            ``input_hidden.delay.value``.
        bins: number of bars.
        title: heading; None is the path, the mean and the standard deviation.

    Returns:
        A figure with one axes.

    Raises:
        ConfigurationError: no such parameter.
    """
    table = parameter_table(network)
    if path not in table:
        raise ConfigurationError(got=f"parameter {path!r}", expected=f"one of {', '.join(table)}",
                                 where="parameter_histogram", fix="correct the path")
    found, owner = table[path], path.split(".")[0]
    values, unit = np.asarray(found["value"]).ravel(), found["unit"]
    if found["group"] == "weight":
        values = values[values != 0]
    if unit in ("1", "state", "port"):
        unit = _unit(network, owner) if unit == "port" else ""
    counted = "synapses" if owner in network.projections else "units"
    hue = ("weight", "other", "delay", "neuron").index(found["group"])
    return _histogram(values, path, found["doc"].split(" [")[0], unit, bins, hue, title, counted)


def _histogram(values: np.ndarray, name: str, quantity: str, unit: str, bins: int, hue: int,
               title: str | None, counted: str) -> Figure:
    with styled():
        figure = new_figure(5.0, 2.8)
        axes = figure.subplots()
        counts, edges = np.histogram(values, _edges(values, bins))
        axes.stairs(counts, edges, fill=True, color=colour(hue), alpha=0.8)
        if len(values):
            axes.axvline(values.mean(), color="black", linewidth=1.0, linestyle=(0, (4, 3)))
        axes.set(xlabel=label(quantity, unit), ylabel=counted, ylim=(0, None))
        axes.locator_params(axis="y", integer=True)
        mean, spread = (values.mean(), values.std()) if len(values) else (0.0, 0.0)
        axes.set_title(f"{name}: {mean:.3g} ± {spread:.2g}{f' {unit}' if unit else ''}" if title is None else title)
    return figure


def _edges(values: np.ndarray, bins: int) -> np.ndarray:
    """Edges of about `bins` bars; of values on a grid each bar holds equally many grid points, else some stand out."""
    places = np.unique(values)
    spacing = float(np.diff(places).min()) if len(places) > 1 else 0.0
    points = round((places[-1] - places[0]) / spacing) + 1 if spacing else 0
    near = np.rint((places - places[0]) / (spacing or 1.0)) * spacing + places[0] if len(places) else places
    if not 1 < points <= 20 * bins or not np.allclose(near, places, rtol=0, atol=0.05 * spacing):
        return np.histogram_bin_edges(values, bins)
    each = -(-points // bins)
    return places[0] + spacing * (each * np.arange(-(-points // each) + 1) - 0.5)


def _projection(network: Network, name: str) -> Projection:
    if name not in network.projections:
        raise ConfigurationError(got=f"projection {name!r}", where="plotting",
                                 expected=f"one of {', '.join(network.projections) or 'none'}", fix="correct the name")
    return network.projections[name]


def _size(network: Network, population: str) -> int:
    return network.populations[population].size


def _unit(network: Network, name: str) -> str:
    """Unit of a projection's weights, as far as the target's port tells: mV or nA in physical networks."""
    projection = network.projections[name]
    target: Any = network.populations[projection.post]
    while hasattr(target, "neuron"):
        target = target.neuron
    threshold = getattr(type(target), "__dataclass_fields__", {}).get("v_th")
    if threshold is None or threshold.metadata.get("unit") != "mV":
        return ""
    return "mV" if projection.port == "in" else "nA"


def _symmetric(values: np.ndarray) -> dict[str, Any]:
    """Colour limits with zero in the middle."""
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    return {"vmin": -largest, "vmax": largest}
