"""Connections as matrices: rows are inputs, columns are outputs, and a convolution is read place by place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import prod

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.connection import AbstractConnection
from snnsim.core.errors import ConfigurationError, UnsupportedError
from snnsim.synapses.conv import AbstractConv
from snnsim.synapses.dense import Dense
from snnsim.synapses.sparse import Sparse

Shape = tuple[int, ...]
LARGEST = 2**26  # pairs of a matrix: it is made in full, and its cells several times


class Unrolled(ABC):
    """A connection whose weights are a matrix ``[rows, columns]``.

    The columns of a grouped convolution see different inputs group by group: `groups` matrices of equal size stand
    side by side, of ``columns / groups`` columns each.
    """

    groups = 1

    def __init__(self, connection: AbstractConnection):
        self.connection = connection

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """(rows, columns), without making the matrix."""

    @abstractmethod
    def matrix(self) -> jax.Array:
        """The weights, ``[rows, columns]``."""

    @abstractmethod
    def with_matrix(self, matrix: jax.Array) -> AbstractConnection:
        """A plain connection with these weights, the bias as it was."""

    @abstractmethod
    def product(self, signals: jax.Array, tiles: jax.Array) -> jax.Array:
        """Sums of each block of rows apart.

        Args:
            signals: ``[n, *pre]``.
            tiles: ``[blocks, rows of a block, columns, m]``: m numbers for each row and column; rows beyond the
                last are 0.

        Returns:
            ``[n, blocks, m, *post]``.
        """

    @abstractmethod
    def spread(self, values: jax.Array, axes: int) -> jax.Array:
        """Numbers of columns ``[k, columns or 1]`` in a form that broadcasts to ``[k, *post]`` of so many axes."""

    @abstractmethod
    def reads(self, post: Shape) -> int:
        """How often the arrays are read in a step: once for each place of a kernel."""

    def activations(self, counts: np.ndarray) -> np.ndarray:
        """How often each row is driven as each column sees it, float64 ``[rows, columns]``.

        Args:
            counts: signals of each source unit, ``[*pre]``; a unit in several places of a kernel drives several rows.
        """
        with jax.enable_x64(True):
            signals = jnp.asarray(counts, jnp.float64)[None]
            _, transpose = jax.vjp(
                lambda tile: self.product(signals, tile).sum(), jnp.zeros((1, *self.shape, 1), jnp.float64)
            )
            driven = transpose(jnp.ones((), jnp.float64))[0]
            return np.asarray(driven)[0, :, :, 0]


class _Matrix(Unrolled):
    """`Dense` and `Sparse`: pairs that are not joined are cells at their smallest conductance all the same."""

    @property
    def shape(self) -> tuple[int, int]:
        if isinstance(self.connection, Dense):
            return self.connection.weight.shape
        return len(self.connection.starts) - 1, prod(self.connection.post)  # type: ignore[attr-defined]

    def matrix(self) -> jax.Array:
        if isinstance(self.connection, Dense):
            return self.connection.weight
        sparse: Sparse = self.connection  # type: ignore[assignment]
        empty = jnp.zeros(self.shape, sparse.weight.dtype)
        return empty.at[sparse.sources, sparse.targets].add(sparse.weight)

    def with_matrix(self, matrix: jax.Array) -> AbstractConnection:
        return Dense(matrix, getattr(self.connection, "bias", None), self.connection.post)  # type: ignore

    def product(self, signals: jax.Array, tiles: jax.Array) -> jax.Array:
        blocks, height = tiles.shape[:2]
        flat = signals.reshape(signals.shape[0], -1)
        padded = jnp.pad(flat, ((0, 0), (0, blocks * height - flat.shape[1])))
        found = jnp.einsum("ntr,trcm->ntmc", padded.reshape(-1, blocks, height), tiles)
        return found.reshape(*found.shape[:3], *self.connection.post)  # type: ignore[attr-defined]

    def spread(self, values: jax.Array, axes: int) -> jax.Array:
        if values.shape[1] == 1:
            return values.reshape(values.shape[0], *(1,) * axes)
        return values.reshape(values.shape[0], *self.connection.post)  # type: ignore[attr-defined]

    def reads(self, post: Shape) -> int:
        return 1


class _Kernels(Unrolled):
    """`Conv1d` and `Conv2d`: a column is an output channel, a row one point of one input channel's kernel."""

    connection: AbstractConv

    @property
    def groups(self) -> int:  # type: ignore[override]
        return self.connection.groups

    @property
    def shape(self) -> tuple[int, int]:
        weight = self.connection.weight.shape
        return prod(weight[1:]), weight[0]

    def matrix(self) -> jax.Array:
        weight = self.connection.weight
        return weight.reshape(weight.shape[0], -1).T

    def with_matrix(self, matrix: jax.Array) -> AbstractConnection:
        weight = matrix.T.reshape(self.connection.weight.shape)
        return eqx.tree_at(lambda conv: conv.weight, self.connection, weight)

    def product(self, signals: jax.Array, tiles: jax.Array) -> jax.Array:
        blocks, height, columns, m = tiles.shape
        shape, groups = self.connection.weight.shape[1:], self.groups
        rows = prod(shape)
        # Each block in its place among all rows, 0 elsewhere: a kernel for each block, column and number.
        whole = jnp.zeros((blocks, blocks * height, columns, m), tiles.dtype)
        for t in range(blocks):
            whole = whole.at[t, t * height : (t + 1) * height].set(tiles[t])
        kernels = whole[:, :rows].reshape(blocks, rows, groups, columns // groups, m).transpose(2, 0, 4, 3, 1)
        stacked = eqx.tree_at(
            lambda conv: (conv.weight, conv.bias),
            self.connection,
            (kernels.reshape(-1, *shape), None),
            is_leaf=lambda leaf: leaf is None,
        )
        found = stacked(signals)
        space = found.shape[2:]
        split = found.reshape(-1, groups, blocks, m, columns // groups, *space)
        return jnp.moveaxis(split, 1, 3).reshape(-1, blocks, m, columns, *space)

    def spread(self, values: jax.Array, axes: int) -> jax.Array:
        return values.reshape(*values.shape, *(1,) * (axes - 1))

    def reads(self, post: Shape) -> int:
        return prod(post[1:])


def unrolled(connection: AbstractConnection, where: str) -> Unrolled:
    """The matrix view of a built connection.

    Raises:
        UnsupportedError: a connection that is no matrix of its own (one to one, pooling, a chain).
        ConfigurationError: a matrix too large to be made: the pairs of a sparse connection that are not joined count.
    """
    if isinstance(connection, Dense | Sparse):
        view: Unrolled = _Matrix(connection)
    elif isinstance(connection, AbstractConv):
        view = _Kernels(connection)
    else:
        raise _no_matrix(connection, where)
    rows, columns = view.shape
    if rows * columns > LARGEST:
        raise ConfigurationError(
            got=f"{rows:,} x {columns:,} = {rows * columns:,} pairs",
            expected=f"at most {LARGEST:,}, more weights than a chip of 2016 would hold",
            where=where,
            fix="leave this projection off the arrays, or divide its populations",
        )
    return view


def _no_matrix(connection: AbstractConnection, where: str) -> UnsupportedError:
    return UnsupportedError(
        got=f"a {type(connection).__name__} connection",
        expected="Dense, Sparse, Conv1d or Conv2d",
        where=where,
        fix="leave this projection off the arrays, or use one of these (in a Chain, each part by itself)",
    )
