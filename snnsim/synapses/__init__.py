"""Connections, their rules and transforms."""

from snnsim.core.delay import Delay as Delay
from snnsim.synapses.chain import Chain as Chain
from snnsim.synapses.conv import Conv1d as Conv1d
from snnsim.synapses.conv import Conv2d as Conv2d
from snnsim.synapses.currents import AlphaSynapse as AlphaSynapse
from snnsim.synapses.currents import ExponentialSynapse as ExponentialSynapse
from snnsim.synapses.dense import Dense as Dense
from snnsim.synapses.dense import OneToOne as OneToOne
from snnsim.synapses.distributions import Normal as Normal
from snnsim.synapses.distributions import Uniform as Uniform
from snnsim.synapses.pool import AvgPool2d as AvgPool2d
from snnsim.synapses.pool import SumPool2d as SumPool2d
from snnsim.synapses.rules import DistanceDependent as DistanceDependent
from snnsim.synapses.rules import FixedInDegree as FixedInDegree
from snnsim.synapses.rules import FixedOutDegree as FixedOutDegree
from snnsim.synapses.rules import FixedProbability as FixedProbability
from snnsim.synapses.rules import FixedTotalNumber as FixedTotalNumber
from snnsim.synapses.short_term import TsodyksMarkram as TsodyksMarkram
from snnsim.synapses.sparse import Sparse as Sparse
from snnsim.synapses.transforms import BatchNorm as BatchNorm
from snnsim.synapses.transforms import Dropout as Dropout
