"""What a neuron promises: `AbstractNeuron` (any step) and `AbstractPointNeuron` (five verbs for one unit)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ConfigurationError, ShapeError
from snnsim.core.fields import parameters, part, shape_tuple, static
from snnsim.core.keys import Rand
from snnsim.core.surrogate import AbstractSurrogate

State = Any
Inputs = Mapping[str, jax.Array]


class AbstractNeuron(eqx.Module):
    """A population of neurons. Engines call `initial_state` and `step`, for one sample, and map over the batch.

    Subclasses give `shape` (first field, static) and `ports`: each named port is "jump" (arrives at the end
    of the step) or "drive" (constant over the step). The first port is where a projection goes by default.
    `weight_signs` says of a port whose weights must not be negative (1) or not positive (-1).
    """

    ports: ClassVar[Mapping[str, str]]
    weight_signs: ClassVar[Mapping[str, int]] = {}
    spiking: ClassVar[bool] = True
    if TYPE_CHECKING:  # a field of the concrete neurons, a property of composed ones

        @property
        def shape(self) -> tuple[int, ...]:
            """Shape of the population."""

    @abstractmethod
    def initial_state(self) -> State:
        """State of the whole population at rest, leaves ``[*shape, ...]``."""

    @abstractmethod
    def step(self, state: State, inputs: Inputs, dt: float, rand: Rand) -> tuple[State, jax.Array]:
        """One step of `dt` ms: (state, output ``[*shape]``) from the sums that arrived at each port."""

    @property
    def size(self) -> int:
        """Number of units."""
        return prod(self.shape)


class Awaiting(NamedTuple):
    """State of a unit whose reset is applied in the next step."""

    unit: State
    pending: jax.Array


class AbstractPointNeuron(AbstractNeuron):
    """A neuron given by five verbs **for one unit**; `step` follows from them and is the same for all.

    - ``init()``: state at rest.
    - ``flow(state, dt, drive)``: evolution over `dt` ms under constant drive (a mapping by port).
    - ``receive(state, arrivals)``: what arriving spikes do (a mapping by port).
    - ``margin(state)``: zero at threshold, positive above.
    - ``reset(state, spikes)``: what a spike does to the neuron itself.

    In a step: flow, (perturb), receive, threshold, reset. Two more may be overridden: ``perturb(state, dt,
    rand)`` adds randomness, ``fire(state)`` makes graded output. ``next_crossing(state, drive)`` and, where the
    equations change by themselves, ``next_change(state)`` admit a neuron to ``engine="exact"``. Attributes read by
    `fire`: `surrogate`, `detach_reset`, `spike_at` (">" or ">="), `reset_timing`. `exact_flow` says that `flow` holds
    for any dt; `membrane` names the state field that `margin` looks at.
    """

    exact_flow: ClassVar[bool] = False
    membrane: ClassVar[str] = "v"

    @abstractmethod
    def init(self) -> State:
        """State of one unit at rest."""

    @abstractmethod
    def flow(self, state: State, dt: float, drive: Inputs) -> State:
        """State after `dt` ms under constant drive."""

    @abstractmethod
    def receive(self, state: State, arrivals: Inputs) -> State:
        """State after the arrivals of this step."""

    def margin(self, state: State) -> jax.Array:
        """Membrane minus threshold."""
        raise NotImplementedError

    def reset(self, state: State, spikes: jax.Array) -> State:
        """State after a spike (1) or none (0)."""
        raise NotImplementedError

    def next_crossing(self, state: State, drive: Inputs) -> jax.Array:
        """Time (ms) until the margin gets above 0 under constant drive; 0 where it is, inf where it never does."""
        raise NotImplementedError

    def earliest_crossing(self, state: State, drive: Inputs) -> jax.Array:
        """Time (ms) before which it surely does not cross; cheaper than `next_crossing`, which it is by default."""
        return self.next_crossing(state, drive)

    def next_change(self, state: State) -> jax.Array:
        """Time (ms) until the equations change by themselves; `flow` is exact up to it. inf: never, the default."""
        return jnp.full_like(getattr(state, self.membrane), jnp.inf)

    def perturb(self, state: State, dt: float, rand: Rand) -> State:
        """State after this step's noise; none by default."""
        return state

    def fire(self, state: State) -> tuple[State, jax.Array]:
        """(state after reset, spike) of one unit, by `reset_timing`.

        "immediate" resets at the spike. "delayed" subtracts it in the next step, before the threshold
        (snnTorch's default). "residual" resets at the spike, and what is still above threshold then is
        subtracted once more in the next comparison only (snnTorch with reset_delay=False).
        """
        timing = self.reset_timing  # type: ignore[attr-defined]
        unit, compared = state, state
        if timing != "immediate":
            unit, compared = state.unit, self.reset(state.unit, state.pending)
        spike = self._spike(compared)
        effect = jax.lax.stop_gradient(spike) if self.detach_reset else spike  # type: ignore[attr-defined]
        if timing == "immediate":
            return self.reset(unit, effect), spike
        if timing == "delayed":
            return Awaiting(compared, effect), spike
        after = self.reset(unit, effect)
        return Awaiting(after, jax.lax.stop_gradient(self._spike(after))), spike

    def _spike(self, state: State) -> jax.Array:
        inclusive = self.spike_at == ">="  # type: ignore[attr-defined]
        return self.surrogate(self.margin(state), inclusive)  # type: ignore[attr-defined]

    # -- final: the population, derived from the verbs ------------------------------------------------

    def initial_state(self) -> State:
        """State of the whole population at rest."""
        def one(neuron):
            state = neuron.init()
            if getattr(neuron, "reset_timing", "immediate") == "immediate":
                return state
            return Awaiting(state, jnp.zeros_like(getattr(state, neuron.membrane)))
        return over_units(self, one)

    def advance(self, state: State, inputs: Inputs, dt: float, rand: Rand) -> State:
        """State just before the threshold: flow, perturb, receive."""
        zero = jnp.zeros(self.shape, jnp.result_type(float))
        kinds = {kind: {port: jnp.asarray(inputs.get(port, zero)) for port in self.ports if self.ports[port] == kind}
                 for kind in ("drive", "jump")}

        def one(neuron, state, drive, arrivals, rand):
            waiting = isinstance(state, Awaiting)
            unit = neuron.flow(state.unit if waiting else state, dt, drive)
            unit = neuron.receive(neuron.perturb(unit, dt, rand), arrivals)
            return Awaiting(unit, state.pending) if waiting else unit
        return over_units(self, one, state, kinds["drive"], kinds["jump"], rand=rand)

    def emit(self, state: State) -> tuple[State, jax.Array]:
        """(state after reset, output) of the whole population."""
        return over_units(self, lambda neuron, state: neuron.fire(state), state)

    def step(self, state: State, inputs: Inputs, dt: float, rand: Rand) -> tuple[State, jax.Array]:
        """One step of the whole population."""
        return self.emit(self.advance(state, inputs, dt, rand))


