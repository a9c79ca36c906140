"""A flat network cut into one part for each of several devices, all of one shape.

A device has the units dealt to it, those of a group side by side, and all synapses onto them: from units of its own
and from inputs in one table, from units of other devices in another. Parts are filled up to one size by units that
nobody hears, counts or records.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from snnsim.core.dealing import WORD, Block, of, shortest_remote_delay
from snnsim.core.fields import part, static
from snnsim.core.flat import Flat, Twins, far_projections, first_slots, first_sources, order_free, outline, spent
from snnsim.core.network import Network
from snnsim.core.table import Entry, chosen_of, synapse_arrays
from snnsim.kernels.event_propagation import Rows

AXIS = "devices"


class Shards(eqx.Module):
    """Parts of a network; arrays marked * are one behind the other, each device's part on that device."""

    units: tuple[jax.Array, ...] = part(doc="* unit of its group that each unit is, -1 for fillers, int32, by group")
    near: tuple[Rows, jax.Array] = part(doc="* synapses from units of the same device and from inputs, their weights")
    remote: tuple[Rows, jax.Array] | None = part(doc="* synapses from the units of all devices, their weights")
    back: tuple[jax.Array, ...] = part(doc="where each unit of a group is among those of all devices, by group")
    outline: Flat = part(doc="how sources and slots are numbered on a device; it holds no arrays")
    sizes: tuple[int, ...] = static(doc="units of each group on a device")
    n_units: int = static(doc="sources of a device that are units")
    aligned: tuple[bool, ...] = static(doc="for one-to-one projections: whether source i is joined to target i")
    spans: tuple[tuple[str, tuple[tuple[int, int], ...]], ...] = static(
        doc="(population, (first word, words) of each of its blocks among the words of all devices)")
    interval: int | None = static(doc="steps between exchanges of spikes; None: never")
    mesh: Mesh = static(doc="the devices")


