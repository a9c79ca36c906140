"""Rules that draw synapses, in memory and time of the synapses drawn (NEST's names)."""

from __future__ import annotations

from abc import abstractmethod
from math import prod

import equinox as eqx
import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import static
from snnsim.synapses.distributions import drawn

Drawn = tuple[np.ndarray, np.ndarray]
MOST_SYNAPSES = 2**31


class AbstractRule(eqx.Module):
    """Draws synapses by source: (starts, targets), those of source i being ``targets[starts[i]:starts[i + 1]]``."""

    @abstractmethod
    def draw(self, pre: tuple[int, ...], post: tuple[int, ...], rng: np.random.Generator) -> Drawn:
        """Starts int32 [sources + 1] and flat targets int32 [synapses], for populations of these shapes."""

    def expected(self, pre: tuple[int, ...], post: tuple[int, ...]) -> float:
        """Synapses that are drawn on average or at most; 0 where the rule does not tell."""
        return 0.0

    @property
    def bytes_while_drawn(self) -> float:
        """Bytes a synapse that `draw` needs besides the targets, measured."""
        return 0.0


class FixedProbability(AbstractRule):
    """Each pair is joined with probability p (NEST pairwise_bernoulli).

    Args:
        p: probability.
        allow_self: whether a unit may be joined to the unit of the same index.
    """

    p: float = static(doc="probability of a synapse")
    allow_self: bool = static(True, doc="whether i may be joined to i")

    def __check_init__(self):
        if not 0.0 <= self.p <= 1.0:
            raise ConfigurationError(got=f"p = {self.p}", expected="0 to 1", where="FixedProbability",
                                     fix="pass a probability")

    def expected(self, pre: tuple[int, ...], post: tuple[int, ...]) -> float:
        """The mean."""
        return self.p * prod(pre) * prod(post)

    @property
    def bytes_while_drawn(self) -> float:
        """Pairs, sources and targets as int64."""
        return 40.0 if self.allow_self else 56.0

    def draw(self, pre: tuple[int, ...], post: tuple[int, ...], rng: np.random.Generator) -> Drawn:
        """Walk over the pairs by geometric jumps, so that only the synapses drawn cost anything."""
        pairs, n_post = prod(pre) * prod(post), prod(post)
        found = [np.zeros(0, np.int64)]
        at = -1
        while self.p > 0 and at < pairs:
            expected = int((pairs - at) * self.p)
            jumps = rng.geometric(self.p, expected + 4 * int(expected**0.5) + 16)
            jumps = at + np.cumsum(np.minimum(jumps, pairs + 1))  # a tiny p jumps beyond int64
            found.append(jumps)
            at = int(jumps[-1])
        flat = np.concatenate(found)
        flat = flat[flat < pairs]
        sources, targets = flat // n_post, flat % n_post
        return by_source(sources, targets, prod(pre), None if self.allow_self else sources != targets)


class FixedOutDegree(AbstractRule):
    """Each source has exactly k synapses, onto different targets unless `multiple`.

    Args:
        k: synapses of each source.
        allow_self: whether i may be joined to i.
        multiple: whether a pair may have several synapses.
    """

    k: int = static(doc="synapses of each source")
    allow_self: bool = static(True, doc="whether i may be joined to i")
    multiple: bool = static(False, doc="whether a pair may have several synapses")

    def expected(self, pre: tuple[int, ...], post: tuple[int, ...]) -> float:
        """Exactly k of each source."""
        return float(self.k * prod(pre))

    @property
    def bytes_while_drawn(self) -> float:
        """Indices as int64, sorted and compared."""
        return 24.0

    def draw(self, pre: tuple[int, ...], post: tuple[int, ...], rng: np.random.Generator) -> Drawn:
        """Draw k targets for each source."""
        targets = _choices(prod(pre), prod(post), self.k, self.allow_self, self.multiple, rng)
        return np.arange(prod(pre) + 1, dtype=np.int32) * np.int32(self.k), targets.ravel()


