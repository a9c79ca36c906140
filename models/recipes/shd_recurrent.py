"""Spiking Heidelberg Digits (or files of its layout): one recurrent layer of adaptive LIF neurons with delays."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax

import snnsim as sn
from snnsim.core.keys import named_key
from snnsim.datasets.transforms import channel_pool, channel_shift, drop_events
from snnsim.models.recipes.recipe import Recipe
from snnsim.training.losses import CrossEntropy, RateRegulariser
from snnsim.training.optimisers import adam

HIDDEN, POOL, DT = 256, 5, 10.0
LONGEST_DELAY = 200.0  # ms


def network(data: sn.LabelledEvents, key: jax.Array) -> sn.Network:
    """Cochlea, recurrent layer, leaky readout; weights and time constants are learned.

    The recurrent axons have fixed delays between one step and 200 ms, drawn once: they hold the recent past
    for the layer to use, longer than its membranes can.
    """
    classes = len(data.classes)
    draw = {name: named_key(key, name) for name in ("tau_mem", "tau_adapt", "delay")}
    steps = jax.random.randint(draw["delay"], (HIDDEN,), 1, round(LONGEST_DELAY / DT) + 1)
    delays = DT * steps.astype(jnp.result_type(float))
    hidden = sn.ALIF(HIDDEN, tau_mem=jax.random.uniform(draw["tau_mem"], (HIDDEN,), minval=20.0, maxval=60.0),
                     tau_adapt=jax.random.uniform(draw["tau_adapt"], (HIDDEN,), minval=50.0, maxval=400.0),
                     beta=0.3, surrogate=sn.neurons.FastSigmoid(5.0))
    return sn.Network(
        dict(input=sn.Input(data.events.shape), hidden=hidden,
             output=sn.LI(classes, tau_mem=jnp.full(classes, 60.0))),
        [sn.Projection("input", "hidden", sn.Dense(), transforms=[sn.BatchNorm(), sn.Dropout(0.2)]),
         sn.Projection("hidden", "hidden", sn.Dense(weight=jax.nn.initializers.normal(0.3 / HIDDEN**0.5)),
                       delay=sn.Delay(delays)),
         sn.Projection("hidden", "output", sn.Dense())],
        key=key, trainable={"*.tau_mem": True, "hidden.tau_adapt": True})


def augment(events: sn.Events, seed: int) -> sn.Events:
    """Shift the channels of each sample together, and lose a tenth of the events."""
    return drop_events(channel_shift(events, 5, seed=seed), 0.1, seed=seed + 1)


def optimizer(network: sn.Network, updates: int) -> optax.GradientTransformation:
    """AdamW with one cycle of the learning rate."""
    return adam(network, rates={"weight": 8e-3, "neuron": 0.5}, steps=updates, schedule="one_cycle", weight_decay=1e-2,
                clip_norm=1.0)


RECIPE = Recipe(
    name="shd-recurrent",
    summary="spoken digits through a cochlea, 700 channels pooled to 140, 10 ms steps; "
            "140-256-classes, recurrent ALIF with delays",
    data="shd",
    network=network,
    prepare=lambda data: data.with_events(channel_pool(data.events, POOL)),
    optimizer=optimizer,
    dt=DT,
    duration=1000.0,
    epochs=40,
    batch_size=64,
    loss=CrossEntropy("softmax_sum"),
    regularisers=(RateRegulariser("hidden", low=0.5, high=25.0, strength=1e-3),),
    augment=augment,
    reference="data: Cramer et al. 2022; a recurrent ALIF layer as in Yin et al. 2021, not to the letter",
)
