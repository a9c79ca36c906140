"""Unpacking a zip archive of others: nothing leaves the folder, nothing is overwritten, sizes are bounded."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from snnsim.core.errors import OutputExistsError
from snnsim.datasets.file_checks import check_bytes, check_file, reading, wrong

_MAX_MEMBERS = 200_000  # N-MNIST's larger archive holds 60,000


def unpack_zip(archive: str | Path, folder: str | Path, *, only: str, max_bytes: int = 64 * 2**30) -> Path:
    """Unpacks one file or folder of an archive, whole or not at all.

    Args:
        archive: the zip file.
        folder: where it goes.
        only: name of the file or folder at the top of the archive; other members are left out.
        max_bytes: refuse more than this unpacked (bytes).

    Returns:
        path of what was unpacked.

    Raises:
        OutputExistsError: it is there already.
        DataError: damaged; a member that is a link or whose path leads out of the folder; `only` missing; too
            large.
    """
    archive, folder = check_file(archive), Path(folder)
    target = folder / only
    if target.exists():
        raise OutputExistsError(got="an earlier file or folder", expected="a new name", where=str(target),
                                fix="remove it first")
    with reading(archive), zipfile.ZipFile(archive) as file:
        members = file.infolist()
        for member in members:
            _check_member(archive, member)
        wanted = [m for m in members if PurePosixPath(m.filename).parts[:1] == (only,)]
        if not wanted:
            raise wrong(archive, ", ".join(m.filename for m in members[:10]) or "nothing", f"'{only}' inside")
        if len(members) > _MAX_MEMBERS:
            raise wrong(archive, f"{len(members):,} members", f"at most {_MAX_MEMBERS:,}")
        check_bytes(sum(m.file_size for m in wanted), max_bytes, str(archive))
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder, prefix=".unpacking-"))
        try:
            for member in wanted:
                file.extract(member, scratch)  # checks the checksum of each member
            (scratch / only).replace(target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return target


def _check_member(archive: Path, member: zipfile.ZipInfo) -> None:
    name = PurePosixPath(member.filename)
    outside = name.is_absolute() or ".." in name.parts or "\\" in member.filename or ":" in member.filename
    if outside or not name.parts:
        raise wrong(archive, f"a member named {member.filename!r}", "names inside the folder",
                    "do not unpack this file: it tries to write elsewhere")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise wrong(archive, f"{member.filename!r}, a link or device", "files and folders",
                    "do not unpack this file")
