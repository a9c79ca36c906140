"""Projections in PyNN's terms: lists of synapses by receptor, and pair rules of learning."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import DelayError, UnsupportedError
from snnsim.core.network import Network
from snnsim.core.projection import BY_SIGN, Projection
from snnsim.hardware.fan import sources_of
from snnsim.hardware.spinnaker.pynn_cells import EXCITATORY, INHIBITORY, SPINNAKER, Cell, shortest
from snnsim.plasticity import SPYNNAKER, Additive, Multiplicative, PairSTDP
from snnsim.synapses import Dense, OneToOne, Sparse

MOST_PAIRS = 2**26  # pairs of units that are looked at for a connection that keeps no list
SHAPES = {"Additive": "AdditiveWeightDependence", "Multiplicative": "MultiplicativeWeightDependence"}


@dataclass(frozen=True, eq=False)
class Synapses:
    """Synapses of a projection that end at one receptor.

    Args:
        name: name of the projection, with the receptor where it has two.
        pre: source population.
        post: target population.
        receptor: "excitatory" or "inhibitory".
        table: source, target, weight and delay (ms) of each synapse, float64 ``[synapses, 4]``.
        rule: learning rule, by names and numbers; None where nothing is learned.
    """

    name: str
    pre: str
    post: str
    receptor: str
    table: np.ndarray
    rule: dict[str, Any] | None


def synapses_of(network: Network, name: str, cell: Cell, dt: float, simulator: str, later: bool) -> list[Synapses]:
    """What PyNN makes of projection `name`, whose target is `cell`.

    Raises:
        UnsupportedError: synapses, transforms, ports or rules that PyNN on SpiNNaker does not have.
        DelayError: delays below one step, unless `later` lets them take one.
    """
    projection = network.projections[name]
    _refuse(projection, name, cell)
    rule = _rule(projection, name, simulator) if projection.synapse.learns else None
    pre, post = (network.populations[end].shape for end in (projection.pre, projection.post))
    source, target, weight = _list(projection, name, pre, post)
    delay = _delays(projection, name, source, target, pre, post, dt, later)
    gain = cell.gain if cell.gain.shape == () else cell.gain.reshape(-1)[target]
    table = np.stack([source.astype(float), target.astype(float), weight * gain, delay], 1)
    found = []
    for receptor, chosen in _receptors(projection, name, cell, table[:, 2]):
        part = table[chosen]
        if not cell.signed:
            part[:, 2] = np.abs(part[:, 2])
        if len(part):
            found.append(Synapses(name, projection.pre, projection.post, receptor, part, rule))
    if len(found) == 2:
        found = [Synapses(f"{name}_{each.receptor}", each.pre, each.post, each.receptor, each.table, rule)
                 for each in found]
    return found


def _unsupported(name: str, got: str, expected: str, why: str) -> UnsupportedError:
    return UnsupportedError(got=got, expected=expected, where=f"projection {name!r} in a PyNN script", fix=why)


def _refuse(projection: Projection, name: str, cell: Cell) -> None:
    if projection.transforms:
        raise _unsupported(name, f"{type(projection.transforms[0]).__name__}", "weights only",
                           "fold it into the weights: PyNN has no maps on arrivals")
    if getattr(projection.connection, "bias", None) is not None:
        raise _unsupported(name, "a bias, which arrives in every step", "weights only",
                           "use i_e of the target: PyNN has no synapses without a source")
    if not projection.is_static and not isinstance(projection.synapse, PairSTDP):
        raise _unsupported(name, f"{type(projection.synapse).__name__}", "static synapses or PairSTDP",
                           "use one of these: SpiNNaker's PyNN has no other that does the same")
    port = projection.port or ""
    if port not in cell.ports and port != BY_SIGN:
        raise _unsupported(name, f"port {port!r}", f"one of {', '.join(cell.ports)}",
                           "send spikes: PyNN has no projections that carry currents")


def _list(projection: Projection, name: str, pre: tuple[int, ...], post: tuple[int, ...]
          ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Source, target and weight of each synapse; those of weight 0 are none, unless they learn."""
    connection: Any = projection.connection
    if isinstance(connection, Sparse):
        source, target = sources_of(connection), np.asarray(connection.targets)
        weight = shortest(connection.weight)
    elif isinstance(connection, OneToOne):
        source = target = np.arange(prod(pre))
        weight = shortest(connection.weight).reshape(-1)
    else:
        if prod(pre) * prod(post) > MOST_PAIRS:
            raise _unsupported(name, f"{prod(pre) * prod(post):,} pairs of {type(connection).__name__}",
                               f"at most {MOST_PAIRS:,}", "use Sparse, which lists its synapses")
        matrix = connection.weight if isinstance(connection, Dense) else \
            connection(jnp.eye(prod(pre)).reshape(-1, *pre)).reshape(prod(pre), -1)
        weight = shortest(np.asarray(matrix)).reshape(-1)
        source, target = (index.reshape(-1) for index in np.indices((prod(pre), prod(post))))
    there = np.ones(len(weight), bool) if projection.synapse.learns else weight != 0
    return source[there], target[there], weight[there]


