"""Packets on every link and in every router, counted exactly from the trees and the spikes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnsim.hardware.spinnaker.machine import LINKS, Machine
from snnsim.hardware.spinnaker.trees import Route
from snnsim.hardware.spinnaker.vertices import Vertices


@dataclass(frozen=True, eq=False)
class Traffic:
    """Packets over the whole workload.

    Args:
        links: packets that leave each chip by each link, int64 ``[chips, 6]``.
        routers: packets that each router handles, int64 ``[chips]``.
        visits: routers that the packets of each vertex pass, summed over its packets, int64 ``[vertices]``.
    """

    links: np.ndarray
    routers: np.ndarray
    visits: np.ndarray

    @property
    def hops(self) -> int:
        """Packets times links that they travel."""
        return int(self.links.sum())


def traffic_of(machine: Machine, vertices: Vertices, ways: list[Route]) -> Traffic:
    """Every packet of a vertex goes the whole of its tree."""
    links, routers = np.zeros((machine.chips, len(LINKS)), np.int64), np.zeros(machine.chips, np.int64)
    visits = np.zeros(len(vertices), np.int64)
    for way in ways:
        packets = int(vertices.packets[way.senders].sum())
        routers[way.tree.chips] += packets
        links[way.tree.chips] += packets * ((way.tree.links[:, None] >> np.arange(len(LINKS))) & 1)
        visits[way.senders] = vertices.packets[way.senders] * len(way.tree.chips)
    return Traffic(links, routers, visits)


def crossing(machine: Machine, traffic: Traffic) -> int:
    """Packets that go from one board to another."""
    ends = machine.neighbours
    other = (ends >= 0) & (machine.board[np.maximum(ends, 0)] != machine.board[:, None])
    return int(traffic.links[other].sum())
