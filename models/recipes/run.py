"""Running a recipe: train, test, keep. What `snnsim train`, `snnsim evaluate` and `snnsim quickstart` call."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from snnsim.core.dataset import LabelledEvents
from snnsim.core.errors import FileFormatError
from snnsim.core.events import Events
from snnsim.core.network import Network
from snnsim.datasets import load_recordings
from snnsim.io.atomic import write_text
from snnsim.io.hdf5 import load, save
from snnsim.io.snapshot import versions
from snnsim.models.recipes import recipe as recipe_of
from snnsim.models.recipes.recipe import Recipe
from snnsim.training.evaluate import Score, evaluate
from snnsim.training.fit import History, fit

NETWORK, RUN = "network.h5", "run.json"


def prepared(recipe: Recipe, folder: str | None) -> tuple[LabelledEvents, LabelledEvents]:
    """(training, test) recordings of a recipe, from a folder or from where data are looked for."""
    train, test = load_recordings(recipe.data if folder is None else folder)
    return recipe.prepare(train), recipe.prepare(test)


def train_on(recipe: Recipe, data: LabelledEvents, *, seed: int, out: Path | None = None, resume: bool = False,
             progress: bool = False) -> tuple[Network, History]:
    """Train a recipe's network on prepared recordings; arguments as `fit`."""
    network = recipe.network(data, jax.random.key(seed))
    held = round(recipe.validation * len(data))
    updates = max(1, (len(data) - held) // recipe.batch_size) * recipe.epochs
    return fit(network, data, validation=recipe.validation, epochs=recipe.epochs, batch_size=recipe.batch_size,
               dt=recipe.dt, duration=recipe.duration, loss=recipe.loss, regularisers=recipe.regularisers,
               optimizer=recipe.optimizer(network, updates), augment=recipe.augment, seed=seed, out=out, resume=resume,
               progress=progress, settings={"recipe": recipe.name, "data": data.name})


def score_on(recipe: Recipe, network: Network, data: LabelledEvents) -> Score:
    """Test a network as its recipe says."""
    return evaluate(network, data, dt=recipe.dt, duration=recipe.duration, loss=recipe.loss)


def run(name: str, *, data: str | None, out: str | Path, seed: int, epochs: int | None = None, resume: bool = False,
        progress: bool = False) -> dict[str, Any]:
    """Train a recipe, test the network of its last epoch once, and keep everything in a folder.

    Args:
        name: the recipe.
        data: folder of the data; None looks for the recipe's own data set.
        out: folder for ``network.h5``, ``run.json``, ``metrics.jsonl``, ``checkpoint.h5`` and pictures.
        seed: of everything that is drawn.
        epochs: instead of the recipe's.
        resume: go on with an interrupted run in `out`.
        progress: draw a progress bar.

    Returns:
        The summary that ``run.json`` holds.
    """
    recipe = _lasting(name, epochs)
    train, test = prepared(recipe, data)
    out = Path(out)
    network, history = train_on(recipe, train, seed=seed, out=out, resume=resume, progress=progress)
    score = score_on(recipe, network, test)
    save(network, out / NETWORK, overwrite=resume)
    _pictures(out, recipe, history, score, test.classes, overwrite=resume)
    summary = {"recipe": name, "data": data or recipe.data, "seed": seed, "epochs": recipe.epochs, "dt": recipe.dt,
               "duration": recipe.duration, "training_samples": len(train), "last_epoch": history[-1],
               "test": score_summary(score), "versions": versions()}
    _write_json(out / RUN, summary, resume)
    return summary


def cross_validate(name: str, *, data: str | None, out: str | Path, seed: int, folds: int, epochs: int | None = None,
                   resume: bool = False, progress: bool = False) -> dict[str, Any]:
    """k-fold cross-validation over training and test recordings together; one sub-folder a fold.

    Returns:
        A summary with the accuracy of each fold at its last epoch, their mean and standard deviation.
    """
    recipe = _lasting(name, epochs)
    parts = prepared(recipe, data)
    everything = LabelledEvents(Events.concatenate([part.events for part in parts]),
                                np.concatenate([part.labels for part in parts]), parts[0].classes, None, parts[0].name)
    accuracies = []
    for i, (train, test) in enumerate(everything.folds(folds, seed=seed)):
        network, _ = train_on(recipe, train, seed=seed + i, out=Path(out) / f"fold{i}", resume=resume,
                              progress=progress)
        accuracies.append(score_on(recipe, network, test).accuracy)
    summary = {"recipe": name, "data": data or recipe.data, "seed": seed, "epochs": recipe.epochs, "folds": folds,
               "samples": len(everything), "accuracies": accuracies, "accuracy": float(np.mean(accuracies)),
               "standard_deviation": float(np.std(accuracies, ddof=1)), "versions": versions()}
    _write_json(Path(out) / "folds.json", summary, resume)
    return summary


def open_run(folder: str | Path, data: str | None = None) -> tuple[Recipe, Network, LabelledEvents]:
    """(recipe, trained network, test recordings) of a finished run.

    Raises:
        FileFormatError: no finished run in this folder.
    """
    path = Path(folder) / RUN
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        name, kept = summary["recipe"], summary["data"]
    except (OSError, ValueError, KeyError, TypeError):
        raise FileFormatError(got=f"no finished run ({RUN})", expected="a folder that `snnsim train` wrote",
                              where=str(folder), fix="check the path, or finish the run with --resume") from None
    recipe = recipe_of(name)
    _, test = prepared(recipe, data or kept)
    return recipe, load(Path(folder) / NETWORK), test


def score_summary(score: Score) -> dict[str, Any]:
    """A score as plain numbers."""
    return {"accuracy": score.accuracy, "standard_error": score.standard_error, "loss": score.loss, "samples": score.n,
            "spikes_per_sample": score.spikes}


def _lasting(name: str, epochs: int | None) -> Recipe:
    """The recipe of this name, with other epochs where they are given."""
    return recipe_of(name) if epochs is None else replace(recipe_of(name), epochs=epochs)


def _write_json(path: Path, summary: dict[str, Any], overwrite: bool) -> None:
    write_text(path, json.dumps(summary, indent=1, sort_keys=True) + "\n", overwrite=overwrite)


def _pictures(out: Path, recipe: Recipe, history: History, score: Score, classes: tuple[str, ...],
              overwrite: bool) -> None:
    from snnsim.plotting import confusion, save, training_curves

    save(training_curves(history, title=recipe.name), out / "training.png", overwrite=overwrite)
    save(confusion(score.confusion, classes, title=f"{recipe.name}, test set"), out / "confusion.png",
         overwrite=overwrite)
