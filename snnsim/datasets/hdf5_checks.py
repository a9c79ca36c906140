"""Reading HDF5 files of others: hard links only, sizes known before memory is taken, no surprise types."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from snnsim.datasets.file_checks import check_bytes, check_file, reading, wrong

_BLOCK = 2048  # samples read at once from a ragged data set


@contextlib.contextmanager
def open_hdf5(path: str | Path) -> Iterator[h5py.File]:
    """The file opened for reading; all that goes wrong inside becomes a `DataError` with its name.

    Args:
        path: HDF5 file.

    Raises:
        DataError: no such file, not HDF5, damaged.
    """
    path = check_file(path)
    with reading(path):
        if not h5py.is_hdf5(path):
            raise wrong(path, "another format", "an HDF5 file", "unpack the archive first, or check the path")
        with h5py.File(path, "r") as file:
            yield file


def find(file: h5py.Group, name: str, *, required: bool = True) -> h5py.Dataset | None:
    """A data set of the file, reached through hard links alone.

    Args:
        file: open file or group.
        name: path inside, parts joined by ``/``.
        required: raise where it is missing, else return None.

    Raises:
        DataError: missing, not a data set, or data that lie outside the file.
    """
    where, at = f"{file.file.filename}, '{name}'", file
    for part in name.strip("/").split("/"):
        link = at.get(part, getlink=True) if isinstance(at, h5py.Group) else None
        if link is None:
            if required:
                found = ", ".join(list(file)[:20]) or "nothing"
                raise wrong(where, f"no such data set (the file holds {found})", "a data set",
                            "check that the file has this layout")
            return None
        if not isinstance(link, h5py.HardLink):
            raise wrong(where, f"a {type(link).__name__}", "data stored in the file itself",
                        "copy the data into one file, for example with h5repack")
        at = at[part]
    if not isinstance(at, h5py.Dataset):
        raise wrong(where, f"a {type(at).__name__.lower()}", "a data set")
    if at.is_virtual or at.external:
        raise wrong(where, "data that lie in another file", "data stored in the file itself",
                    "copy the data into one file, for example with h5repack")
    return at


def read_flat(data: h5py.Dataset, *, kinds: str, max_bytes: int) -> np.ndarray:
    """A whole one-dimensional data set.

    Args:
        data: the data set.
        kinds: letters of the NumPy kinds allowed, for example ``"iu"``.
        max_bytes: refuse more than this.

    Raises:
        DataError: another type or number of axes, or too large.
    """
    where = f"{data.file.filename}, '{data.name}'"
    if data.dtype.kind not in kinds or data.ndim != 1:
        raise wrong(where, f"type {data.dtype} and shape {data.shape}", f"one axis of type {_words(kinds)}")
    check_bytes(data.size * data.dtype.itemsize, max_bytes, where)
    return data[:]


def read_names(data: h5py.Dataset, max_bytes: int) -> tuple[str, ...]:
    """Names (of classes, say) stored as fixed or variable-length strings.

    Args:
        data: the data set.
        max_bytes: refuse more than this.

    Raises:
        DataError: not text, or too large.
    """
    where = f"{data.file.filename}, '{data.name}'"
    if data.ndim != 1 or (data.dtype.kind != "S" and h5py.check_string_dtype(data.dtype) is None):
        raise wrong(where, f"type {data.dtype} and shape {data.shape}", "a list of names")
    check_bytes(data.size * data.dtype.itemsize, max_bytes, where)
    if data.dtype.kind == "O":
        check_bytes(int(declared_lengths(data).sum()), max_bytes, where)
    return tuple(bytes(name).decode() if isinstance(name, bytes) else str(name) for name in data[:])


def declared_lengths(data: h5py.Dataset) -> np.ndarray:
    """Length of each sample of a variable-length data set, int64 [batch], without reading the samples.

    The library takes as much memory as a length says before it looks at the data, so a single damaged number
    costs gigabytes. The lengths stand in the descriptors (uint32 length, address, uint32 index), which are
    read here as plain bytes; only filtered or compact storage is read through the library.
    """
    n = data.size
    offset_bytes, _ = data.file.id.get_create_plist().get_sizes()
    descriptor = np.dtype({"names": ["length"], "formats": ["<u4"], "itemsize": 8 + offset_bytes})
    lengths, plist = np.zeros(n, np.int64), data.id.get_create_plist()
    layout, filters = plist.get_layout(), plist.get_nfilters()
    path = Path(data.file.filename)
    if n == 0 or data.id.get_storage_size() == 0:
        return lengths
    if layout == h5py.h5d.CONTIGUOUS and data.id.get_offset() is not None:
        return np.fromfile(path, descriptor, n, offset=data.id.get_offset())["length"].astype(np.int64)
    if layout == h5py.h5d.CHUNKED and filters == 0:
        for k in range(data.id.get_num_chunks()):
            chunk = data.id.get_chunk_info(k)
            start = chunk.chunk_offset[0]
            part = np.fromfile(path, descriptor, data.chunks[0],
                               offset=chunk.byte_offset)["length"][: n - start]
            lengths[start : start + len(part)] = part
        return lengths
    return np.concatenate([[len(x) for x in data[i : i + 64]] for i in range(0, n, 64)]).astype(np.int64)


def ragged_blocks(data: h5py.Dataset, lengths: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Samples of a variable-length data set in blocks, each joined to one array.

    Args:
        data: the data set.
        lengths: [batch], of `declared_lengths`.

    Yields:
        the place of the block in the joined whole, and its numbers ``[events of the block]``.

    Raises:
        DataError: a sample that is not as long as declared.
    """
    ends = np.concatenate([[0], np.cumsum(lengths)])
    for first in range(0, len(lengths), _BLOCK):
        rows = data[first : first + _BLOCK]
        if [len(row) for row in rows] != lengths[first : first + _BLOCK].tolist():
            raise wrong(f"{data.file.filename}, '{data.name}'", "a sample that is not as long as declared",
                        "complete samples", "fetch the file again")
        yield slice(ends[first], ends[first + len(rows)]), np.concatenate(rows)


def check_ragged(data: h5py.Dataset, kinds: str) -> None:
    """Refuses a data set that is not one list of numbers a sample.

    Args:
        data: the data set.
        kinds: letters of the NumPy kinds allowed.

    Raises:
        DataError: another type or number of axes.
    """
    base = h5py.check_vlen_dtype(data.dtype)
    if data.ndim != 1 or base is None or np.dtype(base).kind not in kinds:
        raise wrong(f"{data.file.filename}, '{data.name}'",
                    f"type {base or data.dtype} and shape {data.shape}",
                    f"one list of {_words(kinds)} a sample")


def _words(kinds: str) -> str:
    names = {"i": "integers", "u": "unsigned integers", "f": "floating-point numbers", "b": "booleans"}
    return " or ".join(names.get(kind, kind) for kind in kinds)
