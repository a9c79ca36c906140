"""A run's folder: metrics as JSON lines, an atomic checksummed checkpoint after every epoch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import FileFormatError
from snnsim.io.array_file import read_arrays, write_arrays
from snnsim.io.atomic import require_new_folder, write_text

CHECKPOINT = "checkpoint.h5"
METRICS = "metrics.jsonl"


class RunFolder:
    """Where one run of training keeps its results.

    Args:
        path: the folder; made if it is missing.
        resume: go on from the checkpoint in it; otherwise the folder must be new or empty.
        settings: what must be the same for a run to be continued, as plain JSON values.

    Raises:
        OutputExistsError: the folder holds results and `resume` is False.
    """

    def __init__(self, path: str | Path, *, resume: bool, settings: dict[str, Any]):
        self.path, self.settings = Path(path), settings
        if not resume:
            require_new_folder(self.path, "choose another folder, or continue with --resume (resume=True)")
        self.path.mkdir(parents=True, exist_ok=True)

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is something to go on from."""
        return (self.path / CHECKPOINT).exists()

    def save(self, tree: Any, history: list[dict[str, Any]]) -> None:
        """Replace the checkpoint by this state, and the metrics by this history."""
        arrays = {name: np.asarray(leaf) for name, leaf in _named_leaves(tree)}
        meta = {"history": history, "settings": self.settings, "versions": versions()}
        write_arrays(self.path / CHECKPOINT, arrays, meta, kind="checkpoint", overwrite=True)
        lines = "".join(json.dumps(line, sort_keys=True) + "\n" for line in history)
        write_text(self.path / METRICS, lines, overwrite=True)

    def load(self, tree: Any) -> tuple[Any, list[dict[str, Any]]]:
        """(state of the checkpoint in the form of `tree`, history).

        Raises:
            FileFormatError: a damaged file, other settings, other versions, or arrays of another network.
        """
        path = self.path / CHECKPOINT
        arrays, meta = read_arrays(path, kind="checkpoint")
        for what, found, wanted in (("settings", meta.get("settings"), json.loads(json.dumps(self.settings))),
                                    ("versions", meta.get("versions"), versions())):
            if found != wanted:
                different = sorted(k for k in {*(found or {}), *wanted} if (found or {}).get(k) != wanted.get(k))
                parts = ", ".join(f"{k} = {(found or {}).get(k)} (now {wanted.get(k)})" for k in different)
                raise FileFormatError(got=f"a run with {parts}", expected=f"the same {what}", where=str(path),
                                      fix="continue with what the run was begun with, or begin a new run")
        named = _named_leaves(tree)
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
        return jax.tree.unflatten(jax.tree.structure(tree), leaves), list(meta["history"])


def _named_leaves(tree: Any) -> list[tuple[str, Any]]:
    return [(f"{i:04d}{jax.tree_util.keystr(path)}".replace("/", "|"), leaf)
            for i, (path, leaf) in enumerate(jax.tree_util.tree_leaves_with_path(tree))]


def versions() -> dict[str, str]:
    """Versions that a run's numbers depend on."""
    from snnsim import __version__

    return {"snnsim": __version__, "jax": jax.__version__}
