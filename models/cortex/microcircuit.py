"""The cortical microcircuit: four layers under one square millimetre, the size of the smallest complete network."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

import jax
import numpy as np

import snnsim as sn
from snnsim.core.errors import ConfigurationError
from snnsim.core.state import SimulationState
from snnsim.models.cortex import microcircuit_constants as c
from snnsim.models.cortex.psp import current_of_psp
from snnsim.models.cortex.start import started
from snnsim.neurons import PoissonGenerator
from snnsim.synapses import Delay, FixedTotalNumber, Normal

LEAST_IN_DEGREE_SCALE = 0.1
INPUTS_PER_NEURONS = 4.0  # in-degree scale over scale


class Plan(NamedTuple):
    """What `microcircuit` builds, in numbers; populations in the order of `POPULATIONS`, matrices [target, source].

    Args:
        in_degree_scale: share of the inputs of a neuron.
        neurons: neurons of each population.
        synapses: synapses of each pair of populations.
        weights: mean weights (nA).
        external_rates: spikes/s that each neuron receives from outside.
        external_weight: their weight (nA).
        currents: constant current of each neuron (nA).
    """

    in_degree_scale: float
    neurons: np.ndarray
    synapses: np.ndarray
    weights: np.ndarray
    external_rates: np.ndarray
    external_weight: float
    currents: np.ndarray


def synapse_numbers() -> np.ndarray:
    """Synapses of each pair of populations at full scale, before rounding, float64 [target, source].

    With K synapses drawn with replacement a pair of neurons is joined at least once with probability
    1 - (1 - 1 / (n m))^K, which is the measured probability. Written as in the reference implementation: its rounding
    is worth two synapses.

    Example:
        >>> int(synapse_numbers().round().sum())
        298880968
    """
    pairs = np.outer(c.NEURONS, c.NEURONS)
    return np.log(1.0 - np.array(c.PROBABILITIES)) / np.log((pairs - 1.0) / pairs)


def microcircuit_plan(scale: float = 1.0, in_degree_scale: float | None = None) -> Plan:
    """Numbers of neurons and synapses, weights and currents; nothing is built.

    Args:
        scale: share of the neurons (N_scaling).
        in_degree_scale: share of the inputs of a neuron (K_scaling); by default 4 `scale`, from 0.1 to 1.

    Raises:
        ConfigurationError: scales outside (0, 1], or so small that a population is empty.
    """
    if in_degree_scale is None:
        in_degree_scale = min(max(INPUTS_PER_NEURONS * scale, LEAST_IN_DEGREE_SCALE), 1.0)
    for name, value in (("scale", scale), ("in_degree_scale", in_degree_scale)):
        if not 0.0 < value <= 1.0:
            raise ConfigurationError(got=f"{name} = {value}", expected="above 0, at most 1", where="microcircuit",
                                     fix="pass for example 0.1")
    neurons = np.rint(np.array(c.NEURONS) * scale).astype(int)
    if not neurons.all():
        raise ConfigurationError(got=f"scale = {scale}, which leaves a population empty", where="microcircuit",
                                 expected=f"{0.5 / min(c.NEURONS):.2g} or more", fix="raise the scale")
    full = synapse_numbers()
    excitatory = np.arange(len(c.POPULATIONS)) % 2 == 0
    potentials = np.where(excitatory, c.PSP, c.INHIBITION * c.PSP) * np.ones_like(full)
    potentials[c.POPULATIONS.index("L23E"), c.POPULATIONS.index("L4E")] = c.PSP_L4E_TO_L23E
    unit = current_of_psp(1.0, tau_mem=c.TAU_MEM, tau_syn=c.TAU_SYN, c_m=c.C_M)
    weights, external_weight, inputs = potentials * unit, c.PSP * unit, np.array(c.EXTERNAL_INPUTS)
    # Fewer inputs of larger weight have the same variance; what is lost of their mean is a constant current.
    recurrent = (weights * full / np.array(c.NEURONS)[:, None] * np.array(c.RATES)).sum(1)
    external = external_weight * inputs * c.EXTERNAL_RATE
    root = np.sqrt(in_degree_scale)
    return Plan(in_degree_scale=in_degree_scale, neurons=neurons,
                synapses=np.rint(full * scale * in_degree_scale).astype(int), weights=weights / root,
                external_rates=np.rint(inputs * in_degree_scale) * c.EXTERNAL_RATE,
                external_weight=external_weight / root,
                currents=1e-3 * c.TAU_SYN * (1.0 - root) * (recurrent + external))


def microcircuit(scale: float = 1.0, in_degree_scale: float | None = None, *, key: jax.Array,
                 dt: float = 0.1) -> sn.Network:
    """The microcircuit of Potjans & Diesmann: 77,169 neurons and 298,880,968 synapses at full scale.

    An excitatory and an inhibitory population of leaky integrate-and-fire neurons in each layer; a fixed number of
    synapses for each pair of populations, drawn with replacement; weights normal and cut at 0, delays normal and
    rounded to the grid, one of each a synapse; each neuron receives a Poisson train from outside. That train has no
    delay here, 1.5 ms in NEST: a shifted Poisson train is a Poisson train, so that only the first 1.5 ms differ.

    With fewer inputs (`in_degree_scale` K) weights grow by 1 / sqrt(K) and a constant current restores the mean input
    at the published rates. That leaves two errors: stronger spikes lower the rates, and fewer neurons share more of
    their inputs, so that correlations grow and rates with them (van Albada, Helias & Diesmann 2015). By default K is
    four times the share of neurons, where both cancel: at scales of 0.02, 0.05 and 0.1 all rates come within 16, 16
    and 5 % of the published ones (means of three networks, 1 s). Correlations are then above those of the full
    network. NEST's example scales both to 0.1; its rates are then 9 to 48 % too low, and so are ours.

    Args:
        scale: share of the neurons (N_scaling).
        in_degree_scale: share of the inputs of a neuron (K_scaling); by default 4 `scale`, from 0.1 to 1.
        key: draws synapses, weights and delays.
        dt: step (ms) of the simulation; delays are at least one.

    Returns:
        A network of the populations `POPULATIONS` and, before each, its input ``external_...``; the state at the
        beginning is that of `microcircuit_start`.

    Raises:
        ConfigurationError: scales outside (0, 1].

    References:
        Potjans & Diesmann 2014, Cereb. Cortex 24:785; van Albada, Helias & Diesmann 2015, PLoS Comput. Biol.
        11:e1004490, on scaling.
    """
    plan = microcircuit_plan(scale, in_degree_scale)
    populations: dict = {}
    projections = []
    for post, name in enumerate(c.POPULATIONS):
        size, source = int(plan.neurons[post]), f"external_{name}"
        # One largest rate for all, so that they run as one population.
        populations[source] = PoissonGenerator(size, plan.external_rates[post], max_rate=plan.external_rates.max())
        populations[name] = sn.Refractory(sn.LIFPscExp(
            size, tau_mem=c.TAU_MEM, tau_exc=c.TAU_SYN, tau_inh=c.TAU_SYN, c_m=c.C_M, e_l=c.E_L, v_th=c.V_TH,
            v_reset=c.V_RESET, i_e=plan.currents[post], spike_at=">="), t_ref=c.T_REF)
        projections.append(sn.Projection(source, name, sn.OneToOne(plan.external_weight), port="exc"))
        projections += [_synapses(plan, post, pre, dt) for pre in range(len(c.POPULATIONS)) if plan.synapses[post, pre]]
    return sn.Network(populations, projections, key=key)


def _synapses(plan: Plan, post: int, pre: int, dt: float) -> sn.Projection:
    """All synapses from one population to another."""
    mean, excitatory = float(plan.weights[post, pre]), pre % 2 == 0
    low, high = (0.0, inf) if excitatory else (-inf, 0.0)
    delay = c.DELAY_EXCITATORY if excitatory else c.DELAY_INHIBITORY
    return sn.Projection(
        c.POPULATIONS[pre], c.POPULATIONS[post],
        sn.Sparse(FixedTotalNumber(int(plan.synapses[post, pre])),
                  weight=Normal(mean=mean, std=c.WEIGHT_CV * abs(mean), low=low, high=high)),
        delay=Delay(Normal(mean=delay, std=c.DELAY_CV * delay, low=dt / 2), rounding="nearest"),  # one step or more
        port="exc" if excitatory else "inh")


def microcircuit_start(network: sn.Network, *, key: jax.Array, dt: float = 0.1, batch: int = 1,
                       kind: str = "optimized") -> SimulationState:
    """The state in which the simulation begins: membrane potentials drawn from normal distributions.

    Args:
        network: of `microcircuit`.
        key: draws.
        dt: step (ms).
        batch: number of samples.
        kind: "optimized", one distribution a population, with a smaller burst at the beginning; "original".

    Raises:
        ConfigurationError: another kind.
    """
    if kind not in c.START_MEAN:
        raise ConfigurationError(got=f"kind = {kind!r}", expected=f"one of {', '.join(c.START_MEAN)}",
                                 where="microcircuit_start", fix="choose one of these")
    drawn = {name: {"v": Normal(mean, std)}
             for name, mean, std in zip(c.POPULATIONS, c.START_MEAN[kind], c.START_STD[kind], strict=True)}
    return started(network, drawn, key=key, dt=dt, batch=batch)
