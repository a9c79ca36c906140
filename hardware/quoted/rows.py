"""Figures of other machines and tasks, quoted for comparison: they are never multiplied with counts, never added."""

from __future__ import annotations

from dataclasses import dataclass

from snnsim.hardware.figure import Figure


@dataclass(frozen=True)
class Quoted:
    """A row for comparison.

    Args:
        title: the machine.
        per: what one unit of the figure is for.
        figure: the number with its source.
        caveat: why it is not the price of this network.
    """

    title: str
    per: str
    figure: Figure
    caveat: str


def _microcircuit(title: str, value: float, at: str) -> Quoted:
    figure = Figure(value, "uJ", "pd14benchmarks", "measured", "all-in", at, place="performance_data_raw.yaml")
    return Quoted(title, "synaptic event", figure, "the cortical microcircuit: total power over its event rate")


ROWS = (
    _microcircuit("SpiNNaker 1, 12 boards", 0.601, "in real time, constant input currents"),
    _microcircuit("35 FPGAs (neuroAIx)", 0.04755, "20 times faster than biology"),
    _microcircuit("GPU, GeNN on RTX 4090", 0.074, "0.2719 s for a second of biology"),
    Quoted("Two-point cells on UltraScale+ MPSoC", "synapse",
           Figure(80.0, "pJ", "adeel2023", "abstract", "per-term", "an estimate for the authors' network of two-point "
                  "cells, 8e-5 uJ", place="abstract"),
           "estimated for a network of another kind; what one synapse does is not defined in the abstract"),
    Quoted("Hardwired-neurons language processor", "joule",
           Figure(36.0, "tokens/J", "hnlpu2025", "abstract", "all-in", "gpt-oss 120B at 5 nm", place="abstract"),
           "tokens of a language model whose weights are wires: no other network runs on it"),
)