class AbstractSpikingNeuron(AbstractPointNeuron):
    """A point neuron with a threshold, and the choices that all of them share."""

    shape: tuple[int, ...] = static(doc="shape of the population", convert=shape_tuple)
    surrogate: AbstractSurrogate = part(doc="pseudo-derivative of the spike", kw_only=True)
    spike_at: str = static(">", doc="whether reaching the threshold is enough (NEST: >=)", choices=(">", ">="),
                           kw_only=True)
    detach_reset: bool = static(True, doc="no gradient through the reset", kw_only=True)
    reset_timing: str = static("immediate", doc="when a spike's reset is applied",
                               choices=("immediate", "delayed", "residual"), kw_only=True)

    def __check_init__(self):
        check_fields(self)


def over_units(neuron: AbstractPointNeuron, function: Callable, *arguments: Any, rand: Rand | None = None) -> Any:
    """`function(neuron, *arguments[, rand])` of one unit, mapped over the population's shape.

    Parameters are shared (scalars) or one a unit (broadcast to the shape); arguments lead with the shape.
    """
    shape = neuron.shape
    arrays, rest = eqx.partition(neuron, eqx.is_array)
    arrays = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, shape) if leaf.ndim else leaf, arrays)
    axes = jax.tree.map(lambda leaf: 0 if leaf.ndim else None, arrays)

    def one(arrays, arguments, rand):
        extra = () if rand is None else (rand,)
        return function(eqx.combine(arrays, rest), *arguments, *extra)

    mapped = one
    rand = None if rand is None else rand.of_units(shape)
    for _ in shape:
        mapped = jax.vmap(mapped, in_axes=(axes, 0, None if rand is None else rand.unit_axes()), axis_size=None)
    if not arguments and all(axis is None for axis in jax.tree.leaves(axes, is_leaf=lambda x: x is None)):
        # Nothing to map over: one unit's result, repeated.
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, shape), one(arrays, (), None))
    return mapped(arrays, arguments, rand)


def _range(low: float | None, high: float | None, unit: str) -> str:
    limits = [f"{word} {limit:g}" for word, limit in (("at least", low), ("at most", high)) if limit is not None]
    return f"a finite number ({unit}) {' and '.join(limits)}".rstrip()


def check_fields(module: Any) -> None:
    """Choices must be among those declared, parameters within bounds and broadcastable to the shape.

    Raises:
        ConfigurationError: a choice that is not known, or a number out of bounds or not finite.
        ShapeError: a parameter whose shape does not fit the population.
    """
    where = type(module).__name__
    for name, field in module.__dataclass_fields__.items():
        choices, value = field.metadata.get("choices"), getattr(module, name)
        if choices and value not in choices:
            raise ConfigurationError(got=f"{name} = {value!r}", expected=f"one of {', '.join(map(repr, choices))}",
                                     where=where, fix="choose one of these")
    for path, field, value in parameters(module):
        if not eqx.is_array(value) or isinstance(value, jax.core.Tracer):
            continue
        low, high = field.metadata["bounds"]
        given = np.asarray(value)  # on the host: a neuron may be built while a function is traced
        fine = np.isfinite(given).all() and (low is None or given.min(initial=np.inf) >= low) \
            and (high is None or given.max(initial=-np.inf) <= high)
        if not fine:
            raise ConfigurationError(got=f"{path} = {value}", expected=_range(low, high, field.metadata["unit"]),
                                     where=where, fix="correct the value or its unit")
        shape = getattr(module, "shape", None)
        if field.metadata["group"] == "neuron" and shape is not None and value.ndim:
            try:
                fits = jnp.broadcast_shapes(value.shape, shape) == tuple(shape) and value.ndim == len(shape)
            except ValueError:
                fits = False
            if not fits:
                raise ShapeError(got=f"{path} of shape {value.shape}", expected=f"a number or shape {shape}",
                                 where=where, fix="pass one value, or one for each unit")
