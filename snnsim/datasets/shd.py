"""Spiking Heidelberg Digits and Spiking Speech Commands: reader of their HDF5 layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snnsim.core.dataset import LabelledEvents
from snnsim.core.events import Events
from snnsim.datasets.file_checks import MAX_BYTES, check_bytes, wrong
from snnsim.datasets.hdf5_checks import (
    check_ragged,
    declared_lengths,
    find,
    open_hdf5,
    ragged_blocks,
    read_flat,
    read_names,
)

N_CHANNELS = 700
"""Channels of the artificial cochlea (Cramer et al. 2022)."""


def read_shd(path: str | Path, *, max_bytes: int = MAX_BYTES) -> LabelledEvents:
    """Recordings of one file in the layout of SHD and SSC.

    The file holds ``spikes/times`` (s, float16, one list a sample), ``spikes/units`` (channel 0 to 699),
    ``labels``, and where known ``extra/speaker`` (becomes `groups`) and ``extra/keys`` (names of the
    classes).

    Args:
        path: HDF5 file, for example ``shd_train.h5``.
        max_bytes: refuse a file that declares more data than this (bytes).

    Returns:
        recordings of shape (700,) with a resolution of 0.001 ms, labels, names of the classes, speakers.

    Raises:
        DataError: a damaged file or another layout; times that are unsorted, negative or not finite; channels
            outside 0 to 699; labels missing or outside the classes.

    References:
        Cramer et al., The Heidelberg Spiking Data Sets for the Systematic Evaluation of Spiking Neural
        Networks, IEEE Transactions on Neural Networks and Learning Systems 33 (2022).
    """
    path = Path(path)
    with open_hdf5(path) as file:
        times, units = find(file, "spikes/times"), find(file, "spikes/units")
        check_ragged(times, "f")
        check_ragged(units, "iu")
        labels = read_flat(find(file, "labels"), kinds="iu", max_bytes=max_bytes)
        lengths = declared_lengths(times)
        _check_lengths(path, lengths, declared_lengths(units), len(labels))
        n = int(lengths.sum())
        check_bytes(n * 12, max_bytes, f"{path}, 'spikes'")  # int64 ticks and int32 indices
        ticks, indices = np.empty(n, np.int64), np.empty(n, np.int32)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        for place, block in ragged_blocks(times, lengths):
            ticks[place] = _ticks(path, block, place.start, offsets)
        for place, block in ragged_blocks(units, lengths):
            if block.size and (block.max() >= N_CHANNELS or block.min() < 0):
                at = int(np.argmax((block >= N_CHANNELS) | (block < 0)))
                raise wrong(f"{path}, 'spikes/units', {_sample(place.start + at, offsets)}",
                            f"channel {block[at]}",
                            f"0 to {N_CHANNELS - 1}")
            indices[place] = block
        keys, speaker = find(file, "extra/keys", required=False), find(file, "extra/speaker", required=False)
        classes = (read_names(keys, max_bytes) if keys is not None
                   else tuple(str(k) for k in range(int(labels.max(initial=0)) + 1)))
        groups = None if speaker is None else read_flat(speaker, kinds="iu", max_bytes=max_bytes)
        events = Events(ticks, indices, offsets, (N_CHANNELS,))
        return LabelledEvents(events, labels, classes, groups, path.stem)


def load_shd(folder: str | Path, *, max_bytes: int = MAX_BYTES) -> tuple[LabelledEvents, LabelledEvents]:
    """Training and test recordings of a folder with a pair ``*_train.h5`` and ``*_test.h5``.

    The validation file of SSC is not read: `read_shd` on ``ssc_valid.h5`` gives it.

    Args:
        folder: folder with ``shd_train.h5`` and ``shd_test.h5``, those of SSC, or one other such pair.
        max_bytes: refuse a file that declares more data than this (bytes).

    Raises:
        DataError: no pair, several pairs, or a file that `read_shd` refuses.
    """
    stem = find_pair(folder)
    folder = Path(folder)
    return (read_shd(folder / f"{stem}_train.h5", max_bytes=max_bytes),
            read_shd(folder / f"{stem}_test.h5", max_bytes=max_bytes))


def find_pair(folder: str | Path) -> str:
    """Name in front of ``_train.h5`` and ``_test.h5`` in a folder.

    Args:
        folder: folder to look in.

    Raises:
        DataError: no such pair, or several and none of them SHD or SSC alone.
    """
    found = sorted(p.name for p in Path(folder).glob("*.h5"))
    stems = [name.removesuffix("_train.h5") for name in found
             if name.endswith("_train.h5") and name.replace("_train.h5", "_test.h5") in found]
    if len(stems) != 1:
        listed = ", ".join(found) or "no .h5 file"
        raise wrong(folder, listed, "one pair NAME_train.h5 and NAME_test.h5",
                    "unpack the archives here, or keep one data set in a folder")
    return stems[0]


def _check_lengths(path: Path, times: np.ndarray, units: np.ndarray, n_labels: int) -> None:
    if not len(times) == len(units) == n_labels or n_labels == 0:
        raise wrong(path, f"{len(times)} lists of times, {len(units)} of units, {n_labels} labels",
                    "one of each for every sample")
    if (times != units).any():
        at = int(np.argmax(times != units))
        raise wrong(f"{path}, sample {at}", f"{times[at]} times and {units[at]} units", "equal numbers")


def _ticks(path: Path, seconds: np.ndarray, first: int, offsets: np.ndarray) -> np.ndarray:
    # Widened before it is scaled: 1e6 does not fit into float16, which would make every time infinite.
    ticks = seconds.astype(np.float64) * 1e6
    bad = ~(np.isfinite(ticks) & (ticks >= 0) & (ticks < 2**62))
    if bad.any():
        at = int(np.argmax(bad))
        raise wrong(f"{path}, 'spikes/times', {_sample(first + at, offsets)}", f"time {seconds[at]} s",
                    "a finite time of 0 or later")
    ticks = np.rint(ticks).astype(np.int64)
    falling = np.concatenate([[False], ticks[1:] < ticks[:-1]])
    starts = offsets[np.searchsorted(offsets, first) :] - first
    falling[starts[starts < len(ticks)]] = False
    if falling.any():
        at = int(np.argmax(falling))
        raise wrong(f"{path}, 'spikes/times', {_sample(first + at, offsets)}",
                    f"time {seconds[at]} s after {seconds[at - 1]} s", "times in order",
                    "sort the spikes of each sample")
    return ticks


def _sample(event: int, offsets: np.ndarray) -> str:
    return f"sample {int(np.searchsorted(offsets, event, side='right')) - 1}"
