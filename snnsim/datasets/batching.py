"""Batches of one size and one length, so that a compiled training step is traced once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from snnsim.core.dataset import LabelledEvents
from snnsim.core.errors import ConfigurationError


@dataclass(frozen=True)
class Batch:
    """Samples made dense; places left over in the last batch of an epoch hold silent padding.

    Args:
        inputs: float32 ``[time, batch, *shape]``, number (or sum of values) of the events of each step
            and unit.
        labels: int32 [batch]; 0 where padded.
        mask: float32 [batch], 1 for a sample and 0 for padding: multiply losses with it.
        index: int64 [batch], place of each sample in the data set; the data set's length where padded.
    """

    inputs: np.ndarray
    labels: np.ndarray
    mask: np.ndarray
    index: np.ndarray


def epoch_order(n: int, seed: int | None, epoch: int = 0) -> np.ndarray:
    """Order of the samples in an epoch, int64 [n]: a function of `n`, `seed` and `epoch` alone.

    Args:
        n: number of samples.
        seed: seed of the shuffle; None keeps the order of the data set.
        epoch: number of the epoch, from 0.

    Raises:
        ConfigurationError: a negative seed or epoch.

    Example:
        >>> bool((epoch_order(9, seed=1, epoch=2) == epoch_order(9, seed=1, epoch=2)).all())
        True
    """
    if (seed is not None and seed < 0) or epoch < 0:
        raise ConfigurationError(got=f"seed = {seed}, epoch = {epoch}", expected="0 or more",
                                 where="epoch_order",
                                 fix="pass non-negative integers")
    return np.arange(n) if seed is None else np.random.default_rng([seed, epoch]).permutation(n)


def batches(dataset: LabelledEvents, batch_size: int, *, dt: float, steps: int, seed: int | None = None,
            epoch: int = 0, drop_last: bool = False, crop: bool = False) -> Iterator[Batch]:
    """All samples once, in batches of exactly `batch_size`.

    Args:
        dataset: recordings with labels.
        batch_size: samples of a batch.
        dt: width of a step (ms).
        steps: number of steps; with `dt` the length of every batch.
        seed: seed of the shuffle; None keeps the order of the data set.
        epoch: number of the epoch; another epoch has another order.
        drop_last: leave out a last batch that is not full, instead of padding it.
        crop: leave out events at or after ``steps * dt`` instead of refusing them.

    Yields:
        batches in the order of `epoch_order`.

    Raises:
        ConfigurationError: sizes below 1, or a negative seed.
        DataError: events at or after ``steps * dt``, unless `crop`.

    Example:
        >>> from snnsim.core.events import Events
        >>> three = Events.from_dense(np.ones((4, 3, 2)), dt=1.0)
        >>> data = LabelledEvents(three, np.array([0, 1, 0]), ("a", "b"))
        >>> [(batch.inputs.shape, batch.mask.tolist()) for batch in batches(data, 2, dt=1.0, steps=4)]
        [((4, 2, 2), [1.0, 1.0]), ((4, 2, 2), [1.0, 0.0])]
    """
    if batch_size < 1 or steps < 1 or not dt > 0:
        raise ConfigurationError(got=f"batch_size = {batch_size}, steps = {steps}, dt = {dt} ms",
                                 expected="positive numbers", where="batches", fix="correct the argument")
    order = epoch_order(len(dataset), seed, epoch)
    return _made(dataset, order, batch_size, dt, steps, drop_last, crop)


def _made(dataset: LabelledEvents, order: np.ndarray, batch_size: int, dt: float, steps: int, drop_last: bool,
          crop: bool) -> Iterator[Batch]:
    for first in range(0, len(order), batch_size):
        chosen = order[first : first + batch_size]
        padding = batch_size - len(chosen)
        if padding and drop_last:
            return
        events = dataset.events[chosen]
        if crop:
            events = events.select(events.steps(dt) < steps)
        if padding:  # samples without any event
            events = replace(events, offsets=np.pad(events.offsets, (0, padding), mode="edge"))
        yield Batch(events.dense(dt, steps), np.pad(dataset.labels[chosen], (0, padding)),
                    np.pad(np.ones(len(chosen), np.float32), (0, padding)),
                    np.pad(chosen, (0, padding), constant_values=len(dataset)))
