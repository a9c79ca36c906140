"""Loihi 1 as a target: cores and tiles, and energy by one of two tables."""

from __future__ import annotations

from collections.abc import Mapping as Names
from dataclasses import dataclass

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.network import Network
from snnsim.hardware.cost import Cost
from snnsim.hardware.fan import fan_out_by_slice
from snnsim.hardware.loihi import constants as c
from snnsim.hardware.loihi.energy import price
from snnsim.hardware.loihi.partition import cut, refuse_unsupported
from snnsim.hardware.target import Mapping, Slice, Target, shared_notes
from snnsim.hardware.workload import Workload


@dataclass(frozen=True)
class LoihiMapping(Mapping):
    """Cores in order, population by population.

    Args:
        slices: units and cores.
        cores: cores in use.
        chips: chips in use.
        messages: messages to cores over the whole workload, by population.
        hops_ns: tile hops north or south of those messages, by population.
        hops_ew: tile hops east or west, by population.
    """

    slices: tuple[Slice, ...]
    cores: int
    chips: int
    messages: dict[str, int]
    hops_ns: dict[str, int]
    hops_ew: dict[str, int]


class Loihi(Target[LoihiMapping]):
    """Loihi 1.

    Args:
        table: "sanafe-nahuku-fit" or "davies2018-sim".
        weight_bits: bits of a stored synapse, at most 9; the layout adds more, which is not published in full.
        first_core: core at which a population begins, by name; others follow in order.

    Raises:
        ConfigurationError: an unknown table or a number of bits out of range.

    References:
        keys davies2018loihi, sanafe, boyle2025sanafe of the bibliography.
    """

    def __init__(
        self, table: str = "sanafe-nahuku-fit", *, weight_bits: int = 8, first_core: Names[str, int] | None = None
    ):
        if table not in c.TABLES:
            raise ConfigurationError(
                got=f"table {table!r}",
                expected=f"one of {', '.join(c.TABLES)}",
                where="Loihi",
                fix="choose one of these",
            )
        if not 1 <= weight_bits <= (c.WEIGHT_BITS.value or 0):
            raise ConfigurationError(
                got=f"weight_bits = {weight_bits}",
                expected="1 to 9",
                where="Loihi",
                fix="quantise the weights to 9 bits or fewer",
            )
        self.table, self.weight_bits, self.first_core = table, weight_bits, dict(first_core or {})
        fitted = table == "sanafe-nahuku-fit"
        self.name, self.title = ("loihi", "Loihi 1") if fitted else ("loihi-davies2018", "Loihi 1, simulated prices")

    def map(self, network: Network, workload: Workload) -> LoihiMapping:
        """Give each population cores of its own; see `Target.map` for errors."""
        refuse_unsupported(network, workload.dt)
        placed: dict[str, list[Slice]] = {}
        following = 0
        for name, neuron in network.populations.items():
            size = cut(network, name, self.weight_bits)
            following = self.first_core.get(name, following)
            starts = range(0, neuron.size, size)
            placed[name] = [
                Slice(name, start, min(start + size, neuron.size), following + k) for k, start in enumerate(starts)
            ]
            following += len(starts)
        slices = tuple(part for parts in placed.values() for part in parts)
        if len({part.core for part in slices}) < len(slices):
            raise ConfigurationError(
                got=f"first_core = {self.first_core}",
                expected="cores of one population each",
                where="Loihi",
                fix="leave more room between populations",
            )
        chips = 1 + max(part.core for part in slices) // int(c.CORES.value or 1)
        counted = {name: _messages(network, workload, placed, name) for name in network.populations}
        summary = {
            "chips": chips,
            "cores": len(slices),
            "units per core": {name: parts[0].size for name, parts in placed.items()},
            "synaptic memory (B, at least)": sum(
                -(-p.synapses * self.weight_bits // 8) for p in workload.projections.values()
            ),
            "messages": sum(m for m, _, _ in counted.values()),
        }
        return LoihiMapping(
            self.name,
            summary,
            _notes(network, workload, chips, self.weight_bits),
            slices,
            len(slices),
            chips,
            *({name: found[k] for name, found in counted.items()} for k in range(3)),
        )

    def cost(self, mapping: LoihiMapping, workload: Workload) -> Cost:
        """Price messages, hops, synaptic events and neurons, as SANA-FE counts them."""
        self.refuse_other(mapping, workload)
        return price(mapping, workload, c.TABLES[self.table], self.name)


def _tile(core: int) -> tuple[int, int]:
    """(column, row) of a core's tile; tiles are numbered down columns of four."""
    return divmod(core // c.CORES_PER_TILE, c.TILE_ROWS)


def _messages(network: Network, workload: Workload, placed: dict[str, list[Slice]], name: str) -> tuple[int, int, int]:
    """(messages, hops north or south, hops east or west): a spike sends one message to each core it has synapses on."""
    reached: dict[int, np.ndarray] = {}
    for projection in network.projections.values():
        if projection.pre == name:
            target = placed[projection.post]
            rows = (
                fan_out_by_slice(
                    projection.connection,
                    network.populations[name].shape,
                    network.populations[projection.post].shape,
                    target[0].size,
                )
                > 0
            )
            for k, part in enumerate(target):
                reached[part.core] = reached.get(part.core, np.zeros(len(rows), bool)) | rows[:, k]
    messages = north = east = 0
    axons = {part.core: 0 for part in placed[name]}
    for own in placed[name]:
        sent = workload.unit_counts[name][own.start : own.stop]
        for core, units in reached.items():
            count = int(sent[units[own.start : own.stop]].sum())
            column, row = (abs(a - b) for a, b in zip(_tile(own.core), _tile(core), strict=True))
            messages, north, east = messages + count, north + count * row, east + count * column
            axons[own.core] += int(units[own.start : own.stop].sum())
    most, limit = max(axons.values()), int(c.AXONS_OUT.value or 0)
    if most > limit:
        raise ConfigurationError(
            got=f"{most} output axons on one core",
            expected=f"at most {limit}",
            where=f"population {name!r} on Loihi",
            fix=f"it exceeds by {most - limit}: split the population, or let it reach fewer cores",
        )
    return messages, north, east


def _notes(network: Network, workload: Workload, chips: int, bits: int) -> tuple[str, ...]:
    notes = [
        "Each population has cores of its own, in order; input units sit on cores but cost no neuron updates.",
        f"Synapses are taken as {bits} bits each; the stored layout needs more.",
    ]
    instant = [name for name, p in network.projections.items() if p.may_be_instant]
    if instant:
        notes.append(f"The chip takes one step from spike to integration: {', '.join(instant)}.")
    notes += shared_notes(network, workload, "Loihi 1")
    if chips > 1:
        notes.append("Hops across chips are counted as hops between tiles of one chip: a lower bound.")
    return tuple(notes)
