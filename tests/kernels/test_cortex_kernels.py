"""Models of the cortex on every kernel: the same spikes as long as rounding allows, the same distributions always.

In single precision, as people run them. The reference is the first kernel that serves CPUs; where there is a GPU,
the others run on it.
"""

import jax
import numpy as np
import pytest
from flat_networks import run
from test_nest_net100 import nest as nest  # the fixture
from test_nest_net100 import network as net100
from test_nest_net100 import run as run_net100
from test_net100_kernels import flat as flat100

import snnsim as sn
from snnsim.core import flat_kernels
from snnsim.kernels import native
from snnsim.models.cortex import coba, coba_start, cuba, cuba_start, microcircuit, microcircuit_start

REFERENCE = "compiled" if native.available("propagate") else "stepwise"
MODELS = {"cuba": (cuba, 4000, cuba_start), "coba": (coba, 4000, coba_start),
          "microcircuit": (microcircuit, 0.02, microcircuit_start)}


@pytest.fixture(autouse=True)
def _short_compilation(monkeypatch):
    """One step a turn of XLA's loop: the same steps, compiled sooner."""
    monkeypatch.setattr(flat_kernels, "UNROLL", 1)


def on_cpu():
    """Within it, arrays are made and programs run on the CPU, also where JAX would take a GPU."""
    try:
        return jax.default_device(jax.local_devices(backend="cpu")[0])
    except RuntimeError:
        pytest.skip("JAX sees no CPU beside the GPU: leave JAX_PLATFORMS unset")


def made(name, start=1):
    build, size, begin = MODELS[name]
    with on_cpu():
        network = build(size, key=jax.random.key(0))
        return network, begin(network, key=jax.random.key(start))


def spikes(kernel, network, state, duration, start=0.0):
    """Events of each population of cells from `start` on (ms), counted from there."""
    cells = tuple((name, ("spikes",)) for name, neuron in network.populations.items() if neuron.ports)
    _, traces, _, _ = run(kernel, network, {}, cells, steps=round(duration / 0.1), state=state)
    return {name: sn.Events.from_dense(traces[name]["spikes"], dt=0.1).crop(start, duration) for name, _ in cells}


def assert_same(found, wanted):
    assert sum(events.n_events for events in wanted.values()) > 100
    for name, events in wanted.items():
        np.testing.assert_array_equal(found[name].ticks, events.ticks, name)
        np.testing.assert_array_equal(found[name].indices, events.indices, name)


@pytest.mark.parametrize(("name", "duration"), [("cuba", 100.0), ("microcircuit", 50.0)])
@pytest.mark.parametrize("kernel", ["persistent", "stepwise"])
def test_the_same_spikes_at_first(kernel, name, duration, interpreted_or_gpu):
    """4,000 neurons without input, 1,544 with Poisson input and drawn delays: every spike at the same step."""
    if kernel == REFERENCE and jax.default_backend() == "cpu":
        pytest.skip("no C++ compiler: there is nothing to compare with")
    network, state = made(name)
    with on_cpu():
        expected = spikes(REFERENCE, network, state, duration)
    assert_same(spikes(kernel, network, state, duration), expected)


@pytest.mark.gpu
@pytest.mark.parametrize("name", MODELS)
def test_a_gpu_gives_the_same_bits_in_each_run(name):
    """Also in other chunks: nothing depends on the order in which programs add."""
    network, state = made(name)
    record = {population: ["spikes"] for population, neuron in network.populations.items() if neuron.ports}
    one, two, parts = (sn.simulate(network, duration=100.0, dt=0.1, state=state, record=record, chunk=chunk)
                       for chunk in (1000, 1000, 130))
    assert one.path == f"flat, {flat_kernels.PERSISTENT.name}"
    for other in (two, parts):
        assert_same(*({population: rec.events(population) for population in record} for rec in (other, one)))
        assert jax.tree.all(jax.tree.map(lambda a, b: np.array_equal(a, b), one.state, other.state))


@pytest.mark.gpu
@pytest.mark.parametrize("make", [net100, flat100], ids=["layers", "flat"])
def test_every_spike_of_nest_on_a_gpu(make, nest, x64):
    """In double precision, which the kernel of many steps leaves to XLA's."""
    found, v, rec = run_net100(make(nest), nest, 500.0)
    np.testing.assert_array_equal(found, nest.spikes)
    assert np.abs(v[:len(nest.v)] - nest.v).max() < 1e-9
    assert rec.path == {net100: "layers", flat100: f"flat, {flat_kernels.STEPWISE.name}"}[make]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["coba", "microcircuit"])
@pytest.mark.parametrize("kernel", ["stepwise", pytest.param("persistent", marks=pytest.mark.gpu)])
def test_the_same_distributions_on_every_kernel(kernel, name):
    """Rates, CVs and correlations of 0.7 s after 0.3 s, by which rounding may have moved spikes.

    Each kernel begins four times at potentials of its own, so that spikes are never the same. Of the 35 ways to part
    the eight runs of one network into halves the one by kernel is not the farthest in any quantity.
    """
    bench = pytest.importorskip("against_nest", reason="the benchmarks are not beside the tests")
    if kernel == REFERENCE:
        pytest.skip("no C++ compiler: there is nothing to compare with")
    with on_cpu():
        ours = [bench.measures(spikes(REFERENCE, *made(name, start), 1000.0, 300.0), 700.0) for start in range(4)]
    others = [bench.measures(spikes(kernel, *made(name, start), 1000.0, 300.0), 700.0) for start in range(4, 8)]
    found = bench.comparison(ours, others)
    for kind, most in (("rate", 0.03), ("cv", 0.1), ("correlation", 0.06)):
        assert found[kind]["distance"] < most, found
        assert found[kind]["p"] > 1.5 / 35, found
