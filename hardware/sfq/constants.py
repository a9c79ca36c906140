"""Superconducting chips: what a process holds, what cooling takes, and what was measured, each with its source."""

from __future__ import annotations

from snnsim.hardware.figure import Figure

BIAS_VOLTAGE = Figure(
    2.6, "mV", "xqsim", "derived", place="mitll_v2p1.csv: 910 nW of a JTL, whose bias is 350 uA in RSFQlib v3.0"
)
FASTEST_PULSES = Figure(20.0, "ps", "rsfqlib", "code", place="README: cells optimised for at most 50 GHz")
MERGE_SPACING = Figure(
    8.9, "ps", "xqsim", "code", place="mitll_v2p1.csv, A2ATime of mitll_merge: pulses closer than this may be lost"
)
WIRE_DELAY = Figure(0.16, "ps", "xqsim", "code", place="mitll_v2p1.csv, Delay of mitll_ptl, a piece of 20 um")
WIRE_PIECE_UM = 20.0

CHIP_SIDE = Figure(5.0, "mm", "supersnn", "abstract", place="abstract: 5 x 5 mm2 chips of the process SFQ5ee")
PINS = Figure(40, "pins", "supersnn", "abstract", place="abstract: 40 pins a chip")
COLD_POWER = Figure(1.5, "W", "xqsim", "code", place="configs, 4K_power_budget: what the 4 K stage can take")
CABLE_HEAT = Figure(
    3.1,
    "pJ",
    "xqsim",
    "code",
    place="configs, digital_cable_heat: 3.1 mW at 4 K for each Gbit/s",
    operating_point="digital cable between 300 K and 4 K",
)

# Cooling: watts at room temperature for a watt at 4.2 K.
CARNOT = Figure(
    (300.0 - 4.2) / 4.2, "J", "lebrun2007", "derived", place="(300 K - 4.2 K) / 4.2 K, the boiling point of helium"
)
COOLING = Figure(
    400.0,
    "J",
    "lebrun2007",
    "assumption",
    low=300.0,
    high=1000.0,
    place="several times Carnot's factor, whose 4.2 K is from there; no measured figure could be quoted",
    operating_point="for 1 J at 4.2 K; large plants are better than small coolers",
)

# ERSFQ: junctions and inductors in place of bias resistors.
ERSFQ_PLACE = "xq_estimator.py, tech == ERSFQ: no static power, twice the energy, 1.4 times the junctions and the area"
ERSFQ_ENERGY, ERSFQ_SIZE = 2.0, 1.4

WIRING_SHARE = Figure(
    7000 / 9000,
    "1",
    "razmkhah2023",
    "abstract",
    place="abstract: of over 9000 junctions of a fabricated ALU about 7000 for wiring, delays and balancing of paths",
)
FAN_IN = Figure(
    300.0,
    "synapses",
    "schneider2020",
    "abstract",
    low=200.0,
    high=400.0,
    place="abstract: a fan-in of a few 100 to 1 should be possible; taken as 300",
)


def _chip(value: float, unit: str, what: str) -> Figure:
    return Figure(value, unit, "supersnn", "abstract", "all-in", place=f"abstract: {what}")


# A fabricated chip with a spiking network, for comparison only; nothing here is fitted to it.
SUPERSNN = {
    "junctions": _chip(5822, "JJ", "5,822 Josephson junctions"),
    "static power": _chip(2.15, "mW", "2.15 mW static power"),
    "area": _chip(3.4 * 3.9, "mm2", "3.4 x 3.9 mm2"),
    "clock": _chip(3.02, "GHz", "3.02 GHz"),
    "energy per inference": _chip(6.55, "fJ", "6.55 fJ per inference"),
}
