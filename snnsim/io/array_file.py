"""Named arrays and a JSON-able dictionary in one HDF5 file that tells when it is damaged.

Layout: a block of 512 bytes of readable text (format, version, length and SHA-256 of all that follows), then an
HDF5 file with the scalar text ``meta`` (JSON) and the group ``arrays``: one uncompressed data set a name, with
the attributes ``unit`` and ``sha256``. Any HDF5 tool reads it. The text block is checked before the HDF5 library
sees a byte, so that a flipped bit is an error and never a crash. Equal content gives equal bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from snnsim import __version__
from snnsim.core.errors import ConfigurationError, FileFormatError, UnsupportedError
from snnsim.io.atomic import replacing
from snnsim.io.hdf5_places import new_hdf5, place

FORMAT_VERSION = 1
MAX_BYTES = 2**35  # 32 GiB: a file that declares more was not meant
_MAX_META = 2**28
_BLOCK = 512
_SEAL = re.compile(rb"snnsim file\nversion (\d{1,9})\nbytes (\d{1,18})\nsha256 ([0-9a-f]{64})\n *\n")
_KINDS = "fiub"
_TYPES = {"bool", "float16", "float32", "float64", *(f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64))}


def write_arrays(path: str | Path, arrays: Mapping[str, Any], meta: Any = None, *, kind: str = "arrays",
                 units: Mapping[str, str] | None = None, overwrite: bool = False) -> None:
    """Write named arrays and a JSON-able value, whole or not at all.

    Args:
        path: file to write.
        arrays: arrays of floats, integers or booleans by name; any shape.
        meta: what JSON can hold (numbers that are not finite are refused).
        kind: what the file is, checked on reading: "arrays", "network", "checkpoint", ...
        units: unit of each array; "" where none is given.
        overwrite: whether an existing file may be replaced.

    Raises:
        OutputExistsError: the file exists and `overwrite` is False.
        UnsupportedError: an array of another type (bfloat16, complex, objects), meta that JSON cannot hold.
        ConfigurationError: a name that is empty or holds a slash.
        OSError: the disk is full or refuses to write; an earlier file is then as it was.
    """
    plain = {name: _plain(name, value) for name, value in arrays.items()}
    head, sums = _header(kind, meta), {name: array_sha256(array) for name, array in plain.items()}
    units = {name: (units or {}).get(name, "") for name in plain}
    text = json.dumps(meta, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()
    size = sum(array.nbytes for array in plain.values()) + len(text)
    with replacing(path, overwrite=overwrite) as temporary:
        places = {}
        # Fixed library version, no time stamps: equal content, equal bytes.
        with new_hdf5(temporary, size, entries=4 + 4 * len(plain), libver=("v108", "v108"),
                      userblock_size=_BLOCK) as file:
            for name, value in head.items():
                file.attrs[name] = value if isinstance(value, int) else np.bytes_(value.encode())
            file.attrs["sha256"] = np.bytes_(_total(head, text, units, sums).encode())
            _, places["meta"] = place(file, "meta", (), f"S{len(text)}")
            group = file.create_group("arrays", track_order=False)
            for name in sorted(plain):
                data, places[f"arrays/{name}"] = place(group, name, plain[name].shape, plain[name].dtype)
                data.attrs["unit"] = np.bytes_(units[name].encode() or b" ")
                data.attrs["sha256"] = np.bytes_(sums[name].encode())
        with temporary.open("r+b") as file:
            places["meta"].write(file, 0, np.array(text, dtype=f"S{len(text)}"))
            for name, array in plain.items():
                places[f"arrays/{name}"].write(file, 0, array)
        _seal(temporary)


def read_arrays(path: str | Path, *, kind: str = "arrays", max_bytes: int = MAX_BYTES) -> tuple[dict[str, np.ndarray],
                                                                                                Any]:
    """Read what `write_arrays` wrote, every hash checked.

    Args:
        path: file to read.
        kind: what the file must be.
        max_bytes: refuse files whose arrays declare more bytes than this.

    Returns:
        (arrays by name, meta).

    Raises:
        FileFormatError: no such file, of another format, kind or newer version, damaged, or too large.
    """
    path = Path(path)
    check_seal(path)
    with _reading(path) as file:
        if set(file) != {"meta", "arrays"} or not all(_is_hard(file, name) for name in ("meta", "arrays")):
            raise wrong(path, f"members {', '.join(sorted(file))[:80]}", "'meta' and 'arrays' in the file itself")
        head = {name: _attribute(file, name, path) for name in ("kind", "format_version", "snnsim_version",
                                                                "jax_version")}
        if head["kind"] != kind:
            raise wrong(path, f"a file of kind {head['kind']!r}", f"kind {kind!r}", "check the path")
        text = bytes(_checked(file, "meta", "S", _MAX_META, path)[()])
        group = file["arrays"]
        names, arrays, units, sums = sorted(group), {}, {}, {}
        data = {name: _checked(group, name, _KINDS, max_bytes, path) for name in names}
        declared = sum(d.size * d.dtype.itemsize for d in data.values())
        if declared > min(max_bytes, path.stat().st_size):
            raise wrong(path, f"arrays of {declared:,} bytes", f"at most {max_bytes:,} and no more than the file holds",
                        "raise max_bytes if you trust the file")
        for name in names:
            arrays[name] = data[name][()]
            units[name] = str(_attribute(data[name], "unit", path)).strip()
            sums[name] = array_sha256(np.asarray(arrays[name]))
            if sums[name] != _attribute(data[name], "sha256", path):
                raise wrong(path, f"array {name!r} with another hash", "the array as it was written")
        if _total(head, text, units, sums) != _attribute(file, "sha256", path):
            raise wrong(path, "content with another hash", "the content as it was written")
        return {name: np.asarray(array) for name, array in arrays.items()}, json.loads(text)


def array_sha256(array: np.ndarray) -> str:
    """Hash over type, shape and bytes (little endian, row-major) of an array, as hexadecimal text."""
    ordered = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{ordered.dtype.str} {array.shape} ".encode())
    digest.update(ordered.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def wrong(path: Path, got: str, expected: str,
          fix: str = "restore the file from a copy, or write it again") -> FileFormatError:
    """The error for a file that cannot be read."""
    return FileFormatError(got=got, expected=expected, where=str(path), fix=fix)


# -- writing --------------------------------------------------------------------------------------


def _plain(name: str, value: Any) -> np.ndarray:
    if not name or "/" in name or name == "." or "\0" in name:
        raise ConfigurationError(got=f"array name {name!r}", expected="text without slashes", where="write_arrays",
                                 fix="join the parts of a name with dots")
    array = np.asarray(value)
    if array.dtype.kind not in _KINDS or array.dtype.newbyteorder("=").name not in _TYPES:
        raise UnsupportedError(got=f"array {name!r} of type {array.dtype}", expected="floats, integers or booleans",
                               where="write_arrays", fix="convert it, for example with astype('float32')")
    return np.asarray(array, array.dtype.newbyteorder("<"))


def _header(kind: str, meta: Any) -> dict[str, Any]:
    try:
        json.dumps(meta, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UnsupportedError(got=f"meta that JSON cannot hold ({error})",
                               expected="text, finite numbers, lists, dictionaries",
                               where="write_arrays", fix="convert the values, put arrays among the arrays") from error
    return dict(kind=kind, format_version=FORMAT_VERSION, snnsim_version=__version__, jax_version=jax.__version__)


def _total(head: Mapping[str, Any], text: bytes, units: Mapping[str, str], sums: Mapping[str, str]) -> str:
    """Hash over everything in the file that has a meaning."""
    listed = [[name, units[name], sums[name]] for name in sorted(sums)]
    digest = hashlib.sha256(json.dumps([[str(head[key]) for key in sorted(head)], listed]).encode())
    digest.update(text)
    return digest.hexdigest()


def _seal(path: Path) -> None:
    """Write the text block at the start: length and hash of the rest."""
    text = f"snnsim file\nversion {FORMAT_VERSION}\nbytes {path.stat().st_size - _BLOCK}\nsha256 {_rest_sha256(path)}\n"
    with path.open("r+b") as file:
        file.write(text.encode().ljust(_BLOCK - 1) + b"\n")


def _rest_sha256(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(_BLOCK)
        return hashlib.file_digest(file, "sha256").hexdigest()


# -- reading --------------------------------------------------------------------------------------


def seal(path: Path) -> str:
    """SHA-256 that the text block of a file states; whether it is true is for `check_seal` to say."""
    return _read_seal(path)[1]


def check_seal(path: Path) -> str:
    """SHA-256 of all that follows the text block.

    Raises:
        FileFormatError: no such file, of another format or newer version, truncated or altered.
    """
    size, digest = _read_seal(path)
    try:
        fine = size == path.stat().st_size - _BLOCK and digest == _rest_sha256(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    if not fine:
        raise wrong(path, "a truncated or altered file", "the bytes as they were written")
    return digest


def _read_seal(path: Path) -> tuple[int, str]:
    """(bytes after the text block, their SHA-256), as the block says."""
    if not path.is_file():
        raise wrong(path, "no such file", "a file that snnsim wrote", "check the path")
    try:
        with path.open("rb") as file:
            block = file.read(_BLOCK)
    except OSError as error:
        raise _unreadable(path, error) from error
    found = _SEAL.fullmatch(block)
    if found is None:
        raise wrong(path, f"a file that begins with {block[:12]!r}", "a complete file written by snnsim",
                    "check the path; if it is the right one, restore it from a copy")
    if int(found[1]) > FORMAT_VERSION:
        raise wrong(path, f"format version {int(found[1])}", f"at most {FORMAT_VERSION}", "install a newer snnsim")
    return int(found[2]), found[3].decode()


def _unreadable(path: Path, error: OSError) -> FileFormatError:
    return wrong(path, f"a file that cannot be read ({error})", "a readable file", "check its permissions")


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[Any]:
    """The HDF5 file, opened; whatever a made-up file provokes inside becomes a `FileFormatError`."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file
    except FileFormatError:
        raise
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError,
            OverflowError) as error:
        raise wrong(path, f"a damaged file ({error})"[:200], "a file written by snnsim") from error


