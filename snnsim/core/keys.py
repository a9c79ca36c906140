"""Randomness: keys split by name for building, and a counter-based generator for use inside a step.

`Rand` is Threefry-2x32 with 13 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"):
a number depends on (seed, population, stream, step, sample, unit) only, so that a scan, a fused kernel and any
number of devices draw the same.
"""

from __future__ import annotations

from math import prod
from zlib import crc32

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def named_key(key: jax.Array, name: str) -> jax.Array:
    """The sub-key of `name`: another name in the network does not change it."""
    return jax.random.fold_in(key, crc32(name.encode()))


def numpy_generator(key: jax.Array) -> np.random.Generator:
    """A NumPy generator seeded by a JAX key, for drawing on the host."""
    return np.random.default_rng(np.asarray(jax.random.key_data(key)))


def threefry(key: tuple[jax.Array, jax.Array], counter: tuple[jax.Array, jax.Array],
             rounds: int = 13) -> tuple[jax.Array, jax.Array]:
    """Threefry-2x32: two uint32 words from two key words and two counter words (any broadcastable shapes)."""
    k = (key[0], key[1], key[0] ^ key[1] ^ jnp.uint32(0x1BD11BDA))
    a, b = counter[0] + k[0], counter[1] + k[1]
    for i in range(rounds):
        turn = _ROTATIONS[(i // 4) % 2][i % 4]
        a = a + b
        b = ((b << jnp.uint32(turn)) | (b >> jnp.uint32(32 - turn))) ^ a
        if i % 4 == 3:
            n = i // 4 + 1
            a, b = a + k[n % 3], b + k[(n + 1) % 3] + jnp.uint32(n)
    return a, b


class Rand(eqx.Module):
    """Random numbers of one step of one population or projection.

    Args:
        seed: uint32, from the run.
        stream: uint32, from the population's name.
        step: uint32, the absolute step.
        sample: uint32, the sample in the batch.
        unit: uint32, the unit, or an array of units.
    """

    seed: jax.Array
    stream: jax.Array
    step: jax.Array
    sample: jax.Array
    unit: jax.Array

    @classmethod
    def at(cls, seed: jax.Array, name: str, step: jax.Array) -> Rand:
        """Numbers of population `name` at `step`, for sample 0 and unit 0."""
        zero = jnp.uint32(0)
        return cls(seed.astype(jnp.uint32), jnp.uint32(crc32(name.encode())), step.astype(jnp.uint32), zero, zero)

    def of_samples(self, batch: int) -> Rand:
        """The same with `sample` running over the batch; map over it with `Rand.sample_axes`."""
        return Rand(self.seed, self.stream, self.step, jnp.arange(batch, dtype=jnp.uint32), self.unit)

    def of_units(self, shape: tuple[int, ...]) -> Rand:
        """The same with `unit` running over a population of this shape, unless it already does or that is one unit."""
        if self.unit.ndim or not shape:
            return self
        units = jnp.arange(prod(shape), dtype=jnp.uint32).reshape(shape)
        return Rand(self.seed, self.stream, self.step, self.sample, units)

    def unit_axes(self) -> Rand:
        """A tree for vmap's in_axes with 0 at the fields that differ between units."""
        return jax.tree.map(lambda leaf: 0 if leaf.ndim else None, self)

    @classmethod
    def axes(cls, *mapped: str) -> Rand:
        """A tree for vmap's in_axes with 0 at the named fields and None elsewhere."""
        names = ("seed", "stream", "step", "sample", "unit")
        return cls(*(0 if name in mapped else None for name in names))  # type: ignore[arg-type]

    def words(self, draw: int = 0) -> tuple[jax.Array, jax.Array]:
        """Two words of 32 random bits, uint32, a pair a unit: the same bits on every device and in every precision."""
        key = (self.seed, self.stream + jnp.uint32(draw) * jnp.uint32(0x9E3779B9))
        # One sample may hold up to 2**32 units; samples are told apart by a second pass over the key.
        mixed = threefry(key, (self.sample, jnp.uint32(0)))
        return threefry(mixed, (self.step, self.unit))

    def uniform(self, draw: int = 0) -> jax.Array:
        """Uniform in (0, 1), one number a unit; `draw` tells several draws of one step apart."""
        return _unit_interval(self.words(draw)[0])

    def normal(self, draw: int = 0) -> jax.Array:
        """Standard normal (Box-Muller), one number a unit."""
        first, second = (_unit_interval(word) for word in self.words(draw))
        return jnp.sqrt(-2 * jnp.log(first)) * jnp.cos(2 * jnp.pi * second)


def _unit_interval(word: jax.Array) -> jax.Array:
    dtype = jnp.result_type(float)
    return (word >> jnp.uint32(9)).astype(dtype) * 2.0**-23 + 2.0**-24
