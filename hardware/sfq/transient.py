"""`simulate`: what a circuit of Josephson junctions does over time (RCSJ model).

A junction carries I = I_c sin(phi) + V / R + C dV/dt with V = Phi_0 / 2 pi dphi/dt (resistively and capacitively
shunted junction); a branch has L dI/dt + sum M dI'/dt + R I = V; currents into each node add up to 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ConfigurationError, DivergenceError
from snnsim.core.fields import static
from snnsim.hardware.sfq.batches import double
from snnsim.hardware.sfq.circuit import Circuit, incidence
from snnsim.hardware.sfq.inverse import positive_inverse
from snnsim.hardware.sfq.pulses import Pulses
from snnsim.hardware.sfq.units import REDUCED_FLUX_QUANTUM

NEWTON_STEPS = 4


class CircuitState(NamedTuple):
    """Phases of junctions, voltages of nodes (mV), currents of branches (mA)."""

    phase: jax.Array
    voltage: jax.Array
    current: jax.Array


class Transient(eqx.Module):
    """What a circuit did. Arrays lead with time where it was recorded, and are the last state's otherwise.

    Args:
        time: ps, ``[steps + 1]``.
        phase: of each junction.
        voltage: of each node (mV).
        current: of each branch (mA).
        slips: how often each junction's phase advanced by 2 pi, int32.
        circuit: what was simulated.
        pulses: what was sent in.
        ramp: how long the bias took to rise (ps).
    """

    time: jax.Array
    phase: jax.Array
    voltage: jax.Array
    current: jax.Array
    slips: jax.Array
    circuit: Circuit
    pulses: tuple[Pulses, ...]
    ramp: float = static(doc="rise of the bias (ps)")


class Equations(NamedTuple):
    """The right-hand side of a circuit's equations, with its graph as matrices."""

    circuit: Circuit
    pulses: tuple[Pulses, ...]
    ramp: float
    over_junctions: np.ndarray
    over_branches: np.ndarray

    @classmethod
    def of(cls, circuit: Circuit, pulses: Sequence[Pulses], ramp: float) -> Equations:
        """Of a circuit with these pulses."""
        graphs = (incidence(ends, len(circuit.nodes)) for ends in (circuit.junction_ends, circuit.branch_ends))
        return cls(circuit, tuple(pulses), ramp, *(np.asarray(g, circuit.bias.dtype) for g in graphs))

    def bias(self, time: jax.Array) -> jax.Array:
        """Bias currents at `time` (mA), which rise linearly during the ramp."""
        return self.circuit.bias * (jnp.minimum(1.0, time / self.ramp) if self.ramp else 1.0)

    def sent(self, time: jax.Array, kind: str) -> jax.Array:
        """Sum of all pulses of one kind at each node (mA) or branch (mV)."""
        size = self.circuit.bias if kind == "current" else self.circuit.inductance
        total = jnp.zeros_like(size)
        for pulses in self.pulses:
            matrix = pulses.into(self.circuit, kind)
            if matrix is not None:
                total = total + pulses.levels(time) @ jnp.asarray(matrix, total.dtype)
        return total

    def into_nodes(self, state: CircuitState, time: jax.Array) -> jax.Array:
        """Current that is left at each node to charge capacitances (mA)."""
        c = self.circuit
        through = c.critical_current * jnp.sin(state.phase) + self.over_junctions @ state.voltage / c.resistance
        leaving = through @ self.over_junctions + state.current @ self.over_branches
        return self.bias(time) + self.sent(time, "current") - leaving

    def along_branches(self, state: CircuitState, time: jax.Array) -> jax.Array:
        """Voltage that is left in each branch to change currents (mV)."""
        c = self.circuit
        return self.over_branches @ state.voltage + self.sent(time, "voltage") - c.series_resistance * state.current

    def phase_rate(self, state: CircuitState) -> jax.Array:
        """Rate of each junction's phase (1/ps)."""
        return self.over_junctions @ state.voltage / REDUCED_FLUX_QUANTUM

    def node_capacitance(self) -> jax.Array:
        """Capacitance matrix of the nodes (pF)."""
        return self.over_junctions.T @ (self.circuit.capacitance[:, None] * self.over_junctions)

    def charged(self) -> np.ndarray:
        """Whether each node has a junction, whose capacitance keeps its voltage."""
        return np.abs(self.over_junctions).sum(0) > 0


