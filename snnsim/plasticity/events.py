"""Weight changes of a list of synapses where only those of units that spike are visited.

A step costs a pass over the units and a visit of the synapses that leave or reach a unit with a spike, never a pass
over all synapses. The derivative is that of the pass over all synapses, which gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.connection import AbstractConnection

BLOCK = 1024  # synapses of one turn of the loop

Change = Callable[..., Any]


class Index(NamedTuple):
    """Synapses by source and by target, int32. A unit that is seen late by several delays counts once for each."""

    sources: jax.Array  # [synapses]
    by_source: jax.Array | None  # [synapses], synapses sorted by source; None where they lie so
    starts: jax.Array  # [sources + 1], where the synapses of a source begin among these
    targets: jax.Array  # [synapses]
    by_target: jax.Array  # [synapses]
    target_starts: jax.Array  # [targets + 1]


def index_of(sources: np.ndarray, n_sources: int, targets: np.ndarray, n_targets: int) -> Index:
    """The index of a list of synapses, made on the host."""
    def sides(units, n):
        order, starts = np.argsort(units, kind="stable"), np.r_[0, np.cumsum(np.bincount(units, minlength=n))]
        return [jnp.asarray(array, jnp.int32) for array in (units, order, starts)]
    before, after = sides(np.asarray(sources), n_sources), sides(np.asarray(targets), n_targets)
    if (np.diff(sources) >= 0).all():
        before[1] = None
    return Index(*before, *after)


class Sides(NamedTuple):
    """What a change looks at: trees of arrays, of synapses, sources, targets, and one number for all."""

    moved: Any  # [synapses], what the change returns anew
    fixed: Any  # [synapses]
    pre: Any  # [sources]
    post: Any  # [targets]
    p: jax.Array  # spikes that arrived, [sources]
    q: jax.Array  # spikes of the targets, [targets]
    shared: Any  # scalars


def changed(change: Change, index: Index, sides: Sides) -> Any:
    """``moved`` after ``change(moved, fixed, pre, post, p, q, shared)`` of every synapse with a spike on either side.

    `change` is written for arrays of any one shape, and leaves `moved` as it is where p and q are 0.
    """
    def visit(index, sides):
        whole = _flags(sides, False)._replace(moved=_flags(sides.moved, True))
        first = sides._replace(moved=jax.tree.map(lambda leaf: leaf[None], sides.moved))
        return jax.tree.map(lambda leaf: leaf.reshape(leaf.shape[1:]), _visited(change, index, first, whole, 1))

    def visit_batch(axis_size, batched, index, sides):
        flags, weights = batched[1], sides.moved
        weights = jax.tree.map(lambda leaf, flag: leaf if flag else jnp.broadcast_to(leaf, (axis_size, *leaf.shape)),
                               weights, flags.moved)
        flags = flags._replace(moved=_flags(weights, True))
        return _visited(change, index, sides._replace(moved=weights), flags, axis_size), _flags(weights, True)

    visit = jax.custom_batching.custom_vmap(visit)
    visit.def_vmap(visit_batch)

    def backward(kept, upstream):
        index, sides = kept
        return None, jax.vjp(lambda sides: everywhere(change, index, sides), sides)[1](upstream)[0]

    forward = jax.custom_vjp(lambda index, sides: visit(index, sides))
    forward.defvjp(lambda index, sides: (visit(index, sides), (index, sides)), backward)
    return forward(index, sides)


def everywhere(change: Change, index: Index, sides: Sides) -> Any:
    """`changed` by a pass over all synapses: the reference."""
    pre, p = jax.tree.map(lambda leaf: leaf[index.sources], (sides.pre, sides.p))
    post, q = jax.tree.map(lambda leaf: leaf[index.targets], (sides.post, sides.q))
    return change(sides.moved, sides.fixed, pre, post, p, q, sides.shared)


def _flags(tree: Any, value: bool) -> Any:
    return jax.tree.map(lambda _: value, tree)


def sent(connection: AbstractConnection, index: Index, signal: jax.Array) -> jax.Array:
    """Arrivals ``[*post]`` of a list of synapses, whose weights may differ between samples: only spikes cost.

    One sample is the connection's own map; mapped over a batch, that map would copy the weights of each sample.
    """
    post = connection.post  # type: ignore[attr-defined]
    others, rest = eqx.partition(eqx.tree_at(lambda c: c.weight, connection, None), eqx.is_array)

    def of_one(others, index, weight, signal):
        if index.by_source is not None:
            return of_batch(1, (None, None, False, False), others, index, weight, signal)[0][0]
        whole = eqx.tree_at(lambda c: c.weight, eqx.combine(others, rest), weight, is_leaf=lambda leaf: leaf is None)
        return whole(signal.reshape(1, -1))[0]

    def of_batch(axis_size, batched, others, index, weight, signal):
        weight, signal = (leaf if flag else jnp.broadcast_to(leaf, (axis_size, *leaf.shape))
                          for leaf, flag in zip((weight, signal), batched[2:], strict=True))

        def add(arrived, sample, n, wanted):
            target = jnp.where(wanted, others.targets[n], arrived.shape[1])
            value = weight[sample, n] * signal[sample, index.sources[n]]
            return arrived.at[sample, target].add(value, mode="drop")
        nothing = jnp.zeros((axis_size, prod(post)), weight.dtype)
        arrived = _walk(add, nothing, signal != 0, index.starts, index.by_source, weight.shape[1])
        return arrived.reshape(-1, *post), True

    one = jax.custom_batching.custom_vmap(of_one)
    one.def_vmap(of_batch)

    def backward(kept, upstream):
        others, index, weight, signal = kept
        upstream = upstream.reshape(-1)[others.targets]
        to_signal = jax.ops.segment_sum(weight * upstream, index.sources, signal.shape[0])
        return None, None, upstream * signal[index.sources], to_signal

    forward = jax.custom_vjp(lambda *given: one(*given))
    forward.defvjp(lambda *given: (one(*given), given), backward)
    return forward(others, index, connection.weight, signal.reshape(-1))  # type: ignore[attr-defined]


def _visited(change: Change, index: Index, sides: Sides, batched: Sides, batch: int) -> Any:
    """`changed` of a batch; `batched` says of each leaf whether it has a batch axis."""
    def of(part: str, sample: jax.Array, at: jax.Array) -> Any:
        return jax.tree.map(lambda leaf, flag: leaf[sample, at] if flag else leaf[at],
                            getattr(sides, part), getattr(batched, part))

    def after(moved, sample, n):
        source, target = index.sources[n], index.targets[n]
        shared = jax.tree.map(lambda leaf, flag: leaf[sample] if flag else jnp.broadcast_to(leaf, n.shape),
                              sides.shared, batched.shared)
        return change(moved, of("fixed", sample, n), of("pre", sample, source), of("post", sample, target),
                      of("p", sample, source), of("q", sample, target), shared)

    def spiking(values: jax.Array, flag: Any) -> jax.Array:
        return (values if flag else jnp.broadcast_to(values, (batch, *values.shape))) != 0

    def visit(moved, sample, n, wanted):
        new = after(jax.tree.map(lambda leaf: leaf[sample, n], moved), sample, n)
        slot = jnp.where(wanted, n, n_synapses)  # others are dropped
        return jax.tree.map(lambda leaf, value: leaf.at[sample, slot].set(value, mode="drop"), moved, new)

    p, q = spiking(sides.p, batched.p), spiking(sides.q, batched.q)
    n_synapses = index.targets.shape[0]
    moved = _walk(visit, sides.moved, p, index.starts, index.by_source, n_synapses)
    # Synapses whose source spiked too have been visited.
    return _walk(lambda moved, sample, n, wanted: visit(moved, sample, n, wanted & ~p[sample, index.sources[n]]),
                 moved, q, index.target_starts, index.by_target, n_synapses)


def _walk(visit: Callable, state: Any, active: jax.Array, starts: jax.Array, order: jax.Array | None,
          n_synapses: int) -> Any:
    """State after ``visit(state, sample, synapse, wanted)`` of the synapses of active units ``[batch, units]``.

    Those of a unit lie together in `order`. `BLOCK` synapses at a time; what the last block holds beyond the last
    synapse is not wanted.
    """
    if not n_synapses:
        return state
    units = active.shape[1]
    lengths = jnp.where(active, starts[1:] - starts[:-1], 0).reshape(-1)
    until = jnp.cumsum(lengths)  # synapses of all units up to here

    def body(carry):
        first, state = carry
        event = first + jnp.arange(BLOCK, dtype=jnp.int32)
        row = jnp.minimum(jnp.searchsorted(until, event, side="right"), until.shape[0] - 1).astype(jnp.int32)
        n = jnp.clip(starts[row % units] + event - (until[row] - lengths[row]), 0, n_synapses - 1)
        n = n if order is None else order[n]
        return first + BLOCK, visit(state, row // units, n, event < until[-1])

    return jax.lax.while_loop(lambda carry: carry[0] < until[-1], body, (jnp.int32(0), state))[1]
