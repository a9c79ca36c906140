"""Downloads: resumed, from the first mirror that answers, checked, and put in place whole or not at all."""

from __future__ import annotations

import hashlib
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from email.message import Message
from pathlib import Path

from snnsim.core.errors import DataError, OutputExistsError
from snnsim.datasets.file_checks import wrong
from snnsim.datasets.locate import cache_folder
from snnsim.datasets.sources import SOURCES, RemoteFile, Source
from snnsim.datasets.unpack import unpack_zip

Progress = Callable[[str, int, int | None], None]
"""Called with the file's name, the bytes that are here, and the bytes in all (None if not known)."""

_CHUNK = 2**18
_NET = (urllib.error.URLError, http.client.HTTPException, OSError)


def fetch(name: str, folder: str | Path | None = None, *, accept_unverified: bool = False,
          progress: Progress | None = None, keep_archives: bool = False, timeout: float = 60.0,
          sources: Mapping[str, Source] = SOURCES) -> Path:
    """Downloads a published data set and unpacks it. What is already there is left alone.

    Args:
        name: "shd", "ssc" or "nmnist" (the keys of `sources`).
        folder: where it goes; by default the folder `name` in the user's cache.
        accept_unverified: take files whose checksum is not known.
        progress: called from time to time.
        keep_archives: leave the archives beside what they held.
        timeout: longest silence of a server (s).
        sources: table of the known data sets.

    Returns:
        the folder.

    Raises:
        DataError: unknown name, no mirror gave the file, a wrong or unknown checksum, a dangerous archive.
    """
    if name not in sources:
        raise wrong("fetch", f"{name!r}", f"one of {', '.join(sources)}", "choose one of these")
    folder = cache_folder() / name if folder is None else Path(folder)
    unknown = [file.filename for file in sources[name].files if file.md5 is None]
    if unknown and not accept_unverified:
        raise wrong("fetch", f"no known checksum of {', '.join(unknown)}", "files that can be verified",
                    "pass accept_unverified=True if you trust the source")
    for file in sources[name].files:
        if not (folder / file.holds).exists():
            _fetch_one(file, folder, accept_unverified, progress, keep_archives, timeout)
    return folder


def _fetch_one(file: RemoteFile, folder: Path, accept_unverified: bool, progress: Progress | None,
               keep: bool, timeout: float) -> None:
    archive = folder / file.filename
    if not archive.exists():
        download(file.urls, archive, md5=file.md5, accept_unverified=accept_unverified, progress=progress,
                 timeout=timeout)
    elif file.md5 is not None and file_md5(archive) != file.md5:
        raise wrong(archive, f"md5 {file_md5(archive)}", file.md5, "remove this file and fetch again")
    unpack_zip(archive, folder, only=file.holds)
    if not keep:
        archive.unlink()


def download(urls: Sequence[str], path: str | Path, *, md5: str | None, accept_unverified: bool = False,
             progress: Progress | None = None, timeout: float = 60.0, max_bytes: int = 64 * 2**30) -> Path:
    """Downloads one file from the first address that gives it.

    The bytes go to ``path + ".part"``; an interrupted download goes on from there. The file takes its name
    only when its checksum is right.

    Args:
        urls: addresses of the same file, tried in order (http or https).
        path: where it goes.
        md5: its checksum, or None.
        accept_unverified: needed where `md5` is None.
        progress: called after each chunk.
        timeout: longest silence of a server (s).
        max_bytes: stop at a file larger than this.

    Returns:
        the path.

    Raises:
        OutputExistsError: the file is there.
        DataError: no address gave it, its checksum is wrong, or none is known and that was not accepted.
    """
    path = Path(path)
    if path.exists():
        raise OutputExistsError(got="an earlier file", expected="a new name", where=str(path),
                                fix="remove it first")
    if md5 is None and not accept_unverified:
        raise wrong(path, "no checksum", "a file that can be verified", "pass accept_unverified=True")
    for url in urls:
        if not url.startswith(("https://", "http://")):
            raise wrong("download", f"address {url}", "http or https", "correct the address")
    path.parent.mkdir(parents=True, exist_ok=True)
    part, failures = path.with_name(path.name + ".part"), []
    for url in urls:
        # A second try from the beginning: the part of an earlier run may have come from another version.
        for _ in range(2):
            resumed = part.exists() and part.stat().st_size > 0
            try:
                _receive(url, part, path.name, progress, timeout, max_bytes)
            except _NET as error:
                failures.append(f"{url}: {error}")
                break
            found = file_md5(part)
            if md5 is None or found == md5.lower():
                part.replace(path)
                return path
            part.unlink()
            failures.append(f"{url}: md5 {found} instead of {md5}")
            if not resumed:
                break
    raise DataError(got="; ".join(failures) or "no address",
                    expected="a complete file with the right checksum",
                    where=str(path),
                    fix="try again later (it goes on where it stopped), or fetch the file by hand")


def file_md5(path: str | Path) -> str:
    """MD5 of a file, 32 hexadecimal digits.

    Args:
        path: the file.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _receive(url: str, part: Path, name: str, progress: Progress | None, timeout: float,
             max_bytes: int) -> None:
    """Appends what is missing of `part`; starts anew where the server cannot go on in the middle."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "snnsim"} | (
        {"Range": f"bytes={have}-"} if have else {}))
    try:
        answer = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        total = re.fullmatch(r"bytes \*/(\d+)", error.headers.get("Content-Range", ""))
        error.close()
        if error.code == 416 and have:  # nothing beyond what is here: complete, or of another file
            if total is None or int(total.group(1)) != have:
                part.unlink()
                return _receive(url, part, name, progress, timeout, max_bytes)
            return None
        raise
    with answer:
        resumes = answer.status == 206 and _starts_at(answer.headers, have)
        if have and not resumes:
            have = 0
        length = answer.headers.get("Content-Length")
        total_bytes = None if length is None else have + int(length)
        with part.open("ab" if have else "wb") as file:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                have += len(chunk)
                if have > max_bytes:
                    raise OSError(f"more than {max_bytes:,} bytes")
                if progress is not None:
                    progress(name, have, total_bytes)
        if total_bytes is not None and have != total_bytes:
            raise OSError(f"the connection ended after {have:,} of {total_bytes:,} bytes")
    return None


def _starts_at(headers: Message, first: int) -> bool:
    return headers.get("Content-Range", "").startswith(f"bytes {first}-")
