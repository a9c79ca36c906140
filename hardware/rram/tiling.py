"""`Tiling`: how a matrix of weights is cut onto arrays of cells."""

from __future__ import annotations

from math import ceil

import equinox as eqx

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import static

LARGEST = 4096  # rows or columns of an array; larger ones have not been built


class Tiling(eqx.Module):
    """Sizes of an array, and how many cells hold a weight.

    A weight w is a difference of conductances of two cells (or of two rows of digits of cells): one holds the
    positive part, the other the negative. With `weight_bits` the magnitude is one of 2^(weight_bits - 1) - 1 levels;
    with `cell_bits` it is cut into ``ceil((weight_bits - 1) / cell_bits)`` digits of 2^cell_bits levels, one cell
    each, which stand in neighbouring columns of one array. Without `weight_bits` one cell holds any value.

    Args:
        rows: rows (inputs) of an array.
        columns: columns (outputs) of an array.
        weight_bits: bits of a weight, sign included; None is an analogue value.
        cell_bits: bits of a cell; None: one cell holds the whole magnitude.
        pair: "arrays": positive and negative parts are in two arrays, read and converted apart, and subtracted as
            numbers. "columns": in neighbouring columns of one array, subtracted as currents before the converter.

    Raises:
        ConfigurationError: sizes or bits out of range, cell bits without weight bits, an array that cannot hold the
            columns of one weight.

    Example:
        >>> Tiling(weight_bits=8, cell_bits=2).digits, Tiling(weight_bits=8, cell_bits=2).per_array
        (4, 32)
    """

    rows: int = static(128, doc="rows of an array")
    columns: int = static(128, doc="columns of an array")
    weight_bits: int | None = static(None, doc="bits of a weight, sign included; None is analogue")
    cell_bits: int | None = static(None, doc="bits of a cell; None holds the whole magnitude")
    pair: str = static("arrays", doc="where positive and negative parts are", choices=("arrays", "columns"))

    def __check_init__(self):
        for name, low, high in (("rows", 1, LARGEST), ("columns", 1, LARGEST), ("weight_bits", 2, 24),
                                ("cell_bits", 1, 16)):
            value = getattr(self, name)
            fits = isinstance(value, int) and low <= value <= high
            if not (fits or (value is None and name.endswith("bits"))):
                raise _wrong(f"{name} = {value!r}", f"an integer from {low} to {high}", f"correct {name}")
        if self.pair not in ("arrays", "columns"):
            raise _wrong(f"pair = {self.pair!r}", "'arrays' or 'columns'", "choose one of these")
        if self.weight_bits is None and self.cell_bits is not None:
            raise _wrong(f"cell_bits = {self.cell_bits} without weight_bits", "both, or neither",
                         f"pass weight_bits={self.cell_bits + 1} for one cell a part")
        if not self.per_array:
            raise _wrong(f"{self.per_weight} columns a weight in arrays of {self.columns} columns",
                         "at least one weight in a row", "use wider arrays, fewer weight bits or more cell bits")

    @property
    def levels(self) -> int | None:
        """Largest integer that stands for a magnitude; None is analogue."""
        return None if self.weight_bits is None else 2 ** (self.weight_bits - 1) - 1

    @property
    def base(self) -> int | None:
        """Levels of a cell, 0 included; None is analogue."""
        if self.levels is None:
            return None
        return self.levels + 1 if self.cell_bits is None else min(2**self.cell_bits, self.levels + 1)

    @property
    def digits(self) -> int:
        """Cells that hold one part of a weight."""
        if self.weight_bits is None or self.cell_bits is None:
            return 1
        return ceil((self.weight_bits - 1) / self.cell_bits)

    @property
    def per_weight(self) -> int:
        """Columns of an array that one weight takes."""
        return self.digits * (2 if self.pair == "columns" else 1)

    @property
    def per_array(self) -> int:
        """Weights in a row of an array."""
        return self.columns // self.per_weight

    @property
    def signs(self) -> int:
        """Arrays that hold the two parts of the same weights: 2, or 1 where they share an array."""
        return 1 if self.pair == "columns" else 2

    def cut(self, rows: int, columns: int) -> tuple[int, int]:
        """Arrays down and across that a matrix of this size takes (of each sign)."""
        return ceil(rows / self.rows), ceil(columns / self.per_array)

    def arrays(self, rows: int, columns: int) -> int:
        """Arrays that a matrix of this size takes."""
        down, across = self.cut(rows, columns)
        return down * across * self.signs


def _wrong(got: str, expected: str, fix: str) -> ConfigurationError:
    return ConfigurationError(got=got, expected=expected, where="Tiling", fix=fix)
