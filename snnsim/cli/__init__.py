"""The command line: one file a command, each parses, calls and prints."""

from __future__ import annotations

import sys

import typer

from snnsim.cli import bench, convert, data, describe, evaluate, models, quickstart, report, simulate, train
from snnsim.core.errors import SnnsimError

app = typer.Typer(name="snnsim", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  help="Spiking networks from data to a priced report. Progress on stderr, results on stdout.")
app.command("quickstart")(quickstart.command)
app.command("train")(train.command)
app.command("evaluate")(evaluate.command)
app.add_typer(simulate.app, name="simulate")
app.command("report")(report.command)
app.add_typer(data.app, name="data")
app.command("convert")(convert.command)
app.command("models")(models.command)
app.command("describe")(describe.command)
app.command("bench")(bench.command)


def main() -> None:
    """Entry point: exit code 0 when done, 1 when it failed with one clear line, 2 for wrong usage."""
    try:
        app()
    except SnnsimError as error:
        sys.exit(_failed(str(error)))
    except SystemExit as stop:
        if stop.code == 130:  # what typer makes of Ctrl-C
            sys.exit(_failed("interrupted; what was finished is kept, and a run with --out goes on with --resume"))
        raise
    except OSError as error:
        sys.exit(_failed(f"{error.filename or 'a file'}: {error.strerror or error}"))


def _failed(text: str) -> int:
    print(f"snnsim: {text}", file=sys.stderr)
    return 1
