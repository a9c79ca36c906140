"""When a circuit works: what its outputs must do on all patterns together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Judge = Callable[[np.ndarray], np.ndarray]
"""From slips ``[..., patterns, outputs]`` to whether each circuit works, ``[...]``."""


def matches(expected: np.ndarray) -> Judge:
    """A circuit works if every output slips exactly so often.

    Args:
        expected: ``[patterns, outputs]``.
    """
    wanted = np.asarray(expected, np.int64)
    return lambda slips: (slips == wanted.reshape(slips.shape[-2:])).all((-2, -1))


def right_share(slips: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Share of patterns whose output of this label slips more often than every other one, ``[...]``.

    Args:
        slips: ``[..., patterns, outputs]``.
        labels: ``[patterns]``.
    """
    chosen = np.take_along_axis(slips, np.broadcast_to(labels[:, None], (*slips.shape[:-1], 1)), -1)
    others = np.where(np.arange(slips.shape[-1]) == np.asarray(labels)[:, None], -1, slips).max(-1)
    return (chosen[..., 0] > others).mean(-1)


def classifies(labels: np.ndarray, at_least: float) -> Judge:
    """A circuit works if it classifies at least this share of the patterns.

    Args:
        labels: ``[patterns]``.
        at_least: 0 to 1.
    """
    return lambda slips: right_share(slips, np.asarray(labels)) >= at_least
