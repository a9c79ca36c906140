"""SIGKILL at any moment: the run goes on from its latest snapshot and ends with the same bytes."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import streamed_networks as nets

from snnsim.io import RecordingFolder


@pytest.fixture
def forks():
    """A process that forks one run after the other: ``run(folder, network, point)`` gives (pid, how it ended)."""
    process = subprocess.Popen([sys.executable, nets.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True)

    def run(*arguments, after=None):
        print(*arguments, file=process.stdin, flush=True)
        child = int(process.stdout.readline())
        if after is not None:
            time.sleep(after)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        return int(process.stdout.readline())
    yield run
    process.stdin.close()
    process.wait(timeout=60)


@pytest.mark.slow
def test_killed_at_every_kind_of_moment(forks, whole, tmp_path):
    """Killed before the n-th time that the disk is asked to keep, rename or remove a file, resumed, killed again."""
    name, folder, _ = whole
    killed, run = 0, tmp_path / "run"
    for point in (1, 2, 3, 5, 8, 13, 21, 7, 34, 4, 55, 11):
        killed += forks(run, name, point) == signal.SIGKILL
    assert killed >= 6
    assert forks(run, name) == 0
    assert nets.digests(run) == nets.digests(folder)
    assert not (run / "unfinished").exists()


@pytest.mark.slow
def test_killed_at_the_end(forks, tmp_path):
    """The last steps of the disk: the last snapshot, the joined files, the clearing away."""
    nets.simulated("flat", RecordingFolder(tmp_path / "whole"))
    for left in range(1, 12):
        run = tmp_path / f"run{left}"
        nets.interrupted("flat", run, at=400.0)
        assert forks(run, "flat", left) == signal.SIGKILL
        assert forks(run, "flat") == 0
        assert nets.digests(run) == nets.digests(tmp_path / "whole")


@pytest.mark.slow
def test_killed_at_random(forks, whole, tmp_path):
    name, folder, _ = whole
    rng = np.random.default_rng(int(time.time()))
    for attempt in range(5):
        run = tmp_path / f"run{attempt}"
        after = rng.uniform(0.5, 4.0)
        forks(run, name, after=after)
        assert forks(run, name) == 0, after
        assert nets.digests(run) == nets.digests(folder), after


def test_a_killed_process_leaves_a_whole_snapshot(tmp_path):
    """One kill in the middle of the run, in the fast suite too."""
    code = ("import os, signal, streamed_networks as nets, snnsim as sn\n"
            "def kill(found):\n    if found.time >= 120.0: os.kill(os.getpid(), signal.SIGKILL)\n"
            f"nets.simulated('flat', sn.io.RecordingFolder({str(tmp_path / 'run')!r}, snapshot_every=0.0), "
            "progress=kill)\n")
    ended = subprocess.run([sys.executable, "-c", code], cwd=Path(nets.__file__).parent, check=False)
    assert ended.returncode == -signal.SIGKILL
    times = []
    nets.simulated("flat", RecordingFolder(tmp_path / "run", resume=True), progress=lambda p: times.append(p.time))
    assert times[0] == 160.0
    nets.simulated("flat", RecordingFolder(tmp_path / "whole"))
    assert nets.digests(tmp_path / "run") == nets.digests(tmp_path / "whole")
