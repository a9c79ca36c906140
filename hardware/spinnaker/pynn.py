"""A network as a PyNN script for SpiNNaker: a program to read, and beside it the numbers that are too many for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snnsim.core.errors import ConfigurationError, UnsupportedError
from snnsim.core.events import Events
from snnsim.core.input import Input
from snnsim.core.network import Network
from snnsim.hardware.spinnaker.pynn_cells import SPINNAKER, Cell, cell_of
from snnsim.hardware.spinnaker.pynn_projections import Synapses, on_grid, synapses_of
from snnsim.io.atomic import replacing, write_text


@dataclass(frozen=True, eq=False)
class PyNNScript:
    """A script and its arrays.

    Args:
        text: Python source; it loads the arrays from a file of its own name that ends in .npz.
        arrays: spike times, parameters of each unit and lists of synapses, by name.
        notes: what a reader must know.
    """

    text: str
    arrays: Mapping[str, np.ndarray]
    notes: tuple[str, ...]

    def write(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the script and, beside it, its arrays; each whole or not at all.

        Args:
            path: file that ends in .py.
            overwrite: whether existing files may be replaced.

        Raises:
            ConfigurationError: another ending.
            OutputExistsError: a file exists and `overwrite` is False.
        """
        path = Path(path)
        if path.suffix != ".py":
            raise ConfigurationError(got=f"{path.name!r}", expected="a name that ends in .py", where="PyNN script",
                                     fix="choose another name")
        with replacing(path.with_suffix(".npz"), overwrite=overwrite) as temporary, temporary.open("wb") as file:
            np.savez(file, **dict(self.arrays))  # type: ignore[arg-type]
        write_text(path, self.text, overwrite=overwrite)


def pynn_script(network: Network, *, dt: float = 1.0, duration: float = 1000.0,
                inputs: Mapping[str, Events] | None = None, neurons_per_core: int | None = None,
                time_scale: float | None = None, simulator: str = SPINNAKER, later: bool = False) -> PyNNScript:
    """A script that builds and runs this network with sPyNNaker, or with another simulator that PyNN knows.

    Every population becomes a cell type that does the same, every projection a list of its synapses. What has no
    counterpart is refused. PyNN stamps a spike at the end of its step: its times are ours plus dt.

    Args:
        network: populations of LIF, LI, CubaLIF, LIFPscExp, LIFCondExp, PoissonGenerator and Input.
        dt: step (ms).
        duration: biological time (ms).
        inputs: spikes of the inputs by name, one sample each; an input without is silent.
        neurons_per_core: most neurons of a core; None is sPyNNaker's own choice.
        time_scale: how much slower than biology it runs; None is sPyNNaker's own choice.
        simulator: module of PyNN.
        later: let spikes without delay arrive one step later, which SpiNNaker needs at least.

    Returns:
        The script, with `write`.

    Raises:
        UnsupportedError: neurons, synapses or inputs that PyNN on SpiNNaker does not have, each with the reason.
        DelayError: delays off the grid, or below one step.
        ConfigurationError: inputs that there are not, or of another size.

    Example:
        >>> import jax, snnsim as sn
        >>> net = sn.Network(dict(a=sn.Input(2), b=sn.LIFPscExp(3)),
        ...                  [sn.Projection("a", "b", sn.Dense(0.5), delay=1.0, port="exc")], key=jax.random.key(0))
        >>> print(pynn_script(net).text.splitlines()[0])
        '''A network of snnsim as a PyNN script: 2 populations, 1 projections, 6 synapses.'''

    References:
        key spynnaker of the bibliography, for its cells and the scale of its weights.
    """
    network.check(dt)
    if not simulator.replace(".", "_").isidentifier() or not 0 < duration < float("inf"):
        raise ConfigurationError(got=f"simulator {simulator!r}, duration {duration}", where="PyNN script",
                                 expected="a module such as 'pyNN.spiNNaker' and a positive time", fix="correct them")
    given = dict(inputs or {})
    if wrong := set(given) - set(network.inputs):
        raise ConfigurationError(got=f"inputs {', '.join(sorted(wrong))}", where="PyNN script",
                                 expected=f"names among {', '.join(network.inputs) or 'none'}", fix="correct the name")
    arrays: dict[str, np.ndarray] = {}
    cells, populations = {}, []
    for name, neuron in network.populations.items():
        if isinstance(neuron, Input):
            populations += _input(name, neuron, given.get(name), dt, arrays)
        else:
            cells[name] = cell_of(name, neuron, dt, simulator)
            populations += _population(name, neuron.size, cells[name], arrays)
    joins = [found for name in network.projections
             for found in synapses_of(network, name, cells[network.projections[name].post], dt, simulator, later)]
    projections = [line for join in joins for line in _projection(join, arrays)]
    total = sum(len(join.table) for join in joins)
    head = (f"A network of snnsim as a PyNN script: {len(network.populations)} populations, {len(network.projections)} "
            f"projections, {total:,} synapses.")
    recorded = [name for name, cell in cells.items() if cell.start is not None]
    setup = f"timestep={dt!r}, min_delay={dt!r}"
    if simulator == SPINNAKER and time_scale is not None:
        setup += f", time_scale_factor={time_scale!r}"
    limits = sorted({cell.kind for cell in cells.values() if cell.start is not None})
    text = "\n".join([
        f"'''{head}'''", "", "from pathlib import Path", "", "import numpy as np", f"import {simulator} as sim", "",
        "# Numbers that are too many for a script; no objects are loaded.",
        "numbers = np.load(Path(__file__).with_suffix('.npz'), allow_pickle=False)", "", f"sim.setup({setup})",
        *([f"sim.set_number_of_neurons_per_core(sim.{kind}, {int(neurons_per_core)})" for kind in limits]
          if simulator == SPINNAKER and neurons_per_core is not None else []),
        "", *populations, "", *projections, "", *(f"{_variable(name)}.record('spikes')" for name in recorded),
        f"sim.run({duration!r})", "spikes = {",
        *(f"    {name!r}: {_variable(name)}.get_data('spikes').segments[0].spiketrains," for name in recorded), "}",
        "sim.end()", ""])
    return PyNNScript(text, arrays, _notes(network, simulator))


