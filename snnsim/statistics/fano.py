"""Variability of spike counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from snnsim.statistics.binning import binned
from snnsim.statistics.trains import Source, SpikeTrains


def fano_factor(source: Source, *, window: float | None = None, start: float | None = None,
                stop: float | None = None) -> Any:
    r"""Fano factor of spike counts: var(n) / mean(n), over trials or over windows of one trial.

    The variance is that of the sample (divided by the number of counts). A Poisson process has 1.

    Args:
        source: events, spike trains, an array of times (ms) or a list of such arrays.
        window: None counts each train once and compares trials: the samples of events, the arrays of a list.
            A length (ms) counts in successive windows of that length and compares these, for each train.
        start: begin of the counted time (ms).
        stop: end of the counted time (ms); needed for windows unless the source knows it.

    Returns:
        Over trials: ``shape`` of the population, a number of a list. Over windows: ``[batch, *shape]``, ``[trains]``,
        or a number of one array. NaN where there are no spikes, and from fewer than two counts.

    Example:
        >>> float(fano_factor([[1.0, 2.0], [3.0], []]))
        0.6666666666666666
    """
    trains = SpikeTrains.of(source, start=start, stop=stop)
    if window is None:
        trials = trains.shape[0] if trains.shape else 1
        counts = trains.counts.reshape(trials, *trains.shape[1:])
        n, total, squares = trials, counts.sum(0), (counts**2).sum(0)
    else:
        in_windows = binned(trains, window)
        n = in_windows.n_bins
        total, squares = (trains.shaped(in_windows.per_train(power)) for power in (1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        # var / mean = (n S2 - S1^2) / (n S1), integers above and below
        return np.where((total > 0) & (n > 1), (n * squares - total**2) / (n * total), np.nan)[()]
