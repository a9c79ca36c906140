import h5py
import numpy as np
import pytest

from snnsim.core.dataset import LabelledEvents
from snnsim.core.errors import ConfigurationError, DataError
from snnsim.datasets import read_events_hdf5


@pytest.fixture
def write(tmp_path):
    def make(unit=None, group="/", **columns):
        path = tmp_path / "e.h5"
        with h5py.File(path, "w") as file:
            place = file.require_group(group)
            for name, data in columns.items():
                place[name] = data
            if unit is not None:
                place["t" if "t" in columns else "times"].attrs["unit"] = unit
        return path

    return make


def test_pixels_with_polarity(write):
    path = write(unit="us", t=np.array([10, 20], np.uint32), x=np.uint8([4, 0]), y=np.uint8([2, 1]),
                 p=[True, False])
    events = read_events_hdf5(path, shape=(2, 3, 5))
    assert events.ticks.tolist() == [10, 20]
    assert events.indices.tolist() == [15 + 2 * 5 + 4, 5]
    assert events.shape == (2, 3, 5)


@pytest.mark.parametrize(("unit", "ms"), [("s", 1000.0), ("ms", 1.0), ("us", 1e-3), ("ns", 1e-6)])
def test_units_of_time(write, unit, ms):
    path = write(times=np.array([1.0, 3.0]), units=[0, 1])
    events = read_events_hdf5(path, shape=2, time_unit=unit, resolution=1e-6)
    np.testing.assert_allclose(events.times, [ms, 3 * ms])


def test_unit_is_asked_for_and_must_agree(write):
    path = write(times=[1.0], units=[0])
    with pytest.raises(DataError, match="pass time_unit="):
        read_events_hdf5(path, shape=2)
    with pytest.raises(ConfigurationError, match="'minutes'"):
        read_events_hdf5(path, shape=2, time_unit="minutes")
    path = write(unit="ms", times=[1.0], units=[0])
    with pytest.raises(DataError, match=r"'ms' in the file and time_unit = 's'"):
        read_events_hdf5(path, shape=2, time_unit="s")
    with pytest.raises(DataError, match="unit 'hours'"):
        read_events_hdf5(write(unit="hours", times=[1.0], units=[0]), shape=2)


def test_samples_labels_and_group(write):
    path = write(unit="ms", group="data/a", times=[1.0, 2.0, 0.5], units=[0, 1, 2], offsets=[0, 2, 3],
                 labels=[1, 0],
                 classes=["no", "yes"])
    data = read_events_hdf5(path, shape=3, group="data/a")
    assert isinstance(data, LabelledEvents)
    assert (data.events.counts.tolist(), data.classes) == ([2, 1], ("no", "yes"))
    with pytest.raises(DataError, match="times or t"):
        read_events_hdf5(path, shape=3)


def test_lists_of_each_sample(tmp_path):
    path = tmp_path / "v.h5"
    with h5py.File(path, "w") as file:
        for name, dtype in (("times", "f8"), ("units", "i4")):
            data = file.create_dataset(name, (2,), h5py.vlen_dtype(np.dtype(dtype)))
            data[0], data[1] = np.array([1, 2], dtype), np.array([0], dtype)
        file.attrs["unit"] = "ms"
    assert read_events_hdf5(path, shape=3).times.tolist() == [1.0, 2.0, 0.0]


@pytest.mark.parametrize("columns", [
    {"times": [np.nan], "units": [0]}, {"times": [-1.0], "units": [0]},
    {"times": [2.0, 1.0], "units": [0, 0]},
    {"times": [1.0], "units": [5]}, {"times": [1.0], "units": [-1]}, {"times": [1.0, 2.0], "units": [0]},
    {"times": [1e300], "units": [0]}, {"times": [1.0], "t": [1.0], "units": [0]}, {"times": [1.0]},
    {"times": [[1.0]], "units": [0]}, {"times": [1.0], "units": [0.5]}, {"times": [b"a"], "units": [0]},
    {"times": [1.0], "units": [0], "offsets": [0, 2]}, {"times": [1.0], "x": [0], "y": [0]},
    {"times": [1.0], "units": [0], "labels": [0, 1]},
    {"times": [1.0], "units": [0], "labels": [-1]},
])
def test_refuses_bad_content(write, columns):
    with pytest.raises(DataError, match=r"e.h5"):
        read_events_hdf5(write(unit="ms", **columns), shape=3)