def _variable(name: str) -> str:
    """Name of a population in the script, which no name of Python or of the script can be."""
    return f"pop_{name}"


def _input(name: str, neuron: Input, events: Events | None, dt: float, arrays: dict[str, np.ndarray]) -> list[str]:
    """A SpikeSourceArray, its times at the ends of steps."""
    times, units = np.zeros(0), np.zeros(0, np.int64)
    if events is not None:
        if not isinstance(events, Events) or len(events) != 1 or events.n_units != neuron.size:
            raise ConfigurationError(got=f"input {name!r} of {type(events).__name__}", where="PyNN script",
                                     expected=f"Events of one sample and {neuron.size} units", fix="pass events[:1]")
        if events.values is not None and not np.all(events.values == 1):
            raise UnsupportedError(got=f"input {name!r} with values other than 1", expected="spikes",
                                   where="PyNN script", fix="encode the values as spikes: sources send nothing else")
        order = np.lexsort((events.steps(dt), events.indices))
        times, units = on_grid(events.steps(dt)[order] + 1, dt), np.asarray(events.indices, np.int64)[order]
    arrays[f"{name}__times"] = times
    arrays[f"{name}__starts"] = np.searchsorted(units, np.arange(neuron.size + 1))
    return [f"starts = numbers['{name}__starts']",
            f"{_variable(name)} = sim.Population({neuron.size}, sim.SpikeSourceArray(spike_times=[",
            f"    numbers['{name}__times'][a:b].tolist() for a, b in zip(starts[:-1], starts[1:])]), label={name!r})"]


def _population(name: str, size: int, cell: Cell, arrays: dict[str, np.ndarray]) -> list[str]:
    """A population of cells, with the membrane where ours begins."""
    given = ", ".join(f"{key}={_number(name, key, value, size, arrays)}" for key, value in cell.numbers.items())
    lines = [f"{_variable(name)} = sim.Population({size}, sim.{cell.kind}({given}), label={name!r})"]
    if cell.start is not None:
        lines.append(f"{_variable(name)}.initialize(v={_number(name, 'v', cell.start, size, arrays)})")
    return lines


def _number(name: str, key: str, value: np.ndarray, size: int, arrays: dict[str, np.ndarray]) -> str:
    """A number as text, or where it is one a unit the array that holds it."""
    if value.size == 1 or len(np.unique(value)) == 1:
        return repr(float(value.reshape(-1)[0]))
    arrays[f"{name}__{key}"] = np.broadcast_to(value.reshape(-1), (size,)).copy()
    return f"numbers['{name}__{key}'].tolist()"


def _projection(join: Synapses, arrays: dict[str, np.ndarray]) -> list[str]:
    """A projection from a list; columns are source, target, weight and delay."""
    arrays[f"{join.name}__synapses"] = join.table
    table = f"numbers['{join.name}__synapses']"
    synapse = ["    sim.StaticSynapse(),"]
    if join.rule is not None:
        r = join.rule
        synapse = [
            "    sim.STDPMechanism(",
            f"        timing_dependence=sim.SpikePairRule(tau_plus={r['tau_plus']!r}, tau_minus={r['tau_minus']!r}, "
            f"A_plus={r['A_plus']!r}, A_minus={r['A_minus']!r}),",
            f"        weight_dependence=sim.{r['dependence']}(w_min={r['w_min']!r}, w_max={r['w_max']!r})),"]
    return [f"sim.Projection(  # {len(join.table):,} synapses", f"    {_variable(join.pre)}, {_variable(join.post)},",
            f"    sim.FromListConnector([(int(i), int(j), w, d) for i, j, w, d in {table}.tolist()],",
            "                          column_names=['weight', 'delay']),", *synapse,
            f"    receptor_type={join.receptor!r}, label={join.name!r})"]


def _notes(network: Network, simulator: str) -> tuple[str, ...]:
    notes = ["PyNN stamps a spike at the end of its step: its times are ours plus dt."]
    if simulator == SPINNAKER:
        notes.append("SpiNNaker computes with fixed-point numbers of 32 bits and weights of 16: spikes may differ.")
    if any(getattr(n, "spike_at", ">=") == ">" for n in network.populations.values() if n.spiking):
        notes.append("PyNN's cells spike where the membrane reaches the threshold, ours where it exceeds it.")
    return tuple(notes)
