"""`report`: count, place, price and print, in one call."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping as Names
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from snnsim.core.bibliography import Reference, reference
from snnsim.core.errors import ConfigurationError, SnnsimError
from snnsim.core.network import Network
from snnsim.core.recording import Recording
from snnsim.hardware.cost import Cost
from snnsim.hardware.html import html_page
from snnsim.hardware.learning import limits
from snnsim.hardware.pictures import as_png
from snnsim.hardware.quoted.rows import ROWS
from snnsim.hardware.tables import csv_text, markdown_text, rich_tables, term_rows
from snnsim.hardware.target import Mapping, Target, targets
from snnsim.hardware.what_if import Change, what_if
from snnsim.hardware.workload import Workload
from snnsim.io.atomic import write_text


@dataclass(frozen=True)
class Outcome:
    """What one target said.

    Args:
        name: name of the target.
        title: its name for people.
        mapping: where the network was placed; None if it was refused.
        cost: what the run costs; None if it was refused.
        refused: why the network does not fit; None if it does.
    """

    name: str
    title: str
    mapping: Mapping | None = None
    cost: Cost | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Changed:
    """A changed run: counts in proportion, and what the targets say of it.

    Args:
        change: what is different.
        samples: number of samples.
        outcomes: what each target said.
        refused: why the change cannot be; None if it can.
    """

    change: Change
    samples: int
    outcomes: tuple[Outcome, ...] = ()
    refused: str | None = None

    def per_sample_j(self, target: str, table: str) -> float | None:
        """Energy of one sample (J) by a table of a target; None where there is none."""
        for o in self.outcomes:
            for cost in o.cost.tables() if o.name == target and o.cost is not None else ():
                if cost.table == table:
                    return None if cost.energy_j is None else cost.energy_j / self.samples
        return None


@dataclass(frozen=True)
class Report:
    """Counts, mappings and costs of one recording, ready to be printed or written.

    Args:
        title: headline.
        workload: counts.
        outcomes: what each target said.
        accuracy: test accuracy from 0 to 1, if there is one.
        facts: more lines for the head, such as the data set.
        figures: pictures as PNG bytes by title.
        changed: what the same targets say of changed runs.
    """

    title: str
    workload: Workload
    outcomes: tuple[Outcome, ...]
    accuracy: float | None
    facts: Names[str, str]
    figures: Names[str, bytes]
    changed: tuple[Changed, ...] = ()

    def __getitem__(self, target: str) -> Outcome:
        """The outcome of a target, by name."""
        for outcome in self.outcomes:
            if outcome.name == target:
                return outcome
        raise ConfigurationError(
            got=f"target {target!r}",
            where="report",
            fix="ask for one of these",
            expected=f"one of {', '.join(o.name for o in self.outcomes)}",
        )

    @property
    def limits(self) -> tuple[str, ...]:
        """What the counts themselves do not hold: graded outputs, generators, learning."""
        return limits(self.workload)

    @property
    def tables(self) -> tuple[tuple[Outcome, Cost], ...]:
        """Every table of prices of every target, the main one of each first."""
        return tuple((o, cost) for o in self.outcomes if o.cost is not None for cost in o.cost.tables())

    @property
    def pictures(self) -> dict[str, bytes]:
        """The figures, then those of the mappings, as PNG bytes by title."""
        drawn = {
            title: as_png(picture, title)
            for o in self.outcomes
            if o.mapping is not None
            for title, picture in o.mapping.pictures().items()
        }
        return {**self.figures, **drawn}

    @property
    def sources(self) -> tuple[Reference, ...]:
        """Every source that a price cites, sorted by key."""
        keys = {term.price.source for _, cost in self.tables for term in cost.terms}
        keys |= {row.figure.source for row in ROWS}
        return tuple(reference(key) for key in sorted(keys))

    def per_sample_j(self, cost: Cost) -> float | None:
        """Energy of one sample (J) by a table; None is not known."""
        return None if cost.energy_j is None else cost.energy_j / self.workload.samples

    def normalised(self, cost: Cost) -> dict[str, float | None]:
        """Energy (J) by a table: a sample, a second of biological time, a spike and a synaptic event.

        None where the table has no price, or where nothing happened to divide by.
        """

        def over(count: float) -> float | None:
            return None if cost.energy_j is None or not count else cost.energy_j / count

        work = self.workload
        return {
            "per_sample_j": over(work.samples),
            "per_biological_second_j": over(work.total_s),
            "per_spike_j": over(work.spikes),
            "per_synaptic_event_j": over(work.events),
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything but the pictures, as plain numbers and texts."""
        found: dict[str, Any] = {}
        for o in self.outcomes:
            entry: dict[str, Any] = {"title": o.title, "refused": o.refused}
            if o.mapping is not None and o.cost is not None:
                entry["mapping"] = o.mapping.to_dict()
                entry["cost"] = o.cost.to_dict()
                entry["normalised"] = {cost.table: self.normalised(cost) for cost in o.cost.tables()}
                entry["by_item_per_sample_j"] = {cost.table: self.by_item(cost) for cost in o.cost.tables()}
            found[o.name] = entry
        sources = {r.key: {"text": r.text, "url": r.url} for r in self.sources}
        return {
            "format": "snnsim-report",
            "version": 1,
            "title": self.title,
            "accuracy": self.accuracy,
            "facts": dict(self.facts),
            "workload": self.workload.to_dict(),
            "limits": list(self.limits),
            "targets": found,
            "what_if": [self._changed(each) for each in self.changed],
            "quoted": [{"title": row.title, "per": row.per, "caveat": row.caveat, **dataclasses.asdict(row.figure)}
                       for row in ROWS],
            "sources": sources,
        }

    def by_item(self, cost: Cost) -> dict[str, float | None]:
        """Energy of one sample (J) by projection, population or part; None is not known."""
        n = self.workload.samples
        return {item: None if value is None else value / n for item, value in cost.by_item().items()}

    def _changed(self, each: Changed) -> dict[str, Any]:
        energies: dict[str, dict[str, float | None]] = {}
        for o, cost in self.tables:
            energies.setdefault(o.name, {})[cost.table] = each.per_sample_j(o.name, cost.table)
        return {"title": each.change.title, **dataclasses.asdict(each.change), "refused": each.refused,
                "per_sample_j": energies, "refused_by": {o.name: o.refused for o in each.outcomes if o.refused}}

    def to_json(self, path: str | Path | None = None, *, overwrite: bool = False) -> str:
        """JSON with sorted keys and no dates, so that equal runs give equal files; written to `path` if given."""
        return self._written(
            json.dumps(self.to_dict(), indent=2, sort_keys=True, allow_nan=False) + "\n", path, overwrite
        )

    def to_csv(self, path: str | Path | None = None, *, overwrite: bool = False) -> str:
        """One row for each term of each table; written to `path` if given."""
        return self._written(csv_text(term_rows(self)), path, overwrite)

    def to_markdown(self, path: str | Path | None = None, *, overwrite: bool = False) -> str:
        """The report as Markdown; written to `path` if given."""
        return self._written(markdown_text(self), path, overwrite)

    def to_html(self, path: str | Path | None = None, *, overwrite: bool = False) -> str:
        """The report as one HTML page that needs nothing else; written to `path` if given."""
        return self._written(html_page(self), path, overwrite)

    def print(self) -> None:
        """Print to the terminal."""
        from rich.console import Console

        Console().print(self)

    def __rich__(self) -> Any:
        return rich_tables(self)

    def _written(self, text: str, path: str | Path | None, overwrite: bool) -> str:
        if path is not None:
            write_text(path, text, overwrite=overwrite)
        return text


