"""`snnsim evaluate`: test a trained run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snnsim.cli.options import AsJson, Data, show


def command(
    run: Annotated[Path, typer.Argument(help="Folder that `snnsim train` wrote.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Test the network of a run on its test recordings."""
    from snnsim.models.recipes.run import open_run, score_on, score_summary

    summary = score_summary(score_on(*open_run(run, data)))
    text = (f"accuracy {summary['accuracy']:.2%} (standard error {summary['standard_error']:.2%}, "
            f"{summary['samples']} samples)")
    show(summary, as_json, text)
