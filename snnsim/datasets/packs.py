"""Event packs: our own ``.npz`` files of `Events` or `LabelledEvents`."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from snnsim.core.dataset import LabelledEvents
from snnsim.core.errors import OutputExistsError
from snnsim.core.events import Events
from snnsim.datasets.file_checks import MAX_BYTES, reading, wrong
from snnsim.datasets.npz_checks import read_arrays

_FORMAT, _VERSION = "snnsim-events", 1


def write_npz(path: str | Path, data: Events | LabelledEvents, *, overwrite: bool = False) -> Path:
    """Writes recordings into one compressed file, whole or not at all.

    Args:
        path: file to write, ending in ``.npz``.
        data: recordings, with or without labels.
        overwrite: replace an earlier file.

    Returns:
        the path.

    Raises:
        OutputExistsError: the file is there and `overwrite` is False.
        DataError: the name does not end in ``.npz``.

    Example:
        >>> import tempfile
        >>> events = Events.from_times([0.5, 2.0], [1, 0], shape=2)
        >>> file = write_npz(Path(tempfile.mkdtemp()) / "two.npz", events)
        >>> read_npz(file).times.tolist()
        [0.5, 2.0]
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise wrong(path, f"ending '{path.suffix}'", "a name that ends in .npz", "rename the file")
    if path.exists() and not overwrite:
        raise OutputExistsError(got="an earlier file", expected="a new name", where=str(path),
                                fix="choose another name, or pass overwrite=True")
    events = data.events if isinstance(data, LabelledEvents) else data
    arrays = {"format": np.array([_FORMAT]), "version": np.array([_VERSION]), "ticks": events.ticks,
              "indices": events.indices, "offsets": events.offsets, "shape": np.array(events.shape, np.int64),
              "resolution_ms": np.array([events.resolution])}
    if events.values is not None:
        arrays["values"] = events.values
    if isinstance(data, LabelledEvents):
        arrays |= {"labels": data.labels, "classes": np.array(data.classes, np.str_),
                   "name": np.array([data.name])}
        if data.groups is not None:
            arrays["groups"] = data.groups
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written beside its place and then renamed: a reader never sees half a file, not even after a crash.
    scratch = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        # Compression level 1: a seventh of the usual level's time for a sixth more bytes.
        with scratch.open("wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
        with scratch.open("rb+") as whole:
            os.fsync(whole.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    return path


def read_npz(path: str | Path, *, max_bytes: int = MAX_BYTES) -> Events | LabelledEvents:
    """Recordings of a file that `write_npz` wrote; with labels where it holds them.

    Args:
        path: the file.
        max_bytes: refuse a file that declares more data than this (bytes).

    Raises:
        DataError: another format, damaged, too large, or events that `Events` refuses.
    """
    path = Path(path)
    arrays = read_arrays(path, required=("format", "version", "ticks", "indices", "offsets", "shape",
                                         "resolution_ms"),
                         optional=("values", "labels", "classes", "groups", "name"), max_bytes=max_bytes)
    with reading(path):
        kind, version = str(arrays["format"].item()), int(arrays["version"].item())
        if kind != _FORMAT or version != _VERSION:
            raise wrong(path, f"format '{kind}' version {version}", f"'{_FORMAT}' version {_VERSION}",
                        "update snnsim, or convert the file")
        events = Events(arrays["ticks"], arrays["indices"], arrays["offsets"],
                        tuple(arrays["shape"].tolist()),
                        float(arrays["resolution_ms"].item()), arrays.get("values"))
        if "labels" not in arrays:
            return events
        if "classes" not in arrays:
            raise wrong(path, "labels without names of the classes", "an array 'classes'")
        name = str(arrays["name"].item()) if "name" in arrays else path.stem
        return LabelledEvents(events, arrays["labels"], tuple(arrays["classes"].tolist()),
                              arrays.get("groups"), name)


def is_pack(path: str | Path) -> bool:
    """Whether a file names itself an event pack (cheap: only its first array is read)."""
    try:
        return read_arrays(path, required=("format",), max_bytes=4096)["format"].tolist() == [_FORMAT]
    except ValueError:
        return False
