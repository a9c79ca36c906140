"""`snnsim bench`: run a benchmark of a checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from snnsim.core.errors import ConfigurationError


def command(
    name: Annotated[str, typer.Argument(help="A file of benchmarks/ without its ending.")] = "train_layer",
    arguments: Annotated[list[str] | None, typer.Argument(help="Passed on to the benchmark.")] = None,
) -> None:
    """Run a benchmark; it prints one JSON line a measurement."""
    import snnsim

    folder = Path(snnsim.__file__).parents[1] / "benchmarks"
    known = sorted(path.stem for path in folder.glob("*.py") if path.stem not in ("harness", "__init__"))
    if name not in known:
        raise ConfigurationError(got=f"benchmark {name!r} in {folder}",
                                 expected=f"one of {', '.join(known) or 'none here'}",
                                 where="bench", fix="run it in a checkout of the project, where benchmarks/ lies")
    done = subprocess.run([sys.executable, str(folder / f"{name}.py"), *(arguments or [])], check=False)
    raise typer.Exit(min(done.returncode, 1))
