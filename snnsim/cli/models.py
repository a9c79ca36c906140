"""`snnsim models`: list the recipes."""

from __future__ import annotations

from snnsim.cli.options import AsJson, show


def command(as_json: AsJson = False) -> None:
    """List what `snnsim train` can run."""
    from snnsim.models.recipes import RECIPES

    result = {name: {"summary": recipe.summary, "data": recipe.data, "epochs": recipe.epochs, "dt": recipe.dt,
                     "reference": recipe.reference} for name, recipe in RECIPES.items()}
    text = "\n".join(f"{name}\n    {found['summary']}\n    data: {found['data']}; {found['reference']}"
                     for name, found in result.items())
    show(result, as_json, text)
