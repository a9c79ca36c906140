import numpy as np
import pytest

from snnsim.core.errors import DataError
from snnsim.datasets import load_nmnist, read_nmnist_bin


def test_bytes_of_an_event(tmp_path):
    path = tmp_path / "1.bin"
    path.write_bytes(bytes([33, 2, 0x80 | 0x01, 0x02, 0x03, 0, 33, 0x7F, 0xFF, 0xFF]))
    events = read_nmnist_bin(path)
    assert events.ticks.tolist() == [0x010203, 0x7FFFFF]
    assert events.indices.tolist() == [(1 * 34 + 2) * 34 + 33, 33 * 34]
    assert events.shape == (2, 34, 34)
    assert events.resolution == 0.001


def test_overflow_markers_shift_later_times(encode_nmnist, tmp_path):
    path = tmp_path / "1.bin"
    x, y, t = [1, 0, 2, 0, 0, 3], [1, 240, 2, 240, 240, 3], [8000, 0, 5, 0, 0, 7]
    path.write_bytes(encode_nmnist(x, y, [0] * 6, t))
    assert read_nmnist_bin(path).ticks.tolist() == [8000, 8192 + 5, 3 * 8192 + 7]


@pytest.mark.parametrize(("content", "message"), [
    (b"", "empty"), (bytes(7), "multiple of 5"), (bytes([34, 0, 0, 0, 0]), "event 0.*x = 34"),
    (bytes([0, 200, 0, 0, 0]), "y = 200"), (bytes([0, 0, 0, 0, 9, 0, 0, 0, 0, 8]), "event 1.*times in order"),
])
def test_refuses_damage(tmp_path, content, message):
    path = tmp_path / "00007.bin"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"00007.bin.*{message}"):
        read_nmnist_bin(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_nmnist_bin(tmp_path / "none.bin")
    with pytest.raises(DataError, match="expected folders Train and Test"):
        load_nmnist(tmp_path)
    (tmp_path / "Train").mkdir()
    (tmp_path / "Test").mkdir()
    with pytest.raises(DataError, match=r"no .bin file"):
        load_nmnist(tmp_path)


def test_folders_in_order_of_names(encode_nmnist, tmp_path):
    for part in ("TRAIN", "test"):
        for name, digit, x in (("00002", 3, 2), ("00001", 7, 1), ("00003", 0, 3)):
            folder = tmp_path / part / str(digit)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.bin").write_bytes(encode_nmnist([x, 0], [0, 240], [1, 0], [9, 0]))
    train, test = load_nmnist(tmp_path)
    assert train.labels.tolist() == [7, 3, 0]
    assert (train.events.indices % 34).tolist() == [1, 2, 3]
    assert test.events.ticks.tolist() == [9, 9, 9]  # a marker of one file must not shift the next file
    assert (train.name, test.name) == ("nmnist_train", "nmnist_test")
    with pytest.raises(DataError, match="at most 3"):
        load_nmnist(tmp_path, max_bytes=3)


def test_arrays_are_checked(tmp_path):
    good = {"x": [1, 2], "y": [3, 4], "p": [0, 1], "t": [5, 6], "offsets": [0, 1, 2], "labels": [0, 9]}
    for change, message in (({"x": [1, 34]}, "'x'"), ({"p": [0, 2]}, "'p'"), ({"y": [3]}, "equal lengths"),
                            ({"t": [0.5, 1.0]}, "integers"), ({"labels": [0, 10]}, "0 to 9"),
                            ({"offsets": [0, 1]}, "offsets"), ({"labels": [0]}, "labels")):
        for name in ("train", "test"):
            np.savez(tmp_path / f"nmnist_{name}.npz", **(good | change))
        with pytest.raises(DataError, match=f"nmnist_train.npz.*{message}"):
            load_nmnist(tmp_path)


def test_real_sample_of_the_official_format(real):
    expected = np.load(real("tonic", "sample_nmnist_expected.npz"))
    events = read_nmnist_bin(real("tonic", "sample_nmnist.bin"))
    assert np.array_equal(events.ticks, expected["t"])
    assert np.array_equal(np.stack(np.unravel_index(events.indices, events.shape)),
                          np.stack([expected["p"], expected["y"], expected["x"]]))


def test_bin_reader_equals_the_arrays(encode_nmnist, real, tmp_path):
    """Real recordings written in the official layout come back the same, also with an overflow marker."""
    train, test = load_nmnist(real("nmnist"))
    assert (len(train), train.events.n_events, test.events.n_events) == (1000, 4_133_231, 385_596)
    some = test[np.arange(20)]
    for part in ("Train", "Test"):
        for at, (events, label) in enumerate(zip(some.events, some.labels, strict=True)):
            p, y, x = np.unravel_index(events.indices, events.shape)
            late = int(np.searchsorted(events.ticks, 8192 + 100))
            t = events.ticks - np.where(np.arange(len(x)) >= late, 8192, 0)
            marked = ((x, 0), (y, 240), (p, 0), (t, 0))
            x, y, p, t = (np.insert(column, late, extra) for column, extra in marked)
            folder = tmp_path / part / str(label)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{at:05d}.bin").write_bytes(encode_nmnist(x, y, p, t))
    for back in load_nmnist(tmp_path):
        assert np.array_equal(back.events.ticks, some.events.ticks)
        assert np.array_equal(back.events.indices, some.events.indices)
        assert np.array_equal(back.events.offsets, some.events.offsets)
        assert np.array_equal(back.labels, some.labels)
