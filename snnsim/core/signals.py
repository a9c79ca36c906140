"""From a population's outputs to arrivals at another: delay, synapse, transforms, port.

A projection reads rows of a `history` of its source, ``[rows, batch, *pre]``. Within a chunk the history is what
was left of the chunk before, followed by the chunk; in a cycle it is a ring of the latest steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from snnsim.core.connection import AbstractConnection
from snnsim.core.errors import UnsupportedError
from snnsim.core.keys import Rand
from snnsim.core.projection import Projection
from snnsim.core.sending import split_by_sign
from snnsim.core.state import ProjectionState

RowOf = Callable[[jax.Array], jax.Array]  # delay in steps -> row of the history


def arrivals_in_chunk(projection: Projection, state: ProjectionState, history: jax.Array, steps: int, *, name: str,
                      dt: float, inference: bool, seed: jax.Array,
                      first_step: jax.Array) -> tuple[ProjectionState, dict[str, jax.Array]]:
    """(state, arrivals by port ``[steps, batch, *post]``) for a whole chunk, the source being known.

    `history` ends with the chunk: row ``len(history) - steps + t`` holds the source's output in step t.
    """
    start = history.shape[0] - steps
    delays, gains = projection.taps(dt, inference)
    if projection.is_static and delays.ndim == 1:
        # One delay for all: the chunk, shifted, in one product.
        signal: Any = sum(_scaled(jax.lax.dynamic_slice_in_dim(history, start - delays[k], steps, 0), gains, k)
                     for k in range(delays.shape[0]))
        parts = {port: connection.transmit(signal, Rand.at(seed, name, first_step))
                 for port, connection in split_by_sign(projection, projection.connection).items()}
    else:
        def body(carry, t):
            rand = Rand.at(seed, name, first_step + t)
            carry, arrivals, _ = arrivals_in_step(projection, carry, history, lambda d: start + t - d, dt=dt,
                                                  inference=inference, rand=rand)
            return carry, arrivals
        state, parts = jax.lax.scan(body, state, jnp.arange(steps, dtype=jnp.int32))
    return transformed(projection, state, parts, inference, Rand.at(seed, name, first_step))


def arrivals_in_step(projection: Projection, state: ProjectionState, history: jax.Array, row_of: RowOf, *, dt: float,
                     inference: bool, rand: Rand) -> tuple[ProjectionState, dict[str, jax.Array], jax.Array]:
    """(state, arrivals by port ``[batch, *post]`` before the transforms, presynaptic signal) in one step."""
    signal = presynaptic(projection, history, row_of, dt, inference)
    state, parts = transmitted(projection, state, signal, history.shape[2:], dt, rand)
    return state, parts, signal


def presynaptic(projection: Projection, history: jax.Array, row_of: RowOf, dt: float, inference: bool) -> jax.Array:
    """What arrives in this step: ``[batch, *pre]``, in the weight's shape with one delay a synapse, or by line."""
    if projection.synapse.lines:
        return jnp.moveaxis(history[row_of(projection.line_steps(dt))], 0, 1)
    delays, gains = projection.taps(dt, inference)
    separate = projection.connection.separate(delays.shape[1:], history.shape[2:])
    return _read(history, delays, row_of, gains, projection.connection, separate)


def transmitted(projection: Projection, state: ProjectionState, signal: jax.Array, pre: tuple[int, ...], dt: float,
                rand: Rand) -> tuple[ProjectionState, dict[str, jax.Array]]:
    """(state, arrivals by port ``[batch, *post]`` before the transforms) of a signal from a source of shape `pre`."""
    separate = projection.connection.separate(projection.taps(dt, True)[0].shape[1:], pre)
    if projection.is_static:
        parts = {}
        for port, connection in split_by_sign(projection, projection.connection).items():
            parts[port] = jax.vmap(connection.reduce)(signal) if separate else \
                connection.transmit(signal[None], rand)[0]
        return state, parts
    if separate and not projection.synapse.per_synapse:
        raise UnsupportedError(got=f"one delay a synapse with {type(projection.synapse).__name__}",
                               expected="a synapse with per_synapse = True", where=f"projection {projection.name!r}",
                               fix="use one delay for all or for each source unit")

    def one(kept, plastic, signal, rand):
        return projection.synapse.transmit(kept, of_sample(projection.connection, plastic), signal, dt, rand)
    kept, arrived = over_samples(one, state.synapse, state.plastic, signal, rand=rand)
    return ProjectionState(kept, state.plastic, state.transforms), {str(projection.port): arrived}


