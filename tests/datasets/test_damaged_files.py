"""Files with flipped bytes or a missing end: a reader answers with data or with a DataError, nothing else."""

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snnsim.core.dataset import LabelledEvents
from snnsim.core.errors import DataError
from snnsim.core.events import Events
from snnsim.datasets import read_events_hdf5, read_nmnist_bin, read_npz, read_shd, write_npz


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


@pytest.fixture(scope="module")
def files(folder):
    """Good bytes and reader of each format."""
    rng = np.random.default_rng(0)
    with h5py.File(folder / "good.h5", "w") as file:
        for name, dtype in (("times", np.float16), ("units", np.uint16)):
            data = file.create_dataset(f"spikes/{name}", (4,), h5py.vlen_dtype(dtype))
            for row in range(4):
                data[row] = np.sort(rng.uniform(0, 1,
                                                5 + row) * (1 if name == "times" else 699)).astype(dtype)
        file["labels"], file["extra/keys"] = np.arange(4) % 2, np.array(["a", "b"], "S")
    with h5py.File(folder / "flat.h5", "w") as file:
        file["t"], file["units"], file["labels"] = np.sort(rng.uniform(0, 9, 30)), rng.integers(0, 9, 30), [0]
        file["classes"] = ["one"]
        file["t"].attrs["unit"] = "ms"
    events = Events(np.sort(rng.integers(0, 99, 40)), rng.integers(0, 9, 40), [0, 40], 9)
    write_npz(folder / "pack.npz", LabelledEvents(events, np.array([0]), ("one",)))
    (folder / "n.bin").write_bytes(np.tile(np.uint8([3, 4, 0x80, 1, 2]), 40).tobytes())
    return {"good.h5": read_shd, "flat.h5": lambda path: read_events_hdf5(path, shape=9),
            "pack.npz": read_npz,
            "n.bin": read_nmnist_bin}


@pytest.mark.parametrize("name", ["good.h5", "flat.h5", "pack.npz", "n.bin"])
def test_only_data_errors_come_out(folder, files, name):
    good = (folder / name).read_bytes()
    assert files[name](folder / name) is not None

    @settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.integers(0, len(good) - 1), st.integers(0, 255)), min_size=1, max_size=4),
           st.one_of(st.none(), st.integers(0, len(good))))
    def read(changes, end):
        raw = bytearray(good)
        for place, value in changes:
            raw[place] = value
        path = folder / f"bad-{name}"
        path.write_bytes(raw[:end])
        try:
            files[name](path)
        except DataError as error:
            told = f"bad-{name}" in str(error)
        else:
            told = True
        assert told

    read()
