"""`fit`: train a network on labelled recordings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from snnsim.core.dataset import LabelledEvents
from snnsim.core.errors import ConfigurationError, DataError, DivergenceError
from snnsim.core.events import Events
from snnsim.core.network import Network
from snnsim.core.parameters import partition
from snnsim.core.progress import bar
from snnsim.core.simulate import check_statistics, steps_of
from snnsim.datasets.batching import batches
from snnsim.training.evaluate import check_classes, ends, evaluate, whole_duration
from snnsim.training.losses import AbstractLoss, CrossEntropy, RateRegulariser
from snnsim.training.optimisers import adam
from snnsim.training.run_folder import RunFolder
from snnsim.training.step import Setting, first_not_finite, loose, update

History = list[dict[str, Any]]


def fit(network: Network, data: LabelledEvents, *, validation: float | LabelledEvents = 0.1, epochs: int = 20,
        batch_size: int = 64, dt: float = 1.0, duration: float | None = None, loss: AbstractLoss | None = None,
        regularisers: Sequence[RateRegulariser] = (), optimizer: optax.GradientTransformation | None = None,
        augment: Callable[[Events, int], Events] | None = None, patience: int | None = None, seed: int = 0,
        input: str | None = None, output: str | None = None, precision: str = "default",
        out: str | Path | None = None, resume: bool = False, progress: bool = False,
        settings: dict[str, Any] | None = None) -> tuple[Network, History]:
    """Train by backpropagation through time with surrogate gradients.

    The test set is never seen: a share of `data` is kept for validation. What is returned is the network of the
    last epoch. With the same arguments on the same machine and JAX version the result is the same to the bit,
    whether or not the run was interrupted and resumed.

    Args:
        network: where to begin; it is not changed.
        data: recordings to learn from.
        validation: share of `data` kept for validation (0: none), or recordings of its own.
        epochs: passes over the data.
        batch_size: samples an update; a last batch that is not full is left out, another one in each epoch.
        dt: step (ms).
        duration: length of each sample (ms); later events are cut. None holds all events.
        loss: by default `CrossEntropy("mean")`.
        regularisers: further penalties.
        optimizer: an optax transformation on the trainable part; by default `adam(network)`.
        augment: ``(events, seed) -> events``, applied to the training part anew in each epoch.
        patience: stop after so many epochs without a better validation loss; None never.
        seed: of splits, order, augmentation, dropout and noise.
        input: input population; None if there is only one.
        output: output population; None if there is only one.
        precision: of matrix products, see `simulate`.
        out: folder for metrics and checkpoints; None writes nothing.
        resume: go on from the checkpoint in `out`.
        progress: draw a progress bar on stderr.
        settings: further JSON values that must agree when a run is resumed (a recipe's name).

    Returns:
        (trained network, one dict of metrics an epoch).

    Raises:
        ConfigurationError: nothing to train, a batch larger than the data, epochs below 1.
        DataError: classes that the output does not have, or that no training sample has.
        DivergenceError: loss or parameters left the finite numbers; the last checkpoint stays.
        OutputExistsError: `out` holds earlier results.
        FileFormatError: the checkpoint does not belong to this run.
    """
    loss = CrossEntropy("mean") if loss is None else loss
    optimizer = adam(network) if optimizer is None else optimizer
    input, output = ends(network, input, output)
    network.check(dt)
    check_statistics(network)
    check_classes(network, output, data)
    train, held = _split(data, validation, seed)
    _check(network, train, epochs, batch_size)
    _check_regularisers(network, regularisers)
    duration = whole_duration(data, dt) if duration is None else duration
    steps = steps_of(duration, dt)
    # The step gives its arguments away, so it works on copies.
    network = jax.tree.map(jnp.array, network)
    with loose():
        moments, history = optimizer.init(partition(network)[0]), History()
    folder = None
    if out is not None:
        kept = dict(settings or {}, epochs=epochs, batch_size=batch_size, dt=dt, duration=duration, seed=seed,
                    samples=len(train), loss=str(loss))
        folder = RunFolder(out, resume=resume, settings=kept)
        if resume and folder.has_checkpoint:
            (network, moments), history = folder.load((network, moments))
    setting = Setting((loss, *regularisers), float(dt), input, output)
    per_epoch = len(train) // batch_size
    with bar("training", show=progress) as report, jax.default_matmul_precision(precision):
        for epoch in range(len(history), epochs):
            if _ended(history, patience):
                break
            part = train if augment is None else train.with_events(augment(train.events, _seed(seed, epoch)))
            losses, correct = [], []
            for i, batch in enumerate(batches(part, batch_size, dt=dt, steps=steps, seed=seed, epoch=epoch,
                                              drop_last=True, crop=True)):
                step_seed = jnp.uint32(_seed(seed, epoch, i))
                network, moments, value, right = update(network, moments, batch.inputs, batch.labels, step_seed,
                                                        setting, optimizer)
                losses.append(value)
                correct.append(right)
                report((epoch + (i + 1) / per_epoch) / epochs, _line(history))
            line = {"epoch": epoch + 1, "train_loss": float(np.mean(losses)),
                    "train_accuracy": float(np.sum(correct)) / (per_epoch * batch_size)}
            _refuse_not_finite(network, line["train_loss"], epoch)
            if held is not None:
                score = evaluate(network, held, dt=dt, duration=duration, loss=loss, batch_size=batch_size, input=input,
                                 output=output, precision=precision)
                line |= {"validation_loss": score.loss, "validation_accuracy": score.accuracy}
            history.append(line)
            if folder is not None:
                folder.save((network, moments), history)
            report((epoch + 1) / epochs, _line(history))
    return network, history


def _split(data: LabelledEvents, validation: float | LabelledEvents,
           seed: int) -> tuple[LabelledEvents, LabelledEvents | None]:
    if isinstance(validation, LabelledEvents):
        return data, validation
    return (data, None) if validation == 0 else data.split(validation, seed=seed)


def _check(network: Network, train: LabelledEvents, epochs: int, batch_size: int) -> None:
    if not jax.tree.leaves(partition(network)[0]):
        raise ConfigurationError(got="a network without trainable parameters", expected="at least one", where="fit",
                                 fix='mark some, for example Network(..., trainable={"hidden.tau_mem": True})')
    if not 1 <= batch_size <= len(train) or epochs < 1:
        raise ConfigurationError(got=f"batch_size = {batch_size}, epochs = {epochs} for {len(train)} training samples",
                                 expected="1 up to the number of training samples, and at least one epoch", where="fit",
                                 fix="use smaller batches or more data")
    missing = sorted(set(range(len(train.classes))) - set(train.labels.tolist()))
    if missing:
        raise DataError(got=f"no training sample of {', '.join(train.classes[i] for i in missing[:5])}",
                        expected="samples of every class", where=train.name,
                        fix="use more data, or leave out these classes")


def _check_regularisers(network: Network, regularisers: Sequence[RateRegulariser]) -> None:
    for regulariser in regularisers:
        if regulariser.population not in network.populations:
            raise ConfigurationError(got=f"population {regulariser.population!r}", where="RateRegulariser",
                                     expected=f"one of {', '.join(network.populations)}", fix="correct the name")


def _refuse_not_finite(network: Network, loss: float, epoch: int) -> None:
    culprit = first_not_finite(network)
    if culprit is not None or not np.isfinite(loss):
        raise DivergenceError(got=f"{culprit or 'the loss'} not finite in epoch {epoch + 1}", expected="finite numbers",
                              where="fit",
                              fix="lower the learning rates or clip the gradient; the checkpoint before is kept")


def _ended(history: History, patience: int | None) -> bool:
    if patience is None or len(history) <= patience or "validation_loss" not in history[-1]:
        return False
    found = [line["validation_loss"] for line in history]
    return min(found[-patience:]) >= min(found[:-patience])


def _seed(*numbers: int) -> int:
    """A seed below 2**31 from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0] >> 1)


def _line(history: History) -> str:
    if not history:
        return ""
    last = history[-1]
    shown = f"epoch {last['epoch']}: loss {last['train_loss']:.3f}, training {last['train_accuracy']:.1%}"
    return shown + (f", validation {last['validation_accuracy']:.1%}" if "validation_accuracy" in last else "")
