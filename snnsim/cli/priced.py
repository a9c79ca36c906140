"""From a trained run or a network file to a priced report: what `quickstart` and `report` share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import snnsim as sn
from snnsim import plotting
from snnsim.core.parameters import parameter_table
from snnsim.core.simulate import steps_of
from snnsim.hardware import Report, report
from snnsim.hardware.what_if import USUAL
from snnsim.io import load
from snnsim.models.recipes.run import open_run, run, score_on

MOST_SAMPLES = 512  # of a test set that a report simulates
REPORT_HTML, REPORT_JSON = "report.html", "report.json"


def quickstart(out: Path, *, seed: int, epochs: int | None, targets: list[str], progress: bool) -> dict[str, Any]:
    """Train, test, count and price `event-digits`; results, pictures and the report are left in `out`.

    Returns:
        The summary of the run.
    """
    summary = run("event-digits", data=None, out=out, seed=seed, epochs=epochs, progress=progress)
    made = report_of_run(out, targets)
    made.to_json(out / REPORT_JSON)
    made.to_html(out / REPORT_HTML)
    return summary


def report_of_run(folder: Path, targets: list[str], data: str | None = None) -> Report:
    """Report on a finished run, simulated on its test recordings, with pictures."""
    recipe, network, test = open_run(folder, data)
    part = test[: MOST_SAMPLES] if len(test) > MOST_SAMPLES else test
    events = part.events.crop(0.0, recipe.duration)
    (source,) = network.inputs
    shown = {name: ["spikes", "v"] if neuron.spiking else ["output"] for name, neuron in network.populations.items()
             if name != source}
    recording = sn.simulate(network, {source: events}, duration=recipe.duration, dt=recipe.dt,
                            record={source: ["spikes"], **shown})
    score = score_on(recipe, network, test)
    figures = {"Training": _kept(folder / "training.png"), "Confusion on the test set": _kept(folder / "confusion.png"),
               "Network": plotting.network_diagram(network),
               "Spikes of the first test recording": plotting.raster(recording),
               **_parameter_pictures(network)}
    facts = {"recipe": recipe.name, "data": test.name, "test recordings": f"{len(test)}",
             "counted recordings": f"{len(part)}", "step": f"{recipe.dt:g} ms",
             "length of a recording": f"{recipe.duration:g} ms"}
    return report(network, recording, targets=targets, accuracy=score.accuracy, facts=facts, changes=USUAL,
                  figures={title: figure for title, figure in figures.items() if figure is not None},
                  title=f"{recipe.name}: a spiking network, counted and priced")


def report_of_file(path: Path, targets: list[str], *, rate: float, duration: float, dt: float, seed: int) -> Report:
    """Report on a network file or NIR graph under Poisson input of `rate` spikes/s a unit."""
    network = sn.from_nir(path, dt=dt) if path.suffix == ".nir" else load(path)
    steps = steps_of(duration, dt)
    inputs: dict[str, Any] = {}
    for name in network.inputs:
        rng = np.random.default_rng([seed, len(inputs)])
        shape = network.populations[name].shape
        inputs[name] = (rng.random((steps, 1, *shape)) < 1.0 - np.exp(-rate * dt * 1e-3)).astype(np.float32)
    record = {name: ["spikes"] for name, neuron in network.populations.items() if neuron.spiking}
    recording = sn.simulate(network, inputs, duration=duration, dt=dt, record=record, seed=seed)
    facts = {"network": path.name, "input": f"Poisson, {rate:g} spikes/s a unit, seed {seed}", "step": f"{dt:g} ms",
             "length": f"{duration:g} ms"}
    figures = {"Network": plotting.network_diagram(network), "Spikes": plotting.raster(recording)}
    return report(network, recording, targets=targets, facts=facts, figures=figures, changes=USUAL,
                  title=f"{path.stem}, counted and priced")


def _kept(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _parameter_pictures(network: sn.Network) -> dict[str, Any]:
    """Histograms of the weights, and of the constants that neurons learned one a unit."""
    shown = {path: info for path, info in parameter_table(network).items()
             if path.endswith("connection.weight") or (info["trainable"] and info["group"] == "neuron")}
    return {f"{info['doc'].split(' [')[0].capitalize()} of {path.split('.')[0]}":
            plotting.parameter_histogram(network, path) for path, info in shown.items() if info["value"].size > 1}
