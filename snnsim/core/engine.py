"""The clocked engine: one chunk of time, component by component."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from snnsim.core.graph import Component
from snnsim.core.keys import Rand
from snnsim.core.network import Network
from snnsim.core.observe import Record, batched_step
from snnsim.core.projection import Projection
from snnsim.core.sending import send
from snnsim.core.signals import arrivals_in_chunk, learned, postsynaptic, presynaptic, transformed, transmitted
from snnsim.core.state import SimulationState
from snnsim.kernels.time_loop import time_loop


class _Chunk:
    """What one chunk is made of; lives during tracing only."""

    def __init__(self, network: Network, state: SimulationState, inputs: Mapping[str, jax.Array], dt: float,
                 steps: int, seed: jax.Array, inference: bool, record: Record):
        self.network, self.state, self.dt, self.seed, self.inference = network, state, dt, seed, inference
        self.steps = steps
        self.record = dict(record)
        self.populations, self.projections = dict(state.populations), dict(state.projections)
        self.lines, self.outputs, self.pending = dict(state.lines), dict(inputs), dict(state.pending)
        self.traces: dict[str, Any] = {}

    def history(self, name: str) -> jax.Array:
        """Outputs of a finished population, those before the chunk first."""
        if name not in self.state.lines:
            return self.outputs[name]
        ring = self.state.lines[name]
        order = (self.state.step + jnp.arange(ring.shape[0], dtype=jnp.int32)) % ring.shape[0]
        return jnp.concatenate([ring[order], self.outputs[name]])

    def keep_pending(self, post: str, later: Mapping[str, jax.Array]) -> None:
        """What is under way to `post` at the end of the chunk."""
        self.pending.update({f"{post}.{port}": array for port, array in later.items()})

    def renew_line(self, name: str) -> None:
        """Keep the latest outputs of a finished population for the next chunk."""
        if name in self.lines:
            depth = self.lines[name].shape[0]
            slots = (self.state.step + self.steps - depth + jnp.arange(depth, dtype=jnp.int32)) % depth
            self.lines[name] = self.lines[name].at[slots].set(self.history(name)[-depth:])

    def waiting(self, post: str) -> dict[str, jax.Array]:
        """What was under way to `post` when the chunk began, ``[steps ahead, batch, *post]`` by port."""
        ports = self.network.populations[post].ports
        return {port: self.state.pending[f"{post}.{port}"] for port in ports if f"{post}.{port}" in self.state.pending}

    def arrive(self, names: Iterable[str], post: str, ahead: dict[str, jax.Array],
               ) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
        """(arrivals over the whole chunk, those beyond it) by port, of projections whose sources are known.

        Event-driven projections add to `ahead`, arrivals from the start of the chunk on.
        """
        ahead = {port: jnp.concatenate([array, jnp.zeros((self.steps, *array.shape[1:]), array.dtype)])
                 for port, array in ahead.items()}
        total: dict[str, jax.Array] = {}
        for name in names:
            projection = self.network.projections[name]
            if projection.event_driven:
                send(projection, ahead, self.outputs[projection.pre], self.dt, 0)
            else:
                self._arrive_from_line(name, projection, total)
        _add(total, {port: array[:self.steps] for port, array in ahead.items()})
        return total, {port: array[self.steps:] for port, array in ahead.items()}

    def _arrive_from_line(self, name: str, projection: Projection, total: dict[str, jax.Array]) -> None:
        self.projections[name], parts = arrivals_in_chunk(
            projection, self.projections[name], self.history(projection.pre), self.steps, name=name, dt=self.dt,
            inference=self.inference, seed=self.seed, first_step=self.state.step)
        _add(total, parts)


def _add(total: dict[str, jax.Array], parts: Mapping[str, jax.Array]) -> None:
    for port, value in parts.items():
        total[port] = total[port] + value if port in total else value


def run_chunk(network: Network, state: SimulationState, inputs: Mapping[str, jax.Array], *, dt: float, steps: int,
              seed: jax.Array, inference: bool, record: Record, unroll: int | None = None,
              ) -> tuple[SimulationState, dict[str, jax.Array], dict[str, dict[str, jax.Array]]]:
    """Simulate one chunk of time; a pure function, to be compiled, differentiated and mapped.

    Args:
        network: what to simulate.
        state: where to begin.
        inputs: outputs of the input populations, ``[steps, batch, *shape]``.
        dt: step (ms).
        steps: number of steps.
        seed: uint32 scalar.
        inference: whether transforms use their running statistics.
        record: pairs (population, variables).
        unroll: steps per turn of the time loops; None leaves it to `time_loop`.

    Returns:
        (state, outputs of every population ``[steps, batch, *shape]``, recorded variables by population).
    """
    chunk = _Chunk(network, state, inputs, dt, steps, seed, inference, record)
    for name in inputs:
        chunk.renew_line(name)
        chunk.traces[name] = {variable: inputs[name] for variable in chunk.record.get(name, ())}
    for component in network.components():
        if component.populations[0] in inputs:
            continue
        if component.cyclic:
            _run_together(chunk, component, unroll)
        else:
            _run_alone(chunk, component.populations[0], unroll)
    after = SimulationState(step=state.step + chunk.steps, populations=chunk.populations, lines=chunk.lines,
                            projections=chunk.projections, pending=chunk.pending)
    return after, chunk.outputs, chunk.traces


def _run_alone(chunk: _Chunk, name: str, unroll: int | None) -> None:
    """A population whose inputs are all known: products over the whole chunk, then the loop over time."""
    neuron = chunk.network.populations[name]
    total, later = chunk.arrive(chunk.network.incoming(name), name, chunk.waiting(name))
    chunk.keep_pending(name, later)

    def body(state, arrivals, offset):
        rand = Rand.at(chunk.seed, name, chunk.state.step + offset)
        state, *rest = batched_step(neuron, state, arrivals, chunk.dt, rand, chunk.record.get(name, ()))
        return state, rest

    chunk.populations[name], (chunk.outputs[name], chunk.traces[name]) = time_loop(
        body, chunk.populations[name], total, steps=chunk.steps, unroll=unroll)
    chunk.renew_line(name)


def _run_together(chunk: _Chunk, component: Component, unroll: int | None) -> None:
    """A cyclic component: its populations and projections step through the chunk together."""
    network, dt, inside = chunk.network, chunk.dt, component.populations
    known, later, ahead = {}, {}, {}
    for post in inside:
        waiting = chunk.waiting(post)
        from_outside = [name for name in network.incoming(post) if name not in component.projections]
        known[post], later[post] = chunk.arrive(from_outside, post, jax.tree.map(jnp.zeros_like, waiting))
        # A ring with one row more than the largest delay: a spike may be due before its row was read.
        ahead[post] = {port: jnp.concatenate([array, jnp.zeros_like(array, shape=(1, *array.shape[1:]))])
                       for port, array in waiting.items()}
    internal = {name: network.projections[name] for name in component.projections}
    plastic = {name: p for name, p in internal.items() if p.synapse.learns}
    early = {m for p in plastic.values() if p.synapse.learns_first for m in p.modulators}
    outside = {name: chunk.history(name) for name in {p.pre for p in internal.values()} | early if name not in inside}
    modulators = {m: chunk.outputs[m] for p in plastic.values() for m in p.modulators if m not in inside}

    def body(carry, given, offset):
        known, modulators = given
        neurons, rings, projections = (dict(part) for part in carry[:3])
        ahead = {post: dict(ports) for post, ports in carry[3].items()}
        step = chunk.state.step + offset
        outputs: dict[str, jax.Array] = {}
        signals: dict[str, jax.Array] = {}
        traces = {}

        def past(name):
            """What a population has put out, and the row of each delay."""
            if name in rings:
                return rings[name], _ring_row(step, rings[name].shape[0])
            return outside[name], _chunk_row(outside[name].shape[0] - chunk.steps + offset)

        def learn(name, modulators):
            projection, post = network.projections[name], internal[name].post
            if projection.post_depth(dt):
                history, row_of = past(post)
                pre = network.populations[projection.pre].shape
                seen = postsynaptic(projection, history, row_of, pre, dt, chunk.inference)
            else:
                seen = outputs[post]
            found = {m: modulators(m) for m in projection.modulators}
            projections[name] = learned(projection, projections[name], signals[name], seen, found, dt)

        def before(name):
            history, row_of = past(name)
            return jax.lax.dynamic_index_in_dim(history, row_of(1), 0, keepdims=False)

        for post in inside:
            total = dict(known[post])
            for name, projection in internal.items():
                if projection.post == post and not projection.event_driven:
                    history, row_of = past(projection.pre)
                    rand = Rand.at(chunk.seed, name, step)
                    signals[name] = presynaptic(projection, history, row_of, dt, chunk.inference)
                    if name in plastic and projection.synapse.learns_first:
                        learn(name, before)
                    projections[name], parts = transmitted(projection, projections[name], signals[name],
                                                           history.shape[2:], dt, rand)
                    parts = {port: value[None] for port, value in parts.items()}
                    projections[name], parts = transformed(projection, projections[name], parts, chunk.inference, rand)
                    _add(total, {port: value[0] for port, value in parts.items()})
            for port, ring in ahead[post].items():
                row = offset % ring.shape[0]
                _add(total, {port: jax.lax.dynamic_index_in_dim(ring, row, 0, keepdims=False)})
                ahead[post][port] = jax.lax.dynamic_update_index_in_dim(ring, jnp.zeros_like(ring[0]), row, 0)
            neurons[post], outputs[post], traces[post] = batched_step(
                network.populations[post], neurons[post], total, dt, Rand.at(chunk.seed, post, step),
                chunk.record.get(post, ()))
            if post in rings:
                rings[post] = jax.lax.dynamic_update_index_in_dim(
                    rings[post], outputs[post], step % rings[post].shape[0], 0)
            for projection in internal.values():
                if projection.pre == post and projection.event_driven:
                    send(projection, ahead[projection.post], outputs[post][None], dt, offset)
        for name, projection in plastic.items():
            if not projection.synapse.learns_first:
                learn(name, {**outputs, **modulators}.__getitem__)
        return (neurons, rings, projections, ahead), (outputs, traces)

    # A population read without delay only still needs its present output: a ring of one row.
    rings = {name: chunk.lines.get(name) for name in inside}
    rings = {name: jnp.zeros((1, chunk.state.batch, *network.populations[name].shape), jnp.result_type(float))
             if ring is None else ring for name, ring in rings.items()
             if name in early or any((p.pre == name and not p.event_driven) or (p.post == name and p.post_depth(dt))
                                     for p in internal.values())}
    carry = ({name: chunk.populations[name] for name in inside}, rings,
             {name: chunk.projections[name] for name in internal}, ahead)
    (neurons, rings, projections, ahead), (outputs, traces) = time_loop(
        body, carry, (known, modulators), steps=chunk.steps, unroll=unroll)
    chunk.populations.update(neurons)
    chunk.projections.update(projections)
    chunk.outputs.update(outputs)
    chunk.traces.update(traces)
    for name in inside:
        chunk.renew_line(name)
        chunk.keep_pending(name, {port: jnp.roll(ring, -(chunk.steps % ring.shape[0]), 0)[:-1] + later[name][port]
                                  for port, ring in ahead[name].items()})


def _ring_row(step: jax.Array, depth: int):
    return lambda delay: (step - delay) % depth


def _chunk_row(now: jax.Array):
    return lambda delay: now - delay
