"""Resistive memory as a target: arrays and tiles, energy, time and area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from snnsim.core.errors import ConfigurationError, DelayError
from snnsim.core.network import Network
from snnsim.hardware.cost import Cost
from snnsim.hardware.operands import FLOAT
from snnsim.hardware.rram import constants as c
from snnsim.hardware.rram.device import Device
from snnsim.hardware.rram.energy import price
from snnsim.hardware.rram.library import rram_wan
from snnsim.hardware.rram.placement import Matrix, arrays_needed, place
from snnsim.hardware.rram.tiling import Tiling
from snnsim.hardware.target import Mapping, Target
from snnsim.hardware.workload import Workload
from snnsim.synapses.chain import Chain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ARRAYS = int(c.TILES_PER_CHIP.value or 0) * c.ARRAYS_PER_TILE


@dataclass(frozen=True)
class RramMapping(Mapping):
    """Matrices on arrays.

    Args:
        matrices: every matrix, in the order of the projections.
        tiles: tiles in use.
        step_ns: time of a step's readings, one matrix after the other (ns).
    """

    matrices: tuple[Matrix, ...]
    tiles: int
    step_ns: float

    def wall_s(self, workload: Workload) -> float:
        """Time of the whole run (s)."""
        return self.step_ns * 1e-9 * workload.steps * workload.samples

    def pictures(self) -> dict[str, Figure]:
        """How full the arrays are."""
        from snnsim.hardware.rram.picture import filled_arrays

        return {"Arrays of resistive memory": filled_arrays(self.matrices)}


class Rram(Target[RramMapping]):
    """Arrays of resistive cells with the periphery of ISAAC.

    Projections that are `Crossbar` keep their own cells, sizes and converters; others get those given here.

    Args:
        device: the cells; None: `rram_wan()`.
        tiling: sizes and levels; None: 128 x 128, weights of 8 bits in cells of 2 bits, as near as signed digits come
            to ISAAC.
        adc_bits: bits of converters that the network does not name; prices are known for 4 to 10.
        input_bits: bits of inputs that are numbers, given bit by bit.
        arrays: arrays that there are; by default those of one ISAAC chip.
        node: process of the table with NeuroSim's converters (nm).

    Raises:
        ConfigurationError: numbers out of range, or a node that NeuroSim's table lacks.

    References:
        keys shafiee2016isaac, hwcomponents, neurosim, legallo2023 of the bibliography.
    """

    name = "rram"
    title = "Resistive memory"

    def __init__(self, *, device: Device | None = None, tiling: Tiling | None = None, adc_bits: int = 8,
                 input_bits: int = 8, arrays: int = ARRAYS, node: int = 22):
        for what, value, low, high in (("adc_bits", adc_bits, 2, 16), ("input_bits", input_bits, 1, 32),
                                       ("arrays", arrays, 1, 2**40)):
            if not (isinstance(value, int) and low <= value <= high):
                raise _wrong(f"{what} = {value!r}", f"an integer from {low} to {high}")
        if node not in c.SAR:
            raise _wrong(f"node = {node!r}", f"one of {', '.join(map(str, c.SAR))} nm")
        self.device = rram_wan() if device is None else device
        self.tiling = Tiling(weight_bits=8, cell_bits=2) if tiling is None else tiling
        self.adc_bits, self.input_bits, self.arrays, self.node = adc_bits, input_bits, arrays, node

    def map(self, network: Network, workload: Workload) -> RramMapping:
        """Cut every matrix onto arrays of its own; see `Target.map` for errors."""
        _refuse_delays(network, workload.dt)
        needed = arrays_needed(network, self.tiling)
        used = sum(needed.values())
        if used > self.arrays:  # before anything of that size is made
            worst = max(needed, key=lambda name: needed[name])
            raise ConfigurationError(
                got=f"{used:,} arrays, {needed[worst]:,} of them for {worst!r}",
                expected=f"at most {self.arrays:,}",
                where="resistive memory",
                fix=f"it exceeds by {used - self.arrays:,} arrays: fewer weight bits, cells of more bits, or "
                f"Rram(arrays={used})",
            )
        matrices = place(network, workload, self.device, self.tiling, self.adc_bits, self.input_bits)
        tiles = -(-used // c.ARRAYS_PER_TILE)
        _refuse_lines(network, workload.dt, tiles)
        step_ns = sum(m.reads_a_step * _read_ns(m) for m in matrices)
        units = {name: p.units for name, p in workload.populations.items()}
        return RramMapping(self.name, _summary(matrices, tiles, step_ns, workload),
                           tuple(_notes(network, workload, matrices)), matrices, tiles, step_ns, units=units)

    def cost(self, mapping: RramMapping, workload: Workload) -> Cost:
        """Price rows, cells, converters, registers and buffers."""
        self.refuse_other(mapping, workload)
        return price(mapping, workload, self.name, self.node)


def _read_ns(matrix: Matrix) -> float:
    """A reading: the cells' cycle, or one converter going through the columns of the fullest array."""
    return max(c.CYCLE_NS, 1e9 * matrix.columns_read / (c.SAMPLES_PER_S.value or 1.0))


