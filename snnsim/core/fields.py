"""Declarations of fields: every number says its unit, its meaning and whether it can be learned."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ShapeError

GROUPS = ("weight", "delay", "neuron")


def float_array(value: Any) -> Any:
    """`value` as a floating-point array of JAX's default precision; arrays that are floating already stay."""
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jnp.floating):
        return value if not value.weak_type else jax.lax.convert_element_type(value, value.dtype)  # else it retraces
    return jnp.asarray(value, dtype=jnp.result_type(float))


def host_empty(size: int, dtype: Any) -> np.ndarray:
    """An array for numbers to be written that XLA can take over without a copy: it begins at a multiple of 64 bytes."""
    n_bytes = size * np.dtype(dtype).itemsize
    raw = np.empty(n_bytes + 64, np.uint8)
    begin = -raw.ctypes.data % 64
    return raw[begin:begin + n_bytes].view(dtype)


def on_host(values: Any) -> jax.Array:
    """`values` as an array in the host's memory, not committed to it: a GPU copies it when it computes with it."""
    try:
        host = jax.local_devices(backend="cpu")[0]
    except RuntimeError:  # a process that was told to know its GPU only
        return jnp.asarray(values)
    with jax.default_device(host):
        return jax.device_put(values)


def number_or_recipe(value: Any) -> Any:
    """Numbers and arrays as by `float_array`; None, flags and initialisers stay until the network is built."""
    plain = isinstance(value, jax.Array | np.ndarray | float | int | list | tuple) and not isinstance(value, bool)
    return float_array(value) if plain else value


def param(default: Any = dataclasses.MISSING, *, unit: str, doc: str, trainable: bool = False,
          group: str = "neuron", bounds: tuple[float | None, float | None] = (None, None),
          convert: Callable[[Any], Any] = float_array, kw_only: bool = False) -> Any:
    """An array parameter of a neuron, synapse or delay.

    The array is made when an object is built, never at import.

    Args:
        default: a number; none means that the field must be given.
        unit: a key of `snnsim.core.units.UNITS`.
        doc: what it is, in a few words.
        trainable: whether an optimiser moves it unless told otherwise.
        group: "weight", "delay" or "neuron"; optimisers may treat groups differently.
        bounds: smallest and largest value, kept after each update; None is no bound.
        convert: how a given value becomes an array.
        kw_only: whether it must be passed by name.
    """
    metadata = dict(kind="param", unit=unit, doc=doc, trainable=trainable, group=group, bounds=bounds)
    given = {} if default is dataclasses.MISSING else {"default": default}
    return eqx.field(converter=convert, metadata=metadata, kw_only=kw_only, **given)


def static(default: Any = dataclasses.MISSING, *, doc: str, unit: str = "", choices: tuple = (),
           convert: Callable[[Any], Any] | None = None, kw_only: bool = False) -> Any:
    """A size or a choice: hashable, fixed when an object is built, part of its type for the compiler."""
    metadata = dict(kind="static", unit=unit, doc=doc, choices=choices)
    given = {} if default is dataclasses.MISSING else {"default": default}
    extra = {} if convert is None else {"converter": convert}
    return eqx.field(static=True, metadata=metadata, kw_only=kw_only, **given, **extra)


def part(factory: Callable[[], Any] | None = None, *, doc: str, kw_only: bool = False) -> Any:
    """A component (another module), made by `factory` where none is given."""
    given: dict[str, Any] = {} if factory is None else {"default_factory": factory}
    return eqx.field(metadata=dict(kind="part", unit="", doc=doc), kw_only=kw_only, **given)


def shape_tuple(shape: int | tuple[int, ...]) -> tuple[int, ...]:
    """A size or shape as a tuple of integers.

    Raises:
        ShapeError: sizes that are no integers of 1 or more.
    """
    sizes = shape if isinstance(shape, tuple | list) else (shape,)
    if not all(isinstance(n, int | np.integer) and n > 0 for n in sizes):
        raise ShapeError(got=f"shape {shape!r}", expected="a number of units, or several (channels first)",
                         where="population", fix="pass for example 100, or (2, 34, 34)")
    return tuple(int(n) for n in sizes)


def parameters(module: Any, prefix: str = "") -> Iterator[tuple[str, dataclasses.Field, Any]]:
    """(dotted path, field, value) of every `param` field of a module and of the modules in it.

    Paths use the names of dictionaries and fields, for example ``hidden.tau_mem``; list and tuple entries
    appear as their number.
    """
    if dataclasses.is_dataclass(module):
        for field in dataclasses.fields(module):
            value, path = getattr(module, field.name), f"{prefix}{field.name}"
            if field.metadata.get("kind") == "param":
                yield path, field, value
            else:
                yield from parameters(value, f"{path}.")
    elif isinstance(module, dict):
        for name, value in module.items():
            yield from parameters(value, f"{prefix}{name}.")
    elif isinstance(module, list | tuple):
        for index, value in enumerate(module):
            yield from parameters(value, f"{prefix}{index}.")
