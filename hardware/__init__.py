"""From a network and a recording to a priced report: count, place, price, print."""

from snnsim.hardware.cost import Cost as Cost
from snnsim.hardware.cost import Term as Term
from snnsim.hardware.figure import Figure as Figure
from snnsim.hardware.fit_to import Fit as Fit
from snnsim.hardware.fit_to import fit_to as fit_to
from snnsim.hardware.report import Report as Report
from snnsim.hardware.report import report as report
from snnsim.hardware.target import Mapping as Mapping
from snnsim.hardware.target import Target as Target
from snnsim.hardware.target import targets as targets
from snnsim.hardware.tradeoff import tradeoff as tradeoff
from snnsim.hardware.what_if import Change as Change
from snnsim.hardware.what_if import what_if as what_if
from snnsim.hardware.workload import Workload as Workload
