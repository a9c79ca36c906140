"""`LabelledEvents`: recordings with one class label each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnsim.core.errors import DataError
from snnsim.core.events import Events


@dataclass(frozen=True)
class LabelledEvents:
    """Recordings with labels: what a reader returns and what `fit` and `evaluate` take.

    Args:
        events: the recordings, one sample each.
        labels: int32 [batch], index into `classes`.
        classes: name of each class.
        groups: int32 [batch], who or what a sample came from (speaker, subject); None if unknown.
        name: name of the data set, for reports.

    Raises:
        DataError: lengths that disagree, or labels outside the classes.
    """

    events: Events
    labels: np.ndarray
    classes: tuple[str, ...]
    groups: np.ndarray | None = None
    name: str = "events"

    def __post_init__(self):
        labels = np.asarray(self.labels)
        if labels.shape != (len(self.events),) or (labels.size and labels.dtype.kind not in "iu"):
            raise DataError(got=f"labels of shape {labels.shape} and dtype {labels.dtype} for "
                            f"{len(self.events)} samples", expected="one integer label a sample", where=self.name,
                            fix="check the file of labels")
        if labels.size and not 0 <= labels.min() <= labels.max() < len(self.classes):
            raise DataError(got=f"labels from {labels.min()} to {labels.max()}",
                            expected=f"0 to {len(self.classes) - 1}", where=self.name,
                            fix="check the labels, or name all classes")
        object.__setattr__(self, "labels", labels.astype(np.int32))
        object.__setattr__(self, "classes", tuple(str(c) for c in self.classes))
        if self.groups is not None:
            object.__setattr__(self, "groups", np.asarray(self.groups, np.int32))
            if len(self.groups) != len(self.events):
                raise DataError(got=f"{len(self.groups)} groups for {len(self.events)} samples",
                                expected="one group a sample", where=self.name, fix="check the file of groups")

    def __len__(self) -> int:
        return len(self.events)

    def __getitem__(self, index: slice | np.ndarray | Sequence[int]) -> LabelledEvents:
        """The samples chosen by a slice, an index array or a boolean mask."""
        chosen = np.atleast_1d(np.arange(len(self))[index])
        return LabelledEvents(self.events[chosen], self.labels[chosen], self.classes,
                              None if self.groups is None else self.groups[chosen], self.name)

    def with_events(self, events: Events) -> LabelledEvents:
        """The same labels with other events (a transform's result)."""
        return LabelledEvents(events, self.labels, self.classes, self.groups, self.name)

    def split(self, fraction: float, *, seed: int) -> tuple[LabelledEvents, LabelledEvents]:
        """Two parts drawn at random, each class in proportion; the second holds `fraction` of the samples.

        Raises:
            DataError: fraction outside (0, 1), or one that leaves a part empty.
        """
        if not 0.0 < fraction < 1.0:
            raise DataError(got=f"fraction {fraction}", expected="a number between 0 and 1", where=self.name,
                            fix="pass for example 0.1")
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(self))
        rank = np.empty(len(self))
        for label in np.unique(self.labels):
            members = order[self.labels[order] == label]
            rank[members] = (np.arange(len(members)) + rng.uniform()) / len(members)
        second = np.argsort(rank, kind="stable")[: round(fraction * len(self))]
        mask = np.zeros(len(self), bool)
        mask[second] = True
        if mask.all() or not mask.any():
            raise DataError(got=f"{len(self)} samples and fraction {fraction}", expected="two parts with samples",
                            where=self.name, fix="use more data or another fraction")
        return self[~mask], self[mask]

    def folds(self, k: int, *, seed: int) -> list[tuple[LabelledEvents, LabelledEvents]]:
        """k pairs (training part, test part) for cross-validation, each class spread over the folds."""
        if not 2 <= k <= len(self):
            raise DataError(got=f"{k} folds of {len(self)} samples", expected="2 up to the number of samples",
                            where=self.name, fix="choose another number of folds")
        order = np.random.default_rng(seed).permutation(len(self))
        order = order[np.argsort(self.labels[order], kind="stable")]
        fold = np.empty(len(self), int)
        fold[order] = np.arange(len(self)) % k
        return [(self[fold != i], self[fold == i]) for i in range(k)]
