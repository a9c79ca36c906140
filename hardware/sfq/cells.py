"""Cells of a published library for the process MIT LL SFQ5ee: junctions, delay, area, static power, energy.

The figures are those of XQsim's table of RSFQlib v2.1. Where the netlists of RSFQlib v3.0 differ, their bias current
times the bias voltage, and the sum of their critical currents times the flux quantum, are the other end of the band.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from types import MappingProxyType

from snnsim.hardware.figure import Figure
from snnsim.hardware.sfq import constants as c


@dataclass(frozen=True)
class Cell:
    """A cell.

    Args:
        name: as it is printed.
        junctions: Josephson junctions in it.
        delay: of a pulse through it (ps).
        area: um2.
        static: power in its bias resistors (nW), 0 in ERSFQ.
        energy: of one access (aJ); not known for converters.
    """

    name: str
    junctions: Figure
    delay: Figure
    area: Figure
    static: Figure
    energy: Figure

    @property
    def bias_ma(self) -> float:
        """Bias current (mA) that the static power implies."""
        return (self.static.value or 0.0) * 1e-3 / (c.BIAS_VOLTAGE.value or 1.0)


def _band(value: float, other: float | None, unit: str, place: str, note: str) -> Figure:
    low, high = (None, None) if other is None else (min(value, other), max(value, other))
    place = place if other is None else f"{place}; other end of the band: {note} of RSFQlib v3.0"
    return Figure(value, unit, "xqsim", "code", low=low, high=high, place=place, operating_point="4.2 K, SFQ5ee")


def _cell(
    name: str,
    row: str,
    junctions: int,
    delay: float | None,
    area: float,
    static: float,
    energy: float | None,
    third: tuple[float, float] | None = None,
) -> Cell:
    place = f"mitll_v2p1.csv, {row}"

    def plain(value: float | None, unit: str) -> Figure:
        return Figure(value, unit, "xqsim", "code", place=place, operating_point="SFQ5ee")

    bias, switched = third or (None, None)
    return Cell(
        name,
        plain(junctions, "JJ"),
        plain(delay, "ps"),
        plain(area, "um2"),
        _band(static, bias and bias * (c.BIAS_VOLTAGE.value or 0.0), "nW", place, f"{bias} uA"),
        plain(None, "aJ") if energy is None else _band(energy, switched, "aJ", place, "sum of I_c Phi_0"),
    )


def _soma() -> Cell:
    """A soma and the line of two junctions that it drives: half as much again as a JTL."""

    def times(figure: Figure, factor: float) -> Figure:
        place = "one and a half times mitll_jtl: a soma is taken as a line's junction, and drives a line of two"
        return Figure((figure.value or 0.0) * factor, figure.unit, "xqsim", "derived", place=place)

    jtl = _JTL
    return Cell("SOMA", *(times(f, 1.5) for f in (jtl.junctions, jtl.delay, jtl.area, jtl.static, jtl.energy)))


_JTL = _cell("JTL", "mitll_jtl", 2, 3.5, 2100, 910, 1.03)
CELLS = MappingProxyType(
    {
        cell.name: cell
        for cell in (
            _JTL,
            _cell("SPLIT", "mitll_split", 4, 6.8, 3500, 2093, 2.17, (525, 1.55)),
            _cell("MERGE", "mitll_merge", 8, 10.7, 4900, 2526, 3.09, (775, 3.32)),
            _cell("PTL-TX", "mitll_ptltx", 2, 3.3, 2100, 910, 1.03),
            _cell("PTL-RX", "mitll_ptlrx", 3, 5.5, 2800, 782, 1.27),
            _cell("DFF", "mitll_dff", 7, 5.8, 4200, 1815, 2.84, (775, 3.32)),
            _cell("NDRO", "mitll_ndro", 11, 5.0, 4900, 2878, 4.71, (1125, 4.90)),
            _cell("AND", "mitll_and", 15, 7.0, 6300, 2805, 5.78),
            _cell("OR", "mitll_or", 12, 5.5, 5600, 2980, 5.3),
            _cell("XOR", "mitll_xor", 11, 5.8, 4900, 2402, 4.64),
            _cell("NOT", "mitll_not", 9, 10.8, 4900, 2259, 3.66),
            _cell("DC/SFQ", "mitll_dcsfq", 3, None, 2100, 1170, None),
            _cell("SFQ/DC", "mitll_sfqdc", 8, None, 4200, 1898, None),
            _soma(),
        )
    }
)
"""RSFQ cells by name. "SOMA" is ours, put together from a JTL; all others are the library's."""


def _ersfq(cell: Cell) -> Cell:
    def times(figure: Figure, factor: float) -> Figure:
        ends = [None if end is None else end * factor for end in (figure.low, figure.value, figure.high)]
        if factor == 0 or figure.value is None:
            ends = [None, None if figure.value is None else 0.0, None]
        return Figure(
            ends[1],
            figure.unit,
            figure.source,
            figure.evidence,
            low=ends[0],
            high=ends[2],
            operating_point=figure.operating_point,
            place=f"{figure.place}; {c.ERSFQ_PLACE}",
        )

    return Cell(
        cell.name,
        times(cell.junctions, c.ERSFQ_SIZE),
        cell.delay,
        times(cell.area, c.ERSFQ_SIZE),
        times(cell.static, 0.0),
        times(cell.energy, c.ERSFQ_ENERGY),
    )


LIBRARIES = MappingProxyType(
    {"rsfq": CELLS, "ersfq": MappingProxyType({name: _ersfq(cell) for name, cell in CELLS.items()})}
)
"""Cells by family and name."""


def amount(cells: Counter, family: str, what: str) -> float:
    """Sum of a figure over cells.

    Args:
        cells: number of each.
        family: a key of `LIBRARIES`.
        what: "junctions", "area" (um2) or "static" (nW).

    Example:
        >>> amount(Counter({"JTL": 2, "SPLIT": 1}), "rsfq", "junctions")
        8.0
    """
    return float(sum(n * (getattr(LIBRARIES[family][name], what).value or 0.0) for name, n in cells.items()))


def bias_current_a(cells: Counter) -> float:
    """Bias current of cells (A); both families need it."""
    return sum(n * CELLS[name].bias_ma for name, n in cells.items()) * 1e-3
