"""Small networks whose long simulations the tests of streaming write, stop and resume; one for each way to run.

Run as a script it forks one process for each line of standard input, ``folder network [point]``: each simulates
into its folder, resuming what is there, and kills itself with SIGKILL at that point of the disk's work, or when it
is told to. JAX starts in the children, so that forking is safe and its import is paid once.
"""

import functools
import hashlib
import os
import signal
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest

import snnsim as sn

DURATION, DT, CHUNK = 400.0, 0.5, 80
RECORD = {"flat": {"e": ["spikes", "v"], "i": ["spikes"], "input": ["spikes"]},
          "layers": {"e": ["spikes"], "out": ["output"]}}


def network(name, seed=0):
    """An event-driven recurrent network ("flat"), or one of dense projections with noise ("layers")."""
    import jax

    key = jax.random.key(seed)
    if name == "layers":
        noisy = sn.Noisy(sn.LIF(30, tau_mem=20.0), sigma=0.05)
        return sn.Network(dict(input=sn.Input(20), e=noisy, out=sn.LI(3)),
                          [sn.Projection("input", "e", sn.Dense(weight=0.1), delay=1.0),
                           sn.Projection("e", "e", sn.Dense(), delay=2.0), sn.Projection("e", "out", sn.Dense())],
                          key=key)

    def sparse(weight):
        return sn.Sparse(sn.FixedProbability(0.2), weight=weight)
    return sn.Network(dict(input=sn.Input(20), e=sn.LIF(80, tau_mem=20.0), i=sn.LIF(20, tau_mem=10.0)),
                      [sn.Projection("input", "e", sparse(0.5), delay=1.0),
                       sn.Projection("e", "i", sparse(0.3), delay=1.5),
                       sn.Projection("i", "e", sparse(-0.4), delay=1.0)], key=key)


kept = functools.cache(network)


def events(seed=0):
    """Poisson input, several events of a unit in one step among them."""
    rng = np.random.default_rng(seed)
    return sn.Events.from_times(np.sort(rng.uniform(0, DURATION, 4000)), rng.integers(0, 20, 4000), shape=20)


def simulated(name, sink=None, **changes):
    """The recording of a network, in memory or with a sink."""
    given = dict(duration=DURATION, dt=DT, record=RECORD[name], chunk=CHUNK, seed=3) | changes
    return sn.simulate(given.pop("network", None) or kept(name), {"input": given.pop("events", None) or events()},
                       sink=sink, **given)


class Stop(Exception):
    """Ends a simulation from within."""


def stop_at(time, error=Stop):
    def progress(found):
        if found.time >= time:
            raise error
    return progress


def interrupted(name, folder, at=200.0, error=Stop, **given):
    with pytest.raises(error):
        simulated(name, sn.io.RecordingFolder(folder, **{"snapshot_every": 0.0} | given), progress=stop_at(at, error))


def digests(folder):
    """SHA-256 of every file of a folder, by name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(Path(folder).iterdir())
            if path.is_file()}


def _kill_at(point):
    """Before the disk is asked for the `point`-th time to keep or rename something, the process is killed."""
    from snnsim.io import atomic

    count = 0

    def counted(real):
        def call(*arguments, **named):
            nonlocal count
            count += 1
            if count == point:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)
        return call
    atomic._sync, Path.replace, Path.unlink = counted(atomic._sync), counted(Path.replace), counted(Path.unlink)


def _child(folder, name, point=None):
    if point:
        _kill_at(int(point))
    simulated(name, sn.io.RecordingFolder(folder, resume=True, snapshot_every=0.0))


if __name__ == "__main__":
    import snnsim.io  # before the fork, with all that it needs

    for line in sys.stdin:
        child = os.fork()
        if not child:
            code = 1
            try:
                _child(*line.split())
                code = 0
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(code)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)
