"""Resistive memory: what its parts cost, each number with its source."""

from __future__ import annotations

from snnsim.hardware.figure import Figure

# -- ISAAC: a design of 2016, computed and not built -------------------------------------------------------------
_POINT = "32 nm, 1.2 GHz, a design that was not built, quoted second-hand from the version corrected in October 2016"
CYCLE_NS = 100.0  # of reading an array
IMAS, ARRAYS_PER_IMA, ROUTER_TILES = 12, 8, 4  # in-situ units a tile, arrays a unit, tiles that share a router
ARRAYS_PER_TILE = IMAS * ARRAYS_PER_IMA
ROWS = COLUMNS = 128


def _isaac(value: float, unit: str, what: str, evidence: str = "second-hand") -> Figure:
    return Figure(value, unit, "shafiee2016isaac", evidence, operating_point=_POINT, place=f"Table I, {what}")


# Powers and areas of everything in a tile, with the number of each; the unit of the router serves four tiles.
IMA_POWER = {
    "ADC": _isaac(16.0, "mW", "8 ADCs of 8 bits and 1.2 GS/s a unit"),
    "DAC": _isaac(4.0, "mW", "1,024 DACs of 1 bit a unit"),
    "sample and hold": _isaac(10.0, "uW", "1,024 sample-and-holds a unit"),
    "arrays": _isaac(2.4, "mW", "8 arrays of 128 x 128 cells of 2 bits a unit"),
    "shift and add": _isaac(0.2, "mW", "4 shift-and-adds a unit"),
    "input register": _isaac(1.24, "mW", "2 KB input register a unit"),
    "output register": _isaac(0.23, "mW", "256 B output register a unit"),
}
IMA_AREA = {
    "ADC": _isaac(0.0096, "mm2", "8 ADCs a unit"),
    "DAC": _isaac(0.00017, "mm2", "1,024 DACs a unit"),
    "sample and hold": _isaac(0.00004, "mm2", "1,024 sample-and-holds a unit"),
    "arrays": _isaac(0.0002, "mm2", "8 arrays a unit"),
    "shift and add": _isaac(0.00024, "mm2", "4 shift-and-adds a unit"),
    "input register": _isaac(0.0021, "mm2", "input register a unit"),
    "output register": _isaac(0.00077, "mm2", "output register a unit"),
}
TILE_POWER = {
    "eDRAM": _isaac(20.7, "mW", "64 KB eDRAM buffer a tile"),
    "bus": _isaac(7.0, "mW", "bus a tile"),
    "router": _isaac(42.0, "mW", "router of 4 tiles"),
    "sigmoid": _isaac(0.52, "mW", "sigmoid units a tile"),
    "output register": _isaac(1.68, "mW", "3 KB output register a tile"),
}
TILE = _isaac(330.0, "mW", "tile")
TILE_AREA = _isaac(0.372, "mm2", "tile")
TILES_PER_CHIP = _isaac(168, "tiles", "chip")
BUFFER_BYTES = _isaac(64 * 1024, "B", "eDRAM buffer a tile")
SAMPLES_PER_S = _isaac(1.2e9, "1/s", "rate of an ADC")


def ima_power_w() -> float:
    """Power of an in-situ unit (W), all its parts busy in every cycle."""
    return sum(figure.band()[1] or 0.0 for figure in IMA_POWER.values())


def tile_power_w() -> float:
    """Power of a tile (W): its units and what they share, a quarter of a router among it."""
    shared = {name: figure.band()[1] or 0.0 for name, figure in TILE_POWER.items()}
    return IMAS * ima_power_w() + sum(shared.values()) - shared["router"] * (1 - 1 / ROUTER_TILES)


def _event(value: float, unit: str, what: str, low: float | None = None, high: float | None = None) -> Figure:
    return Figure(value, unit, "hwcomponents", "second-hand", low=low, high=high, operating_point=_POINT,
                  place=f"isaac.py, {what}")


ROW_DRIVE = _event(0.39, "pJ", "a row driven by a DAC of 1 bit; high: other rounding of the clock", high=0.417)
SAMPLE = _event(1.0, "fJ", "a column sampled and held")
CELL_READ = _event(1.83, "fJ", "a cell of 2 bits in a driven row")
SHIFT_ADD = _event(0.021, "pJ", "a converted number shifted and added")
EDRAM_BYTE = _event(2.02, "pJ", "a byte of eDRAM")
BUS_BYTE = _event(0.684, "pJ", "a byte over the tile's bus")
# Energy of an ADC by bits (pJ) and its area (um2), scaled from ISAAC's 8 bits.
ADC_PJ = {4: 0.79, 5: 0.99, 6: 1.20, 7: 1.42, 8: 1.67, 9: 1.97, 10: 2.38}
ADC_UM2 = {4: 361, 5: 477, 6: 627, 7: 845, 8: 1200, 9: 1828, 10: 3002}
SURVEY_PJ = {5: 0.94, 8: 1.71}  # at 32 nm and 100 MS/s, from a regression over published converters

