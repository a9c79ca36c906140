"""What if: the counts of a run with other bits, rates or steps, as expected by proportion."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from math import isfinite
from types import MappingProxyType

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.hardware.workload import PopulationWork, ProjectionWork, Workload


@dataclass(frozen=True)
class Change:
    """A change of a run.

    Args:
        bits: bits of a stored weight; None leaves them.
        rate: factor on the spikes of every population, inputs included.
        steps: factor on the steps of a sample, at the same rates.

    Raises:
        ConfigurationError: a factor that is not above 0, or bits outside 1 to 64.

    Example:
        >>> Change(bits=8).title, Change(rate=0.5).title, Change(bits=4, steps=0.5).title
        ('8-bit weights', '0.5 x the spikes', '4-bit weights, 0.5 x the steps')
    """

    bits: int | None = None
    rate: float = 1.0
    steps: float = 1.0

    def __post_init__(self):
        factors = all(isfinite(f) and f > 0 for f in (self.rate, self.steps))
        if not factors or not (self.bits is None or (isinstance(self.bits, int) and 1 <= self.bits <= 64)):
            raise ConfigurationError(got=f"bits = {self.bits}, rate = {self.rate}, steps = {self.steps}",
                                     expected="1 to 64 bits and factors above 0", where="Change",
                                     fix="pass for example Change(bits=8) or Change(rate=0.5)")

    @property
    def title(self) -> str:
        """The change in words."""
        parts = [f"{self.bits}-bit weights"] if self.bits is not None else []
        parts += [f"{f:g} x the {what}" for f, what in ((self.rate, "spikes"), (self.steps, "steps")) if f != 1]
        return ", ".join(parts) or "as it ran"


USUAL = (Change(bits=8), Change(rate=0.5), Change(steps=0.5))


def what_if(workload: Workload, change: Change) -> Workload:
    """The workload with its counts scaled in proportion, rounded to whole numbers.

    Signals, events, packets and spikes grow with rate and steps; updates, dense products and biases with the steps.
    Driven and active updates grow with the steps only: how they follow the rate is not known without a run. Whether
    the network would still solve its task is another question.

    Args:
        workload: counts of a run.
        change: what is different.

    Raises:
        ConfigurationError: more than one spike a step of some unit of a population that sent single spikes.
    """
    steps = max(1, round(workload.steps * change.steps))
    longer = steps / workload.steps
    more = longer * change.rate
    runs = steps * workload.samples
    counts = {name: _scaled(count, more) for name, count in workload.unit_counts.items()}
    for name, count in counts.items():
        if workload.populations[name].spiking and count.max(initial=0) > runs:
            raise ConfigurationError(
                got=f"{change.title}: {int(count.max())} spikes of a unit of {name!r}",
                expected=f"at most one a step: {runs}", where="what_if",
                fix=f"take a rate below {change.rate * runs / int(count.max()):.3g}, or a smaller dt")
    projections = {name: _projection(p, change.bits, more, longer) for name, p in workload.projections.items()}
    populations = {name: _population(p, int(counts[name].sum()), longer) for name, p in workload.populations.items()}
    return Workload(MappingProxyType(projections), MappingProxyType(populations), workload.samples, steps,
                    workload.dt, MappingProxyType(counts))


def _projection(work: ProjectionWork, bits: int | None, more: float, longer: float) -> ProjectionWork:
    width = work.weight_bits if bits is None else bits
    visits = work.learning_events
    return dataclasses.replace(
        work, signals=round(work.signals * more), events=round(work.events * more),
        dense_events=round(work.dense_events * longer), bias_adds=round(work.bias_adds * longer), weight_bits=width,
        weight_bytes=-(-work.parameters * width // 8), learning_events=None if visits is None else round(visits * more))


def _population(work: PopulationWork, sent: int, longer: float) -> PopulationWork:
    def scaled(count: int | None) -> int | None:
        return None if count is None else round(count * longer)

    return dataclasses.replace(work, spikes=sent if work.spikes else 0, packets=sent if work.packets else 0,
                               updates=round(work.updates * longer), driven=scaled(work.driven),
                               active=scaled(work.active))


def _scaled(counts: np.ndarray, factor: float) -> np.ndarray:
    """Counts of units times a factor, whole numbers whose sum is right to one half."""
    ends = np.rint(np.cumsum(counts, dtype=np.float64) * factor)
    found = np.diff(ends, prepend=0.0).astype(np.int64)
    found.setflags(write=False)
    return found
