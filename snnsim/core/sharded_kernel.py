"""Runs a flat network on several devices: rounds of steps by the kernels of one device, then spikes are exchanged.

A round is as long as the shortest delay between two devices, so that no spike is due on another device before the
round ends. Then every device is given the spikes of all and adds what they cause on its own units to the arrivals
that lie ahead. Everything is one program: rounds are a loop on the devices, the host is not asked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec

from snnsim.core.dealing import WORD
from snnsim.core.flat import Flat, Twins, graded, resized
from snnsim.core.flat_kernels import KERNELS, Given, Kernel
from snnsim.core.observe import OUTPUT
from snnsim.core.shards import AXIS, Shards
from snnsim.kernels.event_propagation import packed, propagate
from snnsim.kernels.spike_search import searched

NO_MESH = jax.sharding.AbstractMesh((), ())


def sharded_kernels(shards: Shards, platform: str) -> tuple[Kernel, ...]:
    """The kernels of a platform, each on all devices; spikes come as words of all devices, see `Shards.spans`."""
    send = searched if platform == "gpu" and jnp.result_type(float) == jnp.float32 else propagate
    where = f"on {shards.mesh.size} device{'s' if shards.mesh.size > 1 else ''}"
    return tuple(Kernel(f"{kernel.name} {where}", partial(_run, shards, kernel, send))
                 for kernel in KERNELS[platform])


def _run(shards: Shards, kernel: Kernel, send: Callable, given: Given, carried: tuple, ring: jax.Array) -> Any:
    """The same as `Kernel.run` of the whole network."""
    common, rest = eqx.partition((shards.back, given, carried, ring), eqx.is_array)
    here, everywhere = PartitionSpec(AXIS), PartitionSpec()

    @partial(jax.shard_map, mesh=shards.mesh, in_specs=(here, everywhere), out_specs=everywhere, check_vma=False)
    def on_a_device(own, common):
        back, given, carried, ring = eqx.combine(common, rest)
        units, near, remote = own
        return _Device(shards, kernel, send, units, near, remote, back, given).run(carried, ring)
    return on_a_device((shards.units, shards.near, shards.remote), common)


class _Device:
    """What one device does. Arrays are its own part, but for those of the `whole` network, which every device has."""

    def __init__(self, shards: Shards, kernel: Kernel, send: Callable, units: tuple, near: tuple, remote: tuple | None,
                 back: tuple, whole: Given):
        self.shards, self.kernel, self.send, self.remote = shards, kernel, send, remote
        self.back, self.whole = back, whole
        self.real = [each >= 0 for each in units]
        self.unit = [jnp.maximum(each, 0) for each in units]  # fillers are like unit 0, but nobody hears them
        self.flat = self._part(near)
        self.senders = dict(self.flat.senders)
        self.heard = packed(jnp.concatenate([self.real[g] for g in self.senders] or [jnp.zeros(0, bool)]))
        # A spike is a bit; other outputs are recorded in order to be exchanged.
        self.valued = {g: next((name for name in whole.wanted[g] if name in OUTPUT), OUTPUT[0]) for g in self.senders
                       if remote is not None and graded(whole.flat.groups[g])}
        self.wanted = tuple(tuple(dict.fromkeys((*names, *([self.valued[g]] if g in self.valued else []))))
                            for g, names in enumerate(whole.wanted))

    def _part(self, near: tuple) -> Flat:
        """The part of the network that is here."""
        whole, shards = self.whole.flat, self.shards

        def mine(tree, g):
            return jax.tree.map(lambda leaf: leaf[self.unit[g]] if leaf.ndim else leaf, tree)
        twins = tuple(Twins(one.pre, one.post, one.port, aligned,
                            self.back[one.pre][one.index[self.unit[one.post]]] % shards.sizes[one.pre],
                            jnp.where(self.real[one.post], one.weight[self.unit[one.post]], 0))
                      for one, aligned in zip(whole.twins, shards.aligned, strict=True))
        return dataclasses.replace(
            shards.outline, twins=twins, rows=near[0], weight=near[1],
            groups=tuple(mine(resized(neuron, (shards.sizes[g],)), g) for g, neuron in enumerate(whole.groups)),
            streams=tuple(mine(pair, g) for g, pair in enumerate(whole.streams)))

    def run(self, carried: tuple, ring: jax.Array) -> Any:
        """All rounds of a chunk; None where the kernel cannot run this network."""
        whole = self.whole
        states = tuple(jax.tree.map(lambda leaf, g=g: leaf[:, self.unit[g]], state)
                       for g, state in enumerate(carried[0]))
        first = {(port, g): slot for port, g, slot in whole.flat.slots}
        parts = [jnp.where(self.real[g][None, None], ring[..., first[port, g] + self.unit[g]], 0)
                 for port, g, _ in self.flat.slots]
        ring = jnp.concatenate(parts, -1) if parts else ring
        state = (states, ring, whole.first_step, whole.first_row)
        length = min(whole.steps, self.shards.interval or whole.steps)
        rounds, left = divmod(whole.steps, length)
        if jax.eval_shape(lambda: self._kernel(state, whole.external[:length])) is None:
            return None
        external = whole.external[:rounds * length].reshape(rounds, length, *whole.external.shape[1:])
        state, (sums, steps) = jax.lax.scan(self._round, state, external)
        sums = jax.tree.map(lambda each: each.any(0) if each.dtype == bool else each.sum(0, dtype=each.dtype), sums)
        steps = jax.tree.map(lambda each: each.reshape(-1, *each.shape[2:]), steps)
        if left:
            state, (last, rest) = self._round(state, whole.external[rounds * length:])
            sums = jax.tree.map(lambda a, b: a | b if a.dtype == bool else a + b, sums, last)
            steps = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), steps, rest)
        return self._joined(state, *sums, *steps)

    def _round(self, state: tuple, external: jax.Array) -> tuple[tuple, tuple]:
        """(state, (what adds up, what is recorded in each step)) of steps up to an exchange of spikes."""
        step, row = state[2:]
        (states, tally), ring, counts, words, traces = self._kernel(state, external)
        words = words[..., :len(self.heard)] & self.heard[None, None]
        if self.remote is not None:
            (rows, weight), outputs = self.remote, self._of_all(words, traces, ring.dtype)
            with jax.sharding.use_abstract_mesh(NO_MESH):
                ring = self.send(ring, outputs, weight, rows, row)
        state = (states, ring, step + len(external), (row + len(external)) % ring.shape[0])
        traces = [{name: traces[g][name] for name in names} for g, names in enumerate(self.whole.wanted)]
        return state, ((counts, tally), (words, traces))

    def _kernel(self, state: tuple, external: jax.Array) -> Any:
        """Steps of the part that is here."""
        states, ring, step, row = state
        quiet = {g: (jnp.zeros((ring.shape[1], size), jnp.int32), jnp.zeros((ring.shape[1], size), bool))
                 for g, size in enumerate(self.shards.sizes) if graded(self.whole.flat.groups[g])}
        given = self.whole._replace(flat=self.flat, steps=len(external), first_step=step, wanted=self.wanted,
                                    external=external, first_row=row)
        with jax.sharding.use_abstract_mesh(NO_MESH):  # else JAX puts in operations that kernels do not know
            return self.kernel.run(given, (states, quiet), ring)

    def _of_all(self, words: jax.Array, traces: Any, dtype: Any) -> jax.Array:
        """Outputs of the units of all devices, ``[steps, batch, units]``."""
        words = jax.lax.all_gather(words, AXIS, axis=2)
        bit = jax.lax.broadcasted_iota(jnp.uint32, (*words.shape, WORD), words.ndim)
        outputs = (words[..., None] >> bit) & jnp.uint32(1)
        outputs = outputs.reshape(*words.shape[:3], -1).astype(dtype)
        for g, name in self.valued.items():
            mine = slice(self.senders[g], self.senders[g] + self.shards.sizes[g])
            outputs = outputs.at[..., mine].set(jax.lax.all_gather(traces[g][name], AXIS, axis=2))
        return outputs.reshape(*outputs.shape[:2], -1)

    def _joined(self, state: tuple, counts: jax.Array, tally: dict, words: jax.Array, traces: Any) -> tuple:
        """The results of all devices as those of one, but for words, which stay as they lie."""
        states, ring = state[:2]

        def joined(tree, g, axis):
            return jax.tree.map(lambda leaf: jnp.take(jax.lax.all_gather(leaf, AXIS, axis=axis, tiled=True),
                                                      self.back[g], axis=axis), tree)

        def cut(array, g, first):
            return joined(array[..., first:first + self.shards.sizes[g]], g, array.ndim - 1)
        states = tuple(joined(each, g, 1) for g, each in enumerate(states))
        tally = {g: joined(each, g, 1) for g, each in tally.items()}
        ring = jnp.concatenate([*(cut(ring, g, first) for _, g, first in self.flat.slots), ring[..., :0]], -1)
        counts = jnp.concatenate([*(cut(counts, g, first) for g, first in self.senders.items()),
                                  counts[..., self.shards.n_units:]], -1)
        words = jax.lax.all_gather(words, AXIS, axis=2, tiled=True)
        return (states, tally), ring, counts, words, tuple(joined(each, g, 2) for g, each in enumerate(traces))
