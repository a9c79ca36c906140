"""Energy of resistive memory: rows, cells, converters, registers, buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnsim.hardware.cost import Cost, Term
from snnsim.hardware.rram import constants as c
from snnsim.hardware.workload import Workload

if TYPE_CHECKING:
    from snnsim.hardware.rram.placement import Matrix
    from snnsim.hardware.rram.target import RramMapping

LEFT_OUT = (
    "neuron circuits: no price for a spiking update beside these arrays was found; the term shows their number",
    "packets between tiles: of the router only its power is published, see the table tile-power",
    "leakage and clock of parts at rest, and control",
    "writing the cells, and learning",
    "normalisations and biases, which are added as numbers after the converters",
)


def price(mapping: RramMapping, workload: Workload, target: str, node: int) -> Cost:
    """All terms by ISAAC's prices, every reading made; other ways to count and to price are the alternatives."""
    neurons = [
        Term("neuron update", name, work.updates, "updates", c.NEURON_UPDATE)
        for name, work in workload.populations.items()
        if work.updates
    ]
    buffers = _buffers(mapping, workload)
    every = [term for m in mapping.matrices for term in _isaac(m, m.conversions, m.reads)]
    awake = [term for m in mapping.matrices for term in _isaac(m, m.awake[1], _awake_reads(m))]
    least, most = (sum(m.awake[k] for m in mapping.matrices) for k in (0, 1))
    notes = (
        "Rows are driven by spikes and counted exactly; every array is read and converted in every step, with or "
        "without spikes: the event-driven table converts only where a row was driven.",
        *mapping.notes,
    )
    quiet = Cost(
        target,
        "isaac-event-driven",
        "The same prices; an array is read only where one of its rows is driven.",
        (*awake, *buffers, *neurons),
        (*LEFT_OUT, "finding out which arrays have a driven row"),
        (f"The recording does not tell which rows were driven together: of at least {least:,} and at most {most:,} "
         "conversions the larger number is priced.",),
        mapping.wall_s(workload),
    )
    return Cost(
        target,
        "isaac-32nm",
        "Prices of ISAAC's parts at 32 nm, a design of 2016 that was computed and not built.",
        (*every, *buffers, *neurons),
        LEFT_OUT,
        notes,
        mapping.wall_s(workload),
        (quiet, _sar(mapping, target, node), _tiles(mapping, target, workload), _measured(mapping, target)),
    )


def _awake_reads(matrix: Matrix) -> int:
    """Readings of single arrays' worth that an event-driven machine makes, in readings of all arrays at once."""
    return -(-matrix.reads * matrix.awake[1] // matrix.conversions)


def _isaac(m: Matrix, conversions: int, reads: int) -> list[Term]:
    return [
        Term("row drive", m.name, m.drives, "rows", c.ROW_DRIVE),
        Term("cell read", m.name, m.driven_cells, "cells", c.CELL_READ),
        Term("sample and hold", m.name, conversions, "columns", c.SAMPLE),
        Term("conversion", m.name, conversions, f"conversions to {m.adc_bits} bits", c.conversion(m.adc_bits)),
        Term("shift and add", m.name, conversions, "numbers", c.SHIFT_ADD),
        Term("input register", m.name, reads * m.rows_read, "rows", c.INPUT_REGISTER),
        Term("output register", m.name, conversions, "columns", c.OUTPUT_REGISTER),
        Term("tile register", m.name, conversions, "columns", c.TILE_REGISTER),
    ]


def _buffers(mapping: RramMapping, workload: Workload) -> list[Term]:
    """Inputs are fetched once a step, a bit each (more where they are numbers); spikes are put back as bits."""
    terms = []
    for m in mapping.matrices:
        terms += [Term("eDRAM", m.name, m.input_bytes, "B", c.EDRAM_BYTE),
                  Term("bus", m.name, m.input_bytes, "B", c.BUS_BYTE)]
    for name, work in workload.populations.items():
        if work.updates and work.spiking:
            written = -(-work.units // 8) * (work.updates // work.units)
            terms += [Term("eDRAM", name, written, "B", c.EDRAM_BYTE), Term("bus", name, written, "B", c.BUS_BYTE)]
    return terms


def _sar(mapping: RramMapping, target: str, node: int) -> Cost:
    terms = []
    for m in mapping.matrices:
        terms += [
            Term("conversion", m.name, m.conversions, f"conversions to {m.adc_bits} bits",
                 c.sar_conversion(m.adc_bits, node)),
            Term("column current in the converter", m.name, m.driven_us, "uS read", c.sar_column(m.adc_bits, node)),
            Term("cell read", m.name, m.driven_us, "uS read", c.cell_pulse(node)),
        ]
    return Cost(
        target,
        f"neurosim-{node}nm",
        f"NeuroSim's successive-approximation converters and cells of V^2 t at {node} nm, every reading made; the "
        "cells are those of the network's device.",
        tuple(terms),
        ("drivers, multiplexers, adders, registers, buffers and wires: NeuroSim computes them from layouts", *LEFT_OUT),
        ("NeuroSim has no RRAM below 22 nm.",) if node < 22 else (),
    )


def _tiles(mapping: RramMapping, target: str, workload: Workload) -> Cost:
    wall = mapping.wall_s(workload)
    return Cost(
        target,
        "tile-power",
        "ISAAC's tiles at full power for as long as the run takes: what a machine without clock gating would use.",
        (Term("tile power", "chip", mapping.tiles * wall, "tile s", c.TILE),),
        ("links between chips", "neuron circuits"),
        (f"All readings one after the other take {wall:.3g} s for {workload.total_s:.3g} s of biological time.",),
        wall,
    )


def _measured(mapping: RramMapping, target: str) -> Cost:
    terms = tuple(Term("operation", m.name, m.operations, "operations", c.HERMES) for m in mapping.matrices)
    return Cost(
        target,
        "hermes-all-in",
        "What a measured 14 nm chip of phase-change memory would use at its published efficiency, all multiplications "
        "and additions of every step counted: zeros are not skipped.",
        terms,
        ("everything that the chip's best case leaves out: arrays that are not full, neurons, inputs and outputs",),
        ("The matrices of this network may fill the chip less well than those it was measured with.",),
    )