def _is_hard(group: Any, name: str) -> bool:
    import h5py

    return isinstance(group.get(name, getlink=True), h5py.HardLink)


def _checked(group: Any, name: str, kinds: str, max_bytes: int, path: Path) -> Any:
    """A data set stored in the file itself, uncompressed, of a plain type: it is no larger than the file."""
    import h5py

    data = group[name] if _is_hard(group, name) else None
    if not isinstance(data, h5py.Dataset) or data.is_virtual or data.external:
        raise wrong(path, f"{name!r} that lies elsewhere or is no data set", "data stored in the file itself")
    plist, size = data.id.get_create_plist(), data.size * data.dtype.itemsize if data.size is not None else -1
    if data.dtype.kind not in kinds or plist.get_nfilters() or data.id.get_storage_size() != size:
        raise wrong(path, f"{name!r} of type {data.dtype} with {size:,} declared bytes",
                    "plain numbers, stored in full")
    if size > max_bytes:
        raise wrong(path, f"{name!r} of {size:,} bytes", f"at most {max_bytes:,}",
                    "raise max_bytes if you trust the file")
    return data


def _attribute(owner: Any, name: str, path: Path) -> Any:
    value = owner.attrs.get(name) if name in owner.attrs else None
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.integer):
        return int(value)
    raise wrong(path, f"attribute {name!r} = {value!r:.40}", "text or a whole number")
