"""Superconducting single flux quantum circuits as a target: cells, area, time and energy."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING

from snnsim.core.errors import ConfigurationError
from snnsim.core.network import Network
from snnsim.hardware.cost import Cost
from snnsim.hardware.figure import Figure
from snnsim.hardware.sfq import constants as c
from snnsim.hardware.sfq.bill import KINDS, Bill, bills, total
from snnsim.hardware.sfq.cells import LIBRARIES, amount
from snnsim.hardware.sfq.energy import price
from snnsim.hardware.sfq.limits import refuse_chips, refuse_fan_in, refuse_heat, refuse_unsupported
from snnsim.hardware.sfq.summary import notes, summary
from snnsim.hardware.sfq.timing import Timing, timing
from snnsim.hardware.target import Mapping, Target
from snnsim.hardware.workload import Workload

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture


@dataclass(frozen=True)
class SFQMapping(Mapping):
    """Cells of a network.

    Args:
        family: "rsfq" or "ersfq".
        bills: cells and their uses by projection and population.
        timing: times of a step and of a sample.
        lines: input and output units, which need a cable.
        step_ps: time from one step to the next (ps).
    """

    family: str
    bills: tuple[Bill, ...]
    timing: Timing
    lines: dict[str, int]
    step_ps: float

    def wall_s(self, workload: Workload) -> float:
        """Time of the whole run (s): every sample's steps, and the way through."""
        return workload.samples * (workload.steps * self.step_ps + self.timing.latency) * 1e-12

    def pictures(self) -> dict[str, Picture]:
        """Junctions by what they do."""
        from snnsim.hardware.sfq.picture import junctions_by_use

        return {"Junctions": junctions_by_use(self)}


class SFQ(Target[SFQMapping]):
    """A superconducting chip of RSFQ or ERSFQ cells; each step of the network is one round of pulses.

    Args:
        family: "rsfq", with bias resistors, or "ersfq", without.
        synapse: "switched" (weights that can be loaded, a switch a bit) or "coupled" (fixed mutual inductances).
        weight_bits: switches of a weight, in two's complement.
        step_ps: time of a step (ps); None is the shortest.
        cooling: joules at room temperature for one at 4.2 K.
        cold_power_w: heat that the 4.2 K stage can take (W); None is no limit.
        chips: how many there are; None is as many as needed.

    Raises:
        ConfigurationError: an unknown family or synapse, numbers out of range, cooling better than Carnot's.

    References:
        keys xqsim, rsfqlib, supersnn of the bibliography.
    """

    def __init__(
        self,
        family: str = "rsfq",
        *,
        synapse: str = "switched",
        weight_bits: int = 4,
        step_ps: float | None = None,
        cooling: float | Figure = c.COOLING,
        cold_power_w: float | None = c.COLD_POWER.value,
        chips: int | None = None,
    ):
        for what, value, choices in (("family", family, tuple(LIBRARIES)), ("synapse", synapse, KINDS)):
            if value not in choices:
                raise _wrong(f"{what} {value!r}", f"one of {', '.join(choices)}")
        if not (isinstance(weight_bits, int) and 1 <= weight_bits <= 32):
            raise _wrong(f"weight_bits = {weight_bits!r}", "an integer from 1 to 32")
        for what, limit in (("step_ps", step_ps), ("cold_power_w", cold_power_w), ("chips", chips)):
            if limit is not None and not 0 < limit < float("inf"):
                raise _wrong(f"{what} = {limit!r}", "a positive number, or None")
        if not isinstance(cooling, Figure):
            cooling = Figure(float(cooling), "J", "lebrun2007", "assumption", place="given by the user")
        least = c.CARNOT.value or 0.0
        if cooling.value is None or cooling.value < least:
            raise _wrong(f"cooling = {cooling.value}", f"at least {least:.1f} J for a J at 4.2 K (Carnot)")
        self.family, self.synapse, self.weight_bits = family, synapse, weight_bits
        self.step_ps, self.cooling, self.cold_power_w, self.chips = step_ps, cooling, cold_power_w, chips
        self.name = "sfq" if family == "rsfq" else "sfq-ersfq"
        self.title = f"Superconducting, {family.upper()}"

    def map(self, network: Network, workload: Workload) -> SFQMapping:
        """Count cells, area and time; see `Target.map` for errors."""
        refuse_unsupported(network, workload.dt)
        found = bills(network, workload, self.synapse, self.weight_bits)
        by_item = {bill.item: bill for bill in found}
        if self.synapse == "coupled":
            refuse_fan_in(by_item, network, self.title)
        cells = total(found)
        area = amount(cells, self.family, "area") * 1e-6
        chips = max(1, ceil(area / (c.CHIP_SIDE.value or 1.0) ** 2))
        refuse_chips(area, chips, self.chips, self.title)
        refuse_heat(cells, self.family, self.cold_power_w, self.title)
        lines = {name: network[name].size for name in (*network.inputs, *network.sinks)}
        times = timing(network, by_item, self.synapse, area, chips, sum(lines.values()))
        step = self._step(times)
        return SFQMapping(
            self.name,
            summary(found, self.family, workload, chips, step, times),
            notes(network, workload, self.synapse, times),
            self.family,
            found,
            times,
            lines,
            step,
            units=MappingProxyType({name: p.units for name, p in workload.populations.items()}),
        )

    def cost(self, mapping: SFQMapping, workload: Workload) -> Cost:
        """Price bias power, pulses and cables; cooling is a table of its own."""
        self.refuse_other(mapping, workload)
        return price(mapping, workload, self.name, self.cooling)

    def _step(self, times: Timing) -> float:
        if self.step_ps is not None and self.step_ps < times.step:
            raise ConfigurationError(
                got=f"step_ps = {self.step_ps:g}",
                expected=f"at least {times.step:.1f} ps: {times.reason}",
                where=self.title,
                fix=f"make it {times.step - self.step_ps:.1f} ps longer, or reduce what sets it",
            )
        return times.step if self.step_ps is None else self.step_ps


def _wrong(got: str, expected: str) -> ConfigurationError:
    return ConfigurationError(got=got, expected=expected, where="SFQ", fix="choose one of these")
