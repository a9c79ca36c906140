"""`TsodyksMarkram`: short-term depression and facilitation."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from snnsim.core.connection import AbstractConnection
from snnsim.core.delay import AbstractDelay
from snnsim.core.errors import ShapeError
from snnsim.core.fields import param, static
from snnsim.core.keys import Rand
from snnsim.core.neuron import check_fields
from snnsim.core.synapse import AbstractSynapse, arrivals


class Resources(NamedTuple):
    """Shares of the resources: x ready, y in use; u is what a spike uses of x."""

    x: jax.Array
    y: jax.Array
    u: jax.Array


class TsodyksMarkram(AbstractSynapse):
    """Short-term plasticity: a spike releases u x of the weight, and resources x recover.

    Between spikes, exactly for any step: tau_fac du/dt = -u (or U - u, by `rest`); by `recovery`

    - "direct": tau_rec dx/dt = 1 - x (NEST tsodyks2_synapse);
    - "inactive": what was released stays in use, tau_psc dy/dt = -y, and only then recovers,
      dx/dt = z / tau_rec with z = 1 - x - y (NEST tsodyks_synapse).

    At a spike u grows by U (1 - u), the synapse transmits weight u x with this new u and the x before, and x loses
    u x. State is one a source where parameters and delays allow it, and one a synapse else: a step then costs a pass
    over the synapses.

    Args:
        utilisation: U, what a spike uses of the resources at rest.
        tau_rec: time constant of recovery (ms).
        tau_fac: time constant of facilitation (ms); 0 is none.
        tau_psc: time constant of what is in use (ms), for "inactive".
        recovery: "direct" or "inactive".
        rest: what u decays to: "zero" (NEST; Tsodyks, Pawelzik & Markram 1998), so that a first spike uses U, or
            "utilisation" (Mongillo, Barak & Tsodyks 2008), so that it uses U + U (1 - U).

    Example:
        >>> import snnsim as sn
        >>> depressing = sn.synapses.TsodyksMarkram(utilisation=0.5, tau_rec=800.0)
        >>> facilitating = sn.synapses.TsodyksMarkram(utilisation=0.05, tau_rec=100.0, tau_fac=1000.0)
        >>> sn.Projection("a", "b", sn.Dense(), synapse=depressing).name
        'a_b'

    References:
        Tsodyks, Pawelzik & Markram 1998, Neural Comput. 10:821; Maass & Markram 2002, Neural Netw. 15:155 (direct);
        Tsodyks, Uziel & Markram 2000, J. Neurosci. 20:RC50 (inactive); Mongillo, Barak & Tsodyks 2008, Science
        319:1543. NEST starts tsodyks2_synapse with u = U before the first spike, which is what u = 0 before it gives.
    """

    utilisation: jax.Array = param(0.5, unit="1", doc="part of the resources that a spike uses", bounds=(0.0, 1.0))
    tau_rec: jax.Array = param(800.0, unit="ms", doc="time constant of recovery", bounds=(1e-3, None))
    tau_fac: jax.Array = param(0.0, unit="ms", doc="time constant of facilitation", bounds=(0.0, None))
    tau_psc: jax.Array = param(3.0, unit="ms", doc="time constant of what is in use", bounds=(1e-3, None))
    recovery: str = static("direct", doc="how resources come back", choices=("direct", "inactive"), kw_only=True)
    rest: str = static("zero", doc="what u decays to", choices=("zero", "utilisation"), kw_only=True)
    separate: bool = static(False, doc="whether signals come one a synapse, set by the network", kw_only=True)
    each: bool = static(False, doc="whether state is one a synapse, set by the network", kw_only=True)

    per_synapse: ClassVar = True

    def __check_init__(self):
        check_fields(self)

    def build(self, connection: AbstractConnection, delay: AbstractDelay | None, pre: tuple[int, ...],
              post: tuple[int, ...]) -> TsodyksMarkram:
        """With state of each source or of each synapse.

        Raises:
            ShapeError: parameters that are neither one for all, nor one a source, nor one a synapse.
        """
        given = {name: getattr(self, name) for name in ("utilisation", "tau_rec", "tau_fac", "tau_psc")}
        separate = delay is not None and connection.separate(delay.shape, pre)
        each = separate or any(connection.separate(value.shape, pre) for value in given.values())
        for name, value in given.items():
            if value.ndim and value.shape != pre and not connection.separate(value.shape, pre):
                raise ShapeError(got=f"{name} of shape {value.shape}", where="TsodyksMarkram", fix="reshape it",
                                 expected=f"one number, one a source {pre} or one a synapse")
            if each and value.ndim and not connection.separate(value.shape, pre):
                given[name] = jnp.broadcast_to(connection.at_source(value), connection.weight.shape)  # type: ignore
        return dataclasses.replace(self, **given, separate=separate, each=each)

    def initial_state(self, connection: AbstractConnection, pre: tuple[int, ...], post: tuple[int, ...]) -> Resources:
        """All resources ready."""
        shape = connection.weight.shape if self.each else pre  # type: ignore[attr-defined]
        one = jnp.ones(shape, self.utilisation.dtype)
        return Resources(one, 0.0 * one, self.utilisation * one if self.rest == "utilisation" else 0.0 * one)

    def transmit(self, state: Resources, connection: AbstractConnection, signal: jax.Array, dt: float,
                 rand: Rand) -> tuple[Resources, jax.Array]:
        """Recovery over the step, then the release of this step's spikes."""
        if self.each and not self.separate:
            signal = jnp.broadcast_to(connection.at_source(signal), connection.weight.shape)  # type: ignore
        x, y, u = self._rested(state, dt)
        u = u + self.utilisation * (1.0 - u) * signal
        released = u * x * signal
        return Resources(x - released, y + released, u), arrivals(connection, released, self.each, rand)

    def _rested(self, state: Resources, dt: float) -> Resources:
        """State after `dt` ms without spikes."""
        facilitates = self.tau_fac > 0
        kept = jnp.where(facilitates, jnp.exp(-dt / jnp.where(facilitates, self.tau_fac, 1.0)), 0.0)
        floor = self.utilisation if self.rest == "utilisation" else jnp.zeros_like(self.utilisation)
        u = floor + (state.u - floor) * kept
        recovering = jnp.exp(-dt / self.tau_rec)
        if self.recovery == "direct":
            return Resources(1.0 - (1.0 - state.x) * recovering, jnp.zeros_like(state.y), u)
        # z' = y / tau_psc - z / tau_rec; the ratio is 1 where both time constants are equal.
        difference = dt * (1.0 / self.tau_rec - 1.0 / self.tau_psc)
        small = jnp.abs(difference) < 1e-12
        ratio = jnp.where(small, 1.0, jnp.expm1(difference) / jnp.where(small, 1.0, difference))
        inactive = (1.0 - state.x - state.y + state.y * dt / self.tau_psc * ratio) * recovering
        in_use = state.y * jnp.exp(-dt / self.tau_psc)
        return Resources(1.0 - in_use - inactive, in_use, u)
