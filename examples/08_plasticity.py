"""Synapses that find what belongs together: spike-timing dependent plasticity of one cell (30 s).

A cell hears 500 noisy inputs; 100 of them tend to fire together. It is told nothing about them, yet their synapses
grow and all others fade. Beside it: the learning window, and a memory made of the same rule.

    python examples/08_plasticity.py
"""

import jax
import numpy as np

import snnsim as sn
from snnsim import plotting
from snnsim.models.memory import HippocampalMemory
from snnsim.plasticity import PairSTDP

INPUTS, GROUP, SECONDS = 500, 100, 40
RULE = PairSTDP(a_plus=0.005, a_minus=0.0055, tau_plus=20.0, tau_minus=20.0, w_max=0.04)


def spikes(seed, milliseconds):
    """Independent spikes at 15/s; now and then most of the group fires within one step."""
    rng = np.random.default_rng(seed)
    found = rng.random((milliseconds, 1, INPUTS)) < 0.015
    together = rng.random((milliseconds, 1, 1)) < 0.006
    found[:, :, :GROUP] |= together & (rng.random((milliseconds, 1, GROUP)) < 0.6)
    return found.astype(np.float32)


def window():
    """Change of weight by one pair of spikes, for every interval at once: pair i has its own two cells."""
    intervals = np.arange(-60, 61)
    n = len(intervals)
    net = sn.Network(dict(pre=sn.Input(n), drive=sn.Input(n), post=sn.LIF(n)), [
        sn.Projection("pre", "post", sn.OneToOne(0.02), synapse=RULE),
        sn.Projection("drive", "post", sn.OneToOne(2.0))], key=jax.random.key(0))
    pre, post = np.zeros((2, 200, 1, n), np.float32)
    pre[100], post[100 + intervals, 0, np.arange(n)] = 1.0, 1.0
    learned = sn.simulate(net, {"pre": pre, "drive": post}, duration=200.0).network()
    return intervals, (np.asarray(learned["pre_post"].connection.weight) - 0.02) / 0.04 * 100


def main():
    net = sn.Network(dict(input=sn.Input(INPUTS), cell=sn.LIF(1, tau_mem=10.0)),
                     [sn.Projection("input", "cell", sn.Dense(weight=0.02), delay=1.0, synapse=RULE)],
                     key=jax.random.key(0))
    state, history = None, [np.full(INPUTS, 0.02)]
    for second in range(SECONDS):
        recording = sn.simulate(net, {"input": spikes(second, 1000)}, duration=1000.0, state=state)
        state = recording.state
        history.append(np.asarray(recording.network()["input_cell"].connection.weight)[:, 0])
    history = np.array(history)
    grown, others = history[-1, :GROUP].mean(), history[-1, GROUP:].mean()
    print(f"mean weight of inputs that fire together {grown:.4f}, of the others {others:.4f}")

    memory = HippocampalMemory.empty(cues=5, bits=10).learn(0, [0, 1, 8, 9]).learn(4, [1, 5, 6])
    print(f"memory: cue 4 recalls bits {memory.recall(cue=4)}; bit 1 belongs to cues {memory.recall(content=[1])}")

    from matplotlib.figure import Figure
    figure = Figure(figsize=(9, 3), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2, 3))
    left.plot(*window(), color=plotting.PALETTE[0])
    left.set(title="learning window", xlabel="post after pre (ms)", ylabel="change (% of range)")
    picture = right.imshow(history.T, aspect="auto", origin="lower", extent=(0, SECONDS, 0, INPUTS), cmap="viridis")
    right.set(title=f"the first {GROUP} inputs fire together", xlabel="time (s)", ylabel="input")
    figure.colorbar(picture, label="weight")
    plotting.save(figure, "plasticity.png", overwrite=True)
    print("picture: plasticity.png")


if __name__ == "__main__":
    main()
