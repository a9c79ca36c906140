"""Arithmetic and processors: prices of operations, each number with its source."""

from __future__ import annotations

from snnsim.hardware.figure import Figure

_POINT = "45 nm, quoted second-hand"


def _eie(value: float, what: str, evidence: str = "second-hand") -> Figure:
    return Figure(value, "pJ", "han2016eie", evidence, operating_point=_POINT, place=f"Table I, {what}")


ACCUMULATE = _eie(0.9, "float32 add")
MULTIPLY_ACCUMULATE = _eie(4.6, "float32 multiply 3.7 + add 0.9", "derived")
INT_MULTIPLY, INT_ADD = 3.1, 0.1
SRAM_WORD = _eie(5.0, "32 bits from a 32 KB SRAM")
DRAM_WORD = _eie(640.0, "32 bits from DRAM")


def quantised_mac(bits: int) -> Figure:
    """A multiply-accumulate of a `bits`-bit activation: the int32 one, its low end scaled with the bits."""
    return Figure(
        round(INT_MULTIPLY + INT_ADD, 9),
        "pJ",
        "han2016eie",
        "derived",
        low=round(INT_MULTIPLY * bits / 32 + INT_ADD, 9),
        high=round(INT_MULTIPLY + INT_ADD, 9),
        operating_point=f"{_POINT}; int32 multiply and add; the low end assumes that a multiplier costs in "
        f"proportion to the {bits} bits of one operand",
        place="Table I, int32 multiply 3.1 + add 0.1",
    )


def _keras(value: float, what: str) -> Figure:
    return Figure(
        value, "nJ", "kerasspiking", "code", operating_point=what, place="ModelEnergy, energy of an operation"
    )


def _genn(value: float, what: str, unit: str = "nJ") -> Figure:
    return Figure(
        value,
        unit,
        "snabsuite",
        "measured",
        place=f"config_energy, {what}",
        operating_point="GeNN, LIF, dt 1 ms, 20 repeats, mean",
    )


# Per device: title, a multiply-accumulate, and GeNN's measured increments (neuron per ms, spike, synaptic event).
DEVICES = {
    "cpu": (
        "CPU",
        _keras(8.6, "Intel i7-4960X"),
        "AMD Ryzen 2600X",
        _genn(42.3, "idle neuron per ms"),
        _genn(30.4, "spike (recorded)"),
        _genn(58.2, "synaptic event, random fan-out"),
        _genn(50.34, "idle power", "W"),
    ),
    "gpu": (
        "GPU",
        _keras(0.3, "Nvidia GTX Titan Black"),
        "Nvidia RTX 2070",
        _genn(3.63, "idle neuron per ms"),
        _genn(4.71, "spike (recorded)"),
        _genn(3.40, "synaptic event, random fan-out"),
        _genn(20.06, "idle power", "W"),
    ),
}

CRITICISM = (
    "Memory accesses are ignored by many studies; with them, integrate-and-fire networks compete only at 0.15 to 1.38 "
    "spikes per synapse and inference (Dampfhoffer et al. 2023).",
    "A fair baseline is a quantised network of ceil(log2(T + 1)) bits; for T from 5 to 10 steps the mean spike rate "
    "must be below 6.4 % (Yan et al. 2024).",
    "Pruned spiking networks still take 1.61 times the energy of pruned conventional ones, for convolutional networks "
    "(Yu et al. 2026).",
)
