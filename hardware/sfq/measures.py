"""What is read from a transient: slips and their times, pulse areas, and where the energy went."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.hardware.sfq.transient import Equations, Transient
from snnsim.hardware.sfq.units import REDUCED_FLUX_QUANTUM


class Energies(NamedTuple):
    """Energy over a whole transient (aJ), each a number.

    Args:
        bias: work of the bias currents.
        input: work of the pulses.
        shunts: heat in the junctions' resistances.
        resistors: heat in the branches' resistances.
        stored: in capacitances, inductances and junctions at the end (at rest: 0).
    """

    bias: jax.Array
    input: jax.Array
    shunts: jax.Array
    resistors: jax.Array
    stored: jax.Array


def _recorded(found: Transient) -> Transient:
    if found.phase.ndim != 2:
        raise ConfigurationError(
            got=f"arrays of {found.phase.ndim} axes",
            expected="one transient with record=True",
            where="measures",
            fix="simulate with record=True, one circuit at a time",
        )
    return found


def slip_times(found: Transient, junction: str) -> np.ndarray:
    """Times (ps) at which a junction's phase reaches pi, 3 pi, 5 pi, ..., interpolated within a step.

    Args:
        found: recorded transient.
        junction: its name.
    """
    found = _recorded(found)
    phase = np.asarray(found.phase[:, found.circuit.junction(junction)])
    highest = np.maximum.accumulate(phase)
    levels = np.pi * (2 * np.arange(int(found.slips[found.circuit.junction(junction)])) + 1)
    after = np.searchsorted(highest, levels)
    time = np.asarray(found.time)
    share = (levels - phase[after - 1]) / (phase[after] - phase[after - 1])
    return time[after - 1] + share * (time[after] - time[after - 1])


def junction_voltage(found: Transient) -> jax.Array:
    """Voltage across each junction (mV), ``[steps + 1, junctions]``."""
    found = _recorded(found)
    return found.voltage @ Equations.of(found.circuit, (), found.ramp).over_junctions.T


def integral(found: Transient, values: jax.Array, since: float = 0.0) -> jax.Array:
    """Integral over time from `since` (ps) on, by the trapezoidal rule."""
    weight = jnp.where(found.time >= since - 1e-9, 1.0, 0.0).astype(values.dtype)
    weight = weight.reshape(-1, *(1,) * (values.ndim - 1))
    pair = 0.5 * (values[1:] + values[:-1]) * weight[:-1]
    return pair.sum(0) * (found.time[1] - found.time[0])


def pulse_areas(found: Transient, since: float = 0.0) -> jax.Array:
    """Integral of each junction's voltage (mV ps); a slip adds the flux quantum.

    Args:
        found: recorded transient.
        since: where the integral begins (ps), after the bias has settled.
    """
    return integral(found, junction_voltage(found), since)


def energies(found: Transient, since: float = 0.0) -> Energies:
    """Where the energy went, from `since` (ps) on (aJ). The first two together are the last three.

    Args:
        found: recorded transient.
        since: where the integrals begin (ps), at rest.
    """
    found = _recorded(found)
    c, equations = found.circuit, Equations.of(found.circuit, found.pulses, found.ramp)
    across = junction_voltage(found)
    bias, into_nodes, in_branches = (
        jax.vmap(function)(found.time)
        for function in (
            equations.bias,
            lambda t: equations.sent(t, "current"),
            lambda t: equations.sent(t, "voltage"),
        )
    )
    sent = (into_nodes * found.voltage).sum(1) + (in_branches * found.current).sum(1)
    first = int(jnp.searchsorted(found.time, since - 1e-9))
    return Energies(
        integral(found, (bias * found.voltage).sum(1), since),
        integral(found, sent, since),
        integral(found, (across**2 / c.resistance[None]).sum(1), since),
        integral(found, (c.series_resistance[None] * found.current**2).sum(1), since),
        _stored(found, -1) - _stored(found, first),
    )


def shunt_heat(found: Transient, since: float = 0.0) -> jax.Array:
    """Heat in the resistance of each junction (aJ).

    Args:
        found: recorded transient.
        since: where the integral begins (ps).
    """
    return integral(found, junction_voltage(found) ** 2 / found.circuit.resistance[None], since)


def _stored(found: Transient, k: int) -> jax.Array:
    c = found.circuit
    across, current = junction_voltage(found)[k], found.current[k]
    coils = current @ c.inductance_matrix() @ current / 2
    junctions = REDUCED_FLUX_QUANTUM * c.critical_current * (1 - jnp.cos(found.phase[k]))
    return (c.capacitance * across**2).sum() / 2 + coils + junctions.sum()
