"""`Network`: named populations and named projections."""

from __future__ import annotations

from collections.abc import Mapping

import equinox as eqx
import jax

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import part, static
from snnsim.core.graph import Component, components
from snnsim.core.input import Input
from snnsim.core.keys import named_key
from snnsim.core.memory import drawn_together, ensure_room
from snnsim.core.neuron import AbstractNeuron
from snnsim.core.projection import Projection


class Network(eqx.Module):
    """A directed graph of populations and projections; cycles are welcome. An `equinox.Module`.

    Args:
        populations: neurons by name.
        projections: projections by name, or a list of them (named ``pre_post``).
        key: draws the weights and connections; sub-keys go by name, so that adding a part changes no other.
        trainable: patterns of parameter paths and whether an optimiser moves them, for example
            ``{"hidden.tau_mem": True, "input_*.weight": False}``; what is not named follows its field.

    Raises:
        ConfigurationError: names that are used twice or do not exist, ports that the target lacks.
        DelayError: a cycle without delay.

    Example:
        >>> import jax, snnsim as sn
        >>> net = sn.Network(dict(input=sn.Input(3), hidden=sn.LIF(2)),
        ...                  [sn.Projection("input", "hidden", sn.Dense())], key=jax.random.key(0))
        >>> net["input_hidden"].connection.weight.shape, net.sinks
        ((3, 2), ('hidden',))
    """

    populations: dict[str, AbstractNeuron] = part(doc="neurons by name")
    projections: dict[str, Projection] = part(doc="projections by name")
    trainable: tuple[tuple[str, bool], ...] = static(doc="patterns of paths and whether they are learned")

    def __init__(self, populations: Mapping[str, AbstractNeuron],
                 projections: Mapping[str, Projection] | list[Projection], *, key: jax.Array,
                 trainable: Mapping[str, bool] | None = None):
        if not isinstance(projections, Mapping):
            names = [projection.name for projection in projections]
            _refuse_duplicates(names)
            projections = dict(zip(names, projections, strict=True))
        _refuse_duplicates([*populations, *projections])
        for name, neuron in populations.items():
            if not isinstance(neuron, AbstractNeuron):
                raise ConfigurationError(got=f"{neuron!r}", expected="a neuron such as sn.LIF(10)",
                                         where=f"population {name!r}", fix="pass populations as dict(name=neuron)")
        self.populations = dict(populations)
        self.projections = {}
        for name, projection in projections.items():
            for end in (projection.pre, projection.post, *projection.modulators):
                if end not in populations:
                    raise ConfigurationError(got=f"population {end!r}", expected=f"one of {', '.join(populations)}",
                                             where=f"projection {name!r}", fix="correct the name or add the population")
            if isinstance(populations[projection.post], Input):
                raise ConfigurationError(got=f"the input population {projection.post!r} as target",
                                         expected="a population of neurons", where=f"projection {name!r}",
                                         fix="let it end at neurons; an Input only passes on what simulate is given")
        ensure_room(drawn_together(self.populations, projections.values()), "network", say=True,
                    fix="use fewer neurons or synapses, for example a smaller scale, or a machine with more memory")
        for name, projection in projections.items():
            self.projections[name] = projection.build(name, populations[projection.pre], populations[projection.post],
                                                      named_key(key, name))
        self.trainable = tuple((trainable or {}).items())
        self.components()

    def __getitem__(self, name: str) -> AbstractNeuron | Projection:
        """The population or projection of this name."""
        for parts in (self.populations, self.projections):
            if name in parts:
                return parts[name]
        known = ", ".join([*self.populations, *self.projections])
        raise ConfigurationError(got=f"name {name!r}", expected=f"one of {known}", where="network",
                                 fix="correct the name")

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the input populations."""
        return tuple(name for name, neuron in self.populations.items() if isinstance(neuron, Input))

    @property
    def sinks(self) -> tuple[str, ...]:
        """Names of the populations that project onto no other."""
        sources = {p.pre for p in self.projections.values() if p.pre != p.post}
        return tuple(name for name in self.populations if name not in sources and name not in self.inputs)

    def components(self) -> list[Component]:
        """Parts in the order of execution; see `snnsim.core.graph`."""
        return components(self.populations, self.projections)

    def incoming(self, post: str) -> dict[str, Projection]:
        """Projections that end at this population, by name."""
        return {name: p for name, p in self.projections.items() if p.post == post}

    def check(self, dt: float) -> None:
        """Raise if the network cannot be simulated with steps of `dt` ms (delays off the grid)."""
        if not (isinstance(dt, float | int) and 0 < dt < float("inf")):
            raise ConfigurationError(got=f"dt = {dt!r}", expected="a positive number of ms", where="simulate",
                                     fix="pass for example dt=1.0")
        for name, projection in self.projections.items():
            projection.check(dt, f"projection {name!r}")

    def depth(self, name: str, dt: float) -> int:
        """Earlier steps of this population's output that some projection looks back to."""
        steps = [0]
        for p in self.projections.values():
            steps += [p.depth(dt)] * (p.pre == name and not p.event_driven) + [p.post_depth(dt)] * (p.post == name)
            steps += [1] * (name in p.modulators and p.synapse.learns_first)
        return max(steps)


def _refuse_duplicates(names: list[str]) -> None:
    twice = {name for name in names if names.count(name) > 1}
    if twice or any(not name.isidentifier() for name in names):
        wrong = sorted(twice) or [name for name in names if not name.isidentifier()]
        raise ConfigurationError(got=f"names {', '.join(map(repr, wrong))}", where="network",
                                 expected="unique names of letters, digits and underscores",
                                 fix="rename one, for example with a dictionary of projections")
