"""How long a step and a sample take on a superconducting chip."""

from __future__ import annotations

from math import ceil, sqrt
from typing import NamedTuple

from snnsim.core.network import Network
from snnsim.hardware.sfq import constants as c
from snnsim.hardware.sfq.bill import Bill, depth
from snnsim.hardware.sfq.cells import CELLS

REPEAT_PS = 60.0
"""Shortest step of coupled somas: of the 15.6 pH that a slip takes away 1.3 are left by then (`soma.SOMA`)."""


class Timing(NamedTuple):
    """Times of a mapping (ps).

    Args:
        step: shortest time from one step to the next.
        reason: what sets it.
        latency: from the inputs of a step to the last output.
    """

    step: float
    reason: str
    latency: float


def timing(network: Network, bills: dict[str, Bill], kind: str, area_mm2: float, chips: int, lines: int) -> Timing:
    """Times of a network.

    Args:
        network: network.
        bills: cells by projection and population.
        kind: of the synapses.
        area_mm2: of all cells.
        chips: how many.
        lines: inputs and outputs.
    """
    reach_um = 1e3 * min(sqrt(area_mm2), c.CHIP_SIDE.value or 0.0)
    through = {name: _delay(bills[name], bills[p.post], kind, reach_um) for name, p in network.projections.items()}
    pulses = c.FASTEST_PULSES.value or 0.0
    limits = {"cells run at 50 GHz at most": pulses}
    if kind == "coupled":
        limits["a soma fires again after its loop has emptied"] = REPEAT_PS
    else:
        name = max(network.populations, key=lambda n: bills[n].fan_in)
        limits[f"pulses to a unit of {name!r} are merged one after the other"] = bills[name].fan_in * (
            c.MERGE_SPACING.value or 0.0
        )
    shared = ceil(lines / ((c.PINS.value or 1) * chips))
    if shared > 1:
        limits[f"{shared} lines share a pin"] = shared * pulses
    cyclic = [(through[name], name) for name, p in network.projections.items() if _returns(network, p.pre, p.post)]
    if cyclic:
        slowest, name = max(cyclic)
        limits[f"{name!r} closes a loop"] = slowest
    reason = max(limits, key=lambda r: limits[r])
    return Timing(limits[reason], reason, _longest(network, through))


def _delay(projection: Bill, target: Bill, kind: str, reach_um: float) -> float:
    """Delay (ps) from a source's output through a projection to the target's output."""

    def of(name: str) -> float:
        return CELLS[name].delay.value or 0.0

    wire = of("PTL-TX") + of("PTL-RX") + reach_um / c.WIRE_PIECE_UM * (c.WIRE_DELAY.value or 0.0)
    total = (1 + projection.split_depth) * of("SPLIT") + wire + of("JTL") + of("SOMA")
    return total + (of("NDRO") + depth(target.fan_in) * of("MERGE") if kind == "switched" else 0.0)


def _returns(network: Network, start: str, here: str) -> bool:
    """Whether a signal from `here` comes back to `start`."""
    seen, waiting = set(), [here]
    while waiting:
        name = waiting.pop()
        if name == start:
            return True
        if name not in seen:
            seen.add(name)
            waiting += [p.post for p in network.projections.values() if p.pre == name]
    return False


def _longest(network: Network, through: dict[str, float]) -> float:
    """Delay of the longest way from an input to a sink that visits no population twice, cycles left out."""
    straight = {name: p for name, p in network.projections.items() if not _returns(network, p.pre, p.post)}
    reached = dict.fromkeys(network.populations, 0.0)
    for _ in network.populations:
        for name, p in straight.items():
            reached[p.post] = max(reached[p.post], reached[p.pre] + through[name])
    return max(reached.values())
