"""Laws of single cells: how far off they are written, how they change with time, how they fluctuate when read.

Conductances are in uS, times in ms. A law sees conductances of any shape and standard normal numbers of that shape.
"""

from __future__ import annotations

from abc import abstractmethod

import equinox as eqx
import jax
import jax.numpy as jnp

from snnsim.core.fields import param

SECOND = 1000.0  # ms


def _number(default: float, unit: str, doc: str):
    return param(default, unit=unit, doc=doc)


class PolynomialError(eqx.Module):
    """Writing error: ``sd(g) = scale * s * max(0, sum_i c_i (g / (s * fit_range))^i)`` with the stretch ``s``.

    Args:
        coefficients: c_0, c_1, ... ``[degree + 1]``.
        fit_range: conductance by which the fit divides; 1 for a polynomial in uS.
        stretch: conductances of this cell over those of the fit; errors grow with them.
        scale: factor on the error, 1 as fitted, 0 for none.
    """

    coefficients: jax.Array = param(unit="uS", doc="coefficients by rising power")
    fit_range: jax.Array = _number(1.0, "uS", "conductance by which the fit divides")
    stretch: jax.Array = _number(1.0, "1", "conductances over those of the fit")
    scale: jax.Array = _number(1.0, "1", "factor on the error")

    def __call__(self, g: jax.Array) -> jax.Array:
        """Standard deviation (uS) of a cell that was to hold `g`."""
        x, total = g / (self.stretch * self.fit_range), jnp.zeros_like(g)
        for power in reversed(range(self.coefficients.shape[0])):
            total = total * x + self.coefficients[power]
        return self.scale * self.stretch * jnp.maximum(total, 0.0)


class AbstractAgeing(eqx.Module):
    """What time does to a written cell."""

    @abstractmethod
    def __call__(self, target: jax.Array, written: jax.Array, age: jax.Array, bounds: tuple[jax.Array, jax.Array],
                 normal: jax.Array) -> jax.Array:
        """Conductance `age` ms after writing; `target` was to be held, `bounds` are (g_min, g_max)."""


class PowerLawDrift(AbstractAgeing):
    """Phase-change drift: ``g(t) = g_written ((t + t_0) / t_0)^-nu``, ``nu = |mean + sd * normal|`` of each cell.

    With ``x = g_target / g_max``: ``mean = clip(mean_slope ln x + mean_offset, mean_low, mean_high)``, the same for
    sd. The defaults are the fit of aihwkit.

    Args:
        scale: factor on nu.
        t_0: time after writing at which the cell was first read (ms).

    References:
        Nandakumar et al. 2019; numbers from aihwkit, inference/noise/pcm.py.
    """

    scale: jax.Array = _number(1.0, "1", "factor on nu")
    t_0: jax.Array = _number(20 * SECOND, "ms", "first reading after writing")
    mean_slope: jax.Array = _number(-0.0155, "1", "mean of nu against ln x")
    mean_offset: jax.Array = _number(0.0244, "1", "mean of nu at x = 1")
    mean_low: jax.Array = _number(0.049, "1", "smallest mean of nu")
    mean_high: jax.Array = _number(0.1, "1", "largest mean of nu")
    sd_slope: jax.Array = _number(-0.0125, "1", "standard deviation of nu against ln x")
    sd_offset: jax.Array = _number(-0.0059, "1", "standard deviation of nu at x = 1")
    sd_low: jax.Array = _number(0.008, "1", "smallest standard deviation of nu")
    sd_high: jax.Array = _number(0.045, "1", "largest standard deviation of nu")

    def exponent(self, target: jax.Array, g_max: jax.Array, normal: jax.Array) -> jax.Array:
        """Nu of each cell."""
        log_x = jnp.log(jnp.maximum(target / g_max, 1e-7))
        mean = jnp.clip(self.mean_slope * log_x + self.mean_offset, self.mean_low, self.mean_high)
        sd = jnp.clip(self.sd_slope * log_x + self.sd_offset, self.sd_low, self.sd_high)
        return jnp.abs(mean + sd * normal) * self.scale

    def __call__(self, target: jax.Array, written: jax.Array, age: jax.Array, bounds: tuple[jax.Array, jax.Array],
                 normal: jax.Array) -> jax.Array:
        """Conductance `age` ms after writing."""
        return written * ((age + self.t_0) / self.t_0) ** -self.exponent(target, bounds[1], normal)


