"""Sources of current: `DCGenerator`, `StepCurrentGenerator` and `NoiseGenerator`, populations without inputs."""

from __future__ import annotations

from math import inf
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import param, static
from snnsim.core.keys import Rand
from snnsim.neurons.generator import AbstractGenerator


class CurrentState(NamedTuple):
    """Current i (nA) of the present step."""

    i: jax.Array


class AbstractCurrentGenerator(AbstractGenerator):
    """A generator whose value is a current, for a port such as "current"."""

    membrane: ClassVar = "i"
    spiking: ClassVar = False
    state_type: ClassVar = CurrentState


class DCGenerator(AbstractCurrentGenerator):
    """The same current all the time (NEST dc_generator).

    Args:
        shape: number of units, or shape.
        amplitude: the current (nA).
        start: when it is switched on (ms).
        stop: when it is switched off (ms).

    Example:
        >>> import jax, snnsim as sn
        >>> net = sn.Network(dict(source=sn.neurons.DCGenerator(2, 0.5), cell=sn.LI(2, r_m=40.0)),
        ...                  [sn.Projection("source", "cell", sn.OneToOne(1.0), port="current")],
        ...                  key=jax.random.key(0))
        >>> round(float(sn.simulate(net, duration=500.0)["cell", "output"][-1, 0, 0]), 3)
        20.0
    """

    amplitude: jax.Array = param(0.0, unit="nA", doc="the current")

    def level(self, dt: float, rand: Rand) -> jax.Array:
        """Current of this step while switched on."""
        return self.amplitude


class StepCurrentGenerator(AbstractCurrentGenerator):
    """A current that changes at given times and is constant between them (NEST step_current_generator).

    Before the first time it is 0. The waveform is one for all units, the projection's weights scale it; a long
    recorded one is better given to an `Input`.

    Args:
        shape: number of units, or shape.
        times: when the current changes (ms), ascending.
        amplitudes: the current from each of these times on (nA).
        start: when it is switched on (ms).
        stop: when it is switched off (ms).
    """

    times: tuple[float, ...] = static((), doc="when the current changes", unit="ms",
                                      convert=lambda times: tuple(float(t) for t in times))
    amplitudes: tuple[float, ...] = static((), doc="the current from each time on", unit="nA",
                                           convert=lambda values: tuple(float(a) for a in values))

    def __check_init__(self):
        where, rising = type(self).__name__, all(a < b for a, b in zip(self.times, self.times[1:], strict=False))
        if len(self.times) != len(self.amplitudes):
            raise ConfigurationError(got=f"{len(self.times)} times and {len(self.amplitudes)} amplitudes",
                                     expected="one amplitude for each time", where=where, fix="make both as long")
        if not rising or not all(0.0 <= time < inf for time in self.times):
            raise ConfigurationError(got=f"times = {self.times}", expected="ascending times of 0 ms or more",
                                     where=where, fix="sort them and remove repeated ones")
        if not all(abs(value) < inf for value in self.amplitudes):
            raise ConfigurationError(got=f"amplitudes = {self.amplitudes}", expected="finite numbers (nA)",
                                     where=where, fix="correct the value or its unit")

    def level(self, dt: float, rand: Rand) -> jax.Array:
        """Current of this step while switched on."""
        levels = jnp.asarray([0.0, *self.amplitudes], jnp.result_type(float))
        if not self.times:
            return levels[0]
        ticks = jnp.stack([self.ticks(time, dt, "a time") for time in self.times])
        return levels[jnp.sum(rand.step >= ticks, dtype=jnp.int32)]


class NoiseGenerator(AbstractCurrentGenerator):
    """Gaussian current that is drawn anew every `dt_noise` ms for each unit (NEST noise_generator).

    Through a leak with tau_mem and r_m the membrane's standard deviation at the ends of these intervals is
    r_m std sqrt((1 - p) / (1 + p)) with p = exp(-dt_noise / tau_mem).

    Args:
        shape: number of units, or shape.
        mean: mean of the current (nA).
        std: its standard deviation (nA).
        dt_noise: how long each number holds (ms), a multiple of the step.
        start: when it is switched on (ms).
        stop: when it is switched off (ms).
    """

    mean: jax.Array = param(0.0, unit="nA", doc="mean of the current")
    std: jax.Array = param(0.0, unit="nA", doc="standard deviation of the current", bounds=(0.0, None))
    dt_noise: float = static(1.0, doc="how long each number holds", unit="ms", convert=float, kw_only=True)

    def __check_init__(self):
        if not 0.0 < self.dt_noise < inf:
            raise ConfigurationError(got=f"dt_noise = {self.dt_noise}", expected="a positive number of ms",
                                     where=type(self).__name__, fix="pass for example dt_noise=1.0")

    def level(self, dt: float, rand: Rand) -> jax.Array:
        """Current of this step while switched on; numbers are counted by intervals since `start`."""
        since = rand.step - self.ticks(self.start, dt, "start")  # wraps before it, where nothing is put out
        interval = since // self.ticks(self.dt_noise, dt, "dt_noise")
        draw = eqx.tree_at(lambda r: r.step, rand, interval)
        return self.mean + self.std * draw.normal()
