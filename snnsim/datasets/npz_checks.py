"""Reading ``.npz`` files safely: no pickles, and every size known before memory is taken."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from snnsim.datasets.file_checks import check_bytes, check_file, reading, wrong


def read_arrays(path: str | Path, *, required: tuple[str, ...], optional: tuple[str, ...] = (),
                max_bytes: int) -> dict[str, np.ndarray]:
    """Arrays of an ``.npz`` file; others that it holds are not touched.

    The headers of all wanted arrays are compared with the sizes in the archive's table first, so a file that
    declares more than it holds, or more than `max_bytes`, is refused before anything is unpacked.

    Args:
        path: the file.
        required: names that must be there.
        optional: names that are read where present.
        max_bytes: refuse more than this in all arrays together (bytes).

    Returns:
        the arrays by name.

    Raises:
        DataError: not a zip file, damaged, an array missing, of objects, or too large.
    """
    path = check_file(path)
    with reading(path), zipfile.ZipFile(path) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        missing = [name for name in required if name not in members]
        if missing:
            raise wrong(path, f"no array {', '.join(missing)} (it holds {', '.join(members) or 'nothing'})",
                        f"arrays {', '.join(required)}", "check that the file has this layout")
        wanted = [name for name in (*required, *optional) if name in members]
        check_bytes(sum(members[name].file_size for name in wanted), max_bytes, str(path))
        return {name: _read(path, archive, members[name], name) for name in wanted}


def _read(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> np.ndarray:
    where = f"{path}, array '{name}'"
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in readers:
            raise wrong(where, f"version {version} of the array format", "version 1.0 or 2.0")
        shape, fortran, dtype = readers[version](member)
        if dtype.hasobject or dtype.kind not in "biufSU":
            raise wrong(where, f"type {dtype}", "numbers or text", "write the file without objects")
        n_bytes = dtype.itemsize
        for size in shape:  # in Python's integers: a product of damaged sizes would wrap
            n_bytes *= int(size)
        header = member.tell()
        if n_bytes != info.file_size - header or min(shape, default=0) < 0:
            raise wrong(where, f"shape {shape} of {dtype} in {info.file_size - header} bytes",
                        f"{n_bytes} bytes")
        data = member.read()
    if len(data) != n_bytes:
        raise wrong(where, f"{len(data)} bytes", f"{n_bytes} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