class LogarithmicRelaxation(AbstractAgeing):
    """Filamentary relaxation: ``g(t) = clip(g_written + mean ln t + (sd_slope ln t + sd) normal, g_min, g_max)``.

    t is in seconds and at least 1, where the fit begins; at age 0 nothing has happened. The defaults are aihwkit's
    fit of CMO/HfOx cells.

    Args:
        mean: shift of the mean for each factor e of time (uS).
        sd_slope: growth of the standard deviation for each factor e of time (uS).
        sd: standard deviation after one second (uS).
        scale: factor on all three.

    References:
        aihwkit, inference/noise/reram.py, class ReRamCMONoiseModel.
    """

    mean: jax.Array = _number(-0.08900206, "uS", "shift of the mean per ln t")
    sd_slope: jax.Array = _number(0.04201137, "uS", "growth of the standard deviation per ln t")
    sd: jax.Array = _number(0.41183342, "uS", "standard deviation after one second")
    scale: jax.Array = _number(1.0, "1", "factor on the relaxation")

    def __call__(self, target: jax.Array, written: jax.Array, age: jax.Array, bounds: tuple[jax.Array, jax.Array],
                 normal: jax.Array) -> jax.Array:
        """Conductance `age` ms after writing."""
        log_t = jnp.log(jnp.maximum(age / SECOND, 1.0))
        moved = written + self.scale * (self.mean * log_t + (self.sd_slope * log_t + self.sd) * normal)
        return jnp.where(age > 0, jnp.clip(moved, *bounds), written)


class AbstractReadNoise(eqx.Module):
    """Fluctuation from one reading to the next, independent between cells and steps."""

    @abstractmethod
    def __call__(self, written: jax.Array, aged: jax.Array, age: jax.Array, g_max: jax.Array) -> jax.Array:
        """Standard deviation (uS) of a cell that now holds `aged`."""


class WhiteReadNoise(AbstractReadNoise):
    """``sd = constant * g_max + proportional * g``.

    Args:
        constant: part of the largest conductance.
        proportional: part of the cell's own conductance.
    """

    constant: jax.Array = _number(0.0, "1", "part of the largest conductance")
    proportional: jax.Array = _number(0.0, "1", "part of the cell's conductance")

    def __call__(self, written: jax.Array, aged: jax.Array, age: jax.Array, g_max: jax.Array) -> jax.Array:
        """Standard deviation (uS)."""
        return self.constant * g_max + self.proportional * aged


class PhaseChangeFlicker(AbstractReadNoise):
    """1/f noise of phase-change cells: ``sd = scale * g Q sqrt(ln((t + t_0 + t_read) / (2 t_read)))``.

    ``Q = min(amplitude / max(x^exponent, 1e-3), largest)`` with ``x = g_written / g_max``.

    Args:
        scale: factor on the noise.
        amplitude: Q of a cell at g_max.
        exponent: of Q's fall with conductance.
        largest: bound of Q.
        t_read: length of a reading (ms).
        t_0: as in `PowerLawDrift` (ms).

    References:
        Nandakumar et al. 2019; numbers from aihwkit, inference/noise/pcm.py.
    """

    scale: jax.Array = _number(1.0, "1", "factor on the noise")
    amplitude: jax.Array = _number(0.0088, "1", "Q of a cell at g_max")
    exponent: jax.Array = _number(0.65, "1", "fall of Q with conductance")
    largest: jax.Array = _number(0.2, "1", "bound of Q")
    t_read: jax.Array = _number(250e-6, "ms", "length of a reading")
    t_0: jax.Array = _number(20 * SECOND, "ms", "first reading after writing")

    def __call__(self, written: jax.Array, aged: jax.Array, age: jax.Array, g_max: jax.Array) -> jax.Array:
        """Standard deviation (uS)."""
        # The bound is put on x and not on its power, whose slope at 0 is infinite.
        x = jnp.maximum(written / g_max, 1e-3 ** (1.0 / self.exponent))
        q = jnp.minimum(self.amplitude / x**self.exponent, self.largest)
        return self.scale * aged * q * jnp.sqrt(jnp.log((age + self.t_0 + self.t_read) / (2.0 * self.t_read)))


class FilamentFlicker(AbstractReadNoise):
    """1/f noise of CMO/HfOx cells: ``sd = scale * K log10(g / 1 uS) sqrt(ln((t + t_read) / (2 t_read)))``, at least 0.

    Args:
        scale: factor on the noise.
        amplitude: K (uS).
        t_read: length of a reading (ms).

    References:
        aihwkit, inference/noise/reram.py, class ReRamCMONoiseModel.
    """

    scale: jax.Array = _number(1.0, "1", "factor on the noise")
    amplitude: jax.Array = _number(0.0277316483, "uS", "K of the fit")
    t_read: jax.Array = _number(1e-3, "ms", "length of a reading")

    def __call__(self, written: jax.Array, aged: jax.Array, age: jax.Array, g_max: jax.Array) -> jax.Array:
        """Standard deviation (uS)."""
        time = jnp.log(jnp.maximum((age + self.t_read) / (2.0 * self.t_read), 1.0))
        return self.scale * self.amplitude * jnp.log10(jnp.maximum(aged, 1.0)) * jnp.sqrt(time)
