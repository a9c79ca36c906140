"""Writing a file whole or not at all: a crash, a full disk or a power cut leaves what was there before."""

from __future__ import annotations

import contextlib
import glob
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from snnsim.core.errors import ConfigurationError, OutputExistsError

_count = itertools.count()


@contextlib.contextmanager
def replacing(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A temporary file in the same folder that takes the place of `path` when the block ends well.

    The bytes are on the disk before the name changes, and the new name is on the disk before this returns. If
    the block raises, the temporary file is removed and `path` is as it was.

    Args:
        path: the file to write.
        overwrite: whether an existing file may be replaced.

    Yields:
        Path of an empty file; the block must have closed it when it ends.

    Raises:
        OutputExistsError: `path` exists and `overwrite` is False.
        ConfigurationError: no such folder, or `path` is a folder.
        OSError: the disk is full or refuses to write.
    """
    path = Path(path)
    _check_target(path, overwrite)
    # Not tempfile: its files are readable by their owner only, and that would outlive the renaming.
    temporary = path
    while temporary == path or temporary.exists():  # a killed process of the same number may have left one
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{next(_count)}.tmp")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield temporary
        _sync(temporary)
        _check_target(path, overwrite)  # it may have appeared meanwhile
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def remove_abandoned(path: str | Path) -> None:
    """Remove temporary files that killed processes left beside `path`; nobody may be writing it now."""
    path = Path(path)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        left.unlink(missing_ok=True)


def require_new_folder(path: str | Path, fix: str = "choose another folder") -> None:
    """Raise `OutputExistsError` unless `path` is free or an empty folder, so that no result is overwritten."""
    path = Path(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise OutputExistsError(got="earlier results", expected="a new or empty folder", where=str(path), fix=fix)


def require_new_file(path: str | Path) -> None:
    """Raise unless a file of this path could be written now, before the work that would fill it.

    Raises:
        OutputExistsError: there is one.
        ConfigurationError: no such folder, or `path` is a folder.
    """
    _check_target(Path(path), overwrite=False)


def write_text(path: str | Path, text: str, *, overwrite: bool = False) -> None:
    """Write a text file (UTF-8) whole or not at all; arguments and errors as `replacing`."""
    with replacing(path, overwrite=overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _check_target(path: Path, overwrite: bool) -> None:
    if path.is_dir() or not path.parent.is_dir():
        got = "a folder" if path.is_dir() else f"no folder {str(path.parent)!r}"
        raise ConfigurationError(got=got, expected="the path of a file in an existing folder", where=str(path),
                                 fix="create the folder, or correct the path")
    if not overwrite and path.exists():
        raise OutputExistsError(got="an existing file", expected="a new path", where=str(path),
                                fix="choose another path, or pass overwrite=True")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
