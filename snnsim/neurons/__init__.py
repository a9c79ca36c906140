"""Neurons: each is a frozen module with five small verbs, see `snnsim.core.neuron`."""

from snnsim.neurons.adex import AdEx as AdEx
from snnsim.neurons.alif import ALIF as ALIF
from snnsim.neurons.composed import Noisy as Noisy
from snnsim.neurons.composed import Refractory as Refractory
from snnsim.neurons.cubalif import CubaLIF as CubaLIF
from snnsim.neurons.izhikevich import Izhikevich as Izhikevich
from snnsim.neurons.li import LI as LI
from snnsim.neurons.lif import IF as IF
from snnsim.neurons.lif import LIF as LIF
from snnsim.neurons.lif_psc_exp import LIFPscExp as LIFPscExp
from snnsim.neurons.surrogates import ATan as ATan
from snnsim.neurons.surrogates import Boxcar as Boxcar
from snnsim.neurons.surrogates import FastSigmoid as FastSigmoid
from snnsim.neurons.surrogates import Gaussian as Gaussian
from snnsim.neurons.surrogates import Sigmoid as Sigmoid
from snnsim.neurons.surrogates import StraightThrough as StraightThrough
from snnsim.neurons.surrogates import Triangle as Triangle
from snnsim.neurons.surrogates import super_spike as super_spike
