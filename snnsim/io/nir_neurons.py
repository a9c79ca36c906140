"""Neurons in both languages: what each NIR equation is with our parameters, and back.

NIR drives neurons with currents: a spike times its weight is a current for one step. In our terms that is the
port "current". Our port "in" is a jump of the membrane at the end of a step; under a given dt it is the current
``jump / gain`` with gain = r dt/tau (Euler) or r (1 - exp(-dt/tau)) (exact), so such neurons are written with the
resistance at which gain is 1. NIR's synaptic current obeys tau_syn dI/dt = -I + w_in S; an input of 1 during one
step adds w_in dt/tau_syn, which is the jump of our `CubaLIF`. Its "discrete" form is the same recurrence with
decays 1 - dt/tau, the membrane seeing the new current at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnsim.core.errors import ConfigurationError, UnsupportedError
from snnsim.core.neuron import AbstractNeuron
from snnsim.core.units import factor_to_ours
from snnsim.io.nir_schema import Node, node_error
from snnsim.neurons import IF, LI, LIF, CubaLIF

_CHOICES: dict[str, tuple[str, ...]] = {
    "port": ("current", "in"), "method": ("exact", "euler", "discrete"),
                                        "reset_mechanism": ("zero", "subtract", "none"),
    "reset_timing": ("immediate", "delayed", "residual"), "spike_at": (">", ">="), "detach_reset": ("True", "False"),
}


class StepError(ConfigurationError):
    """No time step where one is needed, or one that is too long: the caller's choice, not the file's fault."""


def time_factor(unit: str) -> float:
    """Milliseconds in one time unit.

    Raises:
        ConfigurationError: no unit of time.
    """
    if unit not in ("s", "ms", "us"):
        raise ConfigurationError(got=f"time_unit = {unit!r}", expected="'s', 'ms' or 'us'", where="NIR",
                                 fix="name the unit of the time constants in the file")
    return factor_to_ours(unit)


@dataclass(frozen=True)
class Reading:
    """How NIR's numbers and equations are taken.

    Args:
        time: ms in one time unit of the file.
        dt: step (ms) or None.
        choices: what the caller chose; what is missing follows the file's notes, then NIR's own definition.
    """

    time: float
    dt: float | None
    choices: Mapping[str, str]

    def __post_init__(self):
        for name, value in self.choices.items():
            if value not in _CHOICES[name]:
                raise ConfigurationError(got=f"{name} = {value!r}", expected=f"one of {', '.join(_CHOICES[name])}",
                                         where="NIR", fix="choose one of these")
        if self.dt is not None and not (isinstance(self.dt, float | int) and 0 < self.dt < float("inf")):
            raise ConfigurationError(got=f"dt = {self.dt!r}", expected="a positive number of ms", where="NIR",
                                     fix="pass for example dt=1.0")

    def chosen(self, node: Node, name: str, default: str) -> str:
        """A choice for one node."""
        value = self.choices.get(name, node.notes.get(name, default))
        if not isinstance(value, str) or value not in _CHOICES[name]:
            raise node_error("NIR", node.name, f"the note {name} = {value!r:.40}",
                             f"one of {', '.join(_CHOICES[name])}")
        return value

    def step(self, what: str, why: str) -> float:
        """dt, where it cannot be done without.

        Raises:
            StepError: none was given.
        """
        if self.dt is None:
            raise StepError(got="no dt", expected=f"a time step: {why}", where=what,
                                     fix="pass dt= in ms, the step you simulate with")
        return float(self.dt)


# -- from NIR -------------------------------------------------------------------------------------


def neuron_of(node: Node, shape: tuple[int, ...], reading: Reading, where: str) -> tuple[AbstractNeuron, str]:
    """Our neuron for a NIR node, and the port at which its input arrives.

    Args:
        node: a checked node.
        shape: shape of the population.
        reading: units, step and choices.
        where: the file or graph, for messages.

    Raises:
        UnsupportedError: a primitive that we lack.
        ConfigurationError: a step is needed and none was given.
    """
    maker = _FROM.get(node.kind)
    if maker is None:
        raise UnsupportedError(got=f"NIR primitive {node.kind}", expected=f"one of {', '.join(_FROM)}",
                               where=f"{where}, node {node.name!r}", fix="replace this node by one of these")
    return maker(node, shape, reading)


def _spiking(node: Node, reading: Reading) -> dict[str, Any]:
    threshold = node.fields["v_threshold"]
    return dict(v_th=threshold, v_reset=node.fields.get("v_reset", np.zeros_like(threshold)),
                reset_mechanism=reading.chosen(node, "reset_mechanism", "zero"),
                reset_timing=reading.chosen(node, "reset_timing", "immediate"),
                spike_at=reading.chosen(node, "spike_at", ">"),
                detach_reset=reading.chosen(node, "detach_reset", "True") == "True")


def _method(node: Node, reading: Reading) -> str:
    """Without a synaptic current the discrete recurrence is Euler's."""
    method = reading.chosen(node, "method", "exact")
    return "euler" if method == "discrete" else method


def _leak(node: Node, reading: Reading, port: str) -> dict[str, Any]:
    # A jump does not pass through the resistance, which then only says what to_nir wrote.
    r = 1.0 if port == "in" else node.fields["r"]
    return dict(tau_mem=node.fields["tau"] * reading.time, e_l=node.fields["v_leak"], r_m=r,
                method=_method(node, reading))


