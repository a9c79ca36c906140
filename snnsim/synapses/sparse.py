"""`Sparse`: synapses stored one by one, drawn by a rule or given as a list."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.connection import AbstractConnection, initial
from snnsim.core.errors import ConfigurationError, DataError
from snnsim.core.fields import part, static
from snnsim.core.keys import named_key, numpy_generator
from snnsim.synapses.dense import weight_field
from snnsim.synapses.rules import AbstractRule

MOST_AT_ONCE = 2**22  # signals of single synapses held at a time


class Sparse(AbstractConnection):
    """Synapses in a list, sorted by source. Memory grows with synapses, never with pairs.

    Args:
        rule: how synapses are drawn, for example `FixedProbability(0.1)`; not with a list.
        weight: number, array ``[synapses]``, or initialiser.

    Example:
        >>> import jax, snnsim as sn
        >>> drawn = sn.Sparse(sn.FixedInDegree(3), weight=0.1).build((10,), (4,), jax.random.key(0))
        >>> drawn.n_synapses
        12
    """

    rule: AbstractRule | None = part(lambda: None, doc="how synapses are drawn")
    weight: Any = weight_field(1.0, doc="weights [synapses]")
    sources: Any = part(lambda: None, doc="flat index of each synapse's source, int32 [synapses]")
    targets: Any = part(lambda: None, doc="flat index of each synapse's target, int32 [synapses]")
    post: tuple[int, ...] = static((), doc="shape of the target population")

    listed: ClassVar = True

    @classmethod
    def from_edges(cls, sources: np.ndarray, targets: np.ndarray, weight: Any = 1.0) -> Sparse:
        """From a list of synapses (flat unit indices); they are sorted by source, keeping their order otherwise.

        Weights and delays given one a synapse must be in sorted order: use ``np.argsort(sources, kind="stable")``.

        Raises:
            DataError: lists of different length or not sorted by source.
        """
        sources, targets = np.asarray(sources), np.asarray(targets)
        if sources.ndim != 1 or sources.shape != targets.shape or (np.diff(sources) < 0).any():
            raise DataError(got=f"{sources.shape} sources and {targets.shape} targets",
                            expected="equal lengths, sorted by source", where="Sparse.from_edges",
                            fix="sort all lists with order = np.argsort(sources, kind='stable')")
        return cls(None, weight, sources.astype(np.int32), targets.astype(np.int32))

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return len(self.sources)

    def build(self, pre: tuple[int, ...], post: tuple[int, ...], key: jax.Array) -> Sparse:
        """With the synapses drawn for these shapes.

        Raises:
            ConfigurationError: neither rule nor list.
            DataError: indices outside the populations.
        """
        sources, targets = self.sources, self.targets
        if sources is None:
            if self.rule is None:
                raise ConfigurationError(got="neither rule nor list", expected="one of them", where="Sparse",
                                         fix="pass for example FixedProbability(0.1), or use Sparse.from_edges")
            sources, targets = self.rule.draw(pre, post, numpy_generator(named_key(key, "structure")))
        for name, indices, size in (("source", sources, prod(pre)), ("target", targets, prod(post))):
            if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < size:
                raise DataError(got=f"{name} indices {int(indices.min())} to {int(indices.max())}", where="Sparse",
                                expected=f"0 to {size - 1}", fix="check the list or the sizes of the populations")
        weight = initial(self.weight, (len(sources),), named_key(key, "weight"), "Sparse")
        return Sparse(None, weight, jnp.asarray(sources, jnp.int32), jnp.asarray(targets, jnp.int32), post)

    def __call__(self, signals: jax.Array) -> jax.Array:
        """Arrivals ``[n, *post]``; rows go through in parts, so that memory does not grow with n times synapses."""
        flat = signals.reshape(signals.shape[0], -1)
        rows = max(1, min(flat.shape[0], MOST_AT_ONCE // max(1, self.n_synapses)))
        return jax.lax.map(jax.checkpoint(lambda row: self.reduce(row[self.sources])), flat, batch_size=rows)

    def read(self, history: jax.Array, rows: jax.Array) -> jax.Array:
        """Signal at each synapse, ``[synapses]``."""
        return history.reshape(history.shape[0], -1)[rows, self.sources]

    def reduce(self, signals: jax.Array) -> jax.Array:
        """Sum over the synapses of each target."""
        total = jax.ops.segment_sum(self.weight * signals, self.targets, prod(self.post))
        return total.reshape(self.post)
