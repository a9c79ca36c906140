"""CUBA, the balanced network of Vogels & Abbott, against Brian2's C++ standalone mode.

    python benchmarks/against_brian2.py --sizes 4000,40000

Both simulate one biological second in steps of 0.1 ms and record all spikes; 80 synapses onto a neuron in the mean.
Brian2 runs with -O3 -march=native -ffast-math, in single and in double precision, with 1 and with all threads, each a
contestant. Its figure is the time of its network loop as its own program reports it, without reading its synapses;
ours is the whole call of `simulate`. Building and compilation stand apart (`first_call_ms`, for Brian2 the whole
build). The mean rate is printed for each: networks are drawn apart, so that rates agree within their spread.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
from harness import Timed, compare

import snnsim as sn
from snnsim.models.cortex import cuba, cuba_start

DURATION, DT = 1000.0, 0.1  # ms

# Run in a process of its own, since Brian2's device is global: builds the program and leaves.
BUILD = """
import sys
import brian2 as b
import numpy as np
from brian2 import ms, mV

neurons, threads, precision, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
b.prefs.core.default_float_dtype = getattr(np, precision)
b.prefs.codegen.cpp.extra_compile_args_gcc = ["-O3", "-march=native", "-ffast-math", "-w"]
b.prefs.devices.cpp_standalone.openmp_threads = threads
b.set_device("cpp_standalone", build_on_run=False, directory=folder)
b.seed(0)
b.defaultclock.dt = DT * ms
cells = b.NeuronGroup(neurons, '''
    dv/dt = (g_exc + g_inh - (v + 49*mV)) / (20*ms) : volt (unless refractory)
    dg_exc/dt = -g_exc / (5*ms) : volt
    dg_inh/dt = -g_inh / (10*ms) : volt
''', threshold="v > -50*mV", reset="v = -60*mV", refractory=5*ms, method="exact")
cells.v = "-60*mV + rand() * 10*mV"
split = int(0.8 * neurons)
exc = b.Synapses(cells[:split], cells, on_pre="g_exc += 1.62*mV")
inh = b.Synapses(cells[split:], cells, on_pre="g_inh -= 9*mV")
for synapses in (exc, inh):
    synapses.connect(p=80.0 / neurons)
spikes = b.SpikeMonitor(cells)
b.run(DURATION * ms)
b.device.build(run=False, compile=True, with_output=False, directory=folder)
"""


def brian2_standalone(neurons: int, threads: int, precision: str, folder: Path):
    """A contestant: the first call builds and runs Brian2's program, later ones run it."""
    built = []

    def run():
        if not built:
            script = BUILD.replace("DT", str(DT)).replace("DURATION", str(DURATION))
            subprocess.run([sys.executable, "-c", script, str(neurons), str(threads), precision, str(folder)],
                           check=True, capture_output=True)
            built.append(True)
        environment = os.environ | {"OMP_NUM_THREADS": str(max(1, threads))}
        subprocess.run(["./main"], cwd=folder, env=environment, check=True, capture_output=True)
        seconds, _ = (folder / "results" / "last_run_info.txt").read_text().split()
        count = (next((folder / "results").glob("_dynamic_array_spikemonitor_i*"))).stat().st_size / 4
        return Timed(float(seconds), round(count / neurons / (DURATION * 1e-3), 2))
    return run


def ours(neurons: int):
    """A contestant: `simulate`, spikes recorded."""
    begin = time.perf_counter()
    network = cuba(neurons, key=jax.random.key(0))
    state = cuba_start(network, key=jax.random.key(1), dt=DT)
    record = {name: ["spikes"] for name in network.populations}
    built = time.perf_counter() - begin

    def run():
        recording = sn.simulate(network, duration=DURATION, dt=DT, state=state, record=record)
        total = sum(int(counts.sum()) for counts in recording.counts.values())
        return {"rate_hz": round(total / neurons / (DURATION * 1e-3), 2), "path": recording.path,
                "building_ms": round(1e3 * built, 1)}
    return run


def main() -> None:
    """Measure each size; Brian2 is left out with a notice where it is not installed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="4000,40000")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", default=f"1,{os.cpu_count() or 1}", help="of Brian2's programs, by commas")
    chosen = parser.parse_args()
    try:
        import brian2  # noqa: F401
        peers = [(threads, precision) for threads in sorted({int(n) for n in chosen.threads.split(",")})
                 for precision in ("float32", "float64")]
    except ImportError as error:
        print(f"# Brian2 left out: {error}")
        peers = []
    for neurons in (int(size) for size in chosen.sizes.split(",")):
        with tempfile.TemporaryDirectory() as scratch:
            contestants = {"snnsim": ours(neurons)}
            for threads, precision in peers:
                name = f"brian2 {precision}, {threads} thread{'s' * (threads > 1)}"
                # Brian2 counts a program without OpenMP as 0 threads.
                contestants[name] = brian2_standalone(neurons, 0 if threads == 1 else threads, precision,
                                                        Path(scratch) / f"{precision}-{threads}")
            compare("cuba", contestants, repeats=chosen.repeats, neurons=neurons, duration_ms=DURATION, dt_ms=DT)


if __name__ == "__main__":
    main()
