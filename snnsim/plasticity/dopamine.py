"""`DopamineSTDP`: pairs of spikes make a synapse eligible, a reward signal turns that into weight."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import param
from snnsim.plasticity.rule import AbstractRule, Trace


class DopamineSTDP(AbstractRule):
    """Three factors: dw/dt = c (n - baseline), integrated exactly over each step.

    Traces: tau_plus dx/dt = -x, tau_minus dy/dt = -y; all pairs count. The eligibility c of a synapse decays with
    tau_c; a postsynaptic spike adds r a_plus x, a presynaptic one takes r a_minus y, where r = w_max - w_min. The
    concentration n of dopamine is one number for all: it decays with tau_n, and outputs of the projection's modulators
    (spikes of dopaminergic cells, or an `Input` of rewards, which may be negative) add their sum over tau_n.
    All eligible synapses move at every step: a step costs a pass over the synapses, but no exponential of each.

    Args:
        a_plus: eligibility from a pair pre before post, as a part of the range (1/ms per unit of dopamine).
        a_minus: eligibility taken by a pair post before pre, as a part of the range.
        tau_plus: time constant of the source's trace (ms).
        tau_minus: time constant of the target's trace (ms).
        tau_c: time constant of eligibility (ms).
        tau_n: time constant of dopamine (ms).
        baseline: dopamine at which weights stay (1/ms, as n counts spikes over tau_n).

    Example:
        >>> import jax, snnsim as sn
        >>> from snnsim.plasticity import DopamineSTDP
        >>> plastic = sn.Projection("a", "b", sn.Dense(weight=0.5), delay=1.0, synapse=DopamineSTDP(),
        ...                         modulators=["reward"])
        >>> net = sn.Network(dict(a=sn.Input(5), reward=sn.Input(1), b=sn.LIF(3)), [plastic], key=jax.random.key(0))

    References:
        Izhikevich 2007, Cereb. Cortex 17:2443; Potjans, Morrison & Diesmann 2010, Front. Comput. Neurosci. 4:141; NEST
        stdp_dopamine_synapse (A_plus = r a_plus, b = baseline). With timing="dendritic" pairs are treated a delay after
        NEST does so: give the modulators the same delay (NEST's volume transmitter then has a delay of one step).
    """

    a_plus: jax.Array = param(1.0, unit="1", doc="eligibility of pre before post, part of the range",
                              bounds=(0.0, None))
    a_minus: jax.Array = param(1.5, unit="1", doc="eligibility of post before pre, part of the range",
                               bounds=(0.0, None))
    tau_plus: jax.Array = param(20.0, unit="ms", doc="time constant of the source's trace", bounds=(1e-3, None))
    tau_minus: jax.Array = param(20.0, unit="ms", doc="time constant of the target's trace", bounds=(1e-3, None))
    tau_c: jax.Array = param(1000.0, unit="ms", doc="time constant of eligibility", bounds=(1e-3, None))
    tau_n: jax.Array = param(200.0, unit="ms", doc="time constant of dopamine", bounds=(1e-3, None))
    baseline: jax.Array = param(0.0, unit="1/ms", doc="dopamine at which weights stay")

    def traces(self) -> tuple[tuple[Trace, ...], tuple[Trace, ...]]:
        """x and y."""
        return (Trace(self.tau_plus),), (Trace(self.tau_minus),)

    def initial_local(self, weight: jax.Array) -> jax.Array:
        """No eligibility."""
        return jnp.zeros_like(weight)

    def initial_shared(self) -> jax.Array:
        """No dopamine."""
        return jnp.zeros_like(self.tau_n)

    def observe(self, shared: jax.Array, modulators: Mapping[str, jax.Array], dt: float) -> tuple[jax.Array, jax.Array]:
        """(dopamine after the step, dopamine at its beginning)."""
        if not modulators:
            raise ConfigurationError(got="no modulators", expected="populations whose output is dopamine",
                                     where="DopamineSTDP", fix='pass Projection(..., modulators=["reward"])')
        released = sum(jnp.sum(output) for output in modulators.values())
        return shared * jnp.exp(-dt / self.tau_n) + released / self.tau_n, shared

    def drift(self, weight: jax.Array, local: jax.Array, seen: jax.Array, dt: float) -> tuple[jax.Array, jax.Array]:
        """Exact integral of c (n - baseline) over the step."""
        tau = self.tau_c * self.tau_n / (self.tau_c + self.tau_n)
        gain = -seen * tau * jnp.expm1(-dt / tau) + self.baseline * self.tau_c * jnp.expm1(-dt / self.tau_c)
        return self.within(weight + local * gain), local * jnp.exp(-dt / self.tau_c)

    def change(self, weight: jax.Array, local: jax.Array, pre: tuple, post: tuple, p: jax.Array, q: jax.Array,
               seen: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Eligibility by x and y; the weight follows later."""
        (side_x,), (side_y,) = self.traces()
        x, y = self.meeting(side_x, pre[0], p, "potentiation"), self.meeting(side_y, post[0], q, "depression")
        return weight, local + (self.w_max - self.w_min) * (self.a_plus * x * q - self.a_minus * y * p)
