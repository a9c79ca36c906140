"""The report as rows: terms for CSV, Markdown, and the terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from snnsim.hardware.comparisons import (
    CHANGES_SAY,
    QUOTED_HEAD,
    QUOTED_SAY,
    THREE_HEAD,
    THREE_SAY,
    change_head,
    change_rows,
    quoted_rows,
    three_rows,
)
from snnsim.hardware.cost import Cost, share, term_row
from snnsim.hardware.formats import UNKNOWN, band, number, plain, si

if TYPE_CHECKING:
    from snnsim.hardware.report import Report
    from snnsim.hardware.workload import Workload

LAYER_HEAD = (
    "projection",
    "operand",
    "synapses",
    "weights (B)",
    "signals / sample",
    "events / sample",
    "dense / sample",
)
UNIT_HEAD = ("population", "neuron", "units", "spikes / sample", "updates / sample", "driven", "state (B)")


def term_rows(report: Report) -> list[dict[str, Any]]:
    """One flat row for each term: counts, price, source, energy, and energy by sample and biological second."""
    rows: list[dict[str, Any]] = []
    work = report.workload
    for outcome, cost in report.tables:
        for term in cost.terms:
            row = {"target": outcome.name, "table": cost.table, **term_row(term)}
            energy = term.energy_j
            row["energy_per_sample_j"] = None if energy is None else energy / work.samples
            row["energy_per_biological_second_j"] = None if energy is None else energy / work.total_s
            rows.append(row)
    return rows


def csv_text(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as CSV; what is not known is empty."""
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]) if rows else ["target"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def layer_rows(report: Report) -> list[tuple[str, ...]]:
    """Counts of each projection, by `LAYER_HEAD`."""
    n = report.workload.samples
    return [
        (
            p.name,
            {"spike": "spikes (AC)", "float": "numbers (MAC)"}[p.operand],
            number(p.synapses),
            number(p.weight_bytes),
            number(p.signals / n),
            number(p.events / n),
            number(p.dense_events / n),
        )
        for p in report.workload.projections.values()
    ]


def unit_rows(report: Report) -> list[tuple[str, ...]]:
    """Counts of each population, by `UNIT_HEAD`."""
    n = report.workload.samples
    rows: list[tuple[str, ...]] = []
    for p in report.workload.populations.values():
        driven = "" if p.is_input else "not recorded" if p.driven is None else f"{100 * p.driven / p.updates:.1f} %"
        rows.append(
            (
                p.name,
                p.kind,
                number(p.units),
                number(p.spikes / n),
                number(p.updates / n),
                driven,
                number(p.state_bytes),
            )
        )
    return rows


COMPARISON_HEAD = (
    "target",
    "table",
    "energy / sample",
    "band",
    "per biological second",
    "per synaptic event",
    "scope",
    "evidence",
)


def comparison_rows(report: Report) -> list[tuple[str, ...]]:
    """Energy of each table, by `COMPARISON_HEAD`."""
    rows: list[tuple[str, ...]] = []
    for outcome, cost in report.tables:
        values = report.normalised(cost)
        n = report.workload.samples
        low, _, high = cost.band_j()
        ends = "" if low is None or high is None else band(low / n, high / n, "J")
        rows.append(
            (
                outcome.title,
                cost.table,
                si(values["per_sample_j"], "J"),
                ends,
                si(values["per_biological_second_j"], "J"),
                per_event(report, cost),
                cost.scope,
                ", ".join(cost.evidence),
            )
        )
    return rows


def per_event(report: Report, cost: Cost) -> str:
    """Energy per synaptic event, or that there was none."""
    return "no events" if not report.workload.events else si(report.normalised(cost)["per_synaptic_event_j"], "J")


def headline(report: Report) -> list[tuple[str, str]]:
    """Pairs (what, value) for the head of a report."""
    work = report.workload
    pairs = [] if report.accuracy is None else [("accuracy", f"{100 * report.accuracy:.1f} %")]
    pairs += [
        ("spikes per sample", number(work.spikes / work.samples)),
        ("synaptic events per sample", number(work.events / work.samples)),
    ]
    return pairs


def subtitle(report: Report) -> str:
    """Samples, duration and step in one line."""
    work = report.workload
    plural = "" if work.samples == 1 else "s"
    return f"{number(work.samples)} sample{plural} of {work.steps * work.dt:g} ms in steps of {work.dt:g} ms"


ITEM_HEAD = ("layer or part", "energy / sample", "energy / s of biology", "share")


def item_rows(report: Report, cost: Cost) -> list[tuple[str, ...]]:
    """Energy of each projection, population or part by one table, by `ITEM_HEAD`."""
    values = cost.by_item()
    shares = share({item: value for item, value in values.items() if value is not None})
    n, seconds = report.workload.samples, report.workload.total_s
    return [(item, si(None if v is None else v / n, "J"), si(None if v is None else v / seconds, "J"),
             f"{100 * shares[item]:.1f} %" if item in shares else "") for item, v in values.items()]


def _table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    head = list(head)
    return "\n".join([line(head), line("---" for _ in head), *(line(row) for row in rows)])


TERM_HEAD = ("term", "item", "count, all samples", "price", "energy / sample", "energy / s of biology", "evidence",
             "source")


def cost_rows(cost: Cost, work: Workload) -> list[tuple[str, ...]]:
    """Terms of one table for people, by `TERM_HEAD`."""
    return [
        (
            t.name,
            t.item,
            f"{number(t.count)} {t.count_unit}",
            str(t.price),
            UNKNOWN if t.energy_j is None else si(t.energy_j / work.samples, "J"),
            UNKNOWN if t.energy_j is None else si(t.energy_j / work.total_s, "J"),
            t.price.evidence,
            t.price.reference.short,
        )
        for t in cost.terms
    ]


def markdown_text(report: Report) -> str:
    """The report as Markdown."""
    parts = [
        f"# {report.title}",
        subtitle(report) + ".",
        "\n".join(f"- {name}: **{value}**" for name, value in [*report.facts.items(), *headline(report)]),
        "## Targets",
        _table(COMPARISON_HEAD, comparison_rows(report)),
        "Tables of one target are alternatives and are never added.",
    ]
    parts += [f"- {o.title} cannot hold this network. {o.refused}" for o in report.outcomes if o.refused]
    if rows := three_rows(report):
        parts += ["## Three numbers", THREE_SAY, _table(THREE_HEAD, rows)]
    parts += ["## Counts", _table(LAYER_HEAD, layer_rows(report)), _table(UNIT_HEAD, unit_rows(report))]
    parts.append("\n".join(f"- {limit}" for limit in report.limits))
    if report.changed:
        parts += ["## What if", CHANGES_SAY, _table(change_head(report), change_rows(report))]
    for outcome, cost in report.tables:
        parts += [f"## {outcome.title}: {cost.table}", cost.about]
        if outcome.mapping is not None and cost is outcome.cost and outcome.mapping.summary:
            parts.append("\n".join(f"- {name}: {plain(v)}" for name, v in outcome.mapping.summary.items()))
        parts.append(_table(TERM_HEAD, cost_rows(cost, report.workload)))
        parts.append(_table(ITEM_HEAD, item_rows(report, cost)))
        parts.append(
            "\n".join(
                [*(f"- Note: {note}" for note in cost.notes), *(f"- Not priced: {what}." for what in cost.unpriced)]
            )
        )
    parts += ["## Quoted for comparison", QUOTED_SAY, _table(QUOTED_HEAD, quoted_rows())]
    parts += [
        "## Sources",
        "\n".join(f"- {r.short}: {r.text} <{r.url}>" if r.url else f"- {r.short}: {r.text}" for r in report.sources),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def rich_tables(report: Report) -> Any:
    """The report for a terminal (rich)."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    def table(title: str, head: Iterable[str], rows: Iterable[Sequence[str]]) -> Table:
        made = Table(title=title, title_justify="left", header_style="bold")
        for k, name in enumerate(head):
            # Folded, not cut: a number without its last digits would be another number.
            made.add_column(name, justify="left" if k < 2 else "right", overflow="fold")
        for row in rows:
            made.add_row(*(Text(cell) for cell in row))
        return made

    lines = [f"{name}: {value}" for name, value in [*report.facts.items(), *headline(report)]]
    refused = [
        Text(f"{o.title} cannot hold this network. {o.refused}", style="red") for o in report.outcomes if o.refused
    ]
    left_out = [
        Text(f"{o.title}, not priced: {'; '.join(o.cost.unpriced)}", style="dim")
        for o in report.outcomes
        if o.cost is not None
    ]
    return Group(
        Text(report.title, style="bold"),
        Text(subtitle(report)),
        Text("\n".join(lines)),
        table(
            "Energy (tables of a target are alternatives)",
            COMPARISON_HEAD[:6],
            [row[:6] for row in comparison_rows(report)],
        ),
        *refused,
        table("Projections", LAYER_HEAD, layer_rows(report)),
        *(Text(limit, style="dim") for limit in report.limits),
        *([table("What if (energy of one sample)", change_head(report), change_rows(report))] if report.changed
          else []),
        *left_out,
        Text("Sources: " + "; ".join(f"{r.short} {r.url}".strip() for r in report.sources), style="dim"),
    )
