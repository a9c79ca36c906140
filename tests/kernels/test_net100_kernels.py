"""The network of NEST's reference file on the kernels of flat networks: every spike at the same step."""

import jax
import numpy as np
import pytest
from flat_networks import KERNELS
from test_nest_net100 import nest as nest  # the fixture
from test_nest_net100 import network, run

import snnsim as sn
from snnsim.core import flat_kernels
from snnsim.kernels import native


def flat(nest):
    """The same network with its drive as a list of synapses, one a cell, so that all of it is event driven."""
    layered = network(nest)
    own = np.arange(100)
    drive = sn.Projection("input", "cells", sn.Sparse.from_edges(own, own, nest.p["input_weight"] * 1e-3),
                          delay=nest.p["input_delay"], port="exc")
    return sn.Network(layered.populations, {**layered.projections, "drive": drive}, key=jax.random.key(0))


@pytest.mark.parametrize("kernel", ["compiled", "stepwise"])
def test_every_spike_of_nest(kernel, nest, monkeypatch, x64):
    if kernel == "compiled" and not native.available("propagate"):
        pytest.skip("no C++ compiler")
    monkeypatch.setattr(flat_kernels, "UNROLL", 1)
    monkeypatch.setitem(flat_kernels.KERNELS, "cpu", (KERNELS[kernel],))
    jax.clear_caches()  # what was compiled for the other kernel
    spikes, v, rec = run(flat(nest), nest, 500.0)
    assert rec.path == f"flat, {KERNELS[kernel].name}"
    assert len(nest.spikes) == 1587
    np.testing.assert_array_equal(spikes, nest.spikes)
    assert np.abs(v[:len(nest.v)] - nest.v).max() < 1e-11