def over_samples(function: Callable, *arguments: Any, rand: Rand | None = None) -> Any:
    """`function` mapped over the batch, the leading axis of all arguments.

    A single sample is not mapped: a branch that it does not take then costs nothing.
    """
    batch = jax.tree.leaves(arguments)[0].shape[0]
    extra = () if rand is None else (rand,)
    if batch == 1:
        alone = jax.tree.map(lambda leaf: leaf.reshape(leaf.shape[1:]), arguments)
        return jax.tree.map(lambda leaf: leaf[None], function(*alone, *extra))
    axes = (0,) * len(arguments) + (() if rand is None else (Rand.axes("sample"),))
    return jax.vmap(function, in_axes=axes)(*arguments, *(one.of_samples(batch) for one in extra))


def _read(history, delays, row_of, gains, connection, separate):
    """Presynaptic signal ``[batch, ...]``: the sum over taps of rows of the history."""
    total: Any = 0.0
    for k in range(delays.shape[0]):
        rows = row_of(delays[k])
        if separate:
            value = jax.vmap(connection.read, in_axes=(1, None))(history, rows)
        elif rows.ndim == 0:
            value = jax.lax.dynamic_index_in_dim(history, rows, 0, keepdims=False)
        else:
            value = jax.vmap(lambda h, rows=rows: jnp.take_along_axis(h, rows[None], 0)[0], in_axes=1)(history)
        total = total + _scaled(value, gains, k)
    return total


def _scaled(value: jax.Array, gains: jax.Array | None, k: int) -> jax.Array:
    return value if gains is None else value * gains[k]


def of_sample(connection: AbstractConnection, plastic: Any) -> AbstractConnection:
    """The connection with one sample's own weights, where it has any."""
    return connection if plastic is None else eqx.combine(plastic, connection)


def transformed(projection: Projection, state: ProjectionState, parts: dict[str, jax.Array], inference: bool,
                rand: Rand) -> tuple[ProjectionState, dict[str, jax.Array]]:
    """(state, arrivals) after the projection's transforms; arrivals ``[steps, batch, *post]``."""
    kept = []
    for i, (transform, running) in enumerate(zip(projection.transforms, state.transforms, strict=True)):
        own = Rand(rand.seed, rand.stream + jnp.uint32(i), rand.step, rand.sample, rand.unit)
        for port in parts:
            running, parts[port] = transform(running, parts[port], inference, own)
        kept.append(running)
    return ProjectionState(synapse=state.synapse, plastic=state.plastic, transforms=tuple(kept)), parts


def postsynaptic(projection: Projection, history: jax.Array, row_of: RowOf, pre: tuple[int, ...], dt: float,
                 inference: bool) -> jax.Array:
    """The target's outputs as `learn` sees them, late by the synapse's `post_steps`; `pre` is the source's shape."""
    connection = projection.connection
    delay = projection.line_steps(dt) if projection.synapse.lines else projection.taps(dt, inference)[0][0]
    rows = row_of(jnp.asarray(projection.synapse.post_steps(delay, dt), jnp.int32))
    if rows.ndim == 0:
        return jax.lax.dynamic_index_in_dim(history, rows, 0, keepdims=False)
    if projection.synapse.lines:
        return jnp.moveaxis(history[rows], 0, 1)
    if not connection.separate(rows.shape, pre):
        rows = jnp.broadcast_to(connection.at_source(rows), connection.weight.shape)
    return jax.vmap(connection.read_target, in_axes=(1, None))(history, rows)


def learned(projection: Projection, state: ProjectionState, signal: jax.Array, post: jax.Array,
            modulators: Mapping[str, jax.Array], dt: float) -> ProjectionState:
    """State of a plastic projection after a step in which `signal` arrived and `learn` saw `post`."""
    def one(kept, plastic, signal, post, modulators):
        connection = of_sample(projection.connection, plastic)
        kept, connection = projection.synapse.learn(kept, connection, signal, post, modulators, dt)
        return kept, eqx.filter(connection, eqx.is_inexact_array)
    kept, plastic = over_samples(one, state.synapse, state.plastic, signal, post, dict(modulators))
    return ProjectionState(synapse=kept, plastic=plastic, transforms=state.transforms)
