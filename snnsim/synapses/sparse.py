"""`Sparse`: synapses stored one by one, drawn by a rule or given as a list."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.connection import AbstractConnection, initial
from snnsim.core.errors import ConfigurationError, DataError
from snnsim.core.fields import on_host, part, static
from snnsim.core.keys import named_key, numpy_generator
from snnsim.kernels.event_propagation import Rows, propagate
from snnsim.synapses.dense import weight_field
from snnsim.synapses.rules import AbstractRule, by_source, refuse_too_many


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
    starts: Any = part(lambda: None, doc="where the synapses of each source begin, and the end, int32 [sources + 1]")
    targets: Any = part(lambda: None, doc="flat index of each synapse's target, int32 [synapses]")
    post: tuple[int, ...] = static((), doc="shape of the target population")

    listed: ClassVar = True

    @classmethod
    def from_edges(cls, sources: np.ndarray, targets: np.ndarray, weight: Any = 1.0) -> Sparse:
        """From a list of synapses (flat unit indices), sorted by source like their weights and delays.

        Raises:
            DataError: lists of different length or not sorted by source.
        """
        sources, targets = np.asarray(sources), np.asarray(targets)
        if sources.ndim != 1 or sources.shape != targets.shape or (np.diff(sources) < 0).any():
            raise DataError(got=f"{sources.shape} sources and {targets.shape} targets",
                            expected="equal lengths, sorted by source", where="Sparse.from_edges",
                            fix="sort all lists with order = np.argsort(sources, kind='stable')")
        if len(sources) and sources[0] < 0:
            raise DataError(got=f"source indices from {sources[0]}", expected="0 or more", where="Sparse.from_edges",
                            fix="check the list")
        return cls(None, weight, *by_source(sources.astype(np.int64), targets, 0))

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return len(self.targets)

    @property
    def sources(self) -> jax.Array:
        """Flat index of each synapse's source, int32 [synapses]."""
        indices = jnp.arange(len(self.starts) - 1, dtype=jnp.int32)
        return jnp.repeat(indices, jnp.diff(self.starts), total_repeat_length=self.n_synapses)

    def expected_weights(self, pre: tuple[int, ...], post: tuple[int, ...]) -> float:
        """Synapses of the list, or what the rule draws on average."""
        if self.starts is not None:
            return float(self.n_synapses)
        return 0.0 if self.rule is None else self.rule.expected(pre, post)

    @property
    def bytes_while_drawn(self) -> float:
        """What the rule needs; a list is there already."""
        return 0.0 if self.rule is None or self.starts is not None else self.rule.bytes_while_drawn

    def build(self, pre: tuple[int, ...], post: tuple[int, ...], key: jax.Array) -> Sparse:
        """With the synapses drawn for these shapes.

        Raises:
            ConfigurationError: neither rule nor list.
            DataError: indices outside the populations.
        """
        starts, targets, n_pre = self.starts, self.targets, prod(pre)
        if starts is None:
            if self.rule is None:
                raise ConfigurationError(got="neither rule nor list", expected="one of them", where="Sparse",
                                         fix="pass for example FixedProbability(0.1), or use Sparse.from_edges")
            refuse_too_many(self.rule.expected(pre, post))
            starts, targets = self.rule.draw(pre, post, numpy_generator(named_key(key, "structure")))
        highest = len(starts) - 2, int(targets.max(initial=-1))
        for name, index, size in (("source", highest[0], n_pre), ("target", highest[1], prod(post))):
            if index >= size or (name == "target" and targets.min(initial=0) < 0):
                raise DataError(got=f"{name} indices {int(targets.min()) if name == 'target' else 0} to {index}",
                                expected=f"0 to {size - 1}", where="Sparse",
                                fix="check the list or the sizes of the populations")
        # A list knows its largest source only: those beyond it have no synapse.
        starts = np.concatenate([starts, np.full(n_pre + 1 - len(starts), starts[-1])])
        weight = initial(self.weight, (len(targets),), named_key(key, "weight"), "Sparse")
        starts, targets = starts.astype(np.int32), targets.astype(np.int32, copy=False)
        return Sparse(None, weight, on_host(starts), on_host(targets), post)

    def __call__(self, signals: jax.Array) -> jax.Array:
        """Arrivals ``[n, *post]``; only synapses of sources with a signal cost anything."""
        arrived = jnp.zeros((1, signals.shape[0], prod(self.post)), jnp.result_type(signals, self.weight))
        instant = Rows(self.starts[:-1], self.starts[1:], self.targets, jnp.zeros(1, jnp.uint8))
        arrived = propagate(arrived, signals.reshape(1, signals.shape[0], -1), self.weight, instant, jnp.int32(0))
        return arrived.reshape(-1, *self.post)

    def read(self, history: jax.Array, rows: jax.Array) -> jax.Array:
        """Signal at each synapse, ``[synapses]``."""
        return history.reshape(history.shape[0], -1)[rows, self.sources]

    def read_target(self, history: jax.Array, rows: jax.Array) -> jax.Array:
        """Output of the target at each synapse, ``[synapses]``."""
        return history.reshape(history.shape[0], -1)[rows, self.targets]

    def at_source(self, values: jax.Array) -> jax.Array:
        """Values of the sources, ``[synapses]``."""
        return values.reshape(-1)[self.sources]

    def at_target(self, values: jax.Array) -> jax.Array:
        """Values of the targets, ``[synapses]``."""
        return values.reshape(-1)[self.targets]

    def reduce(self, signals: jax.Array) -> jax.Array:
        """Sum over the synapses of each target."""
        total = jax.ops.segment_sum(self.weight * signals, self.targets, prod(self.post))
        return total.reshape(self.post)
