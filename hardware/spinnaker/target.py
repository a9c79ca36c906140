"""SpiNNaker 1 as a target: cores, chips and boards, real time, and two tables of energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from snnsim.core.errors import ConfigurationError, UnsupportedError
from snnsim.core.input import Input
from snnsim.core.network import Network
from snnsim.core.neuron import AbstractPointNeuron
from snnsim.hardware.cost import Cost
from snnsim.hardware.spinnaker import constants as c
from snnsim.hardware.spinnaker.energy import increments, machine_model
from snnsim.hardware.spinnaker.partition import Part, cut
from snnsim.hardware.target import Mapping, Target, shared_notes
from snnsim.hardware.workload import Workload


@dataclass(frozen=True)
class SpiNNakerMapping(Mapping):
    """Cores filled population by population, chips filled in order.

    Args:
        parts: how each population was cut.
        chip_of: chip of each core of each population, int ``[slices]``.
        cores: cores that hold neurons or input spikes.
        chips: chips in use.
        boards: boards in use.
        small: whether the board is the 4-chip one.
        time_scale: how much slower than biology the run must be (1 is real time).
        packets: router traversals of spikes over the whole workload, by population (a lower bound).
    """

    parts: dict[str, Part]
    chip_of: dict[str, np.ndarray]
    cores: int
    chips: int
    boards: int
    small: bool
    time_scale: float
    packets: dict[str, int]


class SpiNNaker(Target):
    """SpiNNaker 1 boards with the official tool chain's rules.

    Args:
        boxed: add the overhead of box and power supply of each 48-chip board.
        board: "small" (4 chips), "large" (48 chips) or "auto", the smallest that fits.

    References:
        keys spinnmachine, spynnaker, snabsuite, ostrau2022 of the bibliography.
    """

    name = "spinnaker"
    title = "SpiNNaker 1"

    def __init__(self, *, boxed: bool = False, board: str = "auto"):
        if board not in ("auto", "small", "large"):
            raise ConfigurationError(
                got=f"board {board!r}",
                expected="'auto', 'small' or 'large'",
                where="SpiNNaker",
                fix="choose one of these",
            )
        self.boxed, self.board = boxed, board

    def map(self, network: Network, workload: Workload) -> SpiNNakerMapping:
        """Cut every population into cores and fill chips in order; see `Target.map` for errors."""
        _refuse(network)
        parts = {name: cut(network, workload, name) for name in network.populations}
        chip_of = _fill(parts)
        cores = sum(part.slices for part in parts.values())
        chips = 1 + max(int(chip.max()) for chip in chip_of.values())
        small = self.board == "small" or (self.board == "auto" and chips <= (c.CHIPS_PER_SMALL_BOARD.value or 0))
        if self.board == "small" and chips > (c.CHIPS_PER_SMALL_BOARD.value or 0):
            raise ConfigurationError(
                got=f"{chips} chips",
                expected="at most 4",
                where="SpiNNaker, small board",
                fix=f"it exceeds by {chips - 4} chips: use board='large'",
            )
        boards = 1 if small else -(-chips // int(c.CHIPS_PER_BOARD.value or 1))
        load, scale = _load(parts, workload)
        packets = {name: _traversals(network, workload, parts, chip_of, name) for name in network.populations}
        notes = _notes(network, workload, scale)
        summary = {
            "boards": f"{boards} x {'4' if small else '48'} chips",
            "chips": chips,
            "cores": cores,
            "neurons per core": {name: part.neurons_per_core for name, part in parts.items()},
            "delay slots (steps)": {name: part.delay_slots for name, part in parts.items()},
            "data memory of the fullest core (B, estimate)": max(part.dtcm_bytes for part in parts.values()),
            "shared memory of all cores (B, estimate)": int(sum(part.sdram_bytes.sum() for part in parts.values())),
            "busiest core (mean share of its synaptic events per second)": round(load, 6),
            "slower than biology by": scale,
        }
        return SpiNNakerMapping(
            "spinnaker", summary, notes, parts, chip_of, cores, chips, boards, small, scale, packets
        )

    def cost(self, mapping: Mapping, workload: Workload) -> Cost:
        """The official machine model, with the measured increments as the alternative table."""
        placed = cast(SpiNNakerMapping, mapping)
        return machine_model(placed, workload, boxed=self.boxed, alternatives=(increments(placed, workload),))


def _refuse(network: Network) -> None:
    for name, neuron in network.populations.items():
        if not isinstance(neuron, Input | AbstractPointNeuron):
            raise UnsupportedError(
                got=f"population {name!r} of {type(neuron).__name__}, whose units mix",
                expected="point neurons",
                where="SpiNNaker",
                fix="leave this target out",
            )
        sends = any(p.pre == name for p in network.projections.values())
        if sends and not neuron.spiking:
            raise UnsupportedError(
                got=f"population {name!r} of {type(neuron).__name__} sends its membrane to others",
                expected="spikes",
                where="SpiNNaker",
                fix="use spiking neurons inside the network",
            )


def _fill(parts: dict[str, Part]) -> dict[str, np.ndarray]:
    """Chips in order: a new one when its cores or its memory are used up."""
    chip, cores, used = 0, 0, 0
    found = {}
    for name, part in parts.items():
        chips = []
        for core in range(part.slices):
            need, limit = int(part.sdram_bytes[core]), int(c.SDRAM_BYTES.value or 0)
            if need > limit:
                raise ConfigurationError(
                    got=f"{need} B of synapses on one core",
                    expected=f"at most {limit} B a chip",
                    where=f"population {name!r} on SpiNNaker",
                    fix=f"it exceeds by {need - limit} B: fewer sources or sparser projections",
                )
            if cores == (c.CORES_PER_CHIP.value or 0) or used + need > limit:
                chip, cores, used = chip + 1, 0, 0
            chips.append(chip)
            cores, used = cores + 1, used + need
        found[name] = np.array(chips)
    return found


def _load(parts: dict[str, Part], workload: Workload) -> tuple[float, float]:
    """(busiest core's mean share of its event budget at biological speed, slow-down that it needs)."""
    plain, stdp = c.EVENTS_PER_SECOND.value or 1, c.STDP_EVENTS_PER_SECOND.value or 1
    seconds = [(part.events - part.learning_events) / plain + part.learning_events / stdp for part in parts.values()]
    load = max(float(s.max()) for s in seconds) / workload.total_s
    return load, max(1.0, float(np.ceil(load)))


def _traversals(
    network: Network, workload: Workload, parts: dict[str, Part], chip_of: dict[str, np.ndarray], name: str
) -> int:
    """Spikes times the chips they must touch: their own and each that holds a target core."""
    targets = {int(chip) for p in network.projections.values() if p.pre == name for chip in chip_of[p.post]}
    if not targets:
        return 0
    sent = np.add.reduceat(
        workload.unit_counts[name], np.arange(0, len(workload.unit_counts[name]), parts[name].neurons_per_core)
    )
    return sum(int(spikes) * len(targets | {int(own)}) for spikes, own in zip(sent, chip_of[name], strict=True))


def _notes(network: Network, workload: Workload, scale: float) -> tuple[str, ...]:
    notes = [
        "Input units are spike sources on cores of their own.",
        "The load of a core is a mean over the run; peaks within a step are not looked at, and neuron updates are "
        "not part of it.",
        "Chips are filled population by population; a spike is counted once at each chip it must touch.",
    ]
    zero = [name for name, p in network.projections.items() if p.may_be_instant]
    if zero:
        notes.append(f"Delays below one step become one step: {', '.join(zero)}.")
    notes += shared_notes(network, workload, "SpiNNaker")
    if any(p.kind.startswith(("Conv", "SumPool", "AvgPool")) for p in workload.projections.values()):
        notes.append("Convolutions and pooling are stored as lists of synapses, an upper bound of memory.")
    if scale > 1:
        notes.append(f"Not in real time: a core would have to work {scale:g} times faster, so the run is slowed down.")
    return tuple(notes)
