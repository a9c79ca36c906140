"""`Workload`: exact counts of what a network did in a recording, before any price."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Any

import jax
import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.input import Input
from snnsim.core.network import Network
from snnsim.core.recording import Recording, Status
from snnsim.hardware.activity import activity
from snnsim.hardware.fan import fan_out_by_slice
from snnsim.hardware.learning import learning
from snnsim.hardware.operands import FLOAT, SPIKE, operand
from snnsim.hardware.same_network import refuse_other_network
from snnsim.neurons.generator import AbstractGenerator
from snnsim.synapses.transforms import BatchNorm

INDEX_BYTES = 4


@dataclass(frozen=True)
class ProjectionWork:
    """Counts of one projection over all samples and steps.

    Args:
        name: name of the projection.
        pre: source population.
        post: target population.
        kind: type of its connection.
        operand: "spike" (each event is an accumulate) or "float" (each event is a multiply-accumulate).
        reason: what decided the operand.
        signals: outputs other than 0 that the source sent (times the taps of its delay).
        events: synaptic events: the sum over source units of signals times the unit's synapses (weights other
            than 0). Counted when sent; what a delay carries past the end of the recording is included.
        dense_events: synapses times steps and samples: what a dense product would compute.
        synapses: joined pairs; a shared kernel counts at every place.
        weighted: whether its weights are stored (pooling has none).
        parameters: stored weights other than 0.
        weight_bits: bits of a stored weight.
        weight_bytes: bytes of the stored weights, rounded up.
        index_bytes: bytes of the indices that a list of synapses needs beside its weights (32 bits each).
        bias_adds: additions of a bias or a folded normalisation, every step at every target unit.
        rule: name of its learning rule; empty where it does not learn.
        learning_events: synapses that a rule of spike timing visits: those of a source at its spikes, those onto a
            target at its spikes. None where the rule does more than that; 0 without a rule.
    """

    name: str
    pre: str
    post: str
    kind: str
    operand: str
    reason: str
    signals: int
    events: int
    dense_events: int
    synapses: int
    weighted: bool
    parameters: int
    weight_bits: int
    weight_bytes: int
    index_bytes: int
    bias_adds: int
    rule: str = ""
    learning_events: int | None = 0

    @property
    def read_bits(self) -> int:
        """Bits of the weights that are read over all samples, one weight each event."""
        return self.events * self.weight_bits if self.weighted else 0


@dataclass(frozen=True)
class PopulationWork:
    """Counts of one population over all samples and steps.

    Args:
        name: name of the population.
        kind: type of its neuron.
        units: number of units.
        is_input: whether it only passes events on.
        spiking: whether its outputs were all 0 or 1.
        spikes: outputs other than 0 (of a population that does not spike: 0).
        packets: messages that leave it, one each spike, wherever it goes; 0 where nothing listens.
        updates: units times steps and samples; 0 for an input.
        driven: updates in which something arrived; None where the recording does not hold what is needed.
        active: updates in which something arrived or the membrane was not 0; None likewise.
        state_variables: numbers of state a unit has.
        state_bytes: bytes of the state of all units (32 bits each).
        generator: whether it makes its outputs itself, as `PoissonGenerator` does; its updates are no neuron's.
    """

    name: str
    kind: str
    units: int
    is_input: bool
    spiking: bool
    spikes: int
    packets: int
    updates: int
    driven: int | None
    active: int | None
    state_variables: int
    state_bytes: int
    generator: bool = False


@dataclass(frozen=True)
class Workload:
    """What a network did: integers only, per projection and population, summed over samples and steps.

    Make it with `Workload.of`. The effective accumulates of `per_sample` follow NeuroBench: for each
    projection the sum over spikes of the number of outgoing weights other than 0, biases left out, averaged
    over samples; a projection into which numbers other than 0 and 1 go counts multiply-accumulates instead.

    Args:
        projections: counts by projection.
        populations: counts by population.
        samples: number of samples.
        steps: steps of each sample.
        dt: step (ms).
        unit_counts: outputs other than 0 of each unit summed over samples, int64 ``[n]`` by population (read only).

    References:
        Yik et al. 2025, NeuroBench (key neurobench).
    """

    projections: Mapping[str, ProjectionWork]
    populations: Mapping[str, PopulationWork]
    samples: int
    steps: int
    dt: float
    unit_counts: Mapping[str, np.ndarray] = dataclasses.field(repr=False, compare=False)

    @classmethod
    def of(cls, network: Network, recording: Recording, *, weight_bits: int = 32) -> Workload:
        """Count the work of a recording of this network.

        Args:
            network: the network that was simulated.
            recording: what `simulate` returned. Where it holds the spikes of a population's sources, and its
                membrane `v`, driven and active updates are counted exactly too.
            weight_bits: bits of a stored weight.

        Raises:
            ConfigurationError: a recording of another network, one that left the finite numbers, or a number
                of bits below 1.
        """
        if not (isinstance(weight_bits, int) and 1 <= weight_bits <= 64):
            raise ConfigurationError(
                got=f"weight_bits = {weight_bits!r}",
                expected="an integer from 1 to 64",
                where="Workload",
                fix="pass for example weight_bits=8",
            )
        refuse_other_network(network, recording)
        if recording.status is not Status.ok:
            raise ConfigurationError(
                got=f"a recording that ended with: {recording.status.value}",
                expected="a run of finite numbers",
                where="Workload",
                fix="use a smaller dt, or check the weights",
            )
        counts = {name: np.asarray(c, np.int64).reshape(recording.batch, -1) for name, c in recording.counts.items()}
        totals = {name: c.sum(0) for name, c in counts.items()}
        for total in totals.values():
            total.setflags(write=False)
        projections = {name: _projection(network, recording, name, totals, weight_bits) for name in network.projections}
        populations = {name: _population(network, recording, name, totals) for name in network.populations}
        return cls(
            MappingProxyType(projections),
            MappingProxyType(populations),
            recording.batch,
            recording.steps,
            float(recording.dt),
            MappingProxyType(totals),
        )

    @property
    def sample_s(self) -> float:
        """Biological time of one sample (s)."""
        return self.steps * self.dt * 1e-3

    @property
    def total_s(self) -> float:
        """Biological time of all samples, one after the other (s)."""
        return self.samples * self.sample_s

    @property
    def spikes(self) -> int:
        """Spikes of all populations, inputs included, over all samples."""
        return sum(p.spikes for p in self.populations.values())

    @property
    def events(self) -> int:
        """Synaptic events of all projections over all samples."""
        return sum(p.events for p in self.projections.values())

    @property
    def packets(self) -> int:
        """Spikes of populations that others listen to, over all samples: messages before they are copied."""
        return sum(p.packets for p in self.populations.values())

    @property
    def updates(self) -> int:
        """Neuron updates over all samples."""
        return sum(p.updates for p in self.populations.values())

    @property
    def synapses(self) -> int:
        """Joined pairs of all projections."""
        return sum(p.synapses for p in self.projections.values())

    def operations(self, operand: str, *, dense: bool = False) -> int:
        """Synaptic events into stored weights with this operand ("spike" or "float"), over all samples."""
        return sum(
            p.dense_events if dense else p.events
            for p in self.projections.values()
            if p.weighted and p.operand == operand
        )

    def bytes_read(self) -> dict[str, int]:
        """Bytes of the weights that are read over all samples, by what is multiplied with them, rounded up."""
        bits = {kind: sum(p.read_bits for p in self.projections.values() if p.operand == kind)
                for kind in (SPIKE, FLOAT)}
        return {kind: -(-count // 8) for kind, count in bits.items()}

    def per_sample(self) -> dict[str, float]:
        """Means over samples: effective accumulates and multiply-accumulates, and the dense number of both."""
        dense = self.operations("spike", dense=True) + self.operations("float", dense=True)
        return {
            "effective_acs": self.operations("spike") / self.samples,
            "effective_macs": self.operations("float") / self.samples,
            "dense": dense / self.samples,
        }

    def to_dict(self) -> dict[str, Any]:
        """All counts as plain numbers and texts."""
        return {
            "samples": self.samples,
            "steps": self.steps,
            "dt_ms": self.dt,
            "seconds_per_sample": self.sample_s,
            "totals": {
                "spikes": self.spikes,
                "synaptic_events": self.events,
                "packets": self.packets,
                "neuron_updates": self.updates,
                "synapses": self.synapses,
                "weight_bytes_read": self.bytes_read(),
            },
            "per_sample": self.per_sample(),
            "projections": {name: dataclasses.asdict(p) for name, p in self.projections.items()},
            "populations": {name: dataclasses.asdict(p) for name, p in self.populations.items()},
        }


def _projection(
    network: Network, recording: Recording, name: str, totals: Mapping[str, np.ndarray], bits: int
) -> ProjectionWork:
    projection = network.projections[name]
    pre, post = (network.populations[end].shape for end in (projection.pre, projection.post))
    fan_out = fan_out_by_slice(projection.connection, pre, post, prod(post))[:, 0]
    taps = len(projection.taps(recording.dt, True)[0])
    sent = totals[projection.pre] * taps
    runs = recording.batch * recording.steps
    weight = getattr(projection.connection, "weight", None)
    parameters = 0 if weight is None else int(np.count_nonzero(np.asarray(weight)))
    folded = any(isinstance(transform, BatchNorm) for transform in projection.transforms)
    biased = getattr(projection.connection, "bias", None) is not None or folded
    kind, reason = operand(network, recording, name)
    rule, visits = learning(network, totals, name)
    return ProjectionWork(
        name=name,
        pre=projection.pre,
        post=projection.post,
        kind=type(projection.connection).__name__,
        operand=kind,
        reason=reason,
        signals=int(sent.sum()),
        events=sum(int(s) * int(f) for s, f in zip(sent, fan_out, strict=True)),
        dense_events=int(fan_out.sum()) * runs * taps,
        synapses=int(fan_out.sum()),
        weighted=weight is not None,
        parameters=parameters,
        weight_bits=bits,
        weight_bytes=-(-parameters * bits // 8),
        index_bytes=INDEX_BYTES * (parameters + prod(pre) + 1) if projection.connection.listed else 0,
        bias_adds=prod(post) * runs if biased else 0,
        rule=rule,
        learning_events=visits,
    )


def _population(network: Network, recording: Recording, name: str, totals: Mapping[str, np.ndarray]) -> PopulationWork:
    neuron = network.populations[name]
    is_input = isinstance(neuron, Input)
    spiking = bool(neuron.spiking) and not bool(recording.graded.get(name, True))
    leaves = jax.tree.leaves(jax.eval_shape(neuron.initial_state))
    variables = sum(prod(leaf.shape) for leaf in leaves)
    driven, active = (None, None) if is_input else activity(network, recording, name)
    spikes = int(totals[name].sum()) if neuron.spiking else 0
    return PopulationWork(
        name=name,
        kind=type(neuron).__name__,
        units=neuron.size,
        is_input=is_input,
        spiking=spiking,
        spikes=spikes,
        packets=spikes if any(p.pre == name for p in network.projections.values()) else 0,
        updates=0 if is_input else neuron.size * recording.batch * recording.steps,
        driven=driven,
        active=active,
        state_variables=variables // neuron.size,
        state_bytes=4 * variables,
        generator=isinstance(neuron, AbstractGenerator),
    )
