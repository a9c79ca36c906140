"""Snapshots: a tree of arrays in one checksummed file, with what must agree before work goes on from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import FileFormatError
from snnsim.core.events import Events
from snnsim.io.array_file import array_sha256, read_arrays, write_arrays
from snnsim.io.tree import encode

Tree = TypeVar("Tree")


def write_snapshot(path: str | Path, tree: Any, *, kind: str, settings: Mapping[str, Any],
                   more: Mapping[str, Any] | None = None) -> None:
    """Write the arrays of a tree, in place of an earlier snapshot, whole or not at all.

    Args:
        path: file to write.
        tree: any tree of arrays; its structure is not kept.
        kind: what the file is, checked on reading.
        settings: what must be the same for work to be continued, as plain JSON values.
        more: further JSON values.

    Raises:
        OSError: the disk is full or refuses to write; the earlier snapshot is then as it was.
    """
    arrays = {name: np.asarray(leaf) for name, leaf in named_leaves(tree)}
    meta = {**(more or {}), "settings": dict(settings), "versions": versions()}
    write_arrays(path, arrays, meta, kind=kind, overwrite=True)


def read_snapshot(path: str | Path, tree: Tree, *, kind: str,
                  settings: Mapping[str, Any] | None) -> tuple[Tree, dict[str, Any]]:
    """Read what `write_snapshot` wrote.

    Args:
        path: file to read.
        tree: a tree of the same form, whose arrays are replaced.
        kind: what the file must be.
        settings: what must agree; None accepts any, and any version.

    Returns:
        (the tree with the arrays of the file, everything else in it).

    Raises:
        FileFormatError: a damaged file, other settings, other versions, or arrays of another network.
    """
    path = Path(path)
    arrays, meta = read_arrays(path, kind=kind)
    if not isinstance(meta, dict) or not all(isinstance(meta.get(part), dict) for part in ("settings", "versions")):
        raise FileFormatError(got="no settings", expected="settings and versions of a run", where=str(path),
                              fix="check the path")
    if settings is not None:
        for what, wanted in (("settings", json.loads(json.dumps(dict(settings)))), ("versions", versions())):
            _refuse_other(path, what, meta[what], wanted)
    named = named_leaves(tree)
    names = [name for name, _ in named]
    if sorted(names) != sorted(arrays):
        odd = sorted(set(names) ^ set(arrays))
        raise FileFormatError(got=f"arrays that differ in {', '.join(odd[:4])}", expected="arrays of this network",
                              where=str(path), fix="resume with the network that the run was begun with")
    for name, leaf in named:
        if arrays[name].shape != leaf.shape or arrays[name].dtype != leaf.dtype:
            raise FileFormatError(got=f"{name} of {arrays[name].dtype} {arrays[name].shape}", where=str(path),
                                  expected=f"{leaf.dtype} {leaf.shape}",
                                  fix="resume with the network that the run was begun with")
    leaves = [jnp.asarray(arrays[name]) for name in names]
    return jax.tree.unflatten(jax.tree.structure(tree), leaves), meta


def _refuse_other(path: Path, what: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    different = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
    if different:
        parts = ", ".join(f"{name} = {found.get(name)} (now {wanted.get(name)})" for name in different)
        raise FileFormatError(got=f"a run with {parts}", expected=f"the same {what}", where=str(path),
                              fix="continue with what the run was begun with, or begin a new run")


def named_leaves(tree: Any) -> list[tuple[str, Any]]:
    """Arrays of a tree with names that tell where in it they are."""
    return [(f"{i:04d}{jax.tree_util.keystr(path)}".replace("/", "|"), leaf)
            for i, (path, leaf) in enumerate(jax.tree_util.tree_leaves_with_path(tree))]


def versions() -> dict[str, str]:
    """Versions that a run's numbers depend on."""
    from snnsim import __version__

    return {"snnsim": __version__, "jax": jax.__version__}


def fingerprint(thing: Any) -> str:
    """16 hexadecimal digits that tell one network, state or set of inputs from another.

    Args:
        thing: a tree of modules, dictionaries, arrays and `Events`. The code of a class is not looked at, its
            name is.

    Raises:
        UnsupportedError: something that a file cannot hold, such as a function.
    """
    encoded = encode(jax.tree.map(_plain, thing, is_leaf=lambda x: isinstance(x, Events)))
    sums = {name: array_sha256(array) for name, array in encoded.arrays.items()}
    return hashlib.sha256(json.dumps([encoded.structure, sums], sort_keys=True).encode()).hexdigest()[:16]


def _plain(leaf: Any) -> Any:
    """Events as a dictionary of arrays; everything else as it is."""
    if not isinstance(leaf, Events):
        return leaf
    return {"ticks": leaf.ticks, "indices": leaf.indices, "offsets": leaf.offsets, "shape": leaf.shape,
            "resolution": leaf.resolution, "values": leaf.values}

