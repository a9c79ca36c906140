import shutil

import numpy as np
import pytest

from snnsim.core.dataset import LabelledEvents
from snnsim.core.errors import DataError
from snnsim.core.events import Events
from snnsim.datasets import cache_folder, data_folder, load_recordings, write_npz


@pytest.fixture
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("SNNSIM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_order_of_places(places):
    with pytest.raises(DataError, match="snnsim data fetch shd"):
        data_folder("shd")
    (places / "cache" / "snnsim" / "shd").mkdir(parents=True)
    assert cache_folder() == places / "cache" / "snnsim"
    assert data_folder("shd") == places / "cache" / "snnsim" / "shd"
    (places / "data" / "shd").mkdir(parents=True)
    assert data_folder("shd") == places / "data" / "shd"


@pytest.mark.parametrize("name", ["", "..", "a/b", "/etc"])
def test_only_plain_names(places, name):
    with pytest.raises(DataError, match="a plain name"):
        data_folder(name)


def test_home_without_variables(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder().name == "snnsim"


def test_recognises_layouts(places, shd_file, encode_nmnist):
    home = places / "data"
    (home / "speech").mkdir(parents=True)
    for part in ("train", "test"):
        shutil.copy(shd_file, home / "speech" / f"toy_{part}.h5")
        (home / "camera" / part / "4").mkdir(parents=True)
        (home / "camera" / part / "4" / "00001.bin").write_bytes(encode_nmnist([1], [2], [1], [3]))
    one = LabelledEvents(Events.from_times([1.0], [0], shape=2), np.array([0]), ("a",), None, "mine")
    for name in ("my_train.npz", "my_test.npz"):
        write_npz(home / "packs" / name, one)
    assert load_recordings("speech")[1].name == "toy_test"
    assert load_recordings(home / "camera")[0].events.shape == (2, 34, 34)
    assert load_recordings("packs")[0].name == "mine"


def test_says_what_it_found(places):
    (places / "data" / "odd").mkdir(parents=True)
    with pytest.raises(DataError, match="an empty folder"):
        load_recordings("odd")
    (places / "data" / "odd" / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"notes\.txt"):
        load_recordings("odd")
    with pytest.raises(DataError, match="a folder of recordings"):
        load_recordings(places / "data" / "odd" / "notes.txt")
    write_npz(places / "data" / "odd" / "train.npz", Events.from_times([1.0], [0], shape=2))
    write_npz(places / "data" / "odd" / "test.npz", Events.from_times([1.0], [0], shape=2))
    with pytest.raises(DataError, match="events without labels"):
        load_recordings("odd")


def test_made_digits_by_name():
    assert len(load_recordings("event-digits")[1]) == 360


def test_real_folders(real):
    train, test = load_recordings(real("nmnist"))
    assert (len(train), len(test)) == (1000, 100)
