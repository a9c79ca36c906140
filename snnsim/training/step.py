"""One compiled training step: loss, gradient, update, bounds, running statistics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from snnsim.core.engine import run_chunk
from snnsim.core.network import Network
from snnsim.core.parameters import partition, within_bounds
from snnsim.core.state import fold_back, initial_state


class Setting(NamedTuple):
    """What stays the same during a run of training; `losses` are the loss and the regularisers."""

    losses: tuple[Any, ...]
    dt: float
    input: str
    output: str


@contextmanager
def loose() -> Iterator[None]:
    """JAX's ordinary promotion, for code of optax in programs that have switched on the strict one."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


@eqx.filter_jit(donate="all-except-first")
def _update(given, network, moments):
    inputs, labels, seed, setting, optimizer = given
    trainable, rest = partition(network)
    (loss, (state, correct)), gradient = jax.value_and_grad(_objective, has_aux=True)(
        trainable, rest, inputs, labels, seed, setting)
    with loose():
        updates, moments = optimizer.update(gradient, moments, trainable)
        trainable = optax.apply_updates(trainable, updates)
    network = within_bounds(eqx.combine(trainable, rest))
    return fold_back(network, state), moments, loss, correct


def _objective(trainable, rest, inputs, labels, seed, setting):
    network = eqx.combine(trainable, rest)
    loss, *regularisers = setting.losses
    state = initial_state(network, inputs.shape[1], setting.dt)
    state, outputs, _ = run_chunk(network, state, {setting.input: inputs}, dt=setting.dt, steps=len(inputs),
                                  seed=seed, inference=False, record=())
    value = loss(outputs[setting.output], labels).mean() + sum(r(outputs) for r in regularisers)
    correct = (loss.scores(outputs[setting.output]).argmax(-1) == labels).sum()
    return value, (state, correct)


def update(network: Network, moments: Any, inputs: jax.Array, labels: jax.Array, seed: jax.Array, setting: Setting,
           optimizer: optax.GradientTransformation) -> tuple[Network, Any, jax.Array, jax.Array]:
    """One update from one batch.

    Args:
        network: before; its arrays are given away.
        moments: the optimiser's state; given away.
        inputs: ``[steps, batch, *shape]`` of the input population.
        labels: int32 ``[batch]``.
        seed: uint32, another one in each step (dropout, noise).
        setting: loss, step and populations.
        optimizer: an optax transformation on the network's trainable part.

    Returns:
        (network, moments, mean loss, number of correct samples).
    """
    dtype = jnp.result_type(float)
    return _update((jnp.asarray(inputs, dtype), jnp.asarray(labels), seed, setting, optimizer), network, moments)


def first_not_finite(network: Network) -> str | None:
    """Path of the first array of a network that holds a number that is not finite, or None."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(network):
        if eqx.is_inexact_array(leaf) and not bool(jnp.isfinite(leaf).all()):
            return jax.tree_util.keystr(path)
    return None
