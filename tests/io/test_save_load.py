"""Networks survive the file unchanged; equal networks give equal bytes; a crash leaves what was there."""

import hashlib
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import equinox as eqx
import io_networks as nets
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError, FileFormatError, OutputExistsError, UnsupportedError
from snnsim.core.synapse import StaticSynapse
from snnsim.io import load, read_arrays, registry, save, write_arrays


def same(a, b):
    """Equal type by type, bit by bit, NaN included."""
    if jax.tree.structure(a) != jax.tree.structure(b):
        return False
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(type(x) is type(y) and x.dtype == y.dtype and x.tobytes() == y.tobytes() if eqx.is_array(x) else x == y
               for x, y in pairs)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", nets.NEURONS)
def test_every_neuron(name, tmp_path):
    network = nets.of_neuron(nets.NEURONS[name]())
    save(network, tmp_path / "net.h5")
    assert same(network, load(tmp_path / "net.h5"))


@pytest.mark.parametrize("name", nets.CONNECTIONS)
def test_every_connection(name, tmp_path):
    network = nets.of_connection(name)
    save(network, tmp_path / "net.h5")
    assert same(network, load(tmp_path / "net.h5"))


@pytest.mark.parametrize("delay", [3.0, sn.Delay(1.4, "nearest"), np.ones((3, 4)), np.arange(3.0)])
def test_every_delay(delay, tmp_path):
    network = nets.of_connection("dense", delay=delay if isinstance(delay, float | sn.Delay) else sn.Delay(delay))
    save(network, tmp_path / "net.h5")
    assert same(network, load(tmp_path / "net.h5"))


def test_no_class_of_the_library_is_forgotten():
    known = {"Network", "Projection", "Input", "Delay", "StaticSynapse", "LIF", "Refractory", "Dense", "Chain",
             "Triangle"}
    assert known <= set(registry())
    assert not any(name.startswith("Abstract") for name in registry())


def test_a_rich_network_simulates_the_same(tmp_path):
    network = nets.rich()
    save(network, tmp_path / "net.h5")
    again = load(tmp_path / "net.h5")
    assert same(network, again)
    assert list(again.projections) == list(network.projections)
    assert again.trainable == network.trainable
    np.testing.assert_array_equal(nets.spikes(network, "out"), nets.spikes(again, "out"))


def test_learned_numbers_travel(tmp_path):
    network = eqx.tree_at(lambda n: n.projections["first"].transforms[0].mean, nets.rich(), jnp.arange(5.0))
    save(network, tmp_path / "net.h5")
    assert load(tmp_path / "net.h5")["first"].transforms[0].mean.tolist() == [0, 1, 2, 3, 4]


def test_weights_that_are_not_finite_survive(tmp_path):
    network = eqx.tree_at(lambda n: n.projections["last"].connection.weight, nets.rich(),
                          jnp.full((5, 2), jnp.nan).at[0, 0].set(-jnp.inf))
    save(network, tmp_path / "net.h5")
    assert same(network, load(tmp_path / "net.h5"))


def test_a_network_on_the_host_is_the_same(tmp_path):
    save(jax.device_get(nets.rich()), tmp_path / "net.h5")
    assert same(nets.rich(), load(tmp_path / "net.h5"))


