"""Hurwitz's zeta function, for discrete power laws, without a further dependency."""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np

# Bernoulli numbers B_2, B_4, ... over (2 j)!: the terms of the Euler-Maclaurin formula.
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
_COEFFICIENTS = tuple(b / factorial(2 * (j + 1)) for j, b in enumerate(_BERNOULLI))
_SHIFT = 12  # terms that are summed one by one before the formula takes over


def hurwitz_zeta(s: Any, a: Any) -> Any:
    """sum_{k >= 0} (a + k)^-s, by the Euler-Maclaurin formula; s and a broadcast.

    For s < 1 this is the analytic continuation, so that the difference at two `a` is the finite sum between them.

    Args:
        s: exponent other than 1; complex numbers give the derivative, Im zeta(s + i h) / h.
        a: first base, above 0.
    """
    s, a = np.asarray(s), np.asarray(a, np.float64)
    total = sum((a + k)**-s for k in range(_SHIFT))
    x = a + _SHIFT
    power = x**-s
    total = total + power * x / (s - 1.0) + 0.5 * power
    rising = s * power / x  # s (s + 1) ... (s + 2 j) x^-(s + 2 j + 1)
    for j, coefficient in enumerate(_COEFFICIENTS):
        total = total + coefficient * rising
        rising = rising * (s + 2 * j + 1) * (s + 2 * j + 2) / x**2
    return total
