"""The one loop over chunks: inputs handed out, recordings handed over, progress told; memory does not grow."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim import plasticity
from snnsim.core.errors import ConfigurationError, DataError, DivergenceError
from snnsim.core.feed import Feed
from snnsim.core.packed import AbstractKept
from snnsim.core.sink import AbstractSink

DURATION, DT = 100.0, 0.5


def flat():
    def sparse(weight):
        return sn.Sparse(sn.FixedProbability(0.3), weight=weight)
    return sn.Network(dict(input=sn.Input((2, 5)), e=sn.LIF(40, tau_mem=20.0), i=sn.LIF(10, tau_mem=10.0)),
                      [sn.Projection("input", "e", sparse(0.5), delay=1.0),
                       sn.Projection("e", "i", sparse(0.3), delay=1.5),
                       sn.Projection("i", "e", sparse(-0.4), delay=3.0)], key=jax.random.key(0))


def layers():
    return sn.Network(dict(input=sn.Input((2, 5)), e=sn.Noisy(sn.LIF(12, tau_mem=20.0), sigma=0.1), out=sn.LI(3)),
                      [sn.Projection("input", "e", sn.Dense(weight=0.2), delay=np.arange(10.0).reshape(2, 5) * 0.5),
                       sn.Projection("e", "out", sn.Dense(weight=0.1), delay=2.0)], key=jax.random.key(0))


def learning():
    rule = plasticity.PairSTDP()
    return sn.Network(dict(input=sn.Input((2, 5)), e=sn.LIF(12, tau_mem=20.0)),
                      [sn.Projection("input", "e", sn.Dense(weight=0.2), delay=1.0, synapse=rule)],
                      key=jax.random.key(0))


NETWORKS = {"flat": (flat, {"e": ["spikes", "v"], "i": ["output"], "input": ["spikes"]}),
            "layers": (layers, {"e": ["spikes"], "out": ["output", "v"]}), "learning": (learning, {"e": ["spikes"]})}


def events(rate=0.15, batch=1, seed=0):
    rng = np.random.default_rng(seed)
    return sn.Events.from_dense(rng.poisson(rate, (round(DURATION / DT), batch, 2, 5)), dt=DT)


def simulated(name, sink=None, **given):
    make, record = NETWORKS[name]
    given = dict(duration=DURATION, dt=DT, record=record, chunk=30) | given
    return sn.simulate(make(), {"input": events()}, sink=sink, **given)


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


class Listing(AbstractSink):
    """A sink of a user's own: keeps how much came when."""

    def __init__(self):
        self.seen, self.recorded = [], []

    def write(self, done, totals, traces):
        self.seen.append((done, int(totals.state.step)))
        values = traces["e"]["spikes"]
        self.recorded.append(np.asarray(values.dense() if isinstance(values, AbstractKept) else values))

    def finish(self, totals):
        return {"e": {"spikes": np.concatenate(self.recorded)}}


# -- streamed is what memory would have held -----------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_a_folder_holds_what_memory_holds(name, tmp_path):
    memory, folder = simulated(name), simulated(name, sn.io.RecordingFolder(tmp_path / "run"))
    assert equal((memory.state, memory.counts, memory.graded), (folder.state, folder.counts, folder.graded))
    for population, variables in NETWORKS[name][1].items():
        a, b = memory.events(population), folder.events(population)
        assert a.n_events > 0
        assert np.array_equal(a.ticks, b.ticks)
        assert np.array_equal(a.indices, b.indices)
        assert np.array_equal(a.weights(), b.weights())
        for variable in variables:
            np.testing.assert_array_equal(memory[population, variable], folder[population, variable])
    assert np.array_equal(memory.rates("e"), folder.rates("e"))


@pytest.mark.parametrize("name", NETWORKS)
def test_in_double_precision(name, tmp_path, x64):
    memory, folder = simulated(name), simulated(name, sn.io.RecordingFolder(tmp_path / "run"))
    assert equal(memory.state, folder.state)
    for population, variables in NETWORKS[name][1].items():
        for variable in variables:
            np.testing.assert_array_equal(memory[population, variable], folder[population, variable])


@pytest.mark.parametrize("name", ["flat", "learning"])
@pytest.mark.parametrize("chunk", [1, 7, 199, 200, None])
def test_chunks_do_not_matter(name, chunk):
    assert equal((simulated(name).state, simulated(name).counts),
                 (simulated(name, chunk=chunk).state, simulated(name, chunk=chunk).counts))


def test_learned_weights_survive_an_interruption(tmp_path):
    def stop(found):
        if found.time >= 45.0:
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        simulated("learning", sn.io.RecordingFolder(tmp_path / "run"), progress=stop)
    resumed = simulated("learning", sn.io.RecordingFolder(tmp_path / "run", resume=True))
    whole, first = simulated("learning"), learning()
    assert equal(resumed.state, whole.state)
    weights = [net["input_e"].connection.weight for net in (resumed.network(), whole.network(), first)]
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_nothing_recorded_but_counts(tmp_path):
    recording = simulated("flat", sn.io.RecordingFolder(tmp_path / "run"), record={})
    assert recording.counts["e"].sum() == simulated("flat").counts["e"].sum() > 0
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["snapshot.h5"]


def test_by_default_the_ends_of_the_network_are_recorded(tmp_path):
    simulated("layers", sn.io.RecordingFolder(tmp_path / "run"), record=None)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["output_report.h5", "snapshot.h5"]


def test_a_sink_of_ones_own():
    sink = Listing()
    recording = simulated("flat", sink)
    assert sink.seen == [(n, n) for n in (30, 60, 90, 120, 150, 180, 200)]
    np.testing.assert_array_equal(recording["e", "spikes"], simulated("flat")["e", "spikes"])


