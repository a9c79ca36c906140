"""What a synapse promises: how it transmits, and how it may learn."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax

from snnsim.core.connection import AbstractConnection
from snnsim.core.delay import AbstractDelay
from snnsim.core.keys import Rand


class AbstractSynapse(eqx.Module):
    """Dynamics on top of a connection, for one sample (engines map over the batch).

    State may be one value a source, a synapse or a target: `initial_state` decides its shape.
    `per_synapse` says that `transmit` and `learn` accept the signal of each synapse (the weight's shape) and not
    only of each source: needed where delays differ between synapses.
    `learns` says that `learn` is implemented; the weights then travel in the simulation's state. `learn` sees the
    target's outputs late by `post_steps`. `learns_first` says that it runs before `transmit`, so that a spike
    carries the weight after its own update: it then sees modulators as they were in the step before, and outputs
    of the target that are at least one step late.
    `lines` are delays (ms): where there are any, `transmit` and `learn` see the signal late by each of them,
    ``[lines, *pre]``, and not by the delays of the projection.
    """

    learns: ClassVar[bool] = False
    learns_first: ClassVar[bool] = False
    per_synapse: ClassVar[bool] = False
    lines: ClassVar[tuple[float, ...]] = ()

    def build(self, connection: AbstractConnection, delay: AbstractDelay | None, pre: tuple[int, ...],
              post: tuple[int, ...]) -> AbstractSynapse:
        """The synapse for this connection, with what it looks up in it; itself by default.

        Raises:
            ConfigurationError: a connection or delay that it cannot work with.
        """
        return self

    @abstractmethod
    def initial_state(self, connection: AbstractConnection, pre: tuple[int, ...], post: tuple[int, ...]) -> Any:
        """State before the first spike."""

    @abstractmethod
    def transmit(self, state: Any, connection: AbstractConnection, signal: jax.Array, dt: float,
                 rand: Rand) -> tuple[Any, jax.Array]:
        """(state, arrivals ``[*post]``) from the presynaptic signal that arrives in this step."""

    def learn(self, state: Any, connection: AbstractConnection, signal: jax.Array, post: jax.Array,
              modulators: Mapping[str, jax.Array], dt: float) -> tuple[Any, AbstractConnection]:
        """(state, connection with new weights) after a step.

        `signal` is what arrived in this step. `post` is the target's output, ``[*post]``, or of the weight's shape
        where `post_steps` differ between synapses (``[lines, *post]`` with lines). `modulators` are outputs by
        population.
        """
        raise NotImplementedError

    def post_steps(self, delay: Any, dt: float) -> Any:
        """Steps by which `learn` sees the target late: one number, or one for each of the projection's delays."""
        return 0

    def check(self, delay: AbstractDelay | None, dt: float, where: str) -> None:
        """Raise if the synapse cannot be used with this delay and steps of `dt` ms."""
        return


def arrivals(connection: AbstractConnection, signal: jax.Array, separate: bool, rand: Rand) -> jax.Array:
    """The connection's map of one sample in one step; `separate` says that the signal comes one a synapse."""
    return connection.reduce(signal) if separate else connection.transmit(signal[None, None], rand)[0, 0]


class StaticSynapse(AbstractSynapse):
    """Arrivals are weight times signal; no state."""

    def initial_state(self, connection: AbstractConnection, pre: tuple[int, ...], post: tuple[int, ...]) -> Any:
        """Nothing to keep."""
        return ()

    def transmit(self, state: Any, connection: AbstractConnection, signal: jax.Array, dt: float,
                 rand: Rand) -> tuple[Any, jax.Array]:
        """The connection's linear map."""
        return state, arrivals(connection, signal, False, rand)


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
