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
    "AdEx": (lambda shape, **p: sn.AdEx(shape, **p), 12.0),
    "ALIF": (lambda shape, **p: sn.ALIF(shape, **p), 0.6),
    "CubaLIF": (lambda shape, **p: sn.CubaLIF(shape, tau_mem=p.pop("tau_mem", 5.0), **p), 0.6),
    "IF": (lambda shape, **p: sn.IF(shape, **p), 0.4),
    "Izhikevich": (lambda shape, **p: sn.Izhikevich(shape, **p), 15.0),
    "LI": (lambda shape, **p: sn.LI(shape, **p), 0.5),
    "LIF": (lambda shape, **p: sn.LIF(shape, **p), 0.6),
    "LIF delayed": (lambda shape, **p: sn.LIF(shape, reset_timing="delayed", **p), 0.6),
    "LIF residual": (lambda shape, **p: sn.LIF(shape, reset_timing="residual", **p), 0.6),
    "LIFPscExp": (lambda shape, **p: sn.LIFPscExp(shape, **p), 2.0),
    "Noisy": (lambda shape, **p: sn.Noisy(sn.LIF(shape, **p), sigma=0.05), 0.6),
    "Refractory": (lambda shape, **p: sn.Refractory(sn.LIF(shape, **p), t_ref=2.0), 0.6),
    "Refractory Noisy": (lambda shape, **p: sn.Refractory(sn.Noisy(sn.CubaLIF(shape, **p), sigma=0.05), mode="block"), 2.0),
}
DT = {"AdEx": 0.1, "Izhikevich": 0.5}
STEPS = 30

everyone = pytest.mark.parametrize("name", FAMILY)


def arrivals(name, shape, batch, steps=STEPS, seed=0):
    rng = np.random.default_rng(seed)
    return FAMILY[name][1] * (rng.random((steps, batch, *shape)) < 0.3)


def network(neuron):
    return sn.Network(dict(input=sn.Input(neuron.shape), cell=neuron),
                      [sn.Projection("input", "cell", sn.OneToOne(1.0))], key=jax.random.key(0))


def run(name, neuron, given, **options):
    dt = DT.get(name, 1.0)
    rec = sn.simulate(network(neuron), {"input": given}, duration=round(len(given) * dt, 9), dt=dt, **options)
    return rec["cell", "output"]


def rand_of(shape):
    return Rand.at(jnp.uint32(0), "cell", jnp.int32(0)).of_units(shape)


def test_all_neurons_are_listed():
    kinds = {name for name, kind in inspect.getmembers(neurons, inspect.isclass) if issubclass(kind, AbstractNeuron)}
    assert kinds == {word for name in FAMILY for word in name.split()} - {"delayed", "residual"}


@everyone
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 2)])
def test_shapes_of_state_and_output(name, shape):
    neuron = FAMILY[name][0](shape)
    state = neuron.initial_state()
    assert {leaf.shape for leaf in jax.tree.leaves(state)} == {shape}
    after, output = eqx.filter_jit(neuron.step)(state, {}, DT.get(name, 1.0), Rand.at(jnp.uint32(0), "a", jnp.int32(0)))
    assert output.shape == shape
    assert output.dtype == jnp.float32
    assert jax.tree.structure(after) == jax.tree.structure(state)
    for old, new in zip(jax.tree.leaves(state), jax.tree.leaves(after), strict=True):
        assert (old.shape, old.dtype) == (new.shape, new.dtype)
    assert neuron.size == np.prod(shape, dtype=int)
    assert set(neuron.ports.values()) <= {"jump", "drive"}


@everyone
def test_silent_at_rest_and_finite(name):
    neuron = FAMILY[name][0](3)
    net = network(neuron)
    dt = DT.get(name, 1.0)
    rec = sn.simulate(net, {"input": np.zeros((200, 1, 3))}, duration=round(200 * dt, 9), dt=dt)
    output = np.asarray(rec["cell", "output"])
    assert np.isfinite(output).all()
    assert neuron.spiking is (name != "LI")
    assert not output.any()


@everyone
def test_fires_when_driven(name):
    output = np.asarray(run(name, FAMILY[name][0](4), arrivals(name, (4,), 2)))
    if name == "LI":
        assert np.abs(output).max() > 0.5
    else:
        assert set(np.unique(output)) == {0.0, 1.0}
        assert 0.01 < output.mean() < 0.9


@everyone
def test_one_parameter_for_all_or_one_for_each(name, x64):
    """Parameters given one a unit with the same value, and different ones against single cells."""
    given, make = arrivals(name, (3,), 2), FAMILY[name][0]
    neuron = make(3)
    per_unit = jax.tree.map(lambda leaf: jnp.full((3,), leaf), neuron)
    np.testing.assert_allclose(run(name, neuron, given), run(name, per_unit, given), rtol=1e-12, atol=1e-12)
    if "Noisy" in name:
        return
    field = "tau_mem" if "tau_mem" in [path.split(".")[-1] for path, _, _ in parameters(neuron)] else \
        next(path for path, _, _ in parameters(neuron) if "surrogate" not in path)
    value = next(float(v) for path, _, v in parameters(neuron) if path.split(".")[-1] == field)
    different = np.array([0.6, 1.0, 1.3]) * value
    together = run(name, make(3, **{field: different}), given)
    for unit in range(3):
        alone = run(name, make(1, **{field: different[unit]}), given[..., unit:unit + 1])
        np.testing.assert_allclose(together[..., unit:unit + 1], alone, rtol=1e-12, atol=1e-12)


@everyone
def test_a_batch_is_its_samples(name, x64):
    neuron, given = FAMILY[name][0](3), arrivals(name, (3,), 3)
    together = run(name, neuron, given)
    chosen = 0 if "Noisy" in name else 1  # noise is counted by sample: the first of a batch is the first alone
    np.testing.assert_allclose(together[:, chosen:chosen + 1], run(name, neuron, given[:, chosen:chosen + 1]),
                               rtol=1e-12, atol=1e-12)
    assert np.abs(np.asarray(together[:, 0]) - np.asarray(together[:, 1])).max() > 0


@everyone
def test_both_precisions_agree(name):
    """Over a few steps: later, rounding may move a spike."""
    given, found = arrivals(name, (3,), 2, steps=6), {}
    for wide in (False, True):
        with jax.enable_x64(wide):
            found[wide] = np.asarray(run(name, FAMILY[name][0](3), given))
    assert found[False].dtype == np.float32
    assert found[True].dtype == np.float64
    np.testing.assert_allclose(found[False], found[True], rtol=1e-5, atol=1e-4)


@everyone
def test_step_maps_and_equals_the_engine(name, x64):
    neuron, given = FAMILY[name][0]((2, 2)), arrivals(name, (2, 2), 1)
    if "Noisy" in name:
        neuron = eqx.tree_at(lambda n: n.neuron.sigma if name != "Noisy" else n.sigma, neuron, jnp.zeros(()))
    port, dt = next(iter(neuron.ports)), DT.get(name, 1.0)

    @jax.jit
    @jax.vmap
    def both(part):
        def body(state, now):
            return neuron.step(state, {port: now}, dt, rand_of((2, 2)))
        return jax.lax.scan(body, neuron.initial_state(), part)[1]
    np.testing.assert_allclose(both(jnp.asarray(given).swapaxes(0, 1)).swapaxes(0, 1), run(name, neuron, given),
                               rtol=1e-12, atol=1e-12)


@everyone
def test_gradients_are_finite_and_not_all_zero(name):
    neuron, given = FAMILY[name][0](3), arrivals(name, (3,), 2)
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
