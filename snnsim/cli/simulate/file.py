"""`snnsim simulate file`: run a network file on an event pack."""

from __future__ import annotations

import json
from math import ceil
from pathlib import Path
from typing import Annotated, Any

import typer

from snnsim.cli.options import AsJson, Devices, Distributed, Out, Resume, Seed, devices_of, interactive, show, split
from snnsim.core.errors import ConfigurationError


def command(
    network: Annotated[Path, typer.Argument(help="Network file (.h5) or NIR graph (.nir).")],
    events: Annotated[Path, typer.Option(help="Event pack (.npz) for the input population.")],
    out: Out,
    dt: Annotated[float, typer.Option(min=0.0, help="Step (ms).")] = 1.0,
    duration: Annotated[float | None, typer.Option(min=0.0, help="Length (ms); by default that of the events.")] = None,
    record: Annotated[str, typer.Option(help="Populations whose spikes are kept, by commas; empty: all.")] = "",
    seed: Seed = 0,
    resume: Resume = False,
    as_json: AsJson = False,
    devices: Devices = None,
    distributed: Distributed = False,
) -> None:
    """Simulate a network; keep its spikes as event packs and a raster.

    Spikes of a single sample are written while the run goes on (spikes.h5, SONATA), so that it can be resumed.
    """
    summary = _simulated(network, events, out, dt, duration, split(record), seed, resume, devices)
    if not summary:  # not the first of several processes
        return
    rates = ", ".join(f"{name} {rate:.3g} spikes/s" for name, rate in summary["rates_hz"].items())
    show(summary, as_json, f"{summary['samples']} samples of {summary['duration']:g} ms: {rates}; results in {out}")


def _simulated(path: Path, events: Path, out: Path, dt: float, duration: float | None, record: list[str],
               seed: int, resume: bool, devices: int | None) -> dict[str, Any]:
    import jax

    import snnsim as sn
    from snnsim.datasets import read_npz, write_npz
    from snnsim.io.atomic import require_new_folder, write_text
    from snnsim.plotting import raster, save

    first = jax.process_index() == 0
    if not resume and first:
        require_new_folder(out, "choose another folder, or go on with the run in it: --resume")
    network = sn.from_nir(path, dt=dt) if path.suffix == ".nir" else sn.load(path)
    if len(network.inputs) != 1:
        raise ConfigurationError(got=f"{len(network.inputs)} input populations", expected="one", where=str(path),
                                 fix="simulate this network from Python with snnsim.simulate")
    given = read_npz(events)
    given = given.events if isinstance(given, sn.LabelledEvents) else given
    length = max(1, ceil(given.n_steps(dt))) * dt if duration is None else duration
    chosen = record or [name for name, neuron in network.populations.items() if neuron.spiking]
    plain = len(given) == 1 and given.values is None  # what a SONATA file can hold
    if resume and not plain:
        raise ConfigurationError(got=f"--resume with {len(given)} samples or graded events", where=str(events),
                                 expected="one sample of plain events", fix="simulate anew, without --resume")
    sink = sn.io.RecordingFolder(out, resume=resume) if plain else None
    recording = sn.simulate(network, {network.inputs[0]: given.crop(0.0, length)}, duration=length, dt=dt, seed=seed,
                            record={name: ["spikes"] for name in chosen}, sink=sink, progress=interactive(),
                            devices=devices_of(devices))
    if not first:
        return {}
    out.mkdir(parents=True, exist_ok=True)
    for name in chosen:
        write_npz(out / f"{name}.npz", recording.events(name), overwrite=resume)
    save(raster(recording), out / "raster.png", overwrite=resume)
    summary = {"network": str(path), "samples": recording.batch, "duration": length, "dt": dt, "seed": seed,
               "spikes": {name: int(recording.counts[name].sum()) for name in chosen},
               "rates_hz": {name: float(recording.rates(name).mean()) for name in chosen}}
    write_text(out / "simulation.json", json.dumps(summary, indent=1, sort_keys=True) + "\n", overwrite=resume)
    return summary
