"""`PoissonGenerator`: independent Poisson spike trains, the same to the bit on every device."""

from __future__ import annotations

from math import ceil, exp, floor, inf, log2
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import float_array, param, shape_tuple, static
from snnsim.core.keys import Rand
from snnsim.neurons.generator import AbstractGenerator

MEAN_OF_A_DRAW = 8.0  # larger means are the sum of several draws; P(0) must stay far above its rounding error
MOST_DRAWS = 64
FRACTION = 30  # bits of a mean in fixed point


class SpikeCountState(NamedTuple):
    """Number of spikes of the present step."""

    n_spikes: jax.Array


class PoissonGenerator(AbstractGenerator):
    """A Poisson spike train a unit: its output is the number of spikes of the step (NEST poisson_generator).

    Project it one to one, without delay: a shifted Poisson train is a Poisson train of the same rate. For several
    targets with inputs of their own, take as many units; a unit that several targets listen to gives all of them the
    same spikes.

    The same seed gives the same spikes on CPU and GPU, in single and double precision, on any number of devices. A
    word of 32 random bits is compared with P(count >= k) in units of 2^-32, k = 1, 2, ...; these come from single
    precision products, of which no compiler may change the rounding, and sums of integers. The mean count of a step is
    therefore right to 1e-6 of itself plus 1e-9.

    Args:
        shape: number of units, or shape.
        rate: spikes/s, one number or one a unit.
        max_rate: largest rate (spikes/s) for which the program is built; by default the next power of two. Generators
            of one `max_rate` run as one population; a rate above it, set later, gives counts of NaN, which `simulate`
            reports.
        start: when it is switched on (ms).
        stop: when it is switched off (ms).

    Raises:
        ConfigurationError: a negative rate, or one above `max_rate`; in `simulate` more than 512 spikes a step.

    Example:
        >>> import jax, snnsim as sn
        >>> net = sn.Network(dict(noise=sn.neurons.PoissonGenerator(500, 40.0), cells=sn.LIFPscExp(500)),
        ...                  [sn.Projection("noise", "cells", sn.OneToOne(0.1), port="exc")], key=jax.random.key(0))
        >>> rec = sn.simulate(net, duration=1000.0, dt=0.5, record={"noise": ["output"]})
        >>> 38 < float(rec["noise", "output"].sum() / 500) < 42
        True
    """

    rate: jax.Array = param(0.0, unit="Hz", doc="spikes a second", bounds=(0.0, None))
    max_rate: float = static(0.0, doc="largest rate for which the program is built", unit="Hz", kw_only=True)

    membrane: ClassVar = "n_spikes"
    state_type: ClassVar = SpikeCountState

    def __init__(self, shape: int | tuple[int, ...], rate: Any = 0.0, *, max_rate: float | None = None,
                 start: float = 0.0, stop: float = inf):
        self.shape, self.rate = shape_tuple(shape), float_array(rate)
        self.start, self.stop = float(start), float(stop)
        if max_rate is None:
            if isinstance(self.rate, jax.core.Tracer):
                raise ConfigurationError(got="a traced rate and no max_rate", expected="a largest rate",
                                         where=type(self).__name__, fix="pass max_rate, in spikes/s")
            highest = _highest(self.rate)
            max_rate = 2.0 ** ceil(log2(highest)) if 0.0 < highest < inf else 0.0
        self.max_rate = float(max_rate)

    def __check_init__(self):
        fine = 0.0 <= self.max_rate < inf
        if fine and not isinstance(self.rate, jax.core.Tracer):
            fine = _highest(self.rate) <= float(np.float32(self.max_rate))
        if not fine:
            raise ConfigurationError(got=f"rate = {self.rate} with max_rate = {self.max_rate}",
                                     expected="finite rates up to max_rate", where=type(self).__name__,
                                     fix="raise max_rate, or leave it out")

    def level(self, dt: float, rand: Rand) -> jax.Array:
        """Spikes of this step while switched on."""
        most = self.max_rate * dt * 1e-3
        draws = max(1, ceil(most / MEAN_OF_A_DRAW))
        if draws > MOST_DRAWS:
            raise ConfigurationError(got=f"up to {most:g} spikes a step", where=type(self).__name__,
                                     expected=f"at most {MEAN_OF_A_DRAW * MOST_DRAWS:g}",
                                     fix="use a smaller dt, or one spike of a larger weight for several")
        thresholds = at_least(self.rate, dt * 1e-3 / draws, most / draws)
        words = [word for pair in range((draws + 1) // 2) for word in rand.words(pair)][:draws]
        count = sum((word < threshold).astype(jnp.int32) for word in words for threshold in thresholds)
        rate = self.rate.astype(jnp.float32)
        valid = (rate >= 0) & (rate <= np.float32(self.max_rate))
        dtype = jnp.result_type(float, self.rate)
        return jnp.where(valid, jnp.asarray(count).astype(dtype), jnp.asarray(jnp.nan, dtype))


def _highest(rate: jax.Array) -> float:
    """The largest rate in single precision, on the host: a generator may be built while a function is traced."""
    return float(np.asarray(rate, np.float32).max(initial=0.0))


def at_least(rate: jax.Array, scale: float, most: float) -> list[jax.Array]:
    """P(count >= k) for k = 1, 2, ... of a Poisson number of mean ``rate * scale``, in units of 2^-32, uint32.

    Every float operation is a single product, rounded once: there is no sum that a compiler might contract or reorder.
    Probabilities are summed from the rare counts up, which keeps their relative precision, and P(0) is left out, so
    that the sum stays below 2^32.

    Args:
        rate: float, of any precision; used in single precision.
        scale: factor.
        most: largest mean that the probabilities are good for, at most `MEAN_OF_A_DRAW`.
    """
    if most <= 0:
        return []
    exponent = floor(log2(most)) + 1  # most < 2^exponent
    fixed = (rate.astype(jnp.float32) * np.float32(scale * 2.0 ** (FRACTION - exponent))).astype(jnp.int32)
    mean = fixed.astype(jnp.float32) * np.float32(2.0 ** (exponent - FRACTION))  # exact: bits were cut, none added
    term = jnp.full_like(mean, 2.0**32)
    for bit in range(FRACTION):  # exp(-mean): a factor for each bit of the mean that single precision can see
        weight = 2.0 ** (bit + exponent - FRACTION)
        if weight >= 2.0**-25:
            term = term * jnp.where((fixed >> bit) & 1 == 1, np.float32(exp(-weight)), np.float32(1.0))
    terms = []
    for k in range(1, _counts(most) + 1):
        term = term * (mean * np.float32(1.0 / k))
        terms.append(term.astype(jnp.int32).astype(jnp.uint32))  # at most 2^32 / e
    sums = [terms[-1]]
    for part in reversed(terms[:-1]):
        sums.append(sums[-1] + part)
    return sums[::-1]


def _counts(mean: float) -> int:
    """The largest count with a probability of 2^-32 or more."""
    probability, count = exp(-mean), 0
    while probability >= 2.0**-32 or count < mean:
        count += 1
        probability *= mean / count
    return max(1, count)
