"""Networks on resistive memory: without faults the float network, noise by its formulas, gradients, training, files."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.engine import run_chunk
from snnsim.core.errors import ConfigurationError, UnsupportedError
from snnsim.core.state import initial_state
from snnsim.hardware import rram

FAULTY = rram.Device(1.0, 25.0, rram.PolynomialError([1.0]), rram.PowerLawDrift(), rram.PhaseChangeFlicker(),
                     rram.StuckCells(0.01, 0.01))


@pytest.fixture(scope="module")
def conv():
    """Convolution with normalisation, dense with bias, readout; and 20 steps of 3 samples."""
    net = sn.Network(
        dict(a=sn.Input((2, 9, 9)), c=sn.LIF((4, 5, 5)), h=sn.LIF(20), b=sn.LI(3)),
        [sn.Projection("a", "c", sn.Conv2d(3, stride=2, padding=1, bias=True), transforms=[sn.BatchNorm()]),
         sn.Projection("c", "h", sn.Dense(0.2 * jax.random.normal(jax.random.key(1), (100, 20)), bias=True)),
         sn.Projection("h", "b", sn.Dense())],
        key=jax.random.key(0), trainable={"c_h.weight": False, "*.tau_mem": True})
    inputs = (np.random.default_rng(0).random((20, 3, 2, 9, 9)) < 0.3).astype(np.float32)
    return net, {"a": inputs}


def run(net, inputs, **options):
    name, = net.sinks
    return np.asarray(sn.simulate(net, inputs, duration=float(len(inputs["a"])), **options)[name, "output"])


def reader(weight, device=FAULTY, steps=1, batch=1, **settings):
    """A network of one matrix whose arrivals are read out as they are, and its input."""
    net = sn.Network(dict(a=sn.Input(len(weight)), b=sn.LI(weight.shape[1], tau_mem=1e-3)),
                     [sn.Projection("a", "b", rram.Crossbar(sn.Dense(weight), device, **settings))],
                     key=jax.random.key(0))
    return net


# -- the limit without faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [
    dict(device=rram.Device()),
    dict(device=rram.gaussian(0.0, 0.0, g_min=2.0), scaling="column"),
    dict(device=rram.Device(1.0, 25.0, rram.PolynomialError([1.0], scale=0.0), rram.PowerLawDrift(scale=0.0),
                            rram.PhaseChangeFlicker(scale=0.0), rram.StuckCells()), age=1e6, compensate=True,
         wires=rram.Wires()),
])
def test_without_faults_it_is_the_float_network_to_the_bit(conv, settings):
    net, inputs = conv
    np.testing.assert_array_equal(run(rram.on_crossbars(net, **settings), inputs), run(net, inputs))


def test_without_faults_training_is_the_same_to_the_bit(conv):
    net, inputs = conv
    data = sn.LabelledEvents(sn.Events.from_dense(inputs["a"], dt=1.0), np.array([0, 1, 2]), ("x", "y", "z"))
    plain, _ = sn.fit(net, data, epochs=1, batch_size=3, validation=0)
    bars, _ = sn.fit(rram.on_crossbars(net, rram.gaussian(0.0)), data, epochs=1, batch_size=3, validation=0)
    np.testing.assert_array_equal(bars["a_c"].connection.stored.weight, plain["a_c"].connection.weight)
    assert not np.array_equal(plain["a_c"].connection.weight, net["a_c"].connection.weight)
    np.testing.assert_array_equal(bars["c_h"].connection.stored.weight, net["c_h"].connection.weight)  # not trained


@pytest.mark.parametrize("pair", ["arrays", "columns"])
@pytest.mark.parametrize("bits", [(16, 2), (16, None), (None, None)])
def test_fine_converters_come_close(conv, pair, bits):
    """24-bit converters array by array add up to the float network."""
    net, inputs = conv
    bars = rram.on_crossbars(net, rram.Device(1.0, 25.0), tiling=rram.Tiling(32, 64, *bits, pair),
                             converters=rram.Converters(24), scaling="column")
    np.testing.assert_allclose(run(bars, inputs), run(net, inputs), atol=2e-4)


# -- noise -----------------------------------------------------------------------------------------------------


def test_read_noise_has_the_variance_of_all_cells_of_a_column():
    """Var y = gain^2 sum_i x_i^2 (sd_plus^2 + sd_minus^2), drawn anew in each step, sample and column."""
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(30, 4)).astype(np.float32)
    device = rram.Device(1.0, 25.0, reading=rram.WhiteReadNoise(0.02, 0.05))
    x = rng.uniform(-1, 1, 30).astype(np.float32)
    net = reader(weight, device)
    arrived = run(net, {"a": np.tile(x, (4000, 2, 1))}).astype(np.float64)
    g = 1 + 24 * np.stack([np.maximum(weight, 0), np.maximum(-weight, 0)]) / np.abs(weight).max()
    variance = (np.abs(weight).max() / 24) ** 2 * np.einsum("i,sij->j", x**2, (0.02 * 25 + 0.05 * g) ** 2)
    np.testing.assert_allclose(arrived.mean((0, 1)), x @ weight, atol=5 * np.sqrt(variance.max() / 8000))
    np.testing.assert_allclose(arrived.var((0, 1)), variance, rtol=5 * np.sqrt(2 / 8000))
    noise = (arrived - arrived.mean((0, 1))) / np.sqrt(variance)
    limit = 5 / np.sqrt(4000)
    assert abs((noise[1:] * noise[:-1]).mean()) < limit  # steps
    assert abs((noise[:, 0] * noise[:, 1]).mean()) < limit  # samples
    assert abs((noise[..., 0] * noise[..., 1]).mean()) < limit  # columns
    assert abs((noise**4).mean() - 3) < 0.15


def test_no_spike_no_noise():
    out = run(reader(np.ones((3, 2), np.float32)), {"a": np.zeros((5, 1, 3), np.float32)})
    np.testing.assert_array_equal(out, 0.0)


def test_a_chip_is_written_once():
    """Errors of writing are the same in every step and sample of a run; the seed of the run is the chip."""
    weight = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    x = {"a": np.ones((4, 2, 6), np.float32)}
    device = rram.gaussian(0.1)
    free, fixed = reader(weight, device), reader(weight, device, chip=7)
    a, b, c = (run(free, x, seed=s) for s in (7, 7, 8))
    np.testing.assert_array_equal(a, b)
    assert (a[0, 0] == a[3, 1]).all()
    assert not np.allclose(a, c)
    np.testing.assert_array_equal(run(fixed, x, seed=1), a)
    np.testing.assert_array_equal(run(fixed, x, seed=2), a)


def test_writing_errors_reach_the_arrivals_with_their_variance():
    """Over chips, Var y = gain^2 sum_i x_i^2 2 sd^2 where no cell reaches 0."""
    weight = np.full((8, 500), 1.0, np.float32)
    weight[:, ::2] = 0.5
    device = rram.Device(5.0, 25.0, rram.PolynomialError([0.8]))
    out = run(reader(weight, device), {"a": np.ones((1, 1, 8), np.float32)})[0, 0]
    sd = 0.8 * np.sqrt(2 * 8) / 20
    assert out[::2].std() == pytest.approx(sd, rel=0.2)
    assert out[1::2].mean() == pytest.approx(8.0, abs=5 * sd / np.sqrt(250))


def test_chunks_and_cycles_draw_the_same():
    """Noise depends on step, sample and unit only: layer by layer in chunks, or step by step in a cycle."""
    weight = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    x = {"a": (np.random.default_rng(1).random((12, 2, 5)) < 0.5).astype(np.float32)}
    net = reader(weight)
    whole = run(net, x, seed=3)
    np.testing.assert_allclose(run(net, x, seed=3, chunk=5), whole, atol=1e-6)
    cyclic = sn.Network(net.populations, {"a_b": net["a_b"], "b_b": sn.Projection("b", "b", sn.Dense(0.0))},
                        key=jax.random.key(0))
    found = sn.simulate(cyclic, x, duration=12.0, seed=3, record={"b": ["v"]})["b", "v"]
    np.testing.assert_allclose(found, whole, atol=1e-6)


def test_drift_is_compensated_on_the_mean():
    weight = np.abs(np.random.default_rng(0).normal(size=(40, 30))).astype(np.float32)
    device = rram.Device(0.0, 25.0, ageing=rram.PowerLawDrift())
    x = {"a": np.ones((1, 1, 40), np.float32)}
    fresh, aged, compensated = (run(reader(weight, device, **s), x).sum() for s in (
        {}, dict(age=1e9), dict(age=1e9, compensate=True)))
    assert aged < 0.7 * fresh
    assert compensated == pytest.approx(fresh, rel=1e-4)


# -- converters ------------------------------------------------------------------------------------------------


def test_converters_round_and_saturate():
    converters = rram.Converters(adc_bits=3, dac_bits=1)
    np.testing.assert_array_equal(converters.input(jnp.array([0.0, 0.4, 0.6, 1.0, 3.0, -2.0])), [0, 0, 1, 1, 1, -1])
    np.testing.assert_allclose(converters.output(jnp.array([0.0, 0.6, 3.4, 9.0, -1.0]), False, 7), [0, 1, 3, 7, 0],
                               atol=1e-6)
    np.testing.assert_allclose(converters.output(jnp.array([0.4, 2.0, -9.0]), True, 3), [0, 2, -3], atol=1e-6)
    slope = jax.vmap(jax.grad(lambda x: converters.output(x, False, 7)))(jnp.array([0.0, 0.6, 7.0, 9.0, -1.0]))
    np.testing.assert_allclose(slope, [1, 1, 1, 0, 0], atol=1e-6)


def test_converted_currents_by_hand():
    """Two arrays of two rows, one column: 2-bit counts of 0 to 2 cells (steps of 2/3), subtracted, added up."""
    weight = np.array([[1.0], [0.4], [-1.0]], np.float32)
    net = reader(weight, rram.Device(0.0, 25.0), tiling=rram.Tiling(2, 2), converters=rram.Converters(2))
    out = run(net, {"a": np.ones((1, 1, 3), np.float32)})[0, 0, 0]
    assert out == pytest.approx(2 / 3 * (round(1.4 * 1.5) - round(1.0 * 1.5)), rel=1e-6)


# -- gradients -------------------------------------------------------------------------------------------------


def objective(net, inputs, seed=5):
    trainable, rest = sn.partition(net)

    def loss(trainable):
        network = eqx.combine(trainable, rest)
        state = initial_state(network, inputs.shape[1], 1.0)
        _, outputs, _ = run_chunk(network, state, {"a": inputs}, dt=1.0, steps=len(inputs), seed=jnp.uint32(seed),
                                  inference=False, record=())
        return (outputs["b"] ** 2).mean()
    return trainable, loss


@pytest.mark.parametrize("settings", [
    dict(age=1e5, wires=rram.Wires(1e-5, 1e-5)),
    dict(age=1e5, scaling="column", compensate=False, tiling=rram.Tiling(4, 4, pair="columns")),
])
def test_gradient_is_that_of_finite_differences(x64, settings):
    """Through writing errors, faults, drift, wires and read noise, at every weight."""
    rng = np.random.default_rng(0)
    to64 = {name: jax.tree.map(lambda leaf: leaf.astype(jnp.float64), value) if isinstance(value, eqx.Module) else value
            for name, value in settings.items()}
    device = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), FAULTY)
    net = sn.Network(dict(a=sn.Input(6), b=sn.LI(3, tau_mem=5.0)),
                     [sn.Projection("a", "b", rram.Crossbar(sn.Dense(rng.normal(size=(6, 3))), device, **to64))],
                     key=jax.random.key(0))
    inputs = jnp.asarray((rng.random((4, 2, 6)) < 0.6).astype(np.float64))
    trainable, loss = objective(net, inputs)
    (weight,), rebuild = jax.tree.flatten(trainable)
    gradient = jax.tree.leaves(jax.grad(loss)(trainable))[0]
    value, h = jax.jit(lambda w: loss(jax.tree.unflatten(rebuild, [w]))), 1e-6
    for i, j in np.ndindex(weight.shape):
        step = jnp.zeros_like(weight).at[i, j].set(h)
        slope = (value(weight + step) - value(weight - step)) / (2 * h)
        assert float(gradient[i, j]) == pytest.approx(float(slope), rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("tiling", [rram.Tiling(8, 8, 4), rram.Tiling(8, 16, 6, 2),
                                    rram.Tiling(8, 16, 6, 2, "columns")])
@pytest.mark.parametrize("converters", [rram.Converters(), rram.Converters(6)])
def test_rounding_passes_gradients_straight_through(tiling, converters):
    """The slope of the sum of all arrivals by a weight is the sum of its inputs, as without rounding."""
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(12, 3)).astype(np.float32)
    inputs = jnp.asarray((rng.random((5, 2, 12)) < 0.5).astype(np.float32))
    bar = rram.Crossbar(sn.Dense(weight), rram.Device(), tiling, converters).build((12,), (3,), jax.random.key(0))
    rand = sn.core.keys.Rand.at(jnp.uint32(0), "x", jnp.uint32(0))

    def total(weight):
        return eqx.tree_at(lambda b: b.stored.weight, bar, weight).transmit(inputs, rand).sum()
    slopes = np.asarray(jax.grad(total)(jnp.asarray(weight)))
    free = np.abs(weight) < np.abs(weight).max()  # the largest weight also sets the scale
    expected = np.broadcast_to(np.asarray(inputs).sum((0, 1))[:, None], (12, 3))
    np.testing.assert_allclose(slopes[free], expected[free], rtol=1e-4)


def test_each_update_sees_another_chip():
    net = reader(np.ones((3, 2), np.float32), rram.gaussian(0.2))
    trainable, one = objective(net, jnp.ones((2, 1, 3)), seed=1)
    _, two = objective(net, jnp.ones((2, 1, 3)), seed=2)
    assert float(one(trainable)) != float(two(trainable))


# -- networks and back -----------------------------------------------------------------------------------------


def test_programmed_weights_are_what_the_arrays_hold(conv):
    net, inputs = conv
    quiet = eqx.tree_at(lambda d: d.reading, FAULTY, None)
    bars = rram.on_crossbars(net, quiet, age=1e5, tiling=rram.Tiling(32, 64, 6, 2), wires=rram.Wires(1e-7, 1e-7))
    plain = rram.programmed(bars, chip=3)
    assert type(plain["c_h"].connection) is sn.Dense
    np.testing.assert_allclose(run(plain, inputs), run(bars, inputs, seed=3), atol=1e-5)
    assert not np.allclose(run(plain, inputs), run(net, inputs), atol=1e-2)
    assert sorted(plain.trainable) == sorted((("c_h.connection.weight", False), ("c.tau_mem", True),
                                              ("h.tau_mem", True), ("b.tau_mem", True)))
    assert dict(bars.trainable)["c_h.connection.stored.weight"] is False
    shapes = [[leaf.shape for leaf in jax.tree.leaves(sn.partition(n)[0])] for n in (net, bars, plain)]
    assert shapes[0] == shapes[1] == shapes[2]


def test_chains_and_choices():
    net = sn.Network(
        dict(a=sn.Input((2, 8, 8)), h=sn.LIF(6), b=sn.LI(2)),
        [sn.Projection("a", "h", sn.synapses.Chain((sn.SumPool2d(2), sn.Conv2d(4), sn.Dense()),
                                                   [(2, 4, 4), (3, 1, 1)])),
         sn.Projection("h", "b", sn.Dense())], key=jax.random.key(0))
    inputs = {"a": (np.random.default_rng(0).random((9, 2, 2, 8, 8)) < 0.3).astype(np.float32)}
    bars = rram.on_crossbars(net, rram.gaussian(0.1), projections=["a_h"])
    assert [type(part).__name__ for part in bars["a_h"].connection.parts] == ["SumPool2d", "Crossbar", "Crossbar"]
    assert type(bars["h_b"].connection) is sn.Dense
    quiet = eqx.tree_at(lambda n: [p.device.reading for p in n["a_h"].connection.parts[1:]], bars, [None, None])
    np.testing.assert_allclose(run(quiet, inputs, seed=4), run(rram.programmed(bars, chip=4), inputs), atol=1e-5)
    np.testing.assert_array_equal(run(rram.on_crossbars(net, rram.Device()), inputs), run(net, inputs))


def test_sparse_synapses_are_arrays_with_empty_cells():
    """Pairs that are not joined hold g_min, and are as noisy as others."""
    net = sn.Network(dict(a=sn.Input(20), b=sn.LI(10)),
                     [sn.Projection("a", "b", sn.Sparse(sn.FixedProbability(0.2), weight=0.5))], key=jax.random.key(0))
    inputs = {"a": np.ones((3, 1, 20), np.float32)}
    np.testing.assert_allclose(run(rram.on_crossbars(net, rram.Device()), inputs), run(net, inputs), rtol=1e-5)
    held = rram.programmed(rram.on_crossbars(net, rram.gaussian(0.1))).projections["a_b"].connection.weight
    assert (np.asarray(held) != 0).mean() > 0.7


def test_files(conv, tmp_path):
    net, inputs = conv
    bars = rram.on_crossbars(net, FAULTY, age=1e5, tiling=rram.Tiling(32, 64, 6, 2), wires=rram.Wires(1e-7),
                             converters=rram.Converters(8, 20.0, 1), chip=2)
    sn.save(bars, tmp_path / "bars.h5")
    again = sn.load(tmp_path / "bars.h5", classes=rram.CLASSES)
    np.testing.assert_array_equal(run(again, inputs), run(bars, inputs))


def test_refusals(conv):
    net, _ = conv
    with pytest.raises(ConfigurationError, match="'nobody'"):
        rram.on_crossbars(net, FAULTY, projections=["nobody"])
    with pytest.raises(ConfigurationError, match="plain weights"):
        rram.on_crossbars(rram.on_crossbars(net, FAULTY), FAULTY)
    with pytest.raises(ConfigurationError, match="without crossbars"):
        rram.programmed(net)
    with pytest.raises(ConfigurationError, match="age"):
        rram.on_crossbars(net, FAULTY, age=-1.0)
    with pytest.raises(ConfigurationError, match="chip"):
        rram.on_crossbars(net, FAULTY, chip=-1)
    with pytest.raises(ConfigurationError, match="scaling"):
        rram.on_crossbars(net, FAULTY, scaling="row")
    with pytest.raises(ConfigurationError, match="adc_bits"):
        rram.Converters(1)
    with pytest.raises(ConfigurationError, match="adc_range"):
        rram.Converters(8, -1.0)
    pair = dict(a=sn.Input(2), b=sn.LIF(2))
    with pytest.raises(UnsupportedError, match="OneToOne"):
        sn.Network(pair, [sn.Projection("a", "b", rram.Crossbar(sn.OneToOne(), FAULTY))], key=jax.random.key(0))
    learning = sn.Network(pair, [sn.Projection("a", "b", sn.Dense(0.5), synapse=sn.plasticity.PairSTDP())],
                          key=jax.random.key(0))
    with pytest.raises(UnsupportedError, match="written once"):
        rram.on_crossbars(learning, FAULTY)
    by_sign = dict(a=sn.Input(2), b=sn.neurons.LIFPscExp(2))
    signed = sn.Network(by_sign, [sn.Projection("a", "b", sn.Dense(0.5), port="by_sign")], key=jax.random.key(0))
    with pytest.raises(UnsupportedError, match="by_sign"):
        rram.on_crossbars(signed, FAULTY)
    with pytest.raises(ConfigurationError, match="by_sign"):
        sn.Network(by_sign, [sn.Projection("a", "b", rram.Crossbar(sn.Dense(0.5), FAULTY), port="by_sign")],
                   key=jax.random.key(0))
    each = sn.Network(pair, [sn.Projection("a", "b", rram.Crossbar(sn.Dense(0.5), FAULTY),
                                           delay=np.array([[1.0, 2.0], [2.0, 1.0]]))], key=jax.random.key(0))
    with pytest.raises(UnsupportedError, match="every synapse on Crossbar"):
        sn.simulate(each, duration=5.0)
