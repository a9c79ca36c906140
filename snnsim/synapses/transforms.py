"""Transforms of a projection's arrivals: `BatchNorm` and `Dropout`."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import param, part, static
from snnsim.core.keys import Rand
from snnsim.core.synapse import AbstractTransform


class BatchNorm(AbstractTransform):
    """Normalisation over time and batch, one mean and variance a unit (or a channel of an image).

    While training, statistics come from the data and the running ones follow them; in inference the running
    ones are used. ``recording.network()`` keeps them.

    Args:
        momentum: weight of the newest statistics in the running ones.
        epsilon: added to the variance.

    References:
        Ioffe & Szegedy 2015; over time and batch as in Hammouamri et al. 2024.
    """

    scale: Any = param(None, unit="1", doc="learned gain", trainable=True, group="weight", convert=lambda v: v)
    shift: Any = param(None, unit="port", doc="learned offset", trainable=True, group="weight", convert=lambda v: v)
    mean: Any = part(lambda: None, doc="running mean")
    variance: Any = part(lambda: None, doc="running variance")
    momentum: float = static(0.1, doc="weight of the newest statistics", kw_only=True)
    epsilon: float = static(1e-5, doc="added to the variance", kw_only=True)

    over_time: ClassVar = True

    def build(self, post: tuple[int, ...]) -> BatchNorm:
        """With arrays for this shape: one number a unit, or a channel where the population is an image."""
        shape = (post[0], *(1,) * (len(post) - 1))
        dtype = jnp.result_type(float)
        return BatchNorm(jnp.ones(shape, dtype), jnp.zeros(shape, dtype), jnp.zeros(shape, dtype),
                         jnp.ones(shape, dtype), momentum=self.momentum, epsilon=self.epsilon)

    def initial_state(self) -> Any:
        """(mean, variance)."""
        return (self.mean, self.variance)

    def with_state(self, state: Any) -> BatchNorm:
        """With the running statistics of a state."""
        mean, variance = state
        return BatchNorm(self.scale, self.shift, mean, variance, momentum=self.momentum, epsilon=self.epsilon)

    def __call__(self, state: Any, arrivals: jax.Array, inference: bool, rand: Rand) -> tuple[Any, jax.Array]:
        """(running statistics, normalised arrivals)."""
        if inference:
            mean, variance = state
        else:
            axes = (0, 1, *range(3, arrivals.ndim))
            mean = arrivals.mean(axes).reshape(self.scale.shape)
            variance = arrivals.var(axes).reshape(self.scale.shape)
            now = jax.lax.stop_gradient((mean, variance))
            state = jax.tree.map(lambda old, new: old + self.momentum * (new - old), state, now)
        gain = self.scale * jax.lax.rsqrt(variance + self.epsilon)
        return state, (arrivals - mean[None, None]) * gain[None, None] + self.shift[None, None]


class Dropout(AbstractTransform):
    """While training, each unit's arrivals are dropped with probability p for the whole sequence.

    Args:
        p: probability of dropping.

    References:
        Srivastava et al. 2014; one mask for all steps as in Hammouamri et al. 2024.
    """

    p: float = static(doc="probability of dropping")

    def __check_init__(self):
        if not 0.0 <= self.p < 1.0:
            raise ConfigurationError(got=f"p = {self.p}", expected="0 up to, not including, 1", where="Dropout",
                                     fix="pass a probability")

    def build(self, post: tuple[int, ...]) -> Dropout:
        """Itself."""
        return self

    def __call__(self, state: Any, arrivals: jax.Array, inference: bool, rand: Rand) -> tuple[Any, jax.Array]:
        """Arrivals with dropped units at 0 and the others scaled up."""
        if inference or self.p == 0:
            return state, arrivals
        # One mask a run: drawn for step 0, whatever step the chunk begins with.
        fixed = Rand(rand.seed, rand.stream, jnp.zeros_like(rand.step), rand.sample, rand.unit)
        shape = arrivals.shape[2:]
        keep = jax.vmap(lambda r: r.of_units(shape).uniform(1) >= self.p, in_axes=(Rand.axes("sample"),))(
            fixed.of_samples(arrivals.shape[1]))
        return state, arrivals * keep[None].astype(arrivals.dtype) / (1.0 - self.p)
