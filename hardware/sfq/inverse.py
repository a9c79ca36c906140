"""The inverse of a positive definite matrix by elimination, in plain JAX.

Batches of LAPACK's inverse inside of a compiled loop can stall XLA's threads on CPUs (seen with jaxlib 0.10 on two
cores, once in some ten batches of 400 circuits), and a transient needs the inverse of small matrices only.
"""

from __future__ import annotations

import jax


@jax.custom_jvp
def positive_inverse(matrix: jax.Array) -> jax.Array:
    """Inverse of a symmetric positive definite ``[n, n]``, whose pivots need no exchange of rows.

    Example:
        >>> import jax.numpy as jnp
        >>> positive_inverse(jnp.array([[2.0, 1.0], [1.0, 1.0]])).tolist()
        [[1.0, -1.0], [-1.0, 2.0]]
    """

    def eliminate(k: int, m: jax.Array) -> jax.Array:
        pivot, row, column = m[k, k], m[k], m[:, k]
        swept = m - column[:, None] * row[None, :] / pivot
        return swept.at[k].set(row / pivot).at[:, k].set(-column / pivot).at[k, k].set(1.0 / pivot)

    return jax.lax.fori_loop(0, matrix.shape[0], eliminate, matrix)


@positive_inverse.defjvp
def _positive_inverse_jvp(primals, tangents):
    inverse = positive_inverse(*primals)
    return inverse, -inverse @ tangents[0] @ inverse
