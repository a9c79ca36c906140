"""The two ways to run a chunk of time, flat and layer by layer: the same numbers, each where it can."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim import neurons
from snnsim.core import chunks
from snnsim.core.chunks import FlatLayout, Layers
from snnsim.core.flat import flatten, obstacle
from snnsim.core.neuron import AbstractPointNeuron
from snnsim.core.state import initial_state
from snnsim.neurons.li import LIState

KEY = jax.random.key(0)
DT = 0.5
NAMES = ("in", "a", "b", "c", "d")


def populations(sizes):
    """One input, two populations that merge, one alone, and one of integrators."""
    n, shape = sizes[1], (1, sizes[2])
    return {"in": sn.Input(sizes[0]), "a": sn.Refractory(sn.LIFPscExp(n, tau_mem=10.0), t_ref=1.0),
            "b": sn.Refractory(sn.LIFPscExp(shape, tau_mem=8.0), t_ref=1.0),
            "c": sn.Noisy(sn.LIF(sizes[3], tau_mem=12.0), sigma=0.05), "d": sn.LI(sizes[4])}


def random_network(seed):
    """Excitation and inhibition within and between five populations, generators, all kinds of delays and ports."""
    rng = np.random.default_rng(seed)
    cells = populations([8, 9, 12, 7, 6]) | {"rain": neurons.PoissonGenerator(9, 600.0)}
    projections = {}
    for k, (pre, post) in enumerate(itertools.product(NAMES, NAMES[1:])):
        if pre == "d" or (pre, post) == ("in", "d") or rng.random() < 0.2:
            continue
        n, size = int(rng.integers(1, 60)), cells[pre].size
        sources = np.sort(rng.integers(0, size, n))
        strength = (8.0 if pre == "in" else 1.5) if post in "ab" else 0.4 if pre == "in" else 0.2
        steps = rng.integers(pre != "in", 12, [(), cells[pre].shape, (n,)][k % 3])
        port = "by_sign" if post in "ab" and k % 2 else "exc" if post in "ab" else None
        weight = rng.normal(strength if pre == "in" else 0.0, strength, n)
        projections[f"{pre}_{post}"] = sn.Projection(
            pre, post, sn.Sparse.from_edges(sources, rng.integers(0, cells[post].size, n), weight), port=port,
            delay=sn.Delay(steps * DT))
    projections["rain_a"] = sn.Projection("rain", "a", sn.OneToOne(rng.uniform(1, 3, 9)), port="exc")
    if seed % 2:  # then a and b are no longer one group
        cells["e"] = sn.Refractory(sn.LIFPscExp(9, tau_mem=9.0), t_ref=0.5)
        projections["a_e"] = sn.Projection("a", "e", sn.OneToOne(12.0), port="exc")
        projections["e_b"] = sn.Projection("e", "b", sn.Sparse(sn.FixedInDegree(3), weight=-1.0), delay=2.0, port="inh")
    return sn.Network(cells, projections, key=KEY)


def assert_same_run(network, found, expected):
    """(state, counts, graded, traces, ...) of two engines."""
    for name, variables in expected.traces.items():
        for variable, b in variables.items():
            a = found.traces[name][variable]
            a, b = np.asarray(a.dense() if hasattr(a, "dense") else a), np.asarray(b)
            if network.populations[name].spiking and variable == "output":
                np.testing.assert_array_equal(a, b, f"{name}: {variable}")
            else:
                np.testing.assert_allclose(a, b, rtol=0, atol=1e-9, err_msg=f"{name}: {variable}")
    for name, b in expected.counts.items():
        np.testing.assert_array_equal(found.counts[name], b, name)
        assert bool(found.graded[name]) == bool(expected.graded[name]), name
        assert bool(found.healthy[name]) == bool(expected.healthy.get(name, True))
    assert jax.tree.structure(found.state) == jax.tree.structure(expected.state)
    for a, b in zip(jax.tree.leaves(found.state), jax.tree.leaves(expected.state), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 6))])
def test_flat_and_layers_are_one_simulation(seed, x64):
    """Spikes equal, all else to 1e-9; what one engine began the other ends: arrivals under way are the same."""
    network, batch, half = random_network(seed), 2, 30
    rng = np.random.default_rng(seed)
    values = (rng.random((2 * half, batch, 8)) < 0.2) * rng.choice([1.0, 0.5], (2 * half, batch, 8))
    parts = [{"in": jnp.asarray(values[:half])}, {"in": jnp.asarray(values[half:])}]
    record = tuple((name, ("output", n.membrane) if name != "in" else ("output",))
                   for name, n in network.populations.items())
    assert obstacle(network, DT) is None
    flat, layers = FlatLayout(network, DT), Layers(network, True)
    found = {}
    for engines in itertools.product((layers, flat), repeat=2):
        state, found_chunks = initial_state(network, batch, DT), []
        for engine, inputs in zip(engines, parts, strict=True):
            found_chunks.append(engine.run(state, inputs, dt=DT, steps=half, seed=jnp.uint32(7), record=record))
            state = found_chunks[-1].state
        found[engines] = found_chunks
        for chunk, expected in zip(found_chunks, found[layers, layers], strict=True):
            assert_same_run(network, chunk, expected)
    spikes = {name: sum(int(chunk.counts[name].sum()) for chunk in found[layers, layers]) for name in "abc"}
    assert sorted(spikes.values())[1] >= 20, spikes
    assert max(spikes.values()) < 2 * half * batch * 7
    assert any(np.asarray(array).any() for array in found[layers, layers][0].state.pending.values())


def test_transformations_of_jax_run_layer_by_layer(x64):
    """Seeds mapped over, a whole run compiled, the gradient of a state: what the flat kernels cannot do."""
    network = sn.Network(dict(input=sn.Input(5), cell=sn.Noisy(sn.LI(4, tau_mem=10.0), sigma=0.1)), [
        sn.Projection("input", "cell", sn.Sparse(sn.FixedInDegree(2)))], key=KEY)

    def run(seed, steps=6, state=None):
        inputs = {"input": np.ones((steps, 1, 5))}
        return sn.simulate(network, inputs, duration=float(steps), seed=seed, state=state)
    alone = [run(seed) for seed in (5, 6)]
    assert alone[0].path.startswith("flat")
    expected = [np.asarray(rec["cell", "output"]) for rec in alone]
    assert np.abs(expected[0] - expected[1]).max() > 0.01
    mapped = jax.vmap(lambda seed: run(seed)["cell", "output"])(jnp.asarray([5, 6], jnp.uint32))
    np.testing.assert_allclose(mapped, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(jax.jit(lambda: run(5)["cell", "output"])(), expected[0], rtol=0, atol=1e-12)

    def last(v):
        state = eqx.tree_at(lambda s: s.populations["cell"].v, alone[0].state, v)
        return run(5, steps=2, state=state)["cell", "output"][-1].sum()
    slope = jax.grad(last)(alone[0].state.populations["cell"].v)
    np.testing.assert_allclose(slope, np.full((1, 4), np.exp(-0.2)), rtol=1e-12)


class Plain(AbstractPointNeuron):
    """A leaky unit with a plain number as a field, as equinox allows."""

    shape: tuple[int, ...]
    tau: float = 10.0
    exact_flow = True
    ports = {"in": "jump"}

    def init(self):
        return LIState(jnp.zeros(()))

    def flow(self, state, dt, drive):
        return LIState(state.v * np.exp(-dt / self.tau) if isinstance(self.tau, float)
                       else state.v * jnp.exp(-dt / self.tau))

    def receive(self, state, arrivals):
        return LIState(state.v + arrivals["in"])

    def fire(self, state):
        return state, state.v


@pytest.mark.parametrize("tau", [10.0, 5.0])
def test_neurons_with_plain_numbers_as_fields(tau):
    """Equal ones stay what they are, different ones become one a unit."""
    network = sn.Network(dict(input=sn.Input(3), a=Plain((2,)), b=Plain((4,), tau)), [
        sn.Projection("input", name, sn.Sparse(sn.FixedInDegree(2))) for name in "ab"], key=KEY)
    (group,) = flatten(network, 1.0).groups
    assert group.tau == 10.0 if tau == 10.0 else group.tau.tolist() == [10.0] * 2 + [5.0] * 4
    inputs = {"input": (np.random.default_rng(0).random((12, 1, 3)) < 0.5).astype(float)}
    record = {name: ["output"] for name in "ab"}
    found = sn.simulate(network, inputs, duration=12.0, record=record)
    assert found.path.startswith("flat")
    expected = Layers(network, True).run(
        initial_state(network, 1, 1.0), {"input": jnp.asarray(inputs["input"], jnp.float32)}, dt=1.0, steps=12,
        seed=jnp.uint32(0), record=(("a", ("output",)), ("b", ("output",))))
    for name in "ab":
        np.testing.assert_allclose(found[name, "output"], expected.traces[name]["output"], rtol=1e-5)


def test_the_length_of_a_chunk_counts_all_that_is_held(monkeypatch):
    """Spikes as bits, recorded variables and inputs as numbers, by sample."""
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 100_000)
    network = sn.Network(dict(input=sn.Input(100), a=sn.LIF(80)), [
        sn.Projection("input", "a", sn.Sparse(sn.FixedInDegree(2)))], key=KEY)
    flat = FlatLayout(network, 1.0)
    spikes, traced = (("a", ("spikes",)),), (("a", ("spikes", "v", "v_before_reset")),)
    assert flat.length(10**9, 1, spikes) == 100_000 // (400 + 10)
    assert flat.length(10**9, 3, traced) == 100_000 // (3 * (400 + 10 + 640))
    assert flat.length(50, 1, spikes) == 50
    assert flat.length(10**9, 10**6, spikes) == 1
    assert Layers(network, True).length(50, 1, traced) == 50
