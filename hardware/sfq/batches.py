"""Circuits and pulses in double precision, one or many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import jax
import jax.numpy as jnp

T = TypeVar("T")


def double(tree: T) -> T:
    """The same values in JAX's default precision; call it within ``jax.enable_x64(True)``."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, float), tree)


def stacked(trees: Sequence[T]) -> T:
    """Trees of one structure as one, every leaf with a leading axis; in the precision of `double`."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *map(double, trees))
