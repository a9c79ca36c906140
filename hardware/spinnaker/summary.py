"""What a reader wants to know of a mapping: what is used of what there is, and what was assumed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from snnsim.hardware.formats import number
from snnsim.hardware.spinnaker import constants as c
from snnsim.hardware.spinnaker.application import Application
from snnsim.hardware.spinnaker.machine import Machine
from snnsim.hardware.spinnaker.partition import Part
from snnsim.hardware.spinnaker.placement import Placement
from snnsim.hardware.spinnaker.tables import ChipTable, Table
from snnsim.hardware.spinnaker.timing import Timing
from snnsim.hardware.spinnaker.traffic import Traffic, crossing
from snnsim.hardware.spinnaker.vertices import Vertices


def summary_of(application: Application, machine: Machine, parts: Mapping[str, Part], vertices: Vertices,
               placement: Placement, full: Mapping[int, ChipTable], tables: Mapping[int, Table], traffic: Traffic,
               timing: Timing) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(counts by name, notes)."""
    arriving = _arriving(vertices)
    busiest = int(np.argmax(traffic.links.sum(1))) if traffic.hops else 0
    entries = {chip: len(found.table) for chip, found in full.items()}
    extended = {name: part.stages for name, part in parts.items() if part.stages}
    rate = 1.0 / (application.seconds * timing.time_scale)
    summary: dict[str, Any] = {
        "boards": f"{machine.boards} x {'4' if machine.is_small else '48'} chips",
        "chips": f"{len(np.unique(placement.chip)):,} of {machine.chips:,}",
        "cores": f"{len(vertices):,} of {int(machine.cores.sum()):,}",
        "neurons per core": {name: part.neurons_per_core for name, part in parts.items()},
        "delay slots (steps)": {name: part.delay_slots for name, part in parts.items() if application.incoming(name)},
        **({"delay extensions (stages)": extended} if extended else {}),
        "data memory of the fullest core (B, estimate)": max(part.memory.dtcm for part in parts.values()),
        "longest synaptic row (words of 256)": max(part.memory.row_words for part in parts.values()),
        "synaptic memory of all cores (B, estimate)": int(vertices.sdram_bytes.sum()),
        "fullest chip (B of 123,469,792)": int(np.bincount(placement.chip, vertices.sdram_bytes).max()),
        "routing entries of the fullest chip (of 1,023)": max((len(table) for table in tables.values()), default=0),
        "before compression": max(entries.values(), default=0),
        "packets sent": int(vertices.packets[vertices.senders].sum()),
        "packets at routers": int(traffic.routers.sum()),
        "packets between boards": crossing(machine, traffic),
        "busiest link (packets/s of the run)": round(float(traffic.links[busiest].max()) * rate, 1),
        "packets a step at the busiest core (mean)": round(float(arriving.max(initial=0)) / application.steps, 3),
        "busiest core (share of real time, at most)": round(float(timing.load.max(initial=0.0)), 6),
        "slower than biology by": timing.time_scale,
    }
    return summary, _notes(application, timing, float(arriving.max(initial=0)) / application.steps)


def _arriving(vertices: Vertices) -> np.ndarray:
    """Packets that arrive at each vertex over the whole workload, int64 ``[vertices]``."""
    source = np.repeat(np.arange(len(vertices)), np.diff(vertices.first_target))
    arriving = np.zeros(len(vertices), np.int64)
    np.add.at(arriving, vertices.target, vertices.packets[source])
    return arriving


def _notes(application: Application, timing: Timing, arriving: float) -> tuple[str, ...]:
    notes = [
        "Input units are spike sources on cores of their own.",
        "The load of a core is a mean over the run: peaks within a step are not looked at. A synaptic event takes "
        f"{1e9 / (c.EVENTS_PER_SECOND.value or 1):.0f} ns, a neuron update {c.NEURON_UPDATE_US.value:g} us at most.",
        "Memory is what is known to lie there; what the program itself takes is left out. Its instructions are about "
        f"{number(int(c.BINARY_BYTES.value or 0))} B of {number(int(c.ITCM_BYTES.value or 0))} B for the official "
        "exponential-current neuron; of others not known.",
    ]
    if timing.unknown:
        notes.append(f"Not known, and not part of the load: {'; '.join(timing.unknown)}.")
    if timing.time_scale < timing.needed:
        notes.append(f"The busiest core may need {timing.needed:g} times the time of biology; the run was asked to "
                     f"take {timing.time_scale:g} times, so steps may overrun.")
    elif timing.needed > 1:
        notes.append(f"Not in real time: a core would have to work {timing.needed:g} times faster, so the run is "
                     "slowed down.")
    if arriving > (c.SPIKE_BUFFER.value or 0):
        notes.append(f"On average {arriving:.0f} packets a step arrive at the busiest core, whose buffer holds "
                     f"{c.SPIKE_BUFFER.value:g}: packets are lost unless they are worked off within the step.")
    if not sum(int(cells.packets.sum()) for cells in application.cells.values()):
        notes.append("No unit sent a spike: traffic and synaptic events are 0, and only what idles is priced.")
    return tuple(notes)