def _runge_kutta(equations: Equations, step: float):
    capacitance = positive_inverse(equations.node_capacitance())
    inductance = positive_inverse(equations.circuit.inductance_matrix())

    def rate(state: CircuitState, time: jax.Array) -> CircuitState:
        return CircuitState(
            equations.phase_rate(state),
            capacitance @ equations.into_nodes(state, time),
            inductance @ equations.along_branches(state, time),
        )

    def advance(state: CircuitState, time: jax.Array) -> CircuitState:
        def moved(slope: CircuitState, part: float) -> CircuitState:
            return jax.tree.map(lambda x, dx: x + part * step * dx, state, slope)

        a = rate(state, time)
        b = rate(moved(a, 0.5), time + step / 2)
        c = rate(moved(b, 0.5), time + step / 2)
        d = rate(moved(c, 1.0), time + step)
        return jax.tree.map(lambda x, *k: x + step / 6 * (k[0] + 2 * k[1] + 2 * k[2] + k[3]), state, a, b, c, d)

    return advance


def _midpoint(equations: Equations, step: float):
    """Implicit midpoint rule: stable however stiff, and fit for nodes without a capacitance."""
    charge = 2.0 / step * equations.node_capacitance()
    flux = 2.0 / step * equations.circuit.inductance_matrix()
    impedance = positive_inverse(flux + jnp.diag(equations.circuit.series_resistance))
    charged = equations.charged()

    def advance(state: CircuitState, time: jax.Array) -> CircuitState:
        middle = time + step / 2

        def between(voltage: jax.Array) -> CircuitState:
            driven = equations.over_branches @ voltage + equations.sent(middle, "voltage")
            half = CircuitState(state.phase, voltage, impedance @ (flux @ state.current + driven))
            return half._replace(phase=state.phase + step / 2 * equations.phase_rate(half))

        def residual(voltage: jax.Array) -> jax.Array:
            return charge @ (voltage - state.voltage) - equations.into_nodes(between(voltage), middle)

        voltage = state.voltage
        for _ in range(NEWTON_STEPS):
            voltage = voltage - positive_inverse(jax.jacfwd(residual)(voltage)) @ residual(voltage)
        half = between(voltage)
        return CircuitState(
            2 * half.phase - state.phase,
            jnp.where(charged, 2 * voltage - state.voltage, voltage),
            2 * half.current - state.current,
        )

    return advance


METHODS = {"rk4": _runge_kutta, "midpoint": _midpoint}


def slips_of(phase: jax.Array) -> jax.Array:
    """How often 2 pi has been passed: a slip is complete where the phase reaches pi, 3 pi, 5 pi, ..."""
    return jnp.floor((phase + jnp.pi) / (2 * jnp.pi)).astype(jnp.int32)


@partial(jax.jit, static_argnames=("steps", "step", "method", "ramp", "record"))
def transient(
    circuit: Circuit, pulses: tuple[Pulses, ...], *, steps: int, step: float, method: str, ramp: float, record: bool
) -> Transient:
    """`simulate` without checks, to be mapped and differentiated.

    Args:
        circuit: circuit.
        pulses: pulses.
        steps: number of steps.
        step: ps.
        method: a key of `METHODS`.
        ramp: ps.
        record: whether every step is kept.
    """
    equations = Equations.of(circuit, pulses, ramp)
    advance = METHODS[method](equations, step)
    dtype = circuit.bias.dtype
    sizes = map(len, (circuit.junctions, circuit.nodes, circuit.branches))
    rest = CircuitState(*(jnp.zeros(size, dtype) for size in sizes))

    def one(carry, k):
        state, slips = carry
        after = advance(state, k.astype(dtype) * step)
        slips = jnp.maximum(slips, slips_of(jax.lax.stop_gradient(after.phase)))
        return (after, slips), after if record else None

    (last, slips), course = jax.lax.scan(one, (rest, jnp.zeros(len(circuit.junctions), jnp.int32)), jnp.arange(steps))
    if record:
        shown = jax.tree.map(lambda first, later: jnp.concatenate([first[None], later]), rest, course)
    else:
        shown = last
    return Transient(jnp.arange(steps + 1).astype(dtype) * step, *shown, slips, circuit, pulses, ramp)


