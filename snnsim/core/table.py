"""The table of all synapses of a network, by source; filled on the host by threads, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import host_empty
from snnsim.core.projection import Projection
from snnsim.core.sending import delay_type
from snnsim.kernels.event_propagation import Rows

MOST_SYNAPSES = 2**31  # told apart by an index of 31 bits
BLOCK = 2**18  # synapses that a thread moves at a time: they stay in its cache


class Entry(NamedTuple):
    """A projection on its way into the table, or the part of it between some units."""

    projection: Projection
    spent: int  # steps of its delays that have passed when it sends
    first_source: int  # of the first unit of `sources`
    first_slots: tuple[int, ...]  # of unit 0 of the target; one, or those of positive and of negative weights
    sources: tuple[int, int] | None = None  # units from a to b, all by default
    targets: tuple[int, int] | None = None


class Chosen(NamedTuple):
    """Synapses of an entry, by source."""

    starts: np.ndarray  # where those of each source begin, and the end
    indices: np.ndarray | None  # which they are in their projection; None: those that `starts` says


def synapse_table(entries: Sequence[Entry], n_sources: int, depth: int, dt: float) -> tuple[Rows, jax.Array]:
    """(rows, weights): the synapses of a source lie one behind the other whatever their projection.

    Raises:
        ConfigurationError: more synapses than an index can tell apart.
    """
    return jax.device_put(synapse_arrays(entries, [chosen_of(entry) for entry in entries], n_sources, depth, dt))


def synapse_arrays(entries: Sequence[Entry], local: Sequence[Chosen], n_sources: int, depth: int, dt: float,
                   size: int = 0) -> tuple[Rows, np.ndarray]:
    """The same on the host, from the synapses of each entry; filled up to `size` with some that no source has."""
    counts = np.zeros(n_sources, np.int64)
    for entry, (starts, _) in zip(entries, local, strict=True):
        counts[entry.first_source:entry.first_source + len(starts) - 1] += np.diff(starts)
    ends = np.cumsum(counts)
    total = int(ends[-1]) if n_sources else 0
    if total >= MOST_SYNAPSES:
        raise ConfigurationError(got=f"{total:,} synapses", expected=f"fewer than {MOST_SYNAPSES:,}", where="network",
                                 fix="split the network over devices")
    size = max(size, total)
    targets, delays = host_empty(size, np.int32), host_empty(size, delay_type(depth))
    kinds = {entry.projection.connection.weight.dtype for entry in entries}
    weights = host_empty(size, np.result_type(*kinds) if kinds else float)
    for array in (targets, delays, weights):
        array[total:] = 0

    def move(entry: Entry, chosen: Chosen, into: np.ndarray, a: int, b: int) -> None:
        """The synapses of sources a to b of an entry, each to its place behind `into` [sources]."""
        starts = chosen.starts
        place = np.repeat(into[a:b] - starts[a:b], np.diff(starts[a:b + 1]))
        place += np.arange(starts[a], starts[b])
        targets[place], delays[place], weights[place] = _columns(entry, chosen, a, b, dt)

    free = ends - counts
    begin, jobs = free.copy(), []
    for entry, chosen in zip(entries, local, strict=True):
        starts = chosen.starts
        mine = slice(entry.first_source, entry.first_source + len(starts) - 1)
        marks = np.arange(starts[0], starts[-1] + BLOCK, BLOCK)
        cuts = np.unique(np.searchsorted(starts, marks).clip(0, len(starts) - 1))
        jobs += [(entry, chosen, free[mine].copy(), a, b) for a, b in pairwise(cuts)]
        free[mine] += np.diff(starts)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda job: move(*job), jobs))
    return Rows(begin.astype(np.int32), ends.astype(np.int32), targets, delays), weights


def chosen_of(entry: Entry) -> Chosen:
    """The synapses of an entry."""
    connection = entry.projection.connection
    starts = np.arange(connection.weight.size + 1) if connection.diagonal \
        else np.asarray(connection.starts).astype(np.int64)
    if entry.sources is not None:
        starts = starts[entry.sources[0]:entry.sources[1] + 1]
    if entry.targets is None:
        return Chosen(starts, None)
    some = slice(int(starts[0]), int(starts[-1]))
    target = np.arange(some.start, some.stop) if connection.diagonal else np.asarray(connection.targets)[some]
    low, high = entry.targets
    indices = some.start + np.flatnonzero((target >= low) & (target < high))
    indices = indices.astype(np.int32) if some.stop < MOST_SYNAPSES else indices
    return Chosen(np.searchsorted(indices, starts), indices)


def _columns(entry: Entry, chosen: Chosen, a: int, b: int, dt: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(slots, delays, weights) of some synapses of an entry, those of sources a to b."""
    projection, first, starts = entry.projection, entry.first_slots, chosen.starts
    connection, delay = projection.connection, projection.delay
    span = slice(int(starts[a]), int(starts[b]))
    synapses: Any = span if chosen.indices is None else chosen.indices[span]
    weight = np.asarray(connection.weight).reshape(-1)[synapses]
    if not connection.diagonal:
        target = np.asarray(connection.targets)[synapses]
    else:
        target = (np.arange(span.start, span.stop) if chosen.indices is None else synapses).astype(np.int32)
    shift = np.where(weight < 0, first[1], first[0]).astype(np.int32) if len(first) > 1 else np.int32(first[0])
    if delay is None:
        steps: Any = np.int32(projection.depth(dt))
    elif delay.value.size == connection.weight.size:  # one a synapse
        steps = delay.steps(dt, np, synapses)
    elif delay.value.size == 1:
        steps = delay.steps(dt, np)
    else:  # one a source
        first_unit = 0 if entry.sources is None else entry.sources[0]
        steps = np.repeat(delay.steps(dt, np, slice(first_unit + a, first_unit + b)), np.diff(starts[a:b + 1]))
    return target + shift, np.reshape(steps - entry.spent, -1), weight
