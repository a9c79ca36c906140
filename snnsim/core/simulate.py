"""`simulate`: events in, recording out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.chunks import CHUNK_BYTES, FlatLayout, Layers, runner
from snnsim.core.errors import ConfigurationError, DivergenceError, ShapeError, UnsupportedError
from snnsim.core.events import exact_ratio
from snnsim.core.feed import Feed, Given
from snnsim.core.network import Network
from snnsim.core.observe import Record, check_record
from snnsim.core.processes import FirstProcess
from snnsim.core.progress import ProgressCallback, following
from snnsim.core.recording import Recording, Status
from snnsim.core.sharded_layout import Devices, on_devices
from snnsim.core.sink import AbstractSink, Memory, Plan, Totals, Traces
from snnsim.core.state import SimulationState, initial_state

STREAMED_STEPS = 10_000  # of a chunk at most where progress or a sink wants to see the run go on
MOST_STEPS = 2**31 - 1  # steps are counted in int32


def simulate(network: Network, inputs: Given | None = None, *, duration: float, dt: float = 1.0,
             record: Mapping[str, Sequence[str]] | None = None, state: SimulationState | None = None,
             seed: int = 0, inference: bool = True, chunk: int | None = None, engine: str = "clocked",
             precision: str = "highest", throw: bool = True, sink: AbstractSink | None = None,
             progress: bool | ProgressCallback = False, max_events: int = 10_000_000,
             devices: Devices | None = None, placement: Mapping[str, int] | None = None) -> Recording:
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
        chunk: steps that are compiled and held at a time; results do not depend on it beyond rounding. None is
            all, or as many as fit for large networks and for a `sink`.
        engine: "clocked" goes in steps of `dt`. "exact" goes from event to event without a grid of time, on the CPU
            in double precision, for neurons with a `next_crossing`: spike times hold to 1e-12 ms, delays may be of
            any length, `dt` only spaces the samples of recorded state variables (sample k is the state at k dt).
        precision: of matrix products: "highest" is full float32; "default" allows TF32 or bfloat16 on a GPU.
        throw: raise when a state is not finite; else see `Recording.status`.
        sink: where recorded variables go while the run goes on, such as `snnsim.io.RecordingFolder`, which can
            also resume; memory then does not grow with `duration`. None keeps them in memory.
        progress: True draws a bar on stderr; a function is called with a `SimulationProgress` after each chunk.
        max_events: spikes at which engine "exact", where rates have no limit, gives up.
        devices: how many devices share the units, or which of `jax.devices()`, of all processes; None is one. Results
            do not depend on it: in float32 spikes are the same to the bit.
        placement: device by population, counted from 0, for those that shall not be dealt out by themselves. Devices
            exchange spikes once in the shortest delay between them: join them by long delays only.

    Returns:
        A `Recording`.

    Raises:
        ConfigurationError: unknown names, a duration off the grid.
        DataError: events beyond the duration.
        DelayError: a delay off the grid.
        DivergenceError: a state left the finite numbers (with `throw`), or more than `max_events` spikes.
        UnsupportedError: something that the chosen engine cannot run.

    Example:
        >>> import jax, snnsim as sn
        >>> net = sn.Network(dict(input=sn.Input(1), cell=sn.LIF(1, tau_mem=10.0)),
        ...                  [sn.Projection("input", "cell", sn.Dense(weight=0.6))], key=jax.random.key(0))
        >>> events = sn.Events.from_times([1.0, 2.0, 3.0], [0, 0, 0], shape=1)
        >>> sn.simulate(net, {"input": events}, duration=5.0).events("cell").times
        array([2.])
    """
    if engine == "exact":
        from snnsim.core.exact_engine import simulate_exact

        if devices is not None or placement is not None:
            raise UnsupportedError(got=f"devices = {devices} and engine 'exact'", expected="one device",
                                   where="simulate", fix="leave devices and placement away, or use engine 'clocked'")
        return simulate_exact(network, inputs or {}, duration=duration, dt=dt, record=_record_of(network, record),
                              state=state, max_events=max_events, throw=throw, sink=sink, progress=progress)
    if engine != "clocked" or not isinstance(state, SimulationState | None):
        raise UnsupportedError(got=f"engine {engine!r} and a state of {type(state).__name__}", where="simulate",
                               expected="'clocked' or 'exact', and a state of the same engine",
                               fix="leave engine at its default, or go on with the engine that made the state")
    network.check(dt)
    steps = steps_of(duration, dt)
    feed = Feed(network, inputs or {}, dt=dt, steps=steps, batch=1 if state is None else state.batch)
    wanted, batch = _record_of(network, record), feed.batch
    if state is None:
        state = initial_state(network, batch, dt)
    elif state.batch not in (0, batch):
        raise ShapeError(got=f"{batch} samples", expected=f"{state.batch}, as in the state", where="simulate",
                         fix="continue with the batch that the state was made with")
    first = 0 if isinstance(state.step, jax.core.Tracer) else int(state.step)
    if first + steps > MOST_STEPS:
        raise ConfigurationError(got=f"{first + steps:,} steps", expected=f"at most {MOST_STEPS:,}", where="simulate",
                                 fix="use a larger dt, or begin anew from the network at rest")
    run = runner(network, (feed.arrays, state, seed), dt, inference) if devices is None and placement is None \
        else on_devices(network, (feed.arrays, state, seed), dt, inference, devices, placement)
    length = _chunk_length(run, chunk, steps, batch, wanted, shown=sink is not None or progress is not False)
    check_statistics(network, chunked=not inference and length < steps)
    plan = Plan(network, feed, float(dt), steps, first, batch, _seed(seed), wanted, length, inference, precision,
                run.path)
    if run.processes > 1:
        sink, progress = sink and FirstProcess(sink), jax.process_index() == 0 and progress
    sink = Memory() if sink is None else sink
    with sink.opened(plan, Totals.at_start(network, state, batch)) as (begin, totals), \
            following(progress, duration=steps * dt, begin=begin * dt) as simulated:
        status = _status(totals, begin * dt, throw)
        for done, so_far, traces in _chunks(run, plan, begin, totals):
            totals, status = so_far, _status(so_far, done * dt, throw)
            sink.write(done, totals, traces)
            simulated(done * dt)
        kept = sink.finish(totals)
    return Recording(traces=kept, counts=totals.counts, state=totals.state, simulated=network, dt=float(dt),
                     steps=steps, first_step=first, status=status, graded=totals.graded, path=run.path)


