"""Who is joined to how many: synapses by source unit and slice of the target, and by target unit."""

from __future__ import annotations

from math import prod

import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.connection import AbstractConnection
from snnsim.synapses.dense import Dense
from snnsim.synapses.sparse import Sparse

Shape = tuple[int, ...]


def fan_in(connection: AbstractConnection, pre: Shape, post: Shape) -> np.ndarray:
    """Synapses that arrive at each target unit, int64 ``[n_post]`` (weights of exactly 0 are none)."""
    ones = jnp.ones((1, *pre), jnp.result_type(float))
    return np.rint(np.asarray(connection.structure()(ones), np.float64)).astype(np.int64).reshape(prod(post))


def sources_of(connection: Sparse) -> np.ndarray:
    """Source of each synapse of a list, int64 ``[synapses]``; on the host, where long lists are."""
    starts = np.asarray(connection.starts, np.int64)
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def fan_out_by_slice(connection: AbstractConnection, pre: Shape, post: Shape, size: int) -> np.ndarray:
    """Synapses from each source unit onto each slice of `size` target units, int64 ``[n_pre, slices]``.

    Args:
        connection: a built connection.
        pre: shape of the source population.
        post: shape of the target population.
        size: units in a slice; the last slice may be smaller. Units are taken in flat order.
    """
    n_pre, n_post = prod(pre), prod(post)
    slices = -(-n_post // size)
    if isinstance(connection, Sparse):
        there = np.asarray(connection.weight) != 0
        cell = sources_of(connection)[there] * slices + np.asarray(connection.targets, np.int64)[there] // size
        return np.bincount(cell, minlength=n_pre * slices).reshape(n_pre, slices)
    if isinstance(connection, Dense):
        there = np.asarray(connection.weight) != 0
        return np.add.reduceat(there.astype(np.int64), np.arange(0, n_post, size), axis=1)
    dtype = jnp.result_type(float)
    _, transpose = jax.vjp(connection.structure(), jnp.zeros((1, *pre), dtype))
    columns = []
    for start in range(0, n_post, size):
        mask = np.zeros(n_post, dtype)
        mask[start : start + size] = 1
        columns.append(np.rint(np.asarray(transpose(jnp.asarray(mask.reshape(1, *post)))[0])).reshape(n_pre))
    return np.stack(columns, 1).astype(np.int64)
