"""How a soma behaves, fitted to its circuit: a leaky neuron with an adaptive threshold, our `ALIF`.

Pulses through synapses of mutual inductances M_k that arrive at times t_k add up to a kick

    S(t) = sum_k M_k exp(-(t - t_k) / decay) - after_slip sum_slips exp(-(t - t_slip) / recovery),

and the soma slips where its bias I_b reaches

    I_b / I_c = free_bias - gain (S / 10 pH)^exponent.

A kick must hold long enough for the slip to complete: that is why the law is steeper than a line. Read the other way
round it says which bias makes a threshold, so that S is the membrane of an ALIF neuron whose weights are mutual
inductances, whose spike raises the threshold by `after_slip`, and whose membrane is not reset.
"""

from __future__ import annotations

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.surrogate import AbstractSurrogate
from snnsim.hardware.sfq.circuit import Circuit, Netlist
from snnsim.hardware.sfq.parts import Parts
from snnsim.hardware.sfq.pulses import Pulses, current_pulses
from snnsim.hardware.sfq.thresholds import thresholds
from snnsim.neurons import ALIF

KICK = 10.0  # pH, the unit of kicks in the fitted law


@dataclass(frozen=True)
class SomaModel:
    """The fitted law of a soma, see the head of this file.

    Args:
        free_bias: bias at which it fires without any pulse, in units of its critical current.
        gain: fall of that bias under a kick of 10 pH.
        exponent: of the law.
        decay: time constant of a kick (ps).
        after_slip: kick that a slip takes away (pH).
        recovery: time constant of that (ps).
        mean_error: root of the mean square of bias by law minus bias of the circuit, in units of the critical current.
        worst_error: the largest.
    """

    free_bias: float
    gain: float
    exponent: float
    decay: float
    after_slip: float
    recovery: float
    mean_error: float = np.nan
    worst_error: float = np.nan

    def bias(self, threshold: float | np.ndarray) -> np.ndarray:
        """Bias, in units of the critical current, that sets a threshold (pH)."""
        return np.asarray(self.free_bias - self.gain * (np.asarray(threshold, float) / KICK) ** self.exponent)

    def threshold(self, bias: float | np.ndarray) -> np.ndarray:
        """Threshold (pH) that a bias sets; nan where the soma fires by itself.

        Example:
            >>> round(float(SOMA.threshold(SOMA.bias(6.0))), 6)
            6.0
        """
        below = np.asarray(self.free_bias - np.asarray(bias, float))
        return KICK * np.where(below >= 0, np.abs(below) / self.gain, np.nan) ** (1.0 / self.exponent)

    def neuron(
        self,
        shape: int | tuple[int, ...],
        *,
        v_th: float = 1.0,
        weight_unit: float = 1.0,
        surrogate: AbstractSurrogate | None = None,
    ) -> ALIF:
        """Neurons that behave like somas; **one millisecond of the network is one picosecond of the circuit**.

        Args:
            shape: number of units, or shape.
            v_th: threshold, in units of the weights.
            weight_unit: mutual inductance of a weight of 1 (pH).
            surrogate: pseudo-derivative of the spike, for training.
        """
        given = {} if surrogate is None else {"surrogate": surrogate}
        return ALIF(
            shape,
            tau_mem=self.decay,
            tau_adapt=self.recovery,
            beta=self.after_slip / weight_unit,
            v_th=v_th,
            reset_mechanism="none",
            **given,
        )


SOMA = SomaModel(1.12246, 0.33246, 1.7181, 6.558, 15.60, 24.20, mean_error=0.0126, worst_error=0.0447)
"""The law of our parts, as `fit_soma` found it."""


def wired_soma(mutuals: list[float], parts: Parts) -> Circuit:
    """A soma with its output line and one input line a synapse, as designs have it; its bias is 0.

    Args:
        mutuals: of each synapse (pH).
        parts: values.
    """
    net = Netlist()
    loop, _ = parts.soma(net, "soma", 0.0)
    for k, mutual in enumerate(mutuals):
        parts.synapse(net, parts.line(net, f"line{k}_", parts.input_junctions), loop, mutual)
    return net.build()


