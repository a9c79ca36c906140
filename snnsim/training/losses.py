"""Losses: from the output of a network over time to one number a sample, and to class scores."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from snnsim.core.fields import static

READOUTS = ("sum", "mean", "max", "last", "softmax_sum")


def read_out(outputs: jax.Array, how: str) -> jax.Array:
    """Class scores ``[batch, classes]`` of outputs ``[time, batch, classes]``.

    "sum", "mean" and "max" go over time, "last" is the last step, "softmax_sum" sums the softmax of each step
    (Hammouamri et al. 2024).
    """
    if how == "last":
        return outputs[-1]
    if how == "softmax_sum":
        return jax.nn.softmax(outputs, -1).sum(0)
    over_time: dict[str, Any] = {"sum": jnp.sum, "mean": jnp.mean, "max": jnp.max}
    return over_time[how](outputs, 0)


class AbstractLoss(eqx.Module):
    """Compares outputs with labels. `scores` decides the predicted class (the largest)."""

    @abstractmethod
    def scores(self, outputs: jax.Array) -> jax.Array:
        """Class scores ``[batch, classes]`` of outputs ``[time, batch, classes]``."""

    @abstractmethod
    def __call__(self, outputs: jax.Array, labels: jax.Array) -> jax.Array:
        """Loss of each sample ``[batch]``; labels int32 ``[batch]``."""


class CrossEntropy(AbstractLoss):
    """Softmax cross-entropy of scores read out over time.

    Args:
        readout: "mean", "sum", "max", "last" or "softmax_sum".
        smoothing: share of the target that is spread over all classes.
    """

    readout: str = static("mean", doc="how time is read out", choices=READOUTS)
    smoothing: float = static(0.0, doc="share of the target spread over all classes")

    def scores(self, outputs: jax.Array) -> jax.Array:
        """Outputs read out over time."""
        return read_out(outputs, self.readout)

    def __call__(self, outputs: jax.Array, labels: jax.Array) -> jax.Array:
        """Cross-entropy of each sample."""
        scores = self.scores(outputs)
        targets = jax.nn.one_hot(labels, scores.shape[-1], dtype=scores.dtype)
        return optax.softmax_cross_entropy(scores, optax.smooth_labels(targets, self.smoothing))


class RateError(AbstractLoss):
    """Mean squared distance of each output's spikes per step from a target share.

    Args:
        correct: share of steps in which the right class is to spike.
        others: share of steps for the other classes.
    """

    correct: float = static(0.8, doc="share of steps in which the right class spikes")
    others: float = static(0.0, doc="share of steps in which the other classes spike")

    def scores(self, outputs: jax.Array) -> jax.Array:
        """Spikes per step."""
        return outputs.mean(0)

    def __call__(self, outputs: jax.Array, labels: jax.Array) -> jax.Array:
        """Squared distance of each sample."""
        rates = self.scores(outputs)
        right = jax.nn.one_hot(labels, rates.shape[-1], dtype=rates.dtype)
        return jnp.mean((rates - (self.others + (self.correct - self.others) * right)) ** 2, -1)


class FirstSpike(AbstractLoss):
    """Cross-entropy of minus the first spike time: the earliest class wins.

    The time is the number of steps before the first spike, as a sum over steps of "no spike so far", which
    has a surrogate gradient; a silent unit counts as the whole sequence. For outputs of 0 and 1 only.

    Args:
        tau: steps by which times are divided before the softmax.

    References:
        Goeltz et al. 2021 for the cross-entropy of spike times.
    """

    tau: float = static(5.0, doc="steps by which times are divided")

    def scores(self, outputs: jax.Array) -> jax.Array:
        """Minus the time of the first spike, over tau."""
        silent = jnp.cumprod(1.0 - outputs, 0)
        return -silent.sum(0) / self.tau

    def __call__(self, outputs: jax.Array, labels: jax.Array) -> jax.Array:
        """Cross-entropy of each sample."""
        return optax.softmax_cross_entropy_with_integer_labels(self.scores(outputs), labels)


class RateRegulariser(eqx.Module):
    """Penalty on populations whose units spike too little or too much.

    strength * mean over units of (relu(low - n)^2 + relu(n - high)^2), n the unit's spikes in a sequence.

    Args:
        population: whose spikes.
        low: fewest spikes of a unit, in the mean over the batch.
        high: most spikes of a unit.
        strength: factor of the penalty.
    """

    population: str = static(doc="population whose spikes count")
    low: float = static(0.0, doc="fewest spikes of a unit in a sequence")
    high: float = static(float("inf"), doc="most spikes of a unit in a sequence")
    strength: float = static(1e-3, doc="factor of the penalty")

    def __call__(self, outputs: Mapping[str, jax.Array]) -> jax.Array:
        """The penalty, one number, from the outputs ``[time, batch, *shape]`` of all populations."""
        spikes = outputs[self.population].sum(0).mean(0)
        penalty = jax.nn.relu(self.low - spikes) ** 2
        if self.high < float("inf"):
            penalty += jax.nn.relu(spikes - self.high) ** 2
        return self.strength * penalty.mean()
