"""How a change depends on the weight: additive, multiplicative, powers in between, and without an upper bound.

All speak of the strength u = (w - w_min) / (w_max - w_min), which is 0 for the weakest and 1 for the strongest weight.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from snnsim.core.fields import param


class AbstractDependence(eqx.Module):
    """Factors of potentiation and depression at strength u; `bounded` says whether u stays below 1."""

    bounded: ClassVar[bool] = True

    @abstractmethod
    def up(self, u: jax.Array) -> jax.Array:
        """Factor of potentiation."""

    @abstractmethod
    def down(self, u: jax.Array) -> jax.Array:
        """Factor of depression."""


class Additive(AbstractDependence):
    """The same change at every weight, cut at the bounds (Song, Miller & Abbott 2000, Nat. Neurosci. 3:919)."""

    def up(self, u: jax.Array) -> jax.Array:
        """1."""
        return jnp.ones_like(u)

    def down(self, u: jax.Array) -> jax.Array:
        """1."""
        return jnp.ones_like(u)


class Multiplicative(AbstractDependence):
    """Potentiation by 1 - u, depression by u (Rubin, Lee & Sompolinsky 2001, Phys. Rev. Lett. 86:364)."""

    def up(self, u: jax.Array) -> jax.Array:
        """1 - u."""
        return 1.0 - u

    def down(self, u: jax.Array) -> jax.Array:
        """U."""
        return u


class Power(AbstractDependence):
    """Potentiation by (1 - u)^mu_plus, depression by u^mu_minus: additive at 0, multiplicative at 1.

    Args:
        mu_plus: exponent of potentiation.
        mu_minus: exponent of depression.

    References:
        Guetig, Aharonov, Rotter & Sompolinsky 2003, J. Neurosci. 23:3697; NEST stdp_synapse.
    """

    mu_plus: jax.Array = param(1.0, unit="1", doc="exponent of potentiation", bounds=(0.0, None))
    mu_minus: jax.Array = param(1.0, unit="1", doc="exponent of depression", bounds=(0.0, None))

    def up(self, u: jax.Array) -> jax.Array:
        """(1 - u)^mu_plus."""
        return _power(1.0 - u, self.mu_plus)

    def down(self, u: jax.Array) -> jax.Array:
        """u^mu_minus."""
        return _power(u, self.mu_minus)


class Unbounded(AbstractDependence):
    """Potentiation by u^mu, depression by u, with no upper bound: w_max is where both are 1.

    Args:
        mu: exponent of potentiation.

    References:
        Morrison, Aertsen & Diesmann 2007, Neural Comput. 19:1437 (mu = 0.4); NEST stdp_pl_synapse_hom, whose lambda is
        the rule's a_plus times w_max^(1 - mu).
    """

    mu: jax.Array = param(0.4, unit="1", doc="exponent of potentiation", bounds=(0.0, None))

    bounded: ClassVar = False

    def up(self, u: jax.Array) -> jax.Array:
        """u^mu."""
        return _power(u, self.mu)

    def down(self, u: jax.Array) -> jax.Array:
        """U."""
        return u


def _power(base: jax.Array, exponent: jax.Array) -> jax.Array:
    """base^exponent, at 0 (where its slope may be infinite) with slope 0."""
    positive = base > 0
    at_zero = jnp.where(exponent > 0, 0.0, 1.0).astype(base.dtype)
    return jnp.where(positive, jnp.where(positive, base, 1.0) ** exponent, at_zero)
