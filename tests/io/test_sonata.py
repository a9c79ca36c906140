"""SONATA files: the layout walked by hand, round trips, files of others, files made on purpose."""

import importlib.util
import resource
import signal

import h5py
import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import snnsim as sn
from snnsim.core.errors import ConfigurationError, DataError, OutputExistsError, UnsupportedError
from snnsim.io import read_sonata_report, read_sonata_spikes, write_arrays, write_sonata_spikes
from snnsim.io.hdf5_places import new_hdf5, place


def spikes(times, units, shape=5, resolution=0.1, **given):
    return sn.Events.from_times(times, units, shape=shape, resolution=resolution, **given)


TWO = {"exc": spikes([0.3, 0.3, 1.2, 70.0], [0, 4, 2, 0]), "inh": spikes([], [], shape=(2, 3))}


def same(a, b):
    return a.shape == b.shape and a.resolution == b.resolution and np.array_equal(a.ticks, b.ticks) \
        and np.array_equal(a.indices, b.indices) and np.array_equal(a.weights(), b.weights())


# -- the layout --------------------------------------------------------------------------------------------


def test_spike_file_by_hand(tmp_path):
    """Names, types, units and sorting as the SONATA developer guide lists them."""
    write_sonata_spikes(tmp_path / "spikes.h5", TWO)
    with h5py.File(tmp_path / "spikes.h5") as file:
        assert file.attrs["magic"] == 0x0A7A
        assert file.attrs["magic"].dtype == np.uint32
        assert file.attrs["version"].tolist() == [0, 1]
        assert set(file) == {"spikes"}
        assert set(file["spikes"]) == {"exc", "inh"}
        group = file["spikes/exc"]
        kind = h5py.check_enum_dtype(group.attrs.get_id("sorting").dtype)
        assert kind == {"none": 0, "by_id": 1, "by_time": 2}
        assert group.attrs["sorting"] == kind["by_time"]
        assert group["timestamps"].dtype == np.float64
        assert group["timestamps"].attrs["units"] == "ms"
        assert group["node_ids"].dtype == np.uint64
        np.testing.assert_allclose(group["timestamps"], [0.3, 0.3, 1.2, 70.0], rtol=1e-15)
        assert group["node_ids"][:].tolist() == [0, 4, 2, 0]
        assert file["spikes/inh/timestamps"].shape == file["spikes/inh/node_ids"].shape == (0,)


def test_report_by_hand(tmp_path):
    """One value a unit and step, the mapping with one pointer more than nodes, as the guide's example reads it."""
    recording = sn.simulate(network(), duration=3.0, dt=0.5, record={"cell": ["v"]},
                            sink=sn.io.RecordingFolder(tmp_path / "run"))
    with h5py.File(tmp_path / "run" / "v_report.h5") as file:
        group = file["report/cell"]
        assert group["data"].shape == (6, 6)
        assert group["data"].dtype == np.float32
        assert group["data"].attrs["units"] == "mV"
        assert group["mapping/node_ids"][:].tolist() == [0, 1, 2, 3, 4, 5]
        assert group["mapping/node_ids"].attrs["sorted"] == 1
        assert group["mapping/index_pointers"][:].tolist() == [0, 1, 2, 3, 4, 5, 6]
        assert group["mapping/element_ids"][:].tolist() == [1] * 6
        assert group["mapping/time"][:].tolist() == [0.0, 3.0, 0.5]
        assert group["mapping/time"].attrs["units"] == "ms"
        assert [group[f"mapping/{name}"].dtype for name in ("node_ids", "index_pointers", "element_ids", "time")] == \
            ["u8", "u8", "u4", "f8"]
        np.testing.assert_array_equal(group["data"][:].reshape(6, 1, 2, 3), recording["cell", "v"])


def network():
    return sn.Network(dict(input=sn.Input(1), cell=sn.LIFPscExp((2, 3), i_e=0.4)),
                      [sn.Projection("input", "cell", sn.Dense(weight=0.5))], key=jax.random.key(0))


