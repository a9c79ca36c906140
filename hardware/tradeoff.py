"""Energy against accuracy, over runs that were trained with different strengths of a spike-rate penalty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from snnsim.core.errors import ConfigurationError
from snnsim.hardware.cost import Cost
from snnsim.hardware.report import Report
from snnsim.plotting.style import FAINT, INK, PALETTE, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDE = 20  # energies further apart stand on a logarithmic axis; a narrower one would show one power of ten or none


def tradeoff(reports: Mapping[str, Report], target: str, table: str | None = None) -> Figure:
    """Accuracy over the energy of one sample, with the runs that no other run beats joined by a line.

    Lines across points are the bands that the sources of the prices give. All reports are priced by one table, so that
    only the networks differ.

    Args:
        reports: reports with an accuracy, by what is written beside the point, such as the strength of the penalty.
        target: name of the target whose prices are taken.
        table: one of its tables; its main one by default.

    Raises:
        ConfigurationError: no report, one without accuracy, or one in which the target has no such price.

    Example:
        >>> from snnsim.hardware import tradeoff
        >>> tradeoff({"no penalty": plain, "penalty 0.01": frugal}, "loihi")  # doctest: +SKIP
    """
    if not reports:
        raise ConfigurationError(got="no reports", expected="one or more", where="tradeoff",
                                 fix="pass reports by name, such as {'no penalty': report}")
    points = {}
    for name, report in reports.items():
        if report.accuracy is None:
            raise ConfigurationError(got=f"report {name!r} without accuracy", expected="an accuracy from 0 to 1",
                                     where="tradeoff", fix="pass accuracy= to report")
        cost = _cost(report, name, target, table)
        low, value, high = cost.band_j()
        if not value or low is None or high is None:
            raise ConfigurationError(got=f"report {name!r} without energy in {cost.table!r} of {target}",
                                     expected="an energy above 0", where="tradeoff", fix="choose another table")
        n = report.workload.samples
        points[name] = (low / n, value / n, high / n, 100 * report.accuracy, cost.table, report[target].title)
    return _drawn(points)


def frontier(points: Mapping[str, tuple[float, float]]) -> tuple[str, ...]:
    """Names of the points (energy, accuracy) that no other beats in one without losing in the other, by energy.

    Example:
        >>> frontier({"a": (1.0, 0.8), "b": (2.0, 0.7), "c": (3.0, 0.9)})
        ('a', 'c')
    """
    best, found = float("-inf"), []
    for name, (_, accuracy) in sorted(points.items(), key=lambda item: (item[1][0], -item[1][1])):
        if accuracy > best:
            best = accuracy
            found.append(name)
    return tuple(found)


def _cost(report: Report, name: str, target: str, table: str | None) -> Cost:
    outcome = report[target]
    tables = () if outcome.cost is None else outcome.cost.tables()
    for cost in tables:
        if table is None or cost.table == table:
            return cost
    raise ConfigurationError(
        got=outcome.refused or f"table {table!r}", where=f"tradeoff, report {name!r}, {outcome.title}",
        expected=f"one of {', '.join(cost.table for cost in tables)}" if tables else "a network that fits",
        fix="choose another table or target")


def _drawn(points: Mapping[str, tuple[float, float, float, float, str, str]]) -> Figure:
    with styled():
        figure = new_figure(5.2, 3.4)
        axes = figure.subplots()
        front = frontier({name: (p[1], p[3]) for name, p in points.items()})
        axes.plot([points[n][1] for n in front], [points[n][3] for n in front], color=PALETTE[0], linewidth=1.2)
        for name, (low, value, high, accuracy, _, _) in points.items():
            colour = PALETTE[0] if name in front else FAINT
            axes.plot([low, high], [accuracy, accuracy], color=colour, linewidth=3, alpha=0.35, solid_capstyle="butt")
            axes.plot([value], [accuracy], "o", color=colour, markersize=5)
            axes.annotate(name, (value, accuracy), (5, 5), textcoords="offset points", fontsize=7.5, color=INK)
        if max(p[2] for p in points.values()) > _WIDE * min(p[0] for p in points.values()):
            axes.set_xscale("log")
        axes.margins(x=0.2, y=0.15)
        axes.xaxis.set_major_formatter(_joules)
        axes.set(xlabel="energy of one sample", ylabel="accuracy (%)")
        _, _, _, _, table, title = next(iter(points.values()))
        axes.set_title(f"{title}, {table}")
        axes.grid(axis="y", color=FAINT, linewidth=0.4, alpha=0.6)
    return figure


def _joules(value: float, _: object = None) -> str:
    from snnsim.hardware.formats import si

    return si(value, "J", digits=2)
