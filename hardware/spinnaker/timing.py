"""Whether cores keep up: time that neurons and synaptic events take, and how much slower than biology a run must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np

from snnsim.hardware.spinnaker import constants as c
from snnsim.hardware.spinnaker.application import Application
from snnsim.hardware.spinnaker.partition import Part
from snnsim.hardware.spinnaker.vertices import Vertices

TIMED_RULES = {"PairSTDP"}  # the measured budget of plastic synapses is that of pair rules


@dataclass(frozen=True, eq=False)
class Timing:
    """Work of each core as a share of biological time: above 1 it cannot keep up in real time.

    Args:
        synapses: share that synaptic events take, float64 ``[vertices]``.
        neurons: share that neuron updates take at most, float64 ``[vertices]``; 0 where it is not known.
        time_scale: how much slower than biology the run is.
        needed: how much slower it must be, by the mean load of the busiest core.
        unknown: what the times leave out.
    """

    synapses: np.ndarray
    neurons: np.ndarray
    time_scale: float
    needed: float
    unknown: tuple[str, ...]

    @property
    def load(self) -> np.ndarray:
        """Both shares together, float64 ``[vertices]``."""
        return self.synapses + self.neurons

    def busy(self) -> np.ndarray:
        """Share of the run in which each core works, float64 ``[vertices]``."""
        return np.minimum(1.0, self.load / self.time_scale)


def timing_of(application: Application, parts: Mapping[str, Part], vertices: Vertices, time_scale: float | None
              ) -> Timing:
    """Loads by the budgets of the official tools, as means over the run."""
    plain, plastic = c.EVENTS_PER_SECOND.value or 1, c.STDP_EVENTS_PER_SECOND.value or 1
    seconds = (vertices.events - vertices.learning_events) / plain + vertices.learning_events / plastic
    cells = list(application.cells.values())
    timed = np.array([cell.role == "neurons" and cell.known for cell in cells])
    neurons = np.where(timed[vertices.population] & ~vertices.delays, vertices.stop - vertices.start, 0)
    update = (c.NEURON_UPDATE_US.value or 0) * 1e-6 * application.steps / application.seconds
    synapses = seconds / application.seconds
    load = float((synapses + neurons * update).max(initial=0.0))
    needed = float(max(1, ceil(load - 1e-9)))
    unknown = [f"time of {cell.kind} ({cell.name})" for cell in cells if not cell.known]
    unknown += [f"time of {join.rule} ({join.name}), taken as that of pair rules" for join in application.joins.values()
                if join.rule and join.rule not in TIMED_RULES]
    if any(part.stages for part in parts.values()):
        unknown.append("time of delay extensions")
    if any(cell.role == "input" for cell in cells):
        unknown.append("time of inputs")
    return Timing(synapses, neurons * update, needed if time_scale is None else float(time_scale), needed,
                  tuple(unknown))
