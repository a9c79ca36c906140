"""Energy of a run on a superconducting chip, by table: cells of a family, and cooling as a table of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from snnsim.hardware.cost import Cost, Term
from snnsim.hardware.figure import Figure
from snnsim.hardware.sfq import constants as c
from snnsim.hardware.sfq.cells import LIBRARIES
from snnsim.hardware.workload import Workload

if TYPE_CHECKING:
    from snnsim.hardware.sfq.target import SFQMapping

ABOUT = {
    "rsfq": "Bias power and pulses of RSFQ cells at 4.2 K, without cooling. Bias resistors take their power all the "
    "time, whatever the network does.",
    "ersfq": "Pulses of ERSFQ cells at 4.2 K, without cooling: junctions and inductors in place of bias resistors, by "
    "the rule of thumb of XQsim.",
}
LEFT_OUT = (
    "cooling, which is a table of its own",
    "loading weights, calibration of bias currents, and the host",
    "energy of converters between pulses and cables: the library gives none",
    "distribution of bias currents, and clocks other than those of delay lines",
    "chips beside each other: wires between them",
)


def price(mapping: SFQMapping, workload: Workload, target: str, cooling: Figure) -> Cost:
    """Bias power, pulses and cables at 4.2 K, with what cooling takes as the alternative table."""
    family = mapping.family
    library, wall = LIBRARIES[family], mapping.wall_s(workload)
    terms = []
    for bill in mapping.bills:
        for name, number in bill.cells.items():
            cell = library[name]
            if cell.static.value and number:
                terms.append(Term(f"static power, {name}", bill.item, number * wall, "cell s", cell.static))
            if bill.uses[name]:
                terms.append(Term(f"switching, {name}", bill.item, bill.uses[name], "uses", cell.energy))
    terms += [
        Term("input and output by cable", name, units * workload.steps * workload.samples, "bits", c.CABLE_HEAT)
        for name, units in mapping.lines.items()
    ]
    chip = Cost(target, family, ABOUT[family], tuple(terms), LEFT_OUT, mapping.notes, wall)
    cold = chip.energy_j or 0.0
    static = sum(t.energy_j or 0.0 for t in terms if t.name.startswith("static"))
    moved = sum(t.energy_j or 0.0 for t in terms if t.name.startswith("switching"))
    notes = list(mapping.notes)
    if static and moved:
        notes.append(f"Bias resistors take {static / moved:,.3g} times the energy of all switching.")
    if cold:
        cable = 1.0 - (static + moved) / cold
        notes.append(f"{100 * cable:.3g} % of this heat comes down the cables, one bit a step on each line.")
    cooled = Cost(
        target,
        "cooling",
        "Only the power at room temperature that takes the heat of the other table away; to be read beside it.",
        (Term("cooling", "4.2 K stage", cold, "J at 4.2 K", cooling),),
        ("all work: this table is to be read beside the other, not instead of it", "a cooler that idles"),
        (f"The laws of thermodynamics allow no less than {c.CARNOT.value:.1f} J for each J at 4.2 K.",),
        wall,
    )
    return replace(chip, notes=tuple(notes), alternatives=(cooled,))
