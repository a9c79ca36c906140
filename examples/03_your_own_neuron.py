"""Your own neuron: a state, its parameters, and five verbs for one unit. Everything else follows.

The quadratic integrate-and-fire neuron, tau dv/dt = v (v - v_c) + r_m current, fires in any network and is
differentiated by JAX like the neurons of the library.

    python examples/03_your_own_neuron.py
"""

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

import snnsim as sn
from snnsim.core.fields import param, part
from snnsim.core.neuron import AbstractSpikingNeuron
from snnsim.neurons import ATan


class QIFState(NamedTuple):
    v: jax.Array


class QIF(AbstractSpikingNeuron):
    """Quadratic integrate-and-fire neuron; the verbs speak of one unit, populations and batches come for free."""

    tau: jax.Array = param(10.0, unit="ms", doc="time constant", bounds=(1e-3, None))
    v_c: jax.Array = param(0.5, unit="state", doc="critical potential, above which v runs away")
    v_th: jax.Array = param(1.0, unit="state", doc="threshold")
    surrogate: object = part(ATan, doc="pseudo-derivative of the spike", kw_only=True)
    ports: ClassVar = {"in": "jump", "current": "drive"}

    def init(self):
        return QIFState(jnp.zeros_like(self.v_th))

    def flow(self, state, dt, drive):  # one step of Euler's method
        return QIFState(state.v + dt / self.tau * (state.v * (state.v - self.v_c) + drive["current"]))

    def receive(self, state, arrivals):
        return QIFState(state.v + arrivals["in"])

    def margin(self, state):
        return state.v - self.v_th

    def reset(self, state, spikes):
        return QIFState(state.v * (1 - spikes))


def spike_count(net, current):
    """Mean number of spikes of a cell under constant current."""
    given = jnp.full((200, 1, 1), current)  # [time, batch, unit]
    recording = sn.simulate(net, {"input": given}, duration=200.0, dt=1.0, record={"cell": ["spikes"]})
    return recording["cell", "spikes"].sum(0).mean()


def main():
    net = sn.Network(dict(input=sn.Input(1), cell=QIF(3, v_c=[0.4, 0.5, 0.6])),
                     [sn.Projection("input", "cell", sn.Dense(weight=1.0), port="current")],
                     key=jax.random.key(0), trainable={"cell.v_c": True})
    for current in (0.05, 0.1, 0.2):
        print(f"current {current:.2f}: {float(spike_count(net, current)):5.1f} spikes in 200 ms")
    # Gradients of the count with respect to what is to be learned: the weight and v_c, one a unit.
    trainable, rest = sn.partition(net)
    gradient = eqx.filter_grad(lambda part: spike_count(eqx.combine(part, rest), 0.2))(trainable)
    print("d count / d v_c    =", gradient["cell"].v_c, " (a higher critical potential means fewer spikes)")
    print("d count / d weight =", gradient["input_cell"].connection.weight[0])


if __name__ == "__main__":
    main()
