"""Units of superconducting circuits, coherent among each other: ps, mV, mA, Ohm, pH, pF, and energy in aJ.

In these V = R I, L dI/dt = V and C dV/dt = I need no factors, and every quantity of a junction is near 1, so that
single precision holds. Nothing outside of this folder uses them.
"""

from __future__ import annotations

from math import pi, sqrt

FLUX_QUANTUM = 2.067833848461929
"""h / 2e (mV ps): exact, from the values of h and e that define the SI."""

REDUCED_FLUX_QUANTUM = FLUX_QUANTUM / (2 * pi)
"""Phi_0 / 2 pi (mV ps): a junction's voltage is this times the rate of its phase."""


def damping(critical_current: float, resistance: float, capacitance: float) -> float:
    """McCumber number beta_c = 2 pi I_c R^2 C / Phi_0; up to about 1 a junction has no hysteresis.

    Args:
        critical_current: mA.
        resistance: Ohm.
        capacitance: pF.
    """
    return critical_current * resistance**2 * capacitance / REDUCED_FLUX_QUANTUM


def shunt(critical_current: float, capacitance: float, beta_c: float = 1.0) -> float:
    """Resistance (Ohm) that gives a junction the damping `beta_c`.

    Example:
        >>> round(shunt(0.1, 0.07), 3)
        6.857
    """
    return sqrt(beta_c * REDUCED_FLUX_QUANTUM / (critical_current * capacitance))


def josephson_inductance(critical_current: float) -> float:
    """Phi_0 / (2 pi I_c) (pH): how a junction without bias answers small currents."""
    return REDUCED_FLUX_QUANTUM / critical_current
