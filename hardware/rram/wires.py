"""`Wires`: how much of a voltage is lost on the way to and from a cell (IR drop)."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import param
from snnsim.hardware.rram.device import known


class Wires(eqx.Module):
    """Resistance of the wires between neighbouring cells of an array.

    An array is a linear circuit: rows are driven by ideal sources at one end (those without a spike hold 0 V),
    columns end in a virtual ground. So wires do not depend on the input; they scale each cell by the part of the
    voltage that it sees. That part is taken as the product of two ladders, each solved exactly: the cell's row with
    its columns at 0 V, and its column with its rows at their sources. It is exact where only rows or only columns
    have resistance, and to first order in both together. Input 0 and output 0 lie at the ends that are driven and
    read; a matrix that does not fill an array lies there.

    Args:
        row: along a row, from cell to cell (MOhm; 1 Ohm is 1e-6).
        column: along a column (MOhm).

    Raises:
        ConfigurationError: a negative resistance.

    Example:
        >>> import jax.numpy as jnp
        >>> from snnsim.hardware.rram import Wires
        >>> cell = jnp.full((1, 1), 100.0)  # 100 uS behind two segments of 100 Ohm
        >>> round(float(Wires(row=1e-4, column=1e-4).parts(cell)[0, 0]), 4)
        0.9803
    """

    row: jax.Array = param(0.0, unit="MOhm", doc="between cells along a row")
    column: jax.Array = param(0.0, unit="MOhm", doc="between cells along a column")

    def __check_init__(self):
        for name in ("row", "column"):
            value = known(getattr(self, name))
            if value is not None and not 0 <= value < float("inf"):
                raise ConfigurationError(
                    got=f"{name} = {value:g} MOhm", expected="0 or more", where="Wires", fix="correct it"
                )

    def parts(self, g: jax.Array) -> jax.Array:
        """Part of the voltage that each cell sees.

        Args:
            g: conductances ``[..., rows, columns]`` (uS), 0 where there is no cell.

        Returns:
            ``[..., rows, columns]``, 1 without resistance.
        """
        along = _ladder(jnp.moveaxis(g, -1, 0), self.row)
        down = _ladder(jnp.moveaxis(g, -2, 0), self.column)
        return jnp.moveaxis(along, 0, -1) * jnp.moveaxis(down, 0, -2)


def _ladder(g: jax.Array, wire: jax.Array) -> jax.Array:
    """Voltages at the nodes of a ladder with 1 V at its near end, ``[nodes, ...]``.

    Seen from node i outward there is the conductance ``y_i = g_i + y_{i+1} / (1 + r y_{i+1})``; a segment of wire
    before it leaves ``1 / (1 + r y_i)`` of the voltage. By reciprocity these are also the parts of the nodes'
    voltages that arrive as current at the near end.
    """

    def outward(beyond, here):
        seen = here + beyond / (1.0 + wire * beyond)
        return seen, seen

    _, seen = jax.lax.scan(outward, jnp.zeros_like(g[0]), g, reverse=True)
    return jnp.cumprod(1.0 / (1.0 + wire * seen), axis=0)
