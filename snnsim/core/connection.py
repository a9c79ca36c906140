"""What a connection promises: who is joined to whom, how strongly, and the linear map that follows."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ConfigurationError, UnsupportedError
from snnsim.core.keys import Rand


class AbstractConnection(eqx.Module):
    """A linear map between populations. Before `build` its weight may be a recipe, afterwards it is an array.

    A subclass has a `param` field `weight` (None for fixed maps like pooling). `listed` says that synapses are
    a list (`starts` of each source's synapses and their `targets`): delays of the list's length are then one a
    synapse, even where there are as many sources. `diagonal` says that unit i is joined to unit i only.
    """

    listed: ClassVar[bool] = False
    diagonal: ClassVar[bool] = False
    if TYPE_CHECKING:  # fields of the connections that have them

        @property
        def weight(self) -> Any:
            """Weights."""

        @property
        def starts(self) -> Any:
            """Where the synapses of each source begin, and the end."""

        @property
        def targets(self) -> Any:
            """Target of each synapse."""

        @property
        def sources(self) -> Any:
            """Source of each synapse."""

    def expected_weights(self, pre: tuple[int, ...], post: tuple[int, ...]) -> float:
        """How many weights `build` makes for these shapes, on average; 0 where they are few whatever the shapes."""
        return 0.0

    @property
    def bytes_while_drawn(self) -> float:
        """Bytes a weight that `build` needs besides the weights, while it draws them."""
        return 0.0

    @abstractmethod
    def build(self, pre: tuple[int, ...], post: tuple[int, ...], key: jax.Array) -> AbstractConnection:
        """The connection with arrays in place of recipes, for these shapes.

        Raises:
            ShapeError: shapes that this connection cannot join.
        """

    @abstractmethod
    def __call__(self, signals: jax.Array) -> jax.Array:
        """Arrivals ``[n, *post]`` of signals ``[n, *pre]``."""

    def transmit(self, signals: jax.Array, rand: Rand) -> jax.Array:
        """Arrivals ``[steps, batch, *post]`` of signals ``[steps, batch, *pre]``: the linear map.

        A connection whose weights are not the same in every step (cells with read noise) draws here; `rand` is that
        of the first step and the first sample.
        """
        flat = self(signals.reshape(-1, *signals.shape[2:]))
        return flat.reshape(*signals.shape[:2], *flat.shape[1:])

    def read(self, history: jax.Array, rows: jax.Array) -> jax.Array:
        """Signal at each synapse (shape of the weight): ``history[rows, source]`` of ``history [rows, *pre]``."""
        raise self._no_single_synapses()

    def reduce(self, signals: jax.Array) -> jax.Array:
        """Arrivals ``[*post]``: the sum over synapses of ``weight * signals``, signals in the weight's shape."""
        raise self._no_single_synapses()

    def read_target(self, history: jax.Array, rows: jax.Array) -> jax.Array:
        """Output of the target at each synapse: ``history[rows, target]`` of ``history [rows, *post]``."""
        raise self._no_single_synapses()

    def at_source(self, values: jax.Array) -> jax.Array:
        """Values ``[*pre]`` of each synapse's source, in a shape that broadcasts to the weight's."""
        raise self._no_single_synapses()

    def at_target(self, values: jax.Array) -> jax.Array:
        """Values ``[*post]`` of each synapse's target, in a shape that broadcasts to the weight's."""
        raise self._no_single_synapses()

    def separate(self, delays: tuple[int, ...], pre: tuple[int, ...]) -> bool:
        """Whether delays of this shape are one a synapse, and not one a source of shape `pre`."""
        weight = getattr(self, "weight", None)
        return weight is not None and delays != () and delays == weight.shape and (self.listed or delays != pre)

    def _no_single_synapses(self) -> UnsupportedError:
        return UnsupportedError(got=f"a delay or state of every synapse on {type(self).__name__}",
                                expected="a connection whose synapses are stored one by one", where="projection",
                                fix="use Dense or Sparse, or one delay for all or for each source unit")

    def structure(self) -> AbstractConnection:
        """The same connection with weight 1 where a synapse is (weight other than 0) and no bias."""
        def is_field(name):
            return lambda tree: getattr(tree, name)
        marked = eqx.tree_at(is_field("weight"), self, replace_fn=lambda w: (w != 0).astype(w.dtype)) \
            if getattr(self, "weight", None) is not None else self
        if getattr(self, "bias", None) is not None:
            marked = eqx.tree_at(is_field("bias"), marked, replace_fn=jnp.zeros_like)
        return marked

    def fan_out(self, pre: tuple[int, ...], post: tuple[int, ...]) -> np.ndarray:
        """Synapses that leave each source unit, int64 ``[*pre]`` (weights of exactly 0 are none)."""
        marked = self.structure()
        zero = jnp.zeros((1, *pre), jnp.result_type(float))
        _, transpose = jax.vjp(marked, zero)
        return np.rint(np.asarray(transpose(jnp.ones((1, *post), zero.dtype))[0][0])).astype(np.int64)


def initial(recipe: Any, shape: tuple[int, ...], key: jax.Array, where: str) -> jax.Array:
    """An array of `shape` from a number, an array or a function ``(key, shape, dtype)`` (jax.nn.initializers).

    Raises:
        ConfigurationError: an array of another shape, or a recipe of another kind.
    """
    dtype = jnp.result_type(float)
    if callable(recipe):
        return recipe(key, shape, dtype)
    if eqx.is_array(recipe) and recipe.shape in ((), shape):
        return jnp.broadcast_to(recipe, shape)
    got = f"an array of shape {recipe.shape}" if eqx.is_array(recipe) else repr(recipe)
    raise ConfigurationError(got=got, expected=f"a number, an array of shape {shape} or an initialiser", where=where,
                             fix="pass for example jax.nn.initializers.normal(0.1)")
