"""The routers at work: packets sent through the tables, link by link, until they reach cores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.hardware.spinnaker.machine import LINK_NAMES, LINKS, Machine
from snnsim.hardware.spinnaker.tables import CORE_SHIFT, Table

AT_ONCE = 512  # keys that are compared with a whole table


@dataclass(frozen=True, eq=False)
class Delivery:
    """What became of packets.

    Args:
        packet: number of the packet, int64 ``[delivered]``; sorted, then by chip and core.
        chip: chip that it reached, int64 ``[delivered]``.
        core: core of that chip, int64 ``[delivered]``.
        visits: chips that each packet visited, int64 ``[packets]``.
    """

    packet: np.ndarray
    chip: np.ndarray
    core: np.ndarray
    visits: np.ndarray


def deliver(machine: Machine, tables: Mapping[int, Table], keys: np.ndarray, chips: np.ndarray) -> Delivery:
    """Send one packet of each key from its chip and follow it.

    A router takes the first entry whose mask and key match. Without one, a packet that came over a link goes straight
    on, and one from a core of the chip is dropped.

    Args:
        machine: chips and links.
        tables: entries of each chip.
        keys: keys, int64 ``[packets]``.
        chips: chip that each is sent from, int ``[packets]``.

    Raises:
        ConfigurationError: a packet that is dropped, leaves the machine, or comes to a chip twice.
    """
    seen = np.zeros((len(keys), machine.chips), bool)
    waiting: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
    for chip in np.unique(chips).tolist():
        packets = np.flatnonzero(chips == chip)
        waiting[chip] = [(packets, np.full(len(packets), -1))]
    delivered = [(np.zeros(0, np.int64),) * 3]
    while waiting:
        arriving, waiting = waiting, {}
        for chip, parts in arriving.items():
            packets, travel = (np.concatenate([part[k] for part in parts]) for k in range(2))
            if seen[packets, chip].any() or len(np.unique(packets)) < len(packets):
                raise _lost(machine, chip, "comes here twice")
            seen[packets, chip] = True
            route = _routed(tables.get(chip), keys[packets])
            lost = (route < 0) & (travel < 0)
            if lost.any():
                raise _lost(machine, chip, "has no entry where it is sent")
            route = np.where(route < 0, 1 << np.maximum(travel, 0), route)
            for link in range(len(LINKS)):
                leaving = (route >> link) & 1 == 1
                if leaving.any():
                    onward = int(machine.neighbours[chip, link])
                    if onward < 0:
                        raise _lost(machine, chip, f"leaves the machine by link {LINK_NAMES[link]}")
                    waiting.setdefault(onward, []).append((packets[leaving], np.full(int(leaving.sum()), link)))
            for core in range(int(machine.first_core[chip] + machine.cores[chip])):
                reached = packets[(route >> (core + CORE_SHIFT)) & 1 == 1]
                delivered.append((reached, np.full(len(reached), chip), np.full(len(reached), core)))
    packet, chip_of, core_of = (np.concatenate([part[k] for part in delivered]).astype(np.int64) for k in range(3))
    order = np.lexsort((core_of, chip_of, packet))
    return Delivery(packet[order], chip_of[order], core_of[order], seen.sum(1))


def _routed(table: Table | None, keys: np.ndarray) -> np.ndarray:
    """Route of each key, -1 where nothing matches."""
    found = np.full(len(keys), -1, np.int64)
    if table is None or not len(table):
        return found
    for first in range(0, len(keys), AT_ONCE):
        matches = (keys[first:first + AT_ONCE, None] & table.mask[None]) == table.key[None]
        entry = matches.argmax(1)
        found[first:first + AT_ONCE] = np.where(matches.any(1), table.route[entry], -1)
    return found


def _lost(machine: Machine, chip: int, what: str) -> ConfigurationError:
    return ConfigurationError(got=f"a packet that {what}", expected="every packet at its targets, once",
                              where=f"router of chip ({machine.x[chip]}, {machine.y[chip]})",
                              fix="correct the routing tables")
