"""NIR files as plain dictionaries: sizes are known before memory is taken, links are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from snnsim.core.errors import FileFormatError

MAX_BYTES = 2**31  # a gzip bomb of 37 kB can declare 12 GiB
_MAX_ITEMS = 100_000
_MAX_DEPTH = 32
_MAX_TEXT = 4096


def read_nir_file(path: str | Path, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The graph of a NIR file as nested dictionaries of arrays and texts, nothing interpreted.

    The file is read here and not by the `nir` package, which trusts it: files of all versions and of other
    simulators load, and what is wrong with one is said with the name of the node.

    Args:
        path: HDF5 file; it need not be trusted.
        max_bytes: refuse files whose arrays declare more bytes than this.

    Raises:
        FileFormatError: no such file, not NIR, damaged, links to elsewhere, too large.
    """
    import h5py

    path = Path(path)
    if not path.is_file():
        raise _wrong(path, "no such file", "a NIR file", "check the path")
    try:
        with h5py.File(path, "r") as file:
            if "node" not in file or not isinstance(file.get("node", getlink=True), h5py.HardLink) \
                    or not isinstance(file["node"], h5py.Group):
                raise _wrong(path, "an HDF5 file without group 'node'", "a NIR file", "check the path")
            return _Reader(path, max_bytes).group(file["node"], 0)
    except FileFormatError:
        raise
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, MemoryError,
            OverflowError) as error:
        raise _wrong(path, f"a damaged or foreign file ({error})"[:200], "a NIR file in HDF5",
                     "fetch the file again") from error


def _wrong(path: Path, got: str, expected: str, fix: str) -> FileFormatError:
    return FileFormatError(got=got, expected=expected, where=str(path), fix=fix)


class _Reader:
    """Walks through one file and keeps count of what it takes."""

    def __init__(self, path: Path, max_bytes: int):
        self.path, self.left, self.items = path, max_bytes, 0

    def wrong(self, item: Any, got: str, expected: str,
              fix: str = "correct the program that wrote it") -> FileFormatError:
        return _wrong(self.path, f"{got} at {item.name!r:.100}", expected, fix)

    def group(self, group: Any, depth: int) -> dict[str, Any]:
        import h5py

        found: dict[str, Any] = {}
        for name in group:
            self.items += 1
            if self.items > _MAX_ITEMS or depth > _MAX_DEPTH:
                raise self.wrong(group, "too many or too deeply nested items",
                                 f"at most {_MAX_ITEMS}, {_MAX_DEPTH} deep")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise self.wrong(group, f"a link {name!r:.60} to elsewhere", "data in the file itself",
                                 "copy the data into one file, for example with h5repack")
            item = group[name]
            found[name] = self.group(item, depth + 1) if isinstance(item, h5py.Group) else self.data(item)
        return found

    def data(self, data: Any) -> Any:
        import h5py

        if not isinstance(data, h5py.Dataset) or data.is_virtual or data.external or data.size is None:
            raise self.wrong(data, "something other than data of this file", "a data set")
        if h5py.check_string_dtype(data.dtype) is not None:
            return self.text(data)
        self.take(data, data.size * data.dtype.itemsize)
        if data.dtype.kind not in "fiub":
            raise self.wrong(data, f"data of type {data.dtype}", "numbers or text")
        return data[()]

    def take(self, data: Any, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise self.wrong(data, f"{size:,} declared bytes", f"no more than {self.left + size:,} here",
                             "raise max_bytes if you trust the file")

    def text(self, data: Any) -> Any:
        """A text, or an array of texts; lengths are read first, since the library believes whatever they say."""
        kind = data.dtype.kind
        if kind == "O" and data.size:
            place, layout = data.id.get_offset(), data.id.get_create_plist().get_layout()
            if place is None or layout != 1:
                raise self.wrong(data, "text in compressed or scattered storage", "text stored contiguously",
                                 "write it with the nir package")
            address_bytes, _ = data.file.id.get_create_plist().get_sizes()
            record = np.dtype({"names": ["length"], "formats": ["<u4"], "itemsize": 8 + address_bytes})
            if data.size * record.itemsize > self.path.stat().st_size:
                raise self.wrong(data, f"{data.size:,} texts", "no more than the file can hold")
            lengths = np.fromfile(self.path, record, data.size, offset=place)["length"]
        else:
            lengths = np.full(min(data.size, 1), data.dtype.itemsize)
            self.take(data, data.size * data.dtype.itemsize)
        if len(lengths) and int(lengths.max()) > _MAX_TEXT:
            raise self.wrong(data, f"a text of {int(lengths.max()):,} bytes", f"at most {_MAX_TEXT}")
        self.take(data, int(lengths.sum()))
        value = data[()]
        if isinstance(value, bytes):
            return value.decode()
        return np.array([t.decode() if isinstance(t, bytes) else str(t) for t in value.ravel()],
                        object).reshape(value.shape) \
            if isinstance(value, np.ndarray) else str(value)