@pytest.mark.skipif(importlib.util.find_spec("libsonata") is None, reason="libsonata is not installed")
def test_libsonata_reads_both(tmp_path):
    import libsonata

    write_sonata_spikes(tmp_path / "spikes.h5", TWO)
    population = libsonata.SpikeReader(str(tmp_path / "spikes.h5"))["exc"]
    assert population.sorting == "by_time"
    assert [node for node, _ in population.get()] == [0, 4, 2, 0]
    sn.simulate(network(), duration=3.0, dt=0.5, record={"cell": ["v"]}, sink=sn.io.RecordingFolder(tmp_path / "run"))
    report = libsonata.SomaReportReader(str(tmp_path / "run" / "v_report.h5"))["cell"]
    assert report.times == (0.0, 3.0, 0.5)
    assert report.get(node_ids=[4]).data.shape == (6, 1)


# -- round trips ---------------------------------------------------------------------------------------------


def test_round_trip(tmp_path):
    write_sonata_spikes(tmp_path / "spikes.h5", TWO)
    again = read_sonata_spikes(tmp_path / "spikes.h5")
    assert set(again) == {"exc", "inh"}
    assert all(same(TWO[name], again[name]) for name in TWO)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 6)), max_size=30),
       st.sampled_from([1.0, 0.1, 0.025, 1 / 3, 1e-6]))
def test_any_times_on_a_grid(tmp_path_factory, pairs, resolution):
    ticks, units = np.array(sorted(pairs), np.int64).reshape(-1, 2).T
    events = sn.Events(ticks, units, np.array([0, len(ticks)]), (7,), resolution)
    path = tmp_path_factory.mktemp("any") / "spikes.h5"
    write_sonata_spikes(path, {"a": events})
    assert same(events, read_sonata_spikes(path)["a"])


def test_two_spikes_of_a_step_are_two_spikes(tmp_path):
    events = sn.Events([0, 3], [1, 0], [0, 2], (2,), 0.5, values=[2.0, 1.0])
    write_sonata_spikes(tmp_path / "spikes.h5", {"a": events})
    again = read_sonata_spikes(tmp_path / "spikes.h5")["a"]
    assert again.ticks.tolist() == [0, 0, 3]
    np.testing.assert_array_equal(again.dense(0.5), events.dense(0.5))


def test_equal_spikes_give_equal_bytes(tmp_path):
    write_sonata_spikes(tmp_path / "a.h5", TWO)
    write_sonata_spikes(tmp_path / "b.h5", TWO)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_a_report_of_many_tiles(tmp_path):
    """More steps and units than a tile holds, written in uneven pieces."""
    rows = np.random.default_rng(0).normal(size=(2500, 600)).astype(np.float32)
    path = tmp_path / "a.h5"
    path.touch()
    with new_hdf5(path, rows.nbytes, entries=9) as file:
        data, where = place(file, "data", rows.shape, rows.dtype, (1024, 256))
        assert data.chunks == (1024, 256)
    with path.open("r+b") as raw:
        for first, last in ((0, 1), (1, 1000), (1000, 1030), (1030, 2500)):
            where.write(raw, first, rows[first:last])
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["data"], rows)


def test_what_the_format_cannot_hold(tmp_path):
    graded = sn.Events([0], [1], [0, 1], (2,), 0.5, values=[0.3])
    for events, word in ((sn.Events.concatenate([TWO["exc"]] * 2), "2 samples"), (graded, "whole numbers"),
                         (sn.Events([0], [1], [0, 1], (2,), 0.5, values=[-1.0]), "whole numbers")):
        with pytest.raises(UnsupportedError, match=word):
            write_sonata_spikes(tmp_path / "spikes.h5", {"a": events})
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path):
    write_sonata_spikes(tmp_path / "spikes.h5", TWO)
    with pytest.raises(OutputExistsError):
        write_sonata_spikes(tmp_path / "spikes.h5", {})
    assert set(read_sonata_spikes(tmp_path / "spikes.h5")) == {"exc", "inh"}


