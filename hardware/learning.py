"""Work of learning rules: counted where spikes decide it, else said to be open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from snnsim.core.network import Network
from snnsim.hardware.fan import fan_in, fan_out_by_slice
from snnsim.plasticity import PairSTDP, TripletSTDP

if TYPE_CHECKING:
    from snnsim.hardware.workload import Workload

TIMED = (PairSTDP, TripletSTDP)  # a weight changes at spikes of its two ends only


def learning(network: Network, totals: Mapping[str, np.ndarray], name: str) -> tuple[str, int | None]:
    """(rule, synapses that it visits) of projection `name`; None visits where spikes do not decide them.

    Args:
        network: the network.
        totals: outputs other than 0 of each unit over all samples, int64 ``[n]`` by population.
        name: of the projection.
    """
    projection = network.projections[name]
    synapse = projection.synapse
    if not synapse.learns:
        return "", 0
    kind = type(synapse).__name__
    if not isinstance(synapse, TIMED) or not network.populations[projection.post].spiking:
        return kind, None
    pre, post = (network.populations[end].shape for end in (projection.pre, projection.post))
    outgoing = fan_out_by_slice(projection.connection, pre, post, len(totals[projection.post]))[:, 0]
    incoming = fan_in(projection.connection, pre, post)
    return kind, int(totals[projection.pre] @ outgoing + totals[projection.post] @ incoming)


def limits(workload: Workload) -> tuple[str, ...]:
    """What the counts themselves do not hold, one sentence each: graded outputs, generators, learning."""
    found = []
    for name, p in workload.populations.items():
        if p.spikes and not p.spiking:
            found.append(f"{name} ({p.kind}) put out numbers other than 0 and 1, such as several spikes in a step. Its "
                         "spikes are the steps with an output: a lower bound of what a spiking machine would send.")
        if p.generator:
            found.append(f"{name} ({p.kind}) makes its outputs itself. What it sends is counted; drawing the numbers "
                         "has no price.")
    for name, j in workload.projections.items():
        if j.rule and j.learning_events is None:
            found.append(f"{name} learns by {j.rule}, which changes weights at other times than spikes as well: its "
                         "work is not counted and not priced.")
        elif j.rule:
            found.append(f"{name} learns by {j.rule}: {j.learning_events:,} visits of synapses are counted; only "
                         "targets that list a synaptic update price them.")
    return tuple(found)
