"""What is mapped: populations with the packets they send, and joins that know how many synapses lie between slices."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snnsim.core.errors import ConfigurationError


@dataclass(frozen=True, eq=False)
class Cells:
    """A population.

    Args:
        name: name of the population.
        kind: type of its neuron.
        units: number of units.
        role: "neurons", "input" (spikes from outside) or "poisson" (spikes drawn on the machine).
        state_variables: numbers of state a unit has.
        known: whether the cost of a neuron of this type was measured.
        packets: spikes that each unit sends over the whole workload, int64 ``[units]``.
    """

    name: str
    kind: str
    units: int
    role: str
    state_variables: int
    known: bool
    packets: np.ndarray


@dataclass(frozen=True, eq=False)
class Rows:
    """What lies between the slices of two populations. Stage k holds delays of k ring buffers and less than k + 1.

    Args:
        longest: synapses in the longest row of a source unit, int64 ``[stages, source slices, target slices]``.
        events: synaptic events that each target slice receives over the whole workload, int64 ``[target slices]``.
        used: whether a source unit has a synapse in a stage, bool ``[stages, source units]``.
    """

    longest: np.ndarray
    events: np.ndarray
    used: np.ndarray


class AbstractJoin(ABC):
    """Synapses from one population to another.

    Args:
        name: name of the projection.
        pre: source population.
        post: target population.
        longest_delay: steps of the longest delay, at least 1.
        rule: name of the learning rule, "" where nothing is learned.
    """

    name: str
    pre: str
    post: str
    longest_delay: int
    rule: str

    @abstractmethod
    def rows(self, pre_size: int, post_size: int, stage_steps: int) -> Rows:
        """Synapses between slices of these sizes, by delay stages of so many steps."""


@dataclass(frozen=True, eq=False)
class Application:
    """A network as the mapper sees it.

    Args:
        cells: populations by name.
        joins: projections by name.
        dt: step (ms).
        seconds: biological time of all samples (s).
        steps: steps of all samples.
    """

    cells: Mapping[str, Cells]
    joins: Mapping[str, AbstractJoin]
    dt: float
    seconds: float
    steps: int

    def __post_init__(self):
        for name, join in self.joins.items():
            for end in (join.pre, join.post):
                if end not in self.cells:
                    raise ConfigurationError(got=f"population {end!r}", expected=f"one of {', '.join(self.cells)}",
                                             where=f"projection {name!r} on SpiNNaker", fix="correct the name")

    def incoming(self, post: str) -> list[AbstractJoin]:
        """Joins that end at this population."""
        return [join for join in self.joins.values() if join.post == post]

    def outgoing(self, pre: str) -> list[AbstractJoin]:
        """Joins that begin at this population."""
        return [join for join in self.joins.values() if join.pre == pre]


def slice_starts(units: int, size: int) -> np.ndarray:
    """First unit of each slice of `size` units."""
    return np.arange(0, units, size)
