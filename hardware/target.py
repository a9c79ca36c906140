"""The contract of a target: where a network is placed, and what the work then costs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from collections.abc import Mapping as Names
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from snnsim.core.errors import ConfigurationError
from snnsim.core.network import Network
from snnsim.hardware.cost import Cost
from snnsim.hardware.workload import Workload

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Slice:
    """Units of one population that share a core.

    Args:
        population: name of the population.
        start: first unit.
        stop: unit after the last.
        core: index of the core.
    """

    population: str
    start: int
    stop: int
    core: int

    @property
    def size(self) -> int:
        """Number of units."""
        return self.stop - self.start


@dataclass(frozen=True)
class Mapping:
    """Where a network was placed. Targets make subclasses that hold what their costs need.

    Args:
        target: name of the target.
        summary: counts of what is used, in the order in which a reader wants them.
        notes: what was assumed or rounded on the way.
        units: number of units of each population that was placed; empty where a target does not keep it.
    """

    target: str
    summary: dict[str, Any]
    notes: tuple[str, ...]
    units: Names[str, int] = field(default_factory=dict, kw_only=True)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and texts."""
        return {"target": self.target, "summary": dict(self.summary), "notes": list(self.notes)}

    def pictures(self) -> dict[str, Figure]:
        """Pictures of the placement by title, made when they are asked for; none by default."""
        return {}


M = TypeVar("M", bound=Mapping)


class Target(ABC, Generic[M]):
    """A machine that could run a network.

    `map` refuses what does not fit, and says by how much. `cost` prices the counts of a workload; it never
    invents a number: what has no price is a term without one, or a sentence in `Cost.unpriced`.
    """

    name: str
    title: str

    @abstractmethod
    def map(self, network: Network, workload: Workload) -> M:
        """Place the network.

        Raises:
            ConfigurationError: a network that does not fit.
            DelayError: a delay that the target cannot hold.
            UnsupportedError: neurons or signals that the target does not have.
        """

    @abstractmethod
    def cost(self, mapping: M, workload: Workload) -> Cost:
        """Price the workload on this mapping."""

    def refuse_other(self, mapping: Mapping, workload: Workload) -> None:
        """Raise unless `mapping` is one of this target, and of the network whose workload is given.

        Raises:
            ConfigurationError: a mapping of another target, or of other populations.
        """
        if mapping.target != self.name:
            raise ConfigurationError(
                got=f"a mapping onto {mapping.target!r}",
                expected=f"one onto {self.name!r}",
                where="cost",
                fix="ask the target that made the mapping",
            )
        theirs = {name: p.units for name, p in workload.populations.items()}
        if mapping.units and dict(mapping.units) != theirs:
            raise ConfigurationError(
                got=f"a workload of {', '.join(f'{name} ({n})' for name, n in theirs.items())}",
                expected=f"one of {', '.join(f'{name} ({n})' for name, n in mapping.units.items())}",
                where=f"cost on {self.name}",
                fix="map the network that this workload was counted of",
            )


def shared_notes(network: Network, workload: Workload, machine: str) -> list[str]:
    """What every machine of spikes leaves open: other numbers than spikes, and learning."""
    notes = []
    graded = [p.name for p in workload.projections.values() if p.operand == "float"]
    if graded:
        notes.append(
            f"{machine} carries spikes; {', '.join(graded)} carried other numbers in this run. They are counted as "
            "one spike for each number other than 0: a lower bound."
        )
    if any(p.synapse.learns for p in network.projections.values()):
        notes.append("Of learning, only what has a term of its own is priced.")
    return notes


def _factory(module: str, name: str, **options: Any) -> Callable[[], Target]:
    return lambda: getattr(import_module(f"snnsim.hardware.{module}"), name)(**options)


REGISTRY: dict[str, Callable[[], Target]] = {
    "spinnaker": _factory("spinnaker.target", "SpiNNaker"),
    "spinnaker2": _factory("spinnaker.second", "SpiNNaker2"),
    "loihi": _factory("loihi.target", "Loihi", table="sanafe-nahuku-fit"),
    "loihi-davies2018": _factory("loihi.target", "Loihi", table="davies2018-sim"),
    "truenorth": _factory("quoted.truenorth", "TrueNorth"),
    "rram": _factory("rram.target", "Rram"),
    "cpu": _factory("processors.target", "Processor", device="cpu"),
    "gpu": _factory("processors.target", "Processor", device="gpu"),
    "arithmetic": _factory("processors.arithmetic", "Arithmetic"),
}


def targets(*names: str | Target) -> tuple[Target, ...]:
    """The targets of these names, or all that are known if none is named. A `Target` object stands for itself.

    Args:
        names: of targets, or targets.

    Raises:
        ConfigurationError: an unknown name, or one that is given twice.

    Example:
        >>> [target.name for target in targets("loihi", "cpu")]
        ['loihi', 'cpu']
    """
    found = []
    for name in names or tuple(REGISTRY):
        if isinstance(name, Target):
            found.append(name)
        elif isinstance(name, str) and name in REGISTRY:
            found.append(REGISTRY[name]())
        else:
            raise ConfigurationError(
                got=f"target {name!r}",
                expected=f"one of {', '.join(REGISTRY)}",
                where="targets",
                fix="correct the name, or pass a Target of your own",
            )
    chosen = [target.name for target in found]
    twice = sorted({name for name in chosen if chosen.count(name) > 1})
    if twice:
        raise ConfigurationError(
            got=f"{', '.join(twice)} more than once",
            expected="each target once",
            where="targets",
            fix="remove one, or give your target another name",
        )
    return tuple(found)
