"""`fit`: it learns, it is reproducible to the bit, it resumes, it refuses."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import snnsim as sn
from snnsim.core.errors import (
    ConfigurationError,
    DataError,
    DivergenceError,
    FileFormatError,
    OutputExistsError,
)
from snnsim.training import CrossEntropy, RateRegulariser, adam, evaluate, fit
from snnsim.training.run_folder import RunFolder


def toy(n=120, seed=0):
    """Two classes: the first or the second half of ten channels is busy."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    rate = np.where((np.arange(10) < 5) == (labels[:, None] == 0), 0.4, 0.1)
    dense = rng.random((20, n, 10)) < rate
    events = sn.Events.from_dense(dense.astype(np.float32), dt=1.0)
    return sn.LabelledEvents(events, labels, ("low", "high"), name="toy")


def net(hidden=12, seed=0, trainable=None, transforms=()):
    return sn.Network(
        dict(input=sn.Input(10), hidden=sn.LIF(hidden, tau_mem=10.0, surrogate=sn.neurons.FastSigmoid(5.0)),
             output=sn.LI(2)),
        [sn.Projection("input", "hidden", sn.Dense(bias=True), transforms=transforms),
         sn.Projection("hidden", "output", sn.Dense())],
        key=jax.random.key(seed), trainable=trainable)


def options(**changed):
    return dict(epochs=4, batch_size=20, dt=1.0, duration=20.0, seed=3) | changed