class FixedInDegree(AbstractRule):
    """Each target has exactly k synapses, from different sources unless `multiple`.

    Args:
        k: synapses of each target.
        allow_self: whether i may be joined to i.
        multiple: whether a pair may have several synapses.
    """

    k: int = static(doc="synapses of each target")
    allow_self: bool = static(True, doc="whether i may be joined to i")
    multiple: bool = static(False, doc="whether a pair may have several synapses")

    def expected(self, pre: tuple[int, ...], post: tuple[int, ...]) -> float:
        """Exactly k of each target."""
        return float(self.k * prod(post))

    @property
    def bytes_while_drawn(self) -> float:
        """Indices as int64, sorted and compared."""
        return 24.0

    def draw(self, pre: tuple[int, ...], post: tuple[int, ...], rng: np.random.Generator) -> Drawn:
        """Draw k sources for each target."""
        sources = _choices(prod(post), prod(pre), self.k, self.allow_self, self.multiple, rng).ravel()
        targets = np.repeat(np.arange(prod(post), dtype=np.int32), self.k)
        return by_source(sources, targets, prod(pre))


class FixedTotalNumber(AbstractRule):
    """n synapses, each between a source and a target drawn at random; pairs may repeat (NEST).

    Args:
        n: number of synapses.
        allow_self: whether i may be joined to i.
    """

    n: int = static(doc="number of synapses")
    allow_self: bool = static(True, doc="whether i may be joined to i")

    def expected(self, pre: tuple[int, ...], post: tuple[int, ...]) -> float:
        """Exactly n."""
        return float(self.n)

    @property
    def bytes_while_drawn(self) -> float:
        """Blocks of threads; sources and targets as int64 where pairs are left out."""
        return 4.0 if self.allow_self else 24.0

    def draw(self, pre: tuple[int, ...], post: tuple[int, ...], rng: np.random.Generator) -> Drawn:
        """Draw how many synapses each source has, then a target for each: no sorting."""
        counts = rng.multinomial(self.n, np.full(prod(pre), 1 / prod(pre)))
        starts = _starts(counts)
        if self.allow_self:
            return starts, integers(rng, prod(post), self.n)
        sources = np.repeat(np.arange(prod(pre)), counts)
        return starts, _other_than(sources, prod(post), rng).astype(np.int32)


class DistanceDependent(AbstractRule):
    """Units on a grid of the population's shape, joined with probability p exp(-(d / scale)^2).

    Distances d are in grid spacings; both populations cover the same area. Pairs beyond 4 scales are left out.

    Args:
        p: probability at distance 0.
        scale: decay length (grid spacings of the target population).
        allow_self: whether i may be joined to i.

    References:
        Maass, Natschlaeger & Markram 2002 use this form for liquid state machines.
    """

    p: float = static(doc="probability at distance 0")
    scale: float = static(doc="decay length in grid spacings")
    allow_self: bool = static(False, doc="whether i may be joined to i")

    def expected(self, pre: tuple[int, ...], post: tuple[int, ...]) -> float:
        """As if no source were near the edge."""
        if self.scale <= 0:
            return 0.0
        reach = int(np.ceil(4 * self.scale))
        line = np.exp(-(np.arange(-reach, reach + 1) / self.scale) ** 2).sum()
        return prod(pre) * min(self.p * float(line) ** len(post), float(prod(post)))

    @property
    def bytes_while_drawn(self) -> float:
        """Sources and targets as int64, source by source and together."""
        return 56.0

    def draw(self, pre: tuple[int, ...], post: tuple[int, ...], rng: np.random.Generator) -> Drawn:
        """For each source, a draw among the targets in a box of 4 scales around it."""
        if len(pre) != len(post):
            raise ConfigurationError(got=f"shapes {pre} and {post}", expected="grids of one dimension",
                                     where="DistanceDependent", fix="give both populations a shape of equal rank")
        reach = int(np.ceil(4 * self.scale))
        offsets = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * len(post), indexing="ij"), -1)
        offsets = offsets.reshape(-1, len(post))
        sources, targets = [], []
        for index, place in enumerate(np.ndindex(*pre)):
            centre = (np.array(place) + 0.5) * np.array(post) / np.array(pre) - 0.5
            near = np.rint(centre).astype(int) + offsets
            near = near[((near >= 0) & (near < np.array(post))).all(1)]
            distance = ((near - centre) ** 2).sum(1)
            chosen = near[rng.random(len(near)) < self.p * np.exp(-distance / self.scale**2)]
            flat = np.ravel_multi_index(tuple(chosen.T), post)
            sources.append(np.full(len(flat), index))
            targets.append(flat)
        a, b = np.concatenate(sources), np.concatenate(targets)
        return by_source(a, b, prod(pre), None if self.allow_self else a != b)


