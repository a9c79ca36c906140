"""`Figure`: a number from outside, with everything a reader needs to believe it or not."""

from __future__ import annotations

import math
from dataclasses import dataclass

from snnsim.core.bibliography import Reference, reference
from snnsim.core.errors import ConfigurationError

EVIDENCE = {
    "measured": "measured on hardware",
    "simulated": "from a simulation of the circuit",
    "fitted": "fitted to measurements",
    "abstract": "stated in a paper's abstract",
    "second-hand": "quoted by a third party; the primary source was not opened",
    "derived": "our arithmetic from sourced numbers",
    "assumption": "assumed",
    "code": "written in a published tool's source; how it was obtained is said there or unknown",
}
SCOPES = {
    "per-term": "price of one kind of work; other work is paid on top",
    "all-in": "total power divided by one kind of work, at one operating point",
}
_PREFIXES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6}
_ENERGY, _POWER = "J", "W"


@dataclass(frozen=True)
class Figure:
    """A quoted number.

    Args:
        value: the number in `unit`; None is unknown and is printed "not known".
        unit: such as "pJ", "W", "1/s", "B", "1".
        source: key of the bibliography.
        evidence: a key of `EVIDENCE`.
        scope: "per-term" or "all-in"; the two are never summed together.
        operating_point: voltage, node, temperature, workload at which it holds.
        low: lower end of the band, in `unit`.
        high: upper end of the band, in `unit`.
        place: table, file or line of the source.

    Raises:
        ConfigurationError: unknown evidence or scope, a number that is not finite or negative, a band that
            does not hold the value.

    Example:
        >>> print(Figure(23.6, "pJ", "davies2018loihi", "simulated", "per-term", place="Table 2"))
        23.6 pJ
        >>> print(Figure(None, "pJ", "davies2018loihi", "simulated", "per-term"))
        not known
    """

    value: float | None
    unit: str
    source: str
    evidence: str
    scope: str = "per-term"
    operating_point: str = ""
    low: float | None = None
    high: float | None = None
    place: str = ""

    def __post_init__(self):
        for name, choices in (("evidence", EVIDENCE), ("scope", SCOPES)):
            if getattr(self, name) not in choices:
                raise ConfigurationError(
                    got=f"{name} {getattr(self, name)!r}",
                    where=f"figure from {self.source}",
                    expected=f"one of {', '.join(choices)}",
                    fix="say how it is known",
                )
        numbers = [n for n in (self.low, self.value, self.high) if n is not None]
        if (
            not all(math.isfinite(n) and n >= 0 for n in numbers)
            or numbers != sorted(numbers)
            or (self.value is None and numbers)
        ):
            raise ConfigurationError(
                got=f"{self.low}, {self.value}, {self.high} {self.unit}",
                expected="finite numbers from low to high, or None for a value that is not known",
                where=f"figure from {self.source}",
                fix="correct the numbers",
            )

    def __str__(self) -> str:
        if self.value is None:
            return "not known"
        text = f"{self.value:g} {self.unit}" if self.unit != "1" else f"{self.value:g}"
        ends = (self.low is None, self.high is None)
        if ends == (False, False):
            return f"{text} ({self.low:g} to {self.high:g})"
        return (
            text if all(ends) else f"{text} (at least {self.low:g})" if ends[1] else f"{text} (at most {self.high:g})"
        )

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    @property
    def reference(self) -> Reference:
        """The source's entry in the bibliography."""
        return reference(self.source)

    def band(self) -> tuple[float | None, float | None, float | None]:
        """(low, value, high) in joules or watts where the unit is one of these, else in `unit`.

        An end that is not given is the value.
        """
        if self.value is None:
            return None, None, None
        scale = si_factor(self.unit)
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        return low * scale, self.value * scale, high * scale


def si_factor(unit: str) -> float:
    """What a number in `unit` is multiplied by to be in joules, watts or seconds; 1 for other units.

    Example:
        >>> si_factor("pJ"), si_factor("mW"), si_factor("B")
        (1e-12, 0.001, 1.0)
    """
    if unit[-1:] in (_ENERGY, _POWER, "s") and unit[:-1] in _PREFIXES:
        return _PREFIXES[unit[:-1]]
    return 1.0
