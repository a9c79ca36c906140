"""A run's folder: metrics as JSON lines, an atomic checksummed checkpoint after every epoch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from snnsim.io.atomic import require_new_folder, write_text
from snnsim.io.snapshot import read_snapshot, write_snapshot

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
        write_snapshot(self.path / CHECKPOINT, tree, kind="checkpoint", settings=self.settings,
                       more={"history": history})
        lines = "".join(json.dumps(line, sort_keys=True) + "\n" for line in history)
        write_text(self.path / METRICS, lines, overwrite=True)

    def load(self, tree: Any) -> tuple[Any, list[dict[str, Any]]]:
        """(state of the checkpoint in the form of `tree`, history).

        Raises:
            FileFormatError: a damaged file, other settings, other versions, or arrays of another network.
        """
        tree, meta = read_snapshot(self.path / CHECKPOINT, tree, kind="checkpoint", settings=self.settings)
        return tree, list(meta["history"])
