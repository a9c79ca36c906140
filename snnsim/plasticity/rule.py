"""What learning rules by spike timing share: traces of both sides, timing of pairs, bounds, and visits of synapses.

A rule says which traces it keeps and what a pair does to one synapse (`change`); everything else is here, once.
"""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.connection import AbstractConnection
from snnsim.core.delay import AbstractDelay, Delay
from snnsim.core.errors import ConfigurationError, DelayError, ShapeError
from snnsim.core.events import exact_ratio
from snnsim.core.fields import param, part, static
from snnsim.core.keys import Rand
from snnsim.core.neuron import check_fields
from snnsim.core.synapse import AbstractSynapse, StaticSynapse, arrivals
from snnsim.plasticity.events import Index, Sides, changed, index_of, sent

TIMINGS = {"axonal": 0, "somatic": 1, "dendritic": 2}  # how often the projection's delay is added to a post spike


class Trace(NamedTuple):
    """A trace that decays with tau (ms); each spike adds 1, or with `last` sets it to 1."""

    tau: jax.Array
    last: bool = False

    def after(self, value: jax.Array, spikes: jax.Array) -> jax.Array:
        """The trace after spikes."""
        return value + (1.0 - value) * spikes if self.last else value + spikes


class RuleState(NamedTuple):
    """State of a rule: of what carries the spikes, traces of both sides, of each synapse, and one for all."""

    carrier: Any
    pre: tuple[jax.Array, ...]
    post: tuple[jax.Array, ...]
    local: Any
    shared: Any


