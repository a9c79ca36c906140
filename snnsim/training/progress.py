"""Progress of long work on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Report(Protocol):
    """Called after each batch and each epoch with the share that is done and a line of text."""

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