def _chunks(run: Layers | FlatLayout, plan: Plan, done: int, totals: Totals) -> Iterator[tuple[int, Totals, Traces]]:
    """The one loop over time: (steps done, totals, recorded variables of the chunk)."""
    while done < plan.steps:
        steps = min(plan.length - done % plan.length, plan.steps - done)
        with jax.default_matmul_precision(plan.precision):
            chunk = run.run(totals.state, plan.feed.chunk(done, steps), dt=plan.dt, steps=steps, seed=plan.seed,
                            record=plan.record)
        done += steps
        totals = Totals(chunk.state, *(
            {name: join(old[name], new[name]) for name in old} for old, new, join in (
                (totals.counts, chunk.counts, jnp.add), (totals.graded, chunk.graded, jnp.logical_or),
                (totals.healthy, chunk.healthy, jnp.logical_and))))
        yield done, totals, chunk.traces


def _chunk_length(run: Layers | FlatLayout, asked: int | None, steps: int, batch: int, record: Record,
                  shown: bool) -> int:
    """Steps of a chunk. Where nothing was asked for, chunks are of one length if possible: each length compiles."""
    if asked is not None:
        if asked < 1:
            raise ConfigurationError(got=f"chunk = {asked}", expected="at least one step", where="simulate",
                                     fix="leave chunk away")
        return min(asked, steps)
    most = run.length(steps, batch, record)
    if shown:
        most = min(most, STREAMED_STEPS)
        if isinstance(run, Layers):  # it holds the outputs of all populations
            units = sum(neuron.size for neuron in run.network.populations.values())
            most = max(1, min(most, CHUNK_BYTES // (4 * batch * units)))
    return next((length for length in range(most, most // 2, -1) if steps % length == 0), most)


def _seed(seed: Any) -> jax.Array:
    if isinstance(seed, int | np.integer) and not 0 <= seed < 2**32:
        raise ConfigurationError(got=f"seed = {seed}", expected="0 to 2^32 - 1", where="simulate",
                                 fix="choose another seed")
    return jnp.asarray(seed, jnp.uint32)


def _status(totals: Totals, time: float, throw: bool) -> Status:
    flags = totals.healthy
    if any(isinstance(flag, jax.core.Tracer) for flag in flags.values()):
        return Status.ok  # inside a transformation the caller checks the loss
    failed = [name for name, flag in flags.items() if not bool(flag)]
    if failed and throw:
        raise DivergenceError(got=f"a state that is not finite in {', '.join(map(repr, failed))} at {time:g} ms",
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
