"""One of two processes that simulate together; `test_devices` starts both: index, devices of each, folder.

Says in ``<index>.npz`` what came out.
"""

import sys
from pathlib import Path

import jax
import numpy as np
from device_networks import RECORD, arrays, islands, mixed, simulated, spikes_in

import snnsim as sn
from snnsim.core.errors import OutputError, OutputExistsError
from snnsim.core.processes import join_processes

index, folder = int(sys.argv[1]), Path(sys.argv[2])
join_processes()
assert (jax.process_index(), jax.process_count()) == (index, 2)
devices = jax.device_count()
network, joined = mixed(), islands()
found = arrays(simulated(network, spikes_in(network), RECORD, devices=devices))
# Only the first process writes; the other one has no folder and goes on from where the first one resumes.
record = {"cells_0": ["spikes"], "cells_1": ["spikes"]}
sink = sn.io.RecordingFolder(folder / "run" if index == 0 else folder / "nowhere", snapshot_every=0)
half = simulated(joined, record=record, chunk=50, sink=sink, devices=devices)
sink = sn.io.RecordingFolder(folder / "run" if index == 0 else folder / "nowhere", resume=True)
again = simulated(joined, record=record, chunk=50, sink=sink, devices=devices)
found["again"] = np.array([np.array_equal(half.counts[name], again.counts[name]) for name in record])
try:
    simulated(joined, record=record, sink=sn.io.RecordingFolder(folder / "run"), devices=devices)
except (OutputError, OutputExistsError) as error:
    found["refused"] = np.array(type(error).__name__)
np.savez(folder / f"{index}.npz", **found)
