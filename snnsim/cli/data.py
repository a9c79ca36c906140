"""`snnsim data`: fetch official data sets, look into recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snnsim.cli.options import AsJson, interactive, show

app = typer.Typer(help="Fetch official data sets and look into recordings.", no_args_is_help=True)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="shd, ssc or nmnist.")],
    out: Annotated[Path | None, typer.Option("--out", help="Folder; by default where data are looked for.")] = None,
    accept_unverified: Annotated[bool, typer.Option(help="Take files for which no checksum is known.")] = False,
) -> None:
    """Download a data set with checksums; an interrupted download goes on where it stopped."""
    from snnsim.core.progress import bar
    from snnsim.datasets import fetch as fetch_files

    with bar(f"fetching {name}", show=interactive()) as report:
        folder = fetch_files(name, out, accept_unverified=accept_unverified,
                             progress=lambda file, here, total: report(here / total if total else 0.0, file))
    print(folder)


@app.command()
def info(
    folder: Annotated[str, typer.Argument(help="Folder of recordings, or the name of a data set.")],
    as_json: AsJson = False,
) -> None:
    """Print what a folder of recordings holds."""
    from snnsim.datasets import load_recordings

    result = {}
    for part, data in zip(("training", "test"), load_recordings(folder), strict=True):
        result[part] = {"samples": len(data), "classes": len(data.classes), "shape": list(data.events.shape),
                        "events": data.events.n_events, "longest_ms": data.events.duration}
    text = "\n".join(f"{part}: " + ", ".join(f"{key} {value}" for key, value in found.items())
                     for part, found in result.items())
    show(result, as_json, text)
