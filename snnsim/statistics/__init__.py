"""Statistics of spike trains: rates, regularity, correlation. Undefined results are NaN, never an invented 0."""

from snnsim.statistics.binning import BinnedCounts as BinnedCounts
from snnsim.statistics.binning import binned as binned
from snnsim.statistics.correlation import correlation as correlation
from snnsim.statistics.correlation import covariance as covariance
from snnsim.statistics.correlation import mean_correlation as mean_correlation
from snnsim.statistics.correlation import pair_correlations as pair_correlations
from snnsim.statistics.intervals import cv2 as cv2
from snnsim.statistics.intervals import cv_isi as cv_isi
from snnsim.statistics.intervals import isi as isi
from snnsim.statistics.intervals import lv as lv
from snnsim.statistics.intervals import lvr as lvr
from snnsim.statistics.intervals import pooled_isi as pooled_isi
from snnsim.statistics.rates import population_rate as population_rate
from snnsim.statistics.rates import psth as psth
from snnsim.statistics.rates import rates as rates
from snnsim.statistics.rates import time_histogram as time_histogram
from snnsim.statistics.summary import PopulationSummary as PopulationSummary
from snnsim.statistics.summary import recorded_spikes as recorded_spikes
from snnsim.statistics.summary import summary as summary
from snnsim.statistics.trains import SpikeTrains as SpikeTrains
