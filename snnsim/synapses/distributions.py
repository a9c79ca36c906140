"""Distributions of weights and delays, drawn on the host: recipes for `Sparse(weight=...)` and `Delay(...)`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf, prod

import equinox as eqx
import jax
import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import host_empty, on_host, static
from snnsim.core.keys import numpy_generator

BLOCK = 2**19  # numbers of one generator; fixed, so that results do not depend on the number of threads
MOST_ROUNDS = 1000


def drawn(rng: np.random.Generator, size: int, dtype: type, fill: Callable[[np.random.Generator, np.ndarray], None],
          ) -> np.ndarray:
    """An array `[size]` whose blocks are filled by threads, each from a generator of its own."""
    found = host_empty(size, dtype)
    begins = range(0, size, BLOCK)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda own, begin: fill(own, found[begin:begin + BLOCK]), rng.spawn(len(begins)), begins))
    return found


class AbstractDistribution(eqx.Module):
    """A distribution cut to [low, high]: what falls outside is drawn again (NEST's redraw).

    Args:
        low: smallest value.
        high: largest value.
    """

    low: float = static(-inf, doc="smallest value", convert=float, kw_only=True)
    high: float = static(inf, doc="largest value", convert=float, kw_only=True)

    @abstractmethod
    def fill(self, rng: np.random.Generator, out: np.ndarray) -> None:
        """Fill `out` with numbers of the whole distribution."""

    def __call__(self, key: jax.Array, shape: tuple[int, ...], dtype: type) -> jax.Array:
        """An array of this shape, as `jax.nn.initializers` are called.

        Raises:
            ConfigurationError: bounds that the distribution hardly ever meets.
        """
        return on_host(drawn(numpy_generator(key), prod(shape), dtype, self._fill_within).reshape(shape))

    def _fill_within(self, rng: np.random.Generator, out: np.ndarray) -> None:
        self.fill(rng, out)
        if self.low == -inf and self.high == inf:
            return
        for _ in range(MOST_ROUNDS):
            wrong = np.flatnonzero((out < self.low) | (out > self.high))
            if not len(wrong):
                return
            again = np.empty(len(wrong), out.dtype)
            self.fill(rng, again)
            out[wrong] = again
        raise ConfigurationError(got=f"{self}, of which {len(wrong):,} of {len(out):,} numbers stay outside",
                                 expected="bounds that hold a good part of the distribution",
                                 where=type(self).__name__, fix="widen low and high, or move the distribution")


class Normal(AbstractDistribution):
    """Normal distribution, cut to [low, high] by drawing again.

    Args:
        mean: mean before the cut.
        std: standard deviation before the cut.
        low: smallest value.
        high: largest value.

    Example:
        >>> import jax
        >>> weight = Normal(0.088, 0.0088, low=0.0)(jax.random.key(0), (1000,), "float32")
        >>> weight.shape, round(float(weight.mean()), 3)
        ((1000,), 0.088)
    """

    mean: float = static(0.0, doc="mean before the cut", convert=float)
    std: float = static(1.0, doc="standard deviation before the cut", convert=float)

    def __check_init__(self):
        if not (abs(self.mean) < inf and 0 <= self.std < inf and self.low < self.high):
            raise ConfigurationError(got=f"mean = {self.mean}, std = {self.std}, low = {self.low}, high = {self.high}",
                                     expected="finite mean, std of 0 or more, low below high", where="Normal",
                                     fix="correct the numbers")

    def fill(self, rng: np.random.Generator, out: np.ndarray) -> None:
        """Normal numbers."""
        rng.standard_normal(out=out, dtype=out.dtype.type)
        out *= out.dtype.type(self.std)
        out += out.dtype.type(self.mean)


class Uniform(AbstractDistribution):
    """Uniform distribution on [low, high).

    Args:
        low: smallest value.
        high: where it ends.
    """

    def __check_init__(self):
        if not -inf < self.low < self.high < inf:
            raise ConfigurationError(got=f"low = {self.low}, high = {self.high}", expected="finite low below high",
                                     where="Uniform", fix="pass for example low=0.5, high=1.5")

    def fill(self, rng: np.random.Generator, out: np.ndarray) -> None:
        """Uniform numbers."""
        rng.random(out=out, dtype=out.dtype.type)
        out *= out.dtype.type(self.high - self.low)
        out += out.dtype.type(self.low)
