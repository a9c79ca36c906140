"""Routing keys: a zone for each population, in it a block for each slice, in it a key for each unit and colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.hardware.spinnaker import constants as c
from snnsim.hardware.spinnaker.vertices import Vertices

FULL = 2**c.KEY_BITS - 1


@dataclass(frozen=True, eq=False)
class Keys:
    """Key and mask of each vertex; a packet belongs to it where ``packet & mask == key``.

    Args:
        key: first key, int64 ``[vertices]``; -1 for a vertex that sends nothing.
        mask: its mask, int64 ``[vertices]``.
        zones: (population, first key, keys) of each zone.
        colour_bits: lowest bits, which number the time step a packet belongs to.
    """

    key: np.ndarray
    mask: np.ndarray
    zones: tuple[tuple[str, int, int], ...]
    colour_bits: int

    def of_unit(self, vertex: int, unit: int, colour: int = 0) -> int:
        """Key of a packet: `unit` counts within the slice; of a delay extension, units of the first stage first."""
        return int(self.key[vertex]) + (unit << self.colour_bits) + colour


def allocate(vertices: Vertices) -> Keys:
    """Keys for all vertices that send.

    Sizes are powers of two and the largest zones come first, so that every zone and block is aligned to its size and
    a mask describes it.

    Raises:
        ConfigurationError: more keys than there are.
    """
    colour = int(c.COLOUR_BITS.value or 0)
    sends = np.diff(vertices.first_target) > 0
    groups: dict[tuple[int, bool], np.ndarray] = {}
    for group in sorted({(int(p), bool(d)) for p, d in zip(vertices.population[sends], vertices.delays[sends],
                                                           strict=True)}):
        groups[group] = np.flatnonzero((vertices.population == group[0]) & (vertices.delays == group[1]))
    blocks = {group: _power(int(vertices.keys[members].max())) << colour for group, members in groups.items()}
    sizes = {group: blocks[group] * _power(len(members)) for group, members in groups.items()}
    key, mask = np.full(len(vertices), -1, np.int64), np.full(len(vertices), FULL, np.int64)
    zones, base = [], 0
    for group in sorted(groups, key=lambda group: (-sizes[group], group)):
        members = groups[group]
        key[members] = base + blocks[group] * np.arange(len(members))
        mask[members] = FULL - (blocks[group] - 1)
        zones.append((vertices.name(int(members[0])), base, sizes[group]))
        base += sizes[group]
    if base > FULL + 1:
        raise ConfigurationError(got=f"{base:,} routing keys", expected=f"at most {FULL + 1:,}", where="SpiNNaker",
                                 fix=f"it exceeds by {base - FULL - 1:,}: fewer units, or populations whose sizes are "
                                 "just below a power of two")
    key[~sends] = -1
    return Keys(key, mask, tuple(zones), colour)


def _power(count: int) -> int:
    """The smallest power of two that is `count` or more."""
    return 1 << max(0, count - 1).bit_length()
