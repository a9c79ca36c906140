"""How other simulators time their pairs: arguments of the learning rules, ``PairSTDP(..., **NEST)``.

| | timing | weight_sent | coincidence | first |
| --- | --- | --- | --- | --- |
| NEST stdp_*_synapse | dendritic | after | none | potentiation |
| sPyNNaker, as the published hippocampal memory shows it | dendritic | after | depression | potentiation |
| Brian2, on_pre reads the weight first (the defaults) | axonal | before | potentiation | depression |
| NALSM (time steps of the authors' code) | somatic | before | none | together |

References:
    NEST 3.10, models/stdp_synapse.h and archiving_node.cpp; Casanueva-Morato et al. 2024, Neural Networks 178:106474
    (spike tables); Brian2 2.9, synapses.py; Ivanov & Michmizos 2021, NeurIPS (code).
"""

from typing import Any

Options = dict[str, Any]

NEST: Options = dict(timing="dendritic", weight_sent="after", coincidence="none", first="potentiation")
SPYNNAKER: Options = dict(timing="dendritic", weight_sent="after", coincidence="depression", first="potentiation")
BRIAN2: Options = dict(timing="axonal", weight_sent="before", coincidence="potentiation", first="depression")
NALSM: Options = dict(timing="somatic", weight_sent="before", coincidence="none", first="together")
