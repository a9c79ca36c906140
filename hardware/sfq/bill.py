"""Which cells a network takes, and how often each was used: splitters, switches, mergers, somas, wires, delays.

A source's pulse is split once for each projection, crosses a long wire (PTL) and any delay line (a chain of DFFs for
each source), and is split again for each synapse. There, by the kind of synapse,

- "switched": each bit of a weight is a switch (NDRO) that lets pulses pass or not. For each bit the pulses of all
  synapses of a target are merged by a tree and drive, through a JTL, a coupling onto its loop whose mutual inductance
  has that bit's size. Weights can be loaded, and fan-in has no limit, but pulses must come one after the other.
- "coupled": each synapse is a JTL and a coupling of its own size, fixed in the layout. Pulses may come together; the
  couplings of one loop cannot add up to more than its inductance holds.

A target's soma slips above its threshold.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import ceil, log2

import numpy as np

from snnsim.core.network import Network
from snnsim.hardware.fan import fan_in, fan_out_by_slice
from snnsim.hardware.workload import Workload

KINDS = ("switched", "coupled")


def depth(leaves: int) -> int:
    """Cells on the longest way through a binary tree of so many leaves.

    Example:
        >>> [depth(n) for n in (0, 1, 2, 3, 8, 9)]
        [0, 0, 1, 2, 3, 4]
    """
    return ceil(log2(leaves)) if leaves > 1 else 0


@dataclass(frozen=True)
class Bill:
    """Cells of one projection or population.

    Args:
        item: its name.
        cells: number of each.
        uses: how often each kind was used over the whole workload.
        split_depth: splitters on the way to the farthest synapse.
        fan_in: most synapses at one target; 0 for a projection.
    """

    item: str
    cells: Counter = field(default_factory=Counter)
    uses: Counter = field(default_factory=Counter)
    split_depth: int = 0
    fan_in: int = 0


def bills(network: Network, workload: Workload, kind: str, bits: int) -> tuple[Bill, ...]:
    """Of every projection, then of every population.

    Args:
        network: network.
        workload: counts.
        kind: of the synapses, one of `KINDS`.
        bits: of a weight, where they are switched.
    """
    copies = bits if kind == "switched" else 1
    arrivals = {name: np.zeros(neuron.size, np.int64) for name, neuron in network.populations.items()}
    found = []
    for name, projection in network.projections.items():
        pre, post = (network.populations[end] for end in (projection.pre, projection.post))
        arrivals[projection.post] += fan_in(projection.connection, pre.shape, post.shape)
        rows = fan_out_by_slice(projection.connection, pre.shape, post.shape, post.size)[:, 0] * copies
        found.append(_of_projection(name, workload, rows, kind, projection.depth(workload.dt)))
    found += [_of_population(name, network, workload, kind, copies, arrivals[name]) for name in network.populations]
    return tuple(found)


def total(found: tuple[Bill, ...]) -> Counter:
    """Number of each cell over all bills."""
    return sum((bill.cells for bill in found), Counter())


def _of_projection(name: str, workload: Workload, rows: np.ndarray, kind: str, delay: int) -> Bill:
    """`rows`: switches or couplings that each source drives."""
    work = workload.projections[name]
    sent = workload.unit_counts[work.pre]
    there = rows > 0
    splitters = np.maximum(rows - 1, 0)
    switches = "NDRO" if kind == "switched" else "JTL"
    wires, spikes = int(there.sum()), int(sent[there].sum())
    cells = Counter({"PTL-TX": wires, "PTL-RX": wires, "SPLIT": int(splitters.sum()), switches: int(rows.sum())})
    uses = Counter({"PTL-TX": spikes, "PTL-RX": spikes, "SPLIT": int(sent @ splitters), switches: int(sent @ rows)})
    if delay:
        # Every DFF is clocked in every step, by a tree of splitters of its own.
        stages = wires * delay
        cells.update({"DFF": stages, "SPLIT": stages - 1})
        clocks = workload.steps * workload.samples
        uses.update({"DFF": stages * clocks, "SPLIT": (stages - 1) * clocks})
    return Bill(name, cells, uses, depth(int(rows.max(initial=0))))


def _of_population(
    name: str, network: Network, workload: Workload, kind: str, copies: int, arrivals: np.ndarray
) -> Bill:
    work = workload.populations[name]
    axons = sum(p.pre == name for p in network.projections.values())
    cells, uses = Counter(), Counter()
    if axons > 1:
        cells["SPLIT"] += work.units * (axons - 1)
        uses["SPLIT"] += int(workload.unit_counts[name].sum()) * (axons - 1)
    most = int(arrivals.max(initial=0))
    if work.is_input:
        cells["DC/SFQ"] += work.units
    else:
        cells["SOMA"] += work.units
        uses["SOMA"] += work.spikes
        if kind == "switched":
            pulses = copies * sum(p.events for p in workload.projections.values() if p.post == name)
            cells.update({"MERGE": copies * int(np.maximum(arrivals - 1, 0).sum()), "JTL": copies * work.units})
            uses.update({"MERGE": pulses * depth(most), "JTL": pulses})
        if not axons:
            cells["SFQ/DC"] += work.units
    return Bill(name, cells, uses, depth(axons), most)
