"""Models of cortical networks: each is a function of sizes and a key."""

from snnsim.models.cortex.brunel import brunel as brunel
from snnsim.models.cortex.brunel import brunel_rate as brunel_rate
from snnsim.models.cortex.connectome import connectome as connectome
from snnsim.models.cortex.connectome import members as members
from snnsim.models.cortex.edge_list import EdgeList as EdgeList
from snnsim.models.cortex.edge_list import read_edges as read_edges
from snnsim.models.cortex.mean_field import siegert as siegert
from snnsim.models.cortex.microcircuit import microcircuit as microcircuit
from snnsim.models.cortex.microcircuit import microcircuit_plan as microcircuit_plan
from snnsim.models.cortex.microcircuit import microcircuit_start as microcircuit_start
from snnsim.models.cortex.psp import current_of_psp as current_of_psp
from snnsim.models.cortex.published import Published as Published
from snnsim.models.cortex.published import compare as compare
from snnsim.models.cortex.published import of_microcircuit as of_microcircuit
from snnsim.models.cortex.start import started as started
from snnsim.models.cortex.vogels_abbott import coba as coba
from snnsim.models.cortex.vogels_abbott import coba_start as coba_start
from snnsim.models.cortex.vogels_abbott import cuba as cuba
from snnsim.models.cortex.vogels_abbott import cuba_start as cuba_start
