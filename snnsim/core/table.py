"""The table of all synapses of a network, by source; filled on the host by threads, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

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
    """A projection on its way into the table."""

    projection: Projection
    spent: int  # steps of its delays that have passed when it sends
    first_source: int
    first_slots: tuple[int, ...]  # one, or those of positive and of negative weights


def synapse_table(entries: Sequence[Entry], n_sources: int, depth: int, dt: float) -> tuple[Rows, jax.Array]:
    """(rows, weights): the synapses of a source lie one behind the other whatever their projection.

    Raises:
        ConfigurationError: more synapses than an index can tell apart.
    """
    counts = np.zeros(n_sources, np.int64)
    local = [_starts(entry) for entry in entries]
    for entry, starts in zip(entries, local, strict=True):
        counts[entry.first_source:entry.first_source + len(starts) - 1] += np.diff(starts)
    ends = np.cumsum(counts)
    total = int(ends[-1]) if n_sources else 0
    if total >= MOST_SYNAPSES:
        raise ConfigurationError(got=f"{total:,} synapses", expected=f"fewer than {MOST_SYNAPSES:,}", where="network",
                                 fix="split the network over devices")
    targets, delays = host_empty(total, np.int32), host_empty(total, delay_type(depth))
    kinds = {entry.projection.connection.weight.dtype for entry in entries}
    weights = host_empty(total, np.result_type(*kinds) if kinds else float)

    def move(entry: Entry, starts: np.ndarray, into: np.ndarray, a: int, b: int) -> None:
        """The synapses of sources a to b of a projection, each to its place behind `into` [sources]."""
        synapses = slice(int(starts[a]), int(starts[b]))
        place = np.repeat(into[a:b] - starts[a:b], np.diff(starts[a:b + 1]))
        place += np.arange(synapses.start, synapses.stop)
        targets[place], delays[place], weights[place] = _columns(entry, starts, a, b, synapses, dt)

    free = ends - counts
    begin, jobs = free.copy(), []
    for entry, starts in zip(entries, local, strict=True):
        mine = slice(entry.first_source, entry.first_source + len(starts) - 1)
        cuts = np.unique(np.searchsorted(starts, np.arange(0, starts[-1] + BLOCK, BLOCK)).clip(0, len(starts) - 1))
        jobs += [(entry, starts, free[mine].copy(), a, b) for a, b in pairwise(cuts)]
        free[mine] += np.diff(starts)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda job: move(*job), jobs))
    rows = Rows(*(jax.device_put(array) for array in (begin.astype(np.int32), ends.astype(np.int32), targets, delays)))
    return rows, jax.device_put(weights)


def _starts(entry: Entry) -> np.ndarray:
    """Where the synapses of each source of a projection begin, and the end."""
    connection = entry.projection.connection
    if connection.diagonal:
        return np.arange(connection.weight.size + 1)
    return np.asarray(connection.starts).astype(np.int64)


def _columns(entry: Entry, starts: np.ndarray, a: int, b: int, synapses: slice,
             dt: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(slots, delays, weights) of some synapses of a projection, those of sources a to b."""
    projection, first = entry.projection, entry.first_slots
    connection, delay = projection.connection, projection.delay
    weight = np.asarray(connection.weight).reshape(-1)[synapses]
    target = np.arange(synapses.start, synapses.stop, dtype=np.int32) if connection.diagonal \
        else np.asarray(connection.targets)[synapses]
    shift = np.where(weight < 0, first[1], first[0]).astype(np.int32) if len(first) > 1 else np.int32(first[0])
    if delay is None:
        steps = np.int32(projection.depth(dt))
    elif delay.value.size == connection.weight.size:  # one a synapse
        steps = delay.steps(dt, np, synapses)
    elif delay.value.size == 1:
        steps = delay.steps(dt, np)
    else:  # one a source
        steps = np.repeat(delay.steps(dt, np, slice(a, b)), np.diff(starts[a:b + 1]))
    return target + shift, np.reshape(steps - entry.spent, -1), weight
