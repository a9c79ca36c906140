"""A network known by its numbers only: mapped and priced from expected counts, without any synapse in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import erf, exp, inf, log, pi, sqrt
from types import MappingProxyType

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.hardware.spinnaker.application import AbstractJoin, Application, Cells, Rows, slice_starts
from snnsim.hardware.workload import INDEX_BYTES, PopulationWork, ProjectionWork, Workload

KINDS = {"random": "Sparse", "dense": "Dense", "one_to_one": "OneToOne"}
ROW_RISK = 1e-3  # probability that some row between two slices is longer than planned


@dataclass(frozen=True)
class PlannedPopulation:
    """A population.

    Args:
        units: number of units.
        rate: mean spikes/s of a unit.
        kind: type of its neuron.
        state_variables: numbers of state a unit has.
        role: "neurons", "input" or "poisson".
    """

    units: int
    rate: float
    kind: str = "LIFPscExp"
    state_variables: int = 3
    role: str = "neurons"


@dataclass(frozen=True)
class PlannedProjection:
    """Synapses between two populations.

    Args:
        pre: source population.
        post: target population.
        synapses: number of synapses.
        delay: mean delay before the cut (ms).
        delay_std: standard deviation before the cut (ms).
        connection: "random", sources and targets drawn with replacement (`FixedTotalNumber`); "dense", each pair once;
            "one_to_one", each unit to its twin.
    """

    pre: str
    post: str
    synapses: int
    delay: float
    delay_std: float = 0.0
    connection: str = "random"


@dataclass(frozen=True)
class PlannedNetwork:
    """Populations and projections in numbers.

    Args:
        populations: by name.
        projections: by name.
        dt: step (ms).
        duration: biological time (ms).

    Raises:
        ConfigurationError: numbers that cannot be.
    """

    populations: Mapping[str, PlannedPopulation]
    projections: Mapping[str, PlannedProjection]
    dt: float
    duration: float

    def __post_init__(self):
        if not (0 < self.dt <= self.duration < inf):
            raise ConfigurationError(got=f"dt = {self.dt} ms and duration = {self.duration} ms",
                                     expected="0 < dt <= duration", where="PlannedNetwork", fix="correct the times")
        for name, p in self.populations.items():
            if p.units < 1 or not 0 <= p.rate < inf or p.state_variables < 0:
                raise ConfigurationError(got=f"{p}", expected="units of 1 or more and a finite rate",
                                         where=f"population {name!r}", fix="correct the numbers")
        for name, join in self.projections.items():
            if wrong := {join.pre, join.post} - set(self.populations):
                raise ConfigurationError(got=f"population {', '.join(sorted(wrong))}", where=f"projection {name!r}",
                                         expected=f"one of {', '.join(self.populations)}", fix="correct the name")
            if join.synapses < 0 or not (0 <= join.delay < inf and 0 <= join.delay_std < inf):
                raise ConfigurationError(got=f"{join}", expected="synapses and delays of 0 or more",
                                         where=f"projection {name!r}", fix="correct the numbers")
            pre, post = self.populations[join.pre].units, self.populations[join.post].units
            number = {"random": join.synapses, "dense": pre * post, "one_to_one": pre if pre == post else -1}
            if join.synapses != number.get(join.connection, -1):
                raise ConfigurationError(got=f"{join.synapses} synapses {join.connection!r} from {pre} to {post} units",
                                         expected=f"one of {', '.join(number)}, with as many synapses as it has",
                                         where=f"projection {name!r}", fix="correct the number or the connection")

    @property
    def steps(self) -> int:
        """Number of steps."""
        return round(self.duration / self.dt)

    def packets(self, name: str) -> np.ndarray:
        """Spikes of each unit as expected, whole numbers whose sum is that expected, int64 ``[units]``."""
        p = self.populations[name]
        total = p.units * p.rate * self.duration * 1e-3
        return np.diff(np.rint(total * np.arange(p.units + 1) / p.units)).astype(np.int64)

    def application(self) -> Application:
        """What is mapped."""
        from snnsim.hardware.spinnaker.from_network import MEASURED

        cells = {name: Cells(name, p.kind, p.units, p.role, p.state_variables,
                             p.role == "input" or p.kind in MEASURED, self.packets(name))
                 for name, p in self.populations.items()}
        joins = {name: ExpectedJoin(name, p.pre, p.post, self.longest(p), "", p, self.populations[p.pre].units,
                                    self.populations[p.post].units, self.packets(p.pre), self.dt)
                 for name, p in self.projections.items() if p.synapses}
        return Application(MappingProxyType(cells), MappingProxyType(joins), self.dt, self.duration * 1e-3, self.steps)

    def longest(self, projection: PlannedProjection) -> int:
        """Steps of the longest delay that is expected among so many synapses, at least 1."""
        # The largest of n normal numbers is about sqrt(2 ln n - ln ln n - ln 4 pi) standard deviations above the mean.
        n = max(projection.synapses, 8)
        above = sqrt(max(0.0, 2 * log(n) - log(log(n)) - log(4 * pi)))
        return max(1, round((projection.delay + above * projection.delay_std) / self.dt))

    def workload(self) -> Workload:
        """Expected counts, rounded to whole numbers."""
        totals = {name: self.packets(name) for name in self.populations}
        populations = {}
        for name, p in self.populations.items():
            neurons = p.role != "input"
            populations[name] = PopulationWork(
                name=name, kind=p.kind, units=p.units, is_input=not neurons, spiking=True,
                spikes=int(totals[name].sum()),
                packets=int(totals[name].sum()) if any(j.pre == name for j in self.projections.values()) else 0,
                updates=p.units * self.steps if neurons else 0, driven=None, active=None,
                state_variables=p.state_variables, state_bytes=4 * p.units * p.state_variables)
        projections = {}
        for name, join in self.projections.items():
            sent, units = int(totals[join.pre].sum()), self.populations[join.pre].units
            projections[name] = ProjectionWork(
                name=name, pre=join.pre, post=join.post, kind=KINDS[join.connection],
                operand="spike", reason="expected from mean rates", signals=sent,
                events=round(sent * join.synapses / units), dense_events=join.synapses * self.steps,
                synapses=join.synapses, weighted=True, parameters=join.synapses, weight_bits=32,
                weight_bytes=4 * join.synapses, bias_adds=0,
                index_bytes=INDEX_BYTES * (join.synapses + units + 1) if join.connection == "random" else 0)
        for total in totals.values():
            total.setflags(write=False)
        return Workload(MappingProxyType(projections), MappingProxyType(populations), 1, self.steps, self.dt,
                        MappingProxyType(totals))


@dataclass(frozen=True, eq=False)
class ExpectedJoin(AbstractJoin):
    """Synapses that are drawn at random, as expected: whether slices are joined, and how long their rows become.

    Args:
        projection: the numbers.
        pre_units: units of the source population.
        post_units: units of the target population.
        packets: spikes that each source unit sends, int64 ``[units]``.
        dt: step (ms).
    """

    name: str
    pre: str
    post: str
    longest_delay: int
    rule: str
    projection: PlannedProjection
    pre_units: int
    post_units: int
    packets: np.ndarray
    dt: float

    def rows(self, pre_size: int, post_size: int, stage_steps: int) -> Rows:
        """Expected: slices are taken as joined where a synapse between them is more likely than not."""
        stages = -(-self.longest_delay // stage_steps)
        pre = _sizes(self.pre_units, pre_size)
        post = _sizes(self.post_units, post_size)
        share = self._shares(stages, stage_steps)
        used = np.repeat(share[:, None] > 0, self.pre_units, 1)
        if self.projection.connection == "one_to_one":
            (begin, end), (first, stop) = (_ends(n, size) for n, size in
                                           ((self.pre_units, pre_size), (self.post_units, post_size)))
            common = np.minimum(end[:, None], stop[None]) - np.maximum(begin[:, None], first[None])
            longest = (share[:, None, None] > 0) * (common > 0)[None].astype(np.int64)
            events = np.add.reduceat(self.packets, slice_starts(self.post_units, post_size))
            return Rows(longest, events, used)
        mean_row = self.projection.synapses / self.pre_units * post / self.post_units  # of one source unit
        expected = share[:, None, None] * pre[None, :, None] * mean_row[None, None, :]
        if self.projection.connection == "dense":
            longest = np.repeat(np.ceil(share[:, None] * post[None]).astype(np.int64)[:, None], len(pre), 1)
            return Rows(longest, np.rint(self.packets.sum() * mean_row).astype(np.int64), used)
        joined = expected > log(2)  # at least one synapse has a probability of 1 - exp(-expected)
        # Rows of one source slice are as long as the longest of its units: few different sizes, each computed once.
        longest = np.zeros(expected.shape, np.int64)
        for stage in range(stages):
            for size in np.unique(pre):
                for target in np.unique(post):
                    row = self.projection.synapses / self.pre_units * target / self.post_units * share[stage]
                    longest[stage][np.ix_(pre == size, post == target)] = longest_row(row, int(size))
        events = np.rint(self.packets.sum() * mean_row).astype(np.int64)
        return Rows(np.where(joined, np.maximum(longest, 1), 0), events, used)

    def _shares(self, stages: int, stage_steps: int) -> np.ndarray:
        """Share of the synapses whose delay lies in each stage, float64 ``[stages]``."""
        mean, std = self.projection.delay / self.dt, self.projection.delay_std / self.dt
        edges = stage_steps * np.arange(1, stages) + 0.5  # delays are rounded to whole steps
        below = np.array([_normal(edge, mean, std) for edge in edges])
        least = _normal(0.5, mean, std)  # cut at half a step: drawn again
        below = np.concatenate([[0.0], (below - least) / (1 - least) if least < 1 else np.ones(len(below)), [1.0]])
        return np.diff(np.clip(below, 0.0, 1.0))


def _normal(x: float, mean: float, std: float) -> float:
    """Probability that a normal number is below x."""
    return float(x > mean) if std == 0 else 0.5 * (1 + erf((x - mean) / (std * sqrt(2))))


def _ends(units: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """First unit of each slice, and the one after its last."""
    starts = slice_starts(units, size)
    return starts, np.append(starts[1:], units)


def _sizes(units: int, size: int) -> np.ndarray:
    """Units of each slice."""
    starts, stops = _ends(units, size)
    return stops - starts


def longest_row(mean: float, rows: int) -> int:
    """Length that none of so many rows of Poisson length exceeds, but with probability `ROW_RISK`.

    Example:
        >>> longest_row(6.8, 128), longest_row(0.0, 128)
        (21, 0)
    """
    if mean <= 0:
        return 0
    k, term, below = 0, exp(-mean), exp(-mean)
    while rows * (1.0 - below) > ROW_RISK and k < mean + 20 * sqrt(mean) + 50:
        k += 1
        term *= mean / k
        below += term
    return k
