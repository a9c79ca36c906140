"""What a delay promises, and the fixed delay."""

from __future__ import annotations

from abc import abstractmethod
from math import ceil, inf
from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import DelayError
from snnsim.core.events import exact_ratio
from snnsim.core.fields import number_or_recipe, param, static


class AbstractDelay(eqx.Module):
    """How long signals travel. Engines ask for `taps`: which earlier steps are read, and with what gain.

    Shapes: one delay for all ``()``, one for each source unit ``[*pre]`` or one for each synapse (the shape of
    the weight; for a list of as many synapses as sources it is one a synapse). `bounds`, the smallest and
    largest delay (ms), hold for good: the delay line's length depends on them. `fixed` says that there is one tap
    without gain, ``steps(dt)``, so that spikes can be sent ahead.
    """

    fixed: ClassVar[bool] = False
    bounds: eqx.AbstractVar[tuple[float, float]]
    if TYPE_CHECKING:  # of fixed delays

        @property
        def value(self) -> Any:
            """Delays (ms)."""

        @property
        def rounding(self) -> str:
            """What happens off the grid."""

        def steps(self, dt: float, xp: Any = np, some: Any = None) -> Any:
            """The delay in steps."""

    @abstractmethod
    def build(self, pre: tuple[int, ...], synapses: tuple[int, ...], key: jax.Array) -> AbstractDelay:
        """The delay with arrays, for source shape `pre` and weight shape `synapses`."""

    @abstractmethod
    def taps(self, dt: float, inference: bool) -> tuple[jax.Array, jax.Array | None]:
        """(int32 steps ``[taps, *shape]``, gains of that shape or None for 1): what is read and summed."""

    @property
    def shape(self) -> tuple[int, ...]:
        """() for one delay, ``[*pre]`` for one a source, or the weight's shape for one a synapse."""
        return jax.eval_shape(lambda: self.taps(1.0, True)[0]).shape[1:]

    def check(self, dt: float, where: str) -> None:
        """Raise `DelayError` if the delay cannot be used with steps of `dt` ms."""
        return

    def depth(self, dt: float) -> int:
        """Steps that the delay line must reach back."""
        return ceil(exact_ratio(self.bounds[1], dt))


class Delay(AbstractDelay):
    """Fixed delays on the grid: one for all, one for each source unit or one for each synapse.

    Args:
        value: delay (ms): a number, an array, or a distribution from which every synapse draws its own.
        rounding: "exact" refuses a delay that is no multiple of the step, "nearest" rounds it (a delay above 0
            takes at least one step, so that a cycle never closes within a step).

    Raises:
        DelayError: a negative or not finite delay; off the grid in `simulate`.
    """

    fixed: ClassVar = True

    value: Any = param(unit="ms", doc="delay", group="delay", bounds=(0.0, None), convert=number_or_recipe)
    rounding: str = static("exact", doc="what happens off the grid", choices=("exact", "nearest"))
    bounds: tuple[float, float] = static(doc="smallest and largest delay", unit="ms")

    def __init__(self, value, rounding: str = "exact"):
        self.rounding = rounding
        if callable(value):  # drawn by `build`
            self.value, self.bounds = value, (0.0, inf)
            return
        values = np.asarray(value)
        values = values if values.dtype.kind == "f" else values.astype(np.float64)
        if not values.size or not np.isfinite(values).all() or values.min() < 0:
            raise DelayError(got=f"delays {values.ravel()[:3]} ms", expected="finite delays of 0 or more",
                             where="Delay", fix="give delays in ms")
        self.value = number_or_recipe(value)
        self.bounds = (float(values.min()), float(values.max()))

    def build(self, pre: tuple[int, ...], synapses: tuple[int, ...], key: jax.Array) -> Delay:
        """Itself, if its shape fits; drawn for every synapse where it is a distribution."""
        if callable(self.value):
            return Delay(self.value(key, synapses, jnp.result_type(float)), self.rounding)
        if self.value.shape not in ((), pre, synapses):
            raise DelayError(got=f"delays of shape {self.value.shape}", where="Delay",
                             expected=f"() or one a source {pre} or one a synapse {synapses}", fix="reshape them")
        return self

    def check(self, dt: float, where: str) -> None:
        """Refuse delays off the grid, unless they are to be rounded."""
        if self.rounding == "nearest" or isinstance(self.value, jax.core.Tracer):
            return
        steps = np.asarray(self.value, np.float64) / dt
        # float32 delays carry a relative error of 6e-8; a real fault is far larger.
        wrong = np.abs(steps - np.rint(steps)) > 1e-4 + 2e-7 * np.abs(steps)
        if wrong.any():
            value = float(np.asarray(self.value)[wrong].ravel()[0])
            raise DelayError(got=f"a delay of {value:g} ms", expected=f"a multiple of dt = {dt:g} ms", where=where,
                             fix="choose another dt, or Delay(..., rounding='nearest')")

    def taps(self, dt: float, inference: bool) -> tuple[jax.Array, None]:
        """One tap: the delay in steps."""
        return self.steps(dt, jnp)[None], None

    def steps(self, dt: float, xp: Any = np, some: Any = None) -> Any:
        """The delay in steps, int32 of its shape, by NumPy or by `jax.numpy`; of `some` entries as a list."""
        value = xp.asarray(self.value)
        value = value if some is None else value.reshape(-1)[some]
        return xp.maximum(xp.rint(value / dt), (value > 0).astype(value.dtype)).astype(xp.int32)
