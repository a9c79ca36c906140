"""`SpiNNakerMapping`: cores, keys, routes and tables of a network on a machine."""

from __future__ import annotations

from collections.abc import Mapping as Names
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from snnsim.hardware.spinnaker.keys import Keys
from snnsim.hardware.spinnaker.machine import Machine
from snnsim.hardware.spinnaker.partition import Part
from snnsim.hardware.spinnaker.placement import Placement
from snnsim.hardware.spinnaker.router import Delivery, deliver
from snnsim.hardware.spinnaker.tables import ChipTable, Table
from snnsim.hardware.spinnaker.timing import Timing
from snnsim.hardware.spinnaker.traffic import Traffic
from snnsim.hardware.spinnaker.vertices import Vertices
from snnsim.hardware.target import Mapping

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class SpiNNakerMapping(Mapping):
    """Where every slice runs, and how its packets find their targets.

    Args:
        machine: boards, chips and links.
        parts: how each population was cut.
        vertices: slices and delay extensions, one a core.
        placement: chip and core of each vertex.
        keys: routing keys of each vertex.
        full: entries of each chip before compression, and what passes by default.
        tables: entries of each chip as they are loaded.
        traffic: packets on links and in routers.
        timing: load of the cores and how much slower than biology the run is.
        rows_read: synaptic rows that cores read over the whole workload, by projection.
        synapse_kinds: learning rule of each projection, "" where it has none.
        known: whether the cost of the neurons was measured, by population.
    """

    machine: Machine
    parts: Names[str, Part]
    vertices: Vertices
    placement: Placement
    keys: Keys
    full: Names[int, ChipTable] = field(repr=False)
    tables: Names[int, Table] = field(repr=False)
    traffic: Traffic = field(repr=False)
    timing: Timing = field(repr=False)
    rows_read: Names[str, int]
    synapse_kinds: Names[str, str]
    known: Names[str, bool]

    @property
    def cores(self) -> int:
        """Cores in use."""
        return len(self.vertices)

    @property
    def chips(self) -> int:
        """Chips with a core in use."""
        return len(np.unique(self.placement.chip))

    @property
    def boards(self) -> int:
        """Boards that are switched on."""
        return self.machine.boards

    @property
    def small(self) -> bool:
        """Whether it is the board of 4 chips."""
        return self.machine.is_small

    @property
    def time_scale(self) -> float:
        """How much slower than biology the run is (1 is real time)."""
        return self.timing.time_scale

    @property
    def packets(self) -> dict[str, int]:
        """Packets that routers handle over the whole workload, by population of the sender."""
        sums = np.zeros(len(self.vertices.populations), np.int64)
        np.add.at(sums, self.vertices.population, self.traffic.visits)
        return {name: int(count) for name, count in zip(self.vertices.populations, sums, strict=True)}

    def cores_of(self, name: str) -> int:
        """Cores of a population, those of its delay extensions included."""
        return self.parts[name].slices + self.parts[name].extensions

    def used_cores(self) -> np.ndarray:
        """Cores in use on each chip, int ``[chips]``."""
        return np.bincount(self.placement.chip, minlength=self.machine.chips)

    def deliver(self, keys: np.ndarray | None = None, vertices: np.ndarray | None = None, *,
                compressed: bool = True) -> Delivery:
        """Send packets through the tables and return the cores that they reach.

        Args:
            keys: a key for each packet; by default one of each vertex that sends, in the order of
                ``mapping.vertices.senders``.
            vertices: the vertex that sends each packet.
            compressed: with the tables as they are loaded; otherwise with those before compression.

        Raises:
            ConfigurationError: a packet that is dropped, leaves the machine, or comes to a chip twice.
        """
        if keys is None or vertices is None:
            vertices = self.vertices.senders
            keys = self.keys.key[vertices]
        tables = self.tables if compressed else {chip: found.table for chip, found in self.full.items()}
        return deliver(self.machine, tables, np.asarray(keys, np.int64), self.placement.chip[vertices])

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and texts; the whole of it is written by `write_mapping`."""
        return {**super().to_dict(), "time_scale": self.time_scale, "needed_time_scale": self.timing.needed}

    def pictures(self) -> dict[str, Figure]:
        """The boards with the cores in use and the traffic on their links."""
        from snnsim.hardware.spinnaker.picture import board_picture

        return {"Cores in use and traffic on SpiNNaker": board_picture(self)}
