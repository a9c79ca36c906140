"""Event-driven spiking neural networks in JAX, from single neurons to chip energy."""

from pathlib import Path as _Path

__version__ = "0.1.0"

# In a checkout `models/` and `hardware/` lie beside this folder (see package_dir in
# setup.cfg); in an installed wheel they lie inside it and nothing is added here.
if not (_Path(__file__).parent / "models").is_dir():
    __path__.append(str(_Path(__file__).parent.parent))

from typing import TYPE_CHECKING as _TYPE_CHECKING

from snnsim.core.dataset import LabelledEvents as LabelledEvents
from snnsim.core.delay import Delay as Delay
from snnsim.core.events import Events as Events
from snnsim.core.input import Input as Input
from snnsim.core.network import Network as Network
from snnsim.core.parameters import partition as partition
from snnsim.core.projection import Projection as Projection
from snnsim.core.recording import Recording as Recording
from snnsim.core.simulate import simulate as simulate
from snnsim.neurons import ALIF as ALIF
from snnsim.neurons import IF as IF
from snnsim.neurons import LI as LI
from snnsim.neurons import LIF as LIF
from snnsim.neurons import AdEx as AdEx
from snnsim.neurons import CubaLIF as CubaLIF
from snnsim.neurons import Izhikevich as Izhikevich
from snnsim.neurons import LIFPscExp as LIFPscExp
from snnsim.neurons import Noisy as Noisy
from snnsim.neurons import Refractory as Refractory
from snnsim.synapses import AvgPool2d as AvgPool2d
from snnsim.synapses import BatchNorm as BatchNorm
from snnsim.synapses import Conv1d as Conv1d
from snnsim.synapses import Conv2d as Conv2d
from snnsim.synapses import Dense as Dense
from snnsim.synapses import Dropout as Dropout
from snnsim.synapses import FixedInDegree as FixedInDegree
from snnsim.synapses import FixedOutDegree as FixedOutDegree
from snnsim.synapses import FixedProbability as FixedProbability
from snnsim.synapses import FixedTotalNumber as FixedTotalNumber
from snnsim.synapses import OneToOne as OneToOne
from snnsim.synapses import Sparse as Sparse
from snnsim.synapses import SumPool2d as SumPool2d

if _TYPE_CHECKING:
    from snnsim.io import from_nir as from_nir
    from snnsim.io import load as load
    from snnsim.io import save as save
    from snnsim.io import to_nir as to_nir
    from snnsim.training import evaluate as evaluate
    from snnsim.training import fit as fit

# Loaded at first use: optax, h5py and nir would double the time of `import snnsim`.
_LATER = {
    "evaluate": "snnsim.training", "fit": "snnsim.training", "from_nir": "snnsim.io", "load": "snnsim.io",
    "save": "snnsim.io", "to_nir": "snnsim.io", "datasets": "", "hardware": "", "io": "", "models": "",
    "plasticity": "", "plotting": "", "statistics": "", "training": "",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _LATER:
        raise AttributeError(f"module 'snnsim' has no attribute {name!r}")
    found = getattr(import_module(_LATER[name]), name) if _LATER[name] else import_module(f"snnsim.{name}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_LATER])
