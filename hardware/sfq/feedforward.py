"""What `design` can build of a network: layers of neurons with thresholds, one after the other."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import DelayError, UnsupportedError
from snnsim.core.network import Network
from snnsim.core.projection import Projection
from snnsim.neurons import ALIF, IF, LIF


class Layer(NamedTuple):
    """A population with the projection that drives it.

    Args:
        name: of the population.
        projection: its name.
        weights: ``[n_pre, n_post]``.
        v_th: threshold above rest of each unit.
    """

    name: str
    projection: str
    weights: np.ndarray
    v_th: np.ndarray

    @property
    def size(self) -> int:
        """Number of units."""
        return len(self.v_th)


def layers(network: Network) -> tuple[Layer, ...]:
    """The layers in order, from the input on.

    Raises:
        UnsupportedError: anything but one chain of populations, or neurons and synapses that the parts do not have.
        DelayError: a delay.
    """
    if len(network.inputs) != 1:
        raise _refusal(f"{len(network.inputs)} input populations", "one")
    found, here = [], network.inputs[0]
    while len(found) < len(network.projections):
        following = [(name, p) for name, p in network.projections.items() if p.pre == here]
        if len(following) != 1 or len(network.incoming(following[0][1].post)) != 1:
            raise _refusal(
                f"population {here!r} with {len(following)} targets, or a target of several sources",
                "a chain: pulses over paths of different length would not arrive together",
            )
        name, projection = following[0]
        if projection.post in {layer.name for layer in found}:
            raise _refusal(f"a cycle through {projection.post!r}", "a chain")
        found.append(_layer(network, name, projection))
        here = projection.post
    if not found or len(found) + 1 != len(network.populations):
        raise _refusal("populations without connection", "a chain")
    return tuple(found)


def live(found: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """The layers without synapses of units that never fire, having no input, or whose spikes go nowhere."""
    kept = [layer.weights.copy() for layer in found]
    for _ in found:
        for before, after in pairwise(kept):
            after[~before.any(0)] = 0.0
            before[:, ~after.any(1)] = 0.0
    return tuple(layer._replace(weights=weights) for layer, weights in zip(found, kept, strict=True))


def _refusal(got: str, expected: str) -> UnsupportedError:
    return UnsupportedError(
        got=got, expected=expected, where="design", fix="change the network, or design a part of it"
    )


def _layer(network: Network, name: str, projection: Projection) -> Layer:
    neuron, source = network.populations[projection.post], network.populations[projection.pre]
    if not isinstance(neuron, ALIF | LIF | IF):
        raise _refusal(f"population {projection.post!r} of {type(neuron).__name__}", "LIF, ALIF or IF neurons")
    if not projection.is_static or projection.transforms or getattr(projection.connection, "bias", None) is not None:
        raise _refusal(f"projection {name!r} with a bias, a transform or a synapse that has state", "weights only")
    if projection.delay is not None and projection.delay.bounds[1] > 0:
        raise DelayError(
            got="a delay",
            expected="none",
            where=f"projection {name!r} in design",
            fix="remove it, or use a longer line",
        )
    if float(np.abs(np.asarray(getattr(neuron, "i_e", 0.0))).max()) > 0:
        raise _refusal(
            f"population {projection.post!r} with a constant current", "i_e = 0: the threshold sets the bias"
        )
    eye = jnp.eye(source.size, dtype=jnp.result_type(float)).reshape(source.size, *source.shape)
    weights = np.asarray(projection.connection(eye), np.float64).reshape(source.size, prod(neuron.shape))
    above = np.asarray(neuron.v_th, np.float64) - np.asarray(getattr(neuron, "e_l", 0.0), np.float64)
    return Layer(projection.post, name, weights, np.broadcast_to(above, neuron.shape).reshape(-1))