def fit_soma(parts: Parts | None = None) -> SomaModel:
    """Fit the law to thresholds of the circuit: two synapses, alone, together, one after the other, and after a slip.

    Args:
        parts: values; by default ours, whose fit is `SOMA`.
    """
    parts = parts or Parts()
    most = 0.9 * np.sqrt(parts.synapse_inductance * parts.loop_inductance / 2)
    mutuals = np.linspace(most / 3, most, 6)
    later = (2.0, 4.0, 8.0, 12.0, 16.0, 24.0)
    again = (16.0, 20.0, 24.0, 30.0, 40.0, 60.0)
    # (mutual inductance, second pulse after ps or None, both once more after ps or None)
    cases = [(m, after, None) for m in mutuals for after in (None, 0.0)]
    cases += [(m, after, None) for m in mutuals[2:] for after in later]
    repeated = [(m, 0.0, after) for m in mutuals[3:] for after in again]
    with jax.enable_x64(True):
        free = _measured([(mutuals[-1], -1.0, None)], parts, 1)[0]
        measured = np.concatenate([_measured(cases, parts, 1), _measured(repeated, parts, 2)])
        kick, second, third = (
            np.array([np.nan if x is None else x for x in column]) for column in zip(*cases, *repeated, strict=True)
        )
        fine = np.isfinite(measured)

        def law(p: jax.Array) -> jax.Array:
            first = jnp.where(np.isnan(third), 0.0, jnp.exp(-np.nan_to_num(third) / p[4]))
            both = jnp.where(np.isnan(second), 0.0, jnp.exp(-np.nan_to_num(second) / p[2]))
            total = kick * (1.0 + both) - p[3] * first
            # Below 0 there is no threshold; such cases do not fire and are not among those measured.
            return free - p[0] * jnp.maximum(total / KICK, 1e-3) ** p[1]

        values = _least_squares(lambda p: (law(p) - measured)[fine], np.array([0.3, 1.7, 7.0, 15.0, 25.0]))
        error = np.asarray(law(values) - measured)[fine]
    return SomaModel(
        float(free), *(float(x) for x in values), float(np.sqrt((error**2).mean())), float(np.abs(error).max())
    )


def _measured(cases: list[tuple], parts: Parts, slips: int) -> np.ndarray:
    """Thresholds of cases (mutual, second after or None or -1 for no pulse at all, both again after or None)."""
    lines = [f"line{k}_0" for k in (0, 1)] * 2
    circuits = [wired_soma([float(m), float(m)], parts) for m, _, _ in cases]

    def pulses(second: float | None, third: float | None) -> Pulses:
        on = [second != -1.0, second is not None and second >= 0, third is not None, third is not None]
        begin = 100.0 + np.array([0.0, second or 0.0, third or 0.0, (second or 0.0) + (third or 0.0)])
        made = current_pulses(lines, begin)
        return eqx.tree_at(lambda p: p.peak, made, made.peak * jnp.asarray(on, made.peak.dtype))

    return thresholds(circuits, [pulses(*case[1:]) for case in cases], "soma", slips=slips, high=1.4, duration=260.0)


def _least_squares(residual, start: np.ndarray, steps: int = 60) -> np.ndarray:
    """Levenberg-Marquardt: the parameters, all positive, whose residuals have the smallest square."""
    value, damping = jnp.asarray(start), 1e-2
    slope = jax.jit(jax.jacfwd(residual))
    square = jax.jit(lambda p: (residual(p) ** 2).sum())
    for _ in range(steps):
        jacobian, here = slope(value), residual(value)
        normal = jacobian.T @ jacobian
        change = jnp.linalg.solve(normal + damping * jnp.diag(jnp.diag(normal)), jacobian.T @ here)
        after = jnp.maximum(value - change, 0.1 * value)
        better = bool(square(after) < square(value))
        value, damping = (after, damping / 3) if better else (value, damping * 4)
    if not np.isfinite(value).all():
        raise ConfigurationError(
            got="no fit",
            expected="a soma that fires on pulses",
            where="fit_soma",
            fix="correct the values of the parts",
        )
    return np.asarray(value)