def test_traces_are_not_kept_on_the_device(tmp_path):
    """What lives on the device after each chunk is the same after 3 chunks and after 20."""
    alive = []

    def measure(found):
        alive.append(sum(array.nbytes for array in jax.live_arrays()))
    simulated("flat", sn.io.RecordingFolder(tmp_path / "run", snapshot_every=0.0), progress=measure, chunk=10)
    assert len(alive) == 20
    assert max(alive[3:]) <= alive[2]


def test_recorded_data_do_not_pile_up_on_the_host(tmp_path, monkeypatch):
    from snnsim.io import recording_folder

    monkeypatch.setattr(recording_folder, "PART_BYTES", 20_000)
    folder, waiting = sn.io.RecordingFolder(tmp_path / "run", snapshot_every=1e9), []
    simulated("flat", folder, chunk=10,
              progress=lambda found: waiting.append(sum(array.nbytes for block in folder.waiting
                                                        for array in block.values())))
    assert 0 < max(waiting) <= 20_000


# -- inputs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("length", [1, 7, 200])
def test_events_are_handed_out_as_the_dense_array(batch, length):
    given = events(batch=batch)
    dense = given.dense(DT, 200)
    for inputs in (given, dense, jnp.asarray(dense)):
        feed = Feed(flat(), {"input": inputs}, dt=DT, steps=200)
        assert feed.batch == batch
        parts = [feed.chunk(start, min(length, 200 - start))["input"] for start in range(0, 200, length)]
        np.testing.assert_array_equal(np.concatenate(parts), dense)


def test_finer_events_fall_into_their_step():
    given = sn.Events.from_times([0.0, 0.499, 0.5, 1.7, 1.9], [0, 1, 2, 3, 3], shape=(2, 5))
    feed = Feed(flat(), {"input": given}, dt=0.5, steps=4)
    both = np.concatenate([feed.chunk(0, 2)["input"], feed.chunk(2, 2)["input"]])
    np.testing.assert_array_equal(both, given.dense(0.5, 4))
    assert both[3, 0, 0, 3] == 2


def test_a_silent_input():
    feed = Feed(flat(), {}, dt=DT, steps=200, batch=2)
    assert feed.chunk(10, 5)["input"].shape == (5, 2, 2, 5)
    assert not feed.chunk(10, 5)["input"].any()


def test_events_beyond_the_end_are_refused_at_once():
    with pytest.raises(DataError, match="longer"):
        Feed(flat(), {"input": sn.Events.from_times([2.0], [0], shape=(2, 5))}, dt=0.5, steps=4)


# -- progress ------------------------------------------------------------------------------------------------


def test_progress_tells_time_speed_and_what_is_left():
    seen = []
    simulated("flat", progress=seen.append)
    assert [found.time for found in seen] == [15.0, 30.0, 45.0, 60.0, 75.0, 90.0, 100.0]
    assert [found.elapsed for found in seen] == sorted(found.elapsed for found in seen)
    assert all(found.real_time_factor > 0 for found in seen)
    assert seen[-1].fraction == 1.0
    assert seen[-1].remaining == 0.0
    middle = seen[3]
    assert middle.remaining == pytest.approx(middle.real_time_factor * 0.04)
    assert "real-time factor" in str(middle)


def test_the_first_chunk_counts_until_there_are_others(monkeypatch):
    """2 s for the first 10 ms, compiling, then 0.1 s for each: a factor of 10, not of what compiling took."""
    from snnsim.core import progress

    times = iter([0.0, 2.0, 2.1, 2.2])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
    seen = []
    with progress.following(seen.append, duration=100.0) as simulated_to:
        for time in (10.0, 20.0, 30.0):
            simulated_to(time)
    assert [found.real_time_factor for found in seen] == pytest.approx([200.0, 10.0, 10.0])
    assert seen[-1].remaining == pytest.approx(0.7)


def test_a_bar_goes_to_stderr(capsys):
    simulated("flat", progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "simulating" in err


def test_progress_without_chunks_cuts_long_runs(monkeypatch):
    monkeypatch.setattr("snnsim.core.simulate.STREAMED_STEPS", 60)
    seen = []
    simulated("layers", progress=seen.append, chunk=None)
    assert [found.time for found in seen] == [25.0, 50.0, 75.0, 100.0]  # 50 steps: the largest even part


# -- what goes wrong -----------------------------------------------------------------------------------------


def test_a_state_that_leaves_the_numbers_stops_the_run(tmp_path):
    """In the chunk where it happens; what came before is kept, and resuming fails at the same place again."""
    dense = events().dense(DT, 200)
    dense[100, 0, 0, 0] = np.nan
    for resume in (False, True):
        with pytest.raises(DivergenceError, match="at 60 ms"):
            sn.simulate(flat(), {"input": dense}, duration=DURATION, dt=DT, record={"e": ["spikes"]}, chunk=30,
                        sink=sn.io.RecordingFolder(tmp_path / "run", resume=resume, snapshot_every=0.0))
    assert (tmp_path / "run" / "unfinished" / "spikes.h5").exists()


def test_refusals():
    with pytest.raises(ConfigurationError, match="chunk"):
        simulated("flat", chunk=0)
    with pytest.raises(ConfigurationError, match="at most"):
        sn.simulate(flat(), duration=2.0**31 * 0.5, dt=0.5)
    with pytest.raises(ConfigurationError, match="snapshot_every"):
        sn.io.RecordingFolder("run", snapshot_every=-1.0)
