"""Recorded variables kept in other forms than arrays, such as `PackedSpikes`: single bits, 32 units a word."""

from __future__ import annotations

from abc import abstractmethod
from math import prod

import equinox as eqx
import numpy as np

from snnsim.core.events import Events
from snnsim.core.fields import part, static


class AbstractKept(eqx.Module):
    """A recorded variable that is not kept as an array ``[steps, batch, *shape]`` but can become one."""

    @abstractmethod
    def dense(self) -> np.ndarray:
        """The array ``[steps, batch, *shape]``."""

    @abstractmethod
    def events(self, dt: float) -> Events:
        """What is not 0 as events, times counted from the start of the recording in steps of `dt` ms."""


class PackedSpikes(AbstractKept):
    """Spikes of one population, on the host: a chunk of seconds of a large network fits where an array would not.

    Args:
        words: uint32 ``[steps, batch, words]``; unit u is bit ``(first + u) % 32`` of word ``(first + u) // 32``.
        first: bit of the first unit.
        shape: shape of the population.
    """

    words: np.ndarray = part(doc="bits of 32 units a word, uint32 [steps, batch, words]")
    first: int = static(doc="bit of the first unit")
    shape: tuple[int, ...] = static(doc="shape of the population")

    def bits(self) -> np.ndarray:
        """bool ``[steps, batch, units]``."""
        low = self.first // 32
        words = self.words[..., low:-(-(self.first + prod(self.shape)) // 32)]
        if not words.dtype.isnative or words.dtype.byteorder == ">":
            words = words.astype("<u4")
        bits = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=-1, bitorder="little")
        begin = self.first - 32 * low
        return bits[..., begin:begin + prod(self.shape)].view(bool)

    def dense(self) -> np.ndarray:
        """float32 ``[steps, batch, *shape]``."""
        bits = self.bits()
        return bits.astype(np.float32).reshape(*bits.shape[:2], *self.shape)

    def events(self, dt: float) -> Events:
        """The spikes as events; only words that hold any are unpacked."""
        batch = self.words.shape[1]
        low, size = self.first // 32, prod(self.shape)
        words = np.moveaxis(self.words[..., low:-(-(self.first + size) // 32)], 1, 0)
        sample, step, word = np.nonzero(words)
        bits = np.unpackbits(words[sample, step, word].astype("<u4")[:, None].view(np.uint8), axis=1, bitorder="little")
        found, bit = np.nonzero(bits)
        unit = 32 * word[found] + bit - (self.first - 32 * low)
        mine = (unit >= 0) & (unit < size)
        sample, step, unit = sample[found][mine], step[found][mine], unit[mine]
        return Events(step, unit, np.searchsorted(sample, np.arange(batch + 1)), self.shape, float(dt))
