"""Published NIR graphs with the outputs that other simulators published for them."""

import h5py
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError, FileFormatError
from snnsim.io import from_nir, to_nir

DT = 0.1  # ms


@pytest.fixture
def folder(data_folder):
    return data_folder("nir")


def lif(folder, truth, **choices):
    """(spikes, membrane, published table of input, membrane, spikes)."""
    table = np.loadtxt(folder / "lif" / truth, delimiter=",")
    network = from_nir(folder / "lif" / "lif_norse.nir", **choices)
    rec = sn.simulate(network, {"input": table[:, 0].reshape(-1, 1, 1)}, duration=len(table) * DT, dt=DT,
                      record={"n1": ["spikes", "v"]})
    return np.asarray(rec["n1", "spikes"])[:, 0, 0], np.asarray(rec["n1", "v"])[:, 0, 0], table


def test_lif_as_norse_integrates(folder):
    spikes, v, table = lif(folder, "lif_norse.csv", method="euler", reset_mechanism="zero")
    np.testing.assert_allclose(v, table[:, 1], rtol=0, atol=1e-7)
    np.testing.assert_array_equal(spikes, table[:, 2])
    assert np.flatnonzero(spikes).tolist() == [460, 510, 710, 760]


def test_lif_exact(folder):
    spikes, v, table = lif(folder, "lif_exact.csv", method="exact", reset_mechanism="subtract")
    np.testing.assert_array_equal(spikes, table[:, 2])
    # The truth resets in the middle of a step, we at its end.
    np.testing.assert_allclose(v, table[:, 1], rtol=0, atol=7e-4)


def braille(network, folder, population):
    given = np.load(folder / "rnn" / "braille_test0_input_recovered.npy").astype(np.float32)[:, None]
    rec = sn.simulate(network, {"input": given}, duration=25.6, dt=DT, record={population: ["spikes"]})
    return np.asarray(rec[population, "spikes"])[:, 0]


@pytest.fixture
def published(folder):
    return np.load(folder / "rnn" / "snntorch_activity_noDelay_bias_zero.npy")


def test_braille_recurrent(folder, published, tmp_path):
    network = from_nir(folder / "rnn" / "braille_noDelay_bias_zero.nir", dt=DT, method="discrete")
    spikes = braille(network, folder, "lif1_lif")
    assert published.sum() == 119
    assert (spikes != published).sum() == 0
    to_nir(network, tmp_path / "again.nir", dt=DT)
    np.testing.assert_array_equal(braille(from_nir(tmp_path / "again.nir"), folder, "lif1_lif"), published)


def test_braille_as_subgraph(folder, published, tmp_path):
    """The published file names its inner neuron 'lif1' where the edges say 'lif'; put right, it is the same."""
    source = folder / "rnn" / "braille_noDelay_bias_zero_subgraph.nir"
    with pytest.raises(FileFormatError, match=r"graph 'lif1'.*'lif'.*rename a node to 'lif'"):
        from_nir(source, dt=DT)
    path = tmp_path / "fixed.nir"
    path.write_bytes(source.read_bytes())
    with h5py.File(path, "r+") as file:
        file.move("node/nodes/lif1/nodes/lif1", "node/nodes/lif1/nodes/lif")
    network = from_nir(path, dt=DT, method="discrete")
    np.testing.assert_array_equal(braille(network, folder, "lif1_lif"), published)


def test_files_that_the_nir_package_refuses(folder):
    network = from_nir(folder / "rockpool_braille.nir", dt=DT)
    assert {name: cell.shape for name, cell in network.populations.items()} == {
        "input": (12,), "hidden_lif": (38,), "lif2": (7,)}
    assert network["hidden_lin"].pre == network["hidden_lin"].post == "hidden_lif"
    assert from_nir(folder / "lif" / "lif_rockpool.nir").sinks == ("n1_LIFNeuronTorch",)


def test_a_synaptic_current_needs_a_step(folder):
    with pytest.raises(ConfigurationError, match="pass dt"):
        from_nir(folder / "rnn" / "braille_noDelay_bias_zero.nir")
    with pytest.raises(ConfigurationError, match="shorter"):
        from_nir(folder / "rnn" / "braille_noDelay_bias_zero.nir", dt=1.0, method="discrete")


def test_seconds_and_milliseconds(folder):
    tau = from_nir(folder / "lif" / "lif_norse.nir")["n1"].tau_mem
    assert float(tau[0]) == 2.5
    with pytest.raises(ConfigurationError, match="time_unit"):
        from_nir(folder / "lif" / "lif_norse.nir", time_unit="h")
