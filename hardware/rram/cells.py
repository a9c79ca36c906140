"""Weights as conductances: signs, digits, places; and back."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from snnsim.core.keys import Rand
from snnsim.hardware.rram.converters import rounded
from snnsim.hardware.rram.device import Device
from snnsim.hardware.rram.tiling import Tiling
from snnsim.hardware.rram.wires import Wires


class Held(NamedTuple):
    """What the arrays of one matrix hold. Cells are ``[2 signs, digits, rows, columns]``.

    Args:
        meant: weights that were to be held (rounded where the cells have levels), ``[rows, columns]``.
        gain: weight for each uS, ``[digits, 1, columns or 1]``.
        target: conductances that were to be held (uS).
        g: conductances that act, the wires included (uS).
        read_sd: standard deviation of a reading (uS), the wires included; None without read noise.
    """

    meant: jax.Array
    gain: jax.Array
    target: jax.Array
    g: jax.Array
    read_sd: jax.Array | None

    def weights(self) -> jax.Array:
        """The weights that act, ``[rows, columns]``: those meant, and what the cells are off.

        Written as a sum, so that cells without faults give the very weights that were meant.
        """
        off = self.g - self.target
        return self.meant + jnp.sum(self.gain * (off[0] - off[1]), 0)

    def read_variance(self) -> jax.Array | None:
        """Variance of a weight from one reading to the next, ``[rows, columns]``; None without read noise."""
        if self.read_sd is None:
            return None
        return jnp.sum(self.gain**2 * (self.read_sd[0] ** 2 + self.read_sd[1] ** 2), 0)


def targets(weights: jax.Array, device: Device, tiling: Tiling, scaling: str) -> Held:
    """Conductances that stand for weights, before anything is off.

    The largest magnitude (of the matrix, or of each column) is g_max in the positive or the negative cell, 0 is
    g_min in both: ``w = gain (g_plus - g_minus)``. With levels, ``n = round(levels |w| / largest)`` is written
    in digits of `Tiling.base`; gradients pass straight through the rounding, each digit taking its equal share.

    Args:
        weights: ``[rows, columns]``.
        device: range of the cells.
        tiling: levels and digits.
        scaling: "matrix" or "column".
    """
    magnitude = jnp.abs(weights)
    largest = magnitude.max(0, keepdims=True) if scaling == "column" else magnitude.max().reshape(1, 1)
    largest = jnp.where(largest > 0, largest, jnp.ones_like(largest))
    parts = jnp.stack([jnp.maximum(weights, 0.0), jnp.maximum(-weights, 0.0)]) / largest[None]
    if tiling.levels is None or tiling.base is None:
        filled, gain, meant = parts[:, None], largest[None], weights
    else:
        exact = parts * tiling.levels
        whole = jax.lax.stop_gradient(jnp.round(exact))
        places = [float(tiling.base**k) for k in range(tiling.digits)]
        share = (exact - jax.lax.stop_gradient(exact)) / tiling.digits
        digits = [jnp.mod(jnp.floor(whole / place), tiling.base) + share / place for place in places]
        filled = jnp.stack(digits, 1) / (tiling.base - 1)
        gain = jnp.stack([largest * (place * (tiling.base - 1) / tiling.levels) for place in places])
        scaled = weights / largest * tiling.levels
        meant = rounded(scaled) * largest / tiling.levels
    g = device.g_min + device.span * filled
    return Held(meant, gain / device.span, g, g, None)


def hold(weights: jax.Array, device: Device, tiling: Tiling, wires: Wires | None, *, scaling: str, groups: int,
         age: jax.Array, compensate: bool, chip: Rand) -> Held:
    """Weights as one chip holds them: written, aged, seen through its wires.

    Args:
        weights: ``[rows, columns]``.
        device: the cells.
        tiling: sizes of arrays, levels and digits.
        wires: resistance of the wires, or None.
        scaling: "matrix" or "column".
        groups: matrices side by side, on arrays of their own.
        age: time since writing (ms).
        compensate: whether one factor for the matrix undoes the mean loss by ageing.
        chip: random numbers of the chip.
    """
    meant = targets(weights, device, tiling, scaling)
    cells = device.hold(meant.target, age, chip)
    g, sd = cells.held, cells.read_sd
    if wires is not None:
        parts = from_arrays(wires.parts(on_arrays(g, tiling, groups)), tiling, meant.target.shape)
        g, sd = g * parts, None if sd is None else sd * parts
    held = Held(meant.meant, meant.gain, meant.target, g, sd)
    if not compensate:
        return held
    # As a chip would do it: the weights are read one by one after writing, and again now.
    fresh = Held(meant.meant, meant.gain, meant.target, cells.written, None)
    now = Held(meant.meant, meant.gain, meant.target, cells.held, None)
    before, after = (jnp.abs(each.weights()).sum() for each in (fresh, now))
    factor = jax.lax.stop_gradient(jnp.where(after > 0, before / after, jnp.ones_like(after)))
    return held._replace(meant=held.meant * factor, gain=held.gain * factor)


def on_arrays(g: jax.Array, tiling: Tiling, groups: int = 1) -> jax.Array:
    """Cells in their places.

    Args:
        g: ``[2 signs, digits, rows, columns]``.
        tiling: sizes of arrays.
        groups: matrices side by side, on arrays of their own.

    Returns:
        ``[signs, groups, down, across, rows of an array, columns in use of an array]``, 0 where there is no cell.
    """
    *_, rows, columns = g.shape
    down, across = tiling.cut(rows, columns // groups)
    paired = g.transpose(2, 3, 1, 0)[None] if tiling.signs == 1 else g.transpose(0, 2, 3, 1)[..., None]
    cells = paired.reshape(tiling.signs, rows, groups, columns // groups, tiling.per_weight)
    spare = (down * tiling.rows - rows, across * tiling.per_array - columns // groups)
    cells = jnp.pad(cells, ((0, 0), (0, spare[0]), (0, 0), (0, spare[1]), (0, 0)))
    cells = cells.reshape(tiling.signs, down, tiling.rows, groups, across, tiling.per_array * tiling.per_weight)
    return cells.transpose(0, 3, 1, 4, 2, 5)


def from_arrays(arrays: jax.Array, tiling: Tiling, shape: tuple[int, ...]) -> jax.Array:
    """The inverse of `on_arrays`; `shape` is that of the cells."""
    _, digits, rows, columns = shape
    signs, groups, down, across, height, _ = arrays.shape
    cells = arrays.transpose(0, 2, 4, 1, 3, 5).reshape(
        signs, down * height, groups, across * tiling.per_array, tiling.per_weight
    )
    cells = cells[:, :rows, :, : columns // groups].reshape(signs, rows, columns, digits, 2 // signs)
    return cells[0].transpose(3, 2, 0, 1) if signs == 1 else cells[..., 0].transpose(0, 3, 1, 2)
