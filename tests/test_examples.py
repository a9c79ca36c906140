"""The numbered examples run from start to end, in a folder of their own, and say something."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import snnsim

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(FOLDER.glob("[0-9]*.py"))
QUICK = {"01_first_spikes", "03_your_own_neuron"}  # the others may take more than 10 s on two cores

if not EXAMPLES:
    pytest.skip("the examples are not beside the tests", allow_module_level=True)


@pytest.mark.parametrize(
    "path", [pytest.param(p, id=p.stem, marks=[] if p.stem in QUICK else pytest.mark.slow) for p in EXAMPLES])
def test_example_runs(path, tmp_path):
    here = str(Path(snnsim.__file__).resolve().parents[1])  # the snnsim that is tested, wherever it lies
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": here}
    done = subprocess.run([sys.executable, path], cwd=tmp_path, env=environment, capture_output=True, text=True,
                          check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_tour_names_every_example():
    tour = (FOLDER / "README.md").read_text()
    assert [path.name for path in EXAMPLES if path.name not in tour] == []
