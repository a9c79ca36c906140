"""Whole chunks in one C++ loop equal the same steps by XLA, for every neuron and every kind of wiring."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flat_networks import KEY, assert_agree, drawn, everything, family_network, given, run, sparse
from test_family import FAMILY

import snnsim as sn
from snnsim import neurons
from snnsim.core import flat_kernels
from snnsim.core.flat import flatten
from snnsim.kernels import native

pytestmark = pytest.mark.skipif(not native.available("propagate"), reason="no C++ compiler")


@pytest.fixture(autouse=True)
def _short_compilation(monkeypatch):
    """One step a turn of XLA's loop: the same steps, compiled sooner."""
    monkeypatch.setattr(flat_kernels, "UNROLL", 1)


def agree(network, *, rtol, dt=0.1, steps=200, batch=1, record=None, inputs=None, **options):
    """Both kernels on this network; what the compiled one gave."""
    record = everything(network) if record is None else record
    inputs = given(network, steps, batch) if inputs is None else inputs
    found = {kernel: run(kernel, network, inputs, record, dt=dt, steps=steps, batch=batch)
             for kernel in ("compiled", "stepwise")}
    assert_agree(network, found["compiled"], found["stepwise"], rtol=rtol, **options)
    return found["compiled"]


def test_every_neuron_in_double_precision(x64):
    """200 steps of three samples, delays of up to 300 steps: spikes equal, all else to 1e-10."""
    network = family_network(FAMILY, most_delay=30.0)
    assert flatten(network, 0.1).rows.delays.dtype == np.uint16
    agree(network, rtol=1e-10, batch=3, quiet=("AstrocyteLR",))


def test_every_neuron_in_single_precision():
    """Spikes equal; variables to 1e-4 in the first 50 steps, before stiff neurons amplify the last bit."""
    network = family_network(FAMILY)
    assert flatten(network, 0.1).rows.delays.dtype == np.uint8
    agree(network, rtol=1e-4, steps=50, quiet=("AstrocyteLR",))
