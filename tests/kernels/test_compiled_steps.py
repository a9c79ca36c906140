"""Whole chunks in one C++ loop equal the same steps by XLA, for every neuron and every kind of wiring."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flat_networks import KEY, assert_agree, drawn, everything, family_network, given, run, sparse
from test_family import FAMILY

import snnsim as sn
from snnsim import neurons
from snnsim.core import flat_kernels
from snnsim.core.flat import flatten
from snnsim.kernels import native

pytestmark = pytest.mark.skipif(not native.available("propagate"), reason="no C++ compiler")


@pytest.fixture(autouse=True)
def _short_compilation(monkeypatch):
    """One step a turn of XLA's loop: the same steps, compiled sooner."""
    monkeypatch.setattr(flat_kernels, "UNROLL", 1)


def agree(network, *, rtol, dt=0.1, steps=200, batch=1, record=None, inputs=None, **options):
    """Both kernels on this network; what the compiled one gave."""
    record = everything(network) if record is None else record
    inputs = given(network, steps, batch) if inputs is None else inputs
    found = {kernel: run(kernel, network, inputs, record, dt=dt, steps=steps, batch=batch)
             for kernel in ("compiled", "stepwise")}
    assert_agree(network, found["compiled"], found["stepwise"], rtol=rtol, **options)
    return found["compiled"]


def cells(size=37, **options):
    """Cells with two signed ports that fire when driven by weights of a few nA."""
    return sn.Refractory(sn.LIFPscExp(size, tau_mem=10.0, **options), t_ref=0.5)


def recurrent(populations, weight=2.0, delay=None, degree=6, **more):
    """One input onto all of these, each onto all."""
    names = list(populations)
    projections = {f"in_{name}": sparse("input", name, 5, 3 * weight, delay=drawn(1.5), port="exc") for name in names}
    for pre in names:
        for post in names:
            recipe = sn.synapses.Normal(0.0, weight)
            projections[f"{pre}_{post}"] = sparse(pre, post, degree, recipe, port="by_sign",
                                                  delay=drawn(2.0) if delay is None else delay)
    return sn.Network({"input": sn.Input(20), **populations}, projections | more, key=KEY)


@pytest.mark.parametrize("labels", [("LIFPscExp", "AdEx", "LI", "LIF delayed", "Refractory Noisy"),
                                    pytest.param(tuple(FAMILY), marks=pytest.mark.slow)])
def test_every_neuron_in_double_precision(labels, x64):
    """200 steps of three samples, delays of up to 300 steps: spikes equal, all else to 1e-10."""
    network = family_network(labels, most_delay=30.0)
    assert flatten(network, 0.1).rows.delays.dtype == np.uint16
    agree(network, rtol=1e-10, batch=3, quiet=("AstrocyteLR",))


@pytest.mark.slow
def test_every_neuron_in_single_precision():
    """Spikes equal; variables to 1e-4 in the first 50 steps, before stiff neurons amplify the last bit."""
    network = family_network(FAMILY)
    assert flatten(network, 0.1).rows.delays.dtype == np.uint8
    agree(network, rtol=1e-4, steps=200, first=50, quiet=("AstrocyteLR",))


def test_graded_outputs():
    """Astrocytes and integrators, in time steps in which they move: counts, and whether outputs were others than 1."""
    populations = dict(input=sn.Input(12), slow=neurons.AstrocyteLR(9, sic_scale=1.0), fast=sn.LI(8, tau_mem=60.0),
                       field=neurons.AstrocyteLIM(9, b_astro=0.0), cell=sn.LIF(7, tau_mem=50.0))
    network = sn.Network(populations, [
        sparse("input", "slow", 3, 5000.0, delay=40.0), sparse("input", "fast", 3, 0.5, delay=80.0),
        sparse("input", "field", 3, 3000.0, delay=40.0), sparse("slow", "cell", 3, 0.5, delay=80.0),
        sparse("fast", "cell", 3, 1.0, delay=120.0), sparse("field", "cell", 3, 1e-4, delay=40.0),
        sparse("cell", "fast", 2, -1.0, delay=40.0)], key=KEY)
    inputs = given(network, 120, 2, rate=0.5)
    inputs["input"] = inputs["input"] * jnp.linspace(0.5, 1.5, 12)[None, None]
    _, _, counts, graded = agree(network, rtol=1e-4, dt=40.0, steps=120, batch=2, inputs=inputs)
    assert {name: bool(flag) for name, flag in graded.items()} == dict(
        input=True, slow=True, fast=True, field=True)
    assert 0 < counts["cell"].sum() < counts["slow"].sum()


