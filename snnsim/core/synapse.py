"""What a synapse promises: how it transmits, and how it may learn."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax

from snnsim.core.connection import AbstractConnection
from snnsim.core.keys import Rand


class AbstractSynapse(eqx.Module):
    """Dynamics on top of a connection, for one sample (engines map over the batch).

    State may be one value a source, a synapse or a target: `initial_state` decides its shape.
    `learns` says that `learn` is implemented; the weights then travel in the simulation's state.
    `per_synapse` says that `transmit` expects the signal of each synapse (the weight's shape) and not of
    each source: needed where delays differ between synapses.
    """

    learns: ClassVar[bool] = False
    per_synapse: ClassVar[bool] = False

    @abstractmethod
    def initial_state(self, connection: AbstractConnection, pre: tuple[int, ...], post: tuple[int, ...]) -> Any:
        """State before the first spike."""

    @abstractmethod
    def transmit(self, state: Any, connection: AbstractConnection, signal: jax.Array, dt: float,
                 rand: Rand) -> tuple[Any, jax.Array]:
        """(state, arrivals ``[*post]``) from the presynaptic signal that arrives in this step."""

    def learn(self, state: Any, connection: AbstractConnection, signal: jax.Array, post: jax.Array,
              modulators: Mapping[str, jax.Array], dt: float) -> tuple[Any, AbstractConnection]:
        """(state, connection with new weights) after the step in which `post` was emitted."""
        raise NotImplementedError


class StaticSynapse(AbstractSynapse):
    """Arrivals are weight times signal; no state."""

    def initial_state(self, connection: AbstractConnection, pre: tuple[int, ...], post: tuple[int, ...]) -> Any:
        """Nothing to keep."""
        return ()

    def transmit(self, state: Any, connection: AbstractConnection, signal: jax.Array, dt: float,
                 rand: Rand) -> tuple[Any, jax.Array]:
        """The connection's linear map."""
        return state, connection(signal[None])[0]


class AbstractTransform(eqx.Module):
    """A map on arrivals ``[time, batch, *post]``: normalisation, dropout.

    `over_time` says that it looks at several steps at once and so cannot stand inside a cycle.
    """

    over_time: ClassVar[bool] = False

    @abstractmethod
    def build(self, post: tuple[int, ...]) -> AbstractTransform:
        """The transform with arrays for this shape."""

    @abstractmethod
    def __call__(self, state: Any, arrivals: jax.Array, inference: bool, rand: Rand) -> tuple[Any, jax.Array]:
        """(state, arrivals) after the transform."""

    def initial_state(self) -> Any:
        """Running statistics, from the transform's own arrays."""
        return ()

    def with_state(self, state: Any) -> AbstractTransform:
        """The transform whose arrays hold the statistics of `state`."""
        return self
