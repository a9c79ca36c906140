"""Machine vertices: slices and delay extensions, one a core, what they send and whom they must reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snnsim.hardware.spinnaker.application import Application, Rows, slice_starts
from snnsim.hardware.spinnaker.partition import Part


@dataclass(frozen=True, eq=False)
class Vertices:
    """All vertices, population by population; a slice and the extension that delays its spikes are neighbours.

    Args:
        populations: names, in the order of `population`.
        population: population of each vertex, int ``[vertices]``.
        start: its first unit, int ``[vertices]``.
        stop: the unit after its last, int ``[vertices]``.
        delays: whether it only delays spikes, bool ``[vertices]``.
        keys: different packets that it sends: units, or units times stages of delay, int ``[vertices]``.
        packets: packets that it sends over the whole workload, int64 ``[vertices]``.
        events: synaptic events that it receives over the whole workload, int64 ``[vertices]``.
        learning_events: those of them through synapses that learn, int64 ``[vertices]``.
        sdram_bytes: memory that it needs on its chip, int64 ``[vertices]``.
        first_target: where the targets of each vertex begin in `target`, and the end, int ``[vertices + 1]``.
        target: vertices that packets must reach, sorted for each source, int.
    """

    populations: tuple[str, ...]
    population: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    delays: np.ndarray
    keys: np.ndarray
    packets: np.ndarray
    events: np.ndarray
    learning_events: np.ndarray
    sdram_bytes: np.ndarray
    first_target: np.ndarray
    target: np.ndarray

    def __len__(self) -> int:
        return len(self.population)

    def targets(self, vertex: int) -> np.ndarray:
        """Vertices that packets of `vertex` must reach."""
        return self.target[self.first_target[vertex]:self.first_target[vertex + 1]]

    @property
    def senders(self) -> np.ndarray:
        """Vertices whose packets go anywhere."""
        return np.flatnonzero(np.diff(self.first_target))

    def name(self, vertex: int) -> str:
        """Name of the population, with "_delayed" for a delay extension."""
        return self.populations[self.population[vertex]] + ("_delayed" if self.delays[vertex] else "")


def vertices_of(application: Application, parts: Mapping[str, Part], rows: Mapping[str, Rows]) -> Vertices:
    """The vertices of all parts, with an extension behind each slice of a population whose spikes are delayed."""
    first, count = {}, 0
    for name, part in parts.items():
        first[name] = count
        count += part.slices + part.extensions
    where = {name: first[name] + np.arange(part.slices) * (2 if part.stages else 1) for name, part in parts.items()}
    columns = {key: np.zeros(count, np.int64) for key in ("population", "start", "stop", "keys", "packets", "events",
                                                          "learning_events", "sdram_bytes")}
    delays = np.zeros(count, bool)
    for number, (name, part) in enumerate(parts.items()):
        cells, own = application.cells[name], where[name]
        starts = slice_starts(cells.units, part.neurons_per_core)
        stops = np.append(starts[1:], cells.units)
        sent = np.add.reduceat(cells.packets, starts)
        columns["sdram_bytes"][own] = part.memory.sdram_bytes
        for vertex, keys, packets in _roles(application, rows, part, own, starts, stops, sent):
            columns["population"][vertex], columns["start"][vertex], columns["stop"][vertex] = number, starts, stops
            columns["keys"][vertex], columns["packets"][vertex] = keys, packets
            delays[vertex] = vertex[0] != own[0]
    for join in application.joins.values():
        columns["events"][where[join.post]] += rows[join.name].events
        if join.rule:
            columns["learning_events"][where[join.post]] += rows[join.name].events
    source, target = _pairs(application, parts, rows, where)
    return Vertices(tuple(parts), **columns, delays=delays,
                    first_target=np.searchsorted(source, np.arange(count + 1)), target=target)


def rows_read(application: Application, parts: Mapping[str, Part], rows: Mapping[str, Rows]) -> dict[str, int]:
    """Synaptic rows that cores read over the whole workload, by projection: one for each packet that reaches a core."""
    found = {}
    for join in application.joins.values():
        part, cells = parts[join.pre], application.cells[join.pre]
        starts = slice_starts(cells.units, part.neurons_per_core)
        used = _used(application, rows, part)
        total = 0
        for stage, joined in enumerate(rows[join.name].longest > 0):
            sent = cells.packets if stage == 0 else cells.packets * used[stage]
            total += int(np.add.reduceat(sent, starts) @ joined.sum(1))
        found[join.name] = total
    return found


def _used(application: Application, rows: Mapping[str, Rows], part: Part) -> np.ndarray:
    """Whether a unit has a synapse in a stage of delay, of any projection, bool ``[stages + 1, units]``."""
    used = np.zeros((part.stages + 1, part.units), bool)
    for join in application.outgoing(part.population):
        found = rows[join.name].used
        used[:len(found)] |= found
    return used


def _roles(application: Application, rows: Mapping[str, Rows], part: Part, own: np.ndarray, starts: np.ndarray,
           stops: np.ndarray, sent: np.ndarray):
    """(vertices, keys, packets) of the slices of a part, and of their extensions."""
    sizes = stops - starts
    yield own, sizes, sent
    if part.stages:
        later = _used(application, rows, part)[1:].sum(0)
        again = application.cells[part.population].packets * later  # once for each stage that is read
        yield own + 1, sizes * part.stages, np.add.reduceat(again, starts)


def _pairs(application: Application, parts: Mapping[str, Part], rows: Mapping[str, Rows],
           where: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Sources and targets of packets, sorted, each pair once."""
    pairs = [np.zeros((2, 0), np.int64)]
    for join in application.joins.values():
        there = rows[join.name].longest > 0
        pre, post = where[join.pre], where[join.post]
        source, target = np.nonzero(there[0])
        pairs.append(np.stack([pre[source], post[target]]))
        if len(there) > 1:
            source, target = np.nonzero(there[1:].any(0))
            pairs.append(np.stack([pre[source] + 1, post[target]]))
    for name, part in parts.items():
        if part.stages:  # a slice with a delayed synapse sends to the extension beside it
            starts = slice_starts(part.units, part.neurons_per_core)
            late = _used(application, rows, part)[1:].any(0)
            slices = where[name][np.logical_or.reduceat(late, starts)]
            pairs.append(np.stack([slices, slices + 1]))
    count = sum(part.slices + part.extensions for part in parts.values())
    source, target = np.concatenate(pairs, 1)
    return np.divmod(np.unique(source * count + target), count)