def test_populations_of_one_kind_run_as_one_with_parameters_of_their_own():
    """33 and 7 x 10 units: shared numbers stay one number, others become one a unit."""
    rng = np.random.default_rng(0)
    populations = dict(one=cells(33, e_l=-68.0), two=cells((7, 10), c_m=rng.uniform(0.2, 0.3, (7, 10))))
    network = recurrent(populations)
    flat = flatten(network, 0.1)
    (group,) = flat.groups
    assert (group.shape, group.neuron.tau_mem.shape, group.neuron.c_m.shape, group.neuron.e_l.shape) == (
        (103,), (), (103,), (103,))
    _, traces, counts, _ = agree(network, rtol=1e-4, steps=150, batch=3)
    assert traces["two"]["v"].shape == (150, 3, 7, 10)
    assert counts["one"].shape == (3, 33)


def test_one_to_one_projections_without_delay():
    """Generators onto their cells: the same units, others (one population of a group of two), and two at once."""
    populations = dict(
        rain=neurons.PoissonGenerator(10, 2000.0), storm=neurons.PoissonGenerator(5, jnp.linspace(900.0, 2000.0, 5)),
        dc=neurons.DCGenerator(15, 0.9, start=2.0, stop=15.0), noise=neurons.NoiseGenerator(15, 0.1, 0.2, dt_noise=0.4),
        lower=cells(5), upper=cells(10), other=cells(15, spike_at=">="), relay=sn.LIF(10, tau_mem=1.0))
    network = sn.Network(populations, dict(
        rain_upper=sn.Projection("rain", "upper", sn.OneToOne(jnp.linspace(1.0, 2.0, 10)), port="exc"),
        storm_lower=sn.Projection("storm", "lower", sn.OneToOne(1.5), port="exc"),
        dc_other=sn.Projection("dc", "other", sn.OneToOne(1.0), port="current"),
        noise_other=sn.Projection("noise", "other", sn.OneToOne(jnp.float32(1.0)), port="current"),
        noise_again=sn.Projection("noise", "other", sn.OneToOne(jnp.full(15, 0.5, jnp.bfloat16)), port="current"),
        upper_relay=sn.Projection("upper", "relay", sn.OneToOne(2.0)),
        relay_lower=sparse("relay", "lower", 2, -1.0, delay=0.2, port="inh"),
        other_upper=sparse("other", "upper", 3, 2.0, delay=drawn(1.0), port="exc")), key=KEY)
    flat = flatten(network, 0.1)
    assert [twins.aligned for twins in flat.twins] == [False, True, True, True, False]
    assert flat.twins[0].index.tolist() == [10, 11, 12, 13, 14, *range(10)]
    _, _, counts, graded = agree(network, rtol=1e-4, batch=2)
    assert counts["rain"].sum() > 100
    assert graded["dc"]
    assert graded["noise"]


@pytest.mark.parametrize("sizes", [(1, 31, 32), (33, 64, 70)])
def test_spikes_of_any_number_of_units_fit_into_words(sizes):
    """Groups begin at any bit of a word."""
    kinds = (dict(), dict(spike_at=">="), dict(reset_mechanism="subtract"))
    populations = {name: cells(size, **kind) for name, size, kind in zip("abc", sizes, kinds, strict=True)}
    network = recurrent(populations, degree=1)
    assert [first for _, first in flatten(network, 0.1).senders] == [0, sizes[0], sizes[0] + sizes[1]]
    agree(network, rtol=1e-4, batch=2, steps=150)


def test_the_shortest_ring_and_inputs_without_delay():
    """All delays one step: arrivals of a step leave the only row of the ring before the next are sent."""
    network = sn.Network(dict(input=sn.Input(20), cell=cells()), dict(
        drive=sparse("input", "cell", 5, 6.0, delay=0.0, port="exc"),
        loop=sparse("cell", "cell", 6, sn.synapses.Normal(0.0, 2.0), delay=0.1, port="by_sign")), key=KEY)
    assert flatten(network, 0.1).depth == 1
    agree(network, rtol=1e-4)


