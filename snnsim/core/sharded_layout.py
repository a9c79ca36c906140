"""A flat network on several devices, as `simulate` runs it: which devices, what goes where, chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.sharding import Mesh

from snnsim.core.chunks import FlatLayout, Layers, healthy, latest, runner
from snnsim.core.dealing import deal
from snnsim.core.errors import ConfigurationError, UnsupportedError
from snnsim.core.flat import Place, obstacle, outline
from snnsim.core.flat_engine import run_flat
from snnsim.core.network import Network
from snnsim.core.packed import PackedSpikes
from snnsim.core.sharded_kernel import sharded_kernels
from snnsim.core.shards import AXIS, replicated, shard

Devices = int | Sequence[jax.Device]


class ShardedLayout(FlatLayout):
    """Units dealt over devices; everything that goes in and out is as on one device, and equal to the bit.

    Args:
        network: without `snnsim.core.flat.obstacle`.
        dt: step (ms).
        mesh: the devices.
        placement: device by population, see `snnsim.core.dealing.deal`.
    """

    def __init__(self, network: Network, dt: float, mesh: Mesh, placement: Mapping[str, int] | None):
        self.network, self.path = network, "flat"
        chosen = tuple(sorted((placement or {}).items()))

        def made():
            flat = outline(network, dt)
            return replicated(flat, mesh), shard(network, flat, deal(network, mesh.size, placement), mesh, dt)
        self.flat, self.shards = latest(network, ("sharded", dt, mesh, chosen), made)
        self.spans, self.processes = dict(self.shards.spans), len({d.process_index for d in mesh.devices.flat})

    def _ran(self, state: Any, inputs: dict, **given: Any) -> tuple:
        mesh = self.shards.mesh
        state, inputs, seed = replicated((state, inputs, given.pop("seed")), mesh)
        platform = mesh.devices.flat[0].platform
        found = _run_sharded(self.flat, self.shards, state, inputs, seed, platform=platform, **given)
        # Every device has the same: one of this process is enough, and all that follows is as with one device.
        return jax.tree.map(lambda leaf: leaf.addressable_data(0) if isinstance(leaf, jax.Array) else leaf, found)

    def _spikes(self, words: np.ndarray, place: Place) -> PackedSpikes:
        parts = [words[..., first:first + size] for first, size in self.spans[place.name]]
        return PackedSpikes(parts[0] if len(parts) == 1 else np.concatenate(parts, -1), 0, place.shape)


@eqx.filter_jit
def _run_sharded(flat, shards, state, inputs, seed, *, dt, steps, record, platform):
    state, ran = run_flat(flat, state, inputs, dt=dt, steps=steps, seed=seed, record=record,
                          kernels=sharded_kernels(shards, platform))
    return state, ran, healthy(state)


def on_devices(network: Network, given: Any, dt: float, inference: bool, devices: Devices | None,
               placement: Mapping[str, int] | None) -> Layers | FlatLayout:
    """How to run this network on these devices; on the first one alone as without a word of devices.

    Raises:
        ConfigurationError: devices that are not there, or placements that cannot be.
        UnsupportedError: a network that cannot be run on several devices.
    """
    if devices is None:
        raise ConfigurationError(got="a placement and no devices", expected="the number of devices", where="simulate",
                                 fix="pass for example devices=2")
    chosen = devices_of(devices)
    if chosen == jax.devices()[:1] and not placement:
        return runner(network, given, dt, inference)
    traced = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((network, given)))
    reason = "it is differentiated or transformed" if traced else "it is trained (inference=False)" \
        if not inference else obstacle(network, dt)
    if reason:
        raise UnsupportedError(got=f"devices = {devices} and a network for one: {reason}", where="simulate",
                               expected="event-driven projections with delays (or one to one) between point neurons",
                               fix="leave devices away: one device runs it layer by layer")
    return ShardedLayout(network, dt, Mesh(np.array(chosen), (AXIS,)), placement)


def devices_of(devices: Devices) -> list[jax.Device]:
    """The first of JAX's devices, or those that were named.

    Raises:
        ConfigurationError: more than there are, the same one twice, or none of a process that takes part.
    """
    known = jax.devices()
    if isinstance(devices, int | np.integer) and not isinstance(devices, bool):
        if not 1 <= devices <= len(known):
            raise ConfigurationError(
                got=f"devices = {devices}", expected=f"1 to {len(known)}, the number of {known[0].platform} devices",
                where="simulate", fix="ask for fewer; a CPU counts as several with XLA_FLAGS="
                "--xla_force_host_platform_device_count=8 in the environment")
        chosen = known[:devices]
    else:
        chosen = list(devices) if isinstance(devices, Sequence) else [devices]
        if not chosen or len(set(map(id, chosen))) < len(chosen) or \
                not all(isinstance(device, jax.Device) for device in chosen) \
                or len({device.platform for device in chosen}) > 1:
            raise ConfigurationError(got=f"devices = {devices!r}", where="simulate", fix="pass for example devices=2",
                                     expected="a number, or different devices of one kind out of jax.devices()")
    idle = set(range(jax.process_count())) - {device.process_index for device in chosen}
    if idle:
        raise ConfigurationError(got=f"{len(chosen)} devices, none of process {min(idle)}", where="simulate",
                                 expected=f"devices of all {jax.process_count()} processes",
                                 fix=f"ask for all {len(known)} devices, or start fewer processes")
    return chosen
