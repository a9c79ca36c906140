"""New HDF5 files in which the library lays out places, and the numbers are written there by plain means.

The HDF5 library does not recover from a write that failed: it goes on with closed files and, some files later, the
process crashes. A full disk must be an error and no crash, so the library only writes what fits for certain.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

MARGIN = 2**20  # bytes for groups and attributes
ENTRY_BYTES = 256  # for what belongs to one data set, tile or part of a view; more than HDF5 takes


class Place(NamedTuple):
    """Where the numbers of one data set lie in its file.

    Args:
        shape: shape of the data set.
        dtype: type of its numbers.
        tile: shape of a tile; the shape itself where the data lie in one piece.
        offsets: byte at which each tile begins, int64, one axis for each of the data set.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    tile: tuple[int, ...]
    offsets: np.ndarray

    def write(self, file: BinaryIO, first: int, rows: np.ndarray) -> None:
        """Write `rows`, of which the first is row `first` of the data set.

        Raises:
            OSError: the disk is full or refuses to write.
        """
        rows = np.ascontiguousarray(rows, self.dtype)
        if not rows.size:
            return
        if self.tile == self.shape:
            row = rows.nbytes // len(rows) if rows.ndim else 0
            _write(file, int(self.offsets.flat[0]) + first * row, rows)
            return
        height, width = self.tile
        for at in range(first - first % height, first + len(rows), height):
            begin, end = max(at, first), min(at + height, first + len(rows))
            for j, left in enumerate(range(0, self.shape[1], width)):
                part = rows[begin - first:end - first, left:left + width]
                whole = np.pad(part, ((0, 0), (0, width - part.shape[1])))  # tiles at the edge are stored whole
                start = int(self.offsets[at // height, j]) + (begin - at) * width * self.dtype.itemsize
                _write(file, start, np.ascontiguousarray(whole))


@contextmanager
def new_hdf5(path: Path, placed: int, *, entries: int, small: int = 0, **options: Any) -> Iterator[Any]:
    """A new HDF5 file, opened; refused before the library sees it where the disk or the system has no room.

    Args:
        path: an existing file, which is replaced.
        placed: bytes of all data sets that `place` makes.
        entries: data sets, tiles and parts of views.
        small: bytes of data sets that the library writes itself.
        **options: of `h5py.File`.

    Raises:
        OSError: no room.
    """
    import h5py

    own = MARGIN + ENTRY_BYTES * entries + small
    with path.open("r+b") as file:
        file.truncate(placed + own)  # is a file of this size allowed?
        os.posix_fallocate(file.fileno(), 0, own)  # and is there room for what the library writes itself?
    with h5py.File(path, "w", track_order=False, **options) as file:
        yield file


def place(group: Any, name: str, shape: tuple[int, ...], dtype: Any, tile: tuple[int, ...] | None = None
          ) -> tuple[Any, Place]:
    """(a new data set of that size, the place of its numbers); nothing is written yet.

    Args:
        group: group of the file.
        name: of the data set.
        shape: of the data set.
        dtype: of its numbers.
        tile: two sizes; the data set is then stored in tiles. Without it, it is stored in one piece.
    """
    import h5py

    early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    early.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    early.set_obj_track_times(False)
    if tile is not None:
        early.set_chunk(tile)
    kind = h5py.h5t.py_create(np.dtype(dtype), logical=True)
    # Not create_dataset, which ignores these wishes where the shape is ().
    space = h5py.h5s.create_simple(shape) if shape else h5py.h5s.create(h5py.h5s.SCALAR)
    group[name] = data = h5py.Dataset(h5py.h5d.create(group.id, None, kind, space, early))
    if tile is None or not data.size:
        return data, Place(shape, data.dtype, shape, np.array([data.id.get_offset() or 0], np.int64))
    offsets = np.zeros([-(-size // step) for size, step in zip(shape, tile, strict=True)], np.int64)

    def noted(chunk: Any) -> None:
        offsets[tuple(at // step for at, step in zip(chunk.chunk_offset, tile, strict=True))] = chunk.byte_offset
    data.id.chunk_iter(noted)
    return data, Place(shape, data.dtype, tile, offsets)


def _write(file: BinaryIO, start: int, array: np.ndarray) -> None:
    file.seek(start)
    file.write(array.reshape(-1).view(np.uint8).data)