def _delays(projection: Projection, name: str, source: np.ndarray, target: np.ndarray, pre: tuple[int, ...],
            post: tuple[int, ...], dt: float, later: bool) -> np.ndarray:
    """Delay of each synapse (ms), one step or more."""
    connection: Any = projection.connection
    found, gains = projection.taps(dt, True)
    if gains is not None or len(found) > 1:
        raise _unsupported(name, "a delay that interpolates", "one delay a synapse", "round the delays to the grid")
    steps = np.asarray(found)[0]
    if steps.shape == ():
        each = np.full(len(source), int(steps))
    elif connection.separate(steps.shape, pre):
        whole = steps.reshape(-1)
        if isinstance(connection, Sparse):
            each = whole if len(whole) == len(source) else whole[np.asarray(connection.weight) != 0]
        else:
            each = whole[source] if isinstance(connection, OneToOne) else whole[source * prod(post) + target]
    else:
        each = steps.reshape(-1)[source]
    if len(each) and each.min() < 1:
        if not later:
            raise DelayError(got="delays below one step", expected=f"{dt:g} ms or more",
                             where=f"projection {name!r} in a PyNN script",
                             fix="give the projection a delay, or pass later=True, which lets such spikes arrive one "
                             "step later")
        each = np.maximum(each, 1)
    return on_grid(each, dt)


def on_grid(steps: np.ndarray, dt: float) -> np.ndarray:
    """Times (ms) of these steps without the last digits of a product, which would carry some beyond the next step."""
    return np.round(steps * dt, 9)


def _receptors(projection: Projection, name: str, cell: Cell, weight: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """(receptor, which synapses): by port, or by the sign of each weight."""
    receptor = None if projection.port == BY_SIGN else cell.ports[projection.port or ""]
    positive = weight >= 0
    if receptor is None:
        return [(EXCITATORY, positive), (INHIBITORY, ~positive)]
    wrong = positive & (weight > 0) if receptor == INHIBITORY else ~positive
    if wrong.any():
        raise _unsupported(name, f"a weight of {weight[wrong][0]:g} at the {receptor} receptor",
                           f"weights {'<=' if receptor == INHIBITORY else '>='} 0",
                           "use port='by_sign': in PyNN each receptor has weights of one sign")
    return [(receptor, np.ones(len(weight), bool))]


def _rule(projection: Projection, name: str, simulator: str) -> dict[str, Any]:
    """A pair rule as PyNN's STDPMechanism."""
    rule = projection.synapse
    wanted = "PairSTDP(pairing='all', dependence=Additive() or Multiplicative(), **SPYNNAKER)"
    if not isinstance(rule, PairSTDP) or rule.pairing != "all" or rule.post_delay or \
            not isinstance(rule.dependence, Additive | Multiplicative) or \
            any(getattr(rule, field) != value for field, value in SPYNNAKER.items()):
        raise _unsupported(name, f"{type(rule).__name__} of another timing, pairing or dependence", wanted,
                           "choose these: others change weights at other times on SpiNNaker")
    numbers = {field: shortest(getattr(rule, field)) for field in ("w_min", "w_max", "tau_plus", "tau_minus", "a_plus",
                                                                   "a_minus")}
    if any(value.size != 1 for value in numbers.values()):
        raise _unsupported(name, "a rule with numbers of each synapse", "one number for all",
                           "use a projection for each")
    low, high, tau_plus, tau_minus, plus, minus = (float(value.reshape(())) for value in numbers.values())
    if not 0 <= low < high:
        raise _unsupported(name, f"learning between {low:g} and {high:g}", "0 or more, and w_min below w_max",
                           "let excitatory synapses learn: PyNN's rules know no negative weights")
    # Ours are parts of the range. sPyNNaker's additive rule takes weights, PyNN's parts of w_max.
    scale = 1.0
    if isinstance(rule.dependence, Additive):
        scale = (high - low) if simulator == SPINNAKER else (high - low) / high
    return {"dependence": SHAPES[type(rule.dependence).__name__], "w_min": low, "w_max": high, "tau_plus": tau_plus,
            "tau_minus": tau_minus, "A_plus": plus * scale, "A_minus": minus * scale}
