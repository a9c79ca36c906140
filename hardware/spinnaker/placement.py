"""Which chip and core each vertex goes to: near the populations that it talks with, or in a spiral."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.hardware.spinnaker import constants as c
from snnsim.hardware.spinnaker.machine import Machine
from snnsim.hardware.spinnaker.vertices import Vertices

METHODS = ("connected", "radial")
MOST_CHIPS = 3000  # beyond, distances of all pairs cost more than they save: radial


@dataclass(frozen=True, eq=False)
class Placement:
    """Where each vertex is.

    Args:
        chip: chip of each vertex, int ``[vertices]``.
        core: number of its core on the chip, int ``[vertices]``.
    """

    chip: np.ndarray
    core: np.ndarray


def place(machine: Machine, vertices: Vertices, method: str = "connected") -> Placement | None:
    """A place for every vertex, or None where the machine is too small.

    "radial" fills chips in the order of their distance from the first one. "connected" takes the population with the
    most traffic first, then always the one with the most traffic to those that are placed, and gives each the chips
    nearest to its partners. A slice and its delay extension go side by side.

    Raises:
        ConfigurationError: an unknown method.
    """
    if method not in METHODS:
        raise ConfigurationError(got=f"placement {method!r}", expected=f"one of {', '.join(METHODS)}",
                                 where="SpiNNaker", fix="choose one of these")
    near = method == "connected" and machine.chips <= MOST_CHIPS
    traffic = _traffic(vertices)
    order = _order(traffic) if near else np.arange(len(vertices.populations))
    free, memory = machine.cores.copy(), np.full(machine.chips, int(c.SDRAM_BYTES.value or 0), np.int64)
    chip, core = np.full(len(vertices), -1, np.int32), np.full(len(vertices), -1, np.int32)
    occupied = np.zeros((len(vertices.populations), machine.chips))
    for population in order:
        members = np.flatnonzero(vertices.population == population)
        cost = machine.distances(0).astype(float)
        if near and occupied.any():
            weights = traffic[population] @ occupied  # traffic to each chip
            used = np.flatnonzero(weights)
            if len(used):
                away = np.stack([machine.distances(int(k)) for k in used])
                cost = weights[used] @ away / weights[used].sum() + 1e-3 * cost
        rank = _compact(machine, cost, free)
        at = 0
        for vertex in members:
            need = int(vertices.sdram_bytes[vertex])
            while at < len(rank) and not free[rank[at]]:
                at += 1
            fits = next((k for k in rank[at:] if free[k] and memory[k] >= need), None)
            if fits is None:
                return None
            chip[vertex] = fits
            core[vertex] = machine.first_core[fits] + machine.cores[fits] - free[fits]
            free[fits] -= 1
            memory[fits] -= need
            occupied[population, fits] += 1.0 / len(members)
    return Placement(chip, core)


def _traffic(vertices: Vertices) -> np.ndarray:
    """Packets times targets between populations, both ways; populations that are joined at all count for something."""
    n = len(vertices.populations)
    source = np.repeat(np.arange(len(vertices)), np.diff(vertices.first_target))
    pair = vertices.population[source] * n + vertices.population[vertices.target]
    sent = np.bincount(pair, vertices.packets[source] + 1.0, n * n).reshape(n, n)
    return sent + sent.T


def _order(traffic: np.ndarray) -> np.ndarray:
    """Populations: the busiest first, then always the one with the most traffic to those before it."""
    left = list(range(len(traffic)))
    found = [max(left, key=lambda p: (traffic[p].sum(), -p))]
    left.remove(found[0])
    joined = traffic[found[0]].copy()
    while left:
        following = max(left, key=lambda p: (joined[p], traffic[p].sum(), -p))
        found.append(following)
        left.remove(following)
        joined += traffic[following]
    return np.array(found)


def _compact(machine: Machine, cost: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Chips with a free core: the cheapest first, then those around it."""
    there = np.flatnonzero(free)
    if not len(there):
        return there
    first = there[np.argmin(cost[there])]
    return there[np.lexsort((cost[there], cost[there] + machine.distances(int(first))[there]))]
