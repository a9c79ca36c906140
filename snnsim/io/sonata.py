"""Spike files in the SONATA layout: ``/spikes/<population>/{timestamps, node_ids}``, as BMTK, NEST and libsonata read.

Beside what the format asks for, each population's group carries the attributes ``shape`` and ``resolution`` (length
of a tick, ms), so that the same `Events` come back; other readers ignore them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from snnsim.core.errors import ConfigurationError, UnsupportedError
from snnsim.core.events import Events
from snnsim.core.fields import shape_tuple
from snnsim.core.units import factor_to_ours
from snnsim.datasets.file_checks import MAX_BYTES, wrong
from snnsim.datasets.hdf5_checks import find, open_hdf5, read_flat
from snnsim.io.atomic import replacing
from snnsim.io.hdf5_places import new_hdf5, place

MAGIC, VERSION = 0x0A7A, (0, 1)  # what the developer guide asks of every file
SORTING = {"none": 0, "by_id": 1, "by_time": 2}
TIME_UNITS = {"s": "s", "ms": "ms", "us": "us", "ns": "ns", "seconds": "s", "milliseconds": "ms"}
_OFF_GRID = 1e-3  # of a tick; farther than rounding of decimal times goes
Make = Callable[[Any, str, tuple[int, ...], Any], tuple[Any, Any]]  # (data set, its place), as `place` gives them


def write_sonata_spikes(path: str | Path, spikes: Mapping[str, Events], *, overwrite: bool = False) -> None:
    """Write spikes of several populations, sorted by time, whole or not at all.

    Args:
        path: file to write, by custom ``spikes.h5``.
        spikes: one sample of events by population.
        overwrite: whether an existing file may be replaced.

    Raises:
        UnsupportedError: several samples, or values that are no numbers of spikes: the format has neither.
        OutputExistsError: the file exists and `overwrite` is False.
        OSError: the disk is full or refuses to write; an earlier file is then as it was.

    Example:
        >>> import tempfile, snnsim as sn
        >>> from snnsim.io import read_sonata_spikes, write_sonata_spikes
        >>> events = sn.Events.from_times([0.5, 2.0], [3, 0], shape=4, resolution=0.1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_sonata_spikes(f"{folder}/spikes.h5", {"cortex": events})
        ...     print(read_sonata_spikes(f"{folder}/spikes.h5")["cortex"].times)
        [0.5 2. ]

    References:
        Dai et al. 2020, The SONATA data format, PLOS Computational Biology 16, e1007696; SONATA developer guide,
        section "Spike file".
    """
    columns = {name: (events, *spike_columns(name, events, 0)) for name, events in spikes.items()}
    size = sum(times.nbytes + nodes.nbytes for _, times, nodes in columns.values())
    with replacing(path, overwrite=overwrite) as temporary:
        with sonata_file(temporary, size, entries=8 * len(columns)) as file:
            places = {name: spike_group(file, name, len(times), events.shape, events.resolution)
                      for name, (events, times, _) in columns.items()}
        with temporary.open("r+b") as raw:
            for name, (_, *values) in columns.items():
                for where, array in zip(places[name], values, strict=True):
                    where.write(raw, 0, array)


def spike_columns(name: str, events: Events, first_tick: int) -> tuple[np.ndarray, np.ndarray]:
    """(timestamps in ms, node ids) of the events of one sample; a value of 2 is two spikes.

    Args:
        name: the population.
        events: one sample.
        first_tick: tick from which the times of `events` count.

    Raises:
        UnsupportedError: several samples, or values that are no numbers of spikes.
    """
    if len(events) != 1:
        raise UnsupportedError(got=f"{len(events)} samples", expected="one: SONATA files know no samples",
                               where=f"population {name!r}", fix="write each sample into a file of its own")
    times, nodes = (events.ticks + first_tick) * events.resolution, events.indices.astype(np.uint64)
    if events.values is not None:
        if (events.values < 0).any() or (events.values % 1 != 0).any():
            raise UnsupportedError(got=f"an output of {events.values[events.values % 1 != 0][:1]}",
                                   expected="spikes, or whole numbers of them", where=f"population {name!r}",
                                   fix="keep graded and signed output in memory: simulate without a sink")
        repeats = events.values.astype(np.int64)
        times, nodes = np.repeat(times, repeats), np.repeat(nodes, repeats)
    return times, nodes


@contextmanager
def sonata_file(path: Path, placed: int, *, entries: int, small: int = 0, libver: str = "v108") -> Iterator[Any]:
    """A new HDF5 file that says that it is SONATA; equal content gives equal bytes. Sizes are those of `new_hdf5`."""
    with new_hdf5(path, placed, entries=entries, small=small, libver=(libver, libver)) as file:
        file.attrs["magic"] = np.uint32(MAGIC)
        file.attrs["version"] = np.array(VERSION, np.uint32)
        yield file


def spike_group(file: Any, name: str, count: int, shape: tuple[int, ...], resolution: float,
                make: tuple[Make, Make] = (place, place)) -> tuple[Any, Any]:
    """The group of one population; the places of its times and node ids, which `make` makes, are not filled yet."""
    import h5py

    group = file.create_group(f"spikes/{name}", track_order=False)
    group.attrs.create("sorting", SORTING["by_time"], dtype=h5py.enum_dtype(SORTING, basetype="u1"))
    group.attrs["shape"] = np.array(shape, np.int64)
    group.attrs["resolution"] = np.float64(resolution)
    times, first = make[0](group, "timestamps", (count,), np.float64)
    times.attrs["units"] = "ms"
    return first, make[1](group, "node_ids", (count,), np.uint64)[1]


def read_sonata_spikes(path: str | Path, *, resolution: float | None = None,
                       shapes: Mapping[str, int | tuple[int, ...]] | None = None, time_unit: str | None = None,
                       max_bytes: int = MAX_BYTES) -> dict[str, Events]:
    """Read a SONATA spike file, of snnsim or of others.

    Args:
        path: file to read; it need not be trusted.
        resolution: length of a tick (ms) to whose multiples times are rounded. None is that of the file, or 0.001
            where it has none; times off that grid are then refused.
        shapes: size or shape of populations; by default that of the file, or one more than the largest node id.
        time_unit: "s", "ms", "us" or "ns", where the file does not say.
        max_bytes: refuse a population that declares more data than this.

    Returns:
        One sample of `Events` by population, sorted by time.

    Raises:
        DataError: damaged or another layout; times that are negative, not finite, not sorted as the file says or
            off the grid; columns of different lengths; node ids beyond the shape; no unit of time.
    """
    path, found = Path(path), {}
    if time_unit is not None and time_unit not in TIME_UNITS:
        raise ConfigurationError(got=f"time_unit = {time_unit!r}", expected=f"one of {', '.join(TIME_UNITS)}",
                                 where="read_sonata_spikes", fix="pass one of these")
    with open_hdf5(path) as file:
        for name in population_names(file, "spikes", path):
            where = f"{path}, population {name!r}"
            times: Any = find(file, f"spikes/{name}/timestamps")
            nodes: Any = find(file, f"spikes/{name}/node_ids")
            group = file["spikes"][name]
            scale = factor_to_ours(_time_unit(times, time_unit, where))
            if times.shape != nodes.shape:
                raise wrong(where, f"{times.shape} timestamps and {nodes.shape} node ids", "equal lengths")
            t = read_flat(times, kinds="f", max_bytes=max_bytes).astype(np.float64) * scale
            ids = read_flat(nodes, kinds="iu", max_bytes=max_bytes)
            if not np.isfinite(t).all() or (t < 0).any():
                raise wrong(where, "a time that is negative or not finite", "times of 0 or later")
            if _sorting(group, where) == "by_time" and (np.diff(t) < 0).any():
                raise wrong(where, "times out of order", "times in order: the file says that it is sorted by time")
            tick = _tick(group, t, resolution, where)
            shape = shape_tuple((shapes or {}).get(name) or _shape(group, ids, where))
            if ids.size and (ids.min() < 0 or ids.max() >= prod(shape)):
                raise wrong(where, f"node id {ids.max()}", f"0 to {prod(shape) - 1}", "correct the shape")
            found[name] = Events.from_times(t, ids.astype(np.int64), shape=shape, resolution=tick, sort=True)
    return found


def population_names(file: Any, kind: str, path: Path) -> list[str]:
    """Names of the populations below ``/spikes`` or ``/report``, which must be groups of the file itself."""
    import h5py

    if not isinstance(file.get(kind, getlink=True), h5py.HardLink) or not isinstance(file[kind], h5py.Group):
        raise wrong(path, f"no group '{kind}' (the file holds {', '.join(list(file)[:20]) or 'nothing'})",
                    f"a SONATA file with '/{kind}/<population>'", "check that the file has this layout")
    names = sorted(file[kind])
    for name in names:
        if not isinstance(file[kind].get(name, getlink=True), h5py.HardLink) or \
                not isinstance(file[kind][name], h5py.Group):
            raise wrong(path, f"'{kind}/{name}' that is no group of this file", f"'/{kind}/<population>/...'",
                        "convert the file: before version 0.1 of SONATA data sets lay in the group itself")
    return names


def attribute(owner: Any, name: str, where: str) -> Any:
    """A small attribute: text, the name of an enumerated value, a number or a short list; None if there is none."""
    import h5py

    if name not in owner.attrs:
        return None
    stored_as = owner.attrs.get_id(name)
    if prod(stored_as.shape or ()) > 32 or stored_as.dtype.itemsize > 256:
        raise wrong(where, f"attribute {name!r} of shape {stored_as.shape}", "a number, a short list or short text")
    value, names = owner.attrs[name], h5py.check_enum_dtype(stored_as.dtype)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if names is not None:
        return next((key for key, number in names.items() if number == value), str(value))
    return value


def _time_unit(times: Any, asked: str | None, where: str) -> str:
    unit = attribute(times, "units", where)
    if unit is None and asked is None:
        raise wrong(where, "no attribute 'units'", "a unit of time", "pass time_unit='ms' if the times are in ms")
    unit = asked if unit is None else unit
    if not isinstance(unit, str) or unit not in TIME_UNITS:
        raise wrong(where, f"units {unit!r}", f"one of {', '.join(TIME_UNITS)}", "correct the attribute")
    if asked is not None and TIME_UNITS[asked] != TIME_UNITS[unit]:
        raise wrong(where, f"units {unit!r} in the file and time_unit = {asked!r}", "one unit", "leave time_unit away")
    return TIME_UNITS[unit]


def _sorting(group: Any, where: str) -> str:
    sorting = attribute(group, "sorting", where)
    if sorting is not None and sorting not in SORTING:
        raise wrong(where, f"sorting {sorting!r}", f"one of {', '.join(SORTING)}", "correct the attribute")
    return sorting or "none"


def _tick(group: Any, times: np.ndarray, asked: float | None, where: str) -> float:
    """Length of a tick (ms); times may be off its grid only where the caller asked for it."""
    if asked is not None:
        return float(asked)
    kept = attribute(group, "resolution", where)
    if kept is not None and not (isinstance(kept, np.floating) and 0 < kept < np.inf):
        raise wrong(where, f"resolution {kept!r}", "a positive number of ms", "correct the attribute")
    tick = 0.001 if kept is None else float(kept)
    off = np.abs(times / tick - np.rint(times / tick)) > _OFF_GRID
    if off.any():
        raise wrong(where, f"a time of {times[off][0]!r} ms", f"multiples of {tick:g} ms",
                    "pass resolution=... in ms: times are then rounded to its multiples")
    return tick


def _shape(group: Any, ids: np.ndarray, where: str) -> tuple[int, ...]:
    kept = attribute(group, "shape", where)
    if kept is None:
        return (int(ids.max(initial=0)) + 1,)
    kept = np.atleast_1d(kept)
    if kept.dtype.kind not in "iu" or kept.ndim != 1 or (kept < 1).any():
        raise wrong(where, f"shape {kept}", "sizes of 1 or more", "correct the attribute")
    return tuple(int(n) for n in kept)
