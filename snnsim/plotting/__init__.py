"""Pictures: rasters, traces, statistics, weights, training curves, diagrams. matplotlib is imported late."""

from snnsim.plotting.avalanches import avalanches as avalanches
from snnsim.plotting.confusion import confusion as confusion
from snnsim.plotting.curves import training_curves as training_curves
from snnsim.plotting.distributions import spike_statistics as spike_statistics
from snnsim.plotting.network import network_diagram as network_diagram
from snnsim.plotting.psth import psth as psth
from snnsim.plotting.raster import raster as raster
from snnsim.plotting.style import PALETTE as PALETTE
from snnsim.plotting.style import colour as colour
from snnsim.plotting.style import label as label
from snnsim.plotting.style import png_bytes as png_bytes
from snnsim.plotting.style import save as save
from snnsim.plotting.traces import traces as traces
from snnsim.plotting.weights import kernels as kernels
from snnsim.plotting.weights import parameter_histogram as parameter_histogram
from snnsim.plotting.weights import weight_matrix as weight_matrix
