"""`snnsim quickstart`: from data to a priced report in one command, without any download."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snnsim.cli.options import DEFAULT_TARGETS, AsJson, Seed, Targets, interactive, show, split


def command(
    out: Annotated[Path, typer.Option("--out", help="Folder for the results; it must be new or empty.")] = Path("out"),
    seed: Seed = 0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    targets: Targets = DEFAULT_TARGETS,
    as_json: AsJson = False,
) -> None:
    """Train a spiking network on event-digits, test it, count its work, price it, and write report.html."""
    from snnsim.cli.priced import quickstart
    from snnsim.hardware import targets as hardware_targets

    hardware_targets(*split(targets))  # a wrong name is found before the training
    summary = quickstart(out, seed=seed, epochs=epochs, targets=split(targets), progress=interactive())
    text = (f"test accuracy {summary['test']['accuracy']:.2%} after {summary['epochs']} epochs; "
            f"open {out / 'report.html'}")
    show(summary, as_json, text)
