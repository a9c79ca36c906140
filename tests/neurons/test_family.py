"""What every neuron promises. A new neuron enters by being listed in `FAMILY`."""

import inspect

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim import neurons
from snnsim.core.fields import parameters
from snnsim.core.keys import Rand
from snnsim.core.neuron import AbstractNeuron

# neuron -> (how it is made for a shape, strength of an arrival that makes it fire now and then)
FAMILY = {
    "AdEx": (lambda shape: sn.AdEx(shape), 12.0),
    "AdExCondAlpha": (lambda shape: neurons.AdExCondAlpha(shape), 0.3),
    "AdExCondExp": (lambda shape: neurons.AdExCondExp(shape), 0.6),
    "ALIF": (lambda shape: sn.ALIF(shape), 0.6),
    "AstrocyteLIM": (lambda shape: neurons.AstrocyteLIM(shape, b_astro=0.0), 10000.0),
    "AstrocyteLR": (lambda shape: neurons.AstrocyteLR(shape, sic_scale=1.0), 5000.0),
    "CubaLIF": (lambda shape: sn.CubaLIF(shape, tau_mem=5.0), 0.6),
    "IF": (lambda shape: sn.IF(shape), 0.4),
    "Izhikevich": (lambda shape: sn.Izhikevich(shape), 15.0),
    "LI": (lambda shape: sn.LI(shape), 0.5),
    "LIF": (lambda shape: sn.LIF(shape), 0.6),
    "LIFCondAlpha": (lambda shape: neurons.LIFCondAlpha(shape), 0.3),
    "LIFCondExp": (lambda shape: neurons.LIFCondExp(shape, tau_exc=1.0), 0.05),
    "LIFPscAlpha": (lambda shape: neurons.LIFPscAlpha(shape), 1.0),
    "LIF delayed": (lambda shape: sn.LIF(shape, reset_timing="delayed"), 0.6),
    "LIF residual": (lambda shape: sn.LIF(shape, reset_timing="residual"), 0.6),
    "LIFPscExp": (lambda shape: sn.LIFPscExp(shape), 2.0),
    "Noisy": (lambda shape: sn.Noisy(sn.LIF(shape), sigma=0.05), 0.6),
    "Refractory": (lambda shape: sn.Refractory(sn.LIF(shape), t_ref=2.0), 0.6),
    "Refractory Noisy": (lambda shape: sn.Refractory(sn.Noisy(sn.CubaLIF(shape), sigma=0.05), mode="block"), 2.0),
}
DT = {"AdEx": 0.1, "AdExCondAlpha": 0.1, "AdExCondExp": 0.1, "AstrocyteLR": 40.0, "Izhikevich": 0.5}
GRADED = {"AstrocyteLIM", "AstrocyteLR", "LI"}
# Nothing arrives at these: test_current_generators.py, test_poisson_generator.py.
SOURCES = {"DCGenerator", "NoiseGenerator", "PoissonGenerator", "StepCurrentGenerator"}
STEPS = 30

everyone = pytest.mark.parametrize("name", FAMILY)


def arrivals(name):
    return FAMILY[name][1] * (np.random.default_rng(0).random((STEPS, 2, 3)) < 0.3)


def network(neuron):
    return sn.Network(dict(input=sn.Input(neuron.shape), cell=neuron),
                      [sn.Projection("input", "cell", sn.OneToOne(1.0))], key=jax.random.key(0))


def run(name, neuron, given, variable="output"):
    dt = DT.get(name, 1.0)
    rec = sn.simulate(network(neuron), {"input": given}, duration=round(len(given) * dt, 9), dt=dt,
                      record={"cell": ["output", neuron.membrane]})
    return rec["cell", neuron.membrane if variable == "membrane" else variable]


def test_all_neurons_are_listed():
    kinds = {name for name, kind in inspect.getmembers(neurons, inspect.isclass) if issubclass(kind, AbstractNeuron)}
    assert kinds - SOURCES == {word for name in FAMILY for word in name.split()} - {"delayed", "residual"}


@everyone
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 2)])
def test_shapes_of_state_and_output(name, shape):
    neuron = FAMILY[name][0](shape)
    state = neuron.initial_state()
    assert {leaf.shape for leaf in jax.tree.leaves(state)} == {shape}
    after, output = eqx.filter_eval_shape(neuron.step, state, {}, 1.0, Rand.at(jnp.uint32(0), "a", jnp.int32(0)))
    assert (output.shape, output.dtype) == (shape, jnp.float32)
    assert jax.tree.structure(after) == jax.tree.structure(state)
    for old, new in zip(jax.tree.leaves(state), jax.tree.leaves(after), strict=True):
        assert (old.shape, old.dtype) == (new.shape, new.dtype)
    assert neuron.size == np.prod(shape, dtype=int)
    assert set(neuron.ports.values()) <= {"jump", "drive"}


