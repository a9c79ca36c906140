"""`simulate`: events in, recording out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.chunks import runner
from snnsim.core.errors import ConfigurationError, DivergenceError, ShapeError, UnsupportedError
from snnsim.core.events import Events, exact_ratio
from snnsim.core.network import Network
from snnsim.core.observe import Record, check_record
from snnsim.core.recording import Recording, Status
from snnsim.core.state import SimulationState, initial_state

Given = Mapping[str, Any]


def simulate(network: Network, inputs: Given | None = None, *, duration: float, dt: float = 1.0,
             record: Mapping[str, Sequence[str]] | None = None, state: SimulationState | None = None,
             seed: int = 0, inference: bool = True, chunk: int | None = None, engine: str = "clocked",
             precision: str = "highest", throw: bool = True) -> Recording:
    """Simulate a network.

    Args:
        network: what to simulate.
        inputs: for each input population an `Events` (samples are the batch) or a dense array
            ``[steps, batch, *shape]``. A population that is not named gets no input.
        duration: ms, a multiple of `dt`.
        dt: step (ms).
        record: variables by population, such as ``{"hidden": ["spikes", "v"]}``; None records the output of
            the populations that project onto no other. Spike counts of all populations are always kept.
        state: where to begin, from an earlier ``recording.state``; None is at rest.
        seed: of the random numbers that neurons and synapses draw.
        inference: use running statistics and no dropout; False is for training.
        chunk: steps that are compiled and held at a time; results do not depend on it. None is all, or for large
            networks as many as fit.
        engine: "clocked".
        precision: of matrix products: "highest" is full float32; "default" allows TF32 or bfloat16 on a GPU.
        throw: raise when a state is not finite; else see `Recording.status`.

    Returns:
        A `Recording`.

    Raises:
        ConfigurationError: unknown names, a duration off the grid.
        DataError: events beyond the duration.
        DelayError: a delay off the grid.
        DivergenceError: a state left the finite numbers (with `throw`).

    Example:
        >>> import jax, snnsim as sn
        >>> net = sn.Network(dict(input=sn.Input(1), cell=sn.LIF(1, tau_mem=10.0)),
        ...                  [sn.Projection("input", "cell", sn.Dense(weight=0.6))], key=jax.random.key(0))
        >>> events = sn.Events.from_times([1.0, 2.0, 3.0], [0, 0, 0], shape=1)
        >>> sn.simulate(net, {"input": events}, duration=5.0).events("cell").times
        array([2.])
    """
    if engine != "clocked":
        raise UnsupportedError(got=f"engine {engine!r}", expected="'clocked'", where="simulate",
                               fix="leave engine at its default")
    network.check(dt)
    steps = steps_of(duration, dt)
    dense = dense_inputs(network, inputs or {}, steps, dt, None if state is None else state.batch)
    batch = next(iter(dense.values())).shape[1] if dense else 1 if state is None else state.batch
    wanted = _record_of(network, record)
    check_statistics(network, chunked=not inference and chunk is not None and chunk < steps)
    if state is None:
        state = initial_state(network, batch, dt)
    elif state.batch not in (0, batch):
        raise ShapeError(got=f"{batch} samples", expected=f"{state.batch}, as in the state", where="simulate",
                         fix="continue with the batch that the state was made with")
    first = 0 if isinstance(state.step, jax.core.Tracer) else int(state.step)
    run = runner(network, dense, dt, inference)
    traces: list[Any] = []
    counts: dict[str, Any] = {}
    fine = {name: jnp.array(True) for name in network.populations}
    graded = {name: jnp.array(False) for name in network.populations}
    length = run.length(steps, batch, wanted) if chunk is None else max(1, min(chunk, steps))
    for start in range(0, steps, length):
        part = {name: jnp.asarray(array[start:start + length], jnp.result_type(float)) for name, array in dense.items()}
        with jax.default_matmul_precision(precision):
            done = run.run(state, part, dt=dt, steps=min(length, steps - start), seed=_seed(seed), record=wanted)
        state = done.state
        counts = {name: counts[name] + done.counts[name] if counts else done.counts[name] for name in done.counts}
        graded = {name: graded[name] | done.graded[name] for name in graded}
        fine = {name: fine[name] & done.healthy[name] for name in fine}
        traces.append(done.traces)
    joined = traces[0] if len(traces) == 1 else jax.tree.map(_concatenated, *traces)
    status = _status(fine, throw)
    return Recording(traces=joined, counts=counts, state=state, simulated=network, dt=float(dt), steps=steps,
                     first_step=first, status=status, graded=graded, path=run.path)


def _concatenated(*parts):
    return (np if isinstance(parts[0], np.ndarray) else jnp).concatenate(parts)


def _seed(seed: Any) -> jax.Array:
    if isinstance(seed, int | np.integer) and not 0 <= seed < 2**32:
        raise ConfigurationError(got=f"seed = {seed}", expected="0 to 2^32 - 1", where="simulate",
                                 fix="choose another seed")
    return jnp.asarray(seed, jnp.uint32)


def _status(fine: Mapping[str, jax.Array], throw: bool) -> Status:
    if any(isinstance(flag, jax.core.Tracer) for flag in fine.values()):
        return Status.ok  # inside a transformation the caller checks the loss
    failed = [name for name, flag in fine.items() if not bool(flag)]
    if failed and throw:
        raise DivergenceError(got=f"a state that is not finite in {', '.join(map(repr, failed))}",
                              expected="finite numbers", where="simulate",
                              fix="use a smaller dt, or check weights and inputs of this population")
    return Status.not_finite if failed else Status.ok


def steps_of(duration: float, dt: float) -> int:
    """Number of steps of `dt` in `duration` (both ms), which must be a whole number.

    Raises:
        ConfigurationError: a duration that is not a positive multiple of `dt`.
    """
    ratio = exact_ratio(duration, dt) if np.isfinite(duration) else None
    if ratio is None or ratio.denominator != 1 or ratio < 1:
        raise ConfigurationError(got=f"duration = {duration} ms with dt = {dt} ms", where="simulate",
                                 expected="a positive multiple of dt", fix="round the duration to the grid")
    return int(ratio)


def dense_inputs(network: Network, inputs: Given, steps: int, dt: float,
                 batch: int | None = None) -> dict[str, np.ndarray | jax.Array]:
    """Arrays ``[steps, batch, *shape]`` for every input population, zeros where nothing was given.

    Raises:
        ConfigurationError: a name that is no input population.
        ShapeError: arrays or events of another shape, or batches that differ.
    """
    found: dict[str, Any] = {}
    for name, given in inputs.items():
        where = f"input {name!r}"
        if name not in network.inputs:
            raise ConfigurationError(got=f"input {name!r}", where="simulate", fix="name an Input population",
                                     expected=f"one of {', '.join(network.inputs) or 'none: the network has no Input'}")
        shape = network.populations[name].shape
        if isinstance(given, Events):
            if given.shape != shape:
                raise ShapeError(got=f"events of shape {given.shape}", expected=f"{shape}", where=where,
                                 fix="transform the events, or change the size of the Input")
            given = given.dense(dt, steps)
        given = given if isinstance(given, jax.Array) else np.asarray(given)
        if given.ndim != 2 + len(shape) or given.shape[0] != steps or given.shape[2:] != shape:
            raise ShapeError(got=f"an array of shape {given.shape}", where=where,
                             expected=f"[{steps} steps, batch, {', '.join(map(str, shape))}]", fix="reshape it")
        found[name] = given
    batches = {array.shape[1] for array in found.values()} or {batch or 1}
    if len(batches) > 1:
        raise ShapeError(got=f"batches of {sorted(batches)}", expected="one batch size", where="simulate inputs",
                         fix="give every input population the same number of samples")
    for name in network.inputs:
        if name not in found:
            shape = network.populations[name].shape
            found[name] = np.zeros((steps, next(iter(batches)), *shape), np.float32)
    return found


def _record_of(network: Network, record: Mapping[str, Sequence[str]] | None) -> Record:
    chosen = {name: ("output",) for name in network.sinks} if record is None else record
    wanted = []
    for name, variables in chosen.items():
        if name not in network.populations:
            raise ConfigurationError(got=f"population {name!r}", expected=f"one of {', '.join(network.populations)}",
                                     where="record", fix="correct the name")
        names = (variables,) if isinstance(variables, str) else tuple(variables)
        check_record(name, network.populations[name], names)
        wanted.append((name, names))
    return tuple(wanted)


def check_statistics(network: Network, chunked: bool = False) -> None:
    """Normalisation over time needs all steps at once: never inside a cycle, no chunks while training.

    Raises:
        UnsupportedError: a transform over time where steps come one by one or in parts.
    """
    inside = {name for component in network.components() for name in component.projections}
    for name, projection in network.projections.items():
        if any(transform.over_time for transform in projection.transforms):
            if name in inside:
                raise UnsupportedError(got="normalisation over time in a cycle", where=f"projection {name!r}",
                                       expected="a projection outside cycles", fix="remove the transform")
            if chunked:
                raise UnsupportedError(got="training in chunks of time", expected="the whole sequence at once",
                                       where=f"projection {name!r}",
                                       fix="leave out chunk while training with normalisation over time")
