"""SpiNNaker 1 as a target: cores, chips and boards, routing, real time, and three tables of energy."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Names
from math import ceil
from types import MappingProxyType

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.network import Network
from snnsim.hardware.cost import Cost
from snnsim.hardware.spinnaker import constants as c
from snnsim.hardware.spinnaker.application import Application
from snnsim.hardware.spinnaker.compression import compressed
from snnsim.hardware.spinnaker.energy import Supply, costs
from snnsim.hardware.spinnaker.from_network import application_of
from snnsim.hardware.spinnaker.keys import allocate
from snnsim.hardware.spinnaker.machine import Machine
from snnsim.hardware.spinnaker.mapping import SpiNNakerMapping
from snnsim.hardware.spinnaker.partition import Wishes, cut
from snnsim.hardware.spinnaker.placement import METHODS, Placement, place
from snnsim.hardware.spinnaker.summary import summary_of
from snnsim.hardware.spinnaker.tables import tables
from snnsim.hardware.spinnaker.timing import timing_of
from snnsim.hardware.spinnaker.traffic import traffic_of
from snnsim.hardware.spinnaker.trees import routes
from snnsim.hardware.spinnaker.vertices import Vertices, rows_read, vertices_of
from snnsim.hardware.target import Target, shared_notes
from snnsim.hardware.workload import Workload

BOARDS = ("auto", "small", "large")


class SpiNNaker(Target[SpiNNakerMapping]):
    """SpiNNaker 1 boards with the official tool chain's rules.

    Args:
        boxed: add the overhead of box and power supply of each 48-chip board.
        frames: frames that hold the boards, with switch and cooling; of several boards.
        board: "small" (4 chips), "large" (48 chips) or "auto", the smallest that fits.
        boards: number of 48-chip boards; by default as many as are needed. More than one come in groups of three.
        neurons_per_core: most units of a core, one number or by population; by default 256, and 500 Poisson sources.
        delays: what holds long delays: fewer neurons a core ("ring"), cores that delay spikes ("extension"), or what
            takes fewer cores ("auto").
        ring_slots: most steps that the buffers of a core may reach; None is what memory allows.
        placement: "connected" or "radial".
        time_scale: how much slower than biology the run is; by default as much as the busiest core needs.
        missing: (x, y) of chips that do not work.

    Example:
        >>> import jax, snnsim as sn
        >>> from snnsim.hardware import Workload
        >>> net = sn.Network(dict(a=sn.Input(300), b=sn.LIF(600)), [sn.Projection("a", "b", sn.Dense(0.1))],
        ...                  key=jax.random.key(0))
        >>> work = Workload.of(net, sn.simulate(net, duration=10.0))
        >>> mapping = SpiNNaker().map(net, work)
        >>> mapping.cores, mapping.chips, len(mapping.tables)
        (5, 1, 1)

    References:
        keys spinnmachine, spynnaker, snabsuite, ostrau2022 of the bibliography.
    """

    name = "spinnaker"
    title = "SpiNNaker 1"

    def __init__(self, *, boxed: bool = False, frames: int = 0, board: str = "auto", boards: int | None = None,
                 neurons_per_core: int | Names[str, int] | None = None, delays: str = "auto",
                 ring_slots: int | None = None, placement: str = "connected", time_scale: float | None = None,
                 missing: Iterable[tuple[int, int]] = ()):
        if board not in BOARDS or placement not in METHODS:
            raise ConfigurationError(got=f"board {board!r} and placement {placement!r}", where="SpiNNaker",
                                     expected=f"one of {', '.join(BOARDS)} and one of {', '.join(METHODS)}",
                                     fix="choose one of these")
        if (boards is not None and (board == "small" or (boards != 1 and boards % 3))) or frames < 0:
            raise ConfigurationError(got=f"boards = {boards} of board {board!r}, frames = {frames}", where="SpiNNaker",
                                     expected="one board or groups of three, of 48 chips; frames of 0 or more",
                                     fix="leave boards out, or pass for example boards=3")
        if time_scale is not None and not 1 <= time_scale < float("inf"):
            raise ConfigurationError(got=f"time_scale = {time_scale}", expected="1 or more", where="SpiNNaker",
                                     fix="leave it out for what is needed")
        self.supply = Supply(boxed, frames)
        self.board, self.boards, self.placement, self.time_scale = board, boards, placement, time_scale
        self.wishes, self.missing = Wishes(neurons_per_core, delays, ring_slots), tuple(missing)

    def map(self, network: Network, workload: Workload) -> SpiNNakerMapping:
        """Cut, place and route the network; see `Target.map` for errors."""
        notes = shared_notes(network, workload, "SpiNNaker")
        zero = [name for name, p in network.projections.items() if p.may_be_instant]
        if zero:
            notes.append(f"Delays below one step become one step: {', '.join(zero)}.")
        if any(p.kind.startswith(("Conv", "SumPool", "AvgPool")) for p in workload.projections.values()):
            notes.append("Convolutions and pooling are stored as lists of synapses, an upper bound of memory.")
        return self.place(application_of(network, workload), notes)

    def place(self, application: Application, notes: Iterable[str] = ()) -> SpiNNakerMapping:
        """Cut, place and route an application, as `PlannedNetwork.application` makes one from numbers only.

        Args:
            application: populations and joins.
            notes: what was assumed before.

        Raises:
            ConfigurationError: cores, memory, keys or routing entries that do not suffice, and by how much.
            DelayError: a delay that the machine cannot hold.
        """
        parts, rows = cut(application, self.wishes)
        vertices = vertices_of(application, parts, rows)
        machine, placement = self._machine(vertices)
        ways = routes(machine, vertices, placement)
        keys = allocate(vertices)
        full = tables(machine, vertices, placement, keys, ways)
        loaded = {chip: compressed(found, f"router of chip ({machine.x[chip]}, {machine.y[chip]})")
                  for chip, found in full.items()}
        traffic = traffic_of(machine, vertices, ways)
        timing = timing_of(application, parts, vertices, self.time_scale)
        summary, told = summary_of(application, machine, parts, vertices, placement, full, loaded, traffic, timing)
        return SpiNNakerMapping(
            self.name, summary, (*told, *notes), machine, MappingProxyType(parts), vertices, placement, keys,
            MappingProxyType(full), MappingProxyType(loaded), traffic, timing,
            MappingProxyType(rows_read(application, parts, rows)),
            MappingProxyType({name: join.rule for name, join in application.joins.items()}),
            MappingProxyType({name: cells.known for name, cells in application.cells.items()}),
            units=MappingProxyType({name: cells.units for name, cells in application.cells.items()}))

    def cost(self, mapping: SpiNNakerMapping, workload: Workload) -> Cost:
        """The official machine model; working cores only, and measured increments, as alternative tables."""
        self.refuse_other(mapping, workload)
        return costs(mapping, workload, self.supply)

    def _machine(self, vertices: Vertices) -> tuple[Machine, Placement]:
        """The smallest machine that holds all vertices, or the one that was asked for."""
        fewest, most = self._fewest(vertices), int(c.MOST_BOARDS.value or 0)
        if fewest > most:
            raise ConfigurationError(
                got=f"{len(vertices):,} cores, which need {fewest:,} boards", where="SpiNNaker",
                expected=f"1 to {most:,} boards, which the largest machine has",
                fix=f"it exceeds by {fewest - most:,} boards: put more neurons on a core, or make the network smaller")
        for machine in self._machines(vertices):
            if len(vertices) <= machine.cores.sum():
                placement = place(machine, vertices, self.placement)
                if placement is not None:
                    return machine, placement
        room, need = int(machine.cores.sum()), len(vertices)
        sdram, holds = int(vertices.sdram_bytes.sum()), machine.chips * int(c.SDRAM_BYTES.value or 0)
        over = f"it exceeds by {need - room:,} cores" if need > room else \
            f"its synapses take {sdram:,} B of {holds:,} B, and do not fit chip by chip"
        larger = Machine.of_boards(fewest)
        raise ConfigurationError(
            got=f"{need:,} cores", expected=f"at most {room:,}", where=f"SpiNNaker, {self._described(machine)}",
            fix=f"{over}: {larger.boards} board{'s' if larger.boards > 1 else ''} of 48 chips have "
            f"{int(larger.cores.sum()):,} cores, or put more neurons on a core")

    def _machines(self, vertices: Vertices) -> Iterable[Machine]:
        if self.boards is not None:
            return [Machine.of_boards(self.boards, self.missing)]
        if self.board == "small":
            return [Machine.small()]
        small = [Machine.small()] if self.board == "auto" and not self.missing else []
        fewest = self._fewest(vertices)
        growing = (Machine.of_boards(n, self.missing) for n in (fewest, 3 * fewest, 9 * fewest)
                   if n <= (c.MOST_BOARDS.value or 0))
        return [*small, *growing] if fewest == 1 else growing

    def _fewest(self, vertices: Vertices) -> int:
        """Boards whose cores and memory suffice in sum."""
        board = int(Machine.of_boards(1).cores.sum())
        memory = int(c.CHIPS_PER_BOARD.value or 1) * int(c.SDRAM_BYTES.value or 1)
        return max(1, ceil(len(vertices) / board), ceil(int(np.sum(vertices.sdram_bytes)) / memory))

    def _described(self, machine: Machine) -> str:
        return "the board of 4 chips" if machine.is_small else f"{machine.boards} x 48 chips"
