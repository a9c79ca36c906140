"""What the exact engine can run, and why it refuses the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax

from snnsim.core.connection import AbstractConnection
from snnsim.core.errors import DelayError, SnnsimError, UnsupportedError
from snnsim.core.events import Events
from snnsim.core.exact_recording import ExactState
from snnsim.core.input import Input
from snnsim.core.network import Network
from snnsim.core.neuron import AbstractNeuron, AbstractPointNeuron
from snnsim.core.projection import Projection
from snnsim.core.sending import ports_of

CLOCKED = 'use engine="clocked"'


def neuron_obstacle(neuron: AbstractNeuron) -> str | None:
    """Why this neuron cannot be run from event to event, or None."""
    if not isinstance(neuron, AbstractPointNeuron):
        return "it mixes its units and is defined step by step"
    kind = type(neuron)

    def overrides(verb):
        return getattr(kind, verb) is not getattr(AbstractPointNeuron, verb)
    inside = getattr(neuron, "neuron", None)
    if isinstance(inside, AbstractPointNeuron) and overrides("next_crossing"):
        return neuron_obstacle(inside)
    if overrides("perturb"):
        return "it draws numbers, or changes its output, step by step"
    if not neuron.exact_flow:
        return "its flow is one step of a numerical method and holds for no other time"
    if not neuron.spiking:
        return None
    if not overrides("next_crossing"):
        return "it has no next_crossing, which finds the time of the next spike"
    if overrides("fire"):
        return "its output is graded"
    if getattr(neuron, "reset_timing", "immediate") != "immediate":
        return f"reset_timing={neuron.reset_timing!r} waits for a next step"  # type: ignore[attr-defined]
    if getattr(neuron, "reset_mechanism", "zero") == "none":
        return "reset_mechanism='none' leaves it above threshold, where it would spike without end"
    return None


def projection_obstacle(network: Network, projection: Projection) -> str | None:
    """Why spikes cannot travel through this projection one by one, or None."""
    pre, post = network.populations[projection.pre], network.populations[projection.post]
    if not pre.spiking:
        return f"the output of {projection.pre!r} is graded and never rests"
    if not projection.is_static:
        return f"{type(projection.synapse).__name__} has state that changes step by step" \
            + (" (it learns)" if projection.synapse.learns else "")
    if projection.transforms:
        return f"{type(projection.transforms[0]).__name__} transforms the arrivals of a step"
    if getattr(projection.connection, "bias", None) is not None:
        return "a bias arrives in every step"
    if type(projection.connection).at_source is AbstractConnection.at_source:
        return f"{type(projection.connection).__name__} does not store its synapses one by one"
    if any(post.ports[port] != "jump" for port in ports_of(projection)):
        return f"port {projection.port!r} takes a current that is constant over a step"
    if projection.delay is not None and not hasattr(projection.delay, "value"):
        return f"{type(projection.delay).__name__} gives no delay in ms"
    return None


def refuse(network: Network, inputs: Mapping[str, Any], state: Any) -> None:
    """Raise if the exact engine cannot run this network from this state with these inputs.

    Raises:
        DelayError: a population that projects onto itself without a delay.
        UnsupportedError: a population, projection or input that is defined step by step.
    """
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((network, dict(inputs)))):
        raise UnsupportedError(got="a network inside a transformation of JAX", expected="numbers",
                               where='simulate(engine="exact")', fix=CLOCKED + ", which JAX can differentiate and map")
    for name, neuron in network.populations.items():
        reason = None if isinstance(neuron, Input) else neuron_obstacle(neuron)
        if reason:
            raise _refusal(f"population {name!r}", f"{type(neuron).__name__}: {reason}")
    for name, projection in network.projections.items():
        where = f"projection {name!r}"
        reason = projection_obstacle(network, projection)
        if reason:
            raise _refusal(where, reason)
        if projection.delay is None and projection.pre == projection.post:
            raise DelayError(got="no delay onto itself", expected="a delay in ms, as there are no steps", where=where,
                             fix="give the projection a delay, for example delay=1.0")
    for name, given in inputs.items():
        if not isinstance(given, Events):
            raise _refusal(f"input {name!r}", f"a {type(given).__name__} gives values step by step; it takes Events")
    if state is not None and not isinstance(state, ExactState):
        raise _refusal("simulate", f"a {type(state).__name__} stands between two steps")


def _refusal(where: str, reason: str) -> SnnsimError:
    return UnsupportedError(got=reason, expected="what happens from event to event", where=where,
                            fix=f"{CLOCKED}, or change this part")
