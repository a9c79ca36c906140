"""Whatever is done to a network file, loading gives the network or a FileFormatError that names the path."""

import contextlib
import json
import re

import h5py
import io_networks as nets
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snnsim.core.errors import FileFormatError
from snnsim.io import array_file, decode, encode, load, read_arrays, registry, save, write_arrays
from snnsim.io.hdf5 import KIND


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "net.h5"
    save(nets.rich(), path)
    return path.read_bytes()


def refused(path, match=None):
    with pytest.raises(FileFormatError, match=match) as caught:
        load(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_truncated(saved, tmp_path):
    path = tmp_path / "net.h5"
    for length in [0, 1, 100, 511, 512, 513, 600, len(saved) // 2, len(saved) - 1]:
        path.write_bytes(saved[:length])
        refused(path)
    path.write_bytes(saved + b"x")
    refused(path)


def test_flipped_bits(saved, tmp_path):
    path = tmp_path / "net.h5"
    for at in [*range(0, 130, 7), *np.linspace(130, len(saved) - 1, 150).astype(int)]:
        damaged = bytearray(saved)
        damaged[at] ^= 1 << (at % 8)
        path.write_bytes(damaged)
        refused(path)


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n" + b"\0" * 2000, b"PK\x03\x04" * 300, b"{}" * 600,
                                     b"snnsim file\nversion 1\n" + b" " * 1000])
def test_other_files(content, tmp_path):
    path = tmp_path / "net.h5"
    path.write_bytes(content)
    refused(path)


def test_plain_hdf5(tmp_path):
    with h5py.File(tmp_path / "net.h5", "w") as file:
        file["x"] = 1
    refused(tmp_path / "net.h5", "written by snnsim")


def test_no_file(tmp_path):
    refused(tmp_path / "none.h5", "no such file")
    refused(tmp_path)


def test_newer_version(saved, tmp_path):
    (tmp_path / "net.h5").write_bytes(saved.replace(b"version 1\n", b"version 2\n", 1))
    refused(tmp_path / "net.h5", "install a newer snnsim")


# -- files made on purpose, with a valid seal -------------------------------------------------------


@pytest.fixture
def tampered(saved, tmp_path):
    """A function that lets `change` work on the open file and renews the seal."""
    def make(change):
        path = tmp_path / "net.h5"
        path.write_bytes(saved)
        with h5py.File(path, "r+") as file:
            change(file)
        array_file._seal(path)
        return path
    return make


def huge(file):
    del file["arrays/populations.hidden.tau_mem"]
    file["arrays"].create_dataset("populations.hidden.tau_mem", shape=(2**40,), dtype="f4")


def bomb(file):
    del file["arrays/populations.hidden.tau_mem"]
    file["arrays"].create_dataset("populations.hidden.tau_mem", shape=(2**40,), dtype="f4", chunks=(2**20,),
                                  compression="gzip")


def external_link(file):
    del file["arrays/populations.hidden.tau_mem"]
    file["arrays/populations.hidden.tau_mem"] = h5py.ExternalLink("/etc/hostname", "/x")


def soft_link(file):
    del file["arrays/populations.hidden.tau_mem"]
    file["arrays/populations.hidden.tau_mem"] = h5py.SoftLink("/arrays/populations.hidden.v_th")


def external_storage(file):
    del file["arrays/populations.hidden.tau_mem"]
    file["arrays"].create_dataset("populations.hidden.tau_mem", shape=(1,), dtype="f4",
                                  external=[("/etc/hostname", 0, 4)])


def virtual(file):
    del file["arrays/populations.hidden.tau_mem"]
    layout = h5py.VirtualLayout(shape=(1,), dtype="f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", shape=(1,))
    file["arrays"].create_virtual_dataset("populations.hidden.tau_mem", layout)


def objects(file):
    del file["arrays/populations.hidden.tau_mem"]
    file["arrays"].create_dataset("populations.hidden.tau_mem", data=["text"], dtype=h5py.string_dtype())


def group_for_array(file):
    del file["arrays/populations.hidden.tau_mem"]
    file["arrays"].create_group("populations.hidden.tau_mem")


def meta_link(file):
    file.move("meta", "arrays/meta")
    file["meta"] = h5py.SoftLink("/arrays/meta")


def other_value(file):
    file["arrays/populations.hidden.tau_mem"][()] = 3.0


def other_hash(file):
    file["arrays/populations.hidden.tau_mem"][()] = 3.0
    file["arrays/populations.hidden.tau_mem"].attrs["sha256"] = np.bytes_(
        array_file.array_sha256(np.float32(3.0)).encode())


def no_hash(file):
    del file["arrays/populations.hidden.tau_mem"].attrs["sha256"]


def no_meta(file):
    del file["meta"]


def more(file):
    file["arrays/more"] = 1.0


def loop(file):
    file["arrays/loop"] = file["arrays"]


@pytest.mark.parametrize("change",
                         [huge, bomb, external_link, soft_link, external_storage, virtual, objects, group_for_array,
                                    meta_link, other_value, other_hash, no_hash, no_meta, more, loop])
def test_made_on_purpose(change, tampered):
    refused(tampered(change))


