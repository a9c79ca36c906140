"""Event files of other makers: HDF5 columns ``t, x, y, p`` or ``times, units``, unit of time stated."""

from __future__ import annotations

from math import prod
from pathlib import Path

import h5py
import numpy as np

from snnsim.core.dataset import LabelledEvents
from snnsim.core.errors import ConfigurationError
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

_MS = {"s": 1e3, "ms": 1.0, "us": 1e-3, "µs": 1e-3, "ns": 1e-6}


def read_events_hdf5(path: str | Path, *, shape: int | tuple[int, ...], time_unit: str | None = None,
                     group: str = "/", resolution: float = 0.001, max_bytes: int = MAX_BYTES
                     ) -> Events | LabelledEvents:
    """Events of an HDF5 file with one column for each quantity.

    Times are called ``times`` or ``t``; places are ``units`` (flat index) or ``x`` and ``y``, with ``p`` (0
    or 1) where there are polarities. Columns are either one list a sample (variable length), or flat with
    ``offsets`` (where each sample begins, and the end) beside them; flat without offsets is one sample. With
    ``labels`` (and ``classes``) the result carries labels.

    Args:
        path: the file.
        shape: shape of the sensor: number of units, (height, width), or (2, height, width) with polarity.
        time_unit: "s", "ms", "us" or "ns"; needed where the column of times has no attribute ``unit``.
        group: group of the file that holds the columns.
        resolution: length of a tick of the result (ms).
        max_bytes: refuse a file that declares more data than this (bytes).

    Raises:
        ConfigurationError: `time_unit` is not a known unit.
        DataError: damaged or another layout; no unit of time, or two that disagree; times that are unsorted,
            negative or not finite; places outside `shape`.
    """
    path, shape = Path(path), (int(shape),) if isinstance(shape, int | np.integer) else tuple(shape)
    if time_unit is not None and time_unit not in _MS:
        raise ConfigurationError(got=f"time_unit = {time_unit!r}", expected="s, ms, us or ns",
                                 where="read_events_hdf5", fix="pass one of these")
    with open_hdf5(path) as file:
        columns = {name: find(file, f"{group}/{name}", required=False)
                   for name in ("times", "t", "units", "x", "y", "p", "offsets", "labels", "classes")}
        here = {name: data for name, data in columns.items() if data is not None}
        if ("times" in here) == ("t" in here) or ("units" in here) == ("x" in here and "y" in here):
            raise wrong(f"{path}, group '{group}'",
                        f"data sets {', '.join(here) or 'none'} (of {', '.join(file)})",
                        "times or t, with units or with x and y", "name the group, or convert the file")
        times = here["times"] if "times" in here else here["t"]
        scale = _MS[_unit(path, times, time_unit)]
        places = ["units"] if "units" in here else [name for name in ("p", "y", "x") if name in here]
        sizes = [prod(shape)] if "units" in here else list(shape)
        if len(sizes) != len(places):
            raise wrong(path, f"columns {', '.join(places)} and shape {shape}", "one size for each column",
                        "pass shape = (height, width), or (2, height, width) with polarity")
        t, offsets = _column(times, "fiu", here, max_bytes)
        flat = np.zeros(len(t), np.int64)
        for name, size in zip(places, sizes, strict=True):
            column, own = _column(here[name], "iub", here, max_bytes)
            if not np.array_equal(own, offsets):
                raise wrong(f"{path}, '{name}'", "samples of other lengths than the times", "equal lengths")
            if column.size and (column.min() < 0 or column.max() >= size):
                raise wrong(f"{path}, '{name}'", f"numbers from {column.min()} to {column.max()}",
                            f"0 to {size - 1}",
                            "check the sensor's shape")
            flat = flat * size + column
        t = t.astype(np.float64) * scale
        if not np.isfinite(t).all() or (t.size and t.max() / resolution >= 2**62):
            raise wrong(f"{path}, '{times.name}'", "times that are not finite", "finite times")
        events = Events(np.rint(t / resolution).astype(np.int64), flat, offsets, shape, resolution)
        if "labels" not in here:
            return events
        labels = read_flat(here["labels"], kinds="iu", max_bytes=max_bytes)
        classes = (read_names(here["classes"], max_bytes) if "classes" in here
                   else tuple(str(k) for k in range(min(int(labels.max(initial=0)), 10**6) + 1)))
        return LabelledEvents(events, labels, classes, None, path.stem)


def _unit(path: Path, times: h5py.Dataset, asked: str | None) -> str:
    """The unit of time: of the file, of the caller, or an error that asks for it."""
    stated = times.attrs.get("unit", times.parent.attrs.get("unit"))
    stated = stated.decode() if isinstance(stated, bytes) else stated
    if stated is None and asked is None:
        raise wrong(f"{path}, '{times.name}'", "no attribute 'unit'", "a unit of time",
                    "pass time_unit='s', 'ms', 'us' or 'ns'")
    if stated is not None and stated not in _MS:
        raise wrong(f"{path}, '{times.name}'", f"unit {stated!r}", "s, ms, us or ns", "correct the attribute")
    if stated is not None and asked is not None and _MS[stated] != _MS[asked]:
        raise wrong(f"{path}, '{times.name}'", f"unit {stated!r} in the file and time_unit = {asked!r}",
                    "one unit",
                    "leave time_unit away, or correct the attribute")
    return str(stated) if asked is None else asked


def _column(data: h5py.Dataset, kinds: str, here: dict[str, h5py.Dataset], max_bytes: int
            ) -> tuple[np.ndarray, np.ndarray]:
    """One column, flat, and where each sample begins."""
    where = f"{data.file.filename}, '{data.name}'"
    base = h5py.check_vlen_dtype(data.dtype)
    if base is None:
        flat = read_flat(data, kinds=kinds, max_bytes=max_bytes)
        if "offsets" not in here:
            return flat, np.array([0, len(flat)])
        return flat, read_flat(here["offsets"], kinds="iu", max_bytes=max_bytes).astype(np.int64)
    check_ragged(data, kinds)
    lengths = declared_lengths(data)
    check_bytes(int(lengths.sum()) * max(np.dtype(base).itemsize, 8), max_bytes, where)
    flat = np.empty(int(lengths.sum()), base)
    for place, block in ragged_blocks(data, lengths):
        flat[place] = block
    return flat, np.concatenate([[0], np.cumsum(lengths)])
