"""What every reader of a foreign file shares: errors that name the file and place, and a cap on size."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from snnsim.core.errors import DataError

MAX_BYTES = 8 * 2**30
"""Largest amount of data (bytes) that a reader unpacks from one file unless told otherwise."""

# What the HDF5, zip and NumPy libraries raise on a damaged file. Nothing here hides a mistake of the caller:
# arguments are checked before a file is opened.
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError,
           MemoryError, EOFError, SyntaxError, zipfile.BadZipFile, zlib.error)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns whatever goes wrong inside into a `DataError` that begins with the file's name.

    Args:
        path: the file that is being read.

    Raises:
        DataError: anything that was raised inside.
    """
    try:
        yield
    except DataError as error:
        if error.where.startswith(str(path)):
            raise
        where = f"{path}, {error.where}"
        raise DataError(got=error.got, expected=error.expected, where=where, fix=error.fix) from error
    except _DAMAGE as error:
        raise DataError(got=f"{type(error).__name__}: {' '.join(str(error).split())[:200]}",
                        expected="a readable file",
                        where=str(path), fix="fetch the file again, or compare its checksum") from error


def check_file(path: str | Path) -> Path:
    """The path of an existing file that is not empty.

    Args:
        path: file to check.

    Raises:
        DataError: no such file, a folder, or no bytes.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(got="a folder" if path.is_dir() else "no such file", expected="a data file",
                        where=str(path),
                        fix="check the path, or fetch the data")
    if path.stat().st_size == 0:
        raise DataError(got="an empty file", expected="data", where=str(path), fix="fetch the file again")
    return path


def check_bytes(needed: int, max_bytes: int, where: str) -> None:
    """Refuses data larger than the cap, before any memory is taken.

    Args:
        needed: bytes that the file declares.
        max_bytes: the cap.
        where: file and place, for the message.

    Raises:
        DataError: more than the cap.
    """
    if needed > max_bytes:
        raise DataError(got=f"{needed:,} bytes declared", expected=f"at most {max_bytes:,}", where=where,
                        fix="pass a larger max_bytes if the file is meant to be this large")


def wrong(where: object, got: str, expected: str,
          fix: str = "check the file, or fetch it again") -> DataError:
    """A `DataError` of a reader.

    Args:
        where: file and place.
        got: what was found.
        expected: what would have been right.
        fix: what to do.
    """
    return DataError(got=got, expected=expected, where=str(where), fix=fix)
