"""What all tests share: strict promotion, double precision on request, the folder of reference data, and benchmarks."""

import os
import sys
from pathlib import Path

import jax
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
# Peers are built once: what compares speed with them also serves the tests that compare results.
sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))


def pytest_runtest_setup(item):
    """What is marked `gpu` needs one: ``pytest -m gpu`` is the suite for a machine that has it."""
    if item.get_closest_marker("gpu") and jax.default_backend() != "gpu":
        pytest.skip(f"needs a GPU, and JAX runs on {jax.default_backend()} here")


@pytest.fixture
def x64():
    """Run a test in double precision."""
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="session")
def data_folder():
    """``data_folder("nest")``: a folder of reference data below $SNNSIM_DATA; skips where it is absent."""
    def find(name: str) -> Path:
        folder = Path(os.environ.get("SNNSIM_DATA", "data")) / name
        if not folder.is_dir():
            pytest.skip(f"the reference data {name!r} are not there: set SNNSIM_DATA to the folder that holds them")
        return folder
    return find
