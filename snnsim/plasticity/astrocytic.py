"""`AstrocyticSTDP`: STDP of a liquid whose rate of depression is set at every step by an astrocyte (NALSM)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import param
from snnsim.plasticity.rule import AbstractRule, Trace


class AstrocyticSTDP(AbstractRule):
    """Pair STDP in which the state A of an astrocyte takes the place of the constant rate of depression.

    Traces: tau dx/dt = -x of either side, all pairs count. Changes by the sign of the source and by event:

    ==========  =====================  =======================
    sign        postsynaptic spike     presynaptic spike
    ==========  =====================  =======================
    1 (exc.)    + a_plus trace x       - A trace y
    -1 (inh.)   - A trace x            + a_plus trace y
    ==========  =====================  =======================

    Weights are signed and kept between w_min and w_max; A, the output of the projection's one modulator (an
    `AstrocyteLIM` of one unit), is not cut. While A equals a_plus both sides balance; a liquid that is more active than
    its input raises A and so weakens excitation and strengthens inhibition.

    Args:
        a_plus: constant rate.
        trace: what a spike adds to its trace.
        tau: time constant of the traces (ms).
        sign: 1 for excitatory sources, whose weights may be of either sign, -1 for inhibitory ones; a number, or one a
            source.
        fading: rate at which all rates fade (1/ms): both are scaled by exp(-fading t).

    References:
        Ivanov & Michmizos 2021, NeurIPS, arXiv 2111.01760 and its code: a_plus 0.15, trace 0.1, decay 0.904774 a
        step of 1 ms (tau = 9.993 ms); fading of 1 % a step in the feature phase.
    """

    a_plus: jax.Array = param(0.15, unit="port", doc="constant rate", bounds=(0.0, None))
    trace: jax.Array = param(0.1, unit="1", doc="what a spike adds to its trace", bounds=(0.0, None))
    tau: jax.Array = param(9.993, unit="ms", doc="time constant of the traces", bounds=(1e-3, None))
    sign: jax.Array = param(1.0, unit="1", doc="1 for excitatory sources, -1 for inhibitory ones", bounds=(-1.0, 1.0))
    fading: jax.Array = param(0.0, unit="1/ms", doc="rate at which all rates fade", bounds=(0.0, None))

    def traces(self) -> tuple[tuple[Trace, ...], tuple[Trace, ...]]:
        """x and y, in units of `trace`."""
        return (Trace(self.tau),), (Trace(self.tau),)

    def initial_shared(self) -> jax.Array:
        """Scale of the rates."""
        return jnp.ones_like(self.tau)

    def observe(self, shared: jax.Array, modulators: Mapping[str, jax.Array], dt: float,
                ) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        """(scale of the rates after the step, (scale now, state of the astrocyte))."""
        if len(modulators) != 1 or (state := next(iter(modulators.values()))).size != 1:
            sizes = ", ".join(f"{name} of {output.size}" for name, output in modulators.items()) or "none"
            raise ConfigurationError(got=f"modulators: {sizes}", expected="one population of one unit",
                                     where="AstrocyticSTDP", fix='pass Projection(..., modulators=["astrocyte"])')
        return shared * jnp.exp(-dt * self.fading), (shared, state.reshape(()))

    def change(self, weight: jax.Array, local: Any, pre: tuple, post: tuple, p: jax.Array, q: jax.Array,
               seen: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, Any]:
        """By the table above; potentiation is what a_plus does."""
        (side_x,), (side_y,) = self.traces()
        scale, astrocyte = seen
        x, y = self.meeting(side_x, pre[0], p, "potentiation"), self.meeting(side_y, post[0], q, "depression")
        at_post, at_pre = self.trace * scale * x * q, self.trace * scale * y * p
        excitatory = self.sign > 0
        up = self.a_plus * jnp.where(excitatory, at_post, at_pre)
        down = -astrocyte * jnp.where(excitatory, at_pre, at_post)
        return self.in_order(weight, lambda w: up, lambda w: down), local
