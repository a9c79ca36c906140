"""`Input`: the population through which events enter a network."""

from __future__ import annotations

from typing import Any, ClassVar

import jax

from snnsim.core.fields import shape_tuple, static
from snnsim.core.keys import Rand
from snnsim.core.neuron import AbstractNeuron, Inputs


class Input(AbstractNeuron):
    """Passes on what is given to `simulate` under its name.

    Args:
        shape: number of units, or shape (images channels first).
    """

    shape: tuple[int, ...] = static(doc="shape of the population", convert=shape_tuple)
    ports: ClassVar = {"in": "jump"}

    def initial_state(self) -> Any:
        """Nothing to keep."""
        return ()

    def step(self, state: Any, inputs: Inputs, dt: float, rand: Rand) -> tuple[Any, jax.Array]:
        """What was given for this step."""
        return state, inputs["in"]
