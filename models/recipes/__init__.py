"""Recipes by name: what `snnsim train NAME` runs."""

from snnsim.core.errors import ConfigurationError
from snnsim.models.recipes import event_digits, nmnist_conv, shd_recurrent
from snnsim.models.recipes.recipe import Recipe as Recipe

RECIPES = {recipe.RECIPE.name: recipe.RECIPE for recipe in (event_digits, nmnist_conv, shd_recurrent)}


def recipe(name: str) -> Recipe:
    """The recipe of this name.

    Args:
        name: such as "nmnist-conv".

    Raises:
        ConfigurationError: a name that is not known.
    """
    if name not in RECIPES:
        raise ConfigurationError(got=f"recipe {name!r}", expected=f"one of {', '.join(RECIPES)}", where="recipes",
                                 fix="choose one of these; `snnsim models` lists them")
    return RECIPES[name]
