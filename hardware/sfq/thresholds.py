"""Smallest bias at which a soma fires, by bisection over many circuits at once."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log2

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from snnsim.core.errors import ConfigurationError
from snnsim.hardware.sfq.batches import stacked
from snnsim.hardware.sfq.circuit import GROUND, Circuit, Netlist
from snnsim.hardware.sfq.parts import Parts
from snnsim.hardware.sfq.pulses import Pulses
from snnsim.hardware.sfq.transient import checked_steps, transient

BARE = Parts(output_junctions=0)


def lone_soma(synapses: int, mutual: float, parts: Parts = BARE) -> Circuit:
    """A soma ``soma`` whose synapses ``synapse0, ...`` are driven by ideal pulses; its bias is 0.

    Args:
        synapses: how many.
        mutual: of each (pH).
        parts: values; by default without an output line.
    """
    net = Netlist()
    loop, _ = parts.soma(net, "soma", 0.0)
    for k in range(synapses):
        branch = net.inductor(
            GROUND, GROUND, parts.synapse_inductance, series_resistance=parts.synapse_resistance, name=f"synapse{k}"
        )
        net.couple(branch, loop, mutual)
    return net.build()


def thresholds(
    circuits: Sequence[Circuit],
    pulses: Sequence[Pulses],
    soma: str,
    *,
    slips: int = 1,
    low: float = 0.0,
    high: float = 1.2,
    tolerance: float = 0.002,
    duration: float = 200.0,
    step: float = 0.1,
    ramp: float = 30.0,
) -> np.ndarray:
    """Smallest bias, in units of the soma's critical current, at which it fires (so often).

    Pulses of peak 0 give the bias at which it fires by itself: below that, it is the pulses which make it fire.

    Args:
        circuits: of one graph; the bias of `soma` in them is replaced.
        pulses: of each circuit, of one kind.
        soma: node and junction of this name.
        slips: how often it is to fire.
        low: where the search begins; nothing fires below.
        high: where it ends.
        tolerance: of the result.
        duration: ps.
        step: ps.
        ramp: of the bias (ps).

    Returns:
        one threshold for each circuit; nan where it does not fire at `high`.

    Raises:
        ConfigurationError: circuits of different graphs, or another number of pulses.

    Example:
        >>> from snnsim.hardware.sfq.pulses import flux_quanta
        >>> one = thresholds([lone_soma(1, 6.0)], [flux_quanta(["synapse0"], 100.0)], "soma", tolerance=0.01)
        >>> round(float(one[0]), 2)
        0.84
    """
    kinds = {jax.tree.structure(pair) for pair in zip(circuits, pulses, strict=False)}
    if len(kinds) != 1 or len(circuits) != len(pulses):
        raise ConfigurationError(
            got=f"{len(circuits)} circuits and {len(pulses)} pulses of {len(kinds)} kinds",
            expected="one graph and one kind of pulses, as many of each",
            where="thresholds",
            fix="vary values only: a peak of 0 sends no pulse",
        )
    with jax.enable_x64(True):
        given = stacked(circuits), stacked(pulses)
        first = circuits[0]
        steps = checked_steps(first, (pulses[0],), duration, step, "rk4", ramp)
        node, junction = first.node(soma), first.junction(soma)

        def fires(circuit: Circuit, pulse: Pulses, bias: jax.Array) -> jax.Array:
            current = circuit.bias.at[node].set(bias * circuit.critical_current[junction])
            circuit = eqx.tree_at(lambda c: c.bias, circuit, current)
            found = transient(circuit, (pulse,), steps=steps, step=step, method="rk4", ramp=ramp, record=False)
            return found.slips[junction] >= slips

        mapped = jax.jit(jax.vmap(fires))
        lows, highs = np.full(len(circuits), low), np.full(len(circuits), high)
        reached = np.asarray(mapped(*given, jnp.asarray(highs)))
        for _ in range(ceil(log2((high - low) / tolerance))):
            middle = (lows + highs) / 2
            fired = np.asarray(mapped(*given, jnp.asarray(middle)))
            lows, highs = np.where(fired, lows, middle), np.where(fired, middle, highs)
    return np.where(reached, highs, np.nan)
