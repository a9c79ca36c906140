"""Loihi 1: what a core holds, and two tables of prices, each number with its source."""

from __future__ import annotations

from dataclasses import dataclass

from snnsim.hardware.figure import Figure


def _capacity(value: float, unit: str, place: str, evidence: str = "second-hand") -> Figure:
    return Figure(value, unit, "davies2018loihi", evidence, place=place)


COMPARTMENTS = _capacity(1024, "compartments", "compartments a core")
CORES = _capacity(128, "cores", "cores a chip")
AXONS_IN = _capacity(4096, "axons", "N_axin a core")
AXONS_OUT = _capacity(4096, "axons", "N_axout a core")
SYNAPSE_BYTES = _capacity(128 * 1024, "B", "synaptic state a core")
WEIGHT_BITS = _capacity(9, "bits", "weights of 1 to 9 bits")
DELAY_BITS = _capacity(6, "bits", "delays of 6 bits")
TILE_ROWS, CORES_PER_TILE = 4, 4  # 8 x 4 tiles of 4 cores: loihi.yaml of SANA-FE
STATIC_CHIP = Figure(
    104,
    "mW",
    "davies2018loihi",
    "second-hand",
    place="3.34 W over 32 chips, quoted after Frady 2020",
    operating_point="voltage not stated",
)

_UNKNOWN = "regression on Nahuku boards; prediction error up to 11.7 % of energy"


def _fit(value: float, what: str) -> Figure:
    return Figure(value, "pJ", "sanafe", "fitted", operating_point=_UNKNOWN, place=f"loihi.yaml, {what}")


def _table2(value: float, what: str) -> Figure:
    return Figure(
        value,
        "pJ",
        "davies2018loihi",
        "simulated",
        operating_point="0.75 V, 14 nm, before silicon, quoted second-hand",
        place=f"Table 2, {what}",
    )


@dataclass(frozen=True)
class Prices:
    """Prices of one table (pJ); None where the table has no such term.

    Args:
        name: name of the table.
        about: what it is.
        dense: a synaptic event of an all-to-all projection.
        sparse: one of a projection stored synapse by synapse.
        conv: one of a convolution.
        access: every neuron in every step.
        update: an active neuron in a step.
        inactive: an inactive neuron in a step.
        spike: a spike sent.
        message: a message to one core.
        hop_ns: a hop to a tile north or south.
        hop_ew: a hop to a tile east or west.
        learning: a visit of a synapse by pairwise spike-timing dependent plasticity.
    """

    name: str
    about: str
    dense: Figure
    sparse: Figure
    conv: Figure
    access: Figure | None
    update: Figure
    inactive: Figure | None
    spike: Figure | None
    message: Figure
    hop_ns: Figure
    hop_ew: Figure
    learning: Figure | None


_SYNAPSE = Figure(
    23.6,
    "pJ",
    "davies2018loihi",
    "simulated",
    operating_point="0.75 V, 14 nm, before silicon, a minimum, quoted second-hand",
    place="Table 2, synaptic spike op (min)",
)
TABLES = {
    "sanafe-nahuku-fit": Prices(
        "sanafe-nahuku-fit",
        "Prices that SANA-FE fitted to runs on Loihi boards; its file says Davies 2018, most are not.",
        dense=_fit(35.5, "dense synapse"),
        sparse=_fit(33.6, "sparse synapse"),
        conv=_fit(24.0, "conv synapse"),
        access=_fit(51.2, "soma access"),
        update=_fit(21.6, "soma update"),
        inactive=None,
        spike=_fit(69.3, "soma spike"),
        message=_fit(111, "axon out"),
        hop_ns=_fit(4.2, "hop north or south"),
        hop_ew=_fit(3.0, "hop east or west"),
        learning=None,
    ),
    "davies2018-sim": Prices(
        "davies2018-sim",
        "Intel's circuit simulation before silicon; not a measurement, and its synaptic price is a minimum.",
        dense=_SYNAPSE,
        sparse=_SYNAPSE,
        conv=_SYNAPSE,
        access=None,
        update=_table2(81, "neuron update, active"),
        inactive=_table2(52, "neuron update, inactive"),
        spike=None,
        message=_table2(1.7, "within-tile spike"),
        hop_ns=_table2(4.0, "tile hop N-S"),
        hop_ew=_table2(3.0, "tile hop E-W"),
        learning=_table2(120, "synaptic update (pairwise STDP)"),
    ),
}
