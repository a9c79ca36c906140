"""Superconducting single flux quantum circuits: a target that is priced, and circuits that are simulated.

`SFQ` counts cells of a published library and prices them. `simulate` solves circuits of Josephson junctions over time,
`design` turns a trained network into one, `margins` and `circuit_yield` say how far its values may be off.
"""

from snnsim.hardware.sfq.circuit import GROUND as GROUND
from snnsim.hardware.sfq.circuit import Circuit as Circuit
from snnsim.hardware.sfq.circuit import Netlist as Netlist
from snnsim.hardware.sfq.design import Design as Design
from snnsim.hardware.sfq.design import design as design
from snnsim.hardware.sfq.judges import classifies as classifies
from snnsim.hardware.sfq.judges import matches as matches
from snnsim.hardware.sfq.judges import right_share as right_share
from snnsim.hardware.sfq.margins import centred as centred
from snnsim.hardware.sfq.margins import margins as margins
from snnsim.hardware.sfq.margins import with_bias as with_bias
from snnsim.hardware.sfq.measures import energies as energies
from snnsim.hardware.sfq.measures import pulse_areas as pulse_areas
from snnsim.hardware.sfq.measures import shunt_heat as shunt_heat
from snnsim.hardware.sfq.measures import slip_times as slip_times
from snnsim.hardware.sfq.parts import Parts as Parts
from snnsim.hardware.sfq.pulses import Pulses as Pulses
from snnsim.hardware.sfq.pulses import current_pulses as current_pulses
from snnsim.hardware.sfq.pulses import flux_quanta as flux_quanta
from snnsim.hardware.sfq.soma import SOMA as SOMA
from snnsim.hardware.sfq.soma import SomaModel as SomaModel
from snnsim.hardware.sfq.soma import fit_soma as fit_soma
from snnsim.hardware.sfq.spread import Spread as Spread
from snnsim.hardware.sfq.spread import circuit_yield as circuit_yield
from snnsim.hardware.sfq.target import SFQ as SFQ
from snnsim.hardware.sfq.transient import simulate as simulate
