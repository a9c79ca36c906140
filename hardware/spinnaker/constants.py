"""SpiNNaker 1: what the machine holds and what its work costs, each number with its source."""

from __future__ import annotations

from snnsim.hardware.figure import Figure

_V1, _V5, _V3 = "version_spin1.py", "version_5.py", "version_3.py"


def _size(value: float, unit: str, source: str, place: str, evidence: str = "code") -> Figure:
    return Figure(value, unit, source, evidence, place=place)


# -- the machine ---------------------------------------------------------------------------------------
NEURONS_PER_CORE = _size(256, "neurons", "spynnaker", "POP_TABLE_MAX_ROW_LENGTH, utilities/constants.py")
ROW_WORDS = _size(256, "words", "spynnaker", "POP_TABLE_MAX_ROW_LENGTH, utilities/constants.py")
ROW_HEADER_WORDS = _size(3, "words", "spynnaker", "synapse_io.py")
WORD_BYTES = 4
RING_BUFFER_BITS = _size(14, "bits", "spynnaker", "16,384 ring-buffer entries of 16 bits")
RING_ENTRY_BYTES = 2
SYNAPSE_TYPES = 2  # excitatory and inhibitory: a stored weight has no sign
EVENTS_PER_SECOND = _size(13e6, "events/s", "spynnaker", "static synapses a core, synapse_dynamics_static.py")
STDP_EVENTS_PER_SECOND = _size(1.4e6, "events/s", "spynnaker", "STDP synapses a core, synapse_dynamics_stdp.py")
DTCM_BYTES = _size(2**16, "B", "spinnmachine", f"dtcm_bytes, {_V1}")
SDRAM_BYTES = _size(123_469_792, "B", "spinnmachine", f"max_sdram_per_chip, {_V1}")
TABLE_ENTRY_BYTES = _size(20, "B", "spynnaker", "master population table entry, master_pop_table.py")
TABLE_ADDRESS_BYTES = _size(4, "B", "spynnaker", "address list entry, master_pop_table.py")
TABLE_HEADER_BYTES = _size(8, "B", "spynnaker", "master_pop_table.py")
CHIPS_PER_BOARD = _size(48, "chips", "spinnmachine", _V5)
CHIPS_PER_SMALL_BOARD = _size(4, "chips", "spinnmachine", _V3)
CORES_PER_CHIP = Figure(
    16,
    "cores",
    "spinnmachine",
    "derived",
    low=15,
    high=17,
    place=f"18 cores (17 on some chips) less one SCAMP and one monitor core, {_V1}, {_V5}",
)

# -- energy (a): the official machine model ------------------------------------------------------------
CORE_ACTIVE = Figure(
    0.034,
    "W",
    "spinnmachine",
    "measured",
    low=0.0228,
    high=0.034,
    operating_point="boxed 48-chip board at the wall, (59.38 - 31.88) W over 806 cores; low end: "
    "SNABSuite's 4-chip board, (4.1103 - 2.6711) W over 63 cores",
    place=f"WATTS_PER_CORE_ACTIVE_OVERHEAD, {_V1}",
)
BOARD_IDLE = Figure(
    26.84,
    "W",
    "spinnmachine",
    "measured",
    operating_point="48-chip board, idle",
    place=f"WATTS_FOR_48_CHIP_BOARD_IDLE_COST, {_V5}",
)
BOX_OVERHEAD = Figure(
    5.04,
    "W",
    "spinnmachine",
    "derived",
    operating_point="box and power supply of a 48-chip board",
    place=f"WATTS_FOR_48_CHIP_BOX_COST_OVERHEAD = 31.88 - 26.84, {_V5}",
)
SMALL_BOARD_IDLE = Figure(
    3.56,
    "W",
    "spinnmachine",
    "measured",
    operating_point="4-chip board, idle, over one hour",
    place=f"WATTS_FOR_4_CHIP_BOARD_IDLE_COST, {_V3}",
)
PACKET = Figure(
    1.0,
    "nJ",
    "spinnmachine",
    "derived",
    operating_point="40 bits at 25 pJ a bit and router",
    place=f"JOULES_PER_PACKET, {_V1}",
)

# -- energy (b): measured increments (Ostrau et al. 2022) ----------------------------------------------
_SMALL = "4-chip board, LIF, dt 1 ms, 20 repeats, mean and standard deviation"


def _increment(mean: float, sd: float, what: str) -> Figure:
    return Figure(
        mean,
        "nJ",
        "snabsuite",
        "measured",
        operating_point=_SMALL,
        low=round(max(0.0, mean - sd), 6),
        high=round(mean + sd, 6),
        place=f"config_energy, {what}",
    )


IDLE_NEURON_MS = _increment(89.6, 1.1, "idle neuron per ms")
SPIKE = _increment(10.36, 2.17, "spike (recorded)")
EVENT = _increment(9.59, 0.27, "synaptic event, random fan-out")
EVENT_ONE_TO_ONE = _increment(93.9, 6.9, "transmission, one-to-one")
HOST_SPIKE = Figure(
    3316,
    "nJ",
    "snabsuite",
    "measured",
    operating_point=_SMALL.replace(", mean and standard deviation", ", mean"),
    place="config_energy, input spike from the host, one-to-one",
)
SMALL_BOARD_BOOTED = Figure(
    2.671,
    "W",
    "snabsuite",
    "measured",
    operating_point="4-chip board, booted and idle",
    place="config_energy, idle power",
)
BOARD_BOOTED = Figure(
    23.049,
    "W",
    "snabsuite",
    "measured",
    operating_point="48-chip board, booted and idle",
    place="config_energy, idle power",
)
