"""`Dense` and `OneToOne`: every pair, and each unit to its twin."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from snnsim.core.connection import AbstractConnection, initial
from snnsim.core.errors import ShapeError
from snnsim.core.fields import number_or_recipe, param, static
from snnsim.core.keys import named_key

# Uniform on +-1/sqrt(fan_in), as torch.nn.Linear and snnTorch's examples begin.
FAN_IN_UNIFORM = jax.nn.initializers.variance_scaling(1.0 / 3.0, "fan_in", "uniform")


def weight_field(default: Any = FAN_IN_UNIFORM, doc: str = "weights"):
    """The weight of a connection: a number, an array, or an initialiser until the network is built."""
    return param(default, unit="port", doc=doc, trainable=True, group="weight", convert=number_or_recipe)


def bias_field():
    """The bias of a connection: True for one that starts at 0, an array, or None."""
    return param(None, unit="port", doc="added to the arrivals of every step", trainable=True, group="weight",
                 convert=number_or_recipe)


def built_bias(bias: Any, shape: tuple[int, ...], where: str) -> jax.Array | None:
    """The bias as an array of `shape`, or None."""
    if bias is None or bias is False:
        return None
    return initial(0.0 * jnp.ones(()) if bias is True else bias, shape, jax.random.key(0), where)


class Dense(AbstractConnection):
    """All to all: arrivals = signal @ weight + bias; populations of any shape are flattened.

    Args:
        weight: array ``[n_pre, n_post]``, number, or initialiser ``(key, shape, dtype)``.
        bias: True, array ``[*post]`` or None; it arrives in every step.
        post: shape of the target population, set by the network.
    """

    weight: Any = weight_field(doc="weights [n_pre, n_post]")
    bias: Any = bias_field()
    post: tuple[int, ...] = static((), doc="shape of the target population")

    def expected_weights(self, pre: tuple[int, ...], post: tuple[int, ...]) -> float:
        """One for each pair."""
        return float(prod(pre) * prod(post))

    def build(self, pre: tuple[int, ...], post: tuple[int, ...], key: jax.Array) -> Dense:
        """With arrays for these shapes."""
        weight = initial(self.weight, (prod(pre), prod(post)), named_key(key, "weight"), "Dense")
        return Dense(weight, built_bias(self.bias, post, "Dense"), post)

    def __call__(self, signals: jax.Array) -> jax.Array:
        """Arrivals ``[n, *post]``."""
        product = (signals.reshape(signals.shape[0], -1) @ self.weight).reshape(-1, *self.post)
        return product if self.bias is None else product + self.bias[None]

    def read(self, history: jax.Array, rows: jax.Array) -> jax.Array:
        """Signal at each synapse, ``[n_pre, n_post]``."""
        flat = history.reshape(history.shape[0], -1)
        return flat[rows, jnp.arange(flat.shape[1])[:, None]]

    def read_target(self, history: jax.Array, rows: jax.Array) -> jax.Array:
        """Output of the target at each synapse, ``[n_pre, n_post]``."""
        flat = history.reshape(history.shape[0], -1)
        return flat[rows, jnp.arange(flat.shape[1])[None]]

    def at_source(self, values: jax.Array) -> jax.Array:
        """Values of the sources, ``[n_pre, 1]``."""
        return values.reshape(-1, 1)

    def at_target(self, values: jax.Array) -> jax.Array:
        """Values of the targets, ``[1, n_post]``."""
        return values.reshape(1, -1)

    def reduce(self, signals: jax.Array) -> jax.Array:
        """Sum over sources of weight times signal."""
        total = jnp.sum(self.weight * signals, 0).reshape(self.post)
        return total if self.bias is None else total + self.bias


class OneToOne(AbstractConnection):
    """Each unit to the unit of the same index: arrivals = weight * signal (NIR Scale).

    Args:
        weight: number, array of the population's shape, or initialiser.
    """

    diagonal: ClassVar = True

    weight: Any = weight_field(1.0, doc="weights, one a unit")

    def expected_weights(self, pre: tuple[int, ...], post: tuple[int, ...]) -> float:
        """One for each target unit."""
        return float(prod(post))

    def build(self, pre: tuple[int, ...], post: tuple[int, ...], key: jax.Array) -> OneToOne:
        """With arrays for these shapes.

        Raises:
            ShapeError: populations of different size.
        """
        if prod(pre) != prod(post):
            raise ShapeError(got=f"shapes {pre} and {post}", expected="populations of one size", where="OneToOne",
                             fix="use Dense or Sparse between populations of different size")
        return OneToOne(initial(self.weight, post, named_key(key, "weight"), "OneToOne"))

    def __call__(self, signals: jax.Array) -> jax.Array:
        """Arrivals ``[n, *post]``."""
        return signals.reshape(signals.shape[0], *self.weight.shape) * self.weight[None]

    def read(self, history: jax.Array, rows: jax.Array) -> jax.Array:
        """Signal at each synapse."""
        flat = history.reshape(history.shape[0], *self.weight.shape)
        return jnp.take_along_axis(flat, rows[None], 0)[0]

    def read_target(self, history: jax.Array, rows: jax.Array) -> jax.Array:
        """Output of the target at each synapse."""
        return self.read(history, rows)

    def at_source(self, values: jax.Array) -> jax.Array:
        """Values of the sources in the weight's shape."""
        return values.reshape(self.weight.shape)

    def at_target(self, values: jax.Array) -> jax.Array:
        """Values of the targets in the weight's shape."""
        return values.reshape(self.weight.shape)

    def reduce(self, signals: jax.Array) -> jax.Array:
        """Weight times signal."""
        return self.weight * signals
