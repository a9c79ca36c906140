"""Lets these tests import what they share, and the table of neurons and NEST's network of their neighbours."""

import sys
from pathlib import Path

import jax
import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(folder) for folder in (HERE, HERE.parent / "neurons", HERE.parent / "reference")]


@pytest.fixture(params=["interpreted", pytest.param("gpu", marks=pytest.mark.gpu)])
def interpreted_or_gpu(request):
    """GPU kernels in interpret mode; in the suite for GPUs the same test runs there."""
    if request.param == "interpreted" and jax.default_backend() == "gpu":
        pytest.skip("runs as the case gpu here")
