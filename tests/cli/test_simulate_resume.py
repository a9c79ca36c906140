"""`snnsim simulate MODEL --out --resume`: interrupted from outside, the run goes on and ends with the same spikes."""

import json
import signal
import subprocess
import sys
import time

import pytest

import snnsim as sn

MODEL = ["cuba", "--neurons", "500", "--duration", "20000", "--seed", "1"]


def command(*arguments):
    return [sys.executable, "-m", "snnsim", "simulate", *MODEL, *map(str, arguments)]


def ran(*arguments):
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_interrupted_and_resumed(tmp_path):
    done = ran("--out", tmp_path / "whole", "--json")
    assert done.returncode == 0, done.stderr
    whole = json.loads(done.stdout)
    running = subprocess.Popen(command("--out", tmp_path / "run"), stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "run" / "unfinished").exists():
        assert running.poll() is None
        time.sleep(0.02)
    time.sleep(1.5)  # it compiles, or is at work
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 1
    assert "--resume" in err
    assert "Traceback" not in err
    again = ran("--out", tmp_path / "run")
    assert again.returncode == 1
    assert "--resume" in again.stderr
    done = ran("--out", tmp_path / "run", "--resume", "--json")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "spikes.h5").read_bytes() == (tmp_path / "whole" / "spikes.h5").read_bytes()
    assert json.loads(done.stdout)["rates_hz"] == whole["rates_hz"]
    assert set(sn.io.read_sonata_spikes(tmp_path / "run" / "spikes.h5")) == set(whole["rates_hz"])
    other = ran("--out", tmp_path / "run", "--resume", "--dt", "0.05")
    assert other.returncode == 1
    assert "dt = 0.1 (now 0.05)" in other.stderr


def test_resume_needs_a_folder():
    done = ran("--resume")
    assert done.returncode == 1
    assert "--out" in done.stderr
