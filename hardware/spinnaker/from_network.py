"""An `Application` from a network and its workload: synapses counted one by one."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import UnsupportedError
from snnsim.core.input import Input
from snnsim.core.network import Network
from snnsim.core.neuron import AbstractNeuron, AbstractPointNeuron
from snnsim.core.projection import Projection
from snnsim.hardware.fan import fan_out_by_slice, sources_of
from snnsim.hardware.spinnaker.application import AbstractJoin, Application, Cells, Rows, slice_starts
from snnsim.hardware.workload import Workload
from snnsim.neurons import PoissonGenerator, Refractory
from snnsim.synapses import Dense, OneToOne, Sparse

# Neurons that are the leaky integrate-and-fire cell of the measurements, whatever the shape of their currents.
MEASURED = {"IF", "LI", "LIF", "CubaLIF", "LIFPscExp", "LIFPscAlpha", "LIFCondExp", "LIFCondAlpha"}


def application_of(network: Network, workload: Workload) -> Application:
    """What is mapped.

    Raises:
        UnsupportedError: neurons that do not send spikes, or whose units mix.
    """
    cells = {name: _cells(network, workload, name) for name in network.populations}
    joins = {name: NetworkJoin(name, p.pre, p.post, _longest(p, workload.dt), type(p.synapse).__name__
                               if p.synapse.learns else "", p, network.populations[p.pre].shape,
                               network.populations[p.post].shape, workload.unit_counts[p.pre], workload.dt)
             for name, p in network.projections.items()}
    return Application(MappingProxyType(cells), MappingProxyType(joins), workload.dt, workload.total_s,
                       workload.steps * workload.samples)


def inside(neuron: AbstractNeuron) -> AbstractNeuron:
    """The neuron without its refractory period."""
    return neuron.neuron if isinstance(neuron, Refractory) else neuron


def _cells(network: Network, workload: Workload, name: str) -> Cells:
    neuron = network.populations[name]
    if not isinstance(neuron, Input | AbstractPointNeuron):
        raise UnsupportedError(got=f"population {name!r} of {type(neuron).__name__}, whose units mix",
                               expected="point neurons", where="SpiNNaker", fix="leave this target out")
    if not neuron.spiking and any(p.pre == name for p in network.projections.values()):
        raise UnsupportedError(got=f"population {name!r} of {type(neuron).__name__} sends its membrane to others",
                               expected="spikes", where="SpiNNaker", fix="use spiking neurons inside the network")
    role = "input" if isinstance(neuron, Input) else "poisson" if isinstance(neuron, PoissonGenerator) else "neurons"
    kind = type(inside(neuron)).__name__
    sent = workload.unit_counts[name] if neuron.spiking else np.zeros(neuron.size, np.int64)
    return Cells(name, kind, neuron.size, role, workload.populations[name].state_variables,
                 role == "input" or kind in MEASURED, sent)


def _longest(projection: Projection, dt: float) -> int:
    return max(1, projection.depth(dt))


@dataclass(frozen=True, eq=False)
class NetworkJoin(AbstractJoin):
    """Synapses of a projection of a network; those of weight 0 are none, unless they learn.

    Args:
        projection: the projection.
        pre_shape: shape of the source population.
        post_shape: shape of the target population.
        packets: spikes that each source unit sends, int64 ``[units]``.
        dt: step (ms).
    """

    name: str
    pre: str
    post: str
    longest_delay: int
    rule: str
    projection: Projection
    pre_shape: tuple[int, ...]
    post_shape: tuple[int, ...]
    packets: np.ndarray
    dt: float

    def rows(self, pre_size: int, post_size: int, stage_steps: int) -> Rows:
        """Counted from the list of synapses."""
        stages = -(-self.longest_delay // stage_steps)
        fan = self._fan(post_size, stage_steps, stages)
        starts = slice_starts(prod(self.pre_shape), pre_size)
        events = self.packets @ fan.sum(0)
        return Rows(np.maximum.reduceat(fan, starts, axis=1), events, fan.any(2))

    def _fan(self, post_size: int, stage_steps: int, stages: int) -> np.ndarray:
        """Synapses of each source unit onto each target slice, int64 ``[stages, source units, target slices]``."""
        connection = self._counted()
        plain = fan_out_by_slice(connection, self.pre_shape, self.post_shape, post_size)
        found = np.zeros((stages, *plain.shape), np.int64)
        for steps in self._steps():
            stage = (np.maximum(steps, 1) - 1) // stage_steps
            if stage.shape == ():
                found[int(stage)] += plain
            elif connection.separate(stage.shape, self.pre_shape):
                found += _fan_by_synapse(connection, stage, stages, post_size, plain.shape)
            else:  # one delay a source unit
                found[stage.reshape(-1), np.arange(len(plain))] += plain
        return found

    def _steps(self) -> list[np.ndarray]:
        """Delays in steps of each tap; a delay of a list of synapses is not copied to a device."""
        delay = self.projection.delay
        if delay is not None and delay.fixed:
            return [np.asarray(delay.steps(self.dt))]  # type: ignore[attr-defined]
        return list(np.asarray(self.projection.taps(self.dt, True)[0]))

    def _counted(self) -> Any:
        connection = self.projection.connection
        if self.rule and getattr(connection, "weight", None) is not None:
            return eqx.tree_at(lambda built: built.weight, connection, replace_fn=jnp.ones_like)
        return connection


def _fan_by_synapse(connection: Any, stage: np.ndarray, stages: int, post_size: int,
                    shape: tuple[int, int]) -> np.ndarray:
    """Synapses by stage, source unit and target slice, where each synapse has a delay of its own."""
    there = np.asarray(connection.weight) != 0
    if isinstance(connection, Sparse):
        source, target = sources_of(connection), np.asarray(connection.targets, np.int64)
    elif isinstance(connection, Dense):
        source, target = np.indices(there.shape, sparse=True)
    elif isinstance(connection, OneToOne):
        source = target = np.arange(there.size).reshape(there.shape)
    else:
        raise UnsupportedError(got=f"a delay of every synapse on {type(connection).__name__}", where="SpiNNaker",
                               expected="synapses that are stored one by one", fix="use Dense, Sparse or OneToOne")
    cell = (stage.astype(np.int64) * shape[0] + source) * shape[1] + target // post_size
    return np.bincount(cell[there], minlength=stages * shape[0] * shape[1]).reshape(stages, *shape)
