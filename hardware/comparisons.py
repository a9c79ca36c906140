"""The report's comparisons as rows: changed runs, other machines, and the quantised network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnsim.hardware.formats import si
from snnsim.hardware.quoted.rows import ROWS

if TYPE_CHECKING:
    from snnsim.hardware.report import Report


def change_head(report: Report) -> tuple[str, ...]:
    """Head of `change_rows`."""
    return ("target", "table", "as it ran", *(each.change.title for each in report.changed))


def change_rows(report: Report) -> list[tuple[str, ...]]:
    """Energy of one sample by each table, as it ran and changed, with the factor between them."""
    rows: list[tuple[str, ...]] = []
    for outcome, cost in report.tables:
        now = report.per_sample_j(cost)
        cells = []
        for each in report.changed:
            then = each.per_sample_j(outcome.name, cost.table)
            factor = f" (x {then / now:.2g})" if then is not None and now else ""
            cells.append("refused" if then is None and now is not None else si(then, "J") + factor)
        rows.append((outcome.title, cost.table, si(now, "J"), *cells))
    return rows


CHANGES_SAY = (
    "Counts scaled in proportion, each sample priced again; whether the network would still solve its task was not "
    "tested. How many neurons are active is taken to stay as it was."
)
QUOTED_HEAD = ("machine", "figure", "for one", "evidence", "scope", "at", "source", "why it is not the price here")
QUOTED_SAY = "Published totals of other machines or tasks. They are not prices of this network and enter no sum."


def quoted_rows() -> list[tuple[str, ...]]:
    """Rows for comparison, by `QUOTED_HEAD`."""
    return [(row.title, str(row.figure), row.per, row.figure.evidence, row.figure.scope, row.figure.operating_point,
             row.figure.reference.short, row.caveat) for row in ROWS]


THREE_HEAD = ("45 nm arithmetic", "energy / sample", "of the quantised network's")
THREE_SAY = (
    "What papers print, what it leaves out, and what it should beat: a conventional network with the same synapses and "
    "activations of as many bits as the steps can tell apart, its weights from the same memory."
)
_THREE = {"operations": "operations only", "operations+sram": "with memory (small SRAM)",
          "quantised-dense": "quantised network of the same shape"}


def three_rows(report: Report) -> list[tuple[str, ...]]:
    """Operations, operations with memory and the quantised network, by `THREE_HEAD`; none without that target."""
    costs = {cost.table: report.per_sample_j(cost) for o, cost in report.tables if o.name == "arithmetic"}
    base = costs.get("quantised-dense")
    if not base:
        return []
    return [(name, si(costs[table], "J"), "" if costs[table] is None else f"x {(costs[table] or 0.0) / base:.3g}")
            for table, name in _THREE.items() if table in costs]
