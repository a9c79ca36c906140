"""What a superconducting chip cannot hold: other neurons, long delays, many couplings onto one loop, heat."""

from __future__ import annotations

from collections import Counter

from snnsim.core.errors import ConfigurationError, DelayError, UnsupportedError
from snnsim.core.input import Input
from snnsim.core.network import Network
from snnsim.hardware.sfq import constants as c
from snnsim.hardware.sfq.bill import Bill
from snnsim.hardware.sfq.cells import amount
from snnsim.neurons import ALIF, IF, LI, LIF, CubaLIF, Refractory

SUPPORTED = (IF, LIF, ALIF, CubaLIF, LI)
LONGEST_DELAY = 64  # steps: a chain of DFFs for each source


def refuse_unsupported(network: Network, dt: float) -> None:
    """Raise if neurons, signals or delays are not those of pulses, loops and thresholds.

    Raises:
        UnsupportedError: other neurons, or membranes sent on.
        DelayError: delays of more steps than a chain of DFFs is counted for.
    """
    for name, neuron in network.populations.items():
        inside = neuron.neuron if isinstance(neuron, Refractory) else neuron
        if not isinstance(inside, (Input, *SUPPORTED)):
            raise UnsupportedError(
                got=f"population {name!r} of {type(inside).__name__}",
                where="SFQ",
                expected=f"one of {', '.join(kind.__name__ for kind in SUPPORTED)}, or Refractory of it",
                fix="use one of these neurons, or leave this target out",
            )
        if not neuron.spiking and any(p.pre == name for p in network.projections.values()):
            raise UnsupportedError(
                got=f"population {name!r} of {type(inside).__name__} sends its membrane to others",
                expected="spikes",
                where="SFQ",
                fix="use spiking neurons inside the network",
            )
    for name, projection in network.projections.items():
        steps = projection.depth(dt)
        if steps > LONGEST_DELAY:
            raise DelayError(
                got=f"a delay of {steps} steps",
                expected=f"at most {LONGEST_DELAY} (a chain of DFFs for each source)",
                where=f"projection {name!r} on SFQ",
                fix=f"shorten the delays by {steps - LONGEST_DELAY} steps, or use a larger dt",
            )


def refuse_fan_in(found: dict[str, Bill], network: Network, title: str) -> None:
    """Raise where more couplings end at one loop than were found possible.

    Raises:
        ConfigurationError: always then.
    """
    limit = int(c.FAN_IN.value or 0)
    for name in network.populations:
        if found[name].fan_in > limit:
            raise ConfigurationError(
                got=f"{found[name].fan_in} couplings onto one loop",
                expected=f"at most {limit}",
                where=f"population {name!r} on {title}",
                fix=f"it exceeds by {found[name].fan_in - limit}: a sparser projection, or synapse='switched'",
            )


def refuse_chips(area: float, chips: int, most: int | None, title: str) -> None:
    """Raise where more chips are needed than there are.

    Raises:
        ConfigurationError: always then.
    """
    if most is not None and chips > most:
        raise ConfigurationError(
            got=f"{area:,.1f} mm2 of cells on {chips} chips",
            expected=f"at most {most}",
            where=title,
            fix=f"it exceeds by {chips - most} chips: fewer weight bits, a sparser network, or more chips",
        )


def refuse_heat(cells: Counter, family: str, most: float | None, title: str) -> None:
    """Raise where bias resistors give more heat than the cooler takes.

    Raises:
        ConfigurationError: always then.
    """
    watts = amount(cells, family, "static") * 1e-9
    if most is not None and watts > most:
        raise ConfigurationError(
            got=f"{watts:.3g} W of bias power in {amount(cells, family, 'junctions'):,.0f} junctions",
            expected=f"at most {most:g} W at 4.2 K",
            where=title,
            fix=f"it exceeds by {watts - most:.3g} W: the target 'sfq-ersfq', fewer weight bits, a sparser network, or "
            "SFQ(cold_power_w=...) for a larger cooler",
        )
