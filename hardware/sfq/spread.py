"""How many chips work when every element varies: yield by Monte Carlo."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.keys import named_key
from snnsim.hardware.sfq.batches import double
from snnsim.hardware.sfq.circuit import Circuit
from snnsim.hardware.sfq.design import Design
from snnsim.hardware.sfq.judges import Judge


@dataclass(frozen=True)
class Spread:
    """Relative standard deviations, each element drawn by itself. They are assumptions: pass those of your process.

    Args:
        critical_current: of junctions.
        resistance: of shunts and of resistors in branches.
        inductance: of inductors; coupling factors stay, so mutual inductances follow.
        bias: of bias currents.
    """

    critical_current: float = 0.02
    resistance: float = 0.02
    inductance: float = 0.02
    bias: float = 0.01


@dataclass(frozen=True)
class Yield:
    """How many chips of a spread worked.

    Args:
        works: whether each chip did.
        slips: of the outputs, ``[chips, patterns, outputs]``.
        spread: what varied.
        seed: of the draws.
    """

    works: np.ndarray
    slips: np.ndarray
    spread: Spread
    seed: int

    @property
    def share(self) -> float:
        """Share of chips that work."""
        return float(self.works.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of that share (Wilson's score interval)."""
        n, p, z = len(self.works), self.share, 1.959964
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return float(max(0.0, middle - half)), float(min(1.0, middle + half))

    def __str__(self) -> str:
        low, high = self.interval
        return f"{int(self.works.sum())} of {len(self.works)} chips work ({low:.0%} to {high:.0%})"


def varied(circuit: Circuit, spread: Spread, *, chips: int, seed: int) -> Circuit:
    """Chips drawn from a spread: variants of a circuit, leaves with a leading axis.

    Args:
        circuit: the values that were meant.
        spread: how far they vary.
        chips: how many.
        seed: of the draws; a chip does not depend on how many are drawn.

    Raises:
        ConfigurationError: deviations of which some would make a value negative, no chips, or a seed that is none.
    """
    widths = dataclasses.astuple(spread)
    if not all(0 <= w <= 0.2 for w in widths) or chips < 1 or not isinstance(seed, int) or seed < 0:
        raise ConfigurationError(
            got=f"{spread}, chips = {chips}, seed = {seed!r}",
            expected="deviations from 0 to 0.2, at least one chip, a seed of at least 0",
            where="yield",
            fix="pass relative deviations such as 0.02",
        )
    with jax.enable_x64(True):
        nominal = double(circuit)
        keys = jax.vmap(lambda chip: jax.random.fold_in(jax.random.key(seed), chip))(jnp.arange(chips))

        def one(key: jax.Array) -> Circuit:
            def off(name: str, value: jax.Array, width: float) -> jax.Array:
                # Beyond four deviations nothing is drawn: no value changes its sign.
                drawn = jax.random.truncated_normal(named_key(key, name), -4.0, 4.0, value.shape, value.dtype)
                return value * (1.0 + width * drawn)

            inductance = off("inductance", nominal.inductance, spread.inductance)
            factor = jnp.sqrt(inductance / nominal.inductance)
            ends = np.array(nominal.coupled, int).reshape(-1, 2)
            return dataclasses.replace(
                nominal,
                critical_current=off("critical current", nominal.critical_current, spread.critical_current),
                resistance=off("shunt", nominal.resistance, spread.resistance),
                series_resistance=off("resistor", nominal.series_resistance, spread.resistance),
                inductance=inductance,
                mutual=nominal.mutual * factor[ends[:, 0]] * factor[ends[:, 1]],
                bias=off("bias", nominal.bias, spread.bias),
            )

        return jax.vmap(one)(keys)


def circuit_yield(
    design: Design,
    patterns: np.ndarray,
    judge: Judge,
    spread: Spread | None = None,
    *,
    chips: int = 100,
    seed: int = 0,
    step: float = 0.1,
) -> Yield:
    """Yield by Monte Carlo: how many chips of a spread work.

    Args:
        design: design.
        patterns: 0 or 1, ``[patterns, inputs]``.
        judge: see `margins`.
        spread: by default 2 % of every element, 1 % of biases: assumptions.
        chips: how many are drawn.
        seed: of the draws.
        step: of the simulation (ps).
    """
    spread = spread or Spread()
    slips = design.respond(patterns, varied(design.circuit, spread, chips=chips, seed=seed), step=step)
    return Yield(np.asarray(judge(slips)), slips, spread, seed)