def shard(network: Network, flat: Flat, blocks: tuple[Block, ...], mesh: Mesh, dt: float) -> Shards:
    """Cut a network.

    Args:
        network: without `snnsim.core.flat.obstacle`.
        flat: its outline.
        blocks: which units go where.
        mesh: the devices, along one axis `AXIS`.
        dt: step (ms).
    """
    units, first = _units(flat, blocks, mesh.size)
    sizes = tuple(each.shape[1] for each in units)
    local = outline(network, dt, sizes)
    n_units = sum(sizes[g] for g, _ in local.senders)
    interval = shortest_remote_delay(network, blocks, dt)
    source, words = first_sources(local), n_units // WORD
    spans = tuple((place.name, tuple((block.device * words + (source[place.name] + first[block]) // WORD,
                                      -(-block.size // WORD)) for block in of(blocks, place.name)))
                  for place in flat.places if place.name in source)
    entries = {k: _entries(network, local, blocks, first, k, n_units) for k, device in enumerate(mesh.devices.flat)
               if device.process_index == jax.process_index()}
    near = _tables({k: pair[0] for k, pair in entries.items()}, local.n_sources, network, local, mesh, dt)
    remote = _tables({k: pair[1] for k, pair in entries.items()}, mesh.size * n_units, network, local, mesh, dt)
    near, remote = _order_free(near, remote, local.n_slots, mesh)
    back = [_inverse(each) for each in units]
    return Shards(units=_parted({k: tuple(each[k] for each in units) for k in entries}, mesh), near=near,
                  remote=None if interval is None else remote, back=replicated(tuple(back), mesh),
                  outline=dataclasses.replace(local, groups=(), streams=(), twins=()), sizes=sizes, n_units=n_units,
                  aligned=tuple(_aligned(one, units, back) for one in flat.twins), spans=spans, interval=interval,
                  mesh=mesh)


def replicated(tree: Any, mesh: Mesh) -> Any:
    """Arrays that every process has, on every device of the mesh."""
    everywhere = NamedSharding(mesh, PartitionSpec())

    def copied(leaf):
        parts = [jax.device_put(leaf, device) for device in mesh.local_devices]
        return jax.make_array_from_single_device_arrays(parts[0].shape, everywhere, parts)
    return jax.tree.map(copied, tree)


def _parted(parts: Mapping[int, Any], mesh: Mesh) -> Any:
    """Trees of arrays by device, put there: each array is part of one that spans the mesh."""
    across = NamedSharding(mesh, PartitionSpec(AXIS))
    devices = list(mesh.devices.flat)

    def joined(*leaves):
        placed = [jax.device_put(leaf, devices[k]) for k, leaf in zip(parts, leaves, strict=True)]
        return jax.make_array_from_single_device_arrays((mesh.size * len(leaves[0]),), across, placed)
    return jax.tree.map(joined, *parts.values())


def _units(flat: Flat, blocks: Sequence[Block], devices: int) -> tuple[list[np.ndarray], dict[Block, int]]:
    """(unit of its group that each unit of a device is [devices, units], by group; first unit of each block there)."""
    units, first = [], {}
    for g, _ in enumerate(flat.groups):
        parts: list[list[np.ndarray]] = [[] for _ in range(devices)]
        for place in (place for place in flat.places if place.group == g):
            for block in of(blocks, place.name):
                first[block] = sum(map(len, parts[block.device]))
                mine = np.full(-(-block.size // WORD) * WORD, -1, np.int32)
                mine[:block.size] = place.first + block.begin + np.arange(block.size)
                parts[block.device].append(mine)
        size = max(sum(map(len, each)) for each in parts)
        filled = np.full((devices, size), -1, np.int32)
        for row, each in zip(filled, parts, strict=True):
            row[:sum(map(len, each))] = np.concatenate(each) if each else []
        units.append(filled)
    return units, first


def _entries(network: Network, local: Flat, blocks: Sequence[Block], first: dict[Block, int], device: int,
             n_units: int) -> tuple[list[Entry], list[Entry]]:
    """What goes into the two tables of a device."""
    source = first_sources(local)
    near, remote = [], []
    for p in far_projections(network).values():
        for post in (block for block in of(blocks, p.post) if block.device == device):
            slots = tuple(slot + first[post] - post.begin for slot in first_slots(local, p))
            whole = post.size == network.populations[p.post].size
            targets = None if whole else (post.begin, post.begin + post.size)
            if p.pre in network.inputs:
                near.append(Entry(p, spent(network, p), source[p.pre], slots, None, targets))
            for pre in of(blocks, p.pre):
                sources, begin = (pre.begin, pre.begin + pre.size), source[p.pre] + first[pre]
                if pre.device == device:
                    near.append(Entry(p, spent(network, p), begin, slots, sources, targets))
                else:  # sent at the end of a round, its whole delay counts from the step of the spike
                    remote.append(Entry(p, 0, pre.device * n_units + begin, slots, sources, targets))
    return near, remote


def _tables(entries: Mapping[int, Sequence[Entry]], n_sources: int, network: Network, local: Flat, mesh: Mesh,
            dt: float) -> tuple[Rows, jax.Array]:
    """The synapses of these entries, by device, filled up to one size."""
    chosen = {k: [chosen_of(entry) for entry in some] for k, some in entries.items()}
    size = max(sum(int(each.starts[-1] - each.starts[0]) for each in some) for some in chosen.values())
    if jax.process_count() > 1:
        size = int(np.max(multihost_utils.process_allgather(np.array(size))))
    kind = np.result_type(*(p.connection.weight.dtype for p in far_projections(network).values()))

    def arrays(k):
        rows, weight = synapse_arrays(entries[k], chosen.pop(k), n_sources, local.depth, dt, max(1, size))
        return rows, weight.astype(kind, copy=False)
    return _parted({k: arrays(k) for k in entries}, mesh)


def _order_free(near: tuple[Rows, jax.Array], remote: tuple[Rows, jax.Array], n_slots: int,
                mesh: Mesh) -> tuple[tuple[Rows, jax.Array], tuple[Rows, jax.Array]]:
    """Both tables with the weights that one table of the whole network would have."""
    if near[1].dtype != jnp.float32:
        return near, remote

    @jax.jit
    @partial(jax.shard_map, mesh=mesh, in_specs=PartitionSpec(AXIS), out_specs=PartitionSpec(AXIS), check_vma=False)
    def rounded(weights, targets):
        weight, _ = order_free(jnp.concatenate(weights), jnp.concatenate(targets), n_slots)
        return jnp.split(weight, [weights[0].size])
    weights = rounded((near[1], remote[1]), (near[0].targets, remote[0].targets))
    return (near[0], weights[0]), (remote[0], weights[1])


def _inverse(units: np.ndarray) -> np.ndarray:
    """Where each unit of a group is among the units ``[devices, units]``."""
    flat = units.reshape(-1)
    where = np.empty((flat >= 0).sum(), np.int32)
    where[flat[flat >= 0]] = np.flatnonzero(flat >= 0)
    return where


def _aligned(twins: Twins, units: Sequence[np.ndarray], back: Sequence[np.ndarray]) -> bool:
    """Whether each target has its source at its own place, on every device."""
    mine = units[twins.post]
    if units[twins.pre].shape != mine.shape:
        return False
    here = np.flatnonzero(mine >= 0)
    unit = mine.reshape(-1)[here]
    joined = np.asarray(twins.weight)[unit] != 0
    return bool((back[twins.pre][np.asarray(twins.index)[unit]] == here)[joined].all())
