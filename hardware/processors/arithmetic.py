"""Arithmetic in 45 nm: operations only, with memory, and the quantised network that is the fair comparison."""

from __future__ import annotations

from math import ceil, log2

from snnsim.core.network import Network
from snnsim.hardware.cost import Cost, Term
from snnsim.hardware.figure import Figure
from snnsim.hardware.processors import constants as c
from snnsim.hardware.target import Mapping, Target
from snnsim.hardware.workload import Workload


def matched_bits(steps: int) -> int:
    """Bits of an activation that tells apart 0 to `steps` spikes: ceil(log2(steps + 1)).

    Example:
        >>> matched_bits(4), matched_bits(7), matched_bits(100)
        (3, 3, 7)
    """
    return ceil(log2(steps + 1))


class Arithmetic(Target):
    """Counts of operations at 45 nm prices: the number that papers print, and the two that it hides.

    Tables: "operations" (an accumulate for each event of a spike, a multiply-accumulate where numbers enter),
    "operations+sram" and "operations+dram" (the weight of each event fetched, states read and written), and
    "quantised-dense" (one pass of a conventional network with the same synapses and activations of
    `matched_bits`, weights fetched for each operation).

    References:
        keys han2016eie, dampfhoffer2023, yan2024, yu2026 of the bibliography.
    """

    name = "arithmetic"
    title = "45 nm arithmetic"

    def map(self, network: Network, workload: Workload) -> Mapping:
        """Nothing to place."""
        return Mapping(self.name, {"activation bits of the quantised network": matched_bits(workload.steps)}, ())

    def cost(self, mapping: Mapping, workload: Workload) -> Cost:
        """All four tables; the first is the main one."""
        operations = _operations(workload)
        sram = (*operations, *_memory(workload, c.SRAM_WORD, c.SRAM_WORD))
        dram = (*operations, *_memory(workload, c.DRAM_WORD, c.SRAM_WORD))
        outside: tuple[str, ...] = ("control, clock, routing of spikes, leakage", "turning the input into spikes")
        outside += own_work(workload)
        neurons = "arithmetic of neuron updates"
        others = (
            Cost(
                self.name,
                "operations+sram",
                "Operations, and each event's weight and each update's state from small SRAM.",
                sram,
                (neurons, *outside),
                ("States are read and written in every update, one word a variable.",),
            ),
            Cost(self.name, "operations+dram", "As before, with the weights from DRAM.", dram, (neurons, *outside)),
            _quantised(self.name, workload, outside),
        )
        return Cost(
            self.name,
            "operations",
            "Synaptic operations only, as most papers count.",
            operations,
            ("memory accesses, which usually cost more than the operations", neurons, *outside),
            c.CRITICISM,
            None,
            others,
        )


def own_work(workload: Workload) -> tuple[str, ...]:
    """What processors would do beside synapses and neurons, and nobody has priced: random numbers, learning."""
    generators = [f"drawing the random numbers of {n}" for n, p in workload.populations.items() if p.generator]
    rules = [f"learning of {n} ({p.rule})" for n, p in workload.projections.items() if p.rule]
    return (*generators, *rules)


def _operations(workload: Workload) -> tuple[Term, ...]:
    terms = []
    for name, p in workload.projections.items():
        spikes = p.operand == "spike" or not p.weighted
        terms.append(
            Term(
                "accumulate" if spikes else "multiply-accumulate",
                name,
                p.events,
                "operations",
                c.ACCUMULATE if spikes else c.MULTIPLY_ACCUMULATE,
            )
        )
        if p.bias_adds:
            terms.append(Term("bias add", name, p.bias_adds, "operations", c.ACCUMULATE))
    return tuple(terms)


def _memory(workload: Workload, weight: Figure, state: Figure) -> tuple[Term, ...]:
    # The weights of one source lie side by side, so that narrower ones share words.
    terms = [
        Term("weight fetch", name, -(-p.read_bits // 32), "words of 32 bits", weight)
        for name, p in workload.projections.items()
        if p.weighted
    ]
    terms += [
        Term("state read and write", name, 2 * work.state_variables * work.updates, "words of 32 bits", state)
        for name, work in workload.populations.items()
        if work.updates and not work.generator
    ]
    return tuple(terms)


def _quantised(target: str, workload: Workload, outside: tuple[str, ...]) -> Cost:
    bits = matched_bits(workload.steps)
    price = c.quantised_mac(bits)
    terms = []
    for name, p in workload.projections.items():
        if p.weighted:
            count = p.synapses * workload.samples
            terms += [
                Term("multiply-accumulate", name, count, "operations", price),
                Term("weight fetch", name, -(-count * p.weight_bits // 32), "words of 32 bits", c.SRAM_WORD),
            ]
    return Cost(
        target,
        "quantised-dense",
        f"A conventional network of the same synapses, run once a sample with {bits}-bit activations; not this "
        "network, but what it should beat.",
        tuple(terms),
        ("reading and writing activations", "skipping of zeros, which would make it cheaper", *outside),
        ("It is assumed to solve the same task equally well; that was not tested here.",),
    )
