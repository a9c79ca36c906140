"""`Feed`: what enters a network, checked once and handed out chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ConfigurationError, ShapeError
from snnsim.core.events import Events
from snnsim.core.network import Network

Given = Mapping[str, Any]


class Feed:
    """Inputs of a run. Events become dense one chunk at a time, so that long runs need no more memory than short ones.

    Args:
        network: the network that they enter.
        inputs: `Events` or arrays ``[steps, batch, *shape]`` by input population; what is missing is silent.
        dt: step (ms).
        steps: number of steps.
        batch: number of samples where no input tells.

    Raises:
        ConfigurationError: a name that is no input population.
        DataError: events beyond the last step.
        ShapeError: arrays or events of another shape, or batches that differ.
    """

    def __init__(self, network: Network, inputs: Given, *, dt: float, steps: int, batch: int = 1):
        self.dt, self.steps = float(dt), steps
        self.shapes = {name: network.populations[name].shape for name in network.inputs}
        self.given: dict[str, Events | np.ndarray | jax.Array] = {}
        for name, given in inputs.items():
            if name not in self.shapes:
                known = ", ".join(network.inputs) or "none: the network has no Input"
                raise ConfigurationError(got=f"input {name!r}", expected=f"one of {known}", where="simulate",
                                         fix="name an Input population")
            self.given[name] = self._checked(name, given)
        batches = {len(g) if isinstance(g, Events) else g.shape[1] for g in self.given.values()} or {batch or 1}
        if len(batches) > 1:
            raise ShapeError(got=f"batches of {sorted(batches)}", expected="one batch size", where="simulate inputs",
                             fix="give every input population the same number of samples")
        self.batch = batches.pop()

    def _checked(self, name: str, given: Any) -> Events | np.ndarray | jax.Array:
        """Arrays as they are, events on the grid of steps."""
        where, shape = f"input {name!r}", self.shapes[name]
        if isinstance(given, Events):
            if given.shape != shape:
                raise ShapeError(got=f"events of shape {given.shape}", expected=f"{shape}", where=where,
                                 fix="transform the events, or change the size of the Input")
            given.check_end(self.dt, self.steps)
            return replace(given, ticks=given.steps(self.dt), resolution=self.dt)
        given = given if isinstance(given, jax.Array) else np.asarray(given)
        if given.ndim != 2 + len(shape) or given.shape[0] != self.steps or given.shape[2:] != shape:
            raise ShapeError(got=f"an array of shape {given.shape}", where=where,
                             expected=f"[{self.steps} steps, batch, {', '.join(map(str, shape))}]", fix="reshape it")
        return given

    @property
    def arrays(self) -> dict[str, np.ndarray | jax.Array]:
        """Those that were given as arrays; inside a transformation of JAX they may be traced."""
        return {name: given for name, given in self.given.items() if not isinstance(given, Events)}

    def chunk(self, start: int, length: int) -> dict[str, jax.Array]:
        """Input of `length` steps from step `start` on, ``[length, batch, *shape]`` by input population."""
        return {name: jnp.asarray(self._part(name, start, length), jnp.result_type(float)) for name in self.shapes}

    def _part(self, name: str, start: int, length: int) -> Any:
        given = self.given.get(name)
        if given is None:
            return np.zeros((length, self.batch, *self.shapes[name]), np.float32)
        if isinstance(given, Events):
            inside = (given.ticks >= start) & (given.ticks < start + length)
            return given.select(inside, ticks=given.ticks - start).dense(self.dt, length)
        return given[start:start + length]
