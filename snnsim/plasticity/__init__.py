"""Learning rules by spike timing: given to a projection as its synapse."""

from snnsim.plasticity.astrocytic import AstrocyticSTDP as AstrocyticSTDP
from snnsim.plasticity.conventions import BRIAN2 as BRIAN2
from snnsim.plasticity.conventions import NALSM as NALSM
from snnsim.plasticity.conventions import NEST as NEST
from snnsim.plasticity.conventions import SPYNNAKER as SPYNNAKER
from snnsim.plasticity.dependence import Additive as Additive
from snnsim.plasticity.dependence import Multiplicative as Multiplicative
from snnsim.plasticity.dependence import Power as Power
from snnsim.plasticity.dependence import Unbounded as Unbounded
from snnsim.plasticity.dopamine import DopamineSTDP as DopamineSTDP
from snnsim.plasticity.pair import PairSTDP as PairSTDP
from snnsim.plasticity.triplet import TripletSTDP as TripletSTDP