def same(a, b):
    return all(bool((x == y).all()) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def test_it_learns_and_leaves_the_first_network_alone():
    data, start = toy(), net()
    before = [np.array(leaf) for leaf in jax.tree.leaves(start)]
    trained, history = fit(start, data, **options(epochs=8, optimizer=adam(start, rates={"weight": 1e-2})))
    assert all((np.asarray(leaf) == old).all() for leaf, old in zip(jax.tree.leaves(start), before, strict=True))
    assert history[-1]["train_loss"] < 0.5 * history[0]["train_loss"]
    test = toy(seed=9)
    assert evaluate(trained, test, dt=1.0).accuracy > 0.9 > 0.75 > evaluate(start, test, dt=1.0).accuracy


def test_equal_seeds_give_equal_bits_and_others_do_not():
    results = [fit(net(), toy(), **options(seed=seed))[0] for seed in (3, 3, 4)]
    assert same(results[0], results[1])
    assert not same(results[0], results[2])


def test_resumed_equals_uninterrupted(tmp_path):
    whole, long = fit(net(), toy(), out=tmp_path / "whole", **options())
    optimizer = adam(net())

    class Stop(Exception):
        pass

    seen = []

    def interrupting(events, seed):
        seen.append(seed)
        if len(seen) == 3:
            raise Stop
        return events

    with pytest.raises(Stop):
        fit(net(), toy(), out=tmp_path / "cut", augment=interrupting, **options())
    assert len((tmp_path / "cut" / "metrics.jsonl").read_text().splitlines()) == 2
    again, history = fit(net(), toy(), out=tmp_path / "cut", resume=True, optimizer=optimizer, **options())
    assert same(whole, again)
    assert history == long
    for name in ("checkpoint.h5", "metrics.jsonl"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


KILLED = """
import sys, jax
sys.path.insert(0, {folder!r})
from test_fit import net, toy, options
from snnsim.training import fit
fit(net(), toy(), out={out!r}, resume={resume}, **options(epochs=40))
"""


@pytest.mark.slow
def test_sigkill_and_resume_end_in_the_same_file(tmp_path):
    folder = str(Path(__file__).parent)

    def start(out, resume):
        code = KILLED.format(folder=folder, out=str(tmp_path / out), resume=resume)
        return subprocess.Popen([sys.executable, "-c", code])

    assert start("whole", False).wait() == 0
    cut = start("cut", False)
    deadline = time.time() + 120
    while not (tmp_path / "cut" / "checkpoint.h5").exists():
        assert time.time() < deadline
        assert cut.poll() is None
        time.sleep(0.01)
    cut.send_signal(signal.SIGKILL)
    cut.wait()
    assert len((tmp_path / "cut" / "metrics.jsonl").read_text().splitlines()) < 40
    assert start("cut", True).wait() == 0
    digests = {hashlib.sha256((tmp_path / out / "checkpoint.h5").read_bytes()).hexdigest() for out in ("whole", "cut")}
    assert len(digests) == 1


def test_running_statistics_are_learned_and_used():
    start = net(transforms=[sn.BatchNorm()])
    trained, _ = fit(start, toy(), **options())
    moved = trained["input_hidden"].transforms[0]
    assert not bool((moved.mean == 0).all())
    assert np.isfinite(evaluate(trained, toy(seed=5), dt=1.0).loss)


def test_only_what_is_trainable_moves_and_stays_within_bounds():
    start = net(trainable={"hidden.tau_mem": True, "*.weight": False, "*.bias": False})
    hard = optax.sgd(1e4)
    trained, _ = fit(start, toy(), **options(optimizer=hard, epochs=1))
    assert same(start["input_hidden"], trained["input_hidden"])
    assert float(trained["hidden"].tau_mem) != 10.0
    assert float(trained["hidden"].tau_mem) >= 1e-3


def test_early_stopping_looks_at_validation_only():
    worse = toy(seed=1)
    worse = sn.LabelledEvents(worse.events, 1 - worse.labels, worse.classes)
    _, history = fit(net(), toy(), validation=worse, patience=2,
                     **options(epochs=30, optimizer=adam(net(), rates={"weight": 1e-2})))
    assert len(history) < 30
    losses = [line["validation_loss"] for line in history]
    assert min(losses[-2:]) >= min(losses[:-2])


def test_metrics_are_json_lines(tmp_path):
    _, history = fit(net(), toy(), out=tmp_path / "run", **options())
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == history
    assert history[0].keys() == {"epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy"}


def test_evaluation_does_not_depend_on_the_batch():
    scores = [evaluate(net(), toy(), dt=1.0, batch_size=size) for size in (7, 120)]
    assert (scores[0].predictions == scores[1].predictions).all()
    assert scores[0].loss == pytest.approx(scores[1].loss, rel=1e-5)
    assert scores[0].confusion.sum() == 120
    assert scores[0].spikes["input"] == pytest.approx(toy().events.n_events / 120)


@pytest.mark.parametrize(("changed", "error", "word"), [
    (dict(batch_size=500), ConfigurationError, "smaller batches"),
    (dict(epochs=0), ConfigurationError, "at least one epoch"),
    (dict(dt=0.3), ConfigurationError, "multiple of dt"),
    (dict(input="nothing"), ConfigurationError, "nothing"),
    (dict(output="nothing"), ConfigurationError, "nothing"),
    (dict(regularisers=[RateRegulariser("nothing")]), ConfigurationError, "nothing"),
])
def test_wrong_settings_are_refused(changed, error, word):
    with pytest.raises(error, match=word):
        fit(net(), toy(), **options(**changed))


def test_wrong_data_are_refused():
    data = toy()
    with pytest.raises(DataError, match="one unit a class"):
        fit(net(), sn.LabelledEvents(data.events, data.labels, ("a", "b", "c")), **options())
    only = data[np.flatnonzero(data.labels == 0)]
    with pytest.raises(DataError, match="no training sample of high"):
        fit(net(), only, **options())
    with pytest.raises(ConfigurationError, match="without trainable"):
        fit(net(trainable={"*": False}), data, **options())


def test_divergence_names_the_array_and_keeps_the_checkpoint(tmp_path):
    start = net()

    def break_later(step):
        return jnp.where(step < 8, -1e-3, jnp.nan)

    optimizer = optax.chain(optax.scale_by_adam(), optax.scale_by_schedule(break_later))
    with pytest.raises(DivergenceError, match="weight"):
        fit(start, toy(), out=tmp_path / "run", **options(optimizer=optimizer))
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) == 1


def test_folders_and_checkpoints_are_guarded(tmp_path):
    fit(net(), toy(), out=tmp_path / "run", **options())
    with pytest.raises(OutputExistsError, match="resume"):
        fit(net(), toy(), out=tmp_path / "run", **options())
    with pytest.raises(FileFormatError, match="seed = 3 \\(now 4\\)"):
        fit(net(), toy(), out=tmp_path / "run", resume=True, **options(seed=4))
    with pytest.raises(FileFormatError, match=r"this run was begun|network that the run"):
        fit(net(hidden=13), toy(), out=tmp_path / "run", resume=True, **options())
    path = tmp_path / "run" / "checkpoint.h5"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(FileFormatError):
        fit(net(), toy(), out=tmp_path / "run", resume=True, **options())


def test_another_version_is_refused(tmp_path, monkeypatch):
    fit(net(), toy(), out=tmp_path / "run", **options())
    monkeypatch.setattr("snnsim.io.snapshot.versions", lambda: {"snnsim": "9", "jax": jax.__version__})
    with pytest.raises(FileFormatError, match=r"snnsim = 0\.1\.0 \(now 9\)"):
        fit(net(), toy(), out=tmp_path / "run", resume=True, **options())


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path / "run", resume=False, settings={})
    folder.save({"a": jnp.ones(3)}, [{"epoch": 1}])
    before = (tmp_path / "run" / "checkpoint.h5").read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        folder.save({"a": jnp.zeros(3)}, [{"epoch": 1}, {"epoch": 2}])
    assert (tmp_path / "run" / "checkpoint.h5").read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["checkpoint.h5", "metrics.jsonl"]


def test_cross_entropy_readout_reaches_the_score():
    assert evaluate(net(), toy(), dt=1.0, loss=CrossEntropy("max")).loss != evaluate(net(), toy(), dt=1.0).loss
