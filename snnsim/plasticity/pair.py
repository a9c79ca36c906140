"""`PairSTDP`: spike-timing dependent plasticity of pairs of spikes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from snnsim.core.fields import param, part, static
from snnsim.plasticity.dependence import AbstractDependence, Additive
from snnsim.plasticity.rule import AbstractRule, Trace

PAIRINGS = ("all", "nearest", "nearest_reduced", "nearest_presynaptic")


class PairSTDP(AbstractRule):
    """Pair-based STDP: pre before post strengthens, post before pre weakens.

    Traces: tau_plus dx/dt = -x, tau_minus dy/dt = -y. With the range r = w_max - w_min and the strength
    u = (w - w_min) / r, a postsynaptic spike adds r a_plus f_plus(u) x, a presynaptic one takes r a_minus f_minus(u) y.

    `pairing` says which pairs count (Morrison, Diesmann & Gerstner 2008, figure 7):

    - "all": every spike adds 1 to its trace: all pairs.
    - "nearest": every spike sets its trace to 1: each spike with the nearest earlier one of the other side.
    - "nearest_presynaptic": a postsynaptic spike counts all presynaptic ones since the postsynaptic spike before it; a
      presynaptic one the nearest postsynaptic.
    - "nearest_reduced": only pairs with no other spike of the two between.

    Args:
        a_plus: potentiation of a pair without delay, as a part of the range.
        a_minus: depression of a pair without delay, as a part of the range.
        tau_plus: time constant of the source's trace (ms).
        tau_minus: time constant of the target's trace (ms).
        dependence: f_plus and f_minus: `Additive`, `Multiplicative`, `Power` or `Unbounded`.
        pairing: which pairs count.

    Example:
        >>> import jax, snnsim as sn
        >>> from snnsim.plasticity import NEST, PairSTDP, Power
        >>> rule = PairSTDP(0.01, 0.0105, w_max=100.0, dependence=Power(1.0, 1.0), **NEST)  # NEST's stdp_synapse
        >>> net = sn.Network(dict(a=sn.Input(5), b=sn.LIF(3)),
        ...                  [sn.Projection("a", "b", sn.Dense(weight=50.0), delay=1.0, synapse=rule)],
        ...                  key=jax.random.key(0))

    References:
        Song, Miller & Abbott 2000, Nat. Neurosci. 3:919; Morrison, Diesmann & Gerstner 2008, Biol. Cybern. 98:459;
        NEST stdp_synapse (lambda = a_plus, alpha lambda = a_minus), stdp_nn_symm_synapse, stdp_nn_pre_centered_synapse,
        stdp_nn_restr_synapse.
    """

    a_plus: jax.Array = param(0.01, unit="1", doc="potentiation, part of the range", bounds=(0.0, None))
    a_minus: jax.Array = param(0.0105, unit="1", doc="depression, part of the range", bounds=(0.0, None))
    tau_plus: jax.Array = param(20.0, unit="ms", doc="time constant of the source's trace", bounds=(1e-3, None))
    tau_minus: jax.Array = param(20.0, unit="ms", doc="time constant of the target's trace", bounds=(1e-3, None))
    dependence: AbstractDependence = part(Additive, doc="how changes depend on the weight")
    pairing: str = static("all", doc="which pairs count", choices=PAIRINGS)

    @property
    def bounded(self) -> bool:  # type: ignore[override]
        """Whether weights stay below w_max."""
        return self.dependence.bounded

    def traces(self) -> tuple[tuple[Trace, ...], tuple[Trace, ...]]:
        """x and y; with reduced pairings also when the other side spiked last."""
        nearest = self.pairing != "all"
        x, y = Trace(self.tau_plus, nearest), Trace(self.tau_minus, nearest)
        if self.pairing == "nearest_presynaptic":
            return (Trace(self.tau_plus),), (y, Trace(self.tau_plus, True))
        if self.pairing == "nearest_reduced":
            return (x, Trace(self.tau_minus, True)), (y, Trace(self.tau_plus, True))
        return (x,), (y,)

    def initial_local(self, weight: jax.Array) -> Any:
        """With "nearest_presynaptic" the source's trace at the target's last spike."""
        return jnp.zeros_like(weight) if self.pairing == "nearest_presynaptic" else ()

    def change(self, weight: jax.Array, local: Any, pre: tuple, post: tuple, p: jax.Array, q: jax.Array,
               seen: Any) -> tuple[jax.Array, Any]:
        """Potentiation by x, depression by y."""
        (side_x, *_), (side_y, *_) = self.traces()
        x, y = self.meeting(side_x, pre[0], p, "potentiation"), self.meeting(side_y, post[0], q, "depression")
        if self.pairing == "nearest_presynaptic":
            # Of the source's trace, what is older than the target's last spike is forgotten.
            x, local = x - local * post[1], local + (x - local) * q
        elif self.pairing == "nearest_reduced":
            # Traces of one time constant tell which side spiked last: the larger is the later.
            x, y = x * (x >= post[1]).astype(x.dtype), y * (y > pre[1]).astype(y.dtype)
        scale = self.w_max - self.w_min
        weight = self.in_order(
            weight, lambda w: scale * self.a_plus * self.dependence.up(self.strength(w)) * x * q,
            lambda w: -scale * self.a_minus * self.dependence.down(self.strength(w)) * y * p)
        return weight, local
