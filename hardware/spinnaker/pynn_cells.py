"""Populations as PyNN cells: which of ours a cell of SpiNNaker is, with which numbers, and why another is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnsim.core.errors import UnsupportedError
from snnsim.core.neuron import AbstractNeuron
from snnsim.neurons import LI, LIF, CubaLIF, LIFCondExp, LIFPscExp, PoissonGenerator, Refractory

Numbers = dict[str, np.ndarray]
SPINNAKER = "pyNN.spiNNaker"
NEVER = 60_000.0  # mV, a threshold that SpiNNaker's numbers (16 bits before the point) hold and nothing reaches
EXCITATORY, INHIBITORY = "excitatory", "inhibitory"
# What PyNN on SpiNNaker has no cell for, and why.
NONE = {
    "IF": "every cell leaks", "ALIF": "there is no adaptive threshold of this kind",
    "Izhikevich": "its Izhikevich cell has currents that decay, ours has spikes that step the membrane",
    "AdEx": "there is no exponential cell", "AdExCondExp": "there is no exponential cell",
    "AdExCondAlpha": "there is no exponential cell", "Noisy": "there is no noise on the membrane",
    "LIFPscAlpha": "its alpha currents keep one time course for all spikes, which ours add up",
    "LIFCondAlpha": "there are no alpha conductances",
    "DCGenerator": "currents are sources of PyNN's own; set i_e of the neurons",
}


@dataclass(frozen=True, eq=False)
class Cell:
    """A population in PyNN's terms.

    Args:
        kind: name of the cell type.
        numbers: its parameters, each of one number or one a unit.
        start: membrane at the beginning; None where it has none.
        signed: whether inhibitory weights are negative (currents) or not (conductances).
        gain: what weights are multiplied with, one number or one a unit.
        ports: receptors by port; None takes the sign of each weight.
    """

    kind: str
    numbers: Numbers
    start: np.ndarray | None
    signed: bool
    gain: np.ndarray
    ports: dict[str, str | None]


def cell_of(name: str, neuron: AbstractNeuron, dt: float, simulator: str) -> Cell:
    """The cell that does what `neuron` does.

    Raises:
        UnsupportedError: a neuron that PyNN on SpiNNaker does not have, with the reason.
    """
    inside, t_ref = (neuron.neuron, neuron.t_ref) if isinstance(neuron, Refractory) else (neuron, np.zeros(()))
    make = _CELLS.get(type(inside))
    if make is None:
        kind = type(inside).__name__
        raise _refusal(name, kind, NONE.get(kind, "there is no cell that does the same"))
    if isinstance(neuron, Refractory):
        allowed = ("clamp", "discard") if isinstance(inside, LIF) else ("clamp",)
        if neuron.mode not in allowed:
            raise _refusal(name, f"Refractory(mode={neuron.mode!r})", "while refractory the membrane is held, and "
                           "currents go on")
    if getattr(inside, "reset_mechanism", "zero") != "zero":
        raise _refusal(name, f"{type(inside).__name__}(reset_mechanism={inside.reset_mechanism!r})",  # type: ignore
                       "every spike resets the membrane to v_reset")
    if getattr(inside, "method", "exact") not in ("exact", "exponential_euler", "rk4"):
        raise _refusal(name, f"{type(inside).__name__}(method={inside.method!r})",  # type: ignore[attr-defined]
                       "its cells are integrated exactly")
    if getattr(inside, "reset_timing", "immediate") != "immediate":
        raise _refusal(name, f"{type(inside).__name__}(reset_timing={inside.reset_timing!r})",  # type: ignore
                       "a spike resets the membrane at once")
    return make(inside, np.asarray(t_ref, np.float64), dt, simulator)


def shortest(values: Any) -> np.ndarray:
    """Numbers as float64 with the digits that single precision has: 0.1 stays 0.1."""
    array = np.asarray(values)
    if array.dtype == np.float64:
        return array
    return np.array([float(str(value)) for value in array.reshape(-1)], np.float64).reshape(array.shape)


def _refusal(name: str, got: str, why: str) -> UnsupportedError:
    return UnsupportedError(got=f"population {name!r} of {got}", where="PyNN script",
                            expected=f"a cell of PyNN on SpiNNaker: {', '.join(sorted(k.__name__ for k in _CELLS))}",
                            fix=f"use one of these: {why}")


def _leaky(neuron: Any, c_m: np.ndarray, tau_m: np.ndarray, t_ref: np.ndarray) -> Numbers:
    return {"cm": c_m, "tau_m": tau_m, "tau_refrac": t_ref, "v_rest": shortest(neuron.e_l),
            "v_reset": shortest(neuron.v_reset), "v_thresh": shortest(neuron.v_th),
            "i_offset": shortest(getattr(neuron, "i_e", np.zeros(())))}


def _curr_exp(neuron: LIFPscExp, t_ref: np.ndarray, dt: float, simulator: str) -> Cell:
    numbers = _leaky(neuron, shortest(neuron.c_m), shortest(neuron.tau_mem), t_ref)
    numbers |= {"tau_syn_E": shortest(neuron.tau_exc), "tau_syn_I": shortest(neuron.tau_inh)}
    return Cell("IF_curr_exp", numbers, numbers["v_rest"], True, np.ones(()), {"exc": EXCITATORY, "inh": INHIBITORY})


def _cuba(neuron: CubaLIF, t_ref: np.ndarray, dt: float, simulator: str) -> Cell:
    tau, syn = shortest(neuron.tau_mem), shortest(neuron.tau_syn)
    numbers = _leaky(neuron, tau / shortest(neuron.r_m), tau, t_ref) | {"tau_syn_E": syn, "tau_syn_I": syn}
    return Cell("IF_curr_exp", numbers, numbers["v_rest"], True, shortest(neuron.w_in), {"in": None})


def _cond_exp(neuron: LIFCondExp, t_ref: np.ndarray, dt: float, simulator: str) -> Cell:
    c_m = shortest(neuron.c_m)
    numbers = _leaky(neuron, c_m, c_m / shortest(neuron.g_l), t_ref)
    numbers |= {"tau_syn_E": shortest(neuron.tau_exc), "tau_syn_I": shortest(neuron.tau_inh),
                "e_rev_E": shortest(neuron.e_exc), "e_rev_I": shortest(neuron.e_inh)}
    return Cell("IF_cond_exp", numbers, numbers["v_rest"], False, np.ones(()), {"exc": EXCITATORY, "inh": INHIBITORY})


def _delta(neuron: Any, t_ref: np.ndarray, dt: float, simulator: str) -> Cell:
    """Spikes that step the membrane. sPyNNaker spreads w over the step as the current w / dt, PyNN steps v by w."""
    tau, r_m = shortest(neuron.tau_mem), shortest(neuron.r_m)
    numbers = {"cm": tau / r_m, "tau_m": tau, "tau_refrac": t_ref, "v_rest": shortest(neuron.e_l),
               "v_reset": shortest(getattr(neuron, "v_reset", neuron.e_l)),
               "v_thresh": shortest(getattr(neuron, "v_th", NEVER)),
               "i_offset": shortest(getattr(neuron, "i_e", np.zeros(())))}
    gain = dt / (r_m * -np.expm1(-dt / tau)) if simulator == SPINNAKER else np.ones(())
    return Cell("IF_curr_delta", numbers, numbers["v_rest"], True, gain, {"in": None})


def _poisson(neuron: PoissonGenerator, t_ref: np.ndarray, dt: float, simulator: str) -> Cell:
    numbers = {"rate": shortest(neuron.rate), "start": np.array(neuron.start)}
    if neuron.stop < float("inf"):
        numbers["duration"] = np.array(neuron.stop - neuron.start)
    return Cell("SpikeSourcePoisson", numbers, None, True, np.ones(()), {})


_CELLS: dict[type, Callable[..., Cell]] = {
    LIFPscExp: _curr_exp, CubaLIF: _cuba, LIFCondExp: _cond_exp, LIF: _delta, LI: _delta, PoissonGenerator: _poisson}
