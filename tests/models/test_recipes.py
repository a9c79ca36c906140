"""Recipes: they build, they can be run on real data, and runs can be opened again."""

import json
from dataclasses import replace

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError, DataError, FileFormatError
from snnsim.models.recipes import RECIPES, recipe
from snnsim.models.recipes.run import cross_validate, open_run, prepared, run, score_on, train_on


def few(name, shape, n=80, duration=100.0):
    """Random recordings of the shape that a recipe expects after preparation."""
    rng = np.random.default_rng(0)
    units = int(np.prod(shape))
    events = [sn.Events.from_times(np.sort(rng.uniform(0, duration, 200)), rng.integers(0, units, 200), shape=shape)
              for _ in range(n)]
    return sn.LabelledEvents(sn.Events.concatenate(events), np.arange(n) % 10, tuple("0123456789"), name=name)


SHAPES = {"event-digits": (2, 16, 16), "nmnist-conv": (2, 34, 34), "shd-recurrent": (140,)}


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_takes_an_epoch(name):
    chosen = replace(recipe(name), epochs=1, batch_size=16, validation=0.2)
    data = few(name, SHAPES[name])
    network, history = train_on(chosen, data, seed=0)
    assert np.isfinite(history[0]["train_loss"])
    assert score_on(chosen, network, data).n == 80
    kinds = {info["group"] for info in sn.core.parameters.parameter_table(network).values() if info["trainable"]}
    assert kinds >= {"weight", "neuron"}


def test_names_in_the_table_are_those_of_the_recipes():
    assert all(name == made.name for name, made in RECIPES.items())
    with pytest.raises(ConfigurationError, match="nmnist-conv"):
        recipe("nmnist")


def test_a_run_is_kept_whole_and_opens_again(tmp_path):
    summary = run("event-digits", data=None, out=tmp_path / "run", seed=1, epochs=2)
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"checkpoint.h5", "metrics.jsonl", "network.h5", "run.json", "training.png", "confusion.png"}
    assert json.loads((tmp_path / "run" / "run.json").read_text()) == json.loads(json.dumps(summary))
    chosen, network, test = open_run(tmp_path / "run")
    assert score_on(chosen, network, test).accuracy == summary["test"]["accuracy"] > 0.5


def test_cross_validation_tests_every_recording_once(tmp_path):
    summary = cross_validate("event-digits", data=None, out=tmp_path / "cv", seed=0, folds=2, epochs=1)
    assert summary["samples"] == 1797
    assert len(summary["accuracies"]) == 2
    assert summary["accuracy"] == pytest.approx(np.mean(summary["accuracies"]))


def test_missing_runs_and_data_are_named(tmp_path):
    with pytest.raises(FileFormatError, match="finish"):
        open_run(tmp_path)
    with pytest.raises(DataError, match="nowhere"):
        prepared(recipe("nmnist-conv"), str(tmp_path / "nowhere"))


def test_the_seed_draws_the_network():
    data = few("shd-recurrent", (140,))
    first, again, other = (recipe("shd-recurrent").network(data, jax.random.key(seed)) for seed in (0, 0, 1))
    assert bool((first["hidden_hidden"].delay.value == again["hidden_hidden"].delay.value).all())
    assert not bool((first["hidden_hidden"].delay.value == other["hidden_hidden"].delay.value).all())
    delays = first["hidden_hidden"].delay.value
    assert 10.0 <= float(delays.min()) <= float(delays.max()) <= 200.0
