"""`AdExCondExp` and `AdExCondAlpha`: AdEx with synaptic conductances (NEST aeif_cond_exp, aeif_cond_alpha)."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from snnsim.core.neuron import Inputs
from snnsim.neurons.adex import AbstractAdEx
from snnsim.neurons.conductances import (
    AbstractAlphaConductances,
    AbstractConductances,
    AbstractExponentialConductances,
)
from snnsim.neurons.integrators import one_step


class AdExCondExpState(NamedTuple):
    """Membrane potential v (mV), adaptation current w (nA), excitatory and inhibitory conductance (uS)."""

    v: jax.Array
    w: jax.Array
    g_exc: jax.Array
    g_inh: jax.Array


class AdExCondAlphaState(NamedTuple):
    """Membrane potential v (mV), adaptation current w (nA), conductances (uS) and what feeds them (uS/ms)."""

    v: jax.Array
    w: jax.Array
    g_exc: jax.Array
    dg_exc: jax.Array
    g_inh: jax.Array
    dg_inh: jax.Array


class AbstractAdExCond(AbstractConductances, AbstractAdEx):
    """AdEx whose other currents are g_exc (e_exc - v) + g_inh (e_inh - v) + current.

    "rk4" and "euler" integrate membrane, adaptation and conductances together.
    """

    state_type: ClassVar[type]

    def init(self) -> Any:
        """At rest, not adapted, no conductance."""
        return self.state_type(v=self.e_l, w=jnp.zeros_like(self.e_l), **self.closed(self.e_l))

    def flow(self, state: Any, dt: float, drive: Inputs) -> Any:
        """One step of `method`."""
        def derivative(s):
            v = self.below_peak(s.v)
            dv, dw = self.slopes(v, s.w, self.synaptic_current(v, s) + drive["current"])
            return s._replace(v=dv, w=dw, **self.conductance_slopes(s))
        return one_step(self.method, derivative, state, dt)


class AdExCondExp(AbstractExponentialConductances, AbstractAdExCond):
    """AdEx with exponential conductances (NEST aeif_cond_exp).

    References:
        Brette & Gerstner 2005, J. Neurophysiol. 94:3637; NEST aeif_cond_exp.
    """

    state_type: ClassVar = AdExCondExpState


class AdExCondAlpha(AbstractAlphaConductances, AbstractAdExCond):
    """AdEx with alpha-shaped conductances (NEST aeif_cond_alpha; with an `AstrocyteLR` aeif_cond_alpha_astro).

    References:
        Brette & Gerstner 2005, J. Neurophysiol. 94:3637; NEST aeif_cond_alpha.
    """

    state_type: ClassVar = AdExCondAlphaState
