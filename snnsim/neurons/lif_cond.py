"""`LIFCondExp` and `LIFCondAlpha`: LIF with synaptic conductances (NEST iaf_cond_exp, iaf_cond_alpha)."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax

from snnsim.core.fields import param, static
from snnsim.core.neuron import Inputs
from snnsim.neurons.conductances import (
    AbstractAlphaConductances,
    AbstractConductances,
    AbstractExponentialConductances,
)
from snnsim.neurons.integrate_and_fire import AbstractIntegrateAndFire, reset_field
from snnsim.neurons.integrators import METHODS, one_step
from snnsim.neurons.propagators import relax

CONDUCTANCE_METHODS = ("exponential_euler", *METHODS)


class LIFCondExpState(NamedTuple):
    """Membrane potential v (mV), excitatory and inhibitory conductance (uS)."""

    v: jax.Array
    g_exc: jax.Array
    g_inh: jax.Array


class LIFCondAlphaState(NamedTuple):
    """Membrane potential v (mV), conductances (uS) and what feeds them (uS/ms)."""

    v: jax.Array
    g_exc: jax.Array
    dg_exc: jax.Array
    g_inh: jax.Array
    dg_inh: jax.Array


class AbstractLIFCond(AbstractConductances, AbstractIntegrateAndFire):
    """LIF with synaptic conductances, in mV, nA, nF, uS.

    c_m dv/dt = -g_l (v - e_l) + g_exc (e_exc - v) + g_inh (e_inh - v) + i_e + current.

    Args:
        shape: number of units, or shape.
        c_m: membrane capacitance (nF).
        g_l: leak conductance (uS).
        e_l: leak reversal potential (mV).
        v_th: threshold (mV).
        v_reset: membrane after a spike (mV).
        i_e: constant current (nA).
        reset_mechanism: "zero" (to v_reset, NEST), "subtract" or "none".
        method: "exponential_euler" is exact for the conductances, and for v with these as they are at the beginning
            of the step (order 1, stable for any step; Brian2's method of that name for exponential conductances);
            "rk4" (order 4, NEST's spikes at steps of 0.1 ms) and "euler" integrate membrane and conductances
            together, with steps well below the time constants.
    """

    c_m: jax.Array = param(0.25, unit="nF", doc="membrane capacitance", bounds=(1e-9, None))
    g_l: jax.Array = param(0.0166667, unit="uS", doc="leak conductance", bounds=(1e-9, None))
    e_l: jax.Array = param(-70.0, unit="mV", doc="leak reversal potential")
    v_th: jax.Array = param(-55.0, unit="mV", doc="threshold")
    v_reset: jax.Array = param(-60.0, unit="mV", doc="membrane after a spike")
    i_e: jax.Array = param(0.0, unit="nA", doc="constant current")
    reset_mechanism: str = reset_field("zero")
    method: str = static("exponential_euler", doc="integration", choices=CONDUCTANCE_METHODS, kw_only=True)

    state_type: ClassVar[type]

    def init(self) -> Any:
        """At rest, no conductance."""
        return self.state_type(v=self.e_l, **self.closed(self.e_l))

    def flow(self, state: Any, dt: float, drive: Inputs) -> Any:
        """One step of `method`."""
        def current(s):
            return self.g_l * (self.e_l - s.v) + self.synaptic_current(s.v, s) + self.i_e + drive["current"]

        if self.method == "exponential_euler":
            total = self.g_l + state.g_exc + state.g_inh
            v = relax(state.v, state.v + current(state) / total, dt, self.c_m / total)
            return state._replace(v=v, **self.propagated(state, dt))
        return one_step(self.method, lambda s: s._replace(v=current(s) / self.c_m, **self.conductance_slopes(s)),
                        state, dt)


class LIFCondExp(AbstractExponentialConductances, AbstractLIFCond):
    """LIF with exponential conductances; with `Refractory(..., t_ref=2.0)` NEST's iaf_cond_exp.

    References:
        Dayan & Abbott 2001, Theoretical Neuroscience, section 5.8; Meffin, Burkitt & Grayden 2004, J. Comput.
        Neurosci. 16:159; NEST iaf_cond_exp.
    """

    state_type: ClassVar = LIFCondExpState


class LIFCondAlpha(AbstractAlphaConductances, AbstractLIFCond):
    """LIF with alpha-shaped conductances; with `Refractory(..., t_ref=2.0)` NEST's iaf_cond_alpha.

    References:
        Dayan & Abbott 2001, Theoretical Neuroscience, section 5.8; Meffin, Burkitt & Grayden 2004, J. Comput.
        Neurosci. 16:159; NEST iaf_cond_alpha.
    """

    state_type: ClassVar = LIFCondAlphaState
