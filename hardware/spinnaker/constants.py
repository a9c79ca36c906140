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
MOST_DELAY_STAGES = _size(8, "ring buffers", "spynnaker", "MAX_SLOTS, delay_extension_vertex.py")
EXTENSION_DTCM_BYTES = _size(54_756, "B", "spynnaker", "MAX_DTCM_AVAILABLE = 59756 - 5000, delay_extension_vertex.py")
POISSON_PER_CORE = _size(500, "sources", "spynnaker", "spike_source_poisson.py")
SPIKE_BUFFER = _size(256, "packets", "spynnaker", "incoming_spike_buffer_size, spynnaker.cfg")
COLOUR_BITS = _size(4, "bits", "spynnaker", "n_colour_bits, spynnaker.cfg")
DTCM_BYTES = _size(2**16, "B", "spinnmachine", f"dtcm_bytes, {_V1}")
ITCM_BYTES = _size(2**15, "B", "spinnakertools", "spinnaker.h")
BINARY_BYTES = _size(29_928, "B", "spynnaker", "size of model_binaries/IF_curr_exp.aplx, loader tables included")
CLOCK_HZ = _size(200e6, "1/s", "spinnmachine", f"clock_speeds_hz, {_V1}")
ROUTER_ENTRIES = _size(1023, "entries", "spinnmachine", f"n_router_entries, {_V1}")
KEY_BITS = 32  # of a routing key (PACMAN BITS_IN_KEY)
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
    place=f"18 cores (17 on eight chips of a board) less one SCAMP and one monitor core, {_V1}, {_V5}",
)
# Places on a board whose chips have 17 cores (CHIPS_PER_BOARD, version_5.py).
SHORT_CHIPS = ((1, 1), (1, 3), (3, 1), (3, 3), (3, 5), (5, 2), (5, 4), (5, 6))
MOST_BOARDS = Figure(
    1200,
    "boards",
    "brown2015",
    "derived",
    place="abstract: the whole machine has 57,600 chips of 18 cores, which are 1,200 boards of 48",
)
NEURON_UPDATE_US = Figure(
    1.5625,
    "us",
    "spinnakermicrocircuit",
    "derived",
    high=1.5625,
    operating_point="IF_curr_exp at 200 MHz; an upper bound: 64 neurons a core fit into steps of 0.1 ms in real time",
    place="neurons_per_core = 64 and timestep = 0.1, spinnaker_specific_info.py; timeScaleFactor = 1, spynnaker.cfg",
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
CHIP_IDLE = Figure(
    0.35,
    "W",
    "spinnmachine",
    "derived",
    operating_point="chip of a 48-chip board, idle: (5.23 + 5.17 + 5.52 + 0.90) W over 48 chips, without the board",
    place=f"WATTS_PER_IDLE_CHIP, {_V1}",
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
FRAME = Figure(
    154.163558,
    "W",
    "spinnmachine",
    "measured",
    low=117,
    high=154.163558,
    operating_point="frame with switch and cooling while its boards work; low end: idle",
    place=f"WATTS_FOR_FRAME_IDLE_COST + WATTS_PER_FRAME_ACTIVE_COST_OVERHEAD, {_V5}",
)
SMALL_BOARD_IDLE = Figure(
    3.56,
    "W",
    "spinnmachine",
    "measured",
    low=2.671,
    high=3.56,
    operating_point="4-chip board, idle, over one hour; low end: SNABSuite's board, booted and idle, at its USB supply",
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
# A packet reads one synaptic row on each core that it reaches; rows and synapses are priced apart. An event takes
# 93.87 nJ in rows of one synapse (Transmission_O2O) and 9.595 nJ in rows of 127.5 (Transmission_random).
SYNAPTIC_ROW = Figure(
    84.9,
    "nJ",
    "snabsuite",
    "derived",
    operating_point=_SMALL,
    low=78.0,
    high=91.9,
    place="config_energy, Transmission_O2O less one synaptic event",
)
SYNAPTIC_EVENT = Figure(
    8.93,
    "nJ",
    "snabsuite",
    "derived",
    operating_point=_SMALL,
    low=6.6,
    high=9.3,
    place="config_energy, (127.5 x 9.595 - 93.87) / 126.5 of Transmission_random and _O2O; low end: InputSpike_A2A",
)
EVENT_STDP = _increment(150.2, 213.3, "spike transmitted by a plastic synapse, pair rule (Transmission_STDP)")
# Spikes of inputs hold everything: their way into the machine, rows and synapses.
INPUT_ONE_TO_ONE = _increment(3316, 209, "input spike, one-to-one (InputSpike_O2O)")
INPUT_TO_ALL = _increment(7.37, 0.43, "synaptic event of an input spike, all-to-all (InputSpike_A2A)")
INPUT_RANDOM = Figure(
    103.4,
    "nJ",
    "snabsuite",
    "measured",
    operating_point=f"{_SMALL}; 5.4 synapses a row. Low end: long rows, as of spikes between neurons",
    low=9.3,
    high=108.0,
    place="config_energy, synaptic event of an input spike, random fan-out (InputSpike_random)",
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
