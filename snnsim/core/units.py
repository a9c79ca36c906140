"""The one coherent unit system: ms, mV, nA, nF, MOhm, uS. Then tau = R C and V = R I need no factors."""

from __future__ import annotations

from snnsim.core.errors import ConfigurationError

UNITS: dict[str, str] = {
    "1": "a pure number",
    "ms": "time",
    "1/ms": "rate constant",
    "Hz": "rate of spikes",
    "mV": "voltage",
    "nA": "current",
    "nF": "capacitance",
    "MOhm": "resistance",
    "uS": "conductance",
    "uM": "concentration",
    "uM/ms": "flow of a concentration",
    "1/(uM ms)": "binding rate",
    "mV/ms": "voltage slope",
    "1/sqrt(ms)": "noise amplitude, dimensionless networks",
    "state": "unit of the membrane variable (mV in physical networks, 1 in dimensionless ones)",
    "port": "unit of the port that it enters",
}

# Seconds and SI base units in units of ours, for conversions at the borders.
_IN_OURS = {
    "s": ("ms", 1e3), "ms": ("ms", 1.0), "us": ("ms", 1e-3), "ns": ("ms", 1e-6),
    "V": ("mV", 1e3), "mV": ("mV", 1.0), "uV": ("mV", 1e-3),
    "A": ("nA", 1e9), "uA": ("nA", 1e3), "nA": ("nA", 1.0), "pA": ("nA", 1e-3),
    "F": ("nF", 1e9), "nF": ("nF", 1.0), "pF": ("nF", 1e-3),
    "Ohm": ("MOhm", 1e-6), "MOhm": ("MOhm", 1.0), "GOhm": ("MOhm", 1e3),
    "S": ("uS", 1e6), "uS": ("uS", 1.0), "nS": ("uS", 1e-3),
}


def factor_to_ours(unit: str) -> float:
    """What a value in `unit` is multiplied by to be in our unit of that quantity.

    Raises:
        ConfigurationError: a unit that is not known.

    Example:
        >>> factor_to_ours("s"), factor_to_ours("pA")
        (1000.0, 0.001)
    """
    if unit not in _IN_OURS:
        raise ConfigurationError(got=f"unit {unit!r}", expected=f"one of {', '.join(_IN_OURS)}",
                                 where="units", fix="convert the values first, or correct the unit's name")
    return _IN_OURS[unit][1]
