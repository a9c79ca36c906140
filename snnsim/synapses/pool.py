"""`SumPool2d` and `AvgPool2d`: fixed maps that shrink images."""

from __future__ import annotations

from math import prod

import jax

from snnsim.core.connection import AbstractConnection
from snnsim.core.errors import ShapeError
from snnsim.core.fields import static
from snnsim.synapses.conv import numbers


class SumPool2d(AbstractConnection):
    """Sum over windows of ``[channels, height, width]`` (NIR SumPool2d).

    Args:
        kernel_size: size of the window, one number or two.
        stride: step of the window; None is the window's size.
        padding: zeros added on both sides.
    """

    kernel_size: tuple[int, ...] = static(doc="size of the window", convert=numbers)
    stride: tuple[int, ...] | None = static(None, doc="step of the window; None is its size",
                                            convert=lambda s: None if s is None else numbers(s))
    padding: tuple[int, ...] = static(0, doc="zeros added on both sides", convert=numbers)

    average = False

    def windows(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """Size, stride and padding, two numbers each."""
        size = self.kernel_size * 2 if len(self.kernel_size) == 1 else self.kernel_size
        stride = self.stride or size
        return tuple(v * 2 if len(v) == 1 else v for v in (size, stride, self.padding))  # type: ignore[return-value]

    def output_shape(self, pre: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the pooled population."""
        return (pre[0], *((n + 2 * p - k) // s + 1 for n, k, s, p in zip(pre[1:], *self.windows(), strict=True)))

    def build(self, pre: tuple[int, ...], post: tuple[int, ...], key: jax.Array) -> SumPool2d:
        """Itself, if the shapes fit.

        Raises:
            ShapeError: the target's shape is not what pooling gives.
        """
        if len(pre) != 3 or self.output_shape(pre) != post:
            expected = self.output_shape(pre) if len(pre) == 3 else "[channels, height, width]"
            raise ShapeError(got=f"shapes {pre} and {post}", expected=f"a target of {expected}",
                             where=type(self).__name__, fix="give the target population this shape")
        return self

    def __call__(self, signals: jax.Array) -> jax.Array:
        """Arrivals ``[n, channels, height, width]``."""
        size, stride, padding = self.windows()
        out = jax.lax.reduce_window(signals, 0.0, jax.lax.add, (1, 1, *size), (1, 1, *stride),
                                    ((0, 0), (0, 0), *((p, p) for p in padding)))
        return out / prod(size) if self.average else out

    def structure(self) -> SumPool2d:
        """Summing: one synapse for each unit in a window."""
        return SumPool2d(self.kernel_size, self.stride, self.padding)


class AvgPool2d(SumPool2d):
    """Mean over windows of ``[channels, height, width]`` (NIR AvgPool2d); arguments as `SumPool2d`."""

    average = True
