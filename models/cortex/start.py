"""Beginning a simulation elsewhere than at rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from snnsim.core.errors import ConfigurationError
from snnsim.core.keys import named_key
from snnsim.core.network import Network
from snnsim.core.observe import variables
from snnsim.core.state import SimulationState, initial_state

Drawn = Mapping[str, Mapping[str, Callable]]


def started(network: Network, drawn: Drawn, *, key: jax.Array, dt: float, batch: int = 1) -> SimulationState:
    """A state at rest but for the variables that are drawn; pass it to ``simulate(..., state=)``.

    Args:
        network: the network.
        drawn: by population and state variable what it is drawn from, ``(key, shape, dtype) -> array``, such as
            ``{"cells": {"v": Normal(-58.0, 10.0)}}``; each unit of each sample draws its own.
        key: draws; sub-keys go by name.
        dt: step (ms) of the simulation.
        batch: number of samples.

    Raises:
        ConfigurationError: a population or variable that does not exist.

    Example:
        >>> import jax, snnsim as sn
        >>> from snnsim.synapses import Normal
        >>> net = sn.Network(dict(cells=sn.LIFPscExp(3)), [], key=jax.random.key(0))
        >>> state = started(net, {"cells": {"v": Normal(-60.0, 5.0)}}, key=jax.random.key(1), dt=0.1)
        >>> state.populations["cells"].v.shape
        (1, 3)
    """
    state = initial_state(network, batch, dt)
    populations = dict(state.populations)
    for name, recipes in drawn.items():
        if name not in populations:
            raise ConfigurationError(got=f"population {name!r}", expected=f"one of {', '.join(populations)}",
                                     where="started", fix="correct the name")
        for variable, recipe in recipes.items():
            known = variables(populations[name])
            if variable not in known:
                raise ConfigurationError(got=f"variable {variable!r}", expected=f"one of {', '.join(known)}",
                                         where=f"population {name!r}", fix="correct the name")
            old = known[variable]
            value = recipe(named_key(named_key(key, name), variable), old.shape, old.dtype)
            populations[name] = _replaced(populations[name], variable, jnp.asarray(value))
    return eqx.tree_at(lambda s: s.populations, state, populations)


def _replaced(state: Any, variable: str, value: jax.Array) -> Any:
    """The named tuple, or the one inside it, with another value of this variable."""
    if variable in state._fields:
        return state._replace(**{variable: value})
    for field, part in zip(state._fields, state, strict=True):
        if variable in variables(part):
            return state._replace(**{field: _replaced(part, variable, value)})
    raise AssertionError("the caller has looked the variable up")
