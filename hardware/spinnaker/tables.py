"""Routing tables: what each chip does with which keys; what goes straight on needs no entry."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from snnsim.hardware.spinnaker.keys import Keys
from snnsim.hardware.spinnaker.machine import Machine
from snnsim.hardware.spinnaker.placement import Placement
from snnsim.hardware.spinnaker.trees import Route
from snnsim.hardware.spinnaker.vertices import Vertices

CORE_SHIFT = 6  # bits 0 to 5 of a route are links, the following ones cores


@dataclass(frozen=True, eq=False)
class Table:
    """Entries of one router; the first that matches a key decides.

    Args:
        key: keys, int64 ``[entries]``.
        mask: masks, int64 ``[entries]``.
        route: links (bits 0 to 5) and cores (from bit 6), int64 ``[entries]``.
    """

    key: np.ndarray
    mask: np.ndarray
    route: np.ndarray

    def __len__(self) -> int:
        return len(self.key)


@dataclass(frozen=True, eq=False)
class ChipTable:
    """What a chip must route.

    Args:
        table: entries.
        passing: keys that arrive and go straight on by default: no entry may match them. Their route is the link that
            they take.
    """

    table: Table
    passing: Table


def tables(machine: Machine, vertices: Vertices, placement: Placement, keys: Keys, ways: list[Route]
           ) -> dict[int, ChipTable]:
    """Entries of each chip that some packet visits, one for each vertex whose packets do not go straight on."""
    chip, sender, route, straight = [], [], [], []
    for way in ways:
        tree, n = way.tree, len(way.senders)
        bits = _core_bits(machine, vertices, placement, way)
        chip.append(np.tile(tree.chips, n))
        sender.append(np.repeat(way.senders, len(tree.chips)))
        route.append((tree.links[None] | bits).reshape(-1))
        onward = (tree.travel >= 0) & (tree.links == 1 << np.maximum(tree.travel, 0).astype(np.int64))
        straight.append((onward[None] & (bits == 0)).reshape(-1))
    if not chip:
        return {}
    chips, senders, found, default = (np.concatenate(parts) for parts in (chip, sender, route, straight))
    order = np.lexsort((keys.key[senders], chips))
    chips, senders, found, default = chips[order], senders[order], found[order], default[order]
    tables, edges = {}, np.flatnonzero(np.diff(chips, prepend=-1, append=-1))
    for first, stop in pairwise(edges.tolist()):
        whole = Table(keys.key[senders[first:stop]], keys.mask[senders[first:stop]], found[first:stop])
        own = default[first:stop]
        tables[int(chips[first])] = ChipTable(_some(whole, ~own), _some(whole, own))
    return tables


def _some(table: Table, chosen: np.ndarray) -> Table:
    return Table(table.key[chosen], table.mask[chosen], table.route[chosen])


def _core_bits(machine: Machine, vertices: Vertices, placement: Placement, way: Route) -> np.ndarray:
    """Cores that packets of each sender reach on each chip of the tree, as bits, int64 ``[senders, visited]``."""
    column = np.full(machine.chips, -1, np.int64)
    column[way.tree.chips] = np.arange(len(way.tree.chips))
    bits = np.zeros((len(way.senders), len(way.tree.chips)), np.int64)
    for row, sender in enumerate(way.senders):
        targets = vertices.targets(int(sender))
        # Each target is a core of its own, so that adding its bit is setting it.
        core = placement.core[targets].astype(np.int64)
        np.add.at(bits[row], column[placement.chip[targets]], 1 << (core + CORE_SHIFT))
    return bits
