"""State variables over time, with spikes and threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.neuron import AbstractNeuron
from snnsim.core.observe import OUTPUT, innermost, unit_of
from snnsim.core.recording import Recording
from snnsim.plotting.style import INK, colour, label, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def traces(recording: Recording, population: str, variables: Sequence[str] | None = None, *,
           units: Sequence[int] = (0, 1, 2), sample: int = 0, start: float = 0.0, stop: float | None = None,
           unit_names: Mapping[str, str] | None = None, title: str | None = None) -> Figure:
    """Recorded variables of some units of a population, one axes a variable.

    Spikes, where recorded, are strokes above the first variable; the threshold is a dashed line through the
    membrane. Times count from the start of the recording.

    Args:
        recording: what `simulate` returned.
        population: name of the population.
        variables: names; None is all that were recorded, spikes apart, membranes first.
        units: flat indices of the units; those beyond the population are left out.
        sample: which sample of the batch.
        start: first time shown (ms).
        stop: last time shown (ms); None is the end.
        unit_names: physical unit by variable, where it is not known from the neuron.
        title: heading; None is the population's name and kind.

    Returns:
        A figure with one axes a variable.

    Raises:
        ConfigurationError: a variable that was not recorded, or no unit, sample or time to show.
    """
    recorded = recording.traces.get(population, {})
    if variables is None:
        variables = sorted((name for name in recorded if name not in OUTPUT), key=lambda name: name[0] != "v")
        variables = variables or list(recorded)
    chosen = list(variables)
    if not chosen:
        raise ConfigurationError(got=f"no variable of {population!r}", expected="at least one", where="traces",
                                 fix=f'simulate with record={{"{population}": ["spikes", "v"]}}')
    values = {name: _flat(recording[population, name], sample) for name in chosen}
    spikes = next((_flat(recording[population, name], sample) for name in OUTPUT if name in recorded), None)
    neuron = recording.simulated.populations[population]
    n_units = next(iter(values.values())).shape[1]
    kept = [unit for unit in units if 0 <= unit < n_units]
    times = np.arange(recording.steps) * recording.dt
    inside = (times >= start) & (times < (recording.duration if stop is None else stop))
    if not kept or not inside.any():
        raise ConfigurationError(got=f"units {list(units)} from {start:g} to {stop} ms", where="traces",
                                 expected=f"units 0 to {n_units - 1} before {recording.duration:g} ms",
                                 fix="choose other units or times")
    with styled():
        figure = new_figure(8.0, 0.9 + 1.7 * len(chosen))
        rows = figure.subplots(len(chosen), 1, squeeze=False, sharex=True)[:, 0]
        for axes, name in zip(rows, chosen, strict=True):
            for k, unit in enumerate(kept):
                axes.plot(times[inside], values[name][inside, unit], color=colour(k), linewidth=1.2,
                          label=f"unit {unit}")
            physical = (unit_names or {}).get(name, unit_of(neuron, name))
            axes.set_ylabel(label(name.replace("_before_reset", "\nbefore reset"), physical))
            _draw_threshold(axes, neuron, name, kept)
        if spikes is not None and neuron.spiking:
            _draw_spikes(rows[0], [times[inside & (spikes[:, unit] != 0)] for unit in kept])
        rows[-1].set_xlabel(label("time", "ms"))
        rows[-1].set_xlim(times[inside][0], times[inside][-1] + recording.dt)
        rows[0].set_title(f"{population}: {type(neuron).__name__}" if title is None else title)
        rows[0].legend(loc="lower left", bbox_to_anchor=(0.25, 1.0), ncols=len(kept) + 1, borderaxespad=0.3,
                       handlelength=1.4)
    return figure


def _flat(array: Any, sample: int) -> np.ndarray:
    """``[steps, units]`` of one sample."""
    array = np.asarray(array)
    if not 0 <= sample < array.shape[1]:
        raise ConfigurationError(got=f"sample {sample}", expected=f"0 to {array.shape[1] - 1}", where="traces",
                                 fix="choose a sample of the batch")
    return array[:, sample].reshape(len(array), -1)


def _draw_threshold(axes: Any, neuron: AbstractNeuron, variable: str, units: Sequence[int]) -> None:
    """A dashed line at v_th through the membrane, under the name that the neuron gives it."""
    inside = innermost(neuron)
    if not neuron.spiking or not hasattr(inside, "v_th") or variable.removesuffix("_before_reset") != "v":
        return
    shape = neuron.shape
    levels = np.broadcast_to(np.asarray(inside.v_th), shape).ravel()[list(units)]
    doc = type(inside).__dataclass_fields__["v_th"].metadata["doc"]
    if np.ptp(levels) == 0:
        axes.axhline(levels[0], color=INK, linestyle=(0, (4, 3)), linewidth=0.9, label=doc)
        return
    for k, level in enumerate(levels):
        axes.axhline(level, color=colour(k), linestyle=(0, (4, 3)), linewidth=0.9, label=doc if k == 0 else None)


def _draw_spikes(axes: Any, times: Sequence[np.ndarray]) -> None:
    """Strokes in a strip above the curves, one line a unit, the first on top."""
    low, high = axes.get_ylim()
    step = 0.09 * (high - low)
    for k, at in enumerate(times):
        bottom = high + step * (len(times) - 1 - k)
        axes.vlines(at, bottom + 0.15 * step, bottom + 0.85 * step, color=colour(k), linewidth=1.1)
    axes.set_ylim(low, high + step * len(times))
