"""Populations onto Loihi cores: compartments, axons, synaptic memory, delays."""

from __future__ import annotations

import numpy as np

from snnsim.core.errors import ConfigurationError, DelayError, UnsupportedError
from snnsim.core.input import Input
from snnsim.core.network import Network
from snnsim.hardware.fan import fan_out_by_slice
from snnsim.hardware.loihi import constants as c
from snnsim.neurons import IF, LI, LIF, CubaLIF, Refractory

SUPPORTED = (IF, LIF, CubaLIF, LI)


def refuse_unsupported(network: Network, dt: float) -> None:
    """Raise if neurons, signals or delays are not Loihi's.

    Raises:
        UnsupportedError: neurons other than (current-based) leaky integrate-and-fire, or membranes sent on.
        DelayError: delays beyond 6 bits.
    """
    for name, neuron in network.populations.items():
        inside = neuron.neuron if isinstance(neuron, Refractory) else neuron
        if not isinstance(inside, (Input, *SUPPORTED)):
            raise UnsupportedError(
                got=f"population {name!r} of {type(inside).__name__}",
                where="Loihi",
                expected=f"one of {', '.join(kind.__name__ for kind in SUPPORTED)}, or Refractory of it",
                fix="use one of these neurons, or leave this target out",
            )
        if not neuron.spiking and any(p.pre == name for p in network.projections.values()):
            raise UnsupportedError(
                got=f"population {name!r} of {type(inside).__name__} sends its membrane to others",
                expected="spikes",
                where="Loihi",
                fix="use spiking neurons inside the network",
            )
    longest = 2 ** int(c.DELAY_BITS.value or 0) - 1
    for name, projection in network.projections.items():
        steps = projection.depth(dt)
        if steps > longest:
            raise DelayError(
                got=f"a delay of {steps} steps",
                expected=f"at most {longest} steps (6 bits)",
                where=f"projection {name!r} on Loihi",
                fix=f"shorten the delays by {steps - longest} steps, or use a larger dt",
            )


def cut(network: Network, name: str, weight_bits: int) -> int:
    """Units of population `name` on one core, halved from 1024 until axons and synapses fit.

    Raises:
        ConfigurationError: even a single unit does not fit.
    """
    neuron = network.populations[name]
    size = min(int(c.COMPARTMENTS.value or 0), neuron.size)
    while True:
        excess = _excess(network, name, size, weight_bits)
        if excess is None:
            return size
        if size == 1:
            raise ConfigurationError(
                got=excess[0],
                expected=excess[1],
                where=f"one unit of {name!r} on Loihi",
                fix=f"it exceeds by {excess[2]}: fewer sources, sparser projections or fewer bits",
            )
        size = -(-size // 2)


def _excess(network: Network, name: str, size: int, bits: int) -> tuple[str, str, str] | None:
    """(got, at most, by how much) of the first limit that a core breaks, or None."""
    neuron = network.populations[name]
    slices = -(-neuron.size // size)
    axons, synapses = np.zeros(slices, np.int64), np.zeros(slices, np.int64)
    for projection in network.incoming(name).values():
        pre = network.populations[projection.pre]
        rows = fan_out_by_slice(projection.connection, pre.shape, neuron.shape, size)
        axons += (rows > 0).sum(0)
        synapses += rows.sum(0)
    limit = int(c.AXONS_IN.value or 0)
    if axons.max() > limit:
        return f"{axons.max()} input axons", f"at most {limit}", f"{axons.max() - limit} axons"
    memory, room = -(-int(synapses.max()) * bits // 8), int(c.SYNAPSE_BYTES.value or 0)
    if memory > room:
        return f"{memory} B of synapses", f"at most {room} B", f"{memory - room} B"
    return None
