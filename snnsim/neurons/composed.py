"""Neurons made of neurons: `Refractory` and `Noisy` change one thing and leave the rest to the neuron inside."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import param, part, static
from snnsim.core.keys import Rand
from snnsim.core.neuron import AbstractPointNeuron, Inputs, check_fields
from snnsim.core.surrogate import AbstractSurrogate


class AbstractComposed(AbstractPointNeuron):
    """A point neuron that delegates to `neuron` whatever it does not override."""

    neuron: AbstractPointNeuron = part(doc="the neuron inside")

    fires_as_inside: ClassVar[bool] = False  # whether an overridden `fire` puts out what the neuron inside does

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the population."""
        return self.neuron.shape

    @property
    def ports(self) -> dict[str, str]:  # type: ignore[override]
        """Ports of the neuron inside."""
        return dict(self.neuron.ports)

    @property
    def weight_signs(self) -> dict[str, int]:  # type: ignore[override]
        """Signs of weights that the neuron inside asks for."""
        return dict(self.neuron.weight_signs)

    @property
    def spiking(self) -> bool:  # type: ignore[override]
        """Whether the neuron inside spikes."""
        return self.neuron.spiking

    @property
    def membrane(self) -> str:  # type: ignore[override]
        """Membrane field of the neuron inside."""
        return self.neuron.membrane

    @property
    def surrogate(self) -> AbstractSurrogate:
        """Surrogate of the neuron inside."""
        return self.neuron.surrogate  # type: ignore[attr-defined]

    @property
    def spike_at(self) -> str:
        """Comparison of the neuron inside."""
        return self.neuron.spike_at  # type: ignore[attr-defined]

    @property
    def detach_reset(self) -> bool:
        """Gradient choice of the neuron inside."""
        return self.neuron.detach_reset  # type: ignore[attr-defined]

    @property
    def reset_timing(self) -> str:
        """Reset timing of the neuron inside."""
        return getattr(self.neuron, "reset_timing", "immediate")


class RefractoryState(NamedTuple):
    """State of the neuron inside, refractory time that is left (ms), and whether this step is refractory."""

    neuron: Any
    remaining: jax.Array
    held: jax.Array