def by_source(sources: np.ndarray, targets: np.ndarray, n_sources: int, mask: np.ndarray | None = None) -> Drawn:
    """The synapses where `mask` holds, sorted by source and otherwise in their order, as (starts, targets)."""
    if mask is not None:
        sources, targets = sources[mask], targets[mask]
    if len(sources) and (np.diff(sources) < 0).any():
        targets = targets[np.argsort(sources, kind="stable")]
    return _starts(np.bincount(sources, minlength=n_sources)), targets.astype(np.int32)


def _starts(counts: np.ndarray) -> np.ndarray:
    """Where the synapses of each source begin, and the end.

    Raises:
        ConfigurationError: more synapses than an index of 31 bits can tell apart.
    """
    ends = np.cumsum(counts)
    refuse_too_many(ends[-1] if len(ends) else 0)
    return np.concatenate([[0], ends]).astype(np.int32)


def refuse_too_many(synapses: float) -> None:
    """Raise `ConfigurationError` for more synapses than an index of 31 bits can tell apart."""
    if synapses >= MOST_SYNAPSES:
        raise ConfigurationError(got=f"{synapses:,.0f} synapses", expected=f"fewer than {MOST_SYNAPSES:,} a projection",
                                 where="connection rule", fix="split the projection by target population")


def integers(rng: np.random.Generator, below: int, size: int) -> np.ndarray:
    """int32 [size], uniform below `below`; drawn by threads."""
    def fill(own, out):
        out[:] = own.integers(below, size=len(out), dtype=np.int32)
    return drawn(rng, size, np.int32, fill)


def _other_than(sources: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Targets below `size`, uniform among those other than the source."""
    if size == 1 and (sources == 0).any():
        raise ConfigurationError(got="one unit that may not be joined to itself", expected="another target",
                                 where="connection rule", fix="allow_self=True, or a larger population")
    targets = rng.integers(np.where(sources < size, size - 1, size))
    return targets + (targets >= sources)


def _choices(rows: int, size: int, k: int, allow_self: bool, multiple: bool, rng: np.random.Generator) -> np.ndarray:
    """int32 [rows, k]: k indices below `size` in each row, different ones unless `multiple`."""
    if not allow_self and rows > size:  # the rows beyond have no twin that they could be joined to
        return np.concatenate([_choices(size, size, k, False, multiple, rng),
                               _choices(rows - size, size, k, True, multiple, rng)])
    available = size if allow_self else size - 1
    if k < 0 or (k > available and not (multiple and available)):
        raise ConfigurationError(got=f"degree {k}", expected=f"0 to {available}", where="connection rule",
                                 fix="lower the degree, or allow several synapses of a pair")
    drawn = rng.integers(available, size=(rows, k))
    while not multiple and k > 1:
        # Draw repeated entries again until none is left: for k near the size, choose row by row instead.
        if k * k > available:
            for row in range(rows):
                drawn[row] = rng.choice(available, k, replace=False, shuffle=False)
            break
        order = np.sort(drawn, 1)
        twice = np.flatnonzero((np.diff(order, axis=1) == 0).any(1))
        if not len(twice):
            break
        drawn[twice] = rng.integers(available, size=(len(twice), k))
    if not allow_self:
        drawn = drawn + (drawn >= np.arange(rows)[:, None])
    return drawn.astype(np.int32)
