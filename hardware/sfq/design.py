"""`design`: from a trained network to the circuit values of a superconducting one.

Weights become mutual inductances and thresholds become bias currents, by the law of `SomaModel`; fan-out becomes
trees of splitters whose arms are equally long. What comes out is simulated, so that margins and yield are those of
the circuit and not of the law.
"""

from __future__ import annotations

from collections.abc import Mapping as Names
from dataclasses import dataclass
from functools import partial
from math import ceil, log2

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ConfigurationError, ShapeError
from snnsim.core.network import Network
from snnsim.hardware.sfq.batches import double, stacked
from snnsim.hardware.sfq.circuit import Circuit, Netlist
from snnsim.hardware.sfq.feedforward import Layer, layers, live
from snnsim.hardware.sfq.parts import Parts
from snnsim.hardware.sfq.pulses import Pulses, current_pulses
from snnsim.hardware.sfq.soma import SOMA, SomaModel
from snnsim.hardware.sfq.transient import Transient, checked_steps, simulate, transient

FULLEST = 0.81  # share of the inductance that couplings may use up: their squares over L_s L_n, summed over a loop
LOWEST_BIAS = 0.2  # of a soma: below, its law is not fitted
START = 60.0  # ps, when inputs begin: the bias has risen by 25 ps, and its ringing is over
LARGEST = 4000  # junctions: matrices of branches are dense
TOGETHER = 512  # transients that are simulated at once


@dataclass(frozen=True)
class Design:
    """A network as a circuit.

    Args:
        circuit: the values.
        inputs: first junction of each input unit's line.
        outputs: last junction of each output unit's line.
        somas: junctions of the somas by population; units that can never matter have none.
        mutuals: mutual inductances by projection (pH), ``[n_pre, n_post]``.
        units: mutual inductance of a weight of 1, by population (pH).
        biases: of each of these somas in units of its critical current, by population.
        duration: how long a transient lasts until all has answered (ps).
        parts: values of the parts.
    """

    circuit: Circuit
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    somas: Names[str, tuple[str, ...]]
    mutuals: Names[str, np.ndarray]
    units: Names[str, float]
    biases: Names[str, np.ndarray]
    duration: float
    parts: Parts

    @property
    def junctions(self) -> int:
        """Number of junctions."""
        return len(self.circuit.junctions)

    def pulses(self, pattern: np.ndarray, skew: np.ndarray | float = 0.0) -> Pulses:
        """One pulse into each input whose entry of `pattern` is not 0, `skew` ps later than `START`.

        Args:
            pattern: 0 or 1 for each input.
            skew: ps, one number or one an input.
        """
        given = np.asarray(pattern, float).reshape(-1)
        if given.shape != (len(self.inputs),) or not np.isin(given, (0.0, 1.0)).all():
            raise ShapeError(
                got=f"a pattern of shape {np.shape(pattern)} and values {np.unique(given)[:4].tolist()}",
                expected=f"{len(self.inputs)} entries of 0 or 1",
                where="Design",
                fix="an input line carries a pulse or none",
            )
        made = current_pulses(self.inputs, START + np.broadcast_to(np.asarray(skew, float), given.shape))
        return eqx.tree_at(lambda p: p.peak, made, made.peak * jnp.asarray(given, made.peak.dtype))

    def transient(self, pattern: np.ndarray, skew: np.ndarray | float = 0.0, *, step: float = 0.1) -> Transient:
        """The recorded transient of one pattern.

        Args:
            pattern: 0 or 1 for each input.
            skew: by how much each input comes later (ps).
            step: ps.
        """
        return simulate(self.circuit, self.pulses(pattern, skew), duration=self.duration, step=step)

    def respond(
        self,
        patterns: np.ndarray,
        circuits: Circuit | None = None,
        *,
        skew: np.ndarray | float = 0.0,
        step: float = 0.1,
    ) -> np.ndarray:
        """How often each output slips, for each pattern, in this circuit or in variants of it.

        Args:
            patterns: 0 or 1, ``[patterns, inputs]``.
            circuits: variants, every leaf with a leading axis; None is this circuit alone.
            skew: by how much inputs come later (ps): a number, one an input, or ``[patterns, inputs]``.
            step: ps.

        Returns:
            int ``[patterns, outputs]``, with a leading axis of variants where there are; -1 where a variant diverged.
        """
        shifts = np.broadcast_to(np.asarray(skew, float), np.shape(patterns))
        with jax.enable_x64(True):
            pulses = [self.pulses(pattern, shift) for pattern, shift in zip(patterns, shifts, strict=True)]
            sent, one = stacked(pulses), double(self.circuit)
            given = stacked([one]) if circuits is None else circuits
            chips, n = given.bias.shape[0], len(pulses)
            steps = checked_steps(one, (pulses[0],), self.duration, step, "rk4", 25.0)
            ends = np.array([one.junction(name) for name in self.outputs])
            found = np.zeros((chips * n, len(ends)), np.int64)
            every = np.arange(chips * n)
            for first in range(0, len(every), TOGETHER):
                chosen = every[first : first + TOGETHER]
                chip, pattern = np.divmod(chosen, n)
                slips = _slips(
                    jax.tree.map(lambda leaf, k=chip: leaf[k], given),
                    jax.tree.map(lambda leaf, k=pattern: leaf[k], sent),
                    steps,
                    step,
                )
                found[chosen] = np.asarray(slips)[:, ends]
        found = found.reshape(chips, n, len(ends))
        return found[0] if circuits is None else found

    def text(self) -> str:
        """The values as lines of text."""
        lines = [
            f"{self.junctions} junctions, {len(self.circuit.branches)} inductors, "
            f"{float(np.sum(self.circuit.bias)):.3f} mA of bias"
        ]
        for name, mutual in self.mutuals.items():
            there = mutual[mutual != 0]
            lines.append(f"{name}: {len(there)} synapses, M from {there.min():.2f} to {there.max():.2f} pH")
        for name, bias in self.biases.items():
            current = bias * self.parts.critical_current * 1e3
            lines.append(
                f"{name}: bias {current.min():.1f} to {current.max():.1f} uA ({bias.min():.3f} to {bias.max():.3f} I_c)"
            )
        return "\n".join(lines)


