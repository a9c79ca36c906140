"""`SimulationState`: everything that crosses from one chunk of time into the next."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from snnsim.core.fields import part
from snnsim.core.network import Network
from snnsim.core.projection import Projection
from snnsim.core.sending import no_arrivals, pending_depth


class ProjectionState(eqx.Module):
    """State of one projection; plastic weights have a batch axis, one copy a sample."""

    synapse: Any = part(doc="state of the synapse, [batch, ...]")
    plastic: Any = part(doc="arrays of a connection that learns, [batch, ...]; None if it does not")
    transforms: tuple = part(doc="running statistics of the transforms")


class SimulationState(eqx.Module):
    """State of a whole simulation: pass it to `simulate(..., state=)` to go on."""

    step: jax.Array = part(doc="absolute step, int32")
    populations: dict[str, Any] = part(doc="neuron states, [batch, *shape]")
    lines: dict[str, jax.Array] = part(doc="latest outputs, a ring [steps, batch, *shape] by absolute step")
    projections: dict[str, ProjectionState] = part(doc="projection states")
    pending: dict[str, jax.Array] = part(dict, doc="arrivals under way, [steps ahead, batch, *shape] by 'post.port'")

    @property
    def batch(self) -> int:
        """Number of samples; 0 where nothing is kept that would tell."""
        kept, lines = jax.tree.leaves(self.populations), jax.tree.leaves(self.lines)
        return kept[0].shape[0] if kept else lines[0].shape[1] if lines else 0


def initial_state(network: Network, batch: int, dt: float) -> SimulationState:
    """The network at rest, for `batch` samples and steps of `dt` ms."""
    def repeated(tree):
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (batch, *leaf.shape)), tree)

    lines = {}
    for name, neuron in network.populations.items():
        depth = network.depth(name, dt)
        if depth:
            lines[name] = jnp.zeros((depth + 1, batch, *neuron.shape), jnp.result_type(float))
    return SimulationState(
        step=jnp.zeros((), jnp.int32),
        populations={name: repeated(neuron.initial_state()) for name, neuron in network.populations.items()},
        lines=lines,
        projections={name: _projection_state(network, p, repeated) for name, p in network.projections.items()},
        pending={f"{post}.{port}": array for post in network.populations for port, array
                 in no_arrivals(network, post, network.projections, pending_depth(network, dt), batch).items()},
    )


def _projection_state(network: Network, projection: Projection, repeated) -> ProjectionState:
    pre, post = (network.populations[name].shape for name in (projection.pre, projection.post))
    plastic = None
    if projection.synapse.learns:
        plastic = repeated(eqx.filter(projection.connection, eqx.is_inexact_array))
    return ProjectionState(
        synapse=repeated(projection.synapse.initial_state(projection.connection, pre, post)),
        plastic=plastic,
        transforms=tuple(transform.initial_state() for transform in projection.transforms),
    )


def fold_back(network: Network, state: SimulationState, sample: int | None = None) -> Network:
    """The network with what was learned in a run: plastic weights (of one sample, or their mean) and statistics."""
    projections = {}
    for name, projection in network.projections.items():
        kept = state.projections[name]
        transforms = tuple(t.with_state(s) for t, s in zip(projection.transforms, kept.transforms, strict=True))
        connection = projection.connection
        if kept.plastic is not None:
            arrays = jax.tree.map(lambda leaf: leaf.mean(0) if sample is None else leaf[sample], kept.plastic)
            connection = eqx.combine(arrays, connection)
        projections[name] = eqx.tree_at(lambda p: (p.connection, p.transforms), projection, (connection, transforms))
    return eqx.tree_at(lambda net: net.projections, network, projections)
