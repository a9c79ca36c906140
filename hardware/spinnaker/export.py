"""A mapping as a file: everything that a loader needs, in JSON with a version, and the routing read back from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snnsim.core.errors import FileFormatError
from snnsim.hardware.spinnaker.keys import FULL
from snnsim.hardware.spinnaker.machine import Machine
from snnsim.hardware.spinnaker.mapping import SpiNNakerMapping
from snnsim.hardware.spinnaker.tables import CORE_SHIFT, Table
from snnsim.io.atomic import write_text

FORMAT, VERSION = "snnsim-spinnaker-mapping", 1
MOST_BYTES = 2**30
_VERTEX = ("population", "delays", "start", "stop", "x", "y", "core", "key", "mask", "packets", "events", "sdram_bytes",
           "targets")


@dataclass(frozen=True, eq=False)
class Routing:
    """What a file says about packets.

    Args:
        machine: boards, chips and links.
        tables: routing entries of each chip.
        key: key of each vertex, -1 where it sends nothing, int64 ``[vertices]``.
        chip: its chip, int ``[vertices]``.
        core: its core, int ``[vertices]``.
        targets: vertices that its packets must reach.
    """

    machine: Machine
    tables: dict[int, Table]
    key: np.ndarray
    chip: np.ndarray
    core: np.ndarray
    targets: tuple[tuple[int, ...], ...]


def mapping_dict(mapping: SpiNNakerMapping) -> dict[str, Any]:
    """Plain numbers and texts of the whole mapping.

    Args:
        mapping: of `SpiNNaker`.
    """
    machine, vertices, placement = mapping.machine, mapping.vertices, mapping.placement
    rows = [[vertices.populations[vertices.population[v]], bool(vertices.delays[v]),
             *(int(n) for n in (vertices.start[v], vertices.stop[v], machine.x[placement.chip[v]],
                                machine.y[placement.chip[v]], placement.core[v], mapping.keys.key[v],
                                mapping.keys.mask[v], vertices.packets[v], vertices.events[v],
                                vertices.sdram_bytes[v])),
             vertices.targets(v).tolist()] for v in range(len(vertices))]
    there = np.array([[x, y] for x, y in zip(machine.x, machine.y, strict=True)])
    whole = machine if machine.is_small else Machine.of_boards(machine.boards)
    missing = sorted(set(whole.index) - set(machine.index))
    return {
        "format": FORMAT, "version": VERSION, "target": mapping.target,
        "machine": {"small": machine.is_small, "boards": machine.boards, "width": machine.width,
                    "height": machine.height, "missing": [list(place) for place in missing]},
        "summary": dict(mapping.summary), "notes": list(mapping.notes),
        "time_scale": mapping.time_scale, "needed_time_scale": mapping.timing.needed,
        "populations": {name: {"units": part.units, "neurons_per_core": part.neurons_per_core, "slices": part.slices,
                               "delay_slots": part.delay_slots, "delay_stages": part.stages,
                               "stage_steps": part.stage_steps, "data_memory_bytes": dict(part.memory.dtcm_bytes)}
                        for name, part in mapping.parts.items()},
        "key_zones": [list(zone) for zone in mapping.keys.zones], "colour_bits": mapping.keys.colour_bits,
        "vertex_columns": list(_VERTEX), "vertices": rows,
        "route_bits": f"bits 0 to 5: links E, NE, N, W, SW, S; from bit {CORE_SHIFT}: cores",
        "tables": [{"x": int(there[chip, 0]), "y": int(there[chip, 1]),
                    "before_compression": len(mapping.full[chip].table),
                    "entries": np.stack([table.key, table.mask, table.route], 1).tolist()}
                   for chip, table in mapping.tables.items()],
        "links": [{"x": int(there[chip, 0]), "y": int(there[chip, 1]), "packets": packets.tolist()}
                  for chip, packets in enumerate(mapping.traffic.links) if packets.any()],
    }


def write_mapping(mapping: SpiNNakerMapping, path: str | Path, *, overwrite: bool = False) -> None:
    """Write the whole mapping as JSON, whole or not at all.

    Args:
        mapping: of `SpiNNaker`.
        path: the file.
        overwrite: whether an existing file may be replaced.

    Raises:
        OutputExistsError: the file exists and `overwrite` is False.
    """
    text = json.dumps(mapping_dict(mapping), separators=(",", ":"), allow_nan=False, default=_plain)
    write_text(path, text + "\n", overwrite=overwrite)


def read_routing(path: str | Path) -> Routing:
    """Machine, keys and tables of a file, checked.

    Args:
        path: a file of `write_mapping`.

    Raises:
        FileFormatError: another format, a newer version, or numbers that cannot be.
    """
    path = Path(path)
    if path.stat().st_size > MOST_BYTES:
        raise _broken(path, f"{path.stat().st_size:,} B", f"at most {MOST_BYTES:,} B")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as fault:
        raise _broken(path, f"no JSON ({type(fault).__name__})", "a file of write_mapping") from fault
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise _broken(path, "another format", f"format {FORMAT!r}")
    if data.get("version") != VERSION:
        raise _broken(path, f"version {data.get('version')!r}", f"version {VERSION}")
    try:
        return _routing(data)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as fault:
        raise _broken(path, f"fields that do not fit together ({type(fault).__name__}: {fault})",
                      "the fields of write_mapping") from fault


def _routing(data: dict[str, Any]) -> Routing:
    about = data["machine"]
    machine = Machine.small() if about["small"] else \
        Machine.of_boards(int(about["boards"]), {(int(x), int(y)) for x, y in about["missing"]})
    tables = {}
    for found in data["tables"]:
        entries = np.array(found["entries"], np.int64).reshape(-1, 3)
        if (entries[:, :2] < 0).any() or (entries[:, :2] > FULL).any():
            raise ValueError("keys and masks have 32 bits")
        tables[machine.index[int(found["x"]), int(found["y"])]] = Table(*(entries[:, k].copy() for k in range(3)))
    rows = [dict(zip(_VERTEX, row, strict=True)) for row in data["vertices"]]
    chip = np.array([machine.index[int(row["x"]), int(row["y"])] for row in rows], np.int64)
    key, core = (np.array([int(row[name]) for row in rows], np.int64) for name in ("key", "core"))
    targets = tuple(tuple(int(t) for t in row["targets"]) for row in rows)
    if any(not 0 <= t < len(rows) for own in targets for t in own):
        raise ValueError("targets that there are not")
    return Routing(machine, tables, key, chip, core, targets)


def _broken(path: Path, got: str, expected: str) -> FileFormatError:
    return FileFormatError(got=got, expected=expected, where=str(path), fix="write it again with write_mapping")


def _plain(value: Any) -> Any:
    """Numbers of NumPy as plain ones."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} in a mapping")
