"""Options that several commands share, and how results are printed."""

from __future__ import annotations

import json
import os
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



def _join(distributed: bool) -> bool:
    """Join the other processes while options are read: before anything asks JAX for devices."""
    if distributed:
        from snnsim.core.processes import join_processes

        join_processes()
        # Libraries that connect processes say so on stdout, where results go: theirs goes to stderr from here on.
        sys.stdout = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)
    return distributed


Devices = Annotated[int | None, typer.Option("--devices", min=1, help="Devices that share the network, such as 2 GPUs. "
                                             "By default one; all there are with --distributed.")]
Distributed = Annotated[bool, typer.Option("--distributed", callback=_join, help="This is one of several processes, "
                                           "started by SLURM, MPI or by hand; the first one prints and writes.")]

DEFAULT_TARGETS = "spinnaker,loihi,cpu,gpu,arithmetic"


def show(result: dict[str, Any], as_json: bool, text: str) -> None:
    """Print a result on stdout: as one JSON object, or as text."""
    print(json.dumps(result, sort_keys=True) if as_json else text)


def interactive() -> bool:
    """Whether to draw progress: stderr is a terminal."""
    return sys.stderr.isatty()


def devices_of(devices: int | None) -> int | None:
    """Number of devices; with several processes all there are, unless told otherwise."""
    import jax

    return jax.device_count() if devices is None and jax.process_count() > 1 else devices


def split(names: str) -> list[str]:
    """Names separated by commas."""
    return [name.strip() for name in names.split(",") if name.strip()]
