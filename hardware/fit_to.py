"""`fit_to`: what must change for a network to fit a machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

import jax

from snnsim.core.errors import SnnsimError
from snnsim.core.input import Input
from snnsim.core.network import Network
from snnsim.core.neuron import AbstractNeuron
from snnsim.core.projection import Projection
from snnsim.core.simulate import simulate
from snnsim.hardware.target import Mapping, Target, targets
from snnsim.hardware.workload import Workload
from snnsim.neurons import LIF

_SOURCE = "__source"  # stands in for a population, which may also be the target


@dataclass(frozen=True)
class Obstacle:
    """One reason why a network does not fit.

    Args:
        where: population, projection or part of the machine.
        got: what the network has.
        expected: what the machine can hold.
        change: what to do.
    """

    where: str
    got: str
    expected: str
    change: str


@dataclass(frozen=True)
class Fit:
    """Whether a network fits a machine, and what must change if not.

    Args:
        target: name of the target.
        mapping: where the network was placed; None if it does not fit.
        obstacles: what stands in the way, the first refusal of the whole network before those of its parts.
    """

    target: str
    mapping: Mapping | None
    obstacles: tuple[Obstacle, ...]

    @property
    def fits(self) -> bool:
        """Whether it fits as it is."""
        return self.mapping is not None

    def __str__(self) -> str:
        if self.fits:
            return f"fits {self.target}"
        lines = [f"{o.where}: has {o.got}, can be {o.expected}; {o.change}" for o in self.obstacles]
        return "\n".join([f"does not fit {self.target}:", *lines])


def fit_to(network: Network, target: str | Target, *, workload: Workload | None = None, dt: float = 1.0) -> Fit:
    """Say what must change for a network to fit a target.

    The whole network is mapped. If it is refused, each population and each projection is mapped by itself, between
    inputs and plain neurons, so that all that is wrong is told at once. What only shows when the parts are put together
    (cores, chips, routes) is told once the parts fit.

    Args:
        network: the network.
        target: name or `Target`.
        workload: counts of a run; by default those of one step without input, which leaves out limits of traffic.
        dt: step (ms) of that run.

    Example:
        >>> import jax, snnsim as sn
        >>> from snnsim.hardware import fit_to
        >>> net = sn.Network(dict(a=sn.Input(5), b=sn.LIF(3)), [sn.Projection("a", "b", sn.Dense(0.1), delay=80.0)],
        ...                  key=jax.random.key(0))
        >>> print(fit_to(net, "loihi"))
        does not fit loihi:
        projection 'a_b' on Loihi: has a delay of 80 steps, can be at most 63 steps (6 bits); shorten the delays by \
17 steps, or use a larger dt
    """
    (machine,) = targets(target)
    counted = workload if workload is not None else _idle(network, dt)
    try:
        return Fit(machine.name, machine.map(network, counted), ())
    except SnnsimError as refusal:
        found = [refusal]
    for part in _parts(network):
        try:
            machine.map(part, _of_part(counted, part))
        except SnnsimError as refusal:
            found.append(refusal)
    texts = ([text.replace(_SOURCE, "") for text in (e.where, e.got, e.expected, e.fix)] for e in found)
    obstacles = dict.fromkeys(Obstacle(*text) for text in texts)
    return Fit(machine.name, None, tuple(obstacles))


def _idle(network: Network, dt: float) -> Workload:
    """Counts of one step without input."""
    return Workload.of(network, simulate(network, duration=dt, dt=dt))


def _parts(network: Network) -> Iterator[Network]:
    """Networks of one population or projection each, in which nothing but that can be refused.

    Projections with modulators are left out: they work only inside the network.
    """
    plain = {name: p for name, p in network.projections.items() if not p.modulators}
    populations = network.populations
    for name, neuron in populations.items():
        if incoming := {key: p for key, p in plain.items() if p.post == name}:
            sources = {p.pre: Input(populations[p.pre].shape) for p in incoming.values() if p.pre != name}
            yield _network({**sources, name: neuron}, incoming)
            bare = {key: Projection(f"{p.pre}{_SOURCE}", name, p.connection) for key, p in incoming.items()}
            ends = {f"{p.pre}{_SOURCE}": Input(populations[p.pre].shape) for p in incoming.values()}
            yield _network({**ends, name: LIF(neuron.shape)}, bare)
    for key, p in plain.items():
        if not isinstance(populations[p.pre], Input):
            yield _network({end: populations[end] for end in (p.pre, p.post)}, {key: p})
        source = f"{p.pre}{_SOURCE}"
        yield _network({source: Input(populations[p.pre].shape), p.post: LIF(populations[p.post].shape)},
                       {key: Projection(source, p.post, p.connection, delay=p.delay)})


def _network(populations: dict[str, AbstractNeuron], projections: dict[str, Projection]) -> Network:
    return Network(populations, projections, key=jax.random.key(0))  # nothing is drawn: connections are built


def _of_part(workload: Workload, part: Network) -> Workload:
    """The counts of the populations and projections of a part."""
    origin = {name: name if name in workload.populations else name.removesuffix(_SOURCE) for name in part.populations}
    populations = {
        name: dataclasses.replace(workload.populations[origin[name]], name=name, kind=type(neuron).__name__,
                                  is_input=isinstance(neuron, Input), generator=False)
        for name, neuron in part.populations.items()}
    projections = {name: dataclasses.replace(workload.projections[name], pre=p.pre, post=p.post)
                   for name, p in part.projections.items()}
    counts = {name: workload.unit_counts[origin[name]] for name in part.populations}
    return dataclasses.replace(workload, projections=MappingProxyType(projections),
                               populations=MappingProxyType(populations), unit_counts=MappingProxyType(counts))