def test_a_killed_process_leaves_the_old_file(tmp_path):
    """SIGKILL while the new bytes are written: the old file stays, the next save works."""
    save(nets.rich(), tmp_path / "net.h5")
    before = digest(tmp_path / "net.h5")
    code = f"""
import os, signal
from snnsim.io.atomic import replacing
with replacing({str(tmp_path / "net.h5")!r}, overwrite=True) as temporary:
    temporary.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert digest(tmp_path / "net.h5") == before
    save(nets.rich(), tmp_path / "net.h5", overwrite=True)
    assert digest(tmp_path / "net.h5") == before


def test_own_classes(tmp_path):
    network = nets.of_neuron(nets.Doubler(4))
    save(network, tmp_path / "net.h5")
    assert same(network, load(tmp_path / "net.h5", classes=[nets.Doubler]))
    with pytest.raises(FileFormatError, match="Doubler"):
        load(tmp_path / "net.h5")


def test_own_class_with_a_name_of_ours(tmp_path):
    thief = type("LIF", (eqx.Module,), {})
    with pytest.raises(ConfigurationError, match="rename"):
        save(thief(), tmp_path / "net.h5")
    with pytest.raises(ConfigurationError, match="rename"):
        load(tmp_path / "net.h5", classes=[thief])
    with pytest.raises(ConfigurationError, match="classes"):
        load(tmp_path / "net.h5", classes=[int])


def test_what_a_file_cannot_hold(tmp_path):
    with pytest.raises(UnsupportedError, match="build the network"):
        save(sn.Dense(), tmp_path / "net.h5")
    with pytest.raises(ConfigurationError):
        save({"a": 1}, tmp_path / "net.h5")
    assert not list(tmp_path.iterdir())


def test_64_bits_need_64_bits(tmp_path):
    with jax.enable_x64(True):
        network = nets.of_neuron(sn.LIF(2))
        save(network, tmp_path / "net.h5")
        assert same(network, load(tmp_path / "net.h5"))
    with pytest.raises(ConfigurationError, match="jax_enable_x64"):
        load(tmp_path / "net.h5")


def test_equal_networks_give_equal_bytes(tmp_path, monkeypatch):
    save(nets.rich(), tmp_path / "a.h5")
    monkeypatch.setattr(time, "time", lambda: 4e9)
    time.sleep(1.05)  # HDF5's own clock counts seconds
    save(nets.rich(), tmp_path / "b.h5")
    save(load(tmp_path / "a.h5"), tmp_path / "c.h5")
    assert digest(tmp_path / "a.h5") == digest(tmp_path / "b.h5") == digest(tmp_path / "c.h5")


def test_units_stand_in_the_file(tmp_path):
    import h5py

    save(nets.rich(), tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5") as file:
        assert file["arrays/populations.hidden.tau_mem"].attrs["unit"] == b"ms"
        assert len(file["arrays/projections.first.connection.weight"].attrs["sha256"]) == 64
        assert file.attrs["snnsim_version"].decode() == sn.__version__


def test_no_overwriting_unless_asked(tmp_path):
    path = tmp_path / "net.h5"
    save(nets.rich(), path)
    before = digest(path)
    with pytest.raises(OutputExistsError, match="overwrite=True"):
        save(nets.of_neuron(sn.LIF(2)), path)
    assert digest(path) == before
    save(nets.of_neuron(sn.LIF(2)), path, overwrite=True)
    assert digest(path) != before
    assert [p.name for p in tmp_path.iterdir()] == ["net.h5"]


def test_no_folder(tmp_path):
    with pytest.raises(ConfigurationError, match="folder"):
        save(nets.rich(), tmp_path / "none" / "net.h5")
    with pytest.raises(ConfigurationError, match="folder"):
        save(nets.rich(), tmp_path)


@pytest.mark.parametrize("step", ["fsync", "replace", "block"])
def test_a_failure_leaves_the_old_file(step, tmp_path, monkeypatch):
    path = tmp_path / "net.h5"
    save(nets.rich(), path)
    before = path.read_bytes()

    def fails(*arguments, **named):
        raise OSError(28, "No space left on device")

    target = {"fsync": (os, "fsync"), "replace": (Path, "replace"),
              "block": (sys.modules["snnsim.io.array_file"], "_seal")}
    monkeypatch.setattr(*target[step], fails)
    with pytest.raises(OSError, match="No space"):
        save(nets.of_neuron(sn.LIF(3)), path, overwrite=True)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["net.h5"]


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "net.h5"
    write_arrays(path, {"a": np.arange(3)})
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        with pytest.raises((OSError, RuntimeError)):
            write_arrays(path, {"a": np.zeros(1_000_000)}, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["net.h5"]


def test_arrays_and_meta(tmp_path):
    arrays = {"f": np.float32(1.5), "d": np.arange(6.0).reshape(2, 3), "i": np.int64([-3]), "u": np.uint8([255]),
              "b": np.array([True, False]), "empty": np.zeros((0, 3)), "big": np.arange(3, dtype=">f8"),
              "h": np.float16([0.5]), "turned": np.arange(6.0).reshape(2, 3).T, "jax": jnp.ones(2)}
    meta = {"epoch": 3, "loss": 0.1 + 0.2, "names": ["a", None, True], "nested": {"z": 1, "a": "ä"}}
    write_arrays(tmp_path / "a.h5", arrays, meta, kind="checkpoint", units={"f": "ms"})
    found, again = read_arrays(tmp_path / "a.h5", kind="checkpoint")
    assert again == meta
    assert set(found) == set(arrays)
    for name, value in arrays.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == np.asarray(value).dtype.newbyteorder("=")
    write_arrays(tmp_path / "b.h5", dict(reversed(arrays.items())), dict(reversed(meta.items())), kind="checkpoint",
                 units={"f": "ms"})
    assert digest(tmp_path / "a.h5") == digest(tmp_path / "b.h5")
    with pytest.raises(FileFormatError, match="kind"):
        read_arrays(tmp_path / "a.h5")
    with pytest.raises(FileFormatError, match="kind"):
        load(tmp_path / "a.h5")


@pytest.mark.parametrize(("arrays", "meta"), [
    ({"a": jnp.ones(2, jnp.bfloat16)}, None), ({"a": np.ones(2, complex)}, None), ({"a": np.array(["text"])}, None),
    ({"a": np.array([None])}, None), ({}, {"x": float("nan")}), ({}, {"x": {1, 2}}), ({"a/b": np.ones(1)}, None),
    ({"": np.ones(1)}, None), ({"a": np.ones(1, np.longdouble)}, None)])
def test_arrays_that_are_refused(arrays, meta, tmp_path):
    with pytest.raises((UnsupportedError, ConfigurationError)):
        write_arrays(tmp_path / "a.h5", arrays, meta)
    assert not list(tmp_path.iterdir())


def test_static_synapse_is_kept(tmp_path):
    save(nets.rich(), tmp_path / "net.h5")
    assert isinstance(load(tmp_path / "net.h5")["last"].synapse, StaticSynapse)