class Refractory(AbstractComposed):
    """Refractory period after each spike, rounded to whole steps.

    Args:
        neuron: the neuron inside.
        t_ref: refractory period (ms).
        mode: "clamp" holds the membrane while currents flow and receive (NEST iaf_psc_exp); "discard" also
            ignores what arrives (NEST iaf_psc_delta); "block" only forbids spikes.

    Example:
        >>> import snnsim as sn
        >>> sn.Refractory(sn.LIF(10), t_ref=2.0).shape
        (10,)
    """

    t_ref: jax.Array = param(2.0, unit="ms", doc="refractory period", bounds=(0.0, None), kw_only=True)
    mode: str = static("clamp", doc="what is held during the period", choices=("clamp", "discard", "block"),
                       kw_only=True)

    def __check_init__(self):
        check_fields(self)
        if self.reset_timing != "immediate" or not self.spiking:
            raise ConfigurationError(got=f"{type(self.neuron).__name__} with reset_timing={self.reset_timing!r}",
                                     expected="a spiking neuron that resets at the spike", where="Refractory",
                                     fix="use reset_timing='immediate'")

    def init(self) -> RefractoryState:
        """At rest, free to fire."""
        inside = self.neuron.init()
        membrane = getattr(inside, self.membrane)
        return RefractoryState(inside, jnp.zeros_like(membrane), jnp.zeros_like(membrane, dtype=bool))

    def flow(self, state: RefractoryState, dt: float, drive: Inputs) -> RefractoryState:
        """The neuron's flow; the membrane is held while refractory."""
        held = state.remaining > dt / 2
        inside = self._hold(held, self.neuron.flow(state.neuron, dt, drive), state.neuron)
        return RefractoryState(inside, jnp.maximum(state.remaining - dt, 0.0), held)

    def perturb(self, state: RefractoryState, dt: float, rand: Rand) -> RefractoryState:
        """The neuron's noise; the membrane is held while refractory."""
        inside = self.neuron.perturb(state.neuron, dt, rand)
        return state._replace(neuron=self._hold(state.held, inside, state.neuron))

    def receive(self, state: RefractoryState, arrivals: Inputs) -> RefractoryState:
        """The neuron's reception, by `mode`."""
        if self.mode == "discard":
            arrivals = {port: jnp.where(state.held, 0.0, value) for port, value in arrivals.items()}
        inside = self.neuron.receive(state.neuron, arrivals)
        return state._replace(neuron=self._hold(state.held, inside, state.neuron))

    def margin(self, state: RefractoryState) -> jax.Array:
        """The neuron's margin; out of reach while refractory."""
        return jnp.where(state.held, -jnp.inf, self.neuron.margin(state.neuron))

    def next_crossing(self, state: RefractoryState, drive: Inputs) -> jax.Array:
        """The neuron's; none while refractory."""
        return jnp.where(state.remaining > 0, jnp.inf, self.neuron.next_crossing(state.neuron, drive))

    def earliest_crossing(self, state: RefractoryState, drive: Inputs) -> jax.Array:
        """The neuron's; none while refractory."""
        return jnp.where(state.remaining > 0, jnp.inf, self.neuron.earliest_crossing(state.neuron, drive))

    def next_change(self, state: RefractoryState) -> jax.Array:
        """The end of the period."""
        return jnp.where(state.remaining > 0, state.remaining, jnp.inf)

    def reset(self, state: RefractoryState, spikes: jax.Array) -> RefractoryState:
        """The neuron's reset; the period begins."""
        fired = jax.lax.stop_gradient(spikes) > 0
        remaining = jnp.where(fired, self.t_ref, state.remaining)
        return RefractoryState(self.neuron.reset(state.neuron, spikes), remaining, state.held)

    def _hold(self, held: jax.Array, new: Any, old: Any) -> Any:
        if self.mode == "block":
            return new
        kept = jnp.where(held, getattr(old, self.membrane), getattr(new, self.membrane))
        return new._replace(**{self.membrane: kept})


class Noisy(AbstractComposed):
    """White noise on the membrane: each step adds sigma sqrt(dt) times a standard normal number.

    With a leak of time constant tau the stationary standard deviation is sigma sqrt(tau / 2).

    Args:
        neuron: the neuron inside.
        sigma: amplitude (membrane unit per square root of ms).
    """

    sigma: jax.Array = param(0.1, unit="1/sqrt(ms)", doc="noise amplitude", bounds=(0.0, None), kw_only=True)

    fires_as_inside: ClassVar = True

    def __check_init__(self):
        check_fields(self)
        if isinstance(self.neuron, Refractory):
            raise ConfigurationError(got="Noisy(Refractory(...))", expected="Refractory(Noisy(...))", where="Noisy",
                                     fix="put the noise inside: a refractory membrane is not to move")

    def init(self) -> Any:
        """State of the neuron inside."""
        return self.neuron.init()

    def flow(self, state: Any, dt: float, drive: Inputs) -> Any:
        """The neuron's flow."""
        return self.neuron.flow(state, dt, drive)

    def perturb(self, state: Any, dt: float, rand: Rand) -> Any:
        """Adds the noise of this step."""
        state = self.neuron.perturb(state, dt, rand)
        moved = getattr(state, self.membrane) + self.sigma * dt**0.5 * rand.normal()
        return state._replace(**{self.membrane: moved})

    def receive(self, state: Any, arrivals: Inputs) -> Any:
        """The neuron's reception."""
        return self.neuron.receive(state, arrivals)

    def margin(self, state: Any) -> jax.Array:
        """The neuron's margin."""
        return self.neuron.margin(state)

    def reset(self, state: Any, spikes: jax.Array) -> Any:
        """The neuron's reset."""
        return self.neuron.reset(state, spikes)

    def fire(self, state: Any) -> tuple[Any, jax.Array]:
        """The neuron's output."""
        return self.neuron.fire(state)
