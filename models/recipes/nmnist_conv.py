"""N-MNIST with a small convolutional network of LIF neurons."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax

import snnsim as sn
from snnsim.datasets.transforms import drop_events, one_per_step, spatial_shift
from snnsim.models.recipes.recipe import Recipe
from snnsim.training.losses import CrossEntropy
from snnsim.training.optimisers import adam

DT = 10.0


def network(data: sn.LabelledEvents, key: jax.Array) -> sn.Network:
    """Two strided convolutions and a leaky readout; time constants are learned, one a channel or class."""
    def lif(shape):
        return sn.LIF(shape, tau_mem=jnp.full((shape[0], 1, 1), 30.0), surrogate=sn.neurons.FastSigmoid(5.0))

    classes = len(data.classes)
    return sn.Network(
        dict(input=sn.Input(data.events.shape), conv1=lif((16, 17, 17)), conv2=lif((32, 9, 9)),
             output=sn.LI(classes, tau_mem=jnp.full(classes, 50.0))),
        [sn.Projection("input", "conv1", sn.Conv2d(5, stride=2, padding=2), transforms=[sn.BatchNorm()]),
         sn.Projection("conv1", "conv2", sn.Conv2d(3, stride=2, padding=1), transforms=[sn.BatchNorm()]),
         sn.Projection("conv2", "output", sn.Dense())],
        key=key, trainable={"*.tau_mem": True})


def augment(events: sn.Events, seed: int) -> sn.Events:
    """Shift by up to two pixels and lose a tenth of the events."""
    return drop_events(spatial_shift(events, 2, seed=seed), 0.1, seed=seed + 1)


def optimizer(network: sn.Network, updates: int) -> optax.GradientTransformation:
    """AdamW with one cycle of the learning rate."""
    return adam(network, rates={"weight": 4e-3, "neuron": 0.5}, steps=updates, schedule="one_cycle", weight_decay=1e-2)


RECIPE = Recipe(
    name="nmnist-conv",
    summary="N-MNIST, 34x34x2 in 10 ms steps; 16c5-32c3-10 with strides, LIF",
    data="nmnist",
    network=network,
    prepare=lambda data: one_per_step(data, DT),
    optimizer=optimizer,
    dt=DT,
    duration=300.0,
    epochs=30,
    batch_size=32,
    loss=CrossEntropy("mean"),
    augment=augment,
    validation=0.0,
    reference="data: Orchard et al. 2015; the network is ours and reproduces no paper",
)
