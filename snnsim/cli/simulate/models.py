"""`snnsim simulate cuba | coba | brunel | microcircuit | connectome`: run a model, say what it did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snnsim.cli.options import AsJson, Devices, Distributed, Resume, Seed, devices_of, interactive, show

if TYPE_CHECKING:
    from snnsim.models.cortex.catalogue import Model

Duration = Annotated[float, typer.Option("--duration", min=0.0, help="Simulated time (ms).")]
Step = Annotated[float, typer.Option("--dt", min=0.0, help="Step (ms).")]
Transient = Annotated[float | None, typer.Option("--transient", min=0.0, help="Time at the beginning that statistics "
                                                 "leave out (ms); by default 100, or half of a shorter run.")]
Folder = Annotated[Path | None, typer.Option("--out", help="Folder for spikes, pictures and summary.json; it must be "
                                             "new or empty, unless with --resume. By default nothing is kept.")]
Neurons = Annotated[int, typer.Option("--neurons", min=1, help="Number of neurons; each has 80 inputs at every size.")]


def cuba(neurons: Neurons = 4000, duration: Duration = 1000.0, dt: Step = 0.1, seed: Seed = 0, out: Folder = None,
         transient: Transient = None, resume: Resume = False, as_json: AsJson = False,
         devices: Devices = None, distributed: Distributed = False) -> None:
    """Self-sustained activity, current-based synapses (Vogels & Abbott 2005; Brette et al. 2007)."""
    from snnsim.models.cortex.catalogue import cuba_model

    _run(cuba_model(neurons), duration, dt, seed, out, transient, resume, as_json, devices)


def coba(neurons: Neurons = 4000, duration: Duration = 1000.0, dt: Step = 0.1, seed: Seed = 0, out: Folder = None,
         transient: Transient = None, resume: Resume = False, as_json: AsJson = False,
         devices: Devices = None, distributed: Distributed = False) -> None:
    """Self-sustained activity, conductance-based synapses (Vogels & Abbott 2005; Brette et al. 2007)."""
    from snnsim.models.cortex.catalogue import coba_model

    _run(coba_model(neurons), duration, dt, seed, out, transient, resume, as_json, devices)


def brunel(
    neurons: Annotated[int, typer.Option(min=50, help="Number of neurons, a multiple of 50.")] = 12500,
    g: Annotated[float, typer.Option("--g", min=0.0, help="Inhibitory weight, relative to the excitatory one.")] = 5.0,
    eta: Annotated[float, typer.Option("--eta", min=0.0, help="External rate, relative to threshold.")] = 2.0,
    j: Annotated[float, typer.Option("--j", min=0.0, help="Step of the membrane at an excitatory spike (mV).")] = 0.1,
    synapses: Annotated[str, typer.Option(help="delta or exponential.")] = "delta",
    duration: Duration = 1000.0, dt: Step = 0.1, seed: Seed = 0, out: Folder = None, transient: Transient = None,
    resume: Resume = False, as_json: AsJson = False, devices: Devices = None, distributed: Distributed = False,
) -> None:
    """Sparse network of excitatory and inhibitory neurons under Poisson input (Brunel 2000)."""
    from snnsim.models.cortex.catalogue import brunel_model

    _run(brunel_model(neurons, g, eta, j, synapses), duration, dt, seed, out, transient, resume, as_json, devices)


def microcircuit(
    scale: Annotated[float, typer.Option(help="Share of the 77,169 neurons, up to 1.")] = 0.1,
    in_degree_scale: Annotated[float | None, typer.Option(help="Share of the inputs of a neuron, up to 1; by default "
                                                          "4 times --scale, from 0.1 to 1.")] = None,
    duration: Duration = 1000.0, dt: Step = 0.1, seed: Seed = 0, out: Folder = None, transient: Transient = None,
    resume: Resume = False, as_json: AsJson = False, devices: Devices = None, distributed: Distributed = False,
) -> None:
    """Four layers of cortex under one square millimetre (Potjans & Diesmann 2014), beside the published rates."""
    from snnsim.models.cortex.catalogue import microcircuit_model

    _run(microcircuit_model(scale, in_degree_scale), duration, dt, seed, out, transient, resume, as_json, devices)


def connectome(
    data: Annotated[Path, typer.Option(help="Edge list (CSV), or a folder of them, of which the longest is taken.")],
    duration: Duration = 1000.0, dt: Step = 0.1, seed: Seed = 0, out: Folder = None, transient: Transient = None,
    resume: Resume = False, as_json: AsJson = False, devices: Devices = None, distributed: Distributed = False,
) -> None:
    """Integrate-and-fire neurons wired as an edge list says, such as the worm C. elegans."""
    from snnsim.models.cortex.catalogue import connectome_model

    _run(connectome_model(data), duration, dt, seed, out, transient, resume, as_json, devices)


def _run(model: Model, duration: float, dt: float, seed: int, out: Path | None, transient: float | None,
         resume: bool, as_json: bool, devices: int | None) -> None:
    from snnsim.models.cortex.run import run

    result = run(model, duration=duration, dt=dt, seed=seed, transient=transient, out=out, resume=resume,
                 progress=interactive(), devices=devices_of(devices))
    if not result:  # not the first of several processes
        return
    if as_json:
        show(result, True, "")
    else:
        _print(result, out)


def _print(result: dict[str, Any], out: Path | None) -> None:
    """Sizes, a table of the populations, times."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(f"{result['model']}: {result['neurons']:,} neurons, {result['synapses']:,} synapses; "
                  f"{result['duration']:g} ms in steps of {result['dt']:g} ms, seed {result['seed']}, statistics from "
                  f"{result['transient']:g} ms on", highlight=False)
    theirs = result.get("published", {}).get("rates", {})
    table = Table("population", "neurons", "rate (Hz)", *(["published"] if theirs else []), "silent", "CV",
                  "correlation")
    for name, found in result["populations"].items():
        published = [_text(theirs.get(name, {}).get("published"))] if theirs else []
        table.add_row(name, f"{found['units']:,}", _text(found["rate_mean"]), *published, f"{found['silent']:.0%}",
                      _text(found["cv_mean"]), _text(found["correlation_mean"]))
    console.print(table)
    console.print(f"CV of inter-spike intervals; correlation of spike counts in {result['bin_size']:g} ms, mean of all "
                  "pairs", highlight=False)
    if theirs:
        console.print(f"published: {result['published']['source']}", highlight=False)
    for name, rates in result.get("fastest", {}).items():
        console.print(f"fastest {name}: {', '.join(f'{unit} {rate:g}' for unit, rate in rates.items())} Hz",
                      highlight=False)
    console.print(f"built in {result['build_s']:.3g} s, laid out and compiled in {result['prepare_s']:.3g} s, then "
                  f"{_text(result['real_time_factor'])} s of work for a second ({result['path']}, {result['platform']})"
                  + (f"; results in {out}" if out else ""), highlight=False)


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
