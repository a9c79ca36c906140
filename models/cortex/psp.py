"""The synaptic current that makes a postsynaptic potential of a given size."""

from __future__ import annotations


def current_of_psp(psp: float, *, tau_mem: float, tau_syn: float, c_m: float) -> float:
    """Weight (nA) of an exponential current whose potential peaks at `psp`.

    The potential is w a (exp(-t / tau_mem) - exp(-t / tau_syn)) with a = tau_mem tau_syn / (c_m (tau_mem - tau_syn)).
    It peaks at t = log(tau_mem / tau_syn) tau_mem tau_syn / (tau_mem - tau_syn).

    Args:
        psp: height of the peak (mV).
        tau_mem: membrane time constant (ms).
        tau_syn: time constant of the current (ms), another one.
        c_m: membrane capacitance (nF).

    Example:
        >>> round(current_of_psp(0.15, tau_mem=10.0, tau_syn=0.5, c_m=0.25), 5)
        0.08781

    References:
        Hanuschkin et al. 2010, Front. Neuroinform. 4:113, eq. 5.
    """
    ratio = tau_mem / tau_syn
    amplitude = tau_mem * tau_syn / (c_m * (tau_mem - tau_syn))
    peak = ratio ** (-tau_syn / (tau_mem - tau_syn)) - ratio ** (-tau_mem / (tau_mem - tau_syn))
    return psp / (amplitude * peak)