def report(
    network: Network,
    recording: Recording,
    targets: Sequence[str | Target] = (),
    *,
    accuracy: float | None = None,
    figures: Names[str, Any] | None = None,
    title: str = "Energy report",
    facts: Names[str, str] | None = None,
    weight_bits: int = 32,
    changes: Sequence[Change] = (),
) -> Report:
    """Count the work of a recording and price it on targets.

    A target that cannot hold the network is listed with the reason; the others are still priced.

    Args:
        network: the network that was simulated.
        recording: what `simulate` returned.
        targets: names or `Target` objects; none is all that are known.
        accuracy: test accuracy from 0 to 1.
        figures: pictures by title, as PNG bytes or matplotlib figures.
        title: headline.
        facts: more lines for the head, such as ``{"data": "event-digits"}``.
        weight_bits: bits of a stored weight.
        changes: what-ifs, each priced on the same targets; a target maps the network again for each.

    Raises:
        ConfigurationError: a recording of another network, an unknown target, an accuracy outside 0 to 1.

    Example:
        >>> import jax, snnsim as sn
        >>> from snnsim.hardware import report
        >>> net = sn.Network(dict(input=sn.Input(4), cell=sn.LIF(2)),
        ...                  [sn.Projection("input", "cell", sn.Dense(weight=0.4))], key=jax.random.key(0))
        >>> rec = sn.simulate(net, {"input": sn.Events.from_times([1.0, 3.0], [0, 2], shape=4)}, duration=10.0)
        >>> found = report(net, rec, ["loihi"])
        >>> found.workload.events, found["loihi"].cost.by_name()["synaptic event"]
        (4, 1.42e-10)
    """
    if isinstance(targets, str | Target):
        targets = [targets]
    if accuracy is not None and not 0.0 <= accuracy <= 1.0:
        raise ConfigurationError(got=f"accuracy = {accuracy}", expected="0 to 1", where="report", fix="pass a fraction")
    chosen = _targets(*targets)
    workload = Workload.of(network, recording, weight_bits=weight_bits)
    pictures = {name: as_png(picture, name) for name, picture in (figures or {}).items()}
    return Report(
        title,
        workload,
        tuple(_ask(target, network, workload) for target in chosen),
        None if accuracy is None else float(accuracy),
        MappingProxyType(dict(facts or {})),
        MappingProxyType(pictures),
        tuple(_changed(change, chosen, network, workload) for change in changes),
    )


_targets = targets


def _changed(change: Change, chosen: Sequence[Target], network: Network, workload: Workload) -> Changed:
    try:
        other = what_if(workload, change)
    except ConfigurationError as refusal:
        return Changed(change, workload.samples, refused=str(refusal))
    return Changed(change, workload.samples, tuple(_ask(target, network, other) for target in chosen))


def _ask(target: Target, network: Network, workload: Workload) -> Outcome:
    try:
        mapping = target.map(network, workload)
        cost = target.cost(mapping, workload)
    except SnnsimError as refusal:
        return Outcome(target.name, target.title, refused=str(refusal))
    return Outcome(target.name, target.title, mapping, cost)
