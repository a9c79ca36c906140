"""Networks that the tests of this folder share."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import snnsim as sn
from snnsim import neurons
from snnsim.core.fields import param, part
from snnsim.core.neuron import AbstractSpikingNeuron
from snnsim.core.synapse import StaticSynapse
from snnsim.neurons import ATan, Boxcar, FastSigmoid, Gaussian, Sigmoid, StraightThrough, Triangle
from snnsim.neurons.lif import LIFState
from snnsim.synapses import Chain, DistanceDependent

NEURONS = {
    "lif": lambda: sn.LIF(4, tau_mem=jnp.array([5.0, 10.0, 20.0, 40.0]), surrogate=Triangle(0.2)),
    "lif_late": lambda: sn.LIF(4, reset_timing="residual", surrogate=Sigmoid()),
    "if": lambda: sn.IF((2, 2), v_th=0.3, surrogate=StraightThrough()),
    "li": lambda: sn.LI(4, method="euler"),
    "alif": lambda: sn.ALIF(4, surrogate=Boxcar()),
    "cubalif": lambda: sn.CubaLIF(4, method="discrete", surrogate=Gaussian()),
    "lif_psc_exp": lambda: sn.LIFPscExp(4, surrogate=ATan()),
    "adex": lambda: sn.AdEx(4),
    "adex_cond_alpha": lambda: neurons.AdExCondAlpha(4, surrogate=Sigmoid()),
    "adex_cond_exp": lambda: neurons.AdExCondExp(4, method="euler"),
    "astrocyte_lr": lambda: neurons.AstrocyteLR(4, tau_ip3=5000.0),
    "lif_cond_alpha": lambda: neurons.LIFCondAlpha(4, method="rk4"),
    "lif_cond_exp": lambda: sn.Refractory(neurons.LIFCondExp(4, e_inh=-80.0), t_ref=2.0),
    "lif_psc_alpha": lambda: neurons.LIFPscAlpha(4, tau_exc=jnp.array([1.0, 2.0, 3.0, 10.0])),
    "izhikevich": lambda: sn.Izhikevich(4, method="rk4", surrogate=FastSigmoid()),
    "refractory": lambda: sn.Refractory(sn.LIF(4), t_ref=3.0, mode="block"),
    "noisy": lambda: sn.Refractory(sn.Noisy(sn.LIF(4), sigma=0.3), t_ref=1.0),
}

# name: (shape before, shape behind, connection)
CONNECTIONS = {
    "dense": ((3,), (4,), lambda: sn.Dense(bias=True)),
    "one_to_one": ((4,), (4,), lambda: sn.OneToOne(0.5)),
    "conv1d": ((2, 6), (4, 3), lambda: sn.Conv1d(2, stride=2, groups=2)),
    "conv2d": ((2, 6, 7), (4, 6, 7), lambda: sn.Conv2d(3, padding=1, bias=True)),
    "sum_pool": ((2, 6, 6), (2, 3, 3), lambda: sn.SumPool2d(2)),
    "avg_pool": ((2, 6, 6), (2, 2, 2), lambda: sn.AvgPool2d(3, stride=2)),
    "chain": ((2, 6, 6), (4, 2, 2), lambda: Chain((sn.SumPool2d(2), sn.Conv2d(2)), [(2, 3, 3)])),
    "probability": ((5,), (4,), lambda: sn.Sparse(sn.FixedProbability(0.5))),
    "in_degree": ((5,), (4,), lambda: sn.Sparse(sn.FixedInDegree(2))),
    "out_degree": ((5,), (4,), lambda: sn.Sparse(sn.FixedOutDegree(2))),
    "total": ((5,), (4,), lambda: sn.Sparse(sn.FixedTotalNumber(7))),
    "distance": ((3, 3), (3, 3), lambda: sn.Sparse(DistanceDependent(0.9, 2.0))),
    "edges": ((5,), (4,), lambda: sn.Sparse.from_edges(np.array([0, 1, 4]), np.array([3, 2, 0]))),
}


def of_neuron(neuron, key=0):
    port = "by_sign" if neuron.weight_signs else "exc" if "exc" in neuron.ports else "in"
    return sn.Network({"input": sn.Input(3), "cell": neuron},
                      [sn.Projection("input", "cell", sn.Dense(), port=port)], key=jax.random.key(key))


def of_connection(name, **given):
    pre, post, connection = CONNECTIONS[name]
    return sn.Network({"input": sn.Input(pre), "cell": sn.LIF(post)},
                      {"forth": sn.Projection("input", "cell", connection(), **given)}, key=jax.random.key(1))


def rich():
    """A network with something of everything that one file should hold."""
    return sn.Network(
        {"input": sn.Input(3), "hidden": sn.LIF(5), "out": sn.LI(2)},
        {"first": sn.Projection("input", "hidden", sn.Dense(), delay=sn.Delay([0.0, 1.0, 2.0]),
                                transforms=(sn.BatchNorm(momentum=0.2), sn.Dropout(0.3))),
         "again": sn.Projection("hidden", "hidden", sn.Sparse(sn.FixedInDegree(2)), delay=2.0),
         "last": sn.Projection("hidden", "out", sn.Dense(bias=True), synapse=StaticSynapse())},
        trainable={"hidden.tau_mem": True, "first.*": False}, key=jax.random.key(2))


def spikes(network, population, steps=60, dt=1.0, seed=0, rate=0.4):
    """Output of a population (or several, as a dictionary) for random input, ``[steps, batch, *shape]``."""
    rng = np.random.default_rng(seed)
    given = {name: (rng.random((steps, 2, *network[name].shape)) < rate).astype(np.float32)
             for name in network.inputs}
    wanted = (population,) if isinstance(population, str) else population
    rec = sn.simulate(network, given, duration=steps * dt, dt=dt, record={name: ["output"] for name in wanted})
    found = {name: np.asarray(rec[name, "output"]) for name in wanted}
    return found[population] if isinstance(population, str) else found


class Doubler(AbstractSpikingNeuron):
    """A neuron of a user's own."""

    gain: jax.Array = param(2.0, unit="1", doc="gain", bounds=(0.0, None))
    surrogate: eqx.Module = part(ATan, doc="surrogate", kw_only=True)
    ports = {"in": "jump"}

    def init(self):
        return LIFState(v=jnp.zeros_like(self.gain))

    def flow(self, state, dt, drive):
        return state

    def receive(self, state, arrivals):
        return LIFState(state.v + self.gain * arrivals["in"])

    def margin(self, state):
        return state.v - 1.0

    def reset(self, state, spikes):
        return LIFState(state.v - spikes)
