"""First spikes: one neuron, a few input spikes, and a picture of what happened.

    python examples/01_first_spikes.py
"""

import jax
import numpy as np

import snnsim as sn
from snnsim import plotting


def main():
    # Times in ms, and the unit in which each event happens.
    events = sn.Events.from_times([10.0, 12.0, 14.0, 40.0, 60.0, 61.0, 62.0], [0, 0, 0, 0, 0, 0, 0], shape=1)
    net = sn.Network(
        populations=dict(input=sn.Input(1), cell=sn.LIF(1, tau_mem=20.0, v_th=1.0)),
        projections=[sn.Projection("input", "cell", sn.Dense(weight=0.45))],
        key=jax.random.key(0),
    )
    recording = sn.simulate(net, {"input": events}, duration=100.0, dt=1.0, record={"cell": ["spikes", "v"]})

    print(f"input at  {events.times} ms")
    print(f"spikes at {recording.events('cell').times} ms")

    # Between inputs the membrane decays exactly as exp(-t / tau_mem): 0.45 at 10 ms, and at 11 ms
    v = np.asarray(recording["cell", "v"])[:, 0, 0]  # [time, batch, unit]
    print(f"v(10 ms) = {v[10]:.4f}, v(11 ms) = {v[11]:.4f} = 0.45 exp(-1/20) = {0.45 * np.exp(-1 / 20):.4f}")

    path = plotting.save(plotting.traces(recording, "cell"), "first_spikes.png", overwrite=True)
    print(f"picture: {path}")


if __name__ == "__main__":
    main()
