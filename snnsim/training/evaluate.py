"""`evaluate`: accuracy, loss, confusion and spike counts on labelled recordings."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.dataset import LabelledEvents
from snnsim.core.engine import run_chunk
from snnsim.core.errors import ConfigurationError, DataError, DivergenceError
from snnsim.core.network import Network
from snnsim.core.simulate import steps_of
from snnsim.core.state import initial_state
from snnsim.datasets.batching import batches
from snnsim.training.losses import AbstractLoss, CrossEntropy


@dataclass(frozen=True)
class Score:
    """What `evaluate` found.

    Args:
        accuracy: share of samples whose largest score is their label.
        loss: mean loss.
        confusion: int64 ``[classes, classes]``, row: label, column: prediction.
        predictions: int64 ``[samples]``.
        spikes: mean number of spikes a sample, by spiking population.
        n: number of samples.
    """

    accuracy: float
    loss: float
    confusion: np.ndarray
    predictions: np.ndarray
    spikes: dict[str, float]
    n: int

    @property
    def standard_error(self) -> float:
        """Binomial standard error of the accuracy."""
        return float(np.sqrt(self.accuracy * (1 - self.accuracy) / self.n))


def ends(network: Network, input: str | None, output: str | None) -> tuple[str, str]:
    """Names of the input and output population: those named, or the only ones there are.

    Raises:
        ConfigurationError: several candidates, none, or a name that the network does not have.
    """
    found = []
    for name, candidates, what in ((input, network.inputs, "input"), (output, network.sinks, "output")):
        if name is None and len(candidates) != 1:
            raise ConfigurationError(got=f"{len(candidates)} candidates: {', '.join(candidates) or 'none'}",
                                     expected=f"one {what} population", where="network", fix=f"name it: {what}=...")
        if name is not None and name not in (network.inputs if what == "input" else network.populations):
            raise ConfigurationError(got=f"{what} population {name!r}", expected=f"one of {', '.join(candidates)}",
                                     where="network", fix="correct the name")
        found.append(candidates[0] if name is None else name)
    return found[0], found[1]


def whole_duration(data: LabelledEvents, dt: float) -> float:
    """Shortest multiple of `dt` that holds all events (ms)."""
    return max(1, ceil(data.events.n_steps(dt))) * dt


def check_classes(network: Network, output: str, data: LabelledEvents) -> None:
    """Raise `DataError` if the output population has another number of units than the data has classes."""
    size = network.populations[output].size
    if size != len(data.classes):
        raise DataError(got=f"{len(data.classes)} classes in {data.name}", expected=f"{size}, the size of {output!r}",
                        where="labels", fix="give the output population one unit a class")


def evaluate(network: Network, data: LabelledEvents, *, dt: float = 1.0, duration: float | None = None,
             loss: AbstractLoss | None = None, batch_size: int = 128, input: str | None = None,
             output: str | None = None, seed: int = 0, precision: str = "highest") -> Score:
    """Test a network.

    Args:
        network: what to test, in inference mode.
        data: labelled recordings.
        dt: step (ms).
        duration: length of each sample (ms); later events are cut. None holds all events.
        loss: says how outputs become scores; by default `CrossEntropy("mean")`.
        batch_size: samples at a time; results do not depend on it.
        input: input population; None if there is only one.
        output: output population; None if there is only one.
        seed: of random numbers drawn by neurons.
        precision: of matrix products, see `simulate`.

    Returns:
        A `Score`.

    Raises:
        DataError: no samples, or classes that the output does not have.
        DivergenceError: scores that are not finite.
    """
    loss = CrossEntropy("mean") if loss is None else loss
    input, output = ends(network, input, output)
    network.check(dt)
    if not len(data):
        raise DataError(got="no samples", expected="at least one", where=data.name, fix="check the data")
    check_classes(network, output, data)
    steps = steps_of(whole_duration(data, dt) if duration is None else duration, dt)
    losses, predictions, spikes = np.zeros(len(data)), np.zeros(len(data), np.int64), dict[str, float]()
    size = min(batch_size, len(data))
    for batch in batches(data, size, dt=dt, steps=steps, crop=duration is not None):
        with jax.default_matmul_precision(precision):
            found, scores, counts = _scored(network, batch.inputs, batch.labels, jnp.uint32(seed), dt, loss, input,
                                            output)
        real = batch.mask > 0
        if not np.isfinite(np.asarray(scores)[real]).all():
            raise DivergenceError(got="scores that are not finite", expected="finite scores", where="evaluate",
                                  fix="check the network's parameters, or use a smaller dt")
        losses[batch.index[real]] = np.asarray(found)[real]
        predictions[batch.index[real]] = np.asarray(scores)[real].argmax(-1)
        for name, count in counts.items():
            spikes[name] = spikes.get(name, 0.0) + float(np.asarray(count)[real].sum()) / len(data)
    n = len(data.classes)
    confusion = np.bincount(data.labels * n + predictions, minlength=n * n).reshape(n, n)
    return Score(accuracy=float((predictions == data.labels).mean()), loss=float(losses.mean()), confusion=confusion,
                 predictions=predictions, spikes=spikes, n=len(data))


@eqx.filter_jit
def _scored(network, inputs, labels, seed, dt, loss, input, output):
    inputs = jnp.asarray(inputs, jnp.result_type(float))
    state = initial_state(network, inputs.shape[1], dt)
    _, outputs, _ = run_chunk(network, state, {input: inputs}, dt=dt, steps=len(inputs), seed=seed, inference=True,
                              record=())
    counts = {name: jnp.sum(array != 0, axis=(0, *range(2, array.ndim))) for name, array in outputs.items()
              if network.populations[name].spiking}
    return loss(outputs[output], labels), loss.scores(outputs[output]), counts
