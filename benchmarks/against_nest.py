"""The cortical microcircuit here and in NEST: several networks of the same plan, distributions side by side.

    python benchmarks/against_nest.py --scale 0.1 --in-degree-scale 0.1 --networks 5 --out microcircuit_nest.png

Networks, beginnings and inputs are drawn apart, so that spikes differ and distributions must not: rates of neurons,
coefficients of variation of their intervals, correlations of the spike counts of pairs in bins of 5 ms. For each the
Kolmogorov-Smirnov distance of both simulators, pooled over networks, stands beside the same distance for every other
way to part all networks into two halves; ``p`` is the share of these that are at least as far apart (neurons of one
network are no independent samples, networks are). Seconds are processor time of one process; NEST runs one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import jax
import numpy as np
from harness import machine

import snnsim as sn
from snnsim.models.cortex import microcircuit, microcircuit_plan, microcircuit_start
from snnsim.models.cortex import microcircuit_constants as c
from snnsim.statistics import SpikeTrains, cv_isi, pair_correlations, rates

DT, TRANSIENT, DURATION = 0.1, 200.0, 1000.0  # ms
BIN, MOST = 5.0, 100  # ms; neurons of a population and network whose pairs are correlated
Spikes = dict[str, sn.Events]  # by population, times from the end of the transient


def ours(scale: float, in_degree_scale: float | None, seed: int, transient: float = TRANSIENT,
         duration: float = DURATION) -> Spikes:
    """Spikes of one network of ours."""
    network = microcircuit(scale, in_degree_scale, key=jax.random.key(seed))
    state = microcircuit_start(network, key=jax.random.key(seed + 1000))
    recording = sn.simulate(network, duration=transient + duration, dt=DT, state=state, seed=seed,
                            record={name: ["spikes"] for name in c.POPULATIONS})
    return {name: recording.events(name).crop(transient, transient + duration) for name in c.POPULATIONS}


def theirs(scale: float, in_degree_scale: float | None, seed: int, transient: float = TRANSIENT,
         duration: float = DURATION) -> Spikes:
    """Spikes of one network of the same plan, built and run by NEST in its units (mV, pA, pF)."""
    os.environ.setdefault("PYNEST_QUIET", "1")  # no banner among the lines of JSON
    import nest

    plan = microcircuit_plan(scale, in_degree_scale)
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.resolution, nest.rng_seed, nest.local_num_threads = DT, seed + 1, 1
    cells, recorders = [], []
    for i, size in enumerate(plan.neurons):
        cells.append(nest.Create("iaf_psc_exp", int(size), params={
            "C_m": 1e3 * c.C_M, "tau_m": c.TAU_MEM, "tau_syn_ex": c.TAU_SYN, "tau_syn_in": c.TAU_SYN, "E_L": c.E_L,
            "V_th": c.V_TH, "V_reset": c.V_RESET, "t_ref": c.T_REF, "I_e": 1e3 * plan.currents[i]}))
        cells[i].V_m = nest.random.normal(c.START_MEAN["optimized"][i], c.START_STD["optimized"][i])
        source = nest.Create("poisson_generator", params={"rate": plan.external_rates[i]})
        nest.Connect(source, cells[i], syn_spec={"weight": 1e3 * plan.external_weight, "delay": c.DELAY_EXCITATORY})
        recorders.append(nest.Create("spike_recorder"))
        nest.Connect(cells[i], recorders[i])
    for (i, j), number in np.ndenumerate(plan.synapses):
        weight, delay = 1e3 * plan.weights[i, j], c.DELAY_EXCITATORY if j % 2 == 0 else c.DELAY_INHIBITORY
        low, high = (0.0, np.inf) if weight > 0 else (-np.inf, 0.0)
        nest.Connect(cells[j], cells[i], {"rule": "fixed_total_number", "N": int(number)}, {
            "weight": nest.math.redraw(nest.random.normal(weight, c.WEIGHT_CV * abs(weight)), min=low, max=high),
            "delay": nest.math.redraw(nest.random.normal(delay, c.DELAY_CV * delay), min=DT / 2, max=np.inf)})
    nest.Simulate(transient + duration)
    found = {}
    for name, population, recorder in zip(c.POPULATIONS, cells, recorders, strict=True):
        events = recorder.get("events")  # NEST stamps the end of a step, we its beginning
        spikes = sn.Events.from_times(events["times"] - DT, events["senders"] - population[0].global_id,
                                      shape=len(population), resolution=DT, sort=True)
        found[name] = spikes.crop(transient, transient + duration)
    return found


def measures(spikes: Mapping[str, sn.Events], duration: float = DURATION) -> dict[str, dict[str, np.ndarray]]:
    """Values of each quantity by population, without what is not defined."""
    found: dict[str, dict[str, np.ndarray]] = {"rate": {}, "cv": {}, "correlation": {}}
    for name, events in spikes.items():
        trains = SpikeTrains.of(events, stop=duration)
        values = rates(trains), cv_isi(trains), pair_correlations(trains, bin_size=BIN, most=MOST)
        for kind, each in zip(found, values, strict=True):
            found[kind][name] = np.ravel(each)[np.isfinite(np.ravel(each))]
    return found


def split_distances(values: Sequence[np.ndarray]) -> np.ndarray:
    """Kolmogorov-Smirnov distances of two halves of these samples, for every way to halve them.

    The first is that of the first half of the list and the second.
    """
    n = len(values)
    grid = np.unique(np.concatenate(values))
    below = np.stack([np.searchsorted(np.sort(sample), grid, side="right") for sample in values]).astype(float)
    sizes = np.array([len(sample) for sample in values], float)
    halves = np.zeros((0, n))
    for others in combinations(range(1, n), n // 2 - 1):  # a half and its complement are one way
        halves = np.vstack([halves, np.isin(np.arange(n), (0, *others))])
    shares = [part @ below / (part @ sizes)[:, None] for part in (halves, 1 - halves)]
    return np.abs(shares[0] - shares[1]).max(1)


def comparison(one: Sequence[Mapping], other: Sequence[Mapping]) -> dict[str, dict]:
    """By quantity: mean distance of the populations' distributions, those of each, and p.

    Args:
        one: `measures` of some networks.
        other: of as many others.
    """
    found = {}
    for kind in one[0]:
        by_population = {name: split_distances([network[kind][name] for network in (*one, *other)])
                         for name in one[0][kind]}
        mean = np.mean(list(by_population.values()), 0)
        found[kind] = {"distance": round(float(mean[0]), 4), "p": round(float((mean >= mean[0] - 1e-12).mean()), 4),
                       "splits": len(mean), "median_split": round(float(np.median(mean)), 4),
                       "by_population": {name: round(float(each[0]), 4) for name, each in by_population.items()}}
    return found


def means(networks: Sequence[Mapping]) -> dict[str, dict[str, float]]:
    """Mean of each quantity by population, over networks."""
    return {kind: {name: round(float(np.mean([network[kind][name].mean() for network in networks])), 4)
                   for name in networks[0][kind]} for kind in networks[0]}


def main() -> None:
    """Run both, print one JSON line, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--in-degree-scale", type=float, default=0.1, help="NEST's example scales both to 0.1")
    parser.add_argument("--networks", type=int, default=5, help="of each simulator")
    parser.add_argument("--duration", type=float, default=DURATION, help="ms after a transient of 200 ms")
    parser.add_argument("--out", type=Path, help="picture (.png, .svg or .pdf); replaced if it exists")
    chosen = parser.parse_args()
    if chosen.networks < 2:
        parser.error("two networks of each are needed to know how far networks are apart")
    spikes, seconds = {}, {}
    for name, run in (("snnsim", ours), ("NEST", theirs)):
        begin = time.process_time()
        spikes[name] = [run(chosen.scale, chosen.in_degree_scale, seed, duration=chosen.duration)
                        for seed in range(chosen.networks)]
        seconds[name] = round((time.process_time() - begin) / chosen.networks, 2)
    measured = {name: [measures(one, chosen.duration) for one in each] for name, each in spikes.items()}
    print(json.dumps({
        "question": "microcircuit_against_nest", "scale": chosen.scale, "in_degree_scale": chosen.in_degree_scale,
        "networks": chosen.networks, "duration_ms": chosen.duration, "transient_ms": TRANSIENT, "bin_ms": BIN,
        "means": {name: means(each) for name, each in measured.items()},
        "comparison": comparison(measured["snnsim"], measured["NEST"]),
        "cpu_seconds_per_network": seconds, "machine": machine(), "command": " ".join(sys.argv)}, sort_keys=True))
    if chosen.out is not None:
        from snnsim.plotting import save, spike_statistics

        pooled = {name: {p: sn.Events.concatenate([one[p] for one in each]) for p in c.POPULATIONS}
                  for name, each in spikes.items()}
        save(spike_statistics(pooled["snnsim"], reference=pooled["NEST"], reference_name="NEST", stop=chosen.duration,
                              bin_size=BIN, most=MOST,
                              title=f"Microcircuit, scales {chosen.scale:g} and {chosen.in_degree_scale:g}"),
             chosen.out, overwrite=True, dpi=100)


if __name__ == "__main__":
    main()
