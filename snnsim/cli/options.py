"""Options that several commands share, and how results are printed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

Seed = Annotated[int, typer.Option("--seed", min=0, max=2**31 - 1, help="Seed of everything that is drawn.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for the results; it must be new or empty.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Data = Annotated[str | None, typer.Option("--data", help="Folder of the data; by default looked for in $SNNSIM_DATA.")]
Targets = Annotated[str, typer.Option("--targets", help="Hardware targets, separated by commas.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run in --out.")]

DEFAULT_TARGETS = "spinnaker,loihi,cpu,gpu,arithmetic"


def show(result: dict[str, Any], as_json: bool, text: str) -> None:
    """Print a result on stdout: as one JSON object, or as text."""
    print(json.dumps(result, sort_keys=True) if as_json else text)


def interactive() -> bool:
    """Whether to draw progress: stderr is a terminal."""
    return sys.stderr.isatty()


def split(names: str) -> list[str]:
    """Names separated by commas."""
    return [name.strip() for name in names.split(",") if name.strip()]
