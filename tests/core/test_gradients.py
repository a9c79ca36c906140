"""Gradients against finite differences, where the simulation is smooth."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.parameters import parameter_table

STEPS = 25


def check(net, paths, *, variable=("out", "output"), rtol=1e-6, duration=float(STEPS)):
    """Directional derivatives of a random functional of the output along every parameter in `paths`."""
    rng = np.random.default_rng(1)
    units = net["input"].shape
    given = rng.random((round(duration), 2, *units)) * (rng.random((round(duration), 2, *units)) < 0.3)
    out = net[variable[0]].shape
    readout = rng.normal(size=(round(duration), 2, *out))
    trainable, rest = sn.partition(net)
    table = parameter_table(net)
    assert {path for path in table if table[path]["trainable"]} == set(paths)

    @jax.jit
    def loss(part):
        rec = sn.simulate(eqx.combine(part, rest), {"input": given}, duration=duration,
                          record={variable[0]: [variable[1]]})
        return jnp.sum(rec[variable] * readout)

    gradient = jax.grad(loss)(trainable)
    leaves, treedef = jax.tree.flatten(trainable)
    for number, leaf in enumerate(leaves):
        direction = rng.normal(size=leaf.shape) if leaf.ndim else np.ones(())
        slope, h = float((jax.tree.leaves(gradient)[number] * direction).sum()), 1e-4

        def moved(amount, number=number, leaf=leaf, direction=direction):
            return treedef.unflatten([*leaves[:number], leaf + amount * direction, *leaves[number + 1:]])
        difference = sum(c * float(loss(moved(k * h))) for k, c in ((-2, 1), (-1, -8), (1, 8), (2, -1))) / (12 * h)
        assert abs(slope) > 1e-6
        assert slope == pytest.approx(difference, rel=rtol)


def learned(*paths):
    return dict(trainable={"*": False, **dict.fromkeys(paths, True)}, key=jax.random.key(2))


def test_readout(x64):
    paths = ["first.connection.weight", "first.connection.bias", "out.tau_mem", "out.e_l"]
    out = sn.LI(3, tau_mem=[5.0, 9.0, 14.0], e_l=0.2)
    check(sn.Network(dict(input=sn.Input(4), out=out),
                     dict(first=sn.Projection("input", "out", sn.Dense(bias=True), delay=2.0)),
                     **learned(*paths)), paths)


@pytest.mark.parametrize("cell", [
    lambda: sn.LIF(3, tau_mem=8.0, v_th=1e3), lambda: sn.CubaLIF(3, tau_mem=8.0, tau_syn=8.0, v_th=1e3),
    lambda: sn.Noisy(sn.ALIF(3, tau_mem=8.0, v_th=1e3), sigma=0.1)], ids=["LIF", "CubaLIF", "Noisy"])
def test_below_threshold(cell, x64):
    neuron = cell()
    inside = "cell.neuron" if hasattr(neuron, "neuron") else "cell"
    paths = ["p.connection.weight", f"{inside}.tau_mem"]
    paths += [f"{inside}.tau_syn"] if hasattr(neuron, "tau_syn") else []
    paths += ["cell.sigma"] if inside != "cell" else []
    check(sn.Network(dict(input=sn.Input(4), cell=neuron), dict(p=sn.Projection("input", "cell", sn.Dense())),
                     **learned(*paths)), paths, variable=("cell", "v"))


def test_a_recurrent_network_below_threshold(x64):
    """Graded units in a cycle: gradients go around it."""
    paths = ["p.connection.weight", "loop.connection.weight", "back.connection.weight", "a.tau_mem", "out.tau_mem"]
    check(sn.Network(dict(input=sn.Input(4), a=sn.LI(3, tau_mem=4.0), out=sn.LI(2, tau_mem=6.0)),
                     dict(p=sn.Projection("input", "a", sn.Dense()),
                          loop=sn.Projection("a", "a", sn.Dense(), delay=2.0),
                          forward=sn.Projection("a", "out", sn.Dense(), delay=sn.Delay(np.array([0.0, 1.0, 3.0]))),
                          back=sn.Projection("out", "a", sn.Dense(0.1), delay=1.0)), **learned(*paths)), paths)


def test_convolution_sparse_and_normalisation(x64):
    paths = ["conv.connection.weight", "conv.connection.bias", "conv.transforms.0.scale", "sparse.connection.weight"]
    check(sn.Network(dict(input=sn.Input((1, 5)), a=sn.LI((2, 3), tau_mem=4.0), out=sn.LI(2)),
                     dict(conv=sn.Projection("input", "a", sn.Conv1d(3, bias=True), transforms=[sn.BatchNorm()]),
                          sparse=sn.Projection("a", "out", sn.Sparse(sn.FixedInDegree(3)), delay=1.0)),
                     **learned(*paths)), paths)


@pytest.mark.parametrize("cell", [sn.AdEx, sn.Izhikevich])
def test_neurons_without_closed_form(cell, x64):
    names = ["a", "b"] if cell is sn.Izhikevich else ["a", "c_m", "tau_w", "delta_t"]
    paths = ["p.connection.weight", *(f"cell.{name}" for name in names)]
    check(sn.Network(dict(input=sn.Input(4), cell=cell(2, method="rk4")),
                     dict(p=sn.Projection("input", "cell", sn.Dense())), **learned(*paths)),
          paths, variable=("cell", "v"), rtol=1e-5, duration=8.0)


def test_the_gradient_through_a_spike_is_the_surrogate(x64):
    """One cell, one step: d spike / d weight = slope(margin) times input; the reset passes it on unless detached."""
    def outcome(weight, detach):
        cell = sn.LIF(1, tau_mem=10.0, detach_reset=detach, surrogate=sn.neurons.FastSigmoid(3.0))
        net = sn.Network(dict(input=sn.Input(1), cell=cell), [sn.Projection("input", "cell", sn.Dense(weight))],
                         key=jax.random.key(0))
        rec = sn.simulate(net, {"input": np.ones((1, 1, 1))}, duration=1.0, record={"cell": ["spikes", "v"]})
        return rec["cell", "spikes"].sum(), rec["cell", "v"].sum()
    slope = 1 / (1 + 3.0 * 0.25) ** 2
    for detach in (True, False):
        spike, v = jax.jacobian(outcome)(1.25, detach)
        assert float(spike) == pytest.approx(slope, rel=1e-12)
        assert float(v) == pytest.approx(1.0 if detach else 1.0 - slope, rel=1e-12)
