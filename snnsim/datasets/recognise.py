"""Recordings of a folder, whatever known layout it has."""

from __future__ import annotations

from pathlib import Path

from snnsim.core.dataset import LabelledEvents
from snnsim.datasets.event_digits import event_digits
from snnsim.datasets.file_checks import MAX_BYTES, wrong
from snnsim.datasets.locate import data_folder
from snnsim.datasets.nmnist import load_nmnist
from snnsim.datasets.packs import is_pack, read_npz
from snnsim.datasets.shd import load_shd


def load_recordings(name: str | Path, *, max_bytes: int = MAX_BYTES) -> tuple[LabelledEvents, LabelledEvents]:
    """Training and test recordings of a data set, named or by its folder.

    Known layouts: a pair ``*_train.h5`` and ``*_test.h5`` (SHD, SSC), N-MNIST (folders ``Train`` and
    ``Test``, or two ``.npz`` files), and a pair of event packs ``*train.npz`` and ``*test.npz``.
    ``"event-digits"`` is made, not read.

    Args:
        name: a folder, or a name for `data_folder`.
        max_bytes: refuse a file that declares more data than this (bytes).

    Returns:
        training part and test part.

    Raises:
        DataError: no such folder, or none of these layouts.
    """
    if str(name) == "event-digits":
        return event_digits()
    folder = Path(name) if Path(name).is_dir() else None
    if folder is None:
        if Path(name).exists() or Path(name).name != str(name):
            raise wrong(name, "a file" if Path(name).exists() else "nothing", "a folder of recordings",
                        "pass the folder, or the name of a data set")
        folder = data_folder(str(name))
    found = sorted(p.name for p in folder.iterdir())
    if any(n.endswith("_train.h5") for n in found):
        return load_shd(folder, max_bytes=max_bytes)
    packs = [(n, n.removesuffix("train.npz") + "test.npz") for n in found if n.endswith("train.npz")]
    packs = [pair for pair in packs if pair[1] in found and all(is_pack(folder / n) for n in pair)]
    if len(packs) == 1:
        train, test = (_labelled(folder / n, max_bytes) for n in packs[0])
        return train, test
    if {n.lower() for n in found} >= {"train", "test"} or {"nmnist_train.npz",
                                                           "nmnist_test.npz"} <= set(found):
        return load_nmnist(folder, max_bytes=max_bytes)
    raise wrong(folder, ", ".join(found[:20]) or "an empty folder",
                "a pair *_train.h5 and *_test.h5, folders Train and Test, or a pair *train.npz and *test.npz",
                "unpack the archives here, or write event packs with write_npz")


def _labelled(path: Path, max_bytes: int) -> LabelledEvents:
    data = read_npz(path, max_bytes=max_bytes)
    if not isinstance(data, LabelledEvents):
        raise wrong(path, "events without labels", "labelled recordings",
                    "write LabelledEvents with write_npz")
    return data