class AbstractRule(AbstractSynapse):
    """Learning by spike timing. A weight w changes by what `change` says when a spike of either side passes.

    The defaults of timing are those of Brian2; `snnsim.plasticity.NEST` and others are ready sets of options.

    Bounds are kept after each change. w_max is the weight at full strength: below w_min for inhibitory synapses.

    Args:
        w_min: weight at strength 0.
        w_max: weight at strength 1; numbers, or one a source, or one a synapse in the weight's shape.
        carrier: how spikes are transmitted, for example `TsodyksMarkram`; weights only by default.
        timing: where the projection's delay lies. "axonal": before the synapse, so that a presynaptic spike is seen
            when it arrives, and a postsynaptic one at once (Brian2). "dendritic": behind it, so that a postsynaptic
            spike is seen after the delay, a presynaptic one at once (NEST). "somatic": both are seen at once. In
            every case a pair is treated when the presynaptic spike arrives at the target: with "dendritic" the
            weight in the state is that of a delay ago.
        post_delay: further delay of postsynaptic spikes (ms).
        weight_sent: the weight that a spike carries: "before" its own update or "after" it. After needs postsynaptic
            spikes that are seen one step late or more.
        coincidence: what two spikes that meet at the synapse in one step count for: "none", "potentiation" (what
            arrives in a step may cause a spike of the same step), "depression" or "both".
        first: which change is made first in a step with both: "potentiation", "depression", or "together", where
            both start from the same weight and bounds are kept once.
    """

    w_min: jax.Array = param(0.0, unit="port", doc="weight at strength 0", group="weight", kw_only=True)
    w_max: jax.Array = param(1.0, unit="port", doc="weight at strength 1", group="weight", kw_only=True)
    carrier: AbstractSynapse = part(StaticSynapse, doc="how spikes are transmitted", kw_only=True)
    timing: str = static("axonal", doc="where the delay lies", choices=tuple(TIMINGS), kw_only=True)
    post_delay: float = static(0.0, unit="ms", doc="further delay of postsynaptic spikes", kw_only=True, convert=float)
    weight_sent: str = static("before", doc="weight that a spike carries", choices=("before", "after"), kw_only=True)
    coincidence: str = static("potentiation", doc="what spikes that meet count for",
                              choices=("none", "potentiation", "depression", "both"), kw_only=True)
    first: str = static("depression", doc="which change is made first",
                        choices=("potentiation", "depression", "together"), kw_only=True)
    index: tuple | None = part(lambda: None, doc="synapses by source and by target, set by the network", kw_only=True)
    lines: tuple[float, ...] = static(  # type: ignore[misc]
        (), unit="ms", doc="different delays of listed synapses, set by the network", kw_only=True)
    separate: tuple[bool, bool] = static((False, False), doc="whether spikes of sources and targets come one a "
                                         "synapse, set by the network", kw_only=True)

    learns: ClassVar = True
    per_synapse: ClassVar = True
    bounded: ClassVar = True

    def __check_init__(self):
        check_fields(self)
        if not 0 <= self.post_delay < float("inf"):
            raise ConfigurationError(got=f"post_delay = {self.post_delay} ms", expected="0 or more", fix="correct it",
                                     where=type(self).__name__)
        if self.carrier.learns:
            raise ConfigurationError(got=f"a {type(self.carrier).__name__} as carrier", expected="a synapse that does "
                                     "not learn", where=type(self).__name__, fix="use one rule a projection")

    # -- what a rule says ------------------------------------------------------------------------------------------

    @abstractmethod
    def traces(self) -> tuple[tuple[Trace, ...], tuple[Trace, ...]]:
        """Traces of the source and of the target."""

    @abstractmethod
    def change(self, weight: jax.Array, local: Any, pre: tuple, post: tuple, p: jax.Array, q: jax.Array,
               seen: Any) -> tuple[jax.Array, Any]:
        """(weight, local state) of one synapse after a presynaptic spike p and a postsynaptic one q (0 or 1).

        Traces are those before these spikes. Where p and q are 0 nothing changes. `seen` is from `observe`.
        """

    def initial_local(self, weight: jax.Array) -> Any:
        """State of each synapse; none by default."""
        return ()

    def initial_shared(self) -> Any:
        """State that all synapses share; none by default."""
        return ()

    def observe(self, shared: Any, modulators: Mapping[str, jax.Array], dt: float) -> tuple[Any, Any]:
        """(shared state after the step, numbers that `change` and `drift` see); no modulators by default."""
        if modulators:
            raise ConfigurationError(got=f"modulators {', '.join(modulators)}", expected="none",
                                     where=type(self).__name__, fix="leave them out, or use a rule of three factors")
        return shared, ()

    def drift(self, weight: jax.Array, local: Any, seen: Any, dt: float) -> tuple[jax.Array, Any]:
        """(weight, local state) after `dt` ms without spikes; by default they stay."""
        return weight, local

    # -- what rules use --------------------------------------------------------------------------------------------

    def strength(self, weight: jax.Array) -> jax.Array:
        """0 at w_min, 1 at w_max."""
        return (weight - self.w_min) / (self.w_max - self.w_min)

    def within(self, weight: jax.Array) -> jax.Array:
        """The weight, or the bound that it has passed."""
        low, high = jnp.minimum(self.w_min, self.w_max), jnp.maximum(self.w_min, self.w_max)
        if self.bounded:
            return jnp.clip(weight, low, high)
        return jnp.where(self.w_max > self.w_min, jnp.maximum(weight, self.w_min), jnp.minimum(weight, self.w_min))

    def in_order(self, weight: jax.Array, potentiation: Any, depression: Any) -> jax.Array:
        """The weight after both changes, functions of the weight, in the order of `first`."""
        if self.first == "together":
            return self.within(weight + potentiation(weight) + depression(weight))
        order = (potentiation, depression) if self.first == "potentiation" else (depression, potentiation)
        for amount in order:
            weight = self.within(weight + amount(weight))
        return weight

    def meeting(self, trace: Trace, value: jax.Array, spikes: jax.Array, side: str) -> jax.Array:
        """The trace that a change of this side uses: with the spikes of this step, if `coincidence` says so."""
        return trace.after(value, spikes) if self.coincidence in (side, "both") else value

    # -- final -----------------------------------------------------------------------------------------------------

    @property
    def learns_first(self) -> bool:  # type: ignore[override]
        """Whether a spike carries the weight after its own update."""
        return self.weight_sent == "after"

    def build(self, connection: AbstractConnection, delay: AbstractDelay | None, pre: tuple[int, ...],
              post: tuple[int, ...]) -> AbstractRule:
        """The rule for this connection: bounds in its shape, and its synapses in the order of their targets.

        Raises:
            ConfigurationError: weights outside the bounds, or a delay with several taps behind the synapse.
            UnsupportedError: a connection whose synapses are not stored one by one.
        """
        connection.at_source(jnp.zeros(pre))  # refuses weights that synapses share
        late, shape = TIMINGS[self.timing], () if delay is None else delay.shape
        if late and delay is not None and not delay.fixed:
            raise ConfigurationError(got=f"timing={self.timing!r} with a {type(delay).__name__}", expected="a fixed "
                                     "delay", where=type(self).__name__, fix="use Delay(...), or timing='axonal'")
        separate = (connection.separate(shape, pre), bool(late and shape != ()))
        lines, index = self._indexed(connection, delay if any(separate) else None, pre, post) if connection.listed \
            else ((), None)
        own: dict[str, Any] = {name: self._fitted(name, connection, pre) for name, field in
                               self.__dataclass_fields__.items() if field.metadata.get("kind") == "param"}
        built = dataclasses.replace(self, **own, lines=lines, index=index,
                                    separate=(False, False) if lines else separate,
                                    carrier=self.carrier.build(connection, delay, pre, post))
        built._check_weight(connection.weight)  # type: ignore[attr-defined]
        return built

    def initial_state(self, connection: AbstractConnection, pre: tuple[int, ...], post: tuple[int, ...]) -> RuleState:
        """No spike yet: all traces are 0."""
        weight = connection.weight  # type: ignore[attr-defined]
        late = bool(TIMINGS[self.timing])
        lined = [(len(self.lines), *shape) if self.lines and several else shape
                 for shape, several in ((pre, True), (post, late))]
        shapes = [weight.shape if one else shape for one, shape in zip(self.separate, lined, strict=True)]
        x, y = (tuple(jnp.zeros(shape, weight.dtype) for _ in side)
                for side, shape in zip(self.traces(), shapes, strict=True))
        return RuleState(self.carrier.initial_state(connection, pre, post), x, y, self.initial_local(weight),
                         self.initial_shared())

    def transmit(self, state: RuleState, connection: AbstractConnection, signal: jax.Array, dt: float,
                 rand: Rand) -> tuple[RuleState, jax.Array]:
        """What the carrier transmits with the present weights."""
        if isinstance(self.carrier, StaticSynapse):
            if self.index is not None and _linear(connection):
                return state, sent(connection, Index(*self.index), signal)
            return state, arrivals(connection, signal, self.separate[0], rand)
        carrier, arrived = self.carrier.transmit(state.carrier, connection, signal, dt, rand)
        return state._replace(carrier=carrier), arrived

    def learn(self, state: RuleState, connection: AbstractConnection, signal: jax.Array, post: jax.Array,
              modulators: Mapping[str, jax.Array], dt: float) -> tuple[RuleState, AbstractConnection]:
        """(state, connection) after drift, then the changes of this step's spikes, then their traces."""
        sides, spikes = self.traces(), (signal, post)
        shared, seen = self.observe(state.shared, modulators, dt)
        moved = self.drift(connection.weight, state.local, seen, dt)  # type: ignore[attr-defined]
        before = [tuple(value * jnp.exp(-dt / trace.tau) for trace, value in zip(side, kept, strict=True))
                  for side, kept in zip(sides, (state.pre, state.post), strict=True)]
        weight, local = self._changed(connection, moved, before, spikes, seen)
        x, y = (tuple(trace.after(value, now) for trace, value in zip(side, values, strict=True))
                for side, values, now in zip(sides, before, spikes, strict=True))
        state = RuleState(state.carrier, x, y, local, shared)
        return state, eqx.tree_at(lambda c: c.weight, connection, weight)

    def post_steps(self, delay: Any, dt: float) -> Any:
        """Steps by which postsynaptic spikes are seen late, by `timing` and `post_delay`."""
        late = TIMINGS[self.timing]
        return (late * delay if late else 0) + round(self.post_delay / dt)

    def check(self, delay: AbstractDelay | None, dt: float, where: str) -> None:
        """Refuse a `post_delay` off the grid, and delays other than those that it was built with."""
        if self.lines and not isinstance(delay.value, jax.core.Tracer):  # type: ignore[union-attr]
            sources, n = np.asarray(self.index[0]), (len(self.index[2]) - 1) // len(self.lines)  # type: ignore
            given = np.asarray(delay.value)  # type: ignore[union-attr]
            given = given if given.shape == sources.shape else given.reshape(-1)[sources % n]
            if (np.asarray(self.lines)[sources // n] != given).any():
                raise DelayError(got="delays that were changed after the network was built", where=where,
                                 expected="those by which the rule sorted its synapses", fix="build the network anew")
        if exact_ratio(self.post_delay, dt).denominator != 1:
            raise DelayError(got=f"post_delay = {self.post_delay:g} ms", expected=f"a multiple of dt = {dt:g} ms",
                             where=where, fix="choose another post_delay or dt")

    def _indexed(self, connection: Any, delay: AbstractDelay | None, pre: tuple[int, ...],
                 post: tuple[int, ...]) -> tuple[tuple[float, ...], tuple | None]:
        """(lines, index) of a list of synapses; no index where visiting all of them is no dearer.

        With delays of each synapse a unit is seen on as many lines as there are different delays.
        """
        sources, targets, n = np.asarray(connection.sources), np.asarray(connection.targets), (prod(pre), prod(post))
        if delay is None:
            return (), tuple(index_of(sources, n[0], targets, n[1]))
        if not isinstance(delay, Delay) or not isinstance(self.carrier, StaticSynapse) or not _linear(connection):
            return (), None
        given = np.asarray(delay.value)
        lines, slots = np.unique(given if given.shape == targets.shape else given.reshape(-1)[sources],
                                 return_inverse=True)
        if len(lines) * sum(n) > len(targets):
            return (), None
        late = bool(TIMINGS[self.timing])
        index = index_of(slots * n[0] + sources, len(lines) * n[0], slots * n[1] * late + targets,
                         (len(lines) if late else 1) * n[1])
        return tuple(lines.tolist()), tuple(index)

    def _changed(self, connection: AbstractConnection, moved: tuple, traces: list, spikes: tuple, seen: Any) -> tuple:
        """(weights, local state) after `change`; synapses at rest cost nothing where the connection is a list."""
        p, q = spikes
        if self.index is not None:
            bare = eqx.tree_at(lambda r: (r.carrier, r.index), self, (StaticSynapse(), None))
            arrays, rest = eqx.partition(bare, eqx.is_array)
            fixed, numbers = eqx.partition(arrays, lambda leaf: leaf.ndim > 0)

            def change(moved, fixed, pre, post, p, q, shared):
                return eqx.combine(fixed, shared[0], rest).change(*moved, pre, post, p, q, shared[1])
            pre, post, p, q = (jax.tree.map(jnp.ravel, side) for side in (*traces, p, q))
            return changed(change, Index(*self.index), Sides(moved, fixed, pre, post, p, q, (numbers, seen)))
        maps = [(lambda values: values) if one else at
                for one, at in zip(self.separate, (connection.at_source, connection.at_target), strict=True)]
        pre, post = (jax.tree.map(at, side) for at, side in zip(maps, traces, strict=True))

        def everywhere(moved):
            weight, local = moved
            return self.change(weight, local, pre, post, maps[0](p), maps[1](q), seen)
        return jax.lax.cond(jnp.any(p != 0) | jnp.any(q != 0), everywhere, lambda moved: moved, moved)

    def _fitted(self, name: str, connection: AbstractConnection, pre: tuple[int, ...]) -> jax.Array:
        """A parameter as a number or in the weight's shape."""
        value, weight = getattr(self, name), connection.weight  # type: ignore[attr-defined]
        if value.ndim == 0 or connection.separate(value.shape, pre):
            return value
        if value.shape != pre:
            raise ShapeError(got=f"{name} of shape {value.shape}", where=type(self).__name__, expected=f"a number, "
                             f"shape {pre} or {weight.shape}", fix="give one for all, one a source or one a synapse")
        return jnp.broadcast_to(connection.at_source(value), weight.shape)

    def _check_weight(self, weight: jax.Array) -> None:
        """Refuse weights outside the bounds, and bounds that are one."""
        if any(isinstance(array, jax.core.Tracer) for array in (weight, self.w_min, self.w_max)):
            return
        low, high = np.minimum(self.w_min, self.w_max), np.maximum(self.w_min, self.w_max)
        wrong = (np.asarray(weight) < low) | ((np.asarray(weight) > high) & self.bounded) | (low == high)
        if wrong.any():
            raise ConfigurationError(got=f"a weight of {np.asarray(weight)[np.broadcast_to(wrong, weight.shape)][0]:g}",
                                     expected=f"weights within {low.min():g} and {high.max():g}, which differ",
                                     where=type(self).__name__, fix="change w_min, w_max or the weights")


def _linear(connection: AbstractConnection) -> bool:
    """Whether what arrives is weight times signal, without anything drawn at random."""
    return type(connection).transmit is AbstractConnection.transmit
