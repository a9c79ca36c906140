"""Brunel's network: from regular to irregular, from synchronous to asynchronous by two parameters."""

from __future__ import annotations

import jax

import snnsim as sn
from snnsim.core.errors import ConfigurationError
from snnsim.core.neuron import AbstractNeuron
from snnsim.models.cortex import brunel_constants as c
from snnsim.models.cortex.mean_field import siegert, stationary
from snnsim.neurons import PoissonGenerator
from snnsim.synapses import FixedInDegree

SYNAPSES = ("delta", "exponential")


def brunel(order: int = c.ORDER, *, g: float = 5.0, eta: float = 2.0, j: float = c.J, synapses: str = "delta",
           key: jax.Array) -> sn.Network:
    """Sparsely connected excitatory and inhibitory neurons under Poisson input (Brunel 2000, model A).

    Each neuron receives 0.4 order excitatory and 0.1 order inhibitory synapses from different neurons, and one Poisson
    train for all its external inputs, as many as excitatory ones; trains have no delay, which changes nothing but the
    first 1.5 ms. States of the paper's figure 8 at order 2500: synchronous regular (g = 3, eta = 2), fast oscillation
    (g = 6, eta = 4), asynchronous irregular (g = 5, eta = 2), slow oscillation (g = 4.5, eta = 0.9).

    Args:
        order: number of inhibitory neurons, a multiple of 10; there are four times as many excitatory ones.
        g: inhibitory weight, relative to the excitatory one.
        eta: external rate, relative to the one that brings the membrane to threshold in the mean.
        j: step of the membrane at an excitatory spike (mV); of smaller networks it should grow by 1 / sqrt(order).
        synapses: "delta", or "exponential" with currents of 0.5 ms and the same area under the potential.
        key: draws the synapses.

    Returns:
        A network of "excitatory" and "inhibitory" and their inputs ``external_...``; it begins at rest.

    Raises:
        ConfigurationError: an order that is no multiple of 10, negative g or eta, unknown synapses.

    References:
        Brunel 2000, J. Comput. Neurosci. 8:183.
    """
    if order < 10 or order % 10 or not (g >= 0 and eta >= 0 and j > 0) or synapses not in SYNAPSES:
        raise ConfigurationError(
            got=f"order = {order}, g = {g}, eta = {eta}, j = {j} mV, synapses = {synapses!r}", where="brunel",
            expected=f"a multiple of 10, g and eta of 0 or more, j above 0, one of {', '.join(SYNAPSES)}",
            fix="correct the value")
    sizes = {"excitatory": 4 * order, "inhibitory": order}
    inputs = {name: round(c.CONNECTIVITY * size) for name, size in sizes.items()}
    if synapses == "delta":
        ports, unit, mode = {"excitatory": "in", "inhibitory": "in"}, j, "discard"
    else:  # the potential's area w tau_syn tau_mem / c_m is that of a step of J, J tau_mem
        ports, unit, mode = {"excitatory": "exc", "inhibitory": "inh"}, j * c.C_M / c.TAU_SYN, "clamp"
    weights = {"excitatory": unit, "inhibitory": -g * unit}
    populations: dict = {}
    projections = []
    for post, size in sizes.items():
        source = f"external_{post}"
        populations[source] = PoissonGenerator(size, external_rate(eta, j))
        populations[post] = sn.Refractory(_cell(size, synapses), t_ref=c.T_REF, mode=mode)
        projections.append(sn.Projection(source, post, sn.OneToOne(unit), port=ports["excitatory"]))
        projections += [sn.Projection(pre, post, sn.Sparse(FixedInDegree(inputs[pre], allow_self=pre != post),
                                                           weight=weights[pre]), delay=c.DELAY, port=ports[pre])
                        for pre in sizes]
    return sn.Network(populations, projections, key=key)


def external_rate(eta: float, j: float = c.J) -> float:
    """Spikes/s of all external inputs of a neuron together: eta V_TH / (j TAU_MEM), whatever their number."""
    return 1e3 * eta * c.V_TH / (j * c.TAU_MEM)


def brunel_rate(order: int = c.ORDER, *, g: float = 5.0, eta: float = 2.0, j: float = c.J) -> float:
    """Rate (spikes/s) of the stationary asynchronous state of delta synapses in the diffusion approximation.

    Args:
        order: number of inhibitory neurons.
        g: inhibitory weight, relative to the excitatory one.
        eta: external rate, relative to threshold.
        j: step of the membrane at an excitatory spike (mV).

    Returns:
        The rate at which neurons that receive inputs of this rate fire themselves; the lowest where there are several.

    References:
        Brunel 2000, section 3.1.
    """
    exc, inh = round(4 * c.CONNECTIVITY * order), round(c.CONNECTIVITY * order)
    tau, external = c.TAU_MEM * 1e-3, external_rate(eta, j)

    def response(rate: float) -> float:
        mean = j * tau * (external + rate * (exc - g * inh))
        variance = j**2 * tau * (external + rate * (exc + g**2 * inh))
        return siegert(mean, variance**0.5, tau_mem=c.TAU_MEM, t_ref=c.T_REF, v_th=c.V_TH, v_reset=c.V_RESET)

    return stationary(response, highest=1e3 / c.T_REF)


def _cell(size: int, synapses: str) -> AbstractNeuron:
    shared = dict(tau_mem=c.TAU_MEM, e_l=0.0, v_th=c.V_TH, v_reset=c.V_RESET, reset_mechanism="zero", spike_at=">=")
    if synapses == "delta":
        return sn.LIF(size, **shared)
    return sn.LIFPscExp(size, c_m=c.C_M, tau_exc=c.TAU_SYN, tau_inh=c.TAU_SYN, **shared)