def _refuse_delays(network: Network, dt: float) -> None:
    for name, projection in network.projections.items():
        shape = projection.taps(dt, True)[0].shape[1:]
        if projection.connection.separate(shape, network.populations[projection.pre].shape):
            raise DelayError(
                got="a delay of its own for every synapse",
                expected="one delay for all, or for each source unit: a row is driven at once",
                where=f"projection {name!r} on resistive memory",
                fix="use one projection for each delay",
            )


def _refuse_lines(network: Network, dt: float, tiles: int) -> None:
    """Delayed spikes wait as bits in the tiles' buffers."""
    bits = sum(p.depth(dt) * network.populations[p.pre].size for p in network.projections.values())
    needed, room = -(-bits // 8), tiles * int(c.BUFFER_BYTES.value or 0)
    if needed > room:
        raise DelayError(
            got=f"{needed:,} B of spikes under way",
            expected=f"at most {room:,} B in the buffers of {tiles} tiles",
            where="resistive memory",
            fix=f"it exceeds by {needed - room:,} B: shorter delays, or a larger dt",
        )


def _summary(matrices: Sequence[Matrix], tiles: int, step_ns: float, workload: Workload) -> dict[str, object]:
    arrays = sum(m.arrays for m in matrices)
    places = sum(m.arrays * m.tiling.rows * m.tiling.columns for m in matrices)
    own = _area_mm2(matrices)
    return {
        "arrays": arrays,
        "tiles": tiles,
        "arrays by matrix": {m.name: m.arrays for m in matrices},
        "matrices": {
            m.name: f"{m.rows} x {m.columns} weights of {2 * m.tiling.digits} cells, "
            f"{m.tiling.rows} x {m.tiling.columns} cells an array" for m in matrices
        },
        "cells": sum(m.cells for m in matrices),
        "cells in use (%)": 100 * sum(m.cells for m in matrices) / places if places else 0.0,
        "readings a step": {m.name: m.reads_a_step for m in matrices},
        "bits for exact sums": {m.name: m.exact_bits for m in matrices if m.exact_bits},
        "time of a step's readings (us)": step_ns / 1e3,
        "times faster than biology, by these alone": workload.dt * 1e6 / step_ns if step_ns else 0.0,
        "area of arrays and their periphery (mm2)": {name: round(area, 6) for name, area in own.items()},
        "area of whole tiles (mm2)": tiles * (c.TILE_AREA.value or 0.0),
    }


def _area_mm2(matrices: Sequence[Matrix]) -> dict[str, float]:
    """Area of what the arrays in use need (mm2); converters of other bits by their own area where it is known."""
    areas: dict[str, float] = dict.fromkeys([*c.IMA_AREA, "sum"], 0.0)
    for m in matrices:
        for name, figure in c.IMA_AREA.items():
            area = (figure.value or 0.0) / c.ARRAYS_PER_IMA
            if name == "ADC" and m.adc_bits in c.ADC_UM2:
                area = c.ADC_UM2[m.adc_bits] * 1e-6
            elif name == "arrays":  # the other parts are one for each row or column, or one an array
                area *= m.tiling.rows * m.tiling.columns / (c.ROWS * c.COLUMNS)
            elif name in ("DAC", "input register"):
                area *= m.tiling.rows / c.ROWS
            elif name in ("sample and hold", "output register"):
                area *= m.tiling.columns / c.COLUMNS
            areas[name] += m.arrays * area
    areas["sum"] = float(np.sum(list(areas.values())))
    return areas


def _notes(network: Network, workload: Workload, matrices: Sequence[Matrix]) -> list[str]:
    notes = [
        "Each matrix has arrays of its own; all arrays of a matrix are read at once, matrices one after the other, and "
        "each array has one converter for all its columns.",
        "Inputs that are spikes are driven as one bit; delayed spikes wait in the tiles' buffers.",
    ]
    graded = [p.name for p in workload.projections.values() if p.operand == FLOAT and p.weighted]
    chains = [n for n, p in network.projections.items() if isinstance(p.connection, Chain)]
    if graded or chains:
        notes.append(f"Numbers, not spikes, go into {', '.join(dict.fromkeys([*graded, *chains]))}: bit by bit, each "
                     "bit a reading. Rows driven are counted as if all bits of a number other than 0 were 1, and sums "
                     "as if none coincided: a bound above.")
    pooled = [n for n, p in network.projections.items()
              if any(getattr(part, "weight", None) is None for part in getattr(p.connection, "parts", [p.connection]))]
    if pooled:
        notes.append(f"Pooling in {', '.join(pooled)} is wiring and is not priced.")
    if any(p.synapse.learns for p in network.projections.values()):
        notes.append("Learning is not priced: only the forward work is counted.")
    if any(m.exact_bits > m.adc_bits for m in matrices):
        notes.append("Converters have fewer bits than sums of full arrays can have: evaluate the network on crossbars "
                     "with these converters to see what it costs in accuracy.")
    odd = sorted({m.adc_bits for m in matrices} - set(c.ADC_PJ))
    if odd:
        notes.append(f"No price of a converter of {', '.join(map(str, odd))} bits is known: conversions, the largest "
                     "part, are missing from the sum.")
    return notes


def _wrong(got: str, expected: str) -> ConfigurationError:
    return ConfigurationError(got=got, expected=expected, where="Rram", fix="correct it")
