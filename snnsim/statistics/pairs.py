"""Matrices with one number for each pair of trains."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from snnsim.statistics.binning import check_size
from snnsim.statistics.trains import SpikeTrains


def each_group(trains: SpikeTrains, measure: Callable[[SpikeTrains], np.ndarray], where: str) -> np.ndarray:
    """A matrix ``[trains, trains]`` for each group of trains: ``[batch, units, units]`` of events, one of a list.

    Args:
        trains: spike trains.
        measure: from the trains of one group to their matrix.
        where: who asks, for the error.

    Raises:
        ConfigurationError: a matrix too large to hold.
    """
    groups, size = trains.groups
    check_size(groups * size * size, f"{groups} matrices of {size} x {size} pairs", where,
               "choose some of the trains, SpikeTrains.of(source, stop=...)[:1000]")
    if len(trains.shape) < 2:
        return measure(trains)
    found = [measure(trains[group * size:(group + 1) * size]) for group in range(groups)]
    return np.stack(found) if found else np.empty((0, size, size))
