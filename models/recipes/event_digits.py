"""Handwritten digits before a simulated event camera: the quickstart's network, weights and time constants learned."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax

import snnsim as sn
from snnsim.datasets.transforms import one_per_step
from snnsim.models.recipes.recipe import Recipe
from snnsim.training.losses import CrossEntropy, RateRegulariser
from snnsim.training.optimisers import adam

HIDDEN, DT = 192, 4.0


def network(data: sn.LabelledEvents, key: jax.Array) -> sn.Network:
    """Camera, one spiking layer, leaky readout; each unit learns its own membrane time constant."""
    classes = len(data.classes)
    return sn.Network(
        dict(input=sn.Input(data.events.shape),
             hidden=sn.LIF(HIDDEN, tau_mem=jnp.full(HIDDEN, 20.0), surrogate=sn.neurons.FastSigmoid(5.0)),
             output=sn.LI(classes, tau_mem=jnp.full(classes, 20.0))),
        [sn.Projection("input", "hidden", sn.Dense(bias=True)),
         sn.Projection("hidden", "output", sn.Dense())],
        key=key, trainable={"hidden.tau_mem": True, "output.tau_mem": True})


def optimizer(network: sn.Network, updates: int) -> optax.GradientTransformation:
    """Adam with one cycle of the learning rate."""
    return adam(network, rates={"weight": 4e-3, "neuron": 0.3}, steps=updates, schedule="one_cycle")


RECIPE = Recipe(
    name="event-digits",
    summary="real handwritten digits in three saccades before a simulated event camera; 512-192-10, no download",
    data="event-digits",
    network=network,
    prepare=lambda data: one_per_step(data, DT),
    optimizer=optimizer,
    dt=DT,
    duration=120.0,
    epochs=24,
    batch_size=64,
    loss=CrossEntropy("mean"),
    regularisers=(RateRegulariser("hidden", high=6.0, strength=0.02),),
    reference="made as N-MNIST was (Orchard et al. 2015) from scikit-learn's digits (Alpaydin & Kaynak 1998)",
)
