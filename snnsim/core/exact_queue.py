"""A priority queue of arrivals under way: sheaves of equal length in time, drawn in order."""

from __future__ import annotations

from collections import defaultdict
from heapq import heappop, heappush
from itertools import pairwise

import numpy as np

from snnsim.core.exact_synapses import Arrivals


class ArrivalQueue:
    """Arrivals by window of time and target population; window w holds the instants from w * width + 1 on.

    A window is not longer than the shortest delay that leads back, so that nothing that happens in a window can reach
    the same window again: all units go through it independently, each by its own arrivals in order. A heap holds the
    windows that have arrivals; empty time costs nothing.

    Args:
        width: ticks of a window.

    References:
        Brown 1988, Commun. ACM 31:1220 (calendar queues); Morrison et al. 2007, Neural Comput. 19:47 (exact spike
        times between exchanges at the shortest delay).
    """

    def __init__(self, width: int):
        self.width = width
        self._windows: list[int] = []
        self._parts: dict[int, dict[str, list[Arrivals]]] = {}
        self._late: dict[str, list[Arrivals]] = defaultdict(list)

    def window(self, time: int) -> int:
        """The window that holds an instant (ticks)."""
        return (time - 1) // self.width

    def add(self, post: str, arrivals: Arrivals) -> None:
        """Put arrivals at `post` where they are due."""
        if not len(arrivals.times):
            return
        windows = (arrivals.times - 1) // self.width
        first = int(windows[0])
        if (windows == first).all():
            self._part(first, post).append(arrivals)
            return
        order = np.argsort(windows, kind="stable")
        windows, arrivals = windows[order], arrivals.select(order)
        edges = [0, *(np.flatnonzero(np.diff(windows)) + 1).tolist(), len(windows)]
        for low, high in pairwise(edges):
            self._part(int(windows[low]), post).append(arrivals.select(slice(low, high)))

    def take(self, window: int, post: str, stop: int) -> Arrivals:
        """Arrivals at `post` in a window; those after the tick `stop` are put aside, to be found by `rest`."""
        arrivals = Arrivals.joined(self._parts.get(window, {}).pop(post, []))
        late = arrivals.times > stop
        if late.any():
            self._late[post].append(arrivals.select(late))
            return arrivals.select(~late)
        return arrivals

    def next_window(self) -> int | None:
        """The first window that holds arrivals."""
        while self._windows and self._windows[0] not in self._parts:
            heappop(self._windows)
        return self._windows[0] if self._windows else None

    def close(self, window: int) -> None:
        """Forget a window that has been gone through."""
        self._parts.pop(window, None)

    def rest(self) -> dict[str, Arrivals]:
        """All that is still under way, by target."""
        found: dict[str, list[Arrivals]] = defaultdict(list, self._late)
        for window in sorted(self._parts):
            for post, parts in self._parts[window].items():
                found[post] = found[post] + parts
        return {post: Arrivals.joined(parts) for post, parts in found.items()}

    def _part(self, window: int, post: str) -> list[Arrivals]:
        if window not in self._parts:
            self._parts[window] = defaultdict(list)
            heappush(self._windows, window)
        return self._parts[window][post]
