"""How many units a core takes: neurons, delay slots and memory traded against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil, log2

from snnsim.core.errors import ConfigurationError, DelayError
from snnsim.hardware.spinnaker import constants as c
from snnsim.hardware.spinnaker.application import Application, Cells, Rows
from snnsim.hardware.spinnaker.memory import Memory, memory_of

DELAYS = ("auto", "ring", "extension")


@dataclass(frozen=True, eq=False)
class Part:
    """A population cut into equal slices, one a core.

    Args:
        population: name.
        units: number of units.
        neurons_per_core: units of a full slice.
        slices: number of cores that hold its units.
        delay_slots: steps that the ring buffers of a core reach.
        stage_steps: steps of one delay stage of the spikes that it sends.
        stages: stages of delay of its spikes beyond the ring buffers; 0 where it has no delay extension.
        memory: memory of its cores.
    """

    population: str
    units: int
    neurons_per_core: int
    slices: int
    delay_slots: int
    stage_steps: int
    stages: int
    memory: Memory

    @property
    def extensions(self) -> int:
        """Cores that only delay spikes: one beside each slice."""
        return self.slices if self.stages else 0


@dataclass(frozen=True)
class Wishes:
    """What a user may ask of the partition.

    Args:
        neurons_per_core: most units of a core: one number, or by population.
        delays: long delays by fewer neurons a core ("ring"), by delay extensions ("extension"), or by what takes
            fewer cores ("auto").
        ring_slots: most steps that ring buffers may reach (older tool chains: 16); None is what memory allows.
    """

    neurons_per_core: int | Mapping[str, int] | None = None
    delays: str = "auto"
    ring_slots: int | None = None

    def __post_init__(self):
        numbers = self.neurons_per_core
        given = numbers.values() if isinstance(numbers, Mapping) else [] if numbers is None else [numbers]
        slots = self.ring_slots
        if self.delays not in DELAYS or any(not isinstance(n, int) or n < 1 for n in given) or (
                slots is not None and (not isinstance(slots, int) or slots < 1 or slots & (slots - 1))):
            raise ConfigurationError(
                got=f"neurons_per_core = {numbers}, delays = {self.delays!r}, ring_slots = {slots}", where="SpiNNaker",
                expected=f"numbers of 1 or more, one of {', '.join(DELAYS)}, a power of two",
                fix="for example neurons_per_core=128, delays='ring', ring_slots=16")

    def most(self, cells: Cells) -> int:
        """Most units of a core that holds this population."""
        limit = c.POISSON_PER_CORE if cells.role == "poisson" else c.NEURONS_PER_CORE
        wished = self.neurons_per_core
        if isinstance(wished, Mapping):
            wished = wished.get(cells.name)
        return min(int(limit.value or 0), cells.units, wished or cells.units)

    def slots(self, neurons: int) -> int:
        """Steps that ring buffers of so many neurons reach."""
        return min(delay_slots(neurons), self.ring_slots or 2**31)


def delay_slots(neurons_per_core: int) -> int:
    """Steps of delay that a core with so many neurons can hold: ring buffers take 14 index bits in all.

    Example:
        >>> delay_slots(256), delay_slots(128), delay_slots(64)
        (32, 64, 128)
    """
    bits = int(c.RING_BUFFER_BITS.value or 0) - ceil(log2(neurons_per_core)) - ceil(log2(c.SYNAPSE_TYPES))
    return 2**bits if bits >= 0 else 0


def cut(application: Application, wishes: Wishes) -> tuple[dict[str, Part], dict[str, Rows]]:
    """Cut every population so that delays, rows and memory fit, in the fewest cores.

    Returns:
        Parts by population, and what lies between their slices by projection.

    Raises:
        DelayError: a delay beyond what a core with one neuron holds.
        ConfigurationError: rows or memory that do not fit, names of populations that there are not.
    """
    named = set(wishes.neurons_per_core) if isinstance(wishes.neurons_per_core, Mapping) else set()
    if wrong := named - set(application.cells):
        raise ConfigurationError(got=f"neurons_per_core of {', '.join(sorted(wrong))}", where="SpiNNaker",
                                 expected=f"names among {', '.join(application.cells)}", fix="correct the name")
    plans, refusals = [], []
    for extended in _ways(application, wishes):
        try:
            plans.append(_plan(application, wishes, extended))
        except (ConfigurationError, DelayError) as refusal:
            refusals.append(refusal)
    if not plans:
        raise refusals[-1]
    return min(plans, key=lambda plan: sum(part.slices + part.extensions for part in plan[0].values()))


def _ways(application: Application, wishes: Wishes) -> tuple[bool, ...]:
    """Whether to try delay extensions; where ring buffers hold all delays anyway, both ways are the same."""
    if wishes.delays != "auto":
        return (wishes.delays == "extension",)
    short = all(join.longest_delay <= wishes.slots(wishes.most(application.cells[join.post]))
                for join in application.joins.values())
    return (False,) if short else (False, True)


def _plan(application: Application, wishes: Wishes, extended: bool) -> tuple[dict[str, Part], dict[str, Rows]]:
    """Parts with or without delay extensions."""
    reach = partial(_reach, wishes, extended)
    sizes = {name: _size(application, wishes, name, reach) for name in application.cells}
    while True:
        stages = {name: _stage_steps(application, wishes, sizes, name, extended) for name in application.cells}
        _check_stages(application, stages)
        rows = {name: join.rows(sizes[join.pre], sizes[join.post], stages[join.pre])
                for name, join in application.joins.items()}
        memories = {name: memory_of(application, name, sizes, rows, _longest_held(application, stages, name))
                    for name in application.cells}
        tight = [name for name, memory in memories.items() if memory.excess is not None]
        if not tight:
            break
        for name in tight:  # a smaller slice has shorter rows, smaller buffers and fewer synapses
            if sizes[name] == 1:
                raise memories[name].excess  # type: ignore[misc]
            sizes[name] = 2 ** (ceil(log2(sizes[name])) - 1)
    parts = {}
    for name, cells in application.cells.items():
        beyond = max([rows[join.name].used.shape[0] - 1 for join in application.outgoing(name)], default=0)
        parts[name] = Part(name, cells.units, sizes[name], -(-cells.units // sizes[name]),
                           wishes.slots(sizes[name]), stages[name], beyond, memories[name])
    return parts, rows


def _reach(wishes: Wishes, extended: bool, neurons: int) -> int:
    """Steps of delay of a core with so many neurons, with delay extensions before it or without."""
    return wishes.slots(neurons) * (int(c.MOST_DELAY_STAGES.value or 1) if extended else 1)


def _size(application: Application, wishes: Wishes, name: str, reach) -> int:
    """Units a core, as many as the longest delay allows."""
    longest = max([join.longest_delay for join in application.incoming(name)], default=1)
    size = wishes.most(application.cells[name])
    while size > 1 and reach(size) < longest:
        size = 2 ** (ceil(log2(size)) - 1)
    if reach(size) < longest:
        raise DelayError(got=f"a delay of {longest:,} steps", where=f"population {name!r} on SpiNNaker",
                         expected=f"at most {reach(1):,} steps, with one neuron a core",
                         fix=f"shorten the delays by {longest - reach(1):,} steps, or use a larger dt")
    return size


def _stage_steps(application: Application, wishes: Wishes, sizes: Mapping[str, int], name: str, extended: bool) -> int:
    """Steps of a delay stage of the spikes of `name`: what the shortest ring buffers among its targets hold."""
    joins = application.outgoing(name)
    if not extended:
        return max([join.longest_delay for join in joins], default=1)
    short = [wishes.slots(sizes[join.post]) for join in joins]
    beyond = [slots for slots, join in zip(short, joins, strict=True) if join.longest_delay > slots]
    return min(short) if beyond else max([join.longest_delay for join in joins], default=1)


def _check_stages(application: Application, stages: Mapping[str, int]) -> None:
    most = int(c.MOST_DELAY_STAGES.value or 1)
    for join in application.joins.values():
        reach = most * stages[join.pre]
        if join.longest_delay > reach:
            raise DelayError(got=f"a delay of {join.longest_delay:,} steps",
                             where=f"projection {join.name!r} on SpiNNaker",
                             expected=f"at most {reach:,} steps, {most} stages of {stages[join.pre]}",
                             fix=f"shorten the delays by {join.longest_delay - reach:,} steps, or put fewer neurons on "
                             "a core")


def _longest_held(application: Application, stages: Mapping[str, int], name: str) -> int:
    """Steps that the ring buffers of a population must reach."""
    return max([min(join.longest_delay, stages[join.pre]) for join in application.incoming(name)], default=1)
