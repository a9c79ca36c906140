"""Energy on SpiNNaker by tables that are never added: the machine model, working cores only, measured increments."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from snnsim.hardware.cost import Cost, Term
from snnsim.hardware.figure import Figure
from snnsim.hardware.spinnaker import constants as c
from snnsim.hardware.spinnaker.mapping import SpiNNakerMapping
from snnsim.hardware.spinnaker.timing import TIMED_RULES
from snnsim.hardware.workload import ProjectionWork, Workload

LEFT_OUT = (
    "booting, mapping, loading and reading back: only the run itself is priced",
    "the host computer and the network to it",
)


@dataclass(frozen=True)
class Supply:
    """What is between the boards and the wall.

    Args:
        boxed: whether each 48-chip board has a box with a power supply.
        frames: frames that hold boards, with switch and cooling.
    """

    boxed: bool = False
    frames: int = 0


def costs(mapping: SpiNNakerMapping, workload: Workload, supply: Supply) -> Cost:
    """The machine model with its alternatives."""
    others = (working_cores(mapping, workload, supply), increments(mapping, workload))
    return dataclasses.replace(machine_model(mapping, workload, supply), alternatives=others)


def machine_model(mapping: SpiNNakerMapping, workload: Workload, supply: Supply) -> Cost:
    """Idle boards, cores in use all the time, and packets (SpiNNMachine's constants)."""
    wall = workload.total_s * mapping.time_scale
    cores = [Term("core in use", name, mapping.cores_of(name) * wall, "core s", c.CORE_ACTIVE)
             for name in mapping.parts]
    return Cost("spinnaker", "machine-model",
                "The official tools' model without power monitors: power of idle boards, of every core in use all the "
                "time, and packets.",
                (*_boards(mapping, wall, supply), *cores, *_packets(mapping)), _left_out(mapping, supply),
                (*mapping.notes, "Cores in use count as working for the whole run, as the official tools assume."),
                wall)


def working_cores(mapping: SpiNNakerMapping, workload: Workload, supply: Supply) -> Cost:
    """The same, with cores counted only while they work, as power monitors would find them."""
    wall = workload.total_s * mapping.time_scale
    busy, vertices = mapping.timing.busy(), mapping.vertices
    shares = np.bincount(vertices.population, busy, len(vertices.populations))
    cores = [Term("working core", name, float(share) * wall, "core s", c.CORE_ACTIVE)
             for name, share in zip(vertices.populations, shares, strict=True)]
    unknown = tuple(mapping.timing.unknown)
    return Cost("spinnaker", "working-cores",
                "The official tools' model as with power monitors: cores count only while they work, by the time that "
                "neurons and synaptic events take.",
                (*_boards(mapping, wall, supply), *cores, *_packets(mapping)),
                (*_left_out(mapping, supply), *unknown, "what a loaded core takes while it waits"),
                (*mapping.notes, "Below what was measured of a slowed-down run: a loaded core that waits takes power "
                 "too. With the machine model it brackets it."), wall)


def increments(mapping: SpiNNakerMapping, workload: Workload) -> Cost:
    """Booted machine, and measured increments of neurons, spikes, synaptic rows and events (SNABSuite)."""
    wall = workload.total_s * mapping.time_scale
    booted = c.SMALL_BOARD_BOOTED if mapping.small else c.BOARD_BOOTED
    terms = [Term("booted board", "machine", mapping.boards * wall, "board s", booted)]
    unpriced = [*LEFT_OUT, "box, power supply, frames, switches and cooling"]
    for name, work in workload.populations.items():
        if work.is_input:
            continue  # its spikes are priced where they arrive
        price = c.IDLE_NEURON_MS if mapping.known[name] else _unknown(c.IDLE_NEURON_MS, work.kind)
        terms.append(Term("neuron for 1 ms of the run", name, work.units * wall * 1e3, "neuron ms", price))
        if work.spikes:
            terms.append(Term("spike", name, work.spikes, "spikes", c.SPIKE))
        if not mapping.known[name]:
            unpriced.append(f"{work.kind} ({name}): only integrate-and-fire cells were measured")
    for projection in workload.projections.values():
        found, left = _events(mapping, projection, workload.populations[projection.pre].is_input)
        terms += found
        unpriced += left
    if any(part.stages for part in mapping.parts.values()):
        unpriced.append("delay extensions: not measured")
    notes = [*mapping.notes]
    each = 1.0 / (workload.dt * mapping.time_scale)
    if abs(each - 1.0) > 1e-9:
        notes.append(f"Neurons were measured with one update a millisecond; this run has {each:g}.")
    return Cost("spinnaker", "measured-increments",
                "Increments measured with a power meter on micro-benchmarks of LIF neurons at 1 ms, plus the booted "
                "board.", tuple(terms), tuple(unpriced), tuple(notes), wall)


def _events(mapping: SpiNNakerMapping, work: ProjectionWork, from_input: bool) -> tuple[list[Term], list[str]]:
    """What arrives through a projection, and what of it has no price."""
    rule = mapping.synapse_kinds.get(work.name, "")
    if rule:
        price = c.EVENT_STDP if rule in TIMED_RULES else _unknown(c.EVENT_STDP, rule)
        left = [] if price.value is not None else [f"{rule} ({work.name}): not measured"]
        return [Term("synaptic event, plastic", work.name, work.events, "events", price)], left
    if from_input:
        price = {"OneToOne": c.INPUT_ONE_TO_ONE, "Dense": c.INPUT_TO_ALL}.get(work.kind, c.INPUT_RANDOM)
        return [Term("synaptic event of an input", work.name, work.events, "events", price)], []
    return [Term("synaptic row", work.name, mapping.rows_read[work.name], "rows", c.SYNAPTIC_ROW),
            Term("synaptic event", work.name, work.events, "events", c.SYNAPTIC_EVENT)], []


def _unknown(like: Figure, what: str) -> Figure:
    """A price that nobody has measured."""
    return Figure(None, like.unit, like.source, like.evidence, like.scope, like.operating_point,
                  place=f"{what}: not among the measurements")


def _boards(mapping: SpiNNakerMapping, wall: float, supply: Supply) -> list[Term]:
    """Idle power of boards, boxes and frames."""
    seconds = mapping.boards * wall
    terms = [Term("idle board", "machine", seconds, "board s", c.SMALL_BOARD_IDLE if mapping.small else c.BOARD_IDLE)]
    if supply.boxed and not mapping.small:
        terms.append(Term("box and power supply", "machine", seconds, "board s", c.BOX_OVERHEAD))
    if supply.frames:
        terms.append(Term("frame, switch and cooling", "machine", supply.frames * wall, "frame s", c.FRAME))
    return terms


def _packets(mapping: SpiNNakerMapping) -> list[Term]:
    return [Term("packet at a router", name, count, "packets", c.PACKET)
            for name, count in mapping.packets.items() if count]


def _left_out(mapping: SpiNNakerMapping, supply: Supply) -> tuple[str, ...]:
    found = list(LEFT_OUT)
    if not supply.frames:
        box = supply.boxed and not mapping.small
        found.append("frames, switches and cooling" if box else "box, power supply, frames, switches and cooling")
    if any(mapping.synapse_kinds.values()):
        found.append("learning: plastic synapses slow the run down here, but have no price of their own")
    return tuple(found)


def power_w(*, boards: int, active_cores: int, boxed: bool = False, small: bool = False) -> float:
    """Power (W) of the machine model with all these cores active and no packets.

    Example:
        >>> round(power_w(boards=1, active_cores=806, boxed=True), 2)
        59.28
    """
    board = (c.SMALL_BOARD_IDLE if small else c.BOARD_IDLE).value or 0.0
    box = (c.BOX_OVERHEAD.value or 0.0) if boxed and not small else 0.0
    return boards * (board + box) + active_cores * (c.CORE_ACTIVE.value or 0.0)
