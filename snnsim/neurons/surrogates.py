"""The family of surrogate gradients: pseudo-derivatives of a spike in the margin x = v - v_th."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from snnsim.core.fields import param
from snnsim.core.surrogate import AbstractSurrogate


def _sharpness(default: float, doc: str):
    return param(default, unit="1", doc=doc, bounds=(1e-6, None))


class FastSigmoid(AbstractSurrogate):
    """1 / (1 + k |x|)^2, with SuperSpike's shape (Zenke & Ganguli 2018).

    Args:
        k: sharpness (snnTorch: slope).
    """

    k: jax.Array = _sharpness(25.0, "sharpness")

    def slope(self, margin: jax.Array) -> jax.Array:
        """Pseudo-derivative at `margin`."""
        return 1.0 / (1.0 + self.k * jnp.abs(margin)) ** 2


def super_spike(beta: float = 100.0) -> FastSigmoid:
    """SuperSpike (Zenke & Ganguli 2018): the fast sigmoid at the sharpness of that paper's code.

    Args:
        beta: sharpness.
    """
    return FastSigmoid(beta)


class ATan(AbstractSurrogate):
    """(alpha / 2) / (1 + (pi alpha x / 2)^2): derivative of an arctangent (Fang et al. 2021).

    Args:
        alpha: sharpness.
    """

    alpha: jax.Array = _sharpness(2.0, "sharpness")

    def slope(self, margin: jax.Array) -> jax.Array:
        """Pseudo-derivative at `margin`."""
        return self.alpha / 2 / (1.0 + (jnp.pi / 2 * self.alpha * margin) ** 2)


class Sigmoid(AbstractSurrogate):
    """k s(kx) (1 - s(kx)) with the logistic function s.

    Args:
        k: sharpness (snnTorch: slope).
    """

    k: jax.Array = _sharpness(25.0, "sharpness")

    def slope(self, margin: jax.Array) -> jax.Array:
        """Pseudo-derivative at `margin`."""
        s = jax.nn.sigmoid(self.k * margin)
        return self.k * s * (1.0 - s)


class Triangle(AbstractSurrogate):
    """height * max(0, 1 - |x| / width) (Bellec et al. 2018).

    Args:
        height: value at threshold (paper: gamma).
        width: half width of the base.
    """

    height: jax.Array = param(0.3, unit="1", doc="value at threshold", bounds=(0.0, None))
    width: jax.Array = param(1.0, unit="state", doc="half width of the base", bounds=(1e-6, None))

    def slope(self, margin: jax.Array) -> jax.Array:
        """Pseudo-derivative at `margin`."""
        return self.height * jnp.maximum(0.0, 1.0 - jnp.abs(margin) / self.width)


class Boxcar(AbstractSurrogate):
    """height where |x| <= width / 2, else 0 (Kaiser et al. 2020).

    Args:
        height: value near threshold.
        width: full width.
    """

    height: jax.Array = param(0.5, unit="1", doc="value near threshold", bounds=(0.0, None))
    width: jax.Array = param(1.0, unit="state", doc="full width", bounds=(1e-6, None))

    def slope(self, margin: jax.Array) -> jax.Array:
        """Pseudo-derivative at `margin`."""
        return self.height * (jnp.abs(margin) <= self.width / 2)


class Gaussian(AbstractSurrogate):
    """Normal density of standard deviation sigma (Yin et al. 2021 use mixtures of it).

    Args:
        sigma: standard deviation.
    """

    sigma: jax.Array = param(0.5, unit="state", doc="standard deviation", bounds=(1e-6, None))

    def slope(self, margin: jax.Array) -> jax.Array:
        """Pseudo-derivative at `margin`."""
        return jnp.exp(-0.5 * (margin / self.sigma) ** 2) / (self.sigma * jnp.sqrt(2 * jnp.pi).astype(margin.dtype))


class StraightThrough(AbstractSurrogate):
    """1 everywhere finite: the spike passes its gradient on (Bengio et al. 2013)."""

    def slope(self, margin: jax.Array) -> jax.Array:
        """Pseudo-derivative at `margin`."""
        return jnp.isfinite(margin).astype(margin.dtype)
