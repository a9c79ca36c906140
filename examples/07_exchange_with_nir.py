"""Write a network for other simulators as a NIR graph, and read it back (5 s).

What to see: the graph that came back spikes at the same steps.
"""

import jax
import numpy as np

import snnsim as sn


def main():
    dense = sn.Dense(weight=jax.nn.initializers.uniform(8.0))
    net = sn.Network(
        populations=dict(input=sn.Input(4), cells=sn.LIF(3, tau_mem=10.0, reset_mechanism="zero")),
        projections=[sn.Projection("input", "cells", dense, port="current")],
        key=jax.random.key(1))
    sn.save(net, "cells.h5", overwrite=True)
    graph = sn.to_nir(net, "cells.nir", dt=1.0)
    print("nodes:", ", ".join(f"{name} ({type(node).__name__})" for name, node in graph.nodes.items()))

    back = sn.from_nir("cells.nir", dt=1.0, reset_mechanism="zero")
    spikes = (np.random.default_rng(0).random((100, 1, 4)) < 0.2).astype(np.float32)
    counts = []
    for network in (net, sn.load("cells.h5"), back):
        recording = sn.simulate(network, {network.inputs[0]: spikes}, duration=100.0)
        (sink,) = network.sinks
        counts.append(recording.events(sink).ticks.tolist())
    print(f"spikes at steps {counts[0][:8]} ...; the same after HDF5: {counts[0] == counts[1]}, "
          f"after NIR: {counts[0] == counts[2]}")


if __name__ == "__main__":
    main()
