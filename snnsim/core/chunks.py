"""One chunk of a simulation, compiled: layer by layer, or flat where the network allows it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.engine import run_chunk
from snnsim.core.flat import Place, flatten, graded, obstacle
from snnsim.core.flat_engine import Ran, run_flat
from snnsim.core.flat_kernels import KERNELS
from snnsim.core.network import Network
from snnsim.core.observe import OUTPUT, Record
from snnsim.core.packed import PackedSpikes
from snnsim.core.state import SimulationState

CHUNK_BYTES = 2**28  # recorded in one chunk of a flat network, unless a length was asked for


class Chunk(NamedTuple):
    """What one chunk gave; dictionaries go by population."""

    state: SimulationState
    counts: dict[str, Any]
    graded: dict[str, Any]
    traces: dict[str, dict[str, Any]]
    healthy: dict[str, jax.Array]


class Layers:
    """Component by component, on the general engine; differentiable."""

    path, processes = "layers", 1

    def __init__(self, network: Network, inference: bool):
        self.network, self.inference = network, inference

    def length(self, steps: int, batch: int, record: Record) -> int:
        """All steps at once."""
        return steps

    def run(self, state: SimulationState, inputs: Mapping[str, jax.Array], *, dt: float, steps: int, seed: jax.Array,
            record: Record) -> Chunk:
        """Simulate a chunk."""
        return Chunk(*_run_layers(self.network, state, inputs, seed, dt, steps, self.inference, record))


class FlatLayout:
    """All populations at once, spikes sent ahead; for networks without `obstacle`."""

    processes = 1  # that simulate it together

    def __init__(self, network: Network, dt: float):
        self.network, self.path = network, "flat"
        self.flat = latest(network, ("flat", dt), lambda: flatten(network, dt))

    def length(self, steps: int, batch: int, record: Record) -> int:
        """As many steps as recordings of `CHUNK_BYTES` hold."""
        sizes = {name: neuron.size for name, neuron in self.network.populations.items()}
        traced = sum(4 * sizes[name] for name, variables in record for v in variables if v not in OUTPUT)
        words = sum(neuron.size for neuron in self.flat.groups) // 8
        dense = sum(4 * sizes[name] for name in self.network.inputs)
        return int(np.clip(CHUNK_BYTES // max(1, batch * (traced + words + dense)), 1, steps))

    def run(self, state: SimulationState, inputs: Mapping[str, jax.Array], *, dt: float, steps: int, seed: jax.Array,
            record: Record) -> Chunk:
        """Simulate a chunk; spikes come to the host as bits."""
        state, ran, fine = self._ran(state, dict(inputs), dt=dt, steps=steps, seed=seed, record=record)
        self.path = f"flat, {ran.kernel}"
        words, senders = np.asarray(ran.words), dict(self.flat.senders)
        traces: dict[str, dict[str, Any]] = {name: dict(found) for name, found in ran.traces.items()}
        places = {place.name: place for place in self.flat.places}
        for name, variables in record:
            place = places.get(name)
            if place and place.group in senders and not graded(self.flat.groups[place.group]):
                traces[name].update({v: self._spikes(words, place) for v in variables if v in OUTPUT})
        beyond = {name: jnp.array(False) for name in self.network.populations}
        return Chunk(state, ran.counts, beyond | ran.graded, traces, fine)

    def _ran(self, state: SimulationState, inputs: dict[str, jax.Array], *, dt: float, steps: int, seed: jax.Array,
             record: Record) -> tuple[SimulationState, Ran, dict[str, jax.Array]]:
        """The kernel's work, and whether states are finite by population."""
        return _run_flat(self.flat, state, inputs, seed, dt, steps, record, jax.default_backend())

    def _spikes(self, words: np.ndarray, place: Place) -> PackedSpikes:
        """A population's spikes among the words of all that send."""
        return PackedSpikes(words, dict(self.flat.senders)[place.group] + place.first, place.shape)


def runner(network: Network, given: Any, dt: float, inference: bool) -> Layers | FlatLayout:
    """The faster of the two that can run this network; what is transformed by JAX runs layer by layer.

    Args:
        network: what is to be run.
        given: inputs, state and seed, a tree; any of them may be differentiated or mapped over.
        dt: step (ms).
        inference: False while training.
    """
    traced = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((network, given)))
    if traced or not inference or obstacle(network, dt):
        return Layers(network, inference)
    return FlatLayout(network, dt)


_latest: list[tuple[weakref.ref, tuple, Any]] = []


def latest(network: Network, how: tuple, make: Callable[[], Any]) -> Any:
    """What `make` makes of a network; that of the network simulated last is kept as long as the network lives."""
    if not (_latest and _latest[0][0]() is network and _latest[0][1] == how):
        _latest[:] = []  # gone before the next one needs room
        _latest[:] = [(weakref.ref(network, lambda _: _latest.clear()), how, make())]
    return _latest[0][2]


@eqx.filter_jit
def _run_layers(network, state, inputs, seed, dt, steps, inference, record):
    state, outputs, traces = run_chunk(network, state, inputs, dt=dt, steps=steps, seed=seed, inference=inference,
                                       record=record)
    counts = {name: jnp.sum(array != 0, 0, dtype=jnp.int32) for name, array in outputs.items()}
    beyond = {name: jnp.any((array != 0) & (array != 1)) for name, array in outputs.items()}
    return state, counts, beyond, {name: found for name, found in traces.items() if found}, healthy(state)


@eqx.filter_jit
def _run_flat(flat, state, inputs, seed, dt, steps, record, platform):
    state, ran = run_flat(flat, state, inputs, dt=dt, steps=steps, seed=seed, record=record,
                          kernels=KERNELS[platform])
    return state, ran, healthy(state)


def healthy(state: SimulationState) -> dict[str, jax.Array]:
    """Whether all states are finite, by population."""
    return {name: jnp.array([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(part)
                             if jnp.issubdtype(leaf.dtype, jnp.floating)] or [True]).all()
            for name, part in state.populations.items()}
