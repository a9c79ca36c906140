"""Energy on SpiNNaker by two tables that are never added: the machine model, and measured increments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnsim.hardware.cost import Cost, Term
from snnsim.hardware.spinnaker import constants as c
from snnsim.hardware.workload import Workload

if TYPE_CHECKING:
    from snnsim.hardware.spinnaker.target import SpiNNakerMapping

LEFT_OUT = (
    "booting, mapping, loading and reading back: only the run itself is priced",
    "the host computer and the network to it",
    "routes between chips: placement and routing are not modelled, so packets are a lower bound",
)


def machine_model(
    mapping: SpiNNakerMapping, workload: Workload, *, boxed: bool, alternatives: tuple[Cost, ...] = ()
) -> Cost:
    """Idle boards, active cores and packets (SpiNNMachine's constants)."""
    wall = workload.total_s * mapping.time_scale
    unpriced = list(LEFT_OUT)
    terms = [
        Term(
            "idle board",
            "machine",
            mapping.boards * wall,
            "board s",
            c.SMALL_BOARD_IDLE if mapping.small else c.BOARD_IDLE,
        )
    ]
    if boxed and not mapping.small:
        terms.append(Term("box and power supply", "machine", mapping.boards * wall, "board s", c.BOX_OVERHEAD))
    else:
        unpriced.append("box, power supply, frames, switches and cooling")
    terms += [
        Term("active core", name, part.slices * wall, "core s", c.CORE_ACTIVE) for name, part in mapping.parts.items()
    ]
    terms += [
        Term("packet at a router", name, count, "packets", c.PACKET) for name, count in mapping.packets.items() if count
    ]
    if any(part.learning_events.any() for part in mapping.parts.values()):
        unpriced.append("learning: plastic synapses slow the run down here, but have no price of their own")
    return Cost(
        "spinnaker",
        "machine-model",
        "The official tools' model: power of idle boards and active cores over the run, and packets.",
        tuple(terms),
        tuple(unpriced),
        (*mapping.notes, "Cores count as active for the whole run, as the official tools do: an upper bound."),
        wall,
        alternatives,
    )


def increments(mapping: SpiNNakerMapping, workload: Workload) -> Cost:
    """Idle machine, and measured increments of neurons, spikes and synaptic events (SNABSuite)."""
    wall = workload.total_s * mapping.time_scale
    terms = [
        Term(
            "booted board",
            "machine",
            mapping.boards * wall,
            "board s",
            c.SMALL_BOARD_BOOTED if mapping.small else c.BOARD_BOOTED,
        )
    ]
    for name, work in workload.populations.items():
        if work.is_input:
            if work.spikes:
                terms.append(Term("input spike from the host", name, work.spikes, "spikes", c.HOST_SPIKE))
            continue
        terms.append(Term("neuron for 1 ms of the run", name, work.units * wall * 1e3, "neuron ms", c.IDLE_NEURON_MS))
        if work.spikes:
            terms.append(Term("spike", name, work.spikes, "spikes", c.SPIKE))
    for name, projection in workload.projections.items():
        price = c.EVENT_ONE_TO_ONE if projection.kind == "OneToOne" else c.EVENT
        terms.append(Term("synaptic event", name, projection.events, "events", price))
    return Cost(
        "spinnaker",
        "measured-increments",
        "Increments measured with a power meter on micro-benchmarks of LIF neurons at 1 ms, plus the booted board.",
        tuple(terms),
        (
            *LEFT_OUT[:2],
            "neurons other than LIF, which may take more or less work",
            "box, power supply, frames, switches and cooling",
        ),
        (
            *mapping.notes,
            "The price of an input spike holds its way from the host; it was measured with one synaptic "
            "event each, so that these events are in part counted twice, by up to 3 % of that price.",
        ),
        wall,
    )


def power_w(*, boards: int, active_cores: int, boxed: bool = False, small: bool = False) -> float:
    """Power (W) of the machine model with all these cores active and no packets.

    Example:
        >>> round(power_w(boards=1, active_cores=806, boxed=True), 2)
        59.28
    """
    board = (c.SMALL_BOARD_IDLE if small else c.BOARD_IDLE).value or 0.0
    box = (c.BOX_OVERHEAD.value or 0.0) if boxed and not small else 0.0
    return boards * (board + box) + active_cores * (c.CORE_ACTIVE.value or 0.0)
