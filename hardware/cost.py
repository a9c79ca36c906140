"""`Cost`: counts times prices, term by term, with what is left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from snnsim.core.errors import ConfigurationError
from snnsim.hardware.figure import Figure


@dataclass(frozen=True)
class Term:
    """One line of a bill: how often something happened, and what it costs each time.

    Args:
        name: what happened, such as "synaptic event".
        item: the projection, population or machine part it belongs to.
        count: how often: an integer, or seconds of power.
        count_unit: such as "events" or "board s".
        price: joules each, or watts for a count in seconds.
    """

    name: str
    item: str
    count: int | float
    count_unit: str
    price: Figure

    @property
    def energy_j(self) -> float | None:
        """Energy of the whole run (J); None where the price is not known."""
        return self.band_j()[1]

    def band_j(self) -> tuple[float | None, float | None, float | None]:
        """(low, nominal, high) energy of the whole run (J)."""
        low, value, high = self.price.band()
        if low is None or value is None or high is None:
            return None, None, None
        return self.count * low, self.count * value, self.count * high


@dataclass(frozen=True)
class Cost:
    """What a run costs on a target by one table of prices. Tables are alternatives and are never added.

    Args:
        target: name of the target.
        table: name of the table of prices.
        about: one sentence: what the table is and where it comes from.
        terms: the lines; all of one scope.
        unpriced: what is left out, in words.
        notes: what a reader must know about how the counts were made.
        wall_s: time the run takes on the target (s); None is not known.
        alternatives: the same run by other tables.

    Raises:
        ConfigurationError: terms of different scope.
    """

    target: str
    table: str
    about: str
    terms: tuple[Term, ...]
    unpriced: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    wall_s: float | None = None
    alternatives: tuple[Cost, ...] = field(default=())

    def __post_init__(self):
        scopes = {term.price.scope for term in self.terms}
        if len(scopes) > 1:
            raise ConfigurationError(
                got=f"prices of scope {' and '.join(sorted(scopes))}",
                expected="one scope",
                where=f"cost on {self.target}",
                fix="put all-in figures into a table of their own: they already hold the others",
            )

    @property
    def scope(self) -> str:
        """Scope that all terms share."""
        return self.terms[0].price.scope if self.terms else "per-term"

    @property
    def evidence(self) -> tuple[str, ...]:
        """Kinds of evidence behind the prices, sorted."""
        return tuple(sorted({term.price.evidence for term in self.terms}))

    @property
    def energy_j(self) -> float | None:
        """Sum of the priced terms (J); None if none has a price."""
        return self.band_j()[1]

    def band_j(self) -> tuple[float | None, float | None, float | None]:
        """(low, nominal, high) sum of the priced terms (J). Ends of all terms are taken together."""
        found = [band for band in (term.band_j() for term in self.terms) if band[1] is not None]
        if not found:
            return None, None, None
        low, value, high = (math.fsum(column) for column in zip(*found, strict=True))
        return low, value, high

    def by_name(self) -> dict[str, float]:
        """Energy (J) of each kind of work, summed over items; kinds without a price are left out."""
        groups: dict[str, list[float]] = {}
        for term in self.terms:
            if term.energy_j is not None:
                groups.setdefault(term.name, []).append(term.energy_j)
        return {name: math.fsum(values) for name, values in groups.items()}

    def by_item(self) -> dict[str, float | None]:
        """Energy (J) of each projection, population or part, in the order of the terms; None where none is priced."""
        groups: dict[str, list[float]] = {}
        for term in self.terms:
            known = groups.setdefault(term.item, [])
            if term.energy_j is not None:
                known.append(term.energy_j)
        return {name: math.fsum(values) if values else None for name, values in groups.items()}

    def tables(self) -> tuple[Cost, ...]:
        """This table and the alternatives."""
        return (self, *self.alternatives)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and texts, the alternatives included."""
        low, value, high = self.band_j()
        return {
            "target": self.target,
            "table": self.table,
            "about": self.about,
            "scope": self.scope,
            "evidence": list(self.evidence),
            "energy_j": value,
            "energy_low_j": low,
            "energy_high_j": high,
            "wall_s": self.wall_s,
            "terms": [term_row(term) for term in self.terms],
            "unpriced": list(self.unpriced),
            "notes": list(self.notes),
            "alternatives": [cost.to_dict() for cost in self.alternatives],
        }


def term_row(term: Term) -> dict[str, Any]:
    """A term as a flat row: count, then price with its source, then energy."""
    low, value, high = term.band_j()
    price = term.price
    return {
        "term": term.name,
        "item": term.item,
        "count": term.count,
        "count_unit": term.count_unit,
        "price": price.value,
        "price_unit": price.unit,
        "price_low": price.low,
        "price_high": price.high,
        "scope": price.scope,
        "evidence": price.evidence,
        "operating_point": price.operating_point,
        "source": price.source,
        "place": price.place,
        "energy_j": value,
        "energy_low_j": low,
        "energy_high_j": high,
    }


def share(values: Mapping[str, float]) -> dict[str, float]:
    """Each value's part of the sum; empty if the sum is 0."""
    total = math.fsum(values.values())
    return {name: value / total for name, value in values.items()} if total > 0 else {}
