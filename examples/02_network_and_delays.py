"""A recurrent network in physical units whose every synapse has a delay of its own.

Eighty excitatory and twenty inhibitory cells with exponential currents, as in NEST's iaf_psc_exp, receive a volley
of spikes and pass it on. The same run without delays shows what the delays do.

    python examples/02_network_and_delays.py
"""

import jax
import numpy as np

import snnsim as sn
from snnsim import plotting

N_EXC, N_INH, DT = 80, 20, 0.1  # DT in ms


def cells(n):
    return sn.Refractory(sn.LIFPscExp(n, tau_mem=10.0, reset_mechanism="zero", i_e=0.355), t_ref=2.0)


def build(longest_delay):
    """The network; recurrent delays are drawn between DT and `longest_delay` (ms)."""
    rng = np.random.default_rng(0)

    def delays(n_pre, n_post):  # one a synapse, on the grid of time steps
        return sn.Delay(rng.integers(1, round(longest_delay / DT) + 1, (n_pre, n_post)) * DT)

    populations = dict(input=sn.Input(20), exc=cells(N_EXC), inh=cells(N_INH))
    projections = [sn.Projection("input", "exc", sn.Sparse(sn.FixedOutDegree(10), weight=0.5), port="exc")]
    for pre, n_pre, weight in (("exc", N_EXC, 0.04), ("inh", N_INH, -0.12)):
        for post, n_post in (("exc", N_EXC), ("inh", N_INH)):
            projections.append(sn.Projection(pre, post, sn.Dense(weight=weight), delay=delays(n_pre, n_post), port=pre))
    return sn.Network(populations, projections, key=jax.random.key(0))


def main():
    rng = np.random.default_rng(1)
    volley = sn.Events.from_times(np.sort(rng.uniform(20.0, 25.0, 20)), np.arange(20), shape=20)
    for longest in (DT, 10.0):
        net = build(longest)
        recording = sn.simulate(net, {"input": volley}, duration=150.0, dt=DT,
                                record={"exc": ["spikes"], "inh": ["spikes"]})
        first = recording.events("exc").times
        rates = {name: float(recording.rates(name).mean()) for name in ("exc", "inh")}
        print(f"delays up to {longest:4.1f} ms: {len(first)} excitatory spikes from {first.min():.1f} ms on, "
              f"mean rates {rates['exc']:.1f} and {rates['inh']:.1f} spikes/s")
    # The graph of the network decides how it is run: what forms a cycle steps through time together.
    for component in net.components():
        print(f"{'steps together' if component.cyclic else 'runs on its own'}: {', '.join(component.populations)}")
    plotting.save(plotting.raster(recording), "network_raster.png", overwrite=True)
    plotting.save(plotting.network_diagram(net), "network_diagram.png", overwrite=True)
    plotting.save(plotting.parameter_histogram(net, "exc_exc.delay.value"), "network_delays.png", overwrite=True)
    print("pictures: network_raster.png, network_diagram.png, network_delays.png")


if __name__ == "__main__":
    main()
