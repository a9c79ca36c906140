"""`Device`: a cell, made of laws; every one of them may be left out."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import param, part
from snnsim.core.keys import Rand
from snnsim.hardware.rram.laws import AbstractAgeing, AbstractReadNoise, PolynomialError

WRITING, STUCK, AGEING = 101, 102, 103  # draws of a chip


class StuckCells(eqx.Module):
    """Cells that cannot be written, drawn once a chip; they hold their value exactly and fluctuate when read.

    Published rates were not found when this was written: both are for you to set.

    Args:
        on: probability that a cell is stuck at g_max.
        off: probability that a cell is stuck at g_min.

    Raises:
        ConfigurationError: probabilities below 0 or together above 1.
    """

    on: jax.Array = param(0.0, unit="1", doc="probability of g_max")
    off: jax.Array = param(0.0, unit="1", doc="probability of g_min")

    def __check_init__(self):
        given = [known(value) for value in (self.on, self.off)]
        if None not in given and not (min(given) >= 0 and sum(given) <= 1):  # type: ignore[type-var,arg-type,operator]
            raise ConfigurationError(
                got=f"on = {given[0]:g}, off = {given[1]:g}",
                expected="probabilities, together at most 1",
                where="StuckCells",
                fix="correct them",
            )


class Cells(NamedTuple):
    """Conductances (uS), all of one shape.

    Args:
        target: what was to be held.
        written: what writing left.
        held: what is there now.
        read_sd: standard deviation of a reading; None without read noise.
    """

    target: jax.Array
    written: jax.Array
    held: jax.Array
    read_sd: jax.Array | None


class Device(eqx.Module):
    """A resistive cell between two conductances.

    Args:
        g_min: smallest conductance, of weight 0 (uS).
        g_max: largest conductance (uS).
        writing: error of writing; None is exact.
        ageing: drift or relaxation; None holds for ever.
        reading: noise of a reading; None is exact.
        stuck: cells that cannot be written; None has none.

    Raises:
        ConfigurationError: conductances that are negative or not in order.

    Example:
        >>> from snnsim.hardware.rram import Device, PolynomialError
        >>> float(Device(0.0, 25.0, writing=PolynomialError([0.5])).writing(25.0 * jax.numpy.ones(())))
        0.5
    """

    g_min: jax.Array = param(0.0, unit="uS", doc="smallest conductance")
    g_max: jax.Array = param(25.0, unit="uS", doc="largest conductance")
    writing: PolynomialError | None = part(lambda: None, doc="error of writing")
    ageing: AbstractAgeing | None = part(lambda: None, doc="drift or relaxation")
    reading: AbstractReadNoise | None = part(lambda: None, doc="noise of a reading")
    stuck: StuckCells | None = part(lambda: None, doc="cells that cannot be written")

    def __check_init__(self):
        low, high = known(self.g_min), known(self.g_max)
        if low is not None and high is not None and not (0 <= low < high < np.inf):
            raise ConfigurationError(
                got=f"g_min = {low:g} uS, g_max = {high:g} uS",
                expected="0 <= g_min < g_max",
                where="Device",
                fix="correct the conductances",
            )

    @property
    def span(self) -> jax.Array:
        """Largest less smallest conductance (uS)."""
        return self.g_max - self.g_min

    def hold(self, target: jax.Array, age: jax.Array, chip: Rand) -> Cells:
        """Write cells on a chip and wait.

        Args:
            target: conductances to be held (uS), any shape.
            age: time since writing (ms).
            chip: random numbers of the chip; cells are counted in the order of `target`.
        """
        rand = chip.of_units(target.shape)

        def normal(draw):
            return rand.normal(draw).astype(target.dtype)

        written = target
        if self.writing is not None:  # a conductance is never negative
            written = jnp.maximum(target + self.writing(target) * normal(WRITING), 0.0)
        held = written
        if self.ageing is not None:
            held = self.ageing(target, written, age, (self.g_min, self.g_max), normal(AGEING))
        if self.stuck is not None:
            where = rand.uniform(STUCK).astype(target.dtype)
            on, off = where < self.stuck.on, where >= 1.0 - self.stuck.off
            written, held = (jnp.where(on, self.g_max, jnp.where(off, self.g_min, g)) for g in (written, held))
        sd = None if self.reading is None else self.reading(written, held, age, self.g_max)
        return Cells(target, written, held, sd)


def known(value: jax.Array) -> float | None:
    """A number that can be looked at now; None inside a transformation, for arrays, and for placeholders."""
    if isinstance(value, jax.core.Tracer) or not eqx.is_array(value) or value.ndim:
        return None
    return float(value)
