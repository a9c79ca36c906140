"""SpiNNaker 2: quoted prices only. Its official tools have no energy model, and its mapping rules are not published."""

from __future__ import annotations

from snnsim.core.network import Network
from snnsim.hardware.cost import Cost, Term
from snnsim.hardware.figure import Figure
from snnsim.hardware.spinnaker.from_network import application_of
from snnsim.hardware.target import Mapping, Target, shared_notes
from snnsim.hardware.workload import Workload

_V2 = "version_spin2.py"
_TEST_CHIP = "28 nm test chip of the second generation"
CORES_PER_CHIP = Figure(152, "cores", "spinnmachine", "code", place=f"152 and one, max_cores_per_chip = 153, {_V2}")
SDRAM_BYTES = Figure(1_073_741_824, "B", "spinnmachine", "code", place=f"max_sdram_per_chip, {_V2}")
ROUTER_ENTRIES = Figure(16_384, "entries", "spinnmachine", "code", place=f"n_router_entries, {_V2}")
TEST_CHIP_EVENT = Figure(450, "pJ", "kerasspiking", "code", operating_point=_TEST_CHIP,
                         place="device table, citing Höppner et al. 2019, arXiv:1903.08941")
TEST_CHIP_UPDATE = Figure(2190, "pJ", "kerasspiking", "code", operating_point=_TEST_CHIP,
                          place="device table, citing Höppner et al. 2019, arXiv:1903.08941")
QUOTED_EVENT = Figure(10, "pJ", "tang2023", "second-hand", operating_point="22 nm",
                      place="table 3, quoting Höppner et al. 2021, arXiv:2103.08392; its definition is not said there")
UNPRICED = ("idle power of chips and boards", "packets and links", "the memory beside the chip",
            "box, power supply, frames, switches and cooling", "the host computer and the network to it")


class SpiNNaker2(Target[Mapping]):
    """SpiNNaker 2 by two quoted tables, which differ by a factor of 45.

    Nothing is placed: how neurons share its cores is not published in the tools that were read.

    References:
        keys spinnmachine, kerasspiking, tang2023 of the bibliography.
    """

    name = "spinnaker2"
    title = "SpiNNaker 2"

    def map(self, network: Network, workload: Workload) -> Mapping:
        """Refuse what no machine of spikes can hold; see `Target.map` for errors."""
        application = application_of(network, workload)
        summary = {"chips": "not known: neurons a core are not published",
                   "cores of a chip": int(CORES_PER_CHIP.value or 0),
                   "memory of a chip (B)": int(SDRAM_BYTES.value or 0),
                   "routing entries of a chip": int(ROUTER_ENTRIES.value or 0)}
        return Mapping(self.name, summary, tuple(shared_notes(network, workload, "SpiNNaker 2")),
                       units={name: cells.units for name, cells in application.cells.items()})

    def cost(self, mapping: Mapping, workload: Workload) -> Cost:
        """Synaptic events and neuron updates by the test chip, and events by a quoted figure as the alternative."""
        self.refuse_other(mapping, workload)
        updates = [Term("neuron update", name, work.updates, "updates", TEST_CHIP_UPDATE)
                   for name, work in workload.populations.items() if not work.is_input]
        quoted = Cost(self.name, "quoted-22nm", "One figure for a synaptic operation of the chip, quoted by others.",
                      self._events(workload, QUOTED_EVENT), ("neuron updates", *UNPRICED), mapping.notes)
        return Cost(self.name, "test-chip-28nm",
                    "Synaptic operations and neuron updates of a test chip, as another tool quotes them.",
                    (*self._events(workload, TEST_CHIP_EVENT), *updates), UNPRICED, mapping.notes, None, (quoted,))

    def _events(self, workload: Workload, price: Figure) -> tuple[Term, ...]:
        return tuple(Term("synaptic event", name, p.events, "events", price)
                     for name, p in workload.projections.items())