@partial(jax.jit, static_argnums=(2, 3))
def _slips(circuits: Circuit, pulses: Pulses, steps: int, step: float) -> jax.Array:
    def one(circuit: Circuit, sent: Pulses) -> jax.Array:
        found = transient(circuit, (sent,), steps=steps, step=step, method="rk4", ramp=25.0, record=False)
        return jnp.where(jnp.isfinite(found.phase).all(), found.slips, -1)

    return jax.vmap(one)(circuits, pulses)


def design(network: Network, parts: Parts | None = None, model: SomaModel | None = None) -> Design:
    """Find circuit values for a feedforward network of neurons with thresholds.

    The weights of a population are scaled together: as far up as the couplings of its loops allow, and as far down as
    its thresholds need. Leak and reset of the network are not used: a soma has its own.

    Args:
        network: trained; one input population, layers of LIF, ALIF or IF neurons, static synapses without delay.
        parts: values of the parts; by default ours.
        model: their law; by default ours. Other parts need their own, see `fit_soma`.

    Raises:
        ConfigurationError: parts without their law, thresholds of 0 or less, more junctions than can be simulated.
        UnsupportedError: cycles, layers that skip one, neurons or synapses that the parts do not have.
        DelayError: delays.

    Example:
        >>> import jax, snnsim as sn
        >>> net = sn.Network(dict(input=sn.Input(2), both=SOMA.neuron(1, v_th=1.5)),
        ...                  [sn.Projection("input", "both", sn.Dense(weight=1.0))], key=jax.random.key(0))
        >>> made = design(net)
        >>> made.respond([[0, 0], [0, 1], [1, 0], [1, 1]]).ravel().tolist()
        [0, 0, 0, 1]
    """
    if model is None and parts is not None and parts != Parts():
        raise ConfigurationError(
            got="other parts than ours without a law",
            expected="the law of these parts",
            where="design",
            fix="pass model=fit_soma(parts)",
        )
    parts, model = parts or Parts(), model or SOMA
    found = live(layers(network))
    units = {layer.name: _unit(layer, parts, model) for layer in found}
    biases = {layer.name: model.bias(layer.v_th * units[layer.name]) for layer in found}
    net = Netlist()
    source = network.inputs[0]
    ends, inputs = _lines(net, parts, source, network[source].size, found[0])
    mutuals, somas, outputs = {}, {}, []
    stages = parts.input_junctions + _depth(found[0])
    for k, layer in enumerate(found):
        following = found[k + 1] if k + 1 < len(found) else None
        mutuals[layer.projection] = layer.weights * units[layer.name]
        names = tuple(f"{layer.name}{unit}" for unit in range(layer.size))
        arms = []
        for unit, name in enumerate(names):
            targets = 0 if following is None else int(np.count_nonzero(following.weights[unit]))
            if following is not None and not (targets and layer.weights[:, unit].any()):
                arms.append([])  # it would never fire, or nobody would hear it: `live` took its synapses away
                continue
            loop, last = parts.soma(net, name, float(biases[layer.name][unit]), splits=targets > 1)
            for pre in np.flatnonzero(layer.weights[:, unit]):
                parts.synapse(net, ends[pre].pop(0), loop, float(mutuals[layer.projection][pre, unit]))
            arms.append([] if following is None else parts.arms(net, last, targets, _depth(following)))
            outputs += [last] if following is None else []
        somas[layer.name] = tuple(name for name in names if name in net.elements["junction"])
        ends = arms
        stages += 1 + parts.output_junctions + (_depth(following) if following else 0)
        _refuse_many(net)
    biases = {name: np.array([biases[name][int(soma[len(name) :])] for soma in somas[name]]) for name in biases}
    circuit = net.build()
    # A line's junction takes below 3 ps; a soma near its threshold takes longer, and a second slip should be seen.
    duration = float(ceil((START + 3.0 * stages + 35.0 * len(found)) / 10.0) * 10)
    return Design(circuit, tuple(inputs), tuple(outputs), somas, mutuals, units, biases, duration, parts)


