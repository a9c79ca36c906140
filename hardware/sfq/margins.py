"""How far the values of a design may be off, one kind of value at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.hardware.sfq.batches import double
from snnsim.hardware.sfq.circuit import Circuit
from snnsim.hardware.sfq.design import Design
from snnsim.hardware.sfq.judges import Judge


def groups(design: Design) -> dict[str, tuple[str, np.ndarray]]:
    """What can be off together: the field of the circuit, and which of its entries, by name."""
    circuit = design.circuit
    somas = {name: np.isin(circuit.nodes, names) for name, names in design.somas.items()}
    synapses = np.isin(np.arange(len(circuit.branches)), [one for one, _ in circuit.coupled])
    all_of = {name: np.ones(np.shape(getattr(circuit, name)), bool) for name in ("bias", "critical_current", "mutual")}
    return {
        "all biases": ("bias", all_of["bias"]),
        **{f"bias of {name}": ("bias", there) for name, there in somas.items()},
        "bias of lines": ("bias", ~np.any(list(somas.values()), axis=0)),
        "critical currents": ("critical_current", all_of["critical_current"]),
        "shunts": ("resistance", all_of["critical_current"]),
        "synapse resistances": ("series_resistance", synapses),
        "mutual inductances": ("mutual", all_of["mutual"]),
    }


def scaled(design: Design, group: str, factors: np.ndarray) -> Circuit:
    """Variants of a design's circuit with one group of values multiplied, leaves with a leading axis.

    Args:
        design: design.
        group: a key of `groups`.
        factors: one a variant.

    Raises:
        ConfigurationError: an unknown group.
    """
    known = groups(design)
    if group not in known:
        raise ConfigurationError(
            got=f"group {group!r}", expected=f"one of {', '.join(known)}", where="margins", fix="correct the name"
        )
    field, there = known[group]
    many, nominal = jnp.asarray(factors, float), double(design.circuit)
    repeated = jax.tree.map(lambda x: jnp.broadcast_to(x, (len(many), *x.shape)), nominal)
    values = getattr(nominal, field) * jnp.where(there, many[:, None], 1.0)
    return eqx.tree_at(lambda c: getattr(c, field), repeated, values)


@dataclass(frozen=True)
class Margin:
    """How far a group of values may be off, all others being right.

    Args:
        group: name of the group.
        low: smallest factor at which the circuit works, with all between it and 1.
        high: largest; at an end of the factors that were tried it may be larger still.
        tried: smallest and largest factor that were tried.
    """

    group: str
    low: float
    high: float
    tried: tuple[float, float]

    def __str__(self) -> str:
        ends = [f"{100 * (self.low - 1):+.0f} %", f"{100 * (self.high - 1):+.0f} %"]
        beyond = ["or less" if self.low <= self.tried[0] else "", "or more" if self.high >= self.tried[1] else ""]
        return f"{self.group}: " + " to ".join(f"{end} {more}".strip() for end, more in zip(ends, beyond, strict=True))


def margins(
    design: Design,
    patterns: np.ndarray,
    judge: Judge,
    *,
    of: Sequence[str] = (),
    factors: np.ndarray | None = None,
    step: float = 0.1,
) -> dict[str, Margin]:
    """Margins by simulation of the circuit at every factor.

    Args:
        design: design.
        patterns: 0 or 1, ``[patterns, inputs]``.
        judge: `matches`, `classifies`, or your own.
        of: groups; none is all of `groups`.
        factors: that are tried, increasing, with 1 among them; by default 0.7 to 1.3 in steps of 0.02.
        step: of the simulation (ps).

    Raises:
        ConfigurationError: a design that does not work as it is, factors without 1.
    """
    tried = np.linspace(0.7, 1.3, 31) if factors is None else np.asarray(factors, float)
    middle = np.flatnonzero(np.isclose(tried, 1.0))
    if len(middle) != 1 or (np.diff(tried) <= 0).any() or not (tried >= 0).all():
        raise ConfigurationError(
            got=f"factors {tried[:5].tolist()}...",
            expected="increasing factors with 1 among them",
            where="margins",
            fix="pass for example np.linspace(0.8, 1.2, 21)",
        )
    found = {}
    for group in of or tuple(groups(design)):
        with jax.enable_x64(True):
            circuits = scaled(design, group, tried)
            works = np.asarray(judge(design.respond(patterns, circuits, step=step))) & _has_layout(circuits)
        if not works[middle[0]]:
            raise ConfigurationError(
                got="a design that does not work without any deviation",
                expected="one that does",
                where="margins",
                fix="use `centred`, larger weights or other thresholds",
            )
        fails = np.flatnonzero(~works)
        low = tried[fails[fails < middle[0]].max(initial=-1) + 1]
        high = tried[fails[fails > middle[0]].min(initial=len(tried)) - 1]
        found[group] = Margin(group, float(low), float(high), (float(tried[0]), float(tried[-1])))
    return found


def centred(design: Design, patterns: np.ndarray, judge: Judge, *, rounds: int = 2, step: float = 0.1) -> Design:
    """The design with the bias of each population in the middle of its margin.

    Args:
        design: design.
        patterns: 0 or 1, ``[patterns, inputs]``.
        judge: see `margins`.
        rounds: how often each population has its turn.
        step: of the simulation (ps).
    """
    for _ in range(rounds):
        for name in design.somas:
            group = f"bias of {name}"
            found = margins(design, patterns, judge, of=[group], factors=np.linspace(0.5, 1.3, 81), step=step)[group]
            design = with_bias(design, name, design.biases[name] * (found.low + found.high) / 2)
    return design


def with_bias(design: Design, population: str, bias: float | np.ndarray) -> Design:
    """The design with other biases of one population, in units of its somas' critical current.

    Args:
        design: design.
        population: name.
        bias: one, or one a unit.
    """
    if population not in design.somas:
        raise ConfigurationError(
            got=f"population {population!r}",
            expected=f"one of {', '.join(design.somas)}",
            where="with_bias",
            fix="correct the name",
        )
    names = design.somas[population]
    given = np.broadcast_to(np.asarray(bias, float), (len(names),))
    places = np.array([design.circuit.node(name) for name in names])
    with jax.enable_x64(True):
        nominal = double(design.circuit)
        current = nominal.bias.at[places].set(given * design.parts.critical_current)
        circuit = eqx.tree_at(lambda c: c.bias, nominal, current)
    return dataclasses.replace(design, circuit=circuit, biases={**design.biases, population: given})


def _has_layout(circuits: Circuit) -> np.ndarray:
    """Whether the inductances of each variant are positive definite."""
    matrices = np.asarray(jax.vmap(lambda circuit: circuit.inductance_matrix())(circuits))
    scale = 1.0 / np.sqrt(np.asarray(circuits.inductance))
    return np.linalg.eigvalsh(matrices * scale[:, :, None] * scale[:, None, :])[:, 0] > 0
