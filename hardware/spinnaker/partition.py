"""How a population is cut into cores: neurons a core, delay slots, row lengths, memory."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2

import numpy as np

from snnsim.core.errors import ConfigurationError, DelayError
from snnsim.core.network import Network
from snnsim.hardware.fan import fan_out_by_slice
from snnsim.hardware.spinnaker import constants as c
from snnsim.hardware.workload import Workload


@dataclass(frozen=True)
class Part:
    """A population cut into equal slices, one a core.

    Args:
        population: name.
        neurons_per_core: units of a full slice.
        slices: number of cores.
        delay_slots: steps that the ring buffers of a core reach.
        dtcm_bytes: estimated data memory of the fullest core.
        sdram_bytes: synaptic rows and tables of each core, int64 ``[slices]``.
        events: synaptic events that each core receives over the whole workload, int64 ``[slices]``.
        learning_events: those of them that arrive through synapses that learn, int64 ``[slices]``.
    """

    population: str
    neurons_per_core: int
    slices: int
    delay_slots: int
    dtcm_bytes: int
    sdram_bytes: np.ndarray
    events: np.ndarray
    learning_events: np.ndarray


def delay_slots(neurons_per_core: int) -> int:
    """Steps of delay that a core with so many neurons can hold: ring buffers take 14 index bits in all.

    Example:
        >>> delay_slots(256), delay_slots(128), delay_slots(64)
        (32, 64, 128)
    """
    bits = int(c.RING_BUFFER_BITS.value or 0) - ceil(log2(neurons_per_core)) - ceil(log2(c.SYNAPSE_TYPES))
    return 2**bits if bits >= 0 else 0


def cut(network: Network, workload: Workload, name: str) -> Part:
    """Cut population `name` so that delays, rows and memory fit.

    Raises:
        DelayError: a delay beyond what a core with one neuron holds.
        ConfigurationError: rows or memory that do not fit.
    """
    neuron, incoming = network.populations[name], network.incoming(name)
    longest = max([max(1, p.depth(workload.dt)) for p in incoming.values()], default=1)
    size = int(min(c.NEURONS_PER_CORE.value or 0, neuron.size))
    while size > 1 and delay_slots(size) < longest:
        size = 2 ** (ceil(log2(size)) - 1)
    if delay_slots(size) < longest:
        raise DelayError(
            got=f"a delay of {longest} steps",
            expected=f"at most {delay_slots(1)} steps, with one neuron a core",
            where=f"population {name!r} on SpiNNaker",
            fix=f"shorten the delays by {longest - delay_slots(1)} steps, or use a larger dt",
        )
    slices = -(-neuron.size // size)
    events, learning = np.zeros(slices, np.int64), np.zeros(slices, np.int64)
    sdram = np.full(slices, int(c.TABLE_HEADER_BYTES.value or 0), np.int64)
    table = int(c.TABLE_HEADER_BYTES.value or 0)
    for key, projection in incoming.items():
        pre = network.populations[projection.pre]
        rows = fan_out_by_slice(projection.connection, pre.shape, neuron.shape, size)
        words = rows.max(0, initial=0)
        if words.max(initial=0) > (c.ROW_WORDS.value or 0):
            raise ConfigurationError(
                got=f"a row of {int(words.max())} synapses from one source unit onto one core",
                expected=f"at most {c.ROW_WORDS.value:.0f} words",
                where=f"projection {key!r} on SpiNNaker",
                fix=f"remove {int(words.max() - (c.ROW_WORDS.value or 0))} of its repeated synapses, or split it",
            )
        arriving = workload.unit_counts[projection.pre] @ rows
        events += arriving
        if projection.synapse.learns:
            learning += arriving
        sdram += pre.size * (int(c.ROW_HEADER_WORDS.value or 0) + words) * c.WORD_BYTES
        table += int((c.TABLE_ENTRY_BYTES.value or 0) + (c.TABLE_ADDRESS_BYTES.value or 0))
    sdram += table
    dtcm = _dtcm(workload, name, size, longest, table)
    if dtcm > (c.DTCM_BYTES.value or 0):
        raise ConfigurationError(
            got=f"{dtcm} B of data memory",
            expected=f"at most {c.DTCM_BYTES.value:.0f} B a core",
            where=f"population {name!r} on SpiNNaker",
            fix=f"it exceeds by {dtcm - int(c.DTCM_BYTES.value or 0)} B: fewer sources or shorter delays",
        )
    return Part(name, size, slices, delay_slots(size), dtcm, sdram, events, learning)


def _dtcm(workload: Workload, name: str, size: int, longest: int, table: int) -> int:
    """Ring buffers, neuron state and the population table of one core."""
    bits = ceil(log2(size)) + ceil(log2(c.SYNAPSE_TYPES)) + ceil(log2(longest + 1))
    ring = 2 ** min(bits, int(c.RING_BUFFER_BITS.value or 0)) * c.RING_ENTRY_BYTES
    return ring + size * 4 * workload.populations[name].state_variables + table
