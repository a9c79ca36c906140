"""Where data lie on this machine: `$SNNSIM_DATA`, else the user's cache folder."""

from __future__ import annotations

import os
from pathlib import Path

from snnsim.datasets.file_checks import wrong


def cache_folder() -> Path:
    """The user's cache folder of snnsim (it need not exist): under `$XDG_CACHE_HOME` where set."""
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "snnsim"
    if os.name == "nt" and (base := os.environ.get("LOCALAPPDATA")):
        return Path(base) / "snnsim"
    return Path.home() / ".cache" / "snnsim"


def data_folder(name: str) -> Path:
    """Folder of a data set: ``$SNNSIM_DATA/name`` where it exists, else ``name`` in the user's cache folder.

    Args:
        name: short name, for example ``"shd"``.

    Raises:
        DataError: it lies in neither, or the name is not a plain one.
    """
    if not name or name != Path(name).name or name == "..":
        raise wrong("data_folder", f"name {name!r}", "a plain name such as 'shd'",
                    "pass the name of a data set")
    places = [Path(base) for base in (os.environ.get("SNNSIM_DATA"),) if base] + [cache_folder()]
    for place in places:
        if (place / name).is_dir():
            return place / name
    raise wrong(f"data set '{name}'", "no such folder in " + " or ".join(str(p) for p in places),
                "its files there",
                f"run `snnsim data fetch {name}`, or set SNNSIM_DATA to the folder that holds '{name}'")