_BUSY = "; if all arrays of a unit are read in every cycle of 100 ns"


def _share(power: Figure, of: int, what: str) -> Figure:
    joules = (power.band()[1] or 0.0) * CYCLE_NS * 1e-9 / of
    return Figure(joules * 1e12, "pJ", "shafiee2016isaac", "derived", operating_point=_POINT + _BUSY,
                  place=f"{power.place}: {power} x 100 ns / {of:,} {what}")


INPUT_REGISTER = _share(IMA_POWER["input register"], ARRAYS_PER_IMA * ROWS, "rows")
OUTPUT_REGISTER = _share(IMA_POWER["output register"], ARRAYS_PER_IMA * COLUMNS, "columns")
TILE_REGISTER = _share(TILE_POWER["output register"], ARRAYS_PER_TILE * COLUMNS, "columns")


def conversion(bits: int) -> Figure:
    """Energy of a conversion by ISAAC's converter; the band reaches to the survey's where both are known."""
    known = ADC_PJ.get(bits)
    if known is None:
        return Figure(None, "pJ", "hwcomponents", "second-hand", operating_point=_POINT,
                      place=f"isaac.py, no converter of {bits} bits")
    ends = [known, SURVEY_PJ.get(bits, known), *([16.0 / 8 / 1.28] if bits == 8 else [])]  # clocked for 128 in 100 ns
    return _event(known, "pJ", f"a conversion to {bits} bits; the band adds the same converter at 1.28 GS/s and, at 5 "
                  "and 8 bits, a regression over published converters (hwcomponents-adc)", min(ends), max(ends))


# -- NeuroSim's successive-approximation converter -----------------------------------------------------------------
# node (nm): (uW a bit, uW, V^2) of P = a bits + b + c / R_column, and read voltage (V).
SAR = {130: (8.4483, 65.243, 0.169380), 90: (5.9869, 37.462, 0.144323), 65: (3.7506, 25.844, 0.121272),
       45: (2.1691, 16.693, 0.100225), 32: (1.1294, 8.8998, 0.079449), 22: (0.538, 4.3753, 0.072341),
       14: (0.3132, 2.5681, 0.061085), 7: (0.1061, 0.8847, 0.043555)}
READ_V = {130: 0.58, 90: 0.58, 65: 0.55, 45: 0.51, 32: 0.51, 22: 0.55, 14: 0.277, 7: 0.264}
PULSE_NS, BIT_NS, LAYOUT, REFERENCE_V = 10.0, 1.0, 1.22, 0.5


def _neurosim(value: float, unit: str, node: int, place: str) -> Figure:
    """A price of NeuroSim, with its factor from circuit to layout; the low end is without it."""
    return Figure(value * LAYOUT, unit, "neurosim", "simulated", low=value, high=value * LAYOUT,
                  operating_point=f"{node} nm, low standby power, 300 K, x {LAYOUT} for the layout (zeta)", place=place)


def sar_conversion(bits: int, node: int) -> Figure:
    """A conversion in ``bits + 1`` ns without the part that depends on the column (fJ)."""
    a, b, _ = SAR[node]
    return _neurosim((a * bits + b) * (bits + 1) * BIT_NS, "fJ", node, "SarADC.cpp, (a bits + b) (bits + 1) ns")


def sar_column(bits: int, node: int) -> Figure:
    """The part of a conversion that grows with the conductance of the column (fJ a uS)."""
    scale = READ_V[node] / REFERENCE_V
    return _neurosim(SAR[node][2] * scale * (bits + 1) * BIT_NS, "fJ", node,
                     "SarADC.cpp, c (bits + 1) ns a column's conductance x V_read / 0.5 V")


def cell_pulse(node: int) -> Figure:
    """Energy in the cells, ``V^2 t`` a uS (fJ)."""
    return _neurosim(READ_V[node] ** 2 * PULSE_NS, "fJ", node,
                     f"Param.cpp, readVoltage {READ_V[node]} V, readPulseWidth 10 ns: V^2 t")


# -- a measured chip, all in ---------------------------------------------------------------------------------------
HERMES = Figure(
    round(1 / 9.76, 4),
    "pJ",
    "legallo2023",
    "abstract",
    scope="all-in",
    high=round(1 / 2.48, 4),
    operating_point="14 nm, 64 cores of phase-change memory, 8-bit inputs and outputs; 9.76 TOPS/W read in one phase, "
    "high: 2.48 TOPS/W in four",
    place="abstract; an operation is a multiplication or an addition",
)
NEURON_UPDATE = Figure(None, "pJ", "shafiee2016isaac", "second-hand", place="Table I has no spiking neurons")
