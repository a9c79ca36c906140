"""Numbers as a reader wants them."""

from __future__ import annotations

from math import floor, isfinite, log10

UNKNOWN = "not known"
_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}


def si(value: float | None, unit: str, digits: int = 3) -> str:
    """A number with an SI prefix, or "not known".

    Example:
        >>> si(2.53186e-6, "J"), si(0.0, "J"), si(None, "J")
        ('2.53 µJ', '0 J', 'not known')
    """
    if value is None or not isfinite(value):
        return UNKNOWN
    if value == 0:
        return f"0 {unit}"
    rounded = float(f"{value:.{digits - 1}e}")
    power = min(9, max(-18, 3 * floor(log10(abs(rounded)) / 3)))
    scaled = rounded / 10.0**power
    decimals = max(0, digits - 1 - floor(log10(abs(scaled))))
    return f"{scaled:.{decimals}f} {_PREFIXES[power]}{unit}"


def number(value: float | int | None) -> str:
    """A count with grouped digits; a fraction with three significant digits.

    Example:
        >>> number(71320), number(0.12345), number(105603.97), number(None)
        ('71,320', '0.123', '105,604', 'not known')
    """
    if value is None:
        return UNKNOWN
    if isinstance(value, int):
        return f"{value:,}"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.1f}".removesuffix(".0") if abs(value) >= 100 else f"{value:.3g}"


def band(low: float | None, high: float | None, unit: str) -> str:
    """A band such as "1.2 µJ to 3.4 µJ", empty where its ends print alike."""
    if low is None or high is None or si(low, unit) == si(high, unit):
        return ""
    return f"{si(low, unit)} to {si(high, unit)}"


def plain(value: object) -> str:
    """A value of a mapping's summary as text."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(each)}" for key, each in value.items())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return number(value)
