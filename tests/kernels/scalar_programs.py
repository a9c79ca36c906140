"""Functions of scalars run by the compiled steps and by XLA: one group of units, one step, no synapses."""

import jax
import jax.numpy as jnp
import numpy as np

from snnsim.kernels.compiled_steps import Group, compiled_steps
from snnsim.kernels.event_propagation import Rows


def no_rows():
    """A table without sources."""
    empty = jnp.zeros(0, jnp.int32)
    return Rows(empty, empty, empty, jnp.zeros(0, jnp.uint8))


def compiled(functions, values):
    """{name: function(**values)} by a C++ program, or None where there is none; values are arrays [units]."""
    def update(constants, state, arrivals, step, sample):
        return state, jnp.zeros((), real), {name: function(**state) for name, function in functions.items()}

    real = jnp.result_type(float)
    state = {name: jnp.asarray(array)[None] for name, array in values.items()}
    units = next(iter(state.values())).shape[1]
    group = Group(update, (), state, units, {}, (), None, False)

    @jax.jit
    def run(state):
        ran = compiled_steps([group._replace(state=state)], jnp.zeros((1, 1, 0), real), jnp.zeros(0, real), no_rows(),
                             jnp.zeros((1, 1, 0), real), steps=1, first_step=jnp.int32(0))
        return None if ran is None else (ran.states[0], ran.records[0])
    ran = run(state)
    if ran is None:
        return None
    after, records = ran
    for name, array in values.items():
        np.testing.assert_array_equal(after[name][0], array)
    return {name: np.asarray(array)[0, 0] for name, array in records.items()}


def by_jax(functions, values):
    """The same by XLA."""
    @jax.jit
    def run(values):
        return {name: jax.vmap(lambda values, f=function: f(**values))(values) for name, function in functions.items()}
    return jax.tree.map(np.asarray, run(dict(values)))
