"""Event-driven projections: spikes add their synapses to arrivals that lie ahead, and synapses at rest cost nothing.

A projection is event driven where its synapses are a list, static, and of fixed delay. Its arrivals wait in
``pending["post.port"]``, ``[steps ahead, batch, *post]``: row k is due k steps from now.
"""

from __future__ import annotations

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp

from snnsim.core.connection import AbstractConnection
from snnsim.core.network import Network
from snnsim.core.projection import BY_SIGN, Projection
from snnsim.kernels.event_propagation import Rows, propagate


def ports_of(projection: Projection) -> tuple[str, ...]:
    """Ports at which this projection arrives."""
    return ("exc", "inh") if projection.port == BY_SIGN else (str(projection.port),)


def pending_depth(network: Network, dt: float) -> int:
    """Steps for which spikes may still be under way: the largest delay of all event-driven projections."""
    return max([p.depth(dt) for p in network.projections.values() if p.event_driven], default=0)


def split_by_sign(projection: Projection, connection: AbstractConnection) -> dict[str, AbstractConnection]:
    """The connection by port; with "by_sign" its positive part goes to "exc" and its negative one to "inh"."""
    if projection.port != BY_SIGN:
        return {str(projection.port): connection}
    def clipped(clip):
        return eqx.tree_at(lambda c: c.weight, connection, replace_fn=clip)
    return {"exc": clipped(lambda w: jnp.maximum(w, 0)), "inh": clipped(lambda w: jnp.minimum(w, 0))}


def no_arrivals(network: Network, post: str, projections: Mapping[str, Projection], steps: int, batch: int,
                ) -> dict[str, jax.Array]:
    """Zeros ``[steps, batch, *post]`` by port, for those of the projections that are event driven."""
    ports = {port for p in projections.values() if p.post == post and p.event_driven for port in ports_of(p)}
    shape = (steps, batch, *network.populations[post].shape)
    return {port: jnp.zeros(shape, jnp.result_type(float)) for port in sorted(ports)}


def rows_of(projection: Projection, dt: float) -> Rows:
    """Synapses by source, with delays in steps in the smallest type that holds them."""
    connection = projection.connection
    steps = projection.taps(dt, True)[0][0]
    if steps.ndim and steps.shape != connection.weight.shape:  # one delay a source
        steps = steps.reshape(-1)[connection.sources]
    return Rows(connection.starts[:-1], connection.starts[1:], connection.targets,
                steps.reshape(-1).astype(delay_type(projection.depth(dt))))


def delay_type(depth: int) -> type:
    """Smallest unsigned type for delays up to `depth` steps."""
    return jnp.uint8 if depth < 2**8 else jnp.uint16 if depth < 2**16 else jnp.int32


def send(projection: Projection, ahead: dict[str, jax.Array], spikes: jax.Array, dt: float,
         step: jax.Array | int) -> None:
    """Add what `spikes` ``[steps, batch, *pre]`` cause to the arrivals ``ahead`` (by port), a ring by step."""
    rows = rows_of(projection, dt)
    flat = spikes.reshape(*spikes.shape[:2], -1)
    for port, connection in split_by_sign(projection, projection.connection).items():
        ring = ahead[port]
        after = propagate(ring.reshape(*ring.shape[:2], -1), flat, connection.weight, rows, jnp.int32(step))
        ahead[port] = after.reshape(ring.shape)
