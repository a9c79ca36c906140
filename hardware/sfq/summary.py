"""What a reader wants to know of a mapping: counts, and what was assumed."""

from __future__ import annotations

from typing import Any

from snnsim.core.network import Network
from snnsim.hardware.sfq import constants as c
from snnsim.hardware.sfq.bill import Bill, total
from snnsim.hardware.sfq.cells import LIBRARIES, amount, bias_current_a
from snnsim.hardware.sfq.timing import Timing
from snnsim.hardware.target import shared_notes
from snnsim.hardware.workload import Workload
from snnsim.neurons import LI

WIRING = ("SPLIT", "MERGE", "JTL", "PTL-TX", "PTL-RX", "DFF")


def summary(
    found: tuple[Bill, ...], family: str, workload: Workload, chips: int, step: float, times: Timing
) -> dict[str, Any]:
    """Counts in the order in which a reader wants them."""
    cells = total(found)
    junctions = amount(cells, family, "junctions")
    wiring = sum(n * (LIBRARIES[family][name].junctions.value or 0) for name, n in cells.items() if name in WIRING)
    neurons = sum(p.units for p in workload.populations.values() if not p.is_input)
    at_synapses = sum(amount(bill.cells, family, "junctions") for bill in found if bill.item in workload.projections)
    return {
        "junctions": round(junctions),
        "junctions per synapse": at_synapses / workload.synapses if workload.synapses else 0.0,
        "junctions per neuron, with mergers and converters": (junctions - at_synapses) / neurons if neurons else 0.0,
        "cells": {name: int(n) for name, n in cells.items() if n},
        "share of junctions for wiring": wiring / junctions,
        "bias current (A)": bias_current_a(cells),
        "static power (W)": amount(cells, family, "static") * 1e-9,
        "area (mm2)": amount(cells, family, "area") * 1e-6,
        "chips": chips,
        "step (ps)": step,
        "latency (ps)": times.latency,
    }


def notes(network: Network, workload: Workload, synapse: str, times: Timing) -> tuple[str, ...]:
    """What was assumed on the way."""
    found = [
        f"A step takes {times.step:.1f} ps at least: {times.reason}.",
        "Every switch is taken as open and every pulse as going the longest way through its tree: an upper bound of "
        "switching."
        if synapse == "switched"
        else "A coupling has no junction of its own; a JTL drives it.",
        "Long wires are taken as long as the side of a square of all cells, at most that of a chip; they lie above the "
        "cells and take no area.",
        f"In a fabricated ALU {100 * (c.WIRING_SHARE.value or 0):.0f} % of the junctions were wiring, delays and "
        "balancing of paths.",
        "Leak and reset are loops with resistors; whether the network's time constants can be built was not checked.",
    ]
    if any(isinstance(neuron, LI) for neuron in network.populations.values()):
        found.append("LI units are read as somas; what would measure their membranes is not counted.")
    return (*found, *shared_notes(network, workload, "A superconducting chip"))
