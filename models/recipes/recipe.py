"""`Recipe`: everything that a published result needs, in one readable value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import jax
import optax

from snnsim.core.dataset import LabelledEvents
from snnsim.core.events import Events
from snnsim.core.network import Network
from snnsim.training.losses import AbstractLoss, CrossEntropy, RateRegulariser


@dataclass(frozen=True)
class Recipe:
    """How a network is trained on a data set.

    Args:
        name: what it is called on the command line.
        summary: one line on network and data.
        data: data set that it is made for; where no folder is given it is looked for under this name.
        network: ``(data, key) -> network`` for the prepared data.
        prepare: ``data -> data``, applied to training and test recordings alike (pooling, cropping).
        optimizer: ``(network, updates of the whole run) -> optax transformation``.
        dt: step (ms).
        duration: length of a sample (ms); later events are cut.
        epochs: passes over the training data.
        batch_size: samples an update.
        loss: says how outputs become scores.
        regularisers: further penalties.
        augment: ``(events, seed) -> events``, anew in each epoch.
        validation: share of the training data held out to watch the run; never the test set.
        reference: where the recipe comes from; what it does not reproduce.
    """

    name: str
    summary: str
    data: str
    network: Callable[[LabelledEvents, jax.Array], Network]
    prepare: Callable[[LabelledEvents], LabelledEvents]
    optimizer: Callable[[Network, int], optax.GradientTransformation]
    dt: float
    duration: float
    epochs: int
    batch_size: int
    loss: AbstractLoss = field(default_factory=CrossEntropy)
    regularisers: tuple[RateRegulariser, ...] = ()
    augment: Callable[[Events, int], Events] | None = None
    validation: float = 0.1
    reference: str = ""
