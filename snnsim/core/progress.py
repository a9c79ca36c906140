"""Progress of long work: what is done, how fast, and what is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol


class Report(Protocol):
    """Called again and again with the share that is done and a line of text."""

    def __call__(self, done: float, text: str) -> None:
        """Show `text` with the share `done`, from 0 to 1."""


@contextmanager
def bar(title: str, *, show: bool = True) -> Iterator[Report]:
    """A progress bar on stderr with the time that is left; does nothing where `show` is False.

    Args:
        title: what is being done.
        show: whether to draw.

    Yields:
        a function ``(done, text)``, done from 0 to 1.
    """
    if not show:
        yield lambda done, text: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"),
               TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[text]}"))
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=1.0, text="")
        yield lambda done, text: progress.update(task, completed=done, text=text)


@dataclass(frozen=True)
class SimulationProgress:
    """How far a simulation is, after a chunk.

    Args:
        time: simulated so far (ms).
        duration: of the whole run (ms).
        elapsed: seconds since this run began or was resumed, compiling included.
        real_time_factor: seconds of work for one second of the network, without the first chunk, which is
            compiled first, as soon as there are others.
        began: where this run began or was resumed (ms).
    """

    time: float
    duration: float
    elapsed: float
    real_time_factor: float
    began: float = 0.0

    @property
    def fraction(self) -> float:
        """Share that is done, from 0 to 1."""
        return self.time / self.duration

    @property
    def remaining(self) -> float:
        """Estimate of the seconds that are left."""
        return self.real_time_factor * (self.duration - self.time) * 1e-3

    def __str__(self) -> str:
        return f"{self.time * 1e-3:.4g} of {self.duration * 1e-3:.4g} s, real-time factor {self.real_time_factor:.3g}"


ProgressCallback = Callable[[SimulationProgress], object]


@contextmanager
def following(progress: bool | ProgressCallback, *, duration: float, begin: float = 0.0
              ) -> Iterator[Callable[[float], None]]:
    """A function to be called with the time that is simulated (ms), after each chunk.

    Args:
        progress: True draws a bar on stderr, False shows nothing; a function is called with a `SimulationProgress`.
        duration: of the whole run (ms).
        begin: where it goes on from (ms).
    """
    started, first = time.monotonic(), None
    with bar("simulating", show=progress is True) as report:
        def simulated(now: float) -> None:
            nonlocal first
            at = time.monotonic()
            since, origin = first or (started, begin)
            found = SimulationProgress(now, duration, at - started, (at - since) / ((now - origin) * 1e-3), begin)
            first = first or (at, now)
            if callable(progress):
                progress(found)
            report(found.fraction, str(found))
        yield simulated
