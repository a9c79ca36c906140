"""Running a model: build, simulate, summarise, keep. What `snnsim simulate MODEL` calls."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

import jax
import numpy as np

import snnsim as sn
from snnsim.core.errors import ConfigurationError
from snnsim.core.keys import named_key
from snnsim.core.network import Network
from snnsim.core.progress import SimulationProgress, bar
from snnsim.core.recording import Recording
from snnsim.core.simulate import steps_of
from snnsim.io import RecordingFolder
from snnsim.io.atomic import require_new_folder, write_text
from snnsim.io.snapshot import versions
from snnsim.models.cortex.catalogue import Model
from snnsim.models.cortex.published import compare
from snnsim.statistics import summary as statistics_of
from snnsim.synapses import Sparse

TRANSIENT = 100.0  # ms left out of the statistics, unless told otherwise
LONGEST_CHUNK = 1000  # steps between two reports of progress
FASTEST = 10  # named units that are listed
BIN = 5.0  # ms, of the spike counts whose correlation is taken
SAME_FOR_ALL = ("samples", "duration", "bin_size", "seed")


def run(model: Model, *, duration: float, dt: float = 0.1, seed: int = 0, transient: float | None = None,
        out: str | Path | None = None, resume: bool = False, progress: bool = False,
        devices: int | None = None) -> dict[str, Any]:
    """Simulate a model and say what it did.

    Args:
        model: from `snnsim.models.cortex.catalogue`.
        duration: simulated time (ms).
        dt: step (ms).
        seed: of connections, beginning and noise.
        transient: time at the beginning that statistics leave out (ms); None is 100 ms, or half of a shorter run.
        out: folder for the spikes, written while the run goes on (`snnsim.io.RecordingFolder`), pictures and the
            summary; None keeps nothing.
        resume: go on with an interrupted run in `out`.
        progress: draw a bar on stderr.
        devices: how many devices share the network; None is one.

    Returns:
        The summary, of plain numbers: sizes, statistics by population, times (s); nothing where this is not the first
        of several processes. ``wall_s`` is the whole simulation,
        ``real_time_factor`` seconds of work for one second of the network without the first chunk of steps, in which
        it is compiled, ``prepare_s`` what is then left of ``wall_s``. Times of a resumed run are those of its last
        stretch, None where nothing was left to do.

    Raises:
        ConfigurationError: times that do not fit.
        OutputExistsError: `out` holds earlier results.
    """
    steps = steps_of(duration, dt)
    transient = min(TRANSIENT, duration / 2) if transient is None else transient
    if not 0.0 <= transient < duration:
        raise ConfigurationError(got=f"transient = {transient} ms of {duration} ms", where="run",
                                 expected="0 or more, less than the duration", fix="simulate longer")
    if out is None and resume:
        raise ConfigurationError(got="resume without a folder", expected="the folder of the interrupted run",
                                 where="run", fix="name it: out (--out)")
    sink = None if out is None else RecordingFolder(out, resume=resume)
    first = jax.process_index() == 0
    if out is not None and not resume and first:
        require_new_folder(out, "choose another folder, or go on with the run in it: --resume")  # before it is built
    key = jax.random.key(seed)
    began = time.perf_counter()
    network = model.network(named_key(key, "network"), dt)
    state = None if model.start is None else model.start(network, named_key(key, "start"), dt)
    built = time.perf_counter()
    chosen = [name for name, neuron in network.populations.items() if neuron.ports]  # generators have none
    seen: list[SimulationProgress] = []
    with bar("simulating", show=progress) as report:
        def follow(now: SimulationProgress) -> None:
            seen.append(now)
            report(now.fraction, str(now))
        recording = sn.simulate(network, duration=duration, dt=dt, seed=seed, state=state, chunk=_chunk(steps),
                                record={name: ["spikes"] for name in chosen}, progress=follow, sink=sink,
                                devices=devices)
    if not first:
        return {}
    wall = time.perf_counter() - built
    factor, stretch = (seen[-1].real_time_factor, duration - seen[0].began) if seen else (None, 0.0)
    result = {
        "model": model.name, **model.facts, "seed": seed, "dt": dt, "duration": duration, "transient": transient,
        "neurons": sum(network.populations[name].size for name in chosen), "synapses": synapses(network),
        "populations": _populations(recording, chosen, transient),
        "path": recording.path, "platform": jax.default_backend(), "build_s": round(built - began, 4),
        "wall_s": round(wall, 4), "prepare_s": round(max(0.0, wall - (factor or 0.0) * stretch * 1e-3), 4),
        "real_time_factor": None if factor is None else round(factor, 4), "bin_size": BIN, "versions": versions()}
    rates = {name: found["rate_mean"] for name, found in result["populations"].items()}
    result["rates_hz"] = rates
    if model.published is not None:
        result["published"] = {"source": model.published.citation, "rates": compare(rates, model.published)}
    for name, units in model.units.items():
        result.setdefault("fastest", {})[name] = _fastest(recording, name, units)
    if out is not None:
        _keep(Path(out), recording, result, model, overwrite=resume)
    return result


def synapses(network: Network) -> int:
    """Synapses between neurons; those that bring external input one to one are not among them."""
    connections = [projection.connection for projection in network.projections.values()]
    return sum(len(one.targets) for one in connections if isinstance(one, Sparse))


def _chunk(steps: int) -> int:
    """The largest part of `steps`, at most `LONGEST_CHUNK`, of which it holds two or more: one program serves all."""
    first = max(2, -(-steps // LONGEST_CHUNK))
    return next((steps // count for count in range(first, steps + 1) if steps % count == 0), steps)


def _populations(recording: Recording, chosen: list[str], transient: float) -> dict[str, dict[str, Any]]:
    """Statistics by population, with None for what is not defined."""
    found = statistics_of(recording, chosen, start=transient, bin_size=BIN)
    return {name: {field: value if not isinstance(value, float) or isfinite(value) else None
                   for field, value in asdict(part).items() if field not in SAME_FOR_ALL}
            for name, part in found.items()}


def _fastest(recording: Recording, name: str, units: tuple[str, ...]) -> dict[str, float]:
    """Rates (spikes/s) of the most active named units over the whole run."""
    rates = np.asarray(recording.rates(name))[0]
    order = np.argsort(-rates, kind="stable")[:FASTEST]
    return {units[i]: round(float(rates[i]), 3) for i in order if rates[i] > 0}


def _keep(out: Path, recording: Recording, result: Mapping[str, Any], model: Model, overwrite: bool) -> None:
    """Pictures and summary of a run, beside its spikes."""
    from snnsim.models.cortex.pictures import rates_picture
    from snnsim.plotting import raster, save

    save(raster(recording), out / "raster.png", overwrite=overwrite)
    save(rates_picture(result["populations"], model.published, title=model.name), out / "rates.png",
         overwrite=overwrite)
    write_text(out / "summary.json", json.dumps(result, indent=1, sort_keys=True) + "\n", overwrite=overwrite)