def test_weights_in_bfloat16():
    """They take half the memory, in the table and on the way; sums are those of their exact values."""
    rng = np.random.default_rng(0)
    weight = jnp.asarray(rng.normal(0, 2, 6 * 37), jnp.bfloat16)
    def edges(size):
        return np.sort(rng.integers(0, size, 6 * 37)), rng.integers(0, 37, 6 * 37)
    network = sn.Network(dict(input=sn.Input(20), cell=cells()), dict(
        drive=sn.Projection("input", "cell", sn.Sparse.from_edges(*edges(20), 3 * weight), delay=0.0, port="by_sign"),
        loop=sn.Projection("cell", "cell", sn.Sparse.from_edges(*edges(37), weight), delay=0.7, port="by_sign")),
        key=KEY)
    assert flatten(network, 0.1).weight.dtype == jnp.bfloat16
    state, _, _, _ = agree(network, rtol=1e-4)
    assert state.pending["cell.exc"].dtype == jnp.float32


def test_populations_without_synapses():
    """Empty projections, a population that nobody hears, one that hears nobody, and one that puts out numbers only."""
    network = sn.Network(dict(input=sn.Input(4), cell=cells(9), deaf=cells(3), meter=sn.LI(2)), dict(
        none=sn.Projection("input", "deaf", sn.Sparse.from_edges([], []), delay=0.0, port="exc"),
        never=sn.Projection("deaf", "cell", sn.Sparse(sn.FixedProbability(0.0)), delay=1.0, port="exc"),
        drive=sparse("input", "cell", 3, 8.0, delay=0.3, port="exc"),
        look=sparse("cell", "meter", 4, 1.0, delay=1.0)), key=KEY)
    flat = flatten(network, 0.1)
    assert len(flat.senders) == len(flat.groups) - 1 == 1
    _, _, counts, _ = agree(network, rtol=1e-4, quiet=("deaf",), inputs=given(network, 200, 1, rate=0.2))
    assert counts["deaf"].sum() == 0


def test_nothing_but_empty_projections():
    network = sn.Network(dict(input=sn.Input(4), cell=cells(3)), dict(
        none=sn.Projection("input", "cell", sn.Sparse.from_edges([], []), delay=0.2, port="exc")), key=KEY)
    state, _, _, _ = agree(network, rtol=1e-4, steps=20, quiet=("cell",))
    assert not np.asarray(state.pending["cell.exc"]).any()


def traces(network, inputs, record, **options):
    rec = sn.simulate(network, inputs, duration=round(0.1 * len(inputs["input"]), 9), dt=0.1, record=record, **options)
    return rec, {(name, v): np.asarray(rec[name, v]) for name, variables in record.items() for v in variables}


def test_chunks_and_a_run_in_parts_are_the_whole_to_the_bit():
    """With noise and generators, which count steps, and delays across every border."""
    network = recurrent(dict(cell=cells(33), noisy=sn.Noisy(sn.LIFPscExp(10), sigma=0.3)))
    network = sn.Network(network.populations | {"rain": neurons.PoissonGenerator(33, 900.0)}, network.projections | {
        "rain_cell": sn.Projection("rain", "cell", sn.OneToOne(2.0), port="exc")}, key=KEY)
    inputs = given(network, 120, 2)
    record = {"cell": ["spikes", "v"], "noisy": ["spikes", "v", "v_before_reset"], "rain": ["output"]}
    whole, expected = traces(network, inputs, record)
    assert whole.path == "flat, compiled steps"
    assert all((array != 0).any() for array in expected.values())
    for chunk in (1, 7, 119):
        rec, found = traces(network, inputs, record, chunk=chunk)
        for key in expected:
            np.testing.assert_array_equal(found[key], expected[key], str((chunk, key)))
        assert jax.tree.all(jax.tree.map(lambda a, b: np.array_equal(a, b), rec.state, whole.state))
        assert jax.tree.all(jax.tree.map(lambda a, b: np.array_equal(a, b), rec.counts, whole.counts))
    first, _ = traces(network, {"input": inputs["input"][:50]}, record)
    rest, found = traces(network, {"input": inputs["input"][50:]}, record, state=first.state)
    for key in expected:
        np.testing.assert_array_equal(found[key], expected[key][50:], str(key))
    assert jax.tree.all(jax.tree.map(lambda a, b: np.array_equal(a, b), rest.state, whole.state))
