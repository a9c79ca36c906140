"""CUBA and COBA: self-sustained irregular activity in a random network of excitatory and inhibitory neurons."""

from __future__ import annotations

import jax

import snnsim as sn
from snnsim.core.errors import ConfigurationError
from snnsim.core.neuron import AbstractNeuron
from snnsim.core.state import SimulationState
from snnsim.models.cortex import vogels_abbott_constants as c
from snnsim.models.cortex.start import started
from snnsim.synapses import Delay, FixedProbability, Normal, Uniform


def cuba(neurons: int = c.NEURONS, *, key: jax.Array) -> sn.Network:
    """Current-based synapses (benchmark 2 of Brette et al. 2007).

    Four fifths of the neurons excite; each pair is joined with probability 80 / neurons. Neurons rest above their
    threshold. Weights are those of Brian2's example (1.62 and -9 mV on r_m i); NEST's has stronger inhibition. A spike
    arrives at the end of the next step, 0.1 ms later than in Brian2's example, which has no delay.

    Args:
        neurons: number of neurons.
        key: draws the synapses.

    Returns:
        A network of "excitatory" and "inhibitory"; the state at the beginning is that of `cuba_start`.

    Raises:
        ConfigurationError: fewer neurons than a neuron has inputs.

    References:
        Vogels & Abbott 2005, J. Neurosci. 25:10786; Brette et al. 2007, J. Comput. Neurosci. 23:349.
    """
    def cells(size: int) -> AbstractNeuron:
        return sn.Refractory(sn.LIFPscExp(size, tau_mem=c.TAU_MEM, tau_exc=c.TAU_EXC, tau_inh=c.TAU_INH, c_m=c.C_M,
                                          e_l=c.CUBA_E_L, v_th=c.V_TH, v_reset=c.V_RESET), t_ref=c.T_REF)

    per_mv = c.C_M / c.TAU_MEM  # nA that move the membrane by 1 mV in the end
    return _balanced(neurons, cells, c.CUBA_EXC * per_mv, c.CUBA_INH * per_mv, key)


def coba(neurons: int = c.NEURONS, *, key: jax.Array) -> sn.Network:
    """Conductance-based synapses (benchmark 1 of Brette et al. 2007).

    The structure is that of `cuba`; neurons rest below their threshold, and the activity sustains itself once it has
    begun. Membranes are integrated by exponential Euler steps.

    Args:
        neurons: number of neurons.
        key: draws the synapses.

    Returns:
        A network of "excitatory" and "inhibitory"; the state at the beginning is that of `coba_start`. At rest it stays
        silent.

    Raises:
        ConfigurationError: fewer neurons than a neuron has inputs.

    References:
        Vogels & Abbott 2005, J. Neurosci. 25:10786; Brette et al. 2007, J. Comput. Neurosci. 23:349.
    """
    def cells(size: int) -> AbstractNeuron:
        return sn.Refractory(sn.neurons.LIFCondExp(
            size, c_m=c.C_M, g_l=c.C_M / c.TAU_MEM, e_l=c.COBA_E_L, v_th=c.V_TH, v_reset=c.V_RESET, tau_exc=c.TAU_EXC,
            tau_inh=c.TAU_INH, e_exc=c.COBA_E_EXC, e_inh=c.COBA_E_INH), t_ref=c.T_REF)

    return _balanced(neurons, cells, c.COBA_EXC, c.COBA_INH, key)


def _balanced(neurons: int, cells, excitation: float, inhibition: float, key: jax.Array) -> sn.Network:
    """Two populations joined at random; weights by source."""
    if neurons < c.INPUTS:
        raise ConfigurationError(got=f"{neurons} neurons", expected=f"{c.INPUTS} or more, each has {c.INPUTS} inputs",
                                 where="cuba or coba", fix="pass for example neurons=4000")
    excitatory = round(c.EXCITATORY_SHARE * neurons)
    sizes = {"excitatory": excitatory, "inhibitory": neurons - excitatory}
    sides = {"excitatory": ("exc", excitation), "inhibitory": ("inh", inhibition)}
    rule, delay = FixedProbability(c.INPUTS / neurons), Delay(c.DELAY, rounding="nearest")
    projections = [sn.Projection(pre, post, sn.Sparse(rule, weight=weight), delay=delay, port=port)
                   for pre, (port, weight) in sides.items() for post in sizes]
    return sn.Network({name: cells(size) for name, size in sizes.items()}, projections, key=key)


def cuba_start(network: sn.Network, *, key: jax.Array, dt: float = 0.1, batch: int = 1) -> SimulationState:
    """The state in which CUBA begins: membrane potentials uniform between reset and threshold.

    Args:
        network: of `cuba`.
        key: draws.
        dt: step (ms).
        batch: number of samples.
    """
    drawn = {"v": Uniform(low=c.V_RESET, high=c.V_TH)}
    return started(network, {name: drawn for name in network.populations}, key=key, dt=dt, batch=batch)


def coba_start(network: sn.Network, *, key: jax.Array, dt: float = 0.1, batch: int = 1) -> SimulationState:
    """The state in which COBA begins: membrane potentials and conductances normal, as in Brian2's example.

    A twentieth of the inhibitory conductances begin below 0, for 10 ms; drawn again instead, the first spikes are so
    few that the activity dies out for many seeds.

    Args:
        network: of `coba`.
        key: draws.
        dt: step (ms).
        batch: number of samples.
    """
    drawn = {"v": Normal(*c.COBA_START_V), "g_exc": Normal(*c.COBA_START_EXC), "g_inh": Normal(*c.COBA_START_INH)}
    return started(network, {name: drawn for name in network.populations}, key=key, dt=dt, batch=batch)
