"""Multicast trees: the chips that a packet visits, and the links by which it leaves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.hardware.spinnaker.machine import Machine
from snnsim.hardware.spinnaker.placement import Placement
from snnsim.hardware.spinnaker.vertices import Vertices


@dataclass(frozen=True, eq=False)
class Tree:
    """The way of a packet. Every chip of it is visited once.

    Args:
        chips: chips, the source's first, int ``[visited]``.
        travel: link along which the packet came, in its direction of travel; -1 at the source, int ``[visited]``.
        links: links by which it leaves, one bit each, int ``[visited]``.
    """

    chips: np.ndarray
    travel: np.ndarray
    links: np.ndarray


@dataclass(frozen=True, eq=False)
class Route:
    """Vertices on one chip whose packets go to the same chips share a tree.

    Args:
        tree: the way.
        senders: the vertices, int.
    """

    tree: Tree
    senders: np.ndarray


def routes(machine: Machine, vertices: Vertices, placement: Placement) -> list[Route]:
    """Trees of all vertices that send, each vertex in one of them."""
    groups: dict[tuple[int, bytes], list[int]] = {}
    for vertex in vertices.senders:
        chips = np.unique(placement.chip[vertices.targets(vertex)])
        groups.setdefault((int(placement.chip[vertex]), chips.tobytes()), []).append(int(vertex))
    return [Route(grow(machine, source, np.frombuffer(chips, placement.chip.dtype)), np.array(senders))
            for (source, chips), senders in groups.items()]


def grow(machine: Machine, source: int, targets: np.ndarray) -> Tree:
    """The tree from chip `source` to all target chips.

    Targets are joined in the order of their distance, each from the nearest chip of the tree, along the longest
    dimension first. Every chip on such a way is nearer to the target than where it begins, so that no way meets the
    tree again. Where a chip or link is missing, a shortest way around is taken.

    Raises:
        ConfigurationError: a target that no way leads to.
    """
    place = {source: 0}
    chips, travel, links = [source], [-1], [0]
    order = targets[np.argsort(machine.distances(source)[targets], kind="stable")]
    for target in order.tolist():
        if target in place:
            continue
        start = chips[int(np.argmin(machine.distances(target)[chips]))]
        way = machine.path(start, target)
        if way is None:
            detour = machine.detour(set(place), target)
            if detour is None:
                raise ConfigurationError(got=f"no way to chip ({machine.x[target]}, {machine.y[target]})",
                                         expected="a connected machine", where="SpiNNaker routing",
                                         fix="leave out fewer chips")
            start, way = detour[0][0], [(link, onward) for _, link, onward in detour]
        at = start
        for link, onward in way:
            links[place[at]] |= 1 << link
            place[onward] = len(chips)
            chips.append(onward)
            travel.append(link)
            links.append(0)
            at = onward
    return Tree(np.array(chips, np.int32), np.array(travel, np.int8), np.array(links, np.int64))
