"""Train a spiking network on digits before an event camera; weights and time constants are learned (20 s).

What to see: the accuracy on recordings that training never saw, and how far the time constants moved.
"""

import jax
import jax.numpy as jnp

import snnsim as sn
from snnsim import plotting
from snnsim.training import CrossEntropy, adam

EPOCHS, BATCH = 8, 64


def main():
    train, test = sn.datasets.event_digits()
    print(f"{len(train)} + {len(test)} recordings of shape {train.events.shape}, {train.events.duration:g} ms")
    net = sn.Network(
        populations=dict(
            input=sn.Input(train.events.shape),
            hidden=sn.LIF(96, tau_mem=jnp.full(96, 20.0), surrogate=sn.neurons.FastSigmoid(5.0)),
            output=sn.LI(10)),
        projections=[sn.Projection("input", "hidden", sn.Dense(bias=True)),
                     sn.Projection("hidden", "output", sn.Dense())],
        key=jax.random.key(0),
        trainable={"hidden.tau_mem": True})

    updates = EPOCHS * (len(train) // BATCH)
    optimizer = adam(net, rates={"weight": 4e-3, "neuron": 0.3}, steps=updates, schedule="one_cycle")
    net, log = sn.fit(net, train, dt=4.0, epochs=EPOCHS, batch_size=BATCH, optimizer=optimizer,
                      loss=CrossEntropy("mean"), validation=0.1, progress=True)

    score = sn.evaluate(net, test, dt=4.0)
    tau = net["hidden"].tau_mem
    print(f"test accuracy {score.accuracy:.1%}, {score.spikes['hidden']:.0f} spikes a recording")
    print(f"time constants from {float(tau.min()):.1f} to {float(tau.max()):.1f} ms (they began at 20)")
    plotting.save(plotting.training_curves(log), "training.png", overwrite=True)
    plotting.save(plotting.confusion(score.confusion, test.classes), "confusion.png", overwrite=True)
    sn.save(net, "digits.h5", overwrite=True)


if __name__ == "__main__":
    main()
