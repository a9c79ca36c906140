"""Real recordings: short trainings that would not reach their accuracy if anything on the way were wrong."""

from dataclasses import replace

import pytest

from snnsim.models.recipes import recipe
from snnsim.models.recipes.run import prepared, score_on, train_on


@pytest.mark.slow
@pytest.mark.parametrize(("name", "folder", "epochs", "least"), [
    ("nmnist-conv", "nmnist", 6, 0.85),      # 30 epochs: see CHANGELOG, Numbers
    ("shd-recurrent", "fsdd_cochlea", 5, 0.60),
])
def test_recipe_on_real_recordings(name, folder, epochs, least, data_folder):
    chosen = replace(recipe(name), epochs=epochs)
    train, test = prepared(chosen, str(data_folder(folder)))
    network, _ = train_on(chosen, train, seed=0)
    assert score_on(chosen, network, test).accuracy > least
