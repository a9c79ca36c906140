"""`Chain`: connections one after the other, such as pooling and then a convolution."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from snnsim.core.connection import AbstractConnection
from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import part, shape_tuple, static
from snnsim.core.keys import Rand, named_key


def _tuple(value: Any) -> tuple:
    return tuple(shape_tuple(shape) for shape in value)


def of_part(rand: Rand, k: int) -> Rand:
    """Random numbers of the k-th part: far from the streams of transforms, which count on from the projection's."""
    return Rand(rand.seed, rand.stream + jnp.uint32(k << 16), rand.step, rand.sample, rand.unit)


class Chain(AbstractConnection):
    """The signal goes through each part in turn; there are no neurons between them.

    Args:
        parts: connections in order.
        between: shape of the signal between one part and the next, one fewer than there are parts.

    Raises:
        ConfigurationError: another number of shapes.

    Example:
        >>> import snnsim as sn
        >>> from snnsim.synapses import Chain
        >>> Chain((sn.SumPool2d(2), sn.Dense()), between=[(2, 4, 4)]).between
        ((2, 4, 4),)
    """

    parts: tuple[AbstractConnection, ...] = part(doc="connections in order")
    between: tuple[tuple[int, ...], ...] = static(doc="shapes between them", convert=_tuple)

    def __check_init__(self):
        if not self.parts or len(self.between) != len(self.parts) - 1:
            raise ConfigurationError(got=f"{len(self.parts)} parts and {len(self.between)} shapes between them",
                                     expected="one shape fewer than parts", where="Chain",
                                     fix="give the shape of the signal after each part but the last")

    def expected_weights(self, pre: tuple[int, ...], post: tuple[int, ...]) -> float:
        """Those of all parts."""
        shapes = (pre, *self.between, post)
        return sum(one.expected_weights(shapes[k], shapes[k + 1]) for k, one in enumerate(self.parts))

    def build(self, pre: tuple[int, ...], post: tuple[int, ...], key: jax.Array) -> Chain:
        """With arrays for these shapes."""
        shapes = (pre, *self.between, post)
        parts = (one.build(shapes[k], shapes[k + 1], named_key(key, str(k))) for k, one in enumerate(self.parts))
        return Chain(tuple(parts), self.between)

    def __call__(self, signals: jax.Array) -> jax.Array:
        """Arrivals ``[n, *post]``."""
        for one in self.parts:
            signals = one(signals)
        return signals

    def transmit(self, signals: jax.Array, rand: Rand) -> jax.Array:
        """Arrivals ``[steps, batch, *post]``; each part draws from a stream of its own."""
        for k, one in enumerate(self.parts):
            signals = one.transmit(signals, of_part(rand, k))
        return signals

    def structure(self) -> Chain:
        """Each part's structure: a synapse for each path from source to target."""
        return Chain(tuple(one.structure() for one in self.parts), self.between)
