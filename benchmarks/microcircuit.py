"""The cortical microcircuit: seconds of building, seconds of work for one second of the network, and its rates.

    python benchmarks/microcircuit.py --scale 1 --repeats 5

Building is the network (drawn on the host by threads) and the table of synapses (moved to the device). A run is one
biological second after 200 ms, spikes recorded; "quiet" is the same without external input, when no neuron spikes:
what updating and waiting cost without sending. Rates stand beside the published ones.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from statistics import median

import equinox as eqx
import jax
import jax.numpy as jnp
from harness import machine

import snnsim as sn
from snnsim.core.chunks import runner
from snnsim.models.cortex import compare, microcircuit, microcircuit_start, of_microcircuit

DT, BEGIN, DURATION = 0.1, 200.0, 1000.0  # ms


def seconds(run) -> tuple[float, object]:
    """(wall time, result) of a call whose result is there when it returns."""
    begin = time.perf_counter()
    result = run()
    return time.perf_counter() - begin, result


def main() -> None:
    """Build, run, print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--in-degree-scale", type=float, default=None)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    key = jax.random.key(chosen.seed)
    drawing, network = seconds(lambda: microcircuit(chosen.scale, chosen.in_degree_scale, key=key))
    laying, _ = seconds(lambda: jax.block_until_ready(runner(network, {}, DT, True).flat.weight))
    state = microcircuit_start(network, key=jax.random.key(chosen.seed + 1))
    cells = [name for name, neuron in network.populations.items() if neuron.ports]
    quiet = eqx.tree_at(lambda net: [net.populations[f"external_{name}"].rate for name in cells], network,
                        replace_fn=jnp.zeros_like)

    def run(net, state, duration):
        return sn.simulate(net, duration=duration, dt=DT, state=state, seed=chosen.seed,
                           record={name: ["spikes"] for name in cells})

    first, begun = seconds(lambda: run(network, state, BEGIN))
    run(network, begun.state, DURATION)
    timed = [seconds(lambda: run(network, begun.state, DURATION)) for _ in range(chosen.repeats)]
    run(quiet, state, DURATION)
    silent = [seconds(lambda: run(quiet, state, DURATION))[0] for _ in range(chosen.repeats)]
    recording = timed[-1][1]
    rates = {name: float(recording.rates(name).mean()) for name in cells}
    print(json.dumps({
        "question": "microcircuit", "scale": chosen.scale, "in_degree_scale": chosen.in_degree_scale,
        "neurons": sum(network.populations[name].size for name in cells), "path": recording.path,
        "drawing_s": round(drawing, 2), "table_s": round(laying, 2), "first_call_s": round(first, 2),
        "real_time_factor": median(time for time, _ in timed) / (DURATION * 1e-3),
        "quiet_real_time_factor": median(silent) / (DURATION * 1e-3), "repeats": chosen.repeats, "seed": chosen.seed,
        "rates": compare(rates, of_microcircuit()), "machine": machine(), "command": " ".join(sys.argv),
    }, sort_keys=True))


if __name__ == "__main__":
    main()
