"""Spike counts in bins, kept only where they are not zero."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.statistics.trains import SpikeTrains

# A time this close before a bin's edge, as a share of the bin, is meant to lie on it: 0.3 / 0.1 is not 3 in binary.
EDGE = 1e-8
LARGEST = 2**28  # entries of an array that grows with the square of something: 2 GiB


@dataclass(frozen=True)
class BinnedCounts:
    """Spikes of each train in bins of one width, sorted by train and bin, without the empty ones.

    Args:
        train: int64 [entries], the train.
        bin: int64 [entries], the bin.
        count: int64 [entries], spikes of that train in that bin, 1 or more.
        n_trains: number of trains.
        n_bins: number of bins.
        bin_size: width of a bin (ms).
    """

    train: np.ndarray
    bin: np.ndarray
    count: np.ndarray
    n_trains: int
    n_bins: int
    bin_size: float

    def per_train(self, power: int = 1) -> np.ndarray:
        """Sum over the bins of the counts to this power, int64 [trains]."""
        running = np.concatenate([[0], np.cumsum(self.count**power)])
        edges = np.searchsorted(self.train, np.arange(self.n_trains + 1))
        return np.diff(running[edges])

    def clipped(self) -> BinnedCounts:
        """The same with every count 1: whether there was a spike."""
        return BinnedCounts(self.train, self.bin, np.ones_like(self.count), self.n_trains, self.n_bins, self.bin_size)

    def pooled(self, groups: int = 1) -> np.ndarray:
        """Spikes of all trains of a group in each bin, int64 ``[groups, bins]``; groups are equal parts in order."""
        check_size(groups * self.n_bins, f"{self.n_bins} bins of {groups} samples", "bins", "choose a larger bin_size")
        group = self.train // max(self.n_trains // max(groups, 1), 1)
        totals = np.zeros(groups * self.n_bins, np.int64)
        np.add.at(totals, group * self.n_bins + self.bin, self.count)
        return totals.reshape(groups, self.n_bins)

    def dense(self, first: int = 0, last: int | None = None) -> np.ndarray:
        """float64 ``[trains, bins]``, of the trains from `first` to before `last`."""
        last = self.n_trains if last is None else last
        check_size((last - first) * self.n_bins, f"{self.n_bins} bins of {last - first} trains", "bins",
                   "choose a larger bin_size, or some of the trains")
        counts = np.zeros((last - first, self.n_bins))
        mine = slice(*np.searchsorted(self.train, [first, last]))
        counts[self.train[mine] - first, self.bin[mine]] = self.count[mine]
        return counts


def positive(value: float, name: str, where: str, unit: str = "ms") -> float:
    """The value as a float.

    Raises:
        ConfigurationError: it is not a finite number above 0.
    """
    if not (isfinite(value) and value > 0):
        raise ConfigurationError(got=f"{name} = {value} {unit}", expected="a finite number above 0", where=where,
                                 fix=f"choose {name} > 0")
    return float(value)


def check_size(entries: float, got: str, where: str, fix: str) -> None:
    """Refuse an array that would not fit.

    Raises:
        ConfigurationError: more than `LARGEST` entries.
    """
    if entries > LARGEST:
        raise ConfigurationError(got=got, expected=f"{LARGEST} numbers at most ({LARGEST / 2**27:g} GiB)", where=where,
                                 fix=fix)


def n_whole_bins(trains: SpikeTrains, bin_size: float) -> int:
    """Whole bins in the window.

    Raises:
        ConfigurationError: there is none.
    """
    exact = trains.duration / positive(bin_size, "bin_size", "bins")
    check_size(exact, f"{exact:g} bins", "bins", "choose a larger bin_size")
    found = _floor(np.array(exact))
    if found < 1:
        raise ConfigurationError(got=f"bins of {bin_size} ms in a window of {trains.duration} ms", where="bins",
                                 expected="one bin or more", fix="choose a smaller bin_size, or a longer window")
    return int(found)


def binned(trains: SpikeTrains, bin_size: float) -> BinnedCounts:
    """Spike counts in the whole bins ``[start + k bin_size, start + (k + 1) bin_size)`` of the window.

    What is left at the window's end, shorter than a bin, is not counted. A spike within 1e-8 bins before an edge
    lies on it. Both as in Elephant, so that results agree.

    Args:
        trains: spike trains with a known window.
        bin_size: width of a bin (ms).

    Raises:
        ConfigurationError: a width that is not positive, or no whole bin in the window.
    """
    n_bins = n_whole_bins(trains, bin_size)
    at = _floor((trains.times - trains.start) / bin_size)
    train = trains.train
    inside = at < n_bins
    at, train = at[inside], train[inside]
    first = np.flatnonzero(np.concatenate([[True], (np.diff(at) != 0) | (np.diff(train) != 0)])) if len(at) else at
    count = np.diff(np.concatenate([first, [len(at)]]))
    return BinnedCounts(train[first], at[first], count, trains.n_trains, n_bins, float(bin_size))


def _floor(exact: np.ndarray) -> np.ndarray:
    whole = np.floor(exact)
    return (whole + (exact - whole >= 1.0 - EDGE)).astype(np.int64)
