"""Updates in which a unit was driven or active, counted exactly where the recording holds what is needed."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.network import Network
from snnsim.core.observe import OUTPUT
from snnsim.core.projection import Projection
from snnsim.core.recording import Recording


def activity(network: Network, recording: Recording, name: str) -> tuple[int | None, int | None]:
    """(driven, active) updates of a population over all samples, None where they cannot be counted.

    Driven: something arrived through a synapse, or a bias did. Active: driven, or the membrane was not 0 after
    the step before. Driven needs the recorded outputs of every source, one delay for all synapses of a
    projection and a run from rest; active needs the recorded membrane ``v`` as well, and a rest of 0.
    """
    incoming = network.incoming(name)
    runs, units = recording.batch * recording.steps, network.populations[name].size
    if any(getattr(p.connection, "bias", None) is not None or p.transforms for p in incoming.values()):
        return runs * units, runs * units
    masks = [_arrivals(network, recording, projection) for projection in incoming.values()]
    if recording.first_step or any(mask is None for mask in masks):
        return None, None
    driven = np.zeros((recording.steps, recording.batch, units), bool)
    for mask in masks:
        driven |= mask
    membrane = recording.traces.get(name, {}).get("v")
    if membrane is None or bool(np.any(np.asarray(getattr(network.populations[name].initial_state(), "v", 0.0)) != 0)):
        return int(driven.sum()), None
    before = np.asarray(membrane).reshape(driven.shape)[:-1] != 0
    active = driven.copy()
    active[1:] |= before
    return int(driven.sum()), int(active.sum())


def _arrivals(network: Network, recording: Recording, projection: Projection) -> np.ndarray | None:
    """Where something arrived, bool ``[steps, batch, n_post]``."""
    traces = recording.traces.get(projection.pre, {})
    output = next((recording[projection.pre, name] for name in OUTPUT if name in traces), None)
    delays, gains = projection.taps(recording.dt, True)
    if output is None or gains is not None or delays.shape != (1,) or not projection.is_static:
        return None
    sent = (jnp.asarray(output) != 0).astype(jnp.result_type(float))
    flat = projection.connection.structure()(sent.reshape(-1, *sent.shape[2:]))
    arrived = np.asarray(jax.device_get(flat)).reshape(recording.steps, recording.batch, -1) > 0.5
    delay = min(int(delays[0]), recording.steps)
    return np.concatenate([np.zeros_like(arrived[:delay]), arrived[: recording.steps - delay]])
