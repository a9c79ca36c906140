"""Resistive memory: networks on arrays of noisy cells, and what they cost."""

from snnsim.hardware.rram.converters import Converters as Converters
from snnsim.hardware.rram.crossbar import Crossbar as Crossbar
from snnsim.hardware.rram.device import Device as Device
from snnsim.hardware.rram.device import StuckCells as StuckCells
from snnsim.hardware.rram.laws import FilamentFlicker as FilamentFlicker
from snnsim.hardware.rram.laws import LogarithmicRelaxation as LogarithmicRelaxation
from snnsim.hardware.rram.laws import PhaseChangeFlicker as PhaseChangeFlicker
from snnsim.hardware.rram.laws import PolynomialError as PolynomialError
from snnsim.hardware.rram.laws import PowerLawDrift as PowerLawDrift
from snnsim.hardware.rram.laws import WhiteReadNoise as WhiteReadNoise
from snnsim.hardware.rram.library import gaussian as gaussian
from snnsim.hardware.rram.library import pcm as pcm
from snnsim.hardware.rram.library import pcm_joshi as pcm_joshi
from snnsim.hardware.rram.library import rram_cmo as rram_cmo
from snnsim.hardware.rram.library import rram_milo as rram_milo
from snnsim.hardware.rram.library import rram_wan as rram_wan
from snnsim.hardware.rram.library import rram_wan_cubic as rram_wan_cubic
from snnsim.hardware.rram.network import on_crossbars as on_crossbars
from snnsim.hardware.rram.network import programmed as programmed
from snnsim.hardware.rram.target import Rram as Rram
from snnsim.hardware.rram.tiling import Tiling as Tiling
from snnsim.hardware.rram.wires import Wires as Wires

# Classes that a file of such a network may name: ``snnsim.io.load(path, classes=rram.CLASSES)``.
CLASSES = (Converters, Crossbar, Device, StuckCells, FilamentFlicker, LogarithmicRelaxation, PhaseChangeFlicker,
           PolynomialError, PowerLawDrift, WhiteReadNoise, Tiling, Wires)
