"""The loop over time of units whose inputs are all known: the reference in plain JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def time_loop(step: Callable[[Any, Any, jax.Array], tuple[Any, Any]], state: Any, inputs: Any, *, steps: int,
              unroll: int | None = None) -> tuple[Any, Any]:
    """Carry a state through a chunk of time.

    Args:
        step: ``(state, inputs of this step, offset) -> (state, outputs)``, offset counting from 0 (int32).
        state: any tree.
        inputs: tree of arrays ``[steps, ...]``.
        steps: length of the chunk.
        unroll: steps per turn of the loop; None is 8 on accelerators, where launching a turn costs more than its
            work, and 1 on CPUs, where it only lengthens compilation.

    Returns:
        (state, tree of outputs ``[steps, ...]``).
    """
    def body(carry, given):
        offset, now = given
        return step(carry, now, offset)

    if unroll is None:
        unroll = 1 if jax.default_backend() == "cpu" else 8
    offsets = jnp.arange(steps, dtype=jnp.int32)
    return jax.lax.scan(body, state, (offsets, inputs), unroll=min(unroll, steps))
