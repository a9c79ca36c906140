"""Weak scaling over two devices: twice the network on twice the devices, and one network split over both.

    python benchmarks/several_devices.py                                            on two GPUs, at full scale
    python benchmarks/several_devices.py --scale 0.02 --duration 200 --virtual 2    a try on a CPU

Two cortical microcircuits, one on each device, are joined by long-range synapses of one delay: each excitatory unit
sends to the same population of the other circuit. Devices exchange spikes once in that delay, so that it is the length
of a round. Weak scaling is the time of one circuit on one device over that of two on two: 1 is perfect. Spike counts of
the pair must not depend on the number of devices (`result`). One circuit split over two devices has delays of one step
between them: every step waits for the other device, and the figure is reported as it is.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from typing import Any
from zlib import crc32

import equinox as eqx
import jax
import numpy as np
from harness import compare

import snnsim as sn
from snnsim.core.state import SimulationState, initial_state
from snnsim.models.cortex.microcircuit import microcircuit, microcircuit_plan, microcircuit_start

DT, WARM_UP = 0.1, 200.0  # ms
LONG_RANGE = 100  # synapses of a unit from the other circuit, beside some 3900 from its own at full scale
SENDERS = ("L23E", "L5E")


def pair(circuits: list[sn.Network], weight: float, delay: float, key: jax.Array) -> sn.Network:
    """The circuits side by side, joined in a ring by long-range synapses."""
    populations, projections = {}, {}
    for k, circuit in enumerate(circuits):
        populations |= {f"{name}_{k}": neuron for name, neuron in circuit.populations.items()}
        projections |= {f"{name}_{k}": dataclasses.replace(p, pre=f"{p.pre}_{k}", post=f"{p.post}_{k}")
                        for name, p in circuit.projections.items()}
        for name in SENDERS:
            rule = sn.Sparse(sn.FixedInDegree(LONG_RANGE, multiple=True), weight=weight)
            projections[f"long_{name}_{k}"] = sn.Projection(
                f"{name}_{k}", f"{name}_{(k + 1) % len(circuits)}", rule, port="exc", delay=delay)
    return sn.Network(populations, projections, key=key)


def begun(network: sn.Network, circuits: list[sn.Network], suffixes: list[str], **where: Any) -> SimulationState:
    """The state after `WARM_UP`, each circuit begun as it would alone."""
    state = initial_state(network, 1, DT)
    populations = dict(state.populations)
    for k, (circuit, suffix) in enumerate(zip(circuits, suffixes, strict=True)):
        start = microcircuit_start(circuit, key=jax.random.key(100 + k), dt=DT)
        populations |= {f"{name}{suffix}": units for name, units in start.populations.items()}
    state = eqx.tree_at(lambda s: s.populations, state, populations)
    return sn.simulate(network, duration=WARM_UP, dt=DT, state=state, record={}, **where).state


def measure(contestant: str, network: sn.Network, state: SimulationState, options: argparse.Namespace, **where: Any,
            ) -> dict[str, Any]:
    """Time a network on some devices; a contestant has the memory of its devices for itself."""
    cells = [name for name, neuron in network.populations.items() if neuron.ports]

    def run():
        rec = sn.simulate(network, duration=options.duration, dt=DT, state=state, seed=1, record={}, **where)
        counts = [np.asarray(rec.counts[name]) for name in cells]
        return {"spikes": int(sum(count.sum() for count in counts)), "path": rec.path,
                "counts_crc32": crc32(b"".join(count.tobytes() for count in counts))}
    facts = {"scale": options.scale, "duration_ms": options.duration, "devices": where.get("devices", 1),
             "neurons": sum(network.populations[name].size for name in cells)}
    return compare("several devices", {contestant: run}, repeats=options.repeats, **facts)[0]


def main() -> None:
    """Time all contestants, then print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the neurons of a microcircuit")
    parser.add_argument("--duration", type=float, default=2000.0, help="simulated time (ms)")
    parser.add_argument("--delays", default="1,2,5", help="delays between the circuits (ms), by commas")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--virtual", type=int, default=0, help="count a CPU as so many devices")
    parser.add_argument("--split", action=argparse.BooleanOptionalAction, default=True, help="also one circuit on two")
    options = parser.parse_args()
    if options.virtual:  # read when JAX is asked for devices for the first time
        os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={options.virtual}"

    circuits = [microcircuit(options.scale, key=jax.random.key(k), dt=DT) for k in range(2)]
    alone = circuits[0]
    state = begun(alone, circuits[:1], [""])
    single = measure("one circuit on one device", alone, state, options)["median_ms"]
    ratios: dict[str, Any] = {}
    if options.split:
        split = measure("one circuit split over two devices", alone, state, options, devices=2)["median_ms"]
        ratios["split, speed relative to one device"] = single / split
    weight = microcircuit_plan(options.scale).external_weight
    for delay in map(float, options.delays.split(",")):
        network = pair(circuits, weight, delay, jax.random.key(7))
        where = {"devices": 2, "placement": {name: int(name[-1]) for name in network.populations}}
        state = begun(network, circuits, ["_0", "_1"])
        both = measure(f"two circuits on one device, {delay:g} ms apart", network, state, options)
        apart = measure(f"two circuits on two devices, {delay:g} ms apart", network, state, options, **where)
        ratios[f"{delay:g} ms"] = {"weak scaling": single / apart["median_ms"],
                                   "speed relative to one device": both["median_ms"] / apart["median_ms"],
                                   "same counts": both["result"]["counts_crc32"] == apart["result"]["counts_crc32"]}
    print(json.dumps({"question": "several devices, ratios", "scale": options.scale, **ratios}), flush=True)


if __name__ == "__main__":
    main()