def _lif(node: Node, shape: tuple[int, ...], reading: Reading) -> tuple[AbstractNeuron, str]:
    port = reading.chosen(node, "port", "current")
    return LIF(shape, **_leak(node, reading, port), **_spiking(node, reading)), port


def _li(node: Node, shape: tuple[int, ...], reading: Reading) -> tuple[AbstractNeuron, str]:
    port = reading.chosen(node, "port", "current")
    return LI(shape, **_leak(node, reading, port)), port


def _if(node: Node, shape: tuple[int, ...], reading: Reading) -> tuple[AbstractNeuron, str]:
    port = reading.chosen(node, "port", "current")
    slope = 1.0 if port == "in" else node.fields["r"] / reading.time
    return IF(shape, r=slope, **_spiking(node, reading)), port


def _cubalif(node: Node, shape: tuple[int, ...], reading: Reading) -> tuple[AbstractNeuron, str]:
    dt = reading.step(f"node {node.name!r}", "an input of 1 during one step adds w_in dt / tau_syn to NIR's current")
    tau_mem, tau_syn = (node.fields[name] * reading.time for name in ("tau_mem", "tau_syn"))
    r, w_in = node.fields["r"], node.fields.get("w_in", 1.0) * dt / tau_syn
    method = reading.chosen(node, "method", "exact")
    if method == "discrete":
        if min(np.min(tau_mem), np.min(tau_syn)) <= dt:
            raise StepError(got=f"dt = {dt:g} ms", where=f"node {node.name!r}",
                            fix="choose a smaller dt or method='exact'",
                                     expected="a step shorter than the time constants, for decays 1 - dt / tau above 0")
        r = r * dt / tau_mem
        tau_mem, tau_syn = (-dt / np.log1p(-dt / tau) for tau in (tau_mem, tau_syn))
    return CubaLIF(shape, tau_mem=tau_mem, tau_syn=tau_syn, e_l=node.fields["v_leak"], r_m=r, w_in=w_in, method=method,
                   **_spiking(node, reading)), "in"


_FROM: dict[str, Callable[[Node, tuple[int, ...], Reading], tuple[AbstractNeuron, str]]] = {
    "LIF": _lif, "LI": _li, "IF": _if, "CubaLIF": _cubalif}


# -- to NIR ---------------------------------------------------------------------------------------


def node_of(name: str, neuron: Any, port: str, reading: Reading) -> Any:
    """The `nir` node of one of our neurons.

    Args:
        name: of the population, for messages.
        neuron: the population.
        port: where its input arrives, "current" or "in".
        reading: time unit and step.

    Raises:
        UnsupportedError: a neuron that NIR cannot express.
        ConfigurationError: a jump and no step to express it with.
    """
    import nir

    where = f"population {name!r}"
    if type(neuron) not in (LIF, LI, IF, CubaLIF):
        raise UnsupportedError(got=f"neuron {type(neuron).__name__}", expected="LIF, LI, IF or CubaLIF", where=where,
                               fix="save the network with snnsim.io.save, or use one of these neurons")
    if np.any(np.asarray(getattr(neuron, "i_e", 0.0))):
        raise UnsupportedError(got="a constant current i_e", expected="i_e = 0", where=where,
                               fix="give the current as bias of a Dense projection onto port 'current'")

    def full(value: Any) -> np.ndarray:
        return np.broadcast_to(np.asarray(value, np.float64), neuron.shape).copy()

    notes = {field: str(getattr(neuron, field)) for field in _CHOICES if hasattr(neuron, field)} | {"port": port}
    given = dict(metadata={"snnsim": notes})
    if not isinstance(neuron, LI):
        given |= dict(v_threshold=full(neuron.v_th), v_reset=full(neuron.v_reset))  # type: ignore[dict-item]
    if isinstance(neuron, IF):
        r = full(reading.time * neuron.r) if port == "current" else full(reading.time / _jump_step(where, reading))
        return nir.IF(r=r, **given)
    given["v_leak"] = full(neuron.e_l)  # type: ignore[assignment]
    tau, r = full(neuron.tau_mem), full(neuron.r_m)
    if isinstance(neuron, LIF | LI):
        if port == "in":
            passed = _jump_step(where, reading) / tau
            r = 1.0 / (passed if neuron.method == "euler" else -np.expm1(-passed))
        return (nir.LI if isinstance(neuron, LI) else nir.LIF)(tau=tau / reading.time, r=r, **given)
    return _cubalif_node(neuron, port, full, given, reading, where)


def _jump_step(where: str, reading: Reading) -> float:
    return reading.step(where, "NIR knows currents only, and a jump at port 'in' is a current during one step")


def _cubalif_node(neuron: CubaLIF, port: str, full: Callable[[Any], np.ndarray], given: dict[str, Any],
                  reading: Reading, where: str) -> Any:
    import nir

    if port == "current":
        raise UnsupportedError(got="a projection onto port 'current' of a CubaLIF", expected="port 'in'", where=where,
                               fix="NIR's CubaLIF receives through its synaptic current only")
    dt, r = _jump_step(where, reading), full(neuron.r_m)
    tau_mem, tau_syn = full(neuron.tau_mem), full(neuron.tau_syn)
    if neuron.method == "discrete":
        tau_mem, tau_syn = (dt / -np.expm1(-dt / tau) for tau in (tau_mem, tau_syn))
        r = r * tau_mem / dt
    return nir.CubaLIF(tau_mem=tau_mem / reading.time, tau_syn=tau_syn / reading.time, r=r,
                       w_in=full(neuron.w_in) * tau_syn / dt, **given)
