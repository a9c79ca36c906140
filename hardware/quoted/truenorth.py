"""TrueNorth: one all-in figure at one operating point, and the limits of its cores."""

from __future__ import annotations

import numpy as np

from snnsim.core.errors import ConfigurationError, DelayError, UnsupportedError
from snnsim.core.input import Input
from snnsim.core.network import Network
from snnsim.hardware.cost import Cost, Term
from snnsim.hardware.fan import fan_in
from snnsim.hardware.figure import Figure
from snnsim.hardware.target import Mapping, Target, shared_notes
from snnsim.hardware.workload import Workload
from snnsim.neurons import IF, LI, LIF, Refractory

CORES, NEURONS_PER_CORE, AXONS_PER_CORE, LONGEST_DELAY, TICK_S = 4096, 256, 256, 15, 1e-3
_POINT = "28 nm, 0.775 V, 20 spikes/s, 128 active synapses a neuron, ticks of 1 ms; 72 mW in all; quoted second-hand"


def _figure(value: float, unit: str, place: str, **band: float) -> Figure:
    return Figure(value, unit, "merolla2014", "second-hand", "all-in", _POINT, place=place, **band)


EVENT = _figure(26.0, "pJ", "energy per synaptic event")
CHIP = _figure(72.0, "mW", "power of the chip; the band is 0.70 to 1.05 V", low=42.0, high=323.0)


class TrueNorth(Target):
    """TrueNorth, all-in only: power of the whole chip over its event rate, at the point where that was published.

    References:
        key merolla2014 of the bibliography.
    """

    name = "truenorth"
    title = "TrueNorth (all-in)"

    def map(self, network: Network, workload: Workload) -> Mapping:
        """Count cores by neurons, and check what one core can hold; see `Target.map` for errors."""
        cores = 0
        for name, neuron in network.populations.items():
            inside = neuron.neuron if isinstance(neuron, Refractory) else neuron
            if not isinstance(inside, (Input, IF, LIF, LI)):
                raise UnsupportedError(got=f"population {name!r} of {type(inside).__name__}", where="TrueNorth",
                                       expected="Input, IF, LIF or LI", fix="use one of these, or leave it out")
            if not neuron.spiking and any(p.pre == name for p in network.projections.values()):
                raise UnsupportedError(got=f"population {name!r} of {type(inside).__name__} sends its membrane",
                                       expected="spikes", where="TrueNorth", fix="use spiking neurons inside")
            if not isinstance(inside, Input):
                cores += -(-neuron.size // NEURONS_PER_CORE)
                _refuse_fan_in(network, name)
        for name, projection in network.projections.items():
            if (steps := projection.depth(workload.dt)) > LONGEST_DELAY:
                raise DelayError(got=f"a delay of {steps} steps", expected=f"at most {LONGEST_DELAY} ticks",
                                 where=f"projection {name!r} on TrueNorth",
                                 fix=f"shorten it by {steps - LONGEST_DELAY} steps, or use a larger dt")
        if cores > CORES:
            raise ConfigurationError(got=f"{cores:,} cores", expected=f"at most {CORES:,}", where="TrueNorth",
                                     fix=f"it exceeds one chip by {cores - CORES:,} cores: use fewer neurons")
        notes = [*shared_notes(network, workload, "TrueNorth"),
                 "Cores are counted by neurons only; copies of neurons that reach several cores come on top."]
        return Mapping(self.name, {"cores (at least)": f"{cores:,} of {CORES:,}"}, tuple(notes))

    def cost(self, mapping: Mapping, workload: Workload) -> Cost:
        """Events at the all-in figure; the chip's whole power as the alternative."""
        self.refuse_other(mapping, workload)
        wall = workload.samples * workload.steps * TICK_S
        events = tuple(Term("synaptic event, all-in", name, p.events, "events", EVENT)
                       for name, p in workload.projections.items())
        chip = Cost(self.name, "whole-chip", "Power of the whole chip for as long as the run takes, one tick a step.",
                    (Term("chip", "chip", wall, "chip s", CHIP),), ("the board around the chip", "the host"),
                    ("Measured of a full chip: a small network leaves most of it idle.",), wall)
        return Cost(self.name, "all-in", "Total power over the event rate of one published run; it holds idle power, "
                    "neurons and routing of that run, not of this one.", events,
                    ("whatever differs from the published operating point", "the board around the chip", "the host"),
                    (*mapping.notes, "At lower rates an event costs more than this, since idle power is shared by "
                     "fewer."), wall, (chip,))


def _refuse_fan_in(network: Network, name: str) -> None:
    neuron = network.populations[name]
    found = np.zeros(neuron.size, np.int64)
    for projection in network.incoming(name).values():
        found += fan_in(projection.connection, network.populations[projection.pre].shape, neuron.shape)
    most = int(found.max(initial=0))
    if most > AXONS_PER_CORE:
        raise ConfigurationError(got=f"{most} synapses onto one unit of {name!r}",
                                 expected=f"at most {AXONS_PER_CORE}, the axons of a core", where="TrueNorth",
                                 fix=f"it exceeds by {most - AXONS_PER_CORE}: use sparser projections or fewer sources")