def simulate(
    circuit: Circuit,
    pulses: Pulses | Sequence[Pulses] = (),
    *,
    duration: float,
    step: float = 0.05,
    method: str = "rk4",
    ramp: float = 25.0,
    record: bool = True,
) -> Transient:
    """Simulate a circuit from rest, in double precision.

    Args:
        circuit: circuit.
        pulses: what is sent in.
        duration: ps.
        step: ps; 0.05 to 0.1 resolves the pulses of junctions of 0.1 mA.
        method: "rk4" (order 4; every node needs a junction) or "midpoint" (implicit, order 2, always stable).
        ramp: time in which bias currents rise from 0 (ps); 0 switches them on at once.
        record: keep every step; else the last state and the counts only.

    Raises:
        ConfigurationError: a duration that is no multiple of the step, an unknown method, a pulse into what is not
            there, or a node without a junction with "rk4".
        DivergenceError: the step is too long.

    Example:
        >>> from snnsim.hardware.sfq.parts import line
        >>> from snnsim.hardware.sfq.pulses import current_pulses
        >>> simulate(line(3), current_pulses(["j0"], start=40.0), duration=80.0).slips.tolist()
        [1, 1, 1]
    """
    pulses = (pulses,) if isinstance(pulses, Pulses) else tuple(pulses)
    with jax.enable_x64(True):
        circuit, pulses = double(circuit), double(pulses)
        steps = checked_steps(circuit, pulses, duration, step, method, ramp)
        found = transient(circuit, pulses, steps=steps, step=step, method=method, ramp=ramp, record=record)
        refuse_diverged(found, step)
        return found


def checked_steps(
    circuit: Circuit, pulses: Sequence[Pulses], duration: float, step: float, method: str, ramp: float
) -> int:
    """Number of steps, after all checks that need no result. See `simulate` for arguments and errors."""
    ratio = duration / step if step > 0 else np.nan
    fine = np.isfinite(ratio) and ratio >= 1 and abs(ratio - round(ratio)) < 1e-6 * ratio
    if not fine or method not in METHODS or not 0 <= ramp < np.inf:
        raise ConfigurationError(
            got=f"duration = {duration}, step = {step}, method = {method!r}, ramp = {ramp}",
            expected=f"a positive multiple of the step, a ramp of at least 0, and a method of {', '.join(METHODS)}",
            where="simulate (circuit)",
            fix="correct the arguments; times are in ps",
        )
    for given in pulses:
        given.into(circuit, "current"), given.into(circuit, "voltage")
    charged = Equations.of(circuit, (), ramp).charged()
    bare = [name for name, there in zip(circuit.nodes, charged, strict=True) if not there]
    if method == "rk4" and bare:
        raise ConfigurationError(
            got=f"no junction at {', '.join(bare)}",
            expected="a junction at every node, whose capacitance keeps its voltage",
            where="simulate (circuit), method 'rk4'",
            fix="use method='midpoint'",
        )
    return round(ratio)


def refuse_diverged(found: Transient, step: float) -> None:
    """Raise where a result is not finite.

    Raises:
        DivergenceError: always then.
    """
    if not bool(jnp.isfinite(found.phase).all() & jnp.isfinite(found.voltage).all()):
        raise DivergenceError(
            got="phases or voltages that are not finite",
            expected="finite numbers",
            where="simulate (circuit)",
            fix=f"use a step below {step:g} ps, or method='midpoint'",
        )
