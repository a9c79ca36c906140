"""A large sparse network: 20,000 cells and two million synapses, drawn without ever holding a matrix.

Connection rules cost memory and time in the number of synapses that they draw, never in pairs of cells: the dense
matrix of this network would hold 400 million numbers.

    python examples/04_large_sparse.py
"""

import time

import jax
import numpy as np

import snnsim as sn
from snnsim import plotting

N_EXC, N_INH, N_IN, IN_DEGREE, DURATION = 16_000, 4_000, 1_000, 100, 50.0


def build():
    def sparse(share, weight):  # every cell receives the same number of synapses
        return sn.Sparse(sn.FixedInDegree(round(IN_DEGREE * share)), weight=weight)

    populations = dict(input=sn.Input(N_IN), exc=sn.LIF(N_EXC, tau_mem=20.0), inh=sn.LIF(N_INH, tau_mem=20.0))
    projections = []
    for post in ("exc", "inh"):
        projections += [sn.Projection("input", post, sparse(0.1, 0.25), delay=1.0),
                        sn.Projection("exc", post, sparse(0.8, 0.02), delay=2.0),
                        sn.Projection("inh", post, sparse(0.2, -0.1), delay=1.0)]
    return sn.Network(populations, projections, key=jax.random.key(0))


def main():
    begin = time.perf_counter()
    net = build()
    synapses = sum(p.connection.n_synapses for p in net.projections.values())
    print(f"{N_EXC + N_INH:,} cells and {synapses:,} synapses drawn in {time.perf_counter() - begin:.1f} s")

    rng = np.random.default_rng(0)
    n_events = round(N_IN * 30e-3 * DURATION)  # 30 spikes/s each
    events = sn.Events.from_times(rng.uniform(0, DURATION, n_events).round(1), rng.integers(0, N_IN, n_events),
                                  shape=N_IN, sort=True).crop(0.0, DURATION)
    for run in ("first run, with compilation", "second run"):
        begin = time.perf_counter()
        recording = sn.simulate(net, {"input": events}, duration=DURATION, dt=1.0,
                                record={"exc": ["spikes"], "inh": ["spikes"]})
        jax.block_until_ready(recording.counts)
        print(f"{run}: {time.perf_counter() - begin:.1f} s for {DURATION:g} ms")
    for name in ("exc", "inh"):
        rates = np.asarray(recording.rates(name))
        print(f"{name}: mean rate {rates.mean():.1f} spikes/s, {np.mean(rates > 0):.0%} of the cells fired")
    plotting.save(plotting.raster(recording), "large_sparse.png", overwrite=True)
    print("picture: large_sparse.png")


if __name__ == "__main__":
    main()