@everyone
def test_silent_at_rest_and_fires_when_driven(name):
    neuron = FAMILY[name][0](3)
    silent, driven = (np.asarray(run(name, neuron, given)) for given in (np.zeros((STEPS, 2, 3)), arrivals(name)))
    assert not silent.any()
    assert neuron.spiking is (name not in GRADED)
    if name in GRADED:
        assert np.abs(driven).max() > 0.5
    else:
        assert set(np.unique(driven)) == {0.0, 1.0}
        assert 0.01 < driven.mean() < 0.9


@everyone
def test_single_and_double_precision_agree(name):
    """For a few steps: later, rounding may move a spike."""
    found = {}
    for wide in (False, True):
        with jax.enable_x64(wide):
            found[wide] = np.asarray(run(name, FAMILY[name][0](3), arrivals(name), "membrane"))
    assert found[False].dtype == np.float32
    assert found[True].dtype == np.float64
    assert np.ptp(found[True][:8]) > 0.1
    np.testing.assert_allclose(found[False][:8], found[True][:8], rtol=1e-4, atol=1e-4)


@everyone
def test_parameters_for_all_or_one_for_each(name, x64):
    """Equal parameters one a unit, and different ones against a single cell in a batch of one."""
    given, make = arrivals(name), FAMILY[name][0]
    neuron = make(3)
    per_unit = jax.tree.map(lambda leaf: jnp.full((3,), leaf), neuron)
    together = np.asarray(run(name, neuron, given))
    np.testing.assert_allclose(together, run(name, per_unit, given), rtol=1e-12, atol=1e-12)
    factor = jnp.array([0.9, 1.0, 1.1])
    different = jax.tree.map(lambda leaf: leaf * factor, per_unit)
    together = np.asarray(run(name, different, given))
    # Noise is counted by sample and unit: the first of them is the same alone.
    for sample, unit in [(0, 0)] if "Noisy" in name else [(0, 2), (1, 0)]:
        cell = eqx.tree_at(lambda n: jax.tree.leaves(n), make(1),
                           [leaf[unit] for leaf in jax.tree.leaves(different)])
        alone = run(name, cell, given[:, sample:sample + 1, unit:unit + 1])
        np.testing.assert_allclose(together[:, sample, unit], alone[:, 0, 0], rtol=1e-12, atol=1e-12)
    assert np.abs(together[:, 0] - together[:, 1]).max() > 0


@everyone
def test_step_maps_over_samples_and_equals_the_engine(name, x64):
    neuron, given = FAMILY[name][0](3), arrivals(name)
    if "Noisy" in name:  # the noise of this test's own loop is another one
        neuron = eqx.tree_at(lambda n: n.sigma if name == "Noisy" else n.neuron.sigma, neuron, jnp.zeros(()))
    port, dt, rand = next(iter(neuron.ports)), DT.get(name, 1.0), Rand.at(jnp.uint32(0), "cell", jnp.int32(0))

    @jax.jit
    @jax.vmap
    def by_hand(part):
        def body(state, now):
            return neuron.step(state, {port: now}, dt, rand)
        return jax.lax.scan(body, neuron.initial_state(), part)[1]
    found = by_hand(jnp.asarray(given).swapaxes(0, 1)).swapaxes(0, 1)
    np.testing.assert_allclose(found, run(name, neuron, given), rtol=1e-12, atol=1e-12)


@everyone
def test_gradients_are_finite_and_not_all_zero(name):
    neuron, given = FAMILY[name][0](3), arrivals(name)
    dt = DT.get(name, 1.0)
    arrays, rest = eqx.partition(network(neuron), eqx.is_inexact_array)

    @jax.jit
    @jax.grad
    def gradient(arrays):
        rec = sn.simulate(eqx.combine(arrays, rest), {"input": given}, duration=round(STEPS * dt, 9), dt=dt)
        return (rec["cell", "output"] * jnp.arange(STEPS, dtype=jnp.float32)[:, None, None]).sum()

    found = gradient(arrays)
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(found))
    assert bool(jnp.abs(found["input_cell"].connection.weight).max() > 0)
    slopes = {path: float(jnp.abs(value).max()) for path, _, value in parameters(found.populations["cell"])
              if "surrogate" not in path and value is not None}
    assert max(slopes.values()) > 0
