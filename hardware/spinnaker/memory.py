"""Memory of a core: ring buffers, tables and state in its data memory, synaptic rows in the memory of its chip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log2

import numpy as np

from snnsim.core.errors import ConfigurationError, SnnsimError
from snnsim.hardware.spinnaker import constants as c
from snnsim.hardware.spinnaker.application import Application, Rows, slice_starts

BUFFERS = 2  # synaptic rows are fetched into one while the other is worked on


@dataclass(frozen=True, eq=False)
class Memory:
    """Memory of the cores of one population.

    Args:
        dtcm_bytes: data memory of a core by what it holds (B); without what the program itself needs.
        sdram_bytes: synaptic rows and their tables in the chip's memory, of each core, int64 ``[slices]``.
        row_words: longest synaptic row.
        excess: what does not fit and by how much, None if all does.
    """

    dtcm_bytes: Mapping[str, int]
    sdram_bytes: np.ndarray
    row_words: int
    excess: SnnsimError | None

    @property
    def dtcm(self) -> int:
        """Data memory of a core (B)."""
        return sum(self.dtcm_bytes.values())


def memory_of(application: Application, name: str, sizes: Mapping[str, int], rows: Mapping[str, Rows], longest: int
              ) -> Memory:
    """Memory of the cores of population `name` with delays of up to `longest` steps in its buffers; `sizes` of slices.

    A row is three words and one word a synapse, and all rows of a source slice are as long as its longest.
    """
    cells, joins, size = application.cells[name], application.incoming(name), sizes[name]
    slices = len(slice_starts(cells.units, size))
    table = int(c.TABLE_HEADER_BYTES.value or 0)
    sdram = np.zeros(slices, np.int64)
    widest, worst = 0, ""
    for join in joins:
        found = rows[join.name].longest
        total = application.cells[join.pre].units
        units = np.diff(np.append(slice_starts(total, sizes[join.pre]), total))
        words = np.where(found > 0, found + int(c.ROW_HEADER_WORDS.value or 0), 0)
        sdram += (words * units[None, :, None]).sum((0, 1)) * c.WORD_BYTES
        table += int((c.TABLE_ENTRY_BYTES.value or 0) + (c.TABLE_ADDRESS_BYTES.value or 0)) * found.shape[0]
        if int(found.max(initial=0)) > widest:
            widest, worst = int(found.max(initial=0)), join.name
    held: dict[str, int] = {}
    if cells.role == "neurons":
        bits = ceil(log2(size)) + ceil(log2(c.SYNAPSE_TYPES)) + ceil(log2(longest))
        held = {"ring buffers": 2**bits * c.RING_ENTRY_BYTES,
                "state": size * c.WORD_BYTES * cells.state_variables,
                "population table": table,
                "spike buffer": int(c.SPIKE_BUFFER.value or 0) * c.WORD_BYTES,
                "row buffers": BUFFERS * (widest + int(c.ROW_HEADER_WORDS.value or 0)) * c.WORD_BYTES}
        sdram += table
    return Memory(held, sdram, widest, _excess(name, size, sum(held.values()), int(sdram.max()), widest, worst))


def _excess(name: str, size: int, dtcm: int, sdram: int, widest: int, worst: str) -> SnnsimError | None:
    where = f"population {name!r} on SpiNNaker, {size} a core"
    words, limit = int(c.ROW_WORDS.value or 0), int(c.DTCM_BYTES.value or 0)
    if widest > words:
        return ConfigurationError(got=f"a row of {widest} synapses from one source unit onto one core",
                                  expected=f"at most {words} words", where=f"projection {worst!r} on SpiNNaker",
                                  fix=f"remove {widest - words} of its repeated synapses, or split it")
    if dtcm > limit:
        return ConfigurationError(got=f"{dtcm:,} B of data memory", expected=f"at most {limit:,} B a core", where=where,
                                  fix=f"it exceeds by {dtcm - limit:,} B: fewer sources or shorter delays")
    most = int(c.SDRAM_BYTES.value or 0)
    if sdram > most:
        return ConfigurationError(got=f"{sdram:,} B of synapses on one core", expected=f"at most {most:,} B a chip",
                                  where=where, fix=f"it exceeds by {sdram - most:,} B: fewer sources or sparser "
                                  "projections")
    return None
