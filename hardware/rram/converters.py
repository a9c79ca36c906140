"""`Converters`: what digital inputs and outputs make of a signal."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import number_or_recipe, param, static
from snnsim.hardware.rram.device import known


class Converters(eqx.Module):
    """Resolution of the converters at the rows (DAC) and at the columns (ADC) of an array.

    Rounding is passed through by gradients as if it were not there (straight-through); beyond the range a converter
    saturates, and there its true derivative, 0, is taken.

    Args:
        adc_bits: bits of an output; None is exact. Where two currents are subtracted before the converter it is
            signed, else it counts from 0.
        adc_range: largest current, in cells at g_max with input 1; None: all rows of an array, never exceeded by
            inputs of at most 1.
        dac_bits: bits of an input's magnitude; None is exact. A spike needs one.
        dac_range: largest input.

    Raises:
        ConfigurationError: bits or ranges out of range.
    """

    adc_bits: int | None = static(None, doc="bits of an output; None is exact")
    adc_range: Any = param(None, unit="1", doc="largest current in cells at g_max", convert=number_or_recipe)
    dac_bits: int | None = static(None, doc="bits of an input; None is exact")
    dac_range: jax.Array = param(1.0, unit="1", doc="largest input")

    def __check_init__(self):
        for name, least in (("adc_bits", 2), ("dac_bits", 1)):
            bits = getattr(self, name)
            if bits is not None and not (isinstance(bits, int) and least <= bits <= 24):
                raise _wrong(f"{name} = {bits!r}", f"{least} to 24, or None")
        for name in ("adc_range", "dac_range"):
            value = None if getattr(self, name) is None else known(getattr(self, name))
            if value is not None and not 0 < value < float("inf"):
                raise _wrong(f"{name} = {value:g}", "a positive number")

    def input(self, signals: jax.Array) -> jax.Array:
        """Signals as the rows see them; signs are given in two phases and cost no bit."""
        if self.dac_bits is None:
            return signals
        return _converted(signals, 2**self.dac_bits - 1, -self.dac_range, self.dac_range)

    def output(self, currents: jax.Array, signed: bool, rows: int) -> jax.Array:
        """Currents (in cells at g_max) as numbers; `rows` of an array are the range where none is given."""
        if self.adc_bits is None:
            return currents
        full = jnp.asarray(rows, currents.dtype) if self.adc_range is None else self.adc_range
        if signed:
            return _converted(currents, 2 ** (self.adc_bits - 1) - 1, -full, full)
        return _converted(currents, 2**self.adc_bits - 1, jnp.zeros_like(full), full)


def rounded(x: jax.Array) -> jax.Array:
    """The nearest integers; gradients pass straight through."""
    return x + jax.lax.stop_gradient(jnp.round(x) - x)


def _converted(x: jax.Array, levels: int, low: jax.Array, high: jax.Array) -> jax.Array:
    # Not jnp.clip, whose slope at the ends is a half: columns without any current are common.
    inside = jnp.where(x < low, low, jnp.where(x > high, high, x))
    return rounded(inside / high * levels) * high / levels


def _wrong(got: str, expected: str) -> ConfigurationError:
    return ConfigurationError(got=got, expected=expected, where="Converters", fix="correct it")
