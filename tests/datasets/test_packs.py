import zipfile

import numpy as np
import pytest

from snnsim.core.dataset import LabelledEvents
from snnsim.core.errors import DataError, OutputExistsError
from snnsim.core.events import Events
from snnsim.datasets import read_npz, write_npz


@pytest.fixture
def labelled():
    events = Events([0, 5, 5, 2], [1, 0, 5, 3], [0, 3, 3, 4], (2, 3), 0.01, [1.0, -2.0, 0.5, 3.0])
    return LabelledEvents(events, np.array([1, 0, 1]), ("on", "öff"), np.array([7, 8, 9]), "toy")


def test_round_trip(tmp_path, labelled):
    back = read_npz(write_npz(tmp_path / "a.npz", labelled))
    for name in ("ticks", "indices", "offsets", "values"):
        assert np.array_equal(getattr(back.events, name), getattr(labelled.events, name))
    assert (back.events.shape, back.events.resolution) == ((2, 3), 0.01)
    assert (back.labels.tolist(), back.classes, back.groups.tolist(), back.name) == \
        ([1, 0, 1], ("on", "öff"), [7, 8, 9], "toy")
    plain = read_npz(write_npz(tmp_path / "b.npz", labelled.events))
    assert isinstance(plain, Events)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_same_data_give_the_same_bytes(tmp_path, labelled):
    one, two = write_npz(tmp_path / "a.npz", labelled), write_npz(tmp_path / "b.npz", labelled)
    assert one.read_bytes() == two.read_bytes()


def test_does_not_overwrite(tmp_path, labelled):
    path = write_npz(tmp_path / "a.npz", labelled)
    with pytest.raises(OutputExistsError, match="overwrite=True"):
        write_npz(path, labelled)
    write_npz(path, labelled.events, overwrite=True)
    assert isinstance(read_npz(path), Events)
    with pytest.raises(DataError, match=r"ends in .npz"):
        write_npz(tmp_path / "a.zip", labelled)


def test_refuses_objects(tmp_path, labelled):
    path = tmp_path / "a.npz"
    np.savez(path, format=np.array([{}], object), version=1, ticks=1, indices=1, offsets=1, shape=1,
             resolution_ms=1)
    with pytest.raises(DataError, match="numbers or text"):
        read_npz(path)


def test_refuses_foreign_and_too_large(tmp_path, labelled):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(3))
    with pytest.raises(DataError, match="no array format"):
        read_npz(path)
    with pytest.raises(DataError, match="at most 100"):
        read_npz(write_npz(tmp_path / "b.npz", labelled), max_bytes=100)


def test_a_header_that_declares_more_than_it_holds(tmp_path, labelled):
    """The sizes in header and archive are compared before memory is taken."""
    source = write_npz(tmp_path / "a.npz", labelled)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(tmp_path / "b.npz", "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b"(4,)", b"(1000000000000,)") if name == "ticks.npy" else data)
    with pytest.raises(DataError, match=r"b.npz"):
        read_npz(tmp_path / "b.npz")


def test_content_is_checked(tmp_path, labelled):
    with np.load(write_npz(tmp_path / "a.npz", labelled)) as file:
        good = dict(file)
    bad = [{"ticks": good["ticks"][::-1] - 9}, {"indices": good["indices"] + 6},
           {"offsets": good["offsets"][:-1]},
           {"values": good["values"] * np.nan}, {"labels": good["labels"] + 5}, {"shape": np.array([-1, 3])},
           {"resolution_ms": np.array([np.nan])}, {"version": np.array([99])}, {"format": np.array(["other"])}]
    for change in bad:
        np.savez(tmp_path / "b.npz", **(good | change))
        with pytest.raises(DataError, match=r"b.npz"):
            read_npz(tmp_path / "b.npz")
