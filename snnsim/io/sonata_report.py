"""Reports in the SONATA layout: a variable of each unit over time, ``/report/<population>/{data, mapping}``."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from snnsim.core.units import factor_to_ours
from snnsim.datasets.file_checks import MAX_BYTES, check_bytes, wrong
from snnsim.datasets.hdf5_checks import find, open_hdf5, read_flat
from snnsim.io.hdf5_places import place
from snnsim.io.sonata import TIME_UNITS, Make, attribute, population_names

_TILE = (1024, 256)  # steps, values: one variable of one unit is read without reading all others


class SonataReport(NamedTuple):
    """A variable of one population over time.

    Args:
        data: ``[steps, values]``.
        nodes: unit of each value, int64 [values].
        start: time of the first row (ms).
        dt: time between rows (ms).
        unit: physical unit of the data, as the file says.
    """

    data: np.ndarray
    nodes: np.ndarray
    start: float
    dt: float
    unit: str


def tiled(group: Any, name: str, shape: tuple[int, ...], dtype: Any) -> tuple[Any, Any]:
    """(a data set, its place), stored in tiles."""
    return place(group, name, shape, dtype, _tile(shape) if min(shape) else None)


def tiles(shape: tuple[int, ...]) -> int:
    """How many tiles a data set of this shape has."""
    return prod(-(-size // step) for size, step in zip(shape, _tile(shape), strict=True)) if min(shape) else 0


def _tile(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(min(size, most) for size, most in zip(shape, _TILE, strict=True))


def report_group(file: Any, name: str, columns: tuple[int, int, Any], n_units: int, time: tuple[int, int, float],
                 unit: str, make: Make = tiled) -> Any:
    """The group of one population; gives the place of its data, which `make` makes and which is not filled yet.

    Args:
        file: open file.
        name: the population.
        columns: (steps, values a step, dtype).
        n_units: size of the population; units may have several values each.
        time: (first step, last step + 1, dt in ms).
        unit: physical unit of the variable.
        make: how the data set is made.
    """
    steps, values, dtype = columns
    each = values // n_units
    group = file.create_group(f"report/{name}", track_order=False)
    data, where = make(group, "data", (steps, values), dtype)
    data.attrs["units"] = unit
    mapping = group.create_group("mapping", track_order=False)
    first, last, dt = time
    for title, content in (("node_ids", np.arange(n_units, dtype=np.uint64)),
                           ("index_pointers", np.arange(n_units + 1, dtype=np.uint64) * np.uint64(each)),
                           ("element_ids", np.tile(np.arange(1, each + 1, dtype=np.uint32), n_units)),
                           ("time", np.array([first * dt, last * dt, dt]))):
        mapping.create_dataset(title, data=content, track_times=False)
    mapping["node_ids"].attrs["sorted"] = np.uint8(1)
    mapping["time"].attrs["units"] = "ms"
    return where


def read_sonata_report(path: str | Path, *, max_bytes: int = MAX_BYTES) -> dict[str, SonataReport]:
    """Read a SONATA report of elements of nodes (membrane potentials, currents), of snnsim or of others.

    Args:
        path: file to read; it need not be trusted.
        max_bytes: refuse a population that declares more data than this.

    Returns:
        A `SonataReport` by population.

    Raises:
        DataError: damaged or another layout, sizes that do not fit together, no unit.

    References:
        SONATA developer guide, section "Frame oriented, node element recordings".
    """
    path, found = Path(path), {}
    with open_hdf5(path) as file:
        for name in population_names(file, "report", path):
            where = f"{path}, population {name!r}"
            data: Any = find(file, f"report/{name}/data")
            nodes, pointers, time = (_mapping(file, name, part) for part in ("node_ids", "index_pointers", "time"))
            check_bytes(data.size * data.dtype.itemsize, max_bytes, where)
            if data.ndim != 2 or data.dtype.kind != "f":
                raise wrong(where, f"data of type {data.dtype} and shape {data.shape}", "floats [steps, values]")
            starts = read_flat(pointers, kinds="iu", max_bytes=max_bytes).astype(np.int64)
            ids = read_flat(nodes, kinds="iu", max_bytes=max_bytes)
            each = np.diff(starts)
            if len(each) != len(ids) or (each < 0).any() or starts[:1].tolist() != [0] or starts[-1] != data.shape[1]:
                raise wrong(where, f"index pointers that run over {len(each)} nodes to {starts[-1:]}",
                            f"{len(ids)} nodes and {data.shape[1]} values")
            start, stop, dt = _times(time, where, max_bytes)
            if abs((stop - start) / dt - data.shape[0]) > 0.5:
                raise wrong(where, f"{data.shape[0]} rows", f"times from {start} to {stop} by {dt} ms")
            unit = attribute(data, "units", where)
            found[name] = SonataReport(data[...], np.repeat(ids.astype(np.int64), each), start, dt, str(unit or ""))
    return found


def _mapping(file: Any, name: str, part: str) -> Any:
    return find(file, f"report/{name}/mapping/{part}")


def _times(time: Any, where: str, max_bytes: int) -> tuple[float, float, float]:
    """Start, stop and step in ms."""
    unit = attribute(time, "units", where)
    if unit not in TIME_UNITS or time.shape != (3,):
        raise wrong(where, f"times of shape {time.shape} in {unit!r}", "start, stop and step, in ms or s")
    start, stop, dt = read_flat(time, kinds="f", max_bytes=max_bytes) * factor_to_ours(TIME_UNITS[unit])
    if not (np.isfinite([start, stop, dt]).all() and dt > 0 and stop >= start):
        raise wrong(where, f"times from {start} to {stop} by {dt}", "finite times and a positive step")
    return float(start), float(stop), float(dt)


