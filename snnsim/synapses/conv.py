"""`Conv1d`, `Conv2d`: convolutions, images channels first."""

from __future__ import annotations

from typing import Any

import jax

from snnsim.core.connection import AbstractConnection, initial
from snnsim.core.errors import ShapeError
from snnsim.core.fields import static
from snnsim.core.keys import named_key
from snnsim.synapses.dense import FAN_IN_UNIFORM, bias_field, built_bias, weight_field


def numbers(value: int | tuple[int, ...]) -> tuple[int, ...]:
    """A size for each axis; one number stands for all."""
    return (value,) if isinstance(value, int) else tuple(value)


def _per_axis(value: tuple[int, ...], rank: int, name: str) -> tuple[int, ...]:
    if len(value) not in (1, rank):
        raise ShapeError(got=f"{name} = {value}", expected=f"1 or {rank} numbers", where="convolution",
                         fix="give one number for each spatial axis")
    return value * rank if len(value) == 1 else value


class AbstractConv(AbstractConnection):
    """A convolution over the spatial axes of ``[channels, *space]``; subclasses fix the number of axes.

    Args:
        kernel_size: size of the kernel, one number or one an axis.
        stride: step of the kernel.
        padding: zeros added on both sides.
        groups: channel groups that do not mix.
        weight: array ``[channels_out, channels_in / groups, *kernel]``, number, or initialiser.
        bias: True, array ``[channels_out]`` or None.
        dilation: spacing of kernel points.
    """

    kernel_size: tuple[int, ...] = static(doc="size of the kernel", convert=numbers)
    stride: tuple[int, ...] = static(1, doc="step of the kernel", convert=numbers)
    padding: tuple[int, ...] = static(0, doc="zeros added on both sides", convert=numbers)
    groups: int = static(1, doc="channel groups that do not mix")
    weight: Any = weight_field(doc="kernels [channels_out, channels_in / groups, *kernel]")
    bias: Any = bias_field()
    dilation: tuple[int, ...] = static(1, doc="spacing of kernel points", convert=numbers)

    def geometry(self, rank: int) -> dict[str, tuple[int, ...]]:
        """Kernel size, stride, padding and dilation with one number an axis."""
        return {name: _per_axis(getattr(self, name), rank, name)
                for name in ("kernel_size", "stride", "padding", "dilation")}

    def output_shape(self, pre: tuple[int, ...], channels: int) -> tuple[int, ...]:
        """Shape that the convolution of a population of shape `pre` has."""
        g = self.geometry(len(pre) - 1)
        return (channels, *((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in
                            zip(pre[1:], g["kernel_size"], g["stride"], g["padding"], g["dilation"], strict=True)))

    def build(self, pre: tuple[int, ...], post: tuple[int, ...], key: jax.Array) -> AbstractConv:
        """With arrays for these shapes.

        Raises:
            ShapeError: the target's shape is not what the convolution gives.
        """
        name, rank = type(self).__name__, len(type(self).axes)  # type: ignore[attr-defined]
        if len(pre) != rank + 1 or len(post) != rank + 1 or pre[0] % self.groups or post[0] % self.groups:
            raise ShapeError(got=f"shapes {pre} and {post} with {self.groups} groups", where=name,
                             expected=f"[channels, {rank} axes], channels divisible by the groups",
                             fix="shape the populations as (channels, ...)")
        if self.output_shape(pre, post[0]) != post:
            raise ShapeError(got=f"a target of shape {post}", expected=f"{self.output_shape(pre, post[0])}", where=name,
                             fix="give the target population this shape, or change kernel, stride or padding")
        g = self.geometry(rank)
        shape = (post[0], pre[0] // self.groups, *g["kernel_size"])
        recipe = self.weight
        if recipe is FAN_IN_UNIFORM:
            recipe = jax.nn.initializers.variance_scaling(1.0 / 3.0, "fan_in", "uniform", out_axis=0,
                                                          in_axis=tuple(range(1, rank + 2)))
        weight = initial(recipe, shape, named_key(key, "weight"), name)
        return type(self)(weight=weight, bias=built_bias(self.bias, post[:1], name), groups=self.groups, **g)

    def __call__(self, signals: jax.Array) -> jax.Array:
        """Arrivals ``[n, channels, *space]``."""
        axes = type(self).axes  # type: ignore[attr-defined]
        g = self.geometry(len(axes))
        out = jax.lax.conv_general_dilated(
            signals, self.weight, g["stride"], [(p, p) for p in g["padding"]], rhs_dilation=g["dilation"],
            dimension_numbers=(f"NC{axes}", f"OI{axes}", f"NC{axes}"), feature_group_count=self.groups)
        return out if self.bias is None else out + self.bias.reshape(1, -1, *(1,) * len(axes))


class Conv1d(AbstractConv):
    """Convolution of ``[channels, length]``; see `AbstractConv` for the arguments."""

    axes = "W"


class Conv2d(AbstractConv):
    """Convolution of ``[channels, height, width]``; see `AbstractConv` for the arguments.

    Example:
        >>> import snnsim as sn
        >>> sn.Conv2d(5, stride=2, padding=2).output_shape((2, 34, 34), 12)
        (12, 17, 17)
    """

    axes = "HW"
