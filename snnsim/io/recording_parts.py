"""A recording in parts: small finished files while a run goes on, joined to SONATA files when it is over.

A part holds what came out of some chunks, under the names ``spikes.<population>.timestamps``,
``spikes.<population>.node_ids`` and ``report.<variable>.<population>``. Parts are never changed, so a crash harms
none of them; a view is a SONATA file that shows them as one, without a copy of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from snnsim.core.events import Events
from snnsim.core.fields import static
from snnsim.core.observe import OUTPUT, unit_of
from snnsim.core.packed import AbstractKept
from snnsim.core.sink import Plan, Traces
from snnsim.io.array_file import check_seal, read_arrays, seal, write_arrays, wrong
from snnsim.io.atomic import replacing
from snnsim.io.hdf5_places import place
from snnsim.io.sonata import Make, read_sonata_spikes, sonata_file, spike_columns, spike_group
from snnsim.io.sonata_report import read_sonata_report, report_group, tiled, tiles

KIND = "recording part"
MAX_BYTES = 2**36  # our own files may be larger than what is taken from others without asking
SPIKES, REPORT = "spikes.h5", "_report.h5"


class Part(NamedTuple):
    """One part of a recording.

    Args:
        file: its name.
        sha256: that its seal states.
        sizes: shape of each array, by name.
        types: dtype of each array, by name.
    """

    file: str
    sha256: str
    sizes: dict[str, tuple[int, ...]]
    types: dict[str, str]

    @property
    def nbytes(self) -> int:
        """Bytes of all its arrays."""
        return sum(prod(size) * np.dtype(self.types[name]).itemsize for name, size in self.sizes.items())


class Layout(NamedTuple):
    """Which files a recording becomes.

    Args:
        shapes: of the recorded populations.
        spikes: names of those whose spikes are recorded.
        reports: unit of each other variable, by variable and population.
        time: (first step, last step + 1, dt in ms).
    """

    shapes: dict[str, tuple[int, ...]]
    spikes: list[str]
    reports: dict[str, dict[str, str]]
    time: tuple[int, int, float]

    @classmethod
    def of(cls, plan: Plan) -> Layout:
        """Spikes of spiking populations go to the spike file; every other variable has a report of its own."""
        shapes: dict[str, tuple[int, ...]] = {}
        spikes: list[str] = []
        reports: dict[str, dict[str, str]] = {}
        for name, variables in plan.record:
            neuron = plan.network.populations[name]
            shapes[name] = neuron.shape
            for variable in variables:
                if variable not in OUTPUT:
                    reports.setdefault(variable, {})[name] = unit_of(neuron, variable)
                elif not neuron.spiking:
                    reports.setdefault(OUTPUT[1], {})[name] = ""
                elif name not in spikes:
                    spikes.append(name)
        return cls(shapes, spikes, reports, (plan.first_step, plan.first_step + plan.steps, plan.dt))

    @property
    def files(self) -> list[str]:
        """Names of the SONATA files."""
        return [SPIKES] * bool(self.spikes) + [f"{variable}{REPORT}" for variable in self.reports]

    def block(self, traces: Traces, done: int) -> dict[str, np.ndarray]:
        """Arrays of a chunk that began after `done` steps of the run, as a part names them."""
        first, dt = self.time[0] + done, self.time[2]
        found: dict[str, np.ndarray] = {}
        for name in self.spikes:
            values = _output(traces[name])
            events = values.events(dt) if isinstance(values, AbstractKept) \
                else Events.from_dense(np.asarray(values), dt=dt)
            times, nodes = spike_columns(name, events, first)
            found |= {f"spikes.{name}.timestamps": times, f"spikes.{name}.node_ids": nodes}
        for variable, populations in self.reports.items():
            for name in populations:
                values = _output(traces[name]) if variable in OUTPUT else traces[name][variable]
                values = np.asarray(values.dense() if isinstance(values, AbstractKept) else values)
                values = values if values.dtype.kind == "f" else values.astype(np.float64)  # counters stay exact
                found[f"report.{variable}.{name}"] = values.reshape(len(values), -1)
        return found


def _output(traces: dict[str, Any]) -> Any:
    return next(traces[variable] for variable in OUTPUT if variable in traces)


def write_part(path: Path, blocks: Sequence[dict[str, np.ndarray]]) -> Part:
    """Write the arrays of some chunks, one behind the other."""
    arrays = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    write_arrays(path, arrays, kind=KIND)
    return Part(path.name, seal(path), {name: array.shape for name, array in arrays.items()},
                {name: array.dtype.str for name, array in arrays.items()})


def read_part(folder: Path, part: Part) -> dict[str, np.ndarray]:
    """The arrays of a part."""
    return read_arrays(folder / part.file, kind=KIND)[0]


def check_part(folder: Path, part: Part) -> None:
    """Raise `FileFormatError` unless this part lies in the folder as it was written, every bit of it."""
    if check_seal(folder / part.file) != part.sha256:
        raise wrong(folder / part.file, "a part of another run", "the part that the snapshot names")


def write_views(folder: Path, layout: Layout, parts: Sequence[Part]) -> None:
    """SONATA files that show the parts beside them as one recording, for any HDF5 tool, while the run goes on."""
    import h5py

    def virtual(key: str) -> Make:
        def make(group: Any, name: str, shape: tuple[int, ...], dtype: Any) -> tuple[Any, None]:
            seen, first = h5py.VirtualLayout(shape, dtype), 0
            for part in parts:
                rows = part.sizes[key][0]
                if rows:
                    seen[first:first + rows] = h5py.VirtualSource(part.file, f"arrays/{key}", part.sizes[key],
                                                                  part.types[key])
                first += rows
            return group.create_virtual_dataset(name, seen), None
        return make

    for name in layout.files:
        entries = (8 + 2 * len(parts)) * len(parts[0].sizes)
        with replacing(folder / name, overwrite=True) as temporary, sonata_file(
                temporary, 0, entries=entries, small=_mapping_bytes(layout), libver="v110") as file:
            _groups(file, name, layout, parts, virtual)


def join_parts(folder: Path, layout: Layout, parts: Sequence[Part], parts_folder: Path) -> None:
    """Write the SONATA files of a finished run, one part in memory at a time; equal recordings give equal bytes."""
    rows = _rows(parts)
    size = sum(part.nbytes for part in parts)
    entries = 8 * len(rows) + sum(tiles((count, parts[0].sizes[key][1])) for key, count in rows.items()
                                  if len(parts[0].sizes[key]) == 2)
    with ExitStack() as stack:
        where: dict[str, tuple[Any, Any]] = {}
        for name in layout.files:
            temporary = stack.enter_context(replacing(folder / name, overwrite=True))
            with sonata_file(temporary, size, entries=entries, small=_mapping_bytes(layout)) as file:
                made = _groups(file, name, layout, parts, lambda key: place if key.startswith("spikes.") else tiled)
            raw = stack.enter_context(temporary.open("r+b"))
            where |= {key: (found, raw) for key, found in made.items()}
        filled = dict.fromkeys(where, 0)
        for part in parts:
            for key, array in read_part(parts_folder, part).items():
                found, raw = where[key]
                found.write(raw, filled[key], array)
                filled[key] += len(array)


def _rows(parts: Sequence[Part]) -> dict[str, int]:
    """Rows of each array in all parts."""
    return {key: sum(part.sizes[key][0] for part in parts) for key in parts[0].sizes}


def _mapping_bytes(layout: Layout) -> int:
    """Bytes that say of each value to which unit it belongs."""
    return sum(32 * prod(layout.shapes[name]) for populations in layout.reports.values() for name in populations)


def _groups(file: Any, title: str, layout: Layout, parts: Sequence[Part], make: Callable[[str], Make],
            ) -> dict[str, Any]:
    """The groups of one SONATA file, whose data sets `make` makes; gives their places by the names that parts use."""
    found: dict[str, Any] = {}
    rows, dt = _rows(parts), layout.time[2]
    if title == SPIKES:
        for name in layout.spikes:
            times, nodes = keys = [f"spikes.{name}.{column}" for column in ("timestamps", "node_ids")]
            places = spike_group(file, name, rows[times], layout.shapes[name], dt, (make(times), make(nodes)))
            found |= dict(zip(keys, places, strict=True))
        return found
    variable = title.removesuffix(REPORT)
    for name, unit in layout.reports[variable].items():
        key = f"report.{variable}.{name}"
        columns = (rows[key], parts[0].sizes[key][1], np.dtype(parts[0].types[key]))
        time = (layout.time[0], layout.time[0] + rows[key], dt)
        found[key] = report_group(file, name, columns, prod(layout.shapes[name]), time, unit, make(key))
    return found


class KeptSpikes(AbstractKept):
    """Spikes of one population in the spike file of a finished run; read when they are asked for."""

    path: str = static(doc="the file")
    population: str = static(doc="name of the population")
    first_step: int = static(doc="absolute step at which the recording begins")
    steps: int = static(doc="number of steps")

    dt: float = static(doc="step", unit="ms")

    def events(self, dt: float) -> Events:
        """The spikes, times counted from the start of the recording."""
        events = read_sonata_spikes(self.path, resolution=dt, max_bytes=MAX_BYTES)[self.population]
        events = replace(events, ticks=events.ticks - self.first_step)
        again = (np.diff(events.ticks) == 0) & (np.diff(events.indices) == 0)
        if not again.any():
            return events
        first = np.flatnonzero(np.concatenate([[True], ~again]))  # several spikes of a unit in a step: one event
        values = np.diff(np.append(first, events.n_events)).astype(np.float32)
        return replace(events, ticks=events.ticks[first], indices=events.indices[first], values=values,
                       offsets=np.array([0, len(first)]))

    def dense(self) -> np.ndarray:
        """float32 ``[steps, 1, *shape]``."""
        return self.events(self.dt).dense(self.dt, self.steps)


class KeptTrace(AbstractKept):
    """A variable of one population in a report of a finished run; read when it is asked for."""

    path: str = static(doc="the file")
    population: str = static(doc="name of the population")
    shape: tuple[int, ...] = static(doc="shape of the population")

    def dense(self) -> np.ndarray:
        """``[steps, 1, *shape]``."""
        data = read_sonata_report(self.path, max_bytes=MAX_BYTES)[self.population].data
        several = () if data.shape[1] == prod(self.shape) else (-1,)  # numbers a unit
        return data.reshape(len(data), 1, *self.shape, *several)

    def events(self, dt: float) -> Events:
        """What is not 0, as events with values."""
        return Events.from_dense(self.dense(), dt=dt)
