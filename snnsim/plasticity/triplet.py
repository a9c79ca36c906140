"""`TripletSTDP`: plasticity of pairs and triplets of spikes."""

from __future__ import annotations

from typing import Any

import jax

from snnsim.core.fields import param, part, static
from snnsim.plasticity.dependence import AbstractDependence, Additive
from snnsim.plasticity.rule import AbstractRule, Trace


class TripletSTDP(AbstractRule):
    """Triplet STDP: what a pair does also depends on the spike before it on the same side.

    Traces of the source r1 (tau_plus), r2 (tau_x), of the target o1 (tau_minus), o2 (tau_y). With the range
    r = w_max - w_min, a postsynaptic spike adds r r1 (a2_plus + a3_plus o2) f_plus, a presynaptic one takes
    r o1 (a2_minus + a3_minus r2) f_minus; r2 and o2 are those just before the spike itself. So potentiation grows with
    the rate of the target, as pairs alone do not explain. The defaults are the minimal model of all triplets fitted to
    visual cortex, with a range of 1.

    Args:
        a2_plus: potentiation of a pair, as a part of the range.
        a3_plus: potentiation of a triplet post-pre-post, as a part of the range.
        a2_minus: depression of a pair, as a part of the range.
        a3_minus: depression of a triplet pre-post-pre, as a part of the range.
        tau_plus: time constant of r1 (ms).
        tau_x: time constant of r2 (ms).
        tau_minus: time constant of o1 (ms).
        tau_y: time constant of o2 (ms).
        dependence: f_plus and f_minus: `Additive`, `Multiplicative`, `Power` or `Unbounded`.
        pairing: "all" spikes add 1 to their traces, or with "nearest" set them to 1.

    References:
        Pfister & Gerstner 2006, J. Neurosci. 26:9673, table 3 (defaults); NEST stdp_triplet_synapse (Aplus = a2_plus,
        Aplus_triplet = a3_plus and so on, times the range; tau_plus_triplet = tau_x, tau_minus_triplet = tau_y).
    """

    a2_plus: jax.Array = param(0.0, unit="1", doc="potentiation of a pair, part of the range", bounds=(0.0, None))
    a3_plus: jax.Array = param(6.5e-3, unit="1", doc="potentiation of a triplet, part of the range",
                               bounds=(0.0, None))
    a2_minus: jax.Array = param(7.1e-3, unit="1", doc="depression of a pair, part of the range", bounds=(0.0, None))
    a3_minus: jax.Array = param(0.0, unit="1", doc="depression of a triplet, part of the range", bounds=(0.0, None))
    tau_plus: jax.Array = param(16.8, unit="ms", doc="time constant of r1", bounds=(1e-3, None))
    tau_x: jax.Array = param(101.0, unit="ms", doc="time constant of r2", bounds=(1e-3, None))
    tau_minus: jax.Array = param(33.7, unit="ms", doc="time constant of o1", bounds=(1e-3, None))
    tau_y: jax.Array = param(114.0, unit="ms", doc="time constant of o2", bounds=(1e-3, None))
    dependence: AbstractDependence = part(Additive, doc="how changes depend on the weight")
    pairing: str = static("all", doc="which spikes count", choices=("all", "nearest"))

    @property
    def bounded(self) -> bool:  # type: ignore[override]
        """Whether weights stay below w_max."""
        return self.dependence.bounded

    def traces(self) -> tuple[tuple[Trace, ...], tuple[Trace, ...]]:
        """(r1, r2), (o1, o2)."""
        last = self.pairing == "nearest"
        return ((Trace(self.tau_plus, last), Trace(self.tau_x, last)),
                (Trace(self.tau_minus, last), Trace(self.tau_y, last)))

    def change(self, weight: jax.Array, local: Any, pre: tuple, post: tuple, p: jax.Array, q: jax.Array,
               seen: Any) -> tuple[jax.Array, Any]:
        """Potentiation by r1 and o2, depression by o1 and r2."""
        (side_r, _), (side_o, _) = self.traces()
        r1, o1 = self.meeting(side_r, pre[0], p, "potentiation"), self.meeting(side_o, post[0], q, "depression")
        up = (self.w_max - self.w_min) * r1 * (self.a2_plus + self.a3_plus * post[1]) * q
        down = (self.w_max - self.w_min) * o1 * (self.a2_minus + self.a3_minus * pre[1]) * p
        return self.in_order(weight, lambda w: up * self.dependence.up(self.strength(w)),
                             lambda w: -down * self.dependence.down(self.strength(w))), local
