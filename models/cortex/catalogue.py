"""Models ready to be run: network, beginning, and what is known about them. One function a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax

from snnsim.core.errors import ConfigurationError
from snnsim.core.network import Network
from snnsim.core.state import SimulationState
from snnsim.models.cortex import published as known
from snnsim.models.cortex.brunel import brunel
from snnsim.models.cortex.connectome import connectome, members
from snnsim.models.cortex.edge_list import read_edges
from snnsim.models.cortex.microcircuit import microcircuit, microcircuit_plan, microcircuit_start
from snnsim.models.cortex.published import Published
from snnsim.models.cortex.vogels_abbott import coba, coba_start, cuba, cuba_start


@dataclass(frozen=True)
class Model:
    """A model with its sizes chosen.

    Args:
        name: what it is called on the command line.
        network: ``(key, dt) -> network``.
        start: ``(network, key, dt) -> state`` where it does not begin at rest.
        facts: sizes and choices, for the summary.
        published: what its activity should be, where that is known.
        units: names of the units by population, where they have any.
    """

    name: str
    network: Callable[[jax.Array, float], Network]
    start: Callable[[Network, jax.Array, float], SimulationState] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    published: Published | None = None
    units: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def cuba_model(neurons: int) -> Model:
    """`cuba` of this size."""
    return Model("cuba", lambda key, dt: cuba(neurons, key=key), lambda net, key, dt: cuba_start(net, key=key, dt=dt))


def coba_model(neurons: int) -> Model:
    """`coba` of this size."""
    return Model("coba", lambda key, dt: coba(neurons, key=key), lambda net, key, dt: coba_start(net, key=key, dt=dt))


def brunel_model(neurons: int, g: float, eta: float, j: float, synapses: str) -> Model:
    """`brunel` of this size and state.

    Raises:
        ConfigurationError: a number of neurons that is no multiple of 50.
    """
    if neurons < 50 or neurons % 50:
        raise ConfigurationError(got=f"{neurons} neurons", expected="a multiple of 50", where="brunel",
                                 fix="pass for example 12500")
    order = neurons // 5
    return Model("brunel", lambda key, dt: brunel(order, g=g, eta=eta, j=j, synapses=synapses, key=key),
                 facts={"order": order, "g": g, "eta": eta, "j_mv": j, "synapse_model": synapses},
                 published=known.of_brunel(order, g, eta, j))


def microcircuit_model(scale: float, in_degree_scale: float | None) -> Model:
    """`microcircuit` of these scales."""
    plan = microcircuit_plan(scale, in_degree_scale)  # refuses before anything is drawn
    return Model("microcircuit", lambda key, dt: microcircuit(scale, in_degree_scale, key=key, dt=dt),
                 lambda net, key, dt: microcircuit_start(net, key=key, dt=dt),
                 facts={"scale": scale, "in_degree_scale": plan.in_degree_scale},
                 published=known.of_microcircuit())


def connectome_model(path: str | Path) -> Model:
    """`connectome` of this edge list."""
    edges = read_edges(path)
    return Model("connectome", lambda key, dt: connectome(edges, key=key), units=members(edges),
                 facts={"edges": edges.path, "chemical_edges": int((~edges.electrical).sum()),
                        "gap_junctions_left_out": int(edges.electrical.sum())})
