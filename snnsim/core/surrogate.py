"""The spike itself: a step function forwards, a smooth pseudo-derivative backwards."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial

import equinox as eqx
import jax


class AbstractSurrogate(eqx.Module):
    """Pseudo-derivative of the spike with respect to the margin (membrane minus threshold).

    A frozen value: its numbers are leaves, so that changing a slope does not recompile.
    """

    @abstractmethod
    def slope(self, margin: jax.Array) -> jax.Array:
        """Pseudo-derivative at `margin`, any shape."""

    def __call__(self, margin: jax.Array, inclusive: bool = False) -> jax.Array:
        """1 where margin > 0 (with `inclusive`: >= 0), else 0; gradients use `slope`."""
        return _spike(margin, self.slope(jax.lax.stop_gradient(margin)), inclusive)


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def _spike(margin: jax.Array, slope: jax.Array, inclusive: bool) -> jax.Array:
    return ((margin >= 0) if inclusive else (margin > 0)).astype(margin.dtype)


@_spike.defjvp
def _spike_jvp(inclusive, primals, tangents):
    margin, slope = primals
    return _spike(margin, slope, inclusive), slope * tangents[0]
