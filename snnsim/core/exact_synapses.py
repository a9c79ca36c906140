"""Synapses of a projection as a list by source, and the arrivals that spikes cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import DelayError
from snnsim.core.exact_time import as_written, to_ticks
from snnsim.core.network import Network
from snnsim.core.projection import Projection
from snnsim.core.sending import ports_of


class Spikes(NamedTuple):
    """Spikes of one population: when (ticks), by which unit of which sample (sample * size + unit), how strong."""

    times: np.ndarray
    units: np.ndarray
    values: np.ndarray


class Arrivals(NamedTuple):
    """What reaches one population: when (ticks), which unit of which sample, at which port, how much."""

    times: np.ndarray
    units: np.ndarray
    ports: np.ndarray
    amounts: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[Arrivals]) -> Arrivals:
        """All of them, in the order of the parts."""
        if not parts:
            return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int8), np.zeros(0))
        return parts[0] if len(parts) == 1 else cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def select(self, chosen: np.ndarray | slice) -> Arrivals:
        """Those chosen by a mask, by indices or by a slice."""
        return Arrivals(*(column[chosen] for column in self))


class Synapses(NamedTuple):
    """All synapses of one projection, those of source i from ``starts[i]`` to ``starts[i + 1]``; weights of 0 are none.

    `order` are their places in the flattened weight.
    """

    post: str
    n_pre: int
    n_post: int
    starts: np.ndarray
    targets: np.ndarray
    ports: np.ndarray
    weights: np.ndarray
    delays: np.ndarray
    order: np.ndarray

    @classmethod
    def of(cls, network: Network, name: str, jumps: Sequence[str]) -> Synapses:
        """The synapses of projection `name`; `jumps` are the target's ports in order.

        Raises:
            DelayError: delays that are negative or not finite.
        """
        p = network.projections[name]
        pre, post = network.populations[p.pre], network.populations[p.post]
        shape = p.connection.weight.shape

        def ends(at, neuron):
            units = at(jnp.arange(neuron.size, dtype=jnp.int32).reshape(neuron.shape))
            return np.broadcast_to(np.asarray(units), shape).reshape(-1)
        sources, targets = ends(p.connection.at_source, pre), ends(p.connection.at_target, post)
        weights = as_written(p.connection.weight).reshape(-1)
        order = np.flatnonzero(weights)
        if (np.diff(sources) < 0).any():
            order = order[np.argsort(sources[order], kind="stable")]
        delays = delay_ticks(p, name, pre.shape, sources)
        ports = [list(jumps).index(port) for port in ports_of(p)]
        which = np.where(weights < 0, ports[-1], ports[0]).astype(np.int8)  # by_sign: positive first
        starts = np.searchsorted(sources[order], np.arange(pre.size + 1))
        return cls(p.post, pre.size, post.size, starts, targets[order], which[order], weights[order],
                   delays[order] if delays.ndim else delays, order)

    def reached(self, spikes: Spikes) -> tuple[np.ndarray, np.ndarray]:
        """(spike, synapse) of each arrival that these spikes cause."""
        units = spikes.units % self.n_pre
        first, fan_out = self.starts[units], self.starts[units + 1] - self.starts[units]
        spike = np.repeat(np.arange(len(units)), fan_out)
        return spike, np.arange(len(spike)) + np.repeat(first - (np.cumsum(fan_out) - fan_out), fan_out)

    def arrivals(self, spikes: Spikes) -> Arrivals:
        """What these spikes cause, each once for each synapse."""
        spike, synapse = self.reached(spikes)
        delay = self.delays[synapse] if self.delays.ndim else self.delays
        sample = spikes.units[spike] // self.n_pre
        return Arrivals(spikes.times[spike] + delay, sample * self.n_post + self.targets[synapse], self.ports[synapse],
                        self.weights[synapse] * spikes.values[spike])


def delay_ticks(projection: Projection, name: str, pre: tuple[int, ...], sources: np.ndarray) -> np.ndarray:
    """Delays in ticks, int64: one number, or one a synapse.

    Raises:
        DelayError: delays that are negative or not finite.
    """
    if projection.delay is None:
        return np.zeros((), np.int64)
    value = as_written(projection.delay.value)  # type: ignore[attr-defined]
    if not np.isfinite(value).all() or value.min(initial=0.0) < 0:
        raise DelayError(got=f"a delay of {value.min():g} ms", expected="finite delays of 0 or more",
                         where=f"projection {name!r}", fix="bring them back into their bounds")
    ticks = to_ticks(value)
    if ticks.ndim and not projection.connection.separate(ticks.shape, pre):  # one a source
        return ticks.reshape(-1)[sources]
    return ticks.reshape(-1) if ticks.ndim else ticks
