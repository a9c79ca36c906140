"""Count what a network does and price it on several machines; every constant comes with its source (10 s).

What to see: the idle machine often costs more than the spikes, and a count is not a price.
"""

import jax
import numpy as np

import snnsim as sn


def main():
    rng = np.random.default_rng(0)
    net = sn.Network(
        populations=dict(input=sn.Input(700), hidden=sn.LIF(128, tau_mem=20.0), output=sn.LIF(20, tau_mem=20.0)),
        projections=[sn.Projection("input", "hidden", sn.Dense(weight=jax.nn.initializers.normal(0.08))),
                     sn.Projection("hidden", "output", sn.Sparse(sn.FixedInDegree(32), weight=0.05), delay=2.0)],
        key=jax.random.key(0))
    spikes = (rng.random((500, 4, 700)) < 0.01).astype(np.float32)  # 10 spikes/s in steps of 1 ms
    recording = sn.simulate(net, {"input": spikes}, duration=500.0, dt=1.0,
                            record={"input": ["spikes"], "hidden": ["spikes", "v"], "output": ["spikes", "v"]})
    report = sn.hardware.report(net, recording, targets=["spinnaker", "loihi", "arithmetic"], title="A small network")
    print(f"{report.workload.spikes} spikes, {report.workload.events} synaptic events in "
          f"{report.workload.samples} samples of {recording.duration:g} ms")
    for outcome, cost in report.tables:
        energy = report.per_sample_j(cost)
        shown = "not known" if energy is None else f"{energy * 1e6:12.3f} uJ a sample"
        print(f"{outcome.title:12} {cost.table:24} {shown}")
    report.to_html("report.html", overwrite=True)
    print("open report.html for terms, sources, and what is left out")


if __name__ == "__main__":
    main()