def _lines(net: Netlist, parts: Parts, name: str, size: int, layer: Layer) -> tuple[list[list[str]], list[str]]:
    ends, first = [], []
    for unit in range(size):
        targets = int(np.count_nonzero(layer.weights[unit]))
        last = parts.line(net, f"{name}{unit}_", parts.input_junctions, splits=targets > 1)
        first.append(f"{name}{unit}_0")
        ends.append(parts.arms(net, last, targets, _depth(layer)) if targets else [])
    return ends, first


def _depth(layer: Layer) -> int:
    """Splitters on the way from a source to its targets; the same for all sources, so that pulses arrive together."""
    return ceil(log2(max(1, int(np.count_nonzero(layer.weights, axis=1).max()))))


def _unit(layer: Layer, parts: Parts, model: SomaModel) -> float:
    """Mutual inductance (pH) of a weight of 1."""
    if not (layer.v_th > 0).all():
        raise ConfigurationError(
            got=f"v_th from {layer.v_th.min():g}",
            expected="thresholds above 0",
            where=f"population {layer.name!r} in design",
            fix="a soma that fires without input has no threshold: change the network",
        )
    square = (layer.weights**2).sum(0).max()
    if not square > 0:
        raise ConfigurationError(
            got="weights of 0 only",
            expected="at least one synapse",
            where=f"projection {layer.projection!r} in design",
            fix="train the network, or leave the layer out",
        )
    room = np.sqrt(FULLEST * parts.synapse_inductance * parts.loop_inductance / square)
    return float(min(room, model.threshold(LOWEST_BIAS) / layer.v_th.max()))


def _refuse_many(net: Netlist) -> None:
    junctions = len(net.elements["junction"])
    if junctions > LARGEST:
        raise ConfigurationError(
            got=f"{junctions} junctions and more",
            expected=f"at most {LARGEST}",
            where="design",
            fix='design layers one by one, or prune the network; the target "sfq" counts and prices larger ones',
        )
