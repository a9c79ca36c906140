"""The report as one page of HTML that needs no other file and no network."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from math import log10
from typing import TYPE_CHECKING

from snnsim.hardware.comparisons import (
    CHANGES_SAY,
    QUOTED_SAY,
    THREE_HEAD,
    THREE_SAY,
    change_head,
    change_rows,
    quoted_rows,
    three_rows,
)
from snnsim.hardware.cost import Cost, Term
from snnsim.hardware.figure import EVIDENCE, Figure
from snnsim.hardware.formats import band, number, plain, si
from snnsim.hardware.html_style import STYLE
from snnsim.hardware.quoted.rows import ROWS
from snnsim.hardware.tables import (
    ITEM_HEAD,
    LAYER_HEAD,
    TERM_HEAD,
    UNIT_HEAD,
    headline,
    item_rows,
    layer_rows,
    per_event,
    subtitle,
    unit_rows,
)

if TYPE_CHECKING:
    from snnsim.hardware.report import Outcome, Report
    from snnsim.hardware.workload import Workload

WEAK = ("assumption", "second-hand", "abstract", "code")


def html_page(report: Report) -> str:
    """The whole page. Everything that is not ours to write is escaped; there are no scripts."""
    body = "".join(
        [
            _head(report),
            _tiles(report),
            _comparison(report),
            _three(report),
            _counts(report),
            _changes(report),
            _figures(report),
            *(_target(report, outcome) for outcome in report.outcomes),
            _left_out(report),
            _quoted(),
            _sources(report),
        ]
    )
    # The policy keeps a browser from loading anything, should a title ever slip through.
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(report.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}"
        f"<footer>Made by snnsim from exact counts of one recording. Prices are quoted, not measured here; "
        f"each names its source.</footer>\n</main>\n</body>\n</html>\n"
    )


def _head(report: Report) -> str:
    steps = [
        f"{p.name} <span class='soft'>{escape(p.kind)} {number(p.units)}</span>"
        for p in report.workload.populations.values()
    ]
    facts = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in report.facts.items())
    chips = "".join(f"<span>{step.replace('<span', '<small').replace('</span', '</small')}</span>" for step in steps)
    return (
        f"<header><h1>{escape(report.title)}</h1><p class='soft'>{escape(subtitle(report))}</p>"
        f"<div class='path'>{chips}</div>{f'<dl>{facts}</dl>' if facts else ''}</header>\n"
    )


def _tile(name: str, value: str, under: str = "", main: bool = False) -> str:
    return (
        f"<div class='tile{' main' if main else ''}'><div class='name'>{escape(name)}</div>"
        f"<div class='value{'' if value[:1].isdigit() else ' words'}'>{escape(value)}</div>"
        f"<div class='under'>{escape(under)}</div></div>"
    )


def _tiles(report: Report) -> str:
    tiles = [_tile(name.capitalize(), value, main=name == "accuracy") for name, value in headline(report)]
    n = report.workload.samples
    for outcome in report.outcomes:
        if outcome.cost is None:
            tiles.append(_tile(outcome.title, "does not fit", "see below"))
            continue
        low, value, high = outcome.cost.band_j()
        ends = "" if low is None or high is None else band(low / n, high / n, "J")
        tiles.append(
            _tile(
                f"{outcome.title}, per sample",
                si(None if value is None else value / n, "J"),
                ends or outcome.cost.table,
            )
        )
    return f"<div class='tiles'>{''.join(tiles)}</div>\n"


def _comparison(report: Report) -> str:
    known = [value for _, cost in report.tables for value in cost.band_j() if value]
    if not known:
        return ""
    bottom = log10(min(known) / report.workload.samples) - 0.4
    width = max(log10(max(known) / report.workload.samples) - bottom, 1.0)
    rows, last = [], ""
    for outcome, cost in report.tables:
        rows.append(_bar(report, outcome, cost, bottom, width, outcome.name != last))
        last = outcome.name
    return (
        "<h2>Energy of one sample</h2><div class='card'><p class='soft small'>Logarithmic bars; the dark line is the "
        "band that the sources give. Tables of one target are alternatives and are never added. They price different "
        f"things: what each leaves out is listed below it.</p>{''.join(rows)}</div>\n"
    )


def _three(report: Report) -> str:
    rows = three_rows(report)
    if not rows:
        return ""
    return f"<h2>Three numbers</h2><div class='card'><p>{THREE_SAY}</p>{_table(THREE_HEAD, rows, left=1)}</div>\n"


def _bar(report: Report, outcome: Outcome, cost: Cost, bottom: float, width: float, first: bool) -> str:
    def place(value: float) -> float:
        return round(min(100.0, max(0.0, 100 * (log10(value / report.workload.samples) - bottom) / width)), 2)

    low, value, high = cost.band_j()
    bar = ""
    if value:
        bar = f"<i{'' if cost is outcome.cost else ' class=other'} style='width:{place(value)}%'></i>"
        if low and high and low < high:
            bar += f"<b style='left:{place(low)}%;width:{round(place(high) - place(low), 2)}%'></b>"
    text = si(report.per_sample_j(cost), "J")
    title = f"{escape(outcome.title)}<br>" if first else ""
    return (
        f"<div class='bar{' first' if first else ''}'>"
        f"<div class='label'>{title}<span class='soft small'>{escape(cost.table)}</span></div>"
        f"<div class='track'>{bar}</div><div class='value'>{escape(text)}</div></div>"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 2, last: str = "") -> str:
    """Cells are escaped here; `last` is ready HTML of a closing row."""

    def cells(values: Sequence[str], tag: str) -> str:
        return "".join(f"<{tag}{' class=l' if k < left else ''}>{escape(v)}</{tag}>" for k, v in enumerate(values))

    lines = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    top = f"<thead><tr>{cells(head, 'th')}</tr></thead>"
    return f"<div class='scroll'><table>{top}<tbody>{lines}{last}</tbody></table></div>"


def _counts(report: Report) -> str:
    work = report.workload
    reasons = "".join(
        f"<li>{escape(p.name)}: {escape(p.reason)}</li>" for p in work.projections.values() if p.operand == "float"
    )
    saving = (
        f"<div class='left'><strong>Numbers, not spikes, enter these weights</strong><ul>{reasons}</ul></div>"
        if reasons
        else ""
    )
    per = work.per_sample()
    return (
        "<h2>What the network did</h2><div class='card'>"
        f"<p>Counts of one sample, before any price. {number(per['effective_acs'])} accumulates and "
        f"{number(per['effective_macs'])} multiply-accumulates; dense products would take {number(per['dense'])}.</p>"
        f"{_table(LAYER_HEAD, layer_rows(report))}{saving}{_table(UNIT_HEAD, unit_rows(report))}"
        f"{_bullets(report.limits)}</div>\n"
    )


def _bullets(lines: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul class=soft>{items}</ul>" if items else ""


def _changes(report: Report) -> str:
    if not report.changed:
        return ""
    refused = [each.refused for each in report.changed if each.refused]
    refused += [f"{each.change.title}: {o.title}: {o.refused}" for each in report.changed for o in each.outcomes
                if o.refused and report[o.name].refused is None]
    return (
        f"<h2>What if</h2><div class='card'><p>{CHANGES_SAY}</p>{_table(change_head(report), change_rows(report))}"
        f"{_bullets(refused)}</div>\n"
    )


def _figures(report: Report) -> str:
    pictures = report.pictures
    if not pictures:
        return ""
    shown = "".join(
        f"<div class='card'><figure><img alt='{escape(title)}' src='data:image/png;base64,"
        f"{base64.b64encode(png).decode('ascii')}'><figcaption>{escape(title)}</figcaption></figure></div>"
        for title, png in pictures.items()
    )
    return f"<h2>Pictures</h2><div class='pictures'>{shown}</div>\n"


def _target(report: Report, outcome: Outcome) -> str:
    if outcome.cost is None or outcome.mapping is None:
        return (
            f"<h2>{escape(outcome.title)}</h2><div class='card'><span class='mark bad'>does not fit</span>"
            f"<p>{escape(outcome.refused or '')}</p></div>\n"
        )
    lines = "".join(f"<dt>{escape(k)}</dt><dd>{escape(plain(v))}</dd>" for k, v in outcome.mapping.summary.items())
    others = "".join(
        f"<details><summary>{escape(cost.table)}: {escape(si(report.per_sample_j(cost), 'J'))} a sample "
        f"<span class='soft small'>a table of its own, never added</span></summary>{_cost(report, cost)}</details>"
        for cost in outcome.cost.alternatives
    )
    return (
        f"<h2>{escape(outcome.title)}</h2><div class='card'>{f'<dl>{lines}</dl>' if lines else ''}"
        f"<h3>{escape(outcome.cost.table)}</h3>{_cost(report, outcome.cost)}{others}</div>\n"
    )


def _cost(report: Report, cost: Cost) -> str:
    n, told = report.workload.samples, set()
    rows = []
    for term in cost.terms:
        rows.append(_term(term, report.workload, term.price not in told))
        told.add(term.price)
    values = report.normalised(cost)
    total = (
        f"<tr class=sum><td class=l colspan=4>all terms</td><td class=n>"
        f"{escape(si(values['per_sample_j'], 'J'))}</td><td class=n>"
        f"{escape(si(values['per_biological_second_j'], 'J'))}</td><td class=l colspan=2></td></tr>"
    )
    spikes = "not defined, no spikes" if not report.workload.spikes else si(values["per_spike_j"], "J")
    time = "not known" if cost.wall_s is None else si(cost.wall_s / n, "s")
    heads = "".join(f"<th{' class=l' if k in (0, 1, 6, 7) else ''}>{h}</th>" for k, h in enumerate(TERM_HEAD))
    layers = _table(ITEM_HEAD, item_rows(report, cost), left=1)
    notes = "".join(f"<li>{escape(note)}</li>" for note in cost.notes)
    return (
        f"<p>{escape(cost.about)}</p><dl><dt>per second of biological time</dt>"
        f"<dd>{escape(si(values['per_biological_second_j'], 'J'))}</dd><dt>per synaptic event</dt>"
        f"<dd>{escape(per_event(report, cost))} (all terms over all events)</dd>"
        f"<dt>per spike</dt><dd>{escape(spikes)}</dd>"
        f"<dt>time for one sample</dt><dd>{escape(time)}</dd>"
        f"<dt>scope of the prices</dt><dd>{escape(cost.scope)}</dd></dl>"
        f"<div class='scroll'><table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}{total}</tbody></table></div>"
        f"{layers}{f'<ul class=soft>{notes}</ul>' if notes else ''}{_unpriced(cost)}"
    )


def _term(term: Term, work: Workload, first: bool) -> str:
    """One row; where a price is from is told in full where it first appears."""
    price, energy = term.price, term.energy_j
    link = _link(price)
    about = ". ".join(part for part in (price.place, price.operating_point) if part) if first else ""
    value, _, ends = str(price).partition(" (")
    ends = f"<br><span class='soft small'>{escape(ends.rstrip(')'))}</span>" if ends else ""
    weak = " weak" if price.evidence in WEAK else ""
    return (
        f"<tr><td class=l>{escape(term.name)}</td><td class='l n'>{escape(term.item)}</td>"
        f"<td class=n>{escape(number(term.count))} {escape(term.count_unit)}</td><td class=n>{escape(value)}{ends}</td>"
        f"<td class=n>{escape(si(None if energy is None else energy / work.samples, 'J'))}</td>"
        f"<td class=n>{escape(si(None if energy is None else energy / work.total_s, 'J'))}</td>"
        f"<td class=l><span class='mark{weak}' title='{escape(EVIDENCE[price.evidence])}'>"
        f"{escape(price.evidence)}</span>"
        f"</td><td class='l w'>{link}{f'<br><span class=soft>{escape(about)}</span>' if about else ''}</td></tr>"
    )


def _unpriced(cost: Cost) -> str:
    lines = "".join(f"<li>{escape(what)}</li>" for what in cost.unpriced)
    return f"<div class='left'><strong>What this table leaves out</strong><ul>{lines}</ul></div>" if lines else ""


def _left_out(report: Report) -> str:
    lines = []
    for outcome in report.outcomes:
        if outcome.cost is not None:
            lines.append(
                f"<li><strong>{escape(outcome.title)}</strong>: {escape('; '.join(outcome.cost.unpriced))}</li>"
            )
    return (
        (
            "<h2>What this report leaves out</h2><div class='card'>"
            "<p>No number stands for these; a measured system would "
            f"pay them.</p><ul>{''.join(lines)}</ul></div>\n"
        )
        if lines
        else ""
    )


def _quoted() -> str:
    cells = []
    for row, shown in zip(ROWS, quoted_rows(), strict=True):
        title, figure, per, evidence, scope, at, _, caveat = (escape(cell) for cell in shown)
        weak = " weak" if row.figure.evidence in WEAK else ""
        cells.append(
            f"<tr><td class=l>{title}</td><td class=n>{figure}</td><td class=l>{per}</td>"
            f"<td class=l><span class='mark{weak}'>{evidence}</span></td><td class='l n'>{scope}</td>"
            f"<td class='l w'>{at}. {caveat[:1].upper()}{caveat[1:]}</td><td class='l w'>{_link(row.figure)}</td></tr>"
        )
    head = "".join(f"<th{' class=l' if k != 1 else ''}>{h}</th>" for k, h in enumerate(
        ("machine", "figure", "for one", "evidence", "scope", "at, and why it is not this network's price", "source")))
    return (
        f"<h2>Quoted for comparison</h2><div class='card'><p>{QUOTED_SAY}</p><div class='scroll'><table><thead><tr>"
        f"{head}</tr></thead><tbody>{''.join(cells)}</tbody></table></div></div>\n"
    )


def _link(figure: Figure) -> str:
    """Where a price is from, to click on."""
    source = figure.reference
    if not source.url:
        return escape(source.short)
    return f"<a href='{escape(source.url)}' rel='noreferrer'>{escape(source.short)}</a>"


def _sources(report: Report) -> str:
    lines = []
    for r in report.sources:
        link = (
            f" <a href='{escape(r.url)}' rel='noreferrer'>{escape(r.url.removeprefix('https://'))}</a>" if r.url else ""
        )
        lines.append(f"<li>{escape(r.text)}{link}</li>")
    return f"<h2>Sources</h2><div class='card'><ul>{''.join(lines)}</ul></div>\n" if lines else ""
