"""SpiNNaker: placement, routing, real time and energy on SpiNNaker 1, quoted prices of SpiNNaker 2, PyNN scripts."""

from snnsim.hardware.spinnaker.export import mapping_dict as mapping_dict
from snnsim.hardware.spinnaker.export import read_routing as read_routing
from snnsim.hardware.spinnaker.export import write_mapping as write_mapping
from snnsim.hardware.spinnaker.mapping import SpiNNakerMapping as SpiNNakerMapping
from snnsim.hardware.spinnaker.microcircuit import planned_microcircuit as planned_microcircuit
from snnsim.hardware.spinnaker.picture import board_picture as board_picture
from snnsim.hardware.spinnaker.planned import PlannedNetwork as PlannedNetwork
from snnsim.hardware.spinnaker.planned import PlannedPopulation as PlannedPopulation
from snnsim.hardware.spinnaker.planned import PlannedProjection as PlannedProjection
from snnsim.hardware.spinnaker.pynn import PyNNScript as PyNNScript
from snnsim.hardware.spinnaker.pynn import pynn_script as pynn_script
from snnsim.hardware.spinnaker.second import SpiNNaker2 as SpiNNaker2
from snnsim.hardware.spinnaker.target import SpiNNaker as SpiNNaker
