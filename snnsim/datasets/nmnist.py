"""N-MNIST: handwritten digits before a moving event camera, 34 x 34 pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snnsim.core.dataset import LabelledEvents
from snnsim.core.events import Events
from snnsim.datasets.file_checks import MAX_BYTES, check_bytes, check_file, reading, wrong
from snnsim.datasets.npz_checks import read_arrays

SIZE = 34
"""Rows and columns of the cropped sensor."""

_SHAPE = (2, SIZE, SIZE)  # polarity (0 = OFF, 1 = ON), y, x
_OVERFLOW_Y, _OVERFLOW_US = 240, 2**13
_CLASSES = tuple(str(digit) for digit in range(10))


def read_nmnist_bin(path: str | Path) -> Events:
    """One recording of an official ``.bin`` file.

    An event has 5 bytes: x; y; polarity in the highest bit of the third, then 23 bits of time (µs, highest
    byte first). An event with y = 240 marks an overflow of the sensor's clock: it is dropped, and 2^13 µs are
    added to all times after it.

    Args:
        path: the file.

    Returns:
        one sample of shape (2, 34, 34) (polarity, y, x) with a resolution of 0.001 ms.

    Raises:
        DataError: no file, empty, cut within an event, pixels outside the sensor, unsorted times.

    References:
        Orchard et al., Converting Static Image Datasets to Spiking Neuromorphic Datasets Using Saccades,
        Frontiers in Neuroscience 9:437 (2015).
    """
    return _decode([check_file(path)])


def load_nmnist(folder: str | Path, *, max_bytes: int = MAX_BYTES) -> tuple[LabelledEvents, LabelledEvents]:
    """Training and test recordings of a folder.

    Two layouts are known: the official ``Train/<digit>/NNNNN.bin`` and ``Test/<digit>/NNNNN.bin`` (upper or
    lower case, files in order of their names), and ``nmnist_train.npz`` and ``nmnist_test.npz`` with arrays
    ``x, y, p, t`` (µs), ``offsets, labels``.

    Args:
        folder: where they lie.
        max_bytes: refuse a part that holds more data than this (bytes).

    Raises:
        DataError: neither layout, or a damaged file.
    """
    folder = Path(folder)
    parts = {p.name.lower(): p for p in folder.iterdir()} if folder.is_dir() else {}
    if {"train", "test"} <= parts.keys():
        return _read_folder(parts["train"], max_bytes), _read_folder(parts["test"], max_bytes)
    if {"nmnist_train.npz", "nmnist_test.npz"} <= parts.keys():
        train, test = (_read_arrays(parts[f"nmnist_{name}.npz"], max_bytes) for name in ("train", "test"))
        return train, test
    raise wrong(folder, ", ".join(sorted(parts)[:20]) or "no files",
                "folders Train and Test, or nmnist_train.npz and nmnist_test.npz", "unpack both here")


def _read_folder(folder: Path, max_bytes: int) -> LabelledEvents:
    files = [(path, int(digit)) for digit in _CLASSES for path in (folder / digit).glob("*.bin")]
    files.sort(key=lambda item: (item[0].name, item[1]))  # the number in the name is the place in MNIST
    if not files:
        raise wrong(folder, "no .bin file", "folders 0 to 9 with .bin files", "unpack the archive here")
    check_bytes(sum(path.stat().st_size for path, _ in files), max_bytes, str(folder))
    paths = [path for path, _ in files]
    events = Events.concatenate([_decode(paths[i : i + 1000]) for i in range(0, len(paths), 1000)])
    labels = np.array([label for _, label in files])
    return LabelledEvents(events, labels, _CLASSES, None, f"nmnist_{folder.name.lower()}")


def _decode(paths: list[Path]) -> Events:
    """Recordings of several files, decoded together: a loop over 60,000 small arrays would be slow."""
    chunks = []
    for path in paths:
        with reading(path):
            chunks.append(check_file(path).read_bytes())
        if len(chunks[-1]) % 5:
            raise wrong(path, f"{len(chunks[-1])} bytes", "a multiple of 5",
                        "fetch the file again: it was cut")
    offsets = np.concatenate([[0], np.cumsum([len(chunk) // 5 for chunk in chunks])])
    raw = np.frombuffer(b"".join(chunks), np.uint8).reshape(-1, 5)
    x, y, polarity = raw[:, 0], raw[:, 1], raw[:, 2] >> 7
    ticks = (raw[:, 2].astype(np.int64) & 0x7F) << 16 | raw[:, 3].astype(np.int64) << 8 | raw[:, 4]
    overflow = y == _OVERFLOW_Y
    if overflow.any():
        seen = np.concatenate([[0], np.cumsum(overflow)])
        ticks += _OVERFLOW_US * (seen[1:] - np.repeat(seen[offsets[:-1]], np.diff(offsets)))
    keep = ~overflow
    bad = keep & ((x >= SIZE) | (y >= SIZE))
    if bad.any():
        at = int(np.argmax(bad))
        sample = int(np.searchsorted(offsets, at, side="right")) - 1
        raise wrong(f"{paths[sample]}, event {at - offsets[sample]}", f"pixel x = {x[at]}, y = {y[at]}",
                    f"0 to {SIZE - 1}")
    kept = np.concatenate([[0], np.cumsum(keep)])
    offsets, ticks = kept[offsets], ticks[keep]
    falling = np.concatenate([[False], ticks[1:] < ticks[:-1]])
    falling[offsets[offsets < len(ticks)]] = False
    if falling.any():
        at = int(np.argmax(falling))
        sample = int(np.searchsorted(offsets, at, side="right")) - 1
        raise wrong(f"{paths[sample]}, event {at - offsets[sample]}",
                    f"time {ticks[at]} µs after {ticks[at - 1]} µs",
                    "times in order")
    indices = (polarity[keep].astype(np.int32) * SIZE + y[keep]) * SIZE + x[keep]
    return Events(ticks, indices, offsets, _SHAPE)


def _read_arrays(path: Path, max_bytes: int) -> LabelledEvents:
    arrays = read_arrays(path, required=("x", "y", "p", "t", "offsets", "labels"), max_bytes=max_bytes)
    with reading(path):
        x, y, p, t = (arrays[name] for name in "xypt")
        if len({a.shape for a in (x, y, p, t)}) != 1 or any(a.dtype.kind not in "iu" for a in (x, y, p, t)):
            raise wrong(path, "x, y, p, t of " + ", ".join(f"{a.dtype} {a.shape}" for a in (x, y, p, t)),
                        "equal lengths of integers")
        for name, array, size in (("x", x, SIZE), ("y", y, SIZE), ("p", p, 2)):
            if array.size and (array.max() >= size or array.min() < 0):
                raise wrong(f"{path}, '{name}'", f"numbers from {array.min()} to {array.max()}",
                            f"0 to {size - 1}")
        indices = (p.astype(np.int32) * SIZE + y) * SIZE + x
        events = Events(t, indices, arrays["offsets"], _SHAPE)
        return LabelledEvents(events, arrays["labels"], _CLASSES, None, path.stem)
