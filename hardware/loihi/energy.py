"""Energy on Loihi: messages, hops, synaptic events, and neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnsim.hardware.cost import Cost, Term
from snnsim.hardware.loihi import constants as c
from snnsim.hardware.loihi.constants import Prices
from snnsim.hardware.workload import PopulationWork, Workload

if TYPE_CHECKING:
    from snnsim.hardware.loihi.target import LoihiMapping

LEFT_OUT = (
    "the embedded processors, input and output between host and chip, and the barrier between steps",
    "latency: the time of a step on the chip is not modelled",
)


def price(mapping: LoihiMapping, workload: Workload, prices: Prices, target: str) -> Cost:
    """All terms by one table, with the chip's static power as the alternative table.

    Neurons count as active in every step where the recording does not tell (an upper bound).
    """
    terms, notes = [], list(mapping.notes)
    for name, work in workload.populations.items():
        if mapping.messages[name]:
            terms.append(Term("message", name, mapping.messages[name], "messages", prices.message))
        for what, hops, each in (
            ("hop N-S", mapping.hops_ns, prices.hop_ns),
            ("hop E-W", mapping.hops_ew, prices.hop_ew),
        ):
            if hops[name]:
                terms.append(Term(what, name, hops[name], "hops", each))
        if not work.is_input:
            terms += _neurons(work, prices)
    if any(work.active is None for work in workload.populations.values() if not work.is_input):
        notes.append(
            "Neurons count as active in every step, an upper bound: the recording lacks the spikes and membranes "
            "that would tell."
        )
    terms += [
        Term("synaptic event", name, p.events, "events", _of_kind(prices, p.kind))
        for name, p in workload.projections.items()
    ]
    unpriced: tuple[str, ...] = (*LEFT_OUT, "static power (104 mW a chip, second-hand), shown as a table of its own")
    for name, p in workload.projections.items():
        if p.rule == "PairSTDP" and p.learning_events and prices.learning is not None:
            terms.append(Term("synaptic update", name, p.learning_events, "visits", prices.learning))
        elif p.rule:
            unpriced += (f"learning of {name} ({p.rule}): the table has no such price",)
    static = Cost(
        target,
        "static-power",
        "Only the chip's static power, if the run takes as long as biology does.",
        (Term("static power", "chip", mapping.chips * workload.total_s, "chip s", c.STATIC_CHIP),),
        ("all work: this table is to be read beside the other, not instead of it",),
        wall_s=workload.total_s,
    )
    if prices.spike is None:
        unpriced += ("sending a spike from the neuron: the table has no such price",)
    energy = sum(term.energy_j or 0.0 for term in terms)
    if energy and static.energy_j:
        notes.append(
            f"Static power over biological time would be {static.energy_j / energy:.3g} times the sum of these terms."
        )
    return Cost(target, prices.name, prices.about, tuple(terms), unpriced, tuple(notes), alternatives=(static,))


def _neurons(work: PopulationWork, prices: Prices) -> list[Term]:
    active = work.updates if work.active is None else work.active
    terms = []
    if prices.access is not None:
        terms.append(Term("neuron access", work.name, work.updates, "updates", prices.access))
    terms.append(Term("neuron update", work.name, active, "updates", prices.update))
    if prices.inactive is not None:
        terms.append(Term("neuron update, inactive", work.name, work.updates - active, "updates", prices.inactive))
    if prices.spike is not None and work.spikes:
        terms.append(Term("neuron spike", work.name, work.spikes, "spikes", prices.spike))
    return terms


def _of_kind(prices: Prices, kind: str):
    if kind.startswith("Conv"):
        return prices.conv
    return prices.dense if kind in ("Dense", "OneToOne") else prices.sparse
