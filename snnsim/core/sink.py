"""Where a simulation's recordings go while it runs: `Memory` by default, or a sink that writes them to files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.feed import Feed
from snnsim.core.network import Network
from snnsim.core.observe import Record
from snnsim.core.state import SimulationState

Traces = dict[str, dict[str, Any]]


class Totals(NamedTuple):
    """What is carried from chunk to chunk: all that a run needs to go on, and all that adds up.

    Args:
        state: where the next chunk begins.
        counts: spikes of each unit so far, int32 ``[batch, *shape]`` by population.
        graded: whether any output was neither 0 nor 1, by population.
        healthy: whether all states were finite, by population.
    """

    state: SimulationState
    counts: dict[str, jax.Array]
    graded: dict[str, jax.Array]
    healthy: dict[str, jax.Array]

    @classmethod
    def at_start(cls, network: Network, state: SimulationState, batch: int) -> Totals:
        """Nothing counted yet."""
        counts = {name: jnp.zeros((batch, *neuron.shape), jnp.int32) for name, neuron in network.populations.items()}
        return cls(state, counts, dict.fromkeys(counts, jnp.array(False)), dict.fromkeys(counts, jnp.array(True)))


class Plan(NamedTuple):
    """A run as it was asked for: a run that is resumed must agree in all of it.

    Args:
        network: what is simulated.
        feed: its inputs.
        dt: step (ms).
        steps: number of steps.
        first_step: absolute step of the first one.
        batch: number of samples.
        seed: of the random numbers.
        record: pairs (population, variables).
        length: steps of a chunk.
        inference: see `simulate`.
        precision: see `simulate`.
        path: how the network is executed.
    """

    network: Network
    feed: Feed
    dt: float
    steps: int
    first_step: int
    batch: int
    seed: Any
    record: Record
    length: int
    inference: bool
    precision: str
    path: str


class AbstractSink(ABC):
    """Takes recorded variables chunk by chunk; `simulate` calls `opened`, then `write` after each chunk, `finish`."""

    @contextmanager
    def opened(self, plan: Plan, totals: Totals) -> Iterator[tuple[int, Totals]]:
        """Around the whole run: gives (steps that are done already, totals at that point)."""
        yield 0, totals

    @abstractmethod
    def write(self, done: int, totals: Totals, traces: Traces) -> None:
        """Take the variables of a chunk that ended after `done` steps of the run."""

    @abstractmethod
    def finish(self, totals: Totals) -> Traces:
        """The run came to its end: what `Recording.traces` shall hold."""


class Memory(AbstractSink):
    """Keeps everything, joined at the end."""

    def __init__(self) -> None:
        self.parts: list[Traces] = []

    def write(self, done: int, totals: Totals, traces: Traces) -> None:
        """Keep the chunk."""
        self.parts.append(traces)

    def finish(self, totals: Totals) -> Traces:
        """All chunks as one."""
        return self.parts[0] if len(self.parts) == 1 else jax.tree.map(_joined, *self.parts)


def _joined(*parts: Any) -> Any:
    return (np if isinstance(parts[0], np.ndarray) else jnp).concatenate(parts)

