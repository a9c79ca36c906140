"""What populations without inputs share: a value of their own in each step, while they are switched on."""

from __future__ import annotations

from abc import abstractmethod
from math import inf
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from snnsim.core.errors import ConfigurationError
from snnsim.core.events import exact_ratio
from snnsim.core.fields import shape_tuple, static
from snnsim.core.keys import Rand
from snnsim.core.neuron import AbstractPointNeuron, Inputs, check_fields


class AbstractGenerator(AbstractPointNeuron):
    """Puts out the value of each step; project it one to one, without delay.

    Times are those of the simulation, with those before `state=` counted, and lie on the grid. A step that begins at
    `start` or later and before `stop` has a value; in others it is 0. `state_type` is a named tuple of one field, the
    value.

    Args:
        shape: number of units, or shape.
        start: when it is switched on (ms).
        stop: when it is switched off (ms).
    """

    shape: tuple[int, ...] = static(doc="shape of the population", convert=shape_tuple)
    start: float = static(0.0, doc="when it is switched on", unit="ms", convert=float, kw_only=True)
    stop: float = static(inf, doc="when it is switched off", unit="ms", convert=float, kw_only=True)

    ports: ClassVar = {}
    state_type: ClassVar[type]

    def __check_init__(self):
        check_fields(self)
        if not 0.0 <= self.start <= self.stop or self.start == inf:
            raise ConfigurationError(got=f"start = {self.start} and stop = {self.stop}",
                                     expected="0 <= start <= stop, in ms", where=type(self).__name__,
                                     fix="correct the times; stop may be left out")

    @abstractmethod
    def level(self, dt: float, rand: Rand) -> jax.Array:
        """Value of this step while switched on."""

    def init(self) -> Any:
        """Nothing yet."""
        arrays = jax.tree.leaves(eqx.filter(self, eqx.is_inexact_array))
        return self.state_type(jnp.zeros((), jnp.result_type(float, *arrays)))

    def flow(self, state: Any, dt: float, drive: Inputs) -> Any:
        """Nothing: values are set by `perturb`, which knows the step."""
        return state

    def perturb(self, state: Any, dt: float, rand: Rand) -> Any:
        """The value of this step."""
        on = rand.step >= self.ticks(self.start, dt, "start")
        if self.stop < inf:
            on = on & (rand.step < self.ticks(self.stop, dt, "stop"))
        return self.state_type(jnp.where(on, self.level(dt, rand), jnp.zeros_like(state[0])))

    def receive(self, state: Any, arrivals: Inputs) -> Any:
        """Nothing arrives."""
        return state

    def fire(self, state: Any) -> tuple[Any, jax.Array]:
        """The value itself."""
        return state, state[0]

    def ticks(self, time: float, dt: float, name: str) -> jax.Array:
        """The step that begins at `time`, which must lie on the grid of `dt`."""
        ratio = exact_ratio(time, dt)
        if ratio is None or ratio.denominator != 1:
            raise ConfigurationError(got=f"{name} = {time} ms with dt = {dt} ms", expected="a multiple of dt",
                                     where=type(self).__name__, fix="round the time to the grid, or change dt")
        return jnp.uint32(int(ratio))
