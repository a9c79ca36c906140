"""The command line as a person uses it: exit codes, one clear line, JSON on stdout."""

import contextlib
import dataclasses
import io
import json
import re
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.cli import main
from snnsim.cli.describe import _find, _row
from snnsim.datasets import write_npz


def snnsim(*arguments):
    """(exit code, stdout, stderr) of the entry point, called in this process."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["snnsim", *map(str, arguments)]
    code = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as stop:
        code = stop.code
    finally:
        sys.argv = before
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A quickstart of three epochs."""
    folder = tmp_path_factory.mktemp("quick") / "out"
    code, out, err = snnsim("quickstart", "--out", folder, "--seed", 0, "--epochs", 3, "--json")
    assert code == 0, err
    return folder, json.loads(out)


@pytest.fixture(scope="module")
def network_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("net") / "net.h5"
    net = sn.Network(dict(input=sn.Input(5), cells=sn.LIF(4, tau_mem=10.0)),
                     [sn.Projection("input", "cells", sn.Dense(weight=0.6))], key=jax.random.key(0))
    sn.save(net, path)
    return path


def test_quickstart_leaves_a_report(quick):
    folder, summary = quick
    assert summary["test"]["accuracy"] > 0.7
    page = (folder / "report.html").read_text()
    assert "data:image/png;base64" in page
    assert not re.search(r'(src|href)="(?!data:|#|https://|mailto:)', page)
    report = json.loads((folder / "report.json").read_text())
    assert {"spinnaker", "loihi", "cpu", "gpu"} <= set(report["targets"])
    assert report["accuracy"] == summary["test"]["accuracy"]
    assert report["workload"]["totals"]["spikes"] > 0


def test_quickstart_gives_the_same_numbers_again(quick, tmp_path):
    folder, _ = quick
    code, _, err = snnsim("quickstart", "--out", tmp_path / "again", "--seed", 0, "--epochs", 3)
    assert code == 0, err
    for name in ("report.json", "network.h5", "run.json", "report.html"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes(), name


def test_evaluate_and_report_open_a_run(quick, tmp_path):
    folder, summary = quick
    code, out, err = snnsim("evaluate", folder, "--json")
    assert code == 0, err
    assert json.loads(out)["accuracy"] == summary["test"]["accuracy"]
    code, out, err = snnsim("report", folder, "--targets", "loihi", "--out", tmp_path / "r.html", "--json")
    assert code == 0, err
    assert set(json.loads(out)["targets"]) == {"loihi"}
    assert (tmp_path / "r.html").exists()


def test_an_earlier_result_is_not_overwritten(quick):
    folder, _ = quick
    before = (folder / "run.json").read_bytes()
    code, out, err = snnsim("quickstart", "--out", folder)
    assert (code, out) == (1, "")
    assert "earlier results" in err
    assert len(err.strip().splitlines()) == 1
    assert (folder / "run.json").read_bytes() == before


@pytest.mark.parametrize(("arguments", "code", "word"), [
    (["train", "nothing", "--out", "x"], 1, "nmnist-conv"),
    (["train", "nmnist-conv", "--data", "missing", "--out", "x"], 1, "missing"),
    (["train"], 2, "Missing argument"),
    (["evaluate", "nowhere"], 1, "run.json"),
    (["quickstart", "--targets", "brain", "--out", "x"], 1, "brain"),
    (["describe", "unicorn"], 1, "unicorn"),
    (["data", "fetch", "imagenet"], 1, "imagenet"),
    (["convert", "a.txt", "b.txt"], 1, ".nir"),
    (["simulate", "file", "missing.h5", "--events", "e.npz", "--out", "x"], 1, "missing.h5"),
    (["bench", "unicorn"], 1, "unicorn"),
    (["nonsense"], 2, "nonsense"),
    (["train", "event-digits", "--out", "x", "--epochs", "0"], 2, "epochs"),
])
def test_mistakes_get_one_clear_line(arguments, code, word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, out, err = snnsim(*arguments)
    assert found == code, err
    assert out == ""
    assert word in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_describe_lif_has_units_defaults_equations_and_references():
    code, out, _ = snnsim("describe", "lif")
    assert code == 0
    for part in ("tau_mem dv/dt", "20.0", "ms", "membrane time constant", "References", "MOhm", "current (drive)"):
        assert part in out, part
    code, out, _ = snnsim("describe", "LIF", "--json")
    fields = {row["name"]: row for row in json.loads(out)["fields"]}
    assert fields["tau_mem"]["unit"] == "ms"
    assert fields["reset_mechanism"]["choices"] == ["subtract", "zero", "none"]


@pytest.mark.parametrize("name", [name for family in (sn.neurons, sn.synapses) for name, kind in vars(family).items()
                                  if isinstance(kind, type) and name[0].isupper()])
def test_everything_can_be_described(name):
    kind = _find(name)
    assert all(_row(field)["meaning"] for field in dataclasses.fields(kind) if field.metadata.get("kind"))


def test_simulate_keeps_spikes_and_a_raster(network_file, tmp_path):
    rng = np.random.default_rng(0)
    events = sn.Events.from_times(np.sort(rng.uniform(0, 100, 60)), rng.integers(0, 5, 60), shape=5)
    write_npz(tmp_path / "e.npz", events)
    code, out, err = snnsim("simulate", "file", network_file, "--events", tmp_path / "e.npz", "--out", tmp_path / "sim",
                            "--json")
    assert code == 0, err
    summary = json.loads(out)
    assert summary["spikes"]["cells"] > 0
    written = {path.name for path in (tmp_path / "sim").iterdir()}
    assert written == {"input.npz", "cells.npz", "raster.png", "simulation.json", "spikes.h5", "snapshot.h5"}
    spikes = sn.io.read_sonata_spikes(tmp_path / "sim" / "spikes.h5")
    assert spikes["cells"].n_events == summary["spikes"]["cells"]
    code, _, err = snnsim("simulate", "file", network_file, "--events", tmp_path / "e.npz", "--out", tmp_path / "sim")
    assert code == 1
    assert "--resume" in err
    code, again, err = snnsim("simulate", "file", network_file, "--events", tmp_path / "e.npz", "--out",
                              tmp_path / "sim", "--resume", "--json")
    assert code == 0, err
    assert json.loads(again) == summary


def test_convert_there_and_back(network_file, tmp_path):
    code, _, err = snnsim("convert", network_file, tmp_path / "net.nir", "--dt", 1.0)
    assert code == 0, err
    code, _, err = snnsim("convert", tmp_path / "net.nir", tmp_path / "back.h5", "--dt", 1.0)
    assert code == 0, err
    assert sn.load(tmp_path / "back.h5").sinks


def test_models_lists_the_recipes():
    code, out, _ = snnsim("models", "--json")
    assert code == 0
    assert {"event-digits", "nmnist-conv", "shd-recurrent"} <= set(json.loads(out))


@pytest.mark.slow
def test_interrupting_leaves_a_run_that_can_go_on(tmp_path):
    arguments = [sys.executable, "-m", "snnsim", "train", "event-digits", "--out", str(tmp_path / "run"),
                 "--epochs", "30"]
    running = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "run" / "checkpoint.h5").exists():
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 1
    assert "--resume" in err
    assert "Traceback" not in err
    done = len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines())
    assert 1 <= done < 30
