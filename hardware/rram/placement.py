"""Where the matrices of a network are, and how often their rows are driven."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil, log2, prod

import jax.numpy as jnp
import numpy as np

from snnsim.core.connection import AbstractConnection
from snnsim.core.network import Network
from snnsim.hardware.operands import FLOAT
from snnsim.hardware.rram.cells import on_arrays, targets
from snnsim.hardware.rram.crossbar import Crossbar
from snnsim.hardware.rram.device import Device
from snnsim.hardware.rram.tiling import Tiling
from snnsim.hardware.rram.unrolled import unrolled
from snnsim.hardware.workload import Workload
from snnsim.synapses.chain import Chain


@dataclass(frozen=True)
class Matrix:
    """One matrix on arrays, and its work over all samples and steps.

    Args:
        name: the projection, with the part of a chain.
        tiling: sizes of its arrays.
        rows: rows of weights.
        columns: columns of weights, of all groups.
        groups: matrices side by side.
        down: arrays one below the other, of each group and sign.
        across: arrays side by side, of each group and sign.
        arrays: arrays in all.
        cells: cells that hold a weight or a digit of one.
        reads_a_step: readings in a step: one for each place of a kernel, times the bits of an input.
        reads: readings over all samples and steps.
        operations: multiplications and additions of a dense product, over all samples and steps.
        drives: rows of arrays driven; where inputs are numbers or sums, at most so many.
        driven_cells: cells in driven rows.
        driven_us: their conductance (uS), summed.
        conversions: columns converted if every reading is made.
        awake: conversions of readings with a driven row: (at least, at most).
        adc_bits: bits of its converter.
        input_bytes: bytes of inputs fetched from the buffer.
        fill: part of its arrays' cells in use, one number each array.
    """

    name: str
    tiling: Tiling
    rows: int
    columns: int
    groups: int
    down: int
    across: int
    arrays: int
    cells: int
    reads_a_step: int
    reads: int
    operations: int
    drives: int
    driven_cells: int
    driven_us: float
    conversions: int
    awake: tuple[int, int]
    adc_bits: int
    input_bytes: int
    fill: np.ndarray = field(repr=False, compare=False)

    @property
    def columns_read(self) -> int:
        """Converters' worth of columns in the fullest array."""
        used = min(self.tiling.per_array, self.columns // self.groups) * self.tiling.per_weight
        return used // 2 if self.tiling.signs == 1 else used

    @property
    def rows_read(self) -> int:
        """Rows of arrays in use, over all arrays."""
        return self.rows * self.groups * self.across * self.tiling.signs

    @property
    def exact_bits(self) -> int:
        """Bits of a converter that would tell every sum of a full array apart; 0 for cells without levels."""
        if self.tiling.base is None:
            return 0
        return ceil(log2(self.tiling.rows * (self.tiling.base - 1) + 1)) + (self.tiling.signs == 1)


def _parts(network: Network, name: str) -> list[AbstractConnection]:
    connection = network.projections[name].connection
    return list(connection.parts) if isinstance(connection, Chain) else [connection]


def arrays_needed(network: Network, tiling: Tiling) -> dict[str, int]:
    """Arrays of each projection that has weights, from sizes alone.

    Raises:
        UnsupportedError: weights that are no matrix.
        ConfigurationError: a matrix too large to be looked at.
    """
    needed: dict[str, int] = {}
    for name in network.projections:
        for part in _parts(network, name):
            if getattr(part, "weight", None) is not None:
                own, stored = (part.tiling, part.stored) if isinstance(part, Crossbar) else (tiling, part)
                view = unrolled(stored, f"projection {name!r} on resistive memory")
                arrays = view.groups * own.arrays(view.shape[0], view.shape[1] // view.groups)
                needed[name] = needed.get(name, 0) + arrays
    return needed


def place(network: Network, workload: Workload, device: Device, tiling: Tiling, adc_bits: int,
          input_bits: int) -> tuple[Matrix, ...]:
    """Every matrix of the network; those that are crossbars already keep their own cells, sizes and converters.

    Raises:
        UnsupportedError: weights that are no matrix.
    """
    found = []
    for name, projection in network.projections.items():
        work = workload.projections[name]
        shapes = [network.populations[projection.pre].shape, network.populations[projection.post].shape]
        taps = len(projection.taps(workload.dt, True)[0])
        signals = taps * np.asarray(workload.unit_counts[projection.pre], np.float64).reshape(shapes[0])
        parts = _parts(network, name)
        if isinstance(projection.connection, Chain):
            shapes[1:1] = projection.connection.between
        bits = input_bits if work.operand == FLOAT else 1
        for k, part in enumerate(parts):
            if getattr(part, "weight", None) is not None:
                bar = part if isinstance(part, Crossbar) else Crossbar(part, device, tiling)
                title = name if len(parts) == 1 else f"{name}.{k}"
                steps = workload.steps * workload.samples * taps
                own = bar.converters.adc_bits or adc_bits
                found.append(_matrix(title, bar, shapes[k + 1], signals, steps, bits, own, exact=k == 0))
            if k + 1 < len(parts):
                # What comes out between two parts are sums; each input reaches it by so many ways at most.
                signals, bits = np.asarray(part.structure()(jnp.asarray(signals[None], jnp.float32)))[0], input_bits
    return tuple(found)


def _matrix(name: str, bar: Crossbar, post: tuple[int, ...], signals: np.ndarray, steps: int, bits: int,
            adc_bits: int, exact: bool) -> Matrix:
    tiling, view = bar.tiling, unrolled(bar.stored, name)
    weights = view.matrix()
    (rows, columns), groups = weights.shape, view.groups
    down, across = tiling.cut(rows, columns // groups)
    held = targets(weights, bar.device, tiling, bar.scaling)
    conductance = np.asarray(held.g, np.float64).sum((0, 1))
    driven = bits * view.activations(signals)
    once = driven[:, :: columns // groups]  # [rows, groups]: all columns of a group see the same
    reads_a_step = view.reads(post) * bits
    reads = reads_a_step * steps
    blocks = np.add.reduceat(once, np.arange(0, rows, tiling.rows), axis=0)
    # A row is driven at most once a reading, so there are as many readings as the busiest row has drives; of a number
    # at least one bit is driven, and of sums nothing is known.
    busiest = np.maximum.reduceat(once, np.arange(0, rows, tiling.rows), axis=0) // bits * exact
    converters = columns // groups * tiling.digits * tiling.signs  # of a block of a group
    used = np.asarray(on_arrays(jnp.ones_like(held.g), tiling, groups)).sum((-1, -2))
    return Matrix(
        name=name,
        tiling=tiling,
        rows=rows,
        columns=columns,
        groups=groups,
        down=down,
        across=across,
        arrays=down * across * tiling.signs * groups,
        cells=2 * tiling.digits * rows * columns,
        reads_a_step=reads_a_step,
        reads=reads,
        operations=2 * rows * columns * view.reads(post) * steps,
        drives=round(once.sum()) * across * tiling.signs,
        driven_cells=round(driven.sum()) * 2 * tiling.digits,
        driven_us=float((driven * conductance).sum()),
        conversions=reads * groups * down * converters,
        awake=(converters * int(np.minimum(busiest, reads).sum()), converters * int(np.minimum(blocks, reads).sum())),
        adc_bits=adc_bits,
        input_bytes=ceil(prod(signals.shape) * bits / 8) * steps,
        fill=used.reshape(-1) / (tiling.rows * tiling.columns),
    )
