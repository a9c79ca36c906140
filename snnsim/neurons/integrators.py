"""One step of a named method for neurons without closed form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

METHODS = ("rk4", "euler")


def one_step(method: str, derivative: Callable[[Any], Any], state: Any, dt: float) -> Any:
    """State after `dt` ms of d state/dt = derivative(state), by "euler" or classical "rk4".

    The state may be any tree of arrays; `derivative` returns a tree of the same form.
    """
    def moved(slope, h):
        return jax.tree.map(lambda x, s: x + h * s, state, slope)

    k1 = derivative(state)
    if method == "euler":
        return moved(k1, dt)
    k2 = derivative(moved(k1, dt / 2))
    k3 = derivative(moved(k2, dt / 2))
    k4 = derivative(moved(k3, dt))
    return jax.tree.map(lambda x, a, b, c, d: x + dt / 6 * (a + 2 * b + 2 * c + d), state, k1, k2, k3, k4)
