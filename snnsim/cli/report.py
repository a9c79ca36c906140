"""`snnsim report`: count and price a trained run or a network file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snnsim.cli.options import DEFAULT_TARGETS, AsJson, Data, Seed, Targets, split


def command(
    source: Annotated[Path, typer.Argument(help="Folder of a run, network file (.h5) or NIR graph (.nir).")],
    targets: Targets = DEFAULT_TARGETS,
    out: Annotated[Path | None, typer.Option("--out", help="HTML file to write.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="CSV file to write: one row a term.")] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="Markdown file to write.")] = None,
    data: Data = None,
    rate: Annotated[float, typer.Option(min=0.0, help="Files only: Poisson input (spikes/s per unit).")] = 20.0,
    duration: Annotated[float, typer.Option(min=0.0, help="Files only: length of the run (ms).")] = 1000.0,
    dt: Annotated[float, typer.Option(min=0.0, help="Files only: step (ms).")] = 1.0,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Print what a network does and what it costs on hardware; every constant with its source."""
    import json

    from snnsim.cli.priced import report_of_file, report_of_run
    from snnsim.hardware import targets as known
    from snnsim.io.atomic import require_new_file

    known(*split(targets))
    for path in (out, csv, markdown):
        if path is not None:
            require_new_file(path)
    if source.is_dir():
        report = report_of_run(source, split(targets), data=data)
    else:
        report = report_of_file(source, split(targets), rate=rate, duration=duration, dt=dt, seed=seed)
    for path, write in ((out, report.to_html), (csv, report.to_csv), (markdown, report.to_markdown)):
        if path is not None:
            write(path)
    if as_json:
        print(json.dumps(report.to_dict(), sort_keys=True))
    else:
        report.print()
