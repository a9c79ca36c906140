"""Derivatives of one flow of each equation, by parameters, state and drive, against finite differences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim import neurons

CELLS = {
    "LIFPscAlpha": lambda: neurons.LIFPscAlpha(1, tau_exc=3.0, tau_inh=6.0, i_e=0.2),
    "LIFPscAlpha equal": lambda: neurons.LIFPscAlpha(1, tau_exc=10.0, tau_inh=10.0, i_e=0.2),
    "LIFCondExp": lambda: neurons.LIFCondExp(1),
    "LIFCondExp rk4": lambda: neurons.LIFCondExp(1, tau_exc=1.0, method="rk4"),
    "LIFCondExp euler": lambda: neurons.LIFCondExp(1, tau_exc=1.0, method="euler"),
    "LIFCondAlpha": lambda: neurons.LIFCondAlpha(1),
    "LIFCondAlpha rk4": lambda: neurons.LIFCondAlpha(1, tau_exc=1.0, method="rk4"),
    "AdEx": lambda: sn.AdEx(1),
    "AdExCondExp": lambda: neurons.AdExCondExp(1, tau_exc=1.0),
    "AdExCondAlpha": lambda: neurons.AdExCondAlpha(1, tau_exc=1.0, method="euler"),
    "AstrocyteLR": lambda: neurons.AstrocyteLR(1),
    "AstrocyteLR euler": lambda: neurons.AstrocyteLR(1, method="euler"),
}
# Of the parameters, what a flow without spike may depend on. The rest must have no derivative at all.
IDLE = {"v_th", "v_reset", "b", "k", "alpha", "ca_0", "h_0", "sic_th", "sic_scale", "delta_ip3"}
DT = 0.3


def start(neuron):
    """A state away from rest: parameters and states of very different sizes are all felt."""
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: leaf * rng.uniform(0.8, 0.9) + rng.uniform(0.01, 0.05), neuron.init())


@pytest.mark.parametrize("name", CELLS)
def test_every_derivative_of_a_flow(name, x64):
    neuron = CELLS[name]()
    arrays, rest = eqx.partition(neuron, eqx.is_inexact_array)
    drive = {port: jnp.asarray(0.01) for port, kind in neuron.ports.items() if kind == "drive"}
    given = (arrays, start(neuron), drive)
    sizes = [max(1.0, abs(float(leaf))) for leaf in jax.tree.leaves(start(neuron))]

    @jax.jit
    def outcome(given):
        arrays, state, drive = given
        after = eqx.combine(arrays, rest).flow(state, DT, drive)
        # Each component by its size; membranes and calcium must not drown one another.
        return jnp.stack([leaf / size for leaf, size in zip(jax.tree.leaves(after), sizes, strict=True)])

    slopes = jax.jacrev(outcome)(given)
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(given)]
    leaves, treedef = jax.tree.flatten(given)
    moved_by = set()
    for number, (path, leaf, slope) in enumerate(zip(paths, leaves, jax.tree.leaves(slopes), strict=True)):
        h = 1e-3 * max(abs(float(leaf)), 1e-2)

        def at(amount, number=number, leaf=leaf):
            return np.asarray(outcome(treedef.unflatten([*leaves[:number], leaf + amount, *leaves[number + 1:]])))
        difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
        np.testing.assert_allclose(np.asarray(slope).reshape(-1), difference.reshape(-1), rtol=1e-6,
                                   atol=1e-9, err_msg=path)
        if np.abs(np.asarray(slope)).max() > 0:
            moved_by.add(path.rsplit(".", 1)[-1])
        elif path.startswith("[0]"):
            assert path.rsplit(".", 1)[-1] in IDLE, path
    assert not moved_by & IDLE
