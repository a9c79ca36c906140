import shutil

import h5py
import numpy as np
import pytest

from snnsim.core.errors import DataError
from snnsim.datasets import load_shd, read_shd


def test_reads_a_small_file(shd_file):
    data = read_shd(shd_file)
    assert data.events.shape == (700,)
    assert data.events.counts.tolist() == [3, 1, 0, 3]
    assert data.events.indices.tolist() == [0, 699, 5, 3, 10, 9, 8]
    assert data.labels.tolist() == [0, 1, 2, 1]
    assert data.groups.tolist() == [4, 4, 5, 6]
    assert data.classes == ("zero", "one", "two")
    np.testing.assert_allclose(data.events[0].times, np.float16([0, 0.0005, 0.25]).astype(float) * 1e3,
                               atol=5e-4)
    assert data.name == "toy_train"


def test_float16_is_widened_before_scaling(write_shd, tmp_path):
    """1 s is 1e6 ticks, beyond float16's largest number: scaling first would give infinity."""
    data = read_shd(write_shd(tmp_path / "a.h5", [[1.0, 16.5]], [[1, 2]], [0]))
    assert data.events.times.tolist() == [1000.0, 16500.0]


@pytest.mark.parametrize("storage", [{"chunks": (2,), "maxshape": (None,)},
                                     {"chunks": (3,), "compression": "gzip"}])
def test_other_storage_reads_the_same(write_shd, tmp_path, storage):
    rows = [[0.1, 0.2], [0.3], [], [0.4], [0.5, 0.5, 0.6]]
    units = [[1, 2], [3], [], [4], [5, 6, 7]]
    one = read_shd(write_shd(tmp_path / "a.h5", rows, units, [0] * 5))
    other = read_shd(write_shd(tmp_path / "b.h5", rows, units, [0] * 5, **storage))
    assert other.events.ticks.tolist() == one.events.ticks.tolist()
    assert other.events.offsets.tolist() == one.events.offsets.tolist()
    assert other.events.indices.tolist() == one.events.indices.tolist()


@pytest.mark.parametrize(("times", "units", "labels", "message"), [
    ([[0.2, 0.1]], [[0, 1]], [0], "times in order"),
    ([[0.1], [0.2, 0.1]], [[0], [0, 1]], [0, 0], "sample 1"),
    ([[np.nan]], [[0]], [0], "finite"),
    ([[np.inf]], [[0]], [0], "finite"),
    ([[-0.1]], [[0]], [0], "finite time of 0 or later"),
    ([[0.1], [0.1]], [[0], [700]], [0, 0], "sample 1.*channel 700"),
    ([[0.1, 0.2]], [[0]], [0], "2 times and 1 units"),
    ([[0.1]], [[0]], [0, 1], "2 labels"),
    ([[0.1]], [[0]], None, "'labels'.*no such data set"),
    ([[0.1]], [[0]], [3], "0 to 2"),
    ([], [], [], "0 labels"),
])
def test_refuses_bad_content(write_shd, tmp_path, times, units, labels, message):
    path = write_shd(tmp_path / "bad.h5", times, units, labels)
    with pytest.raises(DataError, match=f"(?s)bad.h5.*{message}"):
        read_shd(path)


def test_next_sample_may_begin_earlier(write_shd, tmp_path):
    data = read_shd(write_shd(tmp_path / "a.h5", [[0.5], [], [0.1]], [[0], [], [1]], [0, 0, 0]))
    assert data.events.counts.tolist() == [1, 0, 1]


def test_refuses_links_to_other_files(tmp_path, shd_file):
    links = {"soft": h5py.SoftLink("/labels2"), "out": h5py.ExternalLink(str(shd_file), "/labels")}
    for name, link in links.items():
        path = tmp_path / f"{name}.h5"
        shutil.copy(shd_file, path)
        with h5py.File(path, "a") as file:
            file["labels2"] = file["labels"][:]
            del file["labels"]
            file["labels"] = link
        with pytest.raises(DataError, match="stored in the file itself"):
            read_shd(path)


def test_refuses_external_and_virtual_storage(tmp_path, shd_file):
    with h5py.File(shd_file, "a") as file:
        del file["labels"]
        file.create_dataset("labels", (4,), "u2", external=[(str(tmp_path / "raw.bin"), 0, 8)])
    with pytest.raises(DataError, match="lie in another file"):
        read_shd(shd_file)


def test_refuses_more_than_the_cap(shd_file):
    with pytest.raises(DataError, match="at most 20"):
        read_shd(shd_file, max_bytes=20)


def test_a_huge_declared_length_takes_no_memory(shd_file):
    """One damaged number declares 4 billion spikes; the refusal must come before any allocation."""
    with h5py.File(shd_file) as file:
        at = file["spikes/times"].id.get_offset()
    raw = bytearray(shd_file.read_bytes())
    raw[at : at + 4] = b"\xff\xff\xff\xff"
    shd_file.write_bytes(raw)
    with pytest.raises(DataError, match=r"toy_train.h5"):
        read_shd(shd_file)


@pytest.mark.parametrize("content", [b"", b"no HDF5 at all" * 100, b"\x89HDF\r\n\x1a\n" + bytes(500)])
def test_refuses_files_of_another_kind(tmp_path, content):
    path = tmp_path / "x.h5"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x.h5"):
        read_shd(path)
    with pytest.raises(DataError, match="a folder"):
        read_shd(tmp_path)


def test_load_finds_the_pair(tmp_path, shd_file):
    with pytest.raises(DataError, match=r"toy_train.h5.*expected one pair"):
        load_shd(tmp_path)
    shutil.copy(shd_file, tmp_path / "toy_test.h5")
    train, test = load_shd(tmp_path)
    assert (train.name, test.name) == ("toy_train", "toy_test")
    shutil.copy(shd_file, tmp_path / "ssc_train.h5")
    shutil.copy(shd_file, tmp_path / "ssc_valid.h5")
    shutil.copy(shd_file, tmp_path / "ssc_test.h5")
    with pytest.raises(DataError, match="one pair"):
        load_shd(tmp_path)
    with pytest.raises(DataError, match=r"no .h5 file"):
        load_shd(tmp_path / "nowhere")


def test_real_file_equals_plain_h5py(real):
    path = real("fsdd_cochlea", "fsdd_cochlea_test.h5")
    data = read_shd(path)
    with h5py.File(path) as file:
        rows, units = file["spikes/times"][:], file["spikes/units"][:]
        assert data.labels.tolist() == file["labels"][:].tolist()
        assert data.groups.tolist() == file["extra/speaker"][:].tolist()
    milliseconds = np.concatenate(rows).astype(np.float64) * 1e3
    assert np.abs(data.events.times - milliseconds).max() <= 0.5e-3 + 1e-9  # half a tick
    assert np.array_equal(data.events.indices, np.concatenate(units))
    assert data.events.counts.tolist() == [len(row) for row in rows]
    assert data.events.n_events == 1_689_573
