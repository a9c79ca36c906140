"""`Pulses`: what is sent into a circuit from outside, as currents into nodes or voltages in branches."""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import static
from snnsim.hardware.sfq.circuit import Circuit
from snnsim.hardware.sfq.units import FLUX_QUANTUM


class Pulses(eqx.Module):
    """Pulses that begin at `start` and end `width` later; a peak of 0 sends none.

    A current enters a node; a voltage acts in a branch, in its direction. Start, width and peak are leaves.

    Args:
        start: ps, one a pulse.
        width: ps.
        peak: mA of a current, mV of a voltage.
        targets: node (currents) or branch (voltages) of each pulse.
        kind: "current" or "voltage".
        shape: "triangle", or "cosine" (raised).
    """

    start: jax.Array
    width: jax.Array
    peak: jax.Array
    targets: tuple[str, ...] = static(doc="node or branch of each pulse")
    kind: str = static(doc="current into a node, or voltage in a branch", choices=("current", "voltage"))
    shape: str = static(doc="course over time", choices=("triangle", "cosine"))

    def levels(self, time: jax.Array) -> jax.Array:
        """Height of each pulse at `time` (ps)."""
        part = (time - self.start) / self.width
        if self.shape == "triangle":
            height = 1.0 - jnp.abs(2.0 * part - 1.0)
        else:
            height = 0.5 - 0.5 * jnp.cos(2.0 * jnp.pi * part)
        return jnp.where((part > 0) & (part < 1), height, 0.0) * self.peak

    def into(self, circuit: Circuit, kind: str) -> np.ndarray | None:
        """Matrix ``[pulses, places]`` of where they act, None where these are of the other kind."""
        if kind != self.kind:
            return None
        find, places = (circuit.node, circuit.nodes) if kind == "current" else (circuit.branch, circuit.branches)
        matrix = np.zeros((len(self.targets), len(places)))
        matrix[np.arange(len(self.targets)), [find(name) for name in self.targets]] = 1.0
        return matrix


def current_pulses(nodes: Sequence[str], start: float | Sequence[float], peak: float = 0.25, width: float = 5.0):
    """Triangular currents that make the first junction of a line slip once.

    Args:
        nodes: where each enters.
        start: when each begins (ps), one number or one a pulse.
        peak: mA.
        width: ps.
    """
    return _made(nodes, start, peak, width, "current", "triangle")


def flux_quanta(branches: Sequence[str], start: float | Sequence[float], width: float = 4.0) -> Pulses:
    """Ideal single flux quanta: voltages in branches, whose area is Phi_0.

    Args:
        branches: where each acts.
        start: when each begins (ps), one number or one a pulse.
        width: ps.
    """
    return _made(branches, start, 2.0 * FLUX_QUANTUM / width if width else np.nan, width, "voltage", "cosine")


def _made(targets: Sequence[str], start, peak: float, width: float, kind: str, shape: str) -> Pulses:
    if isinstance(targets, str):
        raise ConfigurationError(
            got=f"{targets!r}", expected="a list of names", where="pulses", fix=f"pass [{targets!r}]"
        )
    try:
        starts = np.broadcast_to(np.asarray(start, np.float64), (len(targets),))
    except ValueError:
        starts = np.full(1, np.nan)
    if not (np.isfinite(starts).all() and np.isfinite(peak) and 0 < width < np.inf):
        raise ConfigurationError(
            got=f"start {start} ps, peak {peak}, width {width} ps for {len(targets)} pulses",
            expected="finite numbers, a width above 0, and one start, or one for each pulse",
            where="pulses",
            fix="correct the values",
        )
    return Pulses(
        *(jnp.asarray(np.broadcast_to(v, starts.shape), jnp.result_type(float)) for v in (starts, width, peak)),
        targets=tuple(targets),
        kind=kind,
        shape=shape,
    )