def test_a_full_disk_is_an_error_each_time(tmp_path):
    """Not one from which the HDF5 library does not recover: what is written and read afterwards is right."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    many = spikes(np.arange(100_000), np.zeros(100_000, int), resolution=1.0)
    try:
        for size in (1_000_000, 20_000, 3000, 1000):
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
            with pytest.raises(OSError, match="too large"):
                write_sonata_spikes(tmp_path / "spikes.h5", {"a": many})
            with pytest.raises(OSError, match="too large"):
                write_arrays(tmp_path / "a.h5", {"a": np.zeros(10**6)})
            assert not list(tmp_path.iterdir())
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            for _ in range(3):
                write_sonata_spikes(tmp_path / "spikes.h5", {"a": many})
                assert same(read_sonata_spikes(tmp_path / "spikes.h5")["a"], many)
                (tmp_path / "spikes.h5").unlink()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


# -- files of others -----------------------------------------------------------------------------------------


def foreign(path, times, nodes, *, sorting=None, units="ms", node_type=np.uint64, name="v1"):
    """A file as other writers make it: text for the sorting, nothing of ours."""
    with h5py.File(path, "w") as file:
        group = file.create_group(f"spikes/{name}")
        if sorting is not None:
            group.attrs["sorting"] = sorting
        group["timestamps"], group["node_ids"] = np.asarray(times, float), np.asarray(nodes, node_type)
        if units is not None:
            group["timestamps"].attrs["units"] = units
    return path


@pytest.mark.parametrize(("sorting", "units"), [("none", "ms"), (None, "milliseconds"), ("by_id", np.bytes_(b"ms"))])
def test_others_need_not_sort_by_time(sorting, units, tmp_path):
    events = read_sonata_spikes(foreign(tmp_path / "s.h5", [5.0, 1.0, 2.5], [0, 3, 3], sorting=sorting, units=units,
                                        node_type=np.int32))["v1"]
    assert events.times.tolist() == [1.0, 2.5, 5.0]
    assert events.indices.tolist() == [3, 3, 0]
    assert events.shape == (4,)


def test_seconds_and_shapes(tmp_path):
    path = foreign(tmp_path / "s.h5", [0.001, 0.25], [0, 1], units="s")
    events = read_sonata_spikes(path, shapes={"v1": (2, 4)}, resolution=0.5)["v1"]
    assert events.times.tolist() == [1.0, 250.0]
    assert events.shape == (2, 4)


def test_times_off_the_grid_need_a_word(tmp_path):
    path = foreign(tmp_path / "s.h5", [0.123456], [0])
    with pytest.raises(DataError, match="resolution"):
        read_sonata_spikes(path)
    assert read_sonata_spikes(path, resolution=0.1)["v1"].times.tolist() == [0.1]
    assert read_sonata_spikes(path, resolution=1e-6)["v1"].ticks.tolist() == [123456]


def test_no_unit_of_time(tmp_path):
    path = foreign(tmp_path / "s.h5", [1.0], [0], units=None)
    with pytest.raises(DataError, match="time_unit"):
        read_sonata_spikes(path)
    assert read_sonata_spikes(path, time_unit="ms")["v1"].times.tolist() == [1.0]
    with pytest.raises(ConfigurationError, match="fortnight"):
        read_sonata_spikes(path, time_unit="fortnight")
    with pytest.raises(DataError, match="one unit"):
        read_sonata_spikes(foreign(tmp_path / "t.h5", [1.0], [0]), time_unit="s")


BAD = {
    "lengths": dict(times=[1.0, 2.0], nodes=[0]), "negative": dict(times=[-1.0], nodes=[0]),
    "not a number": dict(times=[np.nan], nodes=[0]), "infinite": dict(times=[np.inf], nodes=[0]),
    "out of order": dict(times=[2.0, 1.0], nodes=[0, 0], sorting="by_time"),
    "unknown order": dict(times=[1.0], nodes=[0], sorting="by_colour"),
    "unknown unit": dict(times=[1.0], nodes=[0], units="mV"), "unit of numbers": dict(times=[1.0], nodes=[0], units=3),
    "two axes": dict(times=[[1.0]], nodes=[[0]]), "floating nodes": dict(times=[1.0], nodes=[0.5], node_type=float),
    "negative node": dict(times=[1.0], nodes=[-1], node_type=np.int64),
    "huge node": dict(times=[1.0], nodes=[2**63 + 1]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_spikes(name, tmp_path):
    with pytest.raises(DataError) as caught:
        read_sonata_spikes(foreign(tmp_path / "s.h5", **BAD[name]))
    assert str(tmp_path / "s.h5") in str(caught.value)


def linked(file):
    file["spikes/other"] = h5py.ExternalLink("/etc/hostname", "/x")


def outside(file):
    del file["spikes/v1/timestamps"]
    file.create_dataset("spikes/v1/timestamps", shape=(1,), dtype="f8", external=[("/etc/hostname", 0, 8)])
    file["spikes/v1/timestamps"].attrs["units"] = "ms"


def huge(file):
    for name, kind in (("timestamps", "f8"), ("node_ids", "u8")):
        del file[f"spikes/v1/{name}"]
        file["spikes/v1"].create_dataset(name, shape=(2**40,), dtype=kind, chunks=(2**16,))
    file["spikes/v1/timestamps"].attrs["units"] = "ms"


def long_attribute(file):
    file["spikes/v1"].attrs["shape"] = np.ones(5000, int)


def bad_shape(file):
    file["spikes/v1"].attrs["shape"] = [0]


def bad_resolution(file):
    file["spikes/v1"].attrs["resolution"] = -1.0


def old(file):
    file.move("spikes/v1/timestamps", "spikes/timestamps")


def nothing(file):
    del file["spikes"]


@pytest.mark.parametrize("change", [linked, outside, huge, long_attribute, bad_shape, bad_resolution, old, nothing])
def test_made_on_purpose(change, tmp_path):
    with h5py.File(foreign(tmp_path / "s.h5", [1.0], [0]), "r+") as file:
        change(file)
    with pytest.raises(DataError):
        read_sonata_spikes(tmp_path / "s.h5")


def test_no_file(tmp_path):
    (tmp_path / "text").write_text("no HDF5")
    for path in (tmp_path / "none.h5", tmp_path, tmp_path / "text"):
        with pytest.raises(DataError):
            read_sonata_spikes(path)
        with pytest.raises(DataError):
            read_sonata_report(path)


def report(path, rows=4, nodes=(0, 1), pointers=(0, 1, 3), time=(0.0, 2.0, 0.5), units="mV"):
    with h5py.File(path, "w") as file:
        group = file.create_group("report/v1")
        group["data"] = np.arange(rows * 3, dtype="f4").reshape(rows, 3)
        group["data"].attrs["units"] = units
        group["mapping/node_ids"] = np.array(nodes, np.uint64)
        group["mapping/index_pointers"] = np.array(pointers, np.uint64)
        group["mapping/element_ids"] = np.zeros(3, np.uint32)
        group["mapping/time"] = np.array(time)
        group["mapping/time"].attrs["units"] = "ms"
    return path


def test_a_report_of_another_writer(tmp_path):
    found = read_sonata_report(report(tmp_path / "r.h5", nodes=(7, 2)))["v1"]
    assert found.nodes.tolist() == [7, 2, 2]
    assert (found.start, found.dt, found.unit) == (0.0, 0.5, "mV")
    assert found.data.shape == (4, 3)


@pytest.mark.parametrize("changes", [dict(rows=5), dict(pointers=(0, 1)), dict(pointers=(0, 1, 4)),
                                     dict(pointers=(0, 2, 1)), dict(nodes=(0,)), dict(time=(0.0, 2.0, 0.0)),
                                     dict(time=(0.0, np.nan, 0.5)), dict(time=(0.0, 2.0))])
def test_bad_reports(changes, tmp_path):
    with pytest.raises(DataError):
        read_sonata_report(report(tmp_path / "r.h5", **changes))
    with pytest.raises(DataError, match="max_bytes"):
        read_sonata_report(report(tmp_path / "r.h5"), max_bytes=10)