def test_size_cap(tmp_path):
    write_arrays(tmp_path / "a.h5", {"a": np.zeros(1000)})
    with pytest.raises(FileFormatError, match="max_bytes"):
        read_arrays(tmp_path / "a.h5", max_bytes=7999)
    assert read_arrays(tmp_path / "a.h5", max_bytes=8000)[0]["a"].size == 1000


def rewritten(tmp_path, change):
    """A well-formed file whose structure was changed before it was written."""
    encoded = encode(nets.rich())
    structure, arrays = json.loads(json.dumps(encoded.structure)), dict(encoded.arrays)
    changed = change(structure, arrays)
    structure = structure if changed is None else changed
    write_arrays(tmp_path / "net.h5", arrays, structure, kind=KIND)
    return tmp_path / "net.h5"


def part_of(structure, *path):
    node = structure
    for name in path:
        node = dict(node["dict"])[name] if "dict" in node else node["fields"][name]
    return node


def replaced(text, old, new):
    return json.loads(re.sub(re.escape(old), new, json.dumps(text), count=1))


STRUCTURES = {
    "unknown class": lambda s, a: replaced(s, '"module": "LIF"', '"module": "os.system"'),
    "a class of Python": lambda s, a: replaced(s, '"module": "LIF"', '"module": "object"'),
    "an abstract class": lambda s, a: replaced(s, '"module": "LIF"', '"module": "AbstractNeuron"'),
    "another class": lambda s, a: replaced(s, '"module": "LIF"', '"module": "IF"'),
    "missing field": lambda s, a: part_of(s, "populations", "hidden")["fields"].pop("tau_mem").clear(),
    "unknown field": lambda s, a: part_of(s, "populations", "hidden")["fields"].update(__class__=1),
    "wrong choice": lambda s, a: part_of(s, "populations", "hidden")["fields"].update(reset_mechanism="explode"),
    "wrong type": lambda s, a: part_of(s, "populations", "hidden")["fields"].update(surrogate=3),
    "wrong shape": lambda s, a: part_of(s, "populations", "hidden")["fields"].update(shape={"tuple": [7]}),
    "shape of text": lambda s, a: part_of(s, "populations", "hidden")["fields"].update(shape="five"),
    "huge shape": lambda s, a: part_of(s, "populations", "input")["fields"].update(shape={"tuple": [10**30]}),
    "lost population": lambda s, a: part_of(s, "projections", "first")["fields"].update(pre="nobody"),
    "lost port": lambda s, a: part_of(s, "projections", "first")["fields"].update(port="nowhere"),
    "bad probability": lambda s, a: replaced(s, '"p": 0.3', '"p": 7'),
    "instant cycle": lambda s, a: a.update({"projections.again.delay.value": np.float32(-1.0)}),
    "negative tau": lambda s, a: a.update({"populations.hidden.tau_mem": np.float32(-1.0)}),
    "tau of NaN": lambda s, a: a.update({"populations.hidden.tau_mem": np.float32(np.nan)}),
    "small weights": lambda s, a: a.update({"projections.last.connection.weight": np.ones((5, 1), np.float32)}),
    "index out of range": lambda s, a: a.update({"projections.again.connection.targets": np.full(10, 99, np.int32)}),
    "array left over": lambda s, a: a.update(more=np.ones(1)),
    "array missing": lambda s, a: a.pop("populations.hidden.tau_mem") and None,
    "array twice": lambda s,
              a: replaced(s, '"array": "populations.hidden.tau_mem"', '"array": "populations.hidden.v_th"'),
    "no tags": lambda s, a: {},
    "a list": lambda s, a: [1, 2],
    "two tags": lambda s, a: {"tuple": [], "list": []},
    "odd float": lambda s, a: {"float": "__import__"},
    "deep": lambda s, a: json.loads('{"tuple":[' * 200 + "]}" * 200),
    "list for trainable": lambda s, a: s["fields"].update(trainable={"list": [3]}),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_structure_made_on_purpose(name, tmp_path):
    refused(rewritten(tmp_path, STRUCTURES[name]))


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False,
                                                                          allow_infinity=False) | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["module", "fields", "tuple", "list", "dict", "array", "numpy", "float",
                                         "shape"]),
                        inner | st.sampled_from(["LIF", "Network", "Input", "a"]), max_size=3), max_leaves=12)


CLASSES = registry()


@settings(max_examples=60, deadline=None)
@given(JSON)
def test_any_structure(structure):
    with contextlib.suppress(FileFormatError):
        decode(structure, {"a": np.ones(2, np.float32)}, CLASSES, "made up")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_fields(data, tmp_path):
    """One value anywhere in the structure becomes another: refused, or a network that was built by its own rules."""
    encoded = encode(nets.rich())
    structure = json.loads(json.dumps(encoded.structure))
    places = []

    def walk(node):
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])
    walk(structure)
    node, key = data.draw(st.sampled_from(places))
    node[key] = data.draw(st.sampled_from([None, -1, 0, 2.5, "", "in", True, [], {}, {"tuple": [2]}, {"array": "x"},
                                           10**12]))
    write_arrays(tmp_path / "net.h5", encoded.arrays, structure, kind=KIND, overwrite=True)
    with contextlib.suppress(FileFormatError):
        load(tmp_path / "net.h5")
