"""Which units of a network live on which of several devices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from snnsim.core.delay import Delay
from snnsim.core.errors import ConfigurationError, DelayError
from snnsim.core.flat import far_projections, twin_projections
from snnsim.core.input import Input
from snnsim.core.network import Network
from snnsim.core.projection import Projection

WORD = 32  # units of a word of spikes: populations are cut between words, and begin a new one on each device
UNIT_COST = 1000  # synapses that cost as much as the update of a unit, about: they cost with its spikes only
SLACK = 0.1  # of a device's share, by which it may differ so that a population stays whole


class Block(NamedTuple):
    """Units of one population on one device, one behind the other."""

    population: str
    device: int
    begin: int
    size: int


def deal(network: Network, devices: int, placement: Mapping[str, int] | None = None) -> tuple[Block, ...]:
    """Blocks of units, at most one of each population on each device.

    Populations go to the devices in the order of the network, so that each device has its share of synapses; one is
    cut where it is larger than the place left. Populations joined one to one without delay stay together, unit by unit.

    Args:
        network: without `snnsim.core.flat.obstacle`.
        devices: number of devices.
        placement: device by population, for some or all of them.

    Raises:
        ConfigurationError: placements of unknown populations, of inputs, or on unknown devices.
        DelayError: populations joined without delay, placed on different devices.
    """
    teams = _teams(network)
    home = _homes(network, devices, placement or {}, teams)
    cost = _costs(network)
    whole = {team: sum(cost[name] for name in team) for team in teams}
    share = sum(whole.values()) / devices
    room = np.full(devices, share)
    for team, device in home.items():
        room[device] -= whole[team]
    room = np.maximum(room, 0.0)
    free = [team for team in teams if team not in home]
    left = sum(whole[team] for team in free)
    ends = np.cumsum(room) * (left / room.sum() if room.sum() else 0.0)
    ends[-1] = np.inf
    blocks = [Block(name, device, 0, network.populations[name].size) for team, device in home.items() for name in team]
    begin = 0.0
    for team in free:
        size, total = network.populations[team[0]].size, whole[team]
        cuts = [0, *(_cut(end - begin, total, size, SLACK * share) for end in ends[:-1]), size]
        for device, (low, high) in enumerate(pairwise(cuts)):
            if high > low:
                blocks += [Block(name, device, low, high - low) for name in team]
        begin += total
    written = {name: k for k, name in enumerate(network.populations)}
    return tuple(sorted(blocks, key=lambda block: (written[block.population], block.begin)))


def shortest_remote_delay(network: Network, blocks: tuple[Block, ...], dt: float) -> int | None:
    """Steps that every spike between two devices takes at least; None where no synapse joins two devices."""
    found = [_shortest(p, dt) for p in far_projections(network).values() if p.connection.weight.size
             and any(a.device != b.device for a in of(blocks, p.pre) for b in of(blocks, p.post))]
    return min(found, default=None)


def of(blocks: Sequence[Block], population: str) -> Iterator[Block]:
    """The blocks of a population; none of an input, which is everywhere."""
    return (block for block in blocks if block.population == population)


def _shortest(projection: Projection, dt: float) -> int:
    """Steps that every spike of a projection takes at least."""
    delay = projection.delay
    if delay is None:
        return projection.depth(dt)
    return int(Delay(np.asarray(delay.bounds[0], delay.value.dtype), delay.rounding).steps(dt))


def _cut(place: float, total: float, size: int, slack: float) -> int:
    """The unit before which a team that costs `total` is cut, so that about `place` of it is before the cut."""
    border, distance = (0, place) if place < total / 2 else (size, total - place)
    return border if distance < slack else min(size, round(place / total * size / WORD) * WORD)


def _teams(network: Network) -> list[tuple[str, ...]]:
    """Populations that must be cut alike, as one-to-one projections without delay join them; in the network's order."""
    leader = {name: name for name, neuron in network.populations.items() if not isinstance(neuron, Input)}

    def first(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name
    for p in twin_projections(network).values():
        leader[first(p.post)] = first(p.pre)
    teams: dict[str, list[str]] = {}
    for name in leader:
        teams.setdefault(first(name), []).append(name)
    return [tuple(team) for team in teams.values()]


def _homes(network: Network, devices: int, placement: Mapping[str, int],
           teams: list[tuple[str, ...]]) -> dict[tuple[str, ...], int]:
    """Device of each team that was placed."""
    neurons = [name for name, neuron in network.populations.items() if not isinstance(neuron, Input)]
    for name, device in placement.items():
        if name not in neurons:
            what = "the input" if name in network.populations else "population"
            raise ConfigurationError(got=f"{what} {name!r}", expected=f"one of {', '.join(neurons)}", where="placement",
                                     fix="leave inputs away, they are on every device, and correct other names")
        if isinstance(device, bool) or not isinstance(device, int | np.integer) or not 0 <= device < devices:
            raise ConfigurationError(got=f"device {device!r}", expected=f"0 to {devices - 1}",
                                     where=f"placement of {name!r}", fix="count devices from 0")
    home = {}
    for team in teams:
        found = {placement[name] for name in team if name in placement}
        if len(found) > 1:
            raise DelayError(got=f"{', '.join(map(repr, team))} on devices {', '.join(map(str, sorted(found)))}",
                             expected="one device, as projections without delay join them", where="placement",
                             fix="place them together, or give these projections a delay")
        if found:
            home[team] = int(found.pop())
    return home


def _costs(network: Network) -> dict[str, float]:
    """What a population costs, in synapses."""
    cost = {name: float(UNIT_COST * neuron.size) for name, neuron in network.populations.items()}
    for p in far_projections(network).values():
        cost[p.post] += p.connection.weight.size
    return cost
