"""Files: networks, arrays and recordings in HDF5 (SONATA), graphs in NIR."""

from snnsim.io.array_file import read_arrays as read_arrays
from snnsim.io.array_file import write_arrays as write_arrays
from snnsim.io.from_nir import from_nir as from_nir
from snnsim.io.hdf5 import load as load
from snnsim.io.hdf5 import save as save
from snnsim.io.recording_folder import RecordingFolder as RecordingFolder
from snnsim.io.registry import registry as registry
from snnsim.io.sonata import read_sonata_spikes as read_sonata_spikes
from snnsim.io.sonata import write_sonata_spikes as write_sonata_spikes
from snnsim.io.sonata_report import SonataReport as SonataReport
from snnsim.io.sonata_report import read_sonata_report as read_sonata_report
from snnsim.io.to_nir import to_nir as to_nir
from snnsim.io.tree import decode as decode
from snnsim.io.tree import encode as encode
