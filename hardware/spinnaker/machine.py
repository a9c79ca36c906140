"""The machine: chips on linked hexagonal boards, their cores, links and distances."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, sqrt

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.hardware.spinnaker import constants as c

LINKS = ((1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1))
LINK_NAMES = ("E", "NE", "N", "W", "SW", "S")
TRIAD = 12  # three boards fill 12 x 12 chips without a gap
ETHERNET = ((0, 0), (4, 8), (8, 4))  # first chips of the boards of a triad
# Columns of each row of a board: a hexagon of 48 chips (chip_core_map, version_5.py).
ROWS = ((0, 5), (0, 6), (0, 7), (0, 8), (1, 8), (2, 8), (3, 8), (4, 8))
BOARD = tuple((x, y) for y, (first, stop) in enumerate(ROWS) for x in range(first, stop))
SMALL_BOARD = ((0, 0), (1, 0), (0, 1), (1, 1))
SMALL_BOARD_OPEN = {(0, 0): 3, (1, 0): 0}  # links of a 4-chip board that lead outside (spinnaker_links, version_3.py)
PHYSICAL_CORES, RESERVED_CORES = 18, 2  # one monitor for the system, one for fast loading


def opposite(link: int) -> int:
    """The link at the other end of `link`."""
    return (link + 3) % 6


@dataclass(frozen=True, eq=False)
class Machine:
    """Chips and links. Make one with `Machine.small` or `Machine.of_boards`.

    Args:
        boards: boards that are switched on.
        width: chips in a row.
        height: chips in a column.
        wraps: whether rows and columns close into a torus.
        x: column of each chip, int ``[chips]``.
        y: row of each chip, int ``[chips]``.
        board: board of each chip, int ``[chips]``.
        cores: cores of each chip that networks may use, int ``[chips]``.
        first_core: number of the first of them, int ``[chips]``; those below are monitors.
        neighbours: chip at the end of each link, -1 where there is none, int ``[chips, 6]``.
        is_small: whether it is the board of 4 chips.

    Example:
        >>> machine = Machine.of_boards(12)
        >>> machine.width, machine.height, machine.chips, int(machine.cores.sum())
        (24, 24, 576, 9108)
    """

    boards: int
    width: int
    height: int
    wraps: bool
    x: np.ndarray
    y: np.ndarray
    board: np.ndarray
    cores: np.ndarray
    first_core: np.ndarray
    neighbours: np.ndarray
    is_small: bool = False
    _distances: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    @classmethod
    def small(cls) -> Machine:
        """The board of 4 chips, a torus of 2 x 2 but for two links."""
        return _machine(1, 2, 2, True, [(x, y, 0, (x, y)) for x, y in SMALL_BOARD], set(), small=True)

    @classmethod
    def of_boards(cls, boards: int, missing: Iterable[tuple[int, int]] = ()) -> Machine:
        """Boards of 48 chips: one alone, or a torus of at least so many in groups of three, as they are allocated.

        Args:
            boards: how many are needed.
            missing: (x, y) of chips that do not work.

        Raises:
            ConfigurationError: fewer than one board, more than exist, or missing chips that there are not.
        """
        most = int(c.MOST_BOARDS.value or 0)
        if not 1 <= boards <= most:
            raise ConfigurationError(got=f"{boards:,} boards", expected=f"1 to {most:,}, which the largest machine has",
                                     where="SpiNNaker", fix="put more neurons on a core, or make the network smaller")
        gone = set(missing)
        if boards == 1:
            return _machine(1, 8, 8, False, [(x, y, 0, (x, y)) for x, y in BOARD], gone)
        triads = ceil(boards / 3)
        across = ceil(sqrt(triads))
        up = ceil(triads / across)
        width, height = across * TRIAD, up * TRIAD
        places = [(column * TRIAD + ex, row * TRIAD + ey)
                  for row in range(up) for column in range(across) for ex, ey in ETHERNET]
        chips = [((ex + x) % width, (ey + y) % height, k, (x, y))
                 for k, (ex, ey) in enumerate(places) for x, y in BOARD]
        return _machine(len(places), width, height, True, chips, gone)

    @property
    def chips(self) -> int:
        """Number of chips."""
        return len(self.x)

    @cached_property
    def index(self) -> dict[tuple[int, int], int]:
        """Chip at (x, y)."""
        return {(int(x), int(y)): k for k, (x, y) in enumerate(zip(self.x, self.y, strict=True))}

    def vector(self, start: int, end: int) -> tuple[int, int]:
        """Columns and rows of a shortest way."""
        return min(((dx, dy) for dx in self._ways(int(self.x[end] - self.x[start]), self.width)
                    for dy in self._ways(int(self.y[end] - self.y[start]), self.height)),
                   key=lambda way: (max(abs(way[0]), abs(way[1]), abs(way[0] - way[1])), abs(way[0]), way))

    def distances(self, chip: int) -> np.ndarray:
        """Links of a shortest way from `chip` to every chip, were all chips there, int ``[chips]``."""
        if chip not in self._distances:
            best = np.full(self.chips, np.iinfo(np.int32).max)
            for dx in self._ways(self.x - self.x[chip], self.width):
                for dy in self._ways(self.y - self.y[chip], self.height):
                    links = np.maximum(np.maximum(np.abs(dx), np.abs(dy)), np.abs(dx - dy))
                    best = np.minimum(best, links)
            self._distances[chip] = best.astype(np.int32)
        return self._distances[chip]

    def path(self, start: int, end: int) -> list[tuple[int, int]] | None:
        """(link, chip it leads to) along the longest dimension first; None where a chip or link is missing.

        A way across a hexagonal mesh is a sum of two of its three axes: all steps along the longer one come first.
        """
        dx, dy = self.vector(start, end)
        middle = sorted((dx, dy, 0))[1]
        legs = [(dx - middle, 0, 3), (dy - middle, 2, 5), (-middle, 4, 1)]  # steps, link forwards, link backwards
        found, chip = [], start
        for steps, forwards, backwards in sorted(legs, key=lambda leg: -abs(leg[0])):
            link = forwards if steps > 0 else backwards
            for _ in range(abs(steps)):
                chip = int(self.neighbours[chip, link])
                if chip < 0:
                    return None
                found.append((link, chip))
        return found

    def detour(self, starts: set[int], end: int) -> list[tuple[int, int, int]] | None:
        """(chip, link, next chip) of a shortest way from any of `starts` over the links that there are, or None."""
        came: dict[int, tuple[int, int]] = {end: (-1, -1)}
        waiting = deque([end])
        while waiting:
            chip = waiting.popleft()
            if chip in starts:
                found = []
                while came[chip][0] >= 0:
                    onward, link = came[chip]
                    found.append((chip, link, onward))
                    chip = onward
                return found
            for link in range(6):  # backwards: from a chip to those whose link leads to it
                before = int(self.neighbours[chip, link])
                if before >= 0 and before not in came and self.neighbours[before, opposite(link)] == chip:
                    came[before] = (chip, opposite(link))
                    waiting.append(before)
        return None

    def _ways(self, difference, size: int):
        """A difference of coordinates, and on a torus the ways around."""
        return (difference, difference - size, difference + size) if self.wraps else (difference,)


def _machine(boards: int, width: int, height: int, wraps: bool, chips: list[tuple[int, int, int, tuple[int, int]]],
             gone: set[tuple[int, int]], small: bool = False) -> Machine:
    """From (x, y, board, place on the board) of every chip."""
    there = {(x, y) for x, y, _, _ in chips}
    if gone - there:
        raise ConfigurationError(got=f"missing chips {sorted(gone - there)}", expected="chips of the machine",
                                 where="SpiNNaker", fix=f"name chips within {width} x {height}")
    chips = [chip for chip in chips if chip[:2] not in gone]
    at = {(x, y): k for k, (x, y, _, _) in enumerate(chips)}
    neighbours = np.full((len(chips), len(LINKS)), -1, np.int32)
    for (x, y), k in at.items():
        for link, (dx, dy) in enumerate(LINKS):
            there_x, there_y = x + dx, y + dy
            if wraps:
                there_x, there_y = there_x % width, there_y % height
            if not (small and SMALL_BOARD_OPEN.get((x, y)) == link):
                neighbours[k, link] = at.get((there_x, there_y), -1)
    x_of, y_of, board_of = (np.array([chip[k] for chip in chips], np.int32) for k in range(3))
    places = [place for _, _, _, place in chips]
    physical = PHYSICAL_CORES - np.array([not small and place in c.SHORT_CHIPS for place in places], np.int32)
    # The first chip of a board, which has the Ethernet, has one more monitor: it gathers data.
    first = RESERVED_CORES + np.array([place == (0, 0) for place in places], np.int32)
    return Machine(boards, width, height, wraps, x_of, y_of, board_of, physical - first, first, neighbours, small)
