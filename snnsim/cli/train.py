"""`snnsim train`: run a recipe."""

from __future__ import annotations

from typing import Annotated

import typer

from snnsim.cli.options import AsJson, Data, Out, Resume, Seed, interactive, show


def command(
    recipe: Annotated[str, typer.Argument(help="Name of the recipe; `snnsim models` lists them.")],
    out: Out,
    data: Data = None,
    seed: Seed = 0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    folds: Annotated[int, typer.Option(min=0, help="k-fold cross-validation over all recordings; 0: given split.")] = 0,
    resume: Resume = False,
    as_json: AsJson = False,
) -> None:
    """Train a recipe's network, test it once at the last epoch, keep network, metrics and pictures."""
    from snnsim.models.recipes.run import cross_validate, run

    options = dict(data=data, out=out, seed=seed, epochs=epochs, resume=resume, progress=interactive())
    if folds:
        summary = cross_validate(recipe, folds=folds, **options)
        text = (f"{recipe}: {summary['accuracy']:.2%} in mean over {folds} folds "
                f"(standard deviation {summary['standard_deviation']:.2%}), last epoch")
    else:
        summary = run(recipe, **options)
        test = summary["test"]
        text = (f"{recipe}: test accuracy {test['accuracy']:.2%} (standard error {test['standard_error']:.2%}, "
                f"{test['samples']} samples, last epoch {summary['epochs']}); results in {out}")
    show(summary, as_json, text)
