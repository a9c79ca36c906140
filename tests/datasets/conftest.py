"""Files written by the tests themselves, and the folder of real data."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest


def _write_shd(path, times, units, labels, keys=("zero", "one", "two"), speaker=None, **storage):
    """A file in the layout of SHD, from lists of times (s) and channels."""
    with h5py.File(path, "w") as file:
        for name, rows, dtype in (("times", times, np.float16), ("units", units, np.uint16)):
            data = file.create_dataset(f"spikes/{name}", (len(rows),), h5py.vlen_dtype(dtype), **storage)
            for at, row in enumerate(rows):
                data[at] = np.asarray(row, dtype)
        if labels is not None:
            file["labels"] = np.asarray(labels, np.uint16)
        file["extra/keys"] = np.array(keys, "S")
        if speaker is not None:
            file["extra/speaker"] = np.asarray(speaker, np.uint16)
    return path


def _encode_nmnist(x, y, p, t):
    """Bytes of a recording as N-MNIST stores it; times beyond 23 bits are not needed here."""
    t = np.asarray(t, np.int64)
    columns = [x, y, (np.asarray(p) << 7) | (t >> 16), (t >> 8) & 255, t & 255]
    return np.stack([np.asarray(c).astype(np.uint8) for c in columns], 1).tobytes()


@pytest.fixture
def write_shd():
    return _write_shd


@pytest.fixture
def encode_nmnist():
    return _encode_nmnist


@pytest.fixture
def shd_file(tmp_path):
    times = [[0.0, 0.0005, 0.25], [0.1], [], [0.3, 0.3, 1.0]]
    units = [[0, 699, 5], [3], [], [10, 9, 8]]
    return _write_shd(tmp_path / "toy_train.h5", times, units, [0, 1, 2, 1], speaker=[4, 4, 5, 6])


@pytest.fixture(scope="session")
def real():
    """Gives the path of a real file below $SNNSIM_DATA, or skips."""
    def path(*parts):
        base = os.environ.get("SNNSIM_DATA")
        found = Path(base, *parts) if base else None
        if found is None or not found.exists():
            pytest.skip(f"needs {'/'.join(parts)} in the folder that SNNSIM_DATA names")
        return found

    return path
