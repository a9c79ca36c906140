"""Edge lists of connectomes: who has how many contacts with whom, of which kind."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snnsim.core.errors import DataError

MOST_BYTES = 2**28
LONGEST_NAME = 100
# How published lists call their columns, in small letters.
COLUMNS = {
    "source": ("source", "origin", "pre", "presynaptic", "neuron"),
    "target": ("target", "post", "postsynaptic", "muscle"),
    "count": ("weight", "count", "synapses", "number of connections"),
    "kind": ("type",),
    "transmitter": ("neurotransmitter", "transmitter"),
}
OPTIONAL = ("kind", "transmitter")
KINDS = {"chemical": "chemical", "send": "chemical", "electrical": "electrical", "gapjunction": "electrical",
         "gap junction": "electrical"}


@dataclass(frozen=True)
class EdgeList:
    """Edges between named cells.

    Args:
        names: cells, in the order in which they first appear.
        sources: int32 [edges], index into `names`.
        targets: int32 [edges].
        counts: float64 [edges], contacts of each edge, above 0.
        electrical: bool [edges], a gap junction instead of a chemical synapse.
        transmitters: transmitter of each edge, "" where it is not known.
        path: the file.
    """

    names: tuple[str, ...]
    sources: np.ndarray
    targets: np.ndarray
    counts: np.ndarray
    electrical: np.ndarray
    transmitters: tuple[str, ...]
    path: str

    def __len__(self) -> int:
        return len(self.sources)


def read_edges(path: str | Path) -> EdgeList:
    """Read a table of edges (CSV with a header), or the longest one of a folder.

    Columns are found by their names in `COLUMNS`, whatever their order; kind and transmitter may be missing, edges are
    then chemical and of no known transmitter.

    Args:
        path: file, or a folder of such files.

    Raises:
        DataError: no such file, no columns of source, target and count, no edges, an empty name, a count that is not a
            positive number, an unknown kind, or a file that is too large.
    """
    path = Path(path)
    if path.is_dir():
        lists = [_read(file) for file in sorted(path.glob("*.csv")) if _columns(file)]
        if not lists:
            raise DataError(got="no edge list", expected="a CSV file with columns of source, target and count",
                            where=str(path), fix="name the file, or correct the header of its first line")
        return max(lists, key=len)
    if not path.is_file():
        raise DataError(got="no such file", expected="an edge list (CSV), or a folder of them", where=str(path),
                        fix="check the path")
    if not _columns(path):
        raise DataError(got="another header", where=str(path), fix="rename the columns in the first line",
                        expected="; ".join(f"{name}: one of {', '.join(words)}" for name, words in COLUMNS.items()
                                           if name not in OPTIONAL))
    return _read(path)


def _rows(path: Path) -> Iterator[list[str]]:
    """Lines of a CSV file, whatever is damaged as a `DataError`."""
    if path.stat().st_size > MOST_BYTES:
        raise DataError(got=f"{path.stat().st_size:,} bytes", expected=f"at most {MOST_BYTES:,}", where=str(path),
                        fix="keep the columns that are needed only")
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.reader(file, strict=True)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(got=f"a damaged table ({error})", expected="CSV in UTF-8", where=str(path),
                        fix="export the table again") from None


def _columns(path: Path) -> dict[str, int]:
    """Place of each column, empty if the table is no edge list."""
    header = [title.strip().lower() for title in next(_rows(path), [])]
    found = {name: next((i for i, title in enumerate(header) if title in words), -1)
             for name, words in COLUMNS.items()}
    if any(place < 0 for name, place in found.items() if name not in OPTIONAL):
        return {}
    return {name: place for name, place in found.items() if place >= 0}


def _read(path: Path) -> EdgeList:
    columns = _columns(path)
    number: dict[str, int] = {}
    sources, targets, counts, electrical, transmitters = [], [], [], [], []
    rows = _rows(path)
    next(rows)
    for line, row in enumerate(rows, 2):
        if not row:
            continue
        where = f"{path}, line {line}"
        if len(row) <= max(columns.values()):
            raise DataError(got=f"{len(row)} columns", expected=f"{max(columns.values()) + 1} or more", where=where,
                            fix="complete the line, or remove it")
        cell = {name: row[place].strip() for name, place in columns.items()}
        for name in (cell["source"], cell["target"]):
            if not 0 < len(name) <= LONGEST_NAME:
                raise DataError(got=f"the name {name!r:.40}", expected=f"1 to {LONGEST_NAME} characters", where=where,
                                fix="correct the name")
            number.setdefault(name, len(number))
        sources.append(number[cell["source"]])
        targets.append(number[cell["target"]])
        counts.append(_count(cell["count"], where))
        electrical.append(_kind(cell.get("kind", "chemical"), where) == "electrical")
        transmitters.append(cell.get("transmitter", ""))
    if not sources:
        raise DataError(got="no edges", expected="one or more", where=str(path), fix="check the file")
    return EdgeList(tuple(number), np.array(sources, np.int32), np.array(targets, np.int32), np.array(counts),
                    np.array(electrical), tuple(transmitters), str(path))


def _count(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 < value < 1e6:
        raise DataError(got=f"{text!r:.40} contacts", expected="a number above 0 and below 1e6", where=where,
                        fix="correct the number, or remove the line")
    return value


def _kind(text: str, where: str) -> str:
    kind = KINDS.get(text.lower())
    if kind is None:
        raise DataError(got=f"an edge of type {text!r:.40}", expected=f"one of {', '.join(KINDS)}", where=where,
                        fix="correct the type, or remove the line")
    return kind
