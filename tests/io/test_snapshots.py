"""Stopped or out of room: the run goes on from its snapshot and ends with the same bytes."""

import contextlib
import resource
import shutil
import signal

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import streamed_networks as nets

import snnsim as sn
from snnsim.core.errors import FileFormatError, OutputError, OutputExistsError, UnsupportedError
from snnsim.io import RecordingFolder, read_sonata_spikes, recording_folder
from snnsim.io.snapshot import fingerprint, read_snapshot, write_snapshot


def test_resumed_is_uninterrupted_to_the_byte(whole, tmp_path):
    name, folder, recording = whole
    nets.interrupted(name, tmp_path / "run")
    times = []
    again = nets.simulated(name, RecordingFolder(tmp_path / "run", resume=True),
                           progress=lambda p: times.append(p.time))
    assert times == [240.0, 280.0, 320.0, 360.0, 400.0]
    assert nets.digests(tmp_path / "run") == nets.digests(folder)
    assert not (tmp_path / "run" / "unfinished").exists()
    for a, b in zip(jax.tree.leaves((recording.state, recording.counts, recording.graded)),
                    jax.tree.leaves((again.state, again.counts, again.graded)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_many_interruptions(whole, tmp_path):
    name, folder, _ = whole
    nets.interrupted(name, tmp_path / "run", at=40.0)
    for at in (80.0, 120.0, 360.0):
        nets.interrupted(name, tmp_path / "run", at=at, resume=True)
    nets.simulated(name, RecordingFolder(tmp_path / "run", resume=True))
    assert nets.digests(tmp_path / "run") == nets.digests(folder)


def test_ctrl_c_keeps_what_was_done(whole, tmp_path):
    name, folder, _ = whole
    nets.interrupted(name, tmp_path / "run", error=KeyboardInterrupt, snapshot_every=1e9)
    times = []
    nets.simulated(name, RecordingFolder(tmp_path / "run", resume=True), progress=lambda p: times.append(p.time))
    assert times[0] == 240.0
    assert nets.digests(tmp_path / "run") == nets.digests(folder)


def test_without_a_snapshot_it_begins_anew(whole, tmp_path):
    name, folder, _ = whole
    nets.interrupted(name, tmp_path / "run", snapshot_every=1e9)
    assert not (tmp_path / "run" / "snapshot.h5").exists()
    nets.simulated(name, RecordingFolder(tmp_path / "run", resume=True))
    assert nets.digests(tmp_path / "run") == nets.digests(folder)


def test_a_finished_run_is_only_read(whole):
    name, folder, recording = whole
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    again = nets.simulated(name, RecordingFolder(folder, resume=True), progress=nets.stop_at(0.0))
    assert np.array_equal(again.events("e").ticks, recording.events("e").ticks)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_an_unfinished_recording_can_be_read(whole, tmp_path):
    name, folder, _ = whole
    nets.interrupted(name, tmp_path / "run")
    assert not (tmp_path / "run" / "spikes.h5").exists()
    moved = (tmp_path / "run").rename(tmp_path / "moved")
    with h5py.File(moved / "unfinished" / "spikes.h5") as file, h5py.File(folder / "spikes.h5") as final:
        shown, times = file["spikes/e/timestamps"][:], final["spikes/e/timestamps"][:]
        np.testing.assert_array_equal(shown, times[times < 200.0])
        np.testing.assert_array_equal(file["spikes/e/node_ids"][:], final["spikes/e/node_ids"][:len(shown)])
        assert file["spikes/e"].attrs["sorting"] == 2


def test_parts_do_not_grow_in_number(tmp_path, monkeypatch):
    nets.interrupted("flat", tmp_path / "few", at=360.0)
    assert len(list((tmp_path / "few" / "unfinished").glob("part-*"))) == 1
    monkeypatch.setattr(recording_folder, "PART_BYTES", 2000)
    nets.interrupted("flat", tmp_path / "many", at=360.0)
    assert len(list((tmp_path / "many" / "unfinished").glob("part-*"))) == 9
    nets.simulated("flat", RecordingFolder(tmp_path / "many", resume=True))
    nets.simulated("flat", RecordingFolder(tmp_path / "few", resume=True))
    assert nets.digests(tmp_path / "many") == nets.digests(tmp_path / "few")


def test_a_simulation_goes_on_from_the_state_of_a_finished_one(whole, tmp_path):
    name, folder, _ = whole
    given = dict(events=nets.events().crop(0.0, 200.0), duration=200.0)
    first = nets.simulated(name, RecordingFolder(tmp_path / "first"), **given)
    given["events"] = nets.events().crop(200.0, 400.0)
    nets.simulated(name, RecordingFolder(tmp_path / "second"), state=first.state, **given)
    parts = [read_sonata_spikes(tmp_path / part / "spikes.h5")["e"] for part in ("first", "second")]
    everything = read_sonata_spikes(folder / "spikes.h5")["e"]
    np.testing.assert_array_equal(np.concatenate([part.ticks for part in parts]), everything.ticks)
    np.testing.assert_array_equal(np.concatenate([part.indices for part in parts]), everything.indices)


# -- what is refused ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    folder = tmp_path_factory.mktemp("half") / "run"
    nets.interrupted("flat", folder)
    return folder


@pytest.mark.parametrize(("word", "changes"), [
    ("dt = 0.5 .now 0.25", dict(dt=0.25)), ("seed = 3 .now 4", dict(seed=4)), ("network = ", dict(network=1)),
    ("duration = 400.0 .now 200.0", dict(duration=200.0)), ("inputs = ", dict(events=1)),
    ("chunk = 80 .now 40", dict(chunk=40)), ("record = ", dict(record={"e": ["spikes"]}))])
def test_another_run_is_refused(word, changes, half):
    if "network" in changes:
        changes = dict(network=nets.network("flat", seed=1))
    if "events" in changes:
        changes = dict(events=nets.events(seed=1))
    if "duration" in changes:
        changes |= dict(events=nets.events().crop(0.0, 200.0))
    before = nets.digests(half)
    with pytest.raises(FileFormatError, match=word) as caught:
        nets.simulated("flat", RecordingFolder(half, resume=True), **changes)
    assert "To fix it" in str(caught.value)
    assert nets.digests(half) == before


def test_another_state_is_refused(half, whole):
    state = nets.simulated("flat", duration=400.0).state
    with pytest.raises(FileFormatError, match="state = "):
        nets.simulated("flat", RecordingFolder(half, resume=True), state=state, duration=400.0)


def test_one_changed_weight_is_another_network():
    import equinox as eqx

    network = nets.network("flat")
    changed = eqx.tree_at(lambda n: n["i_e"].connection.weight, network, replace_fn=lambda w: jnp.nextafter(w, w + 1))
    assert fingerprint(network) == fingerprint(nets.network("flat"))
    assert fingerprint(network) != fingerprint(changed)
    assert fingerprint(nets.events()) != fingerprint(nets.events(seed=1))


def test_another_version_is_refused(half, monkeypatch):
    monkeypatch.setattr("snnsim.io.snapshot.versions", lambda: {"snnsim": "9", "jax": jax.__version__})
    with pytest.raises(FileFormatError, match=r"snnsim = .* \(now 9\)"):
        nets.simulated("flat", RecordingFolder(half, resume=True))


@pytest.mark.parametrize("pattern", ["snapshot.h5", "unfinished/part-*.h5"])
def test_damage_is_refused(pattern, half, tmp_path):
    run = shutil.copytree(half, tmp_path / "run")
    path = next(run.glob(pattern))
    intact = path.read_bytes()
    for damaged in (intact[:-1], intact[:len(intact) // 2] + bytes([intact[len(intact) // 2] ^ 1])
                    + intact[len(intact) // 2 + 1:], b""):
        path.write_bytes(damaged)
        with pytest.raises(FileFormatError, match=path.name):
            nets.simulated("flat", RecordingFolder(run, resume=True))
    path.unlink()
    if "part" in pattern:
        with pytest.raises(FileFormatError, match="no such file"):
            nets.simulated("flat", RecordingFolder(run, resume=True))


def test_a_part_of_another_run_is_refused(half, tmp_path):
    run = shutil.copytree(half, tmp_path / "run")
    nets.interrupted("flat", tmp_path / "other", at=120.0)
    part, = (run / "unfinished").glob("part-*.h5")
    other, = (tmp_path / "other" / "unfinished").glob("part-*.h5")
    shutil.copy(other, part)
    with pytest.raises(FileFormatError, match="another run"):
        nets.simulated("flat", RecordingFolder(run, resume=True))


@pytest.mark.parametrize("more", [{}, {"done": 5, "finished": False, "parts": [{"file": "../../x"}]},
                                  {"done": 10**9, "finished": False, "parts": []}, {"done": 1, "parts": 3}])
def test_a_snapshot_made_on_purpose_is_refused(more, half, tmp_path):
    run = shutil.copytree(half, tmp_path / "run")
    with h5py.File(half / "snapshot.h5") as file:
        import json
        settings = json.loads(file["meta"][()])["settings"]
    from snnsim.core.sink import Totals
    from snnsim.core.state import initial_state

    network = nets.network("flat")
    totals = Totals.at_start(network, initial_state(network, 1, nets.DT), 1)
    write_snapshot(run / "snapshot.h5", totals, kind=recording_folder.KIND, settings=settings, more=more)
    with pytest.raises(FileFormatError, match="position and parts"):
        nets.simulated("flat", RecordingFolder(run, resume=True))


def test_a_snapshot_of_other_arrays_is_refused(tmp_path):
    write_snapshot(tmp_path / "s.h5", {"a": jnp.ones(3)}, kind="k", settings={})
    for tree in ({"a": jnp.ones(2)}, {"a": jnp.ones(3, jnp.int32)}, {"b": jnp.ones(3)}):
        with pytest.raises(FileFormatError, match="network"):
            read_snapshot(tmp_path / "s.h5", tree, kind="k", settings={})
    with pytest.raises(FileFormatError, match="kind"):
        read_snapshot(tmp_path / "s.h5", {"a": jnp.ones(3)}, kind="other", settings={})
    sn.io.write_arrays(tmp_path / "t.h5", {"a": np.ones(3)}, [1], kind="k")
    with pytest.raises(FileFormatError, match="settings"):
        read_snapshot(tmp_path / "t.h5", {"a": jnp.ones(3)}, kind="k", settings={})


def test_nothing_is_overwritten(whole, half, tmp_path):
    name, folder, _ = whole
    for earlier in (folder, half):
        with pytest.raises(OutputExistsError, match="--resume"):
            nets.simulated(name, RecordingFolder(earlier))
    (tmp_path / "thesis.tex").write_text("results")
    with pytest.raises(OutputExistsError, match="other files"):
        nets.simulated(name, RecordingFolder(tmp_path, resume=True))
    assert (tmp_path / "thesis.tex").read_text() == "results"


def test_a_finished_run_without_its_files_is_refused(tmp_path):
    nets.simulated("flat", RecordingFolder(tmp_path / "run"))
    (tmp_path / "run" / "v_report.h5").unlink()
    with pytest.raises(FileFormatError, match="v_report"):
        nets.simulated("flat", RecordingFolder(tmp_path / "run", resume=True))


def test_two_runs_do_not_share_a_folder(tmp_path):
    def second(found):
        with pytest.raises(OutputExistsError, match="still writing"):
            nets.simulated("flat", RecordingFolder(tmp_path / "run", resume=True))
        raise nets.Stop
    with pytest.raises(nets.Stop):
        nets.simulated("flat", RecordingFolder(tmp_path / "run"), progress=second)
    nets.simulated("flat", RecordingFolder(tmp_path / "run", resume=True))


def test_samples_and_transformations_are_refused(tmp_path):
    both = sn.Events.concatenate([nets.events(), nets.events(1)])
    with pytest.raises(UnsupportedError, match="2 samples"):
        nets.simulated("flat", RecordingFolder(tmp_path / "run"), events=both)
    with pytest.raises(UnsupportedError, match="transformation"):
        jax.jit(lambda net: nets.simulated("layers", RecordingFolder(tmp_path / "run"), network=net).counts)(
            nets.network("layers"))
    assert not (tmp_path / "run").exists()


# -- no room, no folder --------------------------------------------------------------------------------------


@contextlib.contextmanager
def no_file_larger_than(size):
    """What a full disk looks like to a process: writing beyond `size` bytes fails."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_while_it_runs(whole, tmp_path):
    name, folder, _ = whole
    nets.interrupted(name, tmp_path / "run", at=80.0)
    before = nets.digests(tmp_path / "run")
    with no_file_larger_than(20_000), pytest.raises(OutputError, match="room") as caught:
        nets.simulated(name, RecordingFolder(tmp_path / "run", resume=True, snapshot_every=0.0))
    assert "--resume" in str(caught.value)
    assert nets.digests(tmp_path / "run") == before
    assert not [path for path in (tmp_path / "run").rglob("*") if path.name.endswith(".tmp")]
    nets.simulated(name, RecordingFolder(tmp_path / "run", resume=True))
    assert nets.digests(tmp_path / "run") == nets.digests(folder)


@pytest.mark.parametrize("step", ["write_part", "write_views", "write_snapshot", "join_parts"])
def test_no_space_at_any_step(step, whole, tmp_path, monkeypatch):
    name, folder, _ = whole
    nets.interrupted(name, tmp_path / "run", at=80.0)

    def full(*arguments, **named):
        raise OSError(28, "No space left on device")
    with monkeypatch.context() as patch:
        patch.setattr(recording_folder, step, full)
        with pytest.raises(OutputError, match="No space left on device"):
            nets.simulated(name, RecordingFolder(tmp_path / "run", resume=True, snapshot_every=1e9))
    assert not (tmp_path / "run" / "spikes.h5").exists()
    nets.simulated(name, RecordingFolder(tmp_path / "run", resume=True))
    assert nets.digests(tmp_path / "run") == nets.digests(folder)


def test_the_folder_is_removed_while_it_runs(tmp_path):
    def remove(found):
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
    with pytest.raises(OutputError, match="restore the folder"):
        nets.simulated("flat", RecordingFolder(tmp_path / "run", snapshot_every=0.0), progress=remove)
    assert not (tmp_path / "run").exists()


def test_the_folder_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        nets.simulated("flat", RecordingFolder(tmp_path / "file" / "run"))
