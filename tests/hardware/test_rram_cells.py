"""Cells, digits, arrays and wires: moments against closed forms, circuits against Kirchhoff, tools as judges."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import snnsim as sn
from snnsim.core.errors import ConfigurationError, UnsupportedError
from snnsim.core.keys import Rand
from snnsim.hardware import rram
from snnsim.hardware.rram.cells import from_arrays, on_arrays, targets
from snnsim.hardware.rram.unrolled import unrolled

NOW = jnp.zeros(())
FITTED = [rram.pcm(), rram.pcm_joshi(), rram.rram_wan(), rram.rram_wan("1 day"), rram.rram_wan("2 days"),
          rram.rram_wan_cubic(), rram.rram_milo(), rram.rram_cmo(), rram.rram_cmo(0.2)]


def chip(number=0):
    return Rand.at(jnp.uint32(number), "a_b", jnp.uint32(0))


def normal(size, seed=0):
    return np.random.default_rng(seed).standard_normal(size).astype(np.float32)


# -- writing, drift, faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 1.0])
def test_written_cells_have_the_moments_of_a_rectified_normal(part):
    """A cell at g with error sd is max(g + sd xi, 0): its mean and variance are known."""
    from scipy.stats import norm

    device, n = rram.pcm(), 200_000
    x = np.float64(part)
    g, sd = 25 * x, 0.26348 + 1.9650 * x - 1.1731 * x**2
    held = np.asarray(device.hold(jnp.full(n, g, jnp.float32), NOW, chip()).written, np.float64)
    alpha = g / sd
    mean = g * norm.cdf(alpha) + sd * norm.pdf(alpha)
    second = (g**2 + sd**2) * norm.cdf(alpha) + g * sd * norm.pdf(alpha)
    variance = second - mean**2
    assert held.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / n))
    assert held.var() == pytest.approx(variance, rel=0.02)
    assert held.min() >= 0


@pytest.mark.parametrize("part", [0.02, 0.2, 0.6, 1.0])
def test_drift_has_the_closed_form_mean(part):
    """Where nu cannot change its sign, E[t^-nu] = exp(-mu L + (sd L)^2 / 2) with L = ln((t + t_0) / t_0)."""
    n, age = 100_000, 1e6
    mu = np.clip(-0.0155 * np.log(part) + 0.0244, 0.049, 0.1)
    sd = np.clip(-0.0125 * np.log(part) - 0.0059, 0.008, 0.045)
    target = jnp.full(n, 25 * part, jnp.float32)
    held = rram.PowerLawDrift()(target, target, jnp.float32(age), (NOW, jnp.float32(25.0)), jnp.asarray(normal(n)))
    log_t = np.log((age + 20_000) / 20_000)
    ratio = np.asarray(held / target, np.float64)
    if sd / mu < 0.25:
        assert ratio.mean() == pytest.approx(np.exp(-mu * log_t + (sd * log_t) ** 2 / 2), rel=2e-3)
    nu = -np.log(ratio) / log_t  # |mu + sd xi|: the second moment does not see the sign
    assert (nu**2).mean() == pytest.approx(mu**2 + sd**2, rel=0.02)


def test_no_time_no_drift():
    g = jnp.linspace(0.0, 25.0, 50)
    cells = rram.Device(0.0, 25.0, ageing=rram.PowerLawDrift()).hold(g, NOW, chip())
    np.testing.assert_array_equal(cells.held, g)
    np.testing.assert_array_equal(rram.Device(9.0, 88.0, ageing=rram.LogarithmicRelaxation()).hold(g, NOW, chip()).held,
                                  g)


def test_relaxation_moments():
    """A day: the mean falls by 0.089 ln t, the spread is 0.042 ln t + 0.412 (uS)."""
    n, seconds = 100_000, 86_400.0
    g = jnp.full(n, 50.0)
    held = rram.LogarithmicRelaxation()(g, g, jnp.float32(1000 * seconds), (jnp.float32(9.0), jnp.float32(88.2)),
                                        jnp.asarray(normal(n)))
    sd = 0.04201137 * np.log(seconds) + 0.41183342
    assert float(held.mean()) == pytest.approx(50 - 0.08900206 * np.log(seconds), abs=5 * sd / np.sqrt(n))
    assert float(held.std()) == pytest.approx(sd, rel=0.01)


def test_stuck_cells():
    n = 100_000
    device = rram.Device(1.0, 25.0, rram.PolynomialError([0.5]), stuck=rram.StuckCells(on=0.02, off=0.05))
    held = np.asarray(device.hold(jnp.full(n, 12.0), NOW, chip()).held)
    on, off = (held == 25.0).mean(), (held == 1.0).mean()
    assert on == pytest.approx(0.02, abs=5 * np.sqrt(0.02 / n))
    assert off == pytest.approx(0.05, abs=5 * np.sqrt(0.05 / n))
    assert held[(held != 25.0) & (held != 1.0)].mean() == pytest.approx(12.0, abs=0.02)


def test_chips_differ_and_repeat():
    device, g = rram.gaussian(0.1), jnp.full(1000, 12.0)
    one, again, other = (device.hold(g, NOW, chip(k)).held for k in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert abs(np.corrcoef(one - 12.0, other - 12.0)[0, 1]) < 0.15


@pytest.mark.parametrize("device", FITTED)
def test_fits_are_positive_over_their_range(device):
    g = jnp.linspace(device.g_min, device.g_max, 101)
    sd = device.writing(g)
    assert float(sd.min()) >= 0.0
    assert 0 < float(sd.max()) < 0.25 * float(device.g_max)


def test_errors_grow_with_the_range_of_the_cell():
    """Half the range, half the error in uS: relative errors stay."""
    g = jnp.linspace(0.0, 25.0, 11)
    np.testing.assert_allclose(rram.pcm(12.5).writing(g / 2), rram.pcm().writing(g) / 2, rtol=1e-5)
    np.testing.assert_allclose(rram.rram_wan(g_max=20.0).writing(g / 2), rram.rram_wan().writing(g) / 2, rtol=1e-5)


def test_crosssim_fits():
    """CrossSim's polynomials in uS, evaluated by hand."""
    assert float(rram.rram_milo().writing(jnp.float32(225.0))) == pytest.approx(4.782321 - 0.009107 * 225, rel=1e-5)
    assert float(rram.pcm_joshi().writing(jnp.float32(10.0))) == pytest.approx(
        -0.00178767 * 100 + 0.07585724 * 10 + 0.28638599, rel=1e-5)
    assert float(rram.rram_wan_cubic().writing(jnp.float32(20.0))) == pytest.approx(
        1.536e-4 * 8000 - 1.167e-2 * 400 + 0.2374 * 20 + 1.053, rel=1e-5)


class _Aihwkit:
    """aihwkit's noise models with the same random numbers as ours."""

    def __init__(self, monkeypatch, name):
        self.torch = pytest.importorskip("torch")
        pytest.importorskip("aihwkit")
        self.module = importlib.import_module(f"aihwkit.inference.noise.{name}")
        self.draws = [normal(64, seed) for seed in range(3)]
        left = [self.torch.tensor(draw) for draw in self.draws]
        monkeypatch.setattr(self.module, "randn_like", lambda tensor: left.pop(0))


def test_aihwkit_pcm_is_the_same(monkeypatch):
    judge = _Aihwkit(monkeypatch, "pcm")
    model = judge.module.PCMLikeNoiseModel(g_max=20.0)
    g, seconds, device = np.linspace(0, 20, 64, dtype=np.float32), 3600.0, rram.pcm(20.0)
    target = judge.torch.tensor(g)
    written = model.apply_programming_noise_to_conductance(target.clone())
    nu = model.generate_drift_coefficients(target)
    final = model.apply_drift_noise_to_conductance(written, nu, seconds)
    ours = jnp.maximum(g + device.writing(jnp.asarray(g)) * judge.draws[0], 0.0)
    np.testing.assert_allclose(ours, written.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(device.ageing.exponent(jnp.asarray(g), device.g_max, judge.draws[1]), nu.numpy(),
                               rtol=1e-4)
    age = jnp.float32(1000 * seconds)
    aged = device.ageing(jnp.asarray(g), ours, age, (device.g_min, device.g_max), jnp.asarray(judge.draws[1]))
    sd = device.reading(ours, aged, age, device.g_max)
    np.testing.assert_allclose(jnp.maximum(aged + sd * judge.draws[2], 0.0), final.numpy(), rtol=1e-4, atol=1e-4)


def test_aihwkit_cmo_is_the_same(monkeypatch):
    judge = _Aihwkit(monkeypatch, "reram")
    model = judge.module.ReRamCMONoiseModel(acceptance_range=2, read_noise_scale=1.0)
    g, seconds, device = np.linspace(12, 85, 64, dtype=np.float32), 86_400.0, rram.rram_cmo(2.0)
    written = model.apply_programming_noise_to_conductance(judge.torch.tensor(g))
    final = model.apply_drift_noise_to_conductance(written, written, seconds)
    ours = g + device.writing(jnp.asarray(g)) * judge.draws[0]
    np.testing.assert_allclose(ours, written.numpy(), rtol=1e-5)
    age, bounds = jnp.float32(1000 * seconds), (device.g_min, device.g_max)
    aged = device.ageing(jnp.asarray(g), ours, age, bounds, jnp.asarray(judge.draws[1]))
    read = aged + device.reading(ours, aged, age, device.g_max) * judge.draws[2]
    np.testing.assert_allclose(jnp.clip(read, *bounds), final.numpy(), rtol=1e-4)


def test_aihwkit_wan_is_the_same_once_told_its_reference(monkeypatch):
    judge = _Aihwkit(monkeypatch, "reram")
    model = judge.module.ReRamWan2022NoiseModel(g_max=25.0)
    model.coeff_g_max_reference = 40.0  # as its own comment says; left alone it divides by g_max
    g = np.linspace(0, 25, 64, dtype=np.float32)
    theirs = model.apply_programming_noise_to_conductance(judge.torch.tensor(g))
    ours = jnp.maximum(g + rram.rram_wan(g_max=25.0).writing(jnp.asarray(g)) * judge.draws[0], 0.0)
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4, atol=1e-5)


# -- weights, digits, arrays -----------------------------------------------------------------------------------


def back(held):
    """Weights from conductances alone."""
    return np.asarray(jnp.sum(held.gain * (held.g[0] - held.g[1]), 0))


@settings(max_examples=25, deadline=None)  # few shapes: each compiles
@given(rows=st.sampled_from([1, 16, 33]), columns=st.sampled_from([1, 7]), bits=st.sampled_from([None, 2, 3, 6, 8, 12]),
       cell=st.sampled_from([None, 1, 2, 3]), pair=st.sampled_from(["arrays", "columns"]),
       scaling=st.sampled_from(["matrix", "column"]), seed=st.integers(0, 99))
def test_conductances_stand_for_weights(rows, columns, bits, cell, pair, scaling, seed):
    weights = np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)
    tiling = rram.Tiling(16, 24, bits, cell if bits else None, pair)
    device = rram.Device(2.0, 30.0)
    held = targets(jnp.asarray(weights), device, tiling, scaling)
    largest = np.abs(weights).max(0 if scaling == "column" else None)
    tolerance = 1e-5 * largest if bits is None else largest / (2 * (2 ** (bits - 1) - 1)) + 1e-5 * largest
    assert (np.abs(back(held) - weights) <= tolerance).all()
    np.testing.assert_allclose(back(held), held.meant, atol=1e-5 * np.abs(weights).max())
    assert float(held.g.min()) >= 2.0 - 1e-4
    assert float(held.g.max()) <= 30.0 + 1e-4
    assert (np.asarray(held.g).min(0) == 2.0).all()  # one of the two is always empty
    if bits is not None and bits - 1 <= (cell or bits):
        assert len(np.unique(np.asarray(held.g).round(3))) <= 2 ** (bits - 1)


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(1, 40), columns=st.integers(1, 6), groups=st.integers(1, 3), height=st.integers(1, 17),
       width=st.integers(8, 20), digits=st.integers(1, 4), pair=st.sampled_from(["arrays", "columns"]))
def test_every_cell_has_one_place(rows, columns, groups, height, width, digits, pair):
    tiling = rram.Tiling(height, width, digits + 1, 1, pair)
    shape = (2, digits, rows, columns * groups)
    cells = 1 + np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    with jax.disable_jit():
        arrays = np.asarray(on_arrays(jnp.asarray(cells), tiling, groups))
    down, across = tiling.cut(rows, columns)
    assert arrays.shape[:4] == (tiling.signs, groups, down, across)
    assert arrays.shape[4] == height
    assert arrays.shape[5] <= width
    assert np.prod(arrays.shape[:4]) == groups * tiling.arrays(rows, columns)
    assert sorted(arrays[arrays > 0]) == sorted(cells.reshape(-1))
    np.testing.assert_array_equal(from_arrays(jnp.asarray(arrays), tiling, shape), cells)
    # Too few arrays could not hold the cells; one less row or column of arrays would not do.
    assert (down - 1) * height < rows <= down * height
    assert (across - 1) * tiling.per_array < columns <= across * tiling.per_array


@pytest.mark.parametrize(("connection", "pre", "post"), [
    (sn.Dense(jax.nn.initializers.normal(1.0), bias=True), (2, 9), (5,)),
    (sn.Sparse(sn.FixedProbability(0.4), weight=jax.nn.initializers.normal(1.0)), (18,), (5, 2)),
    (sn.Conv2d(3, stride=2, padding=1, bias=True), (4, 7, 6), (6, 4, 3)),
    (sn.Conv2d(3, padding=1, groups=2, dilation=2, weight=jax.nn.initializers.normal(1.0)), (4, 7, 6), (6, 5, 4)),
    (sn.Conv1d(4, stride=3), (3, 19), (5, 6)),
])
def test_blocks_of_rows_add_up_to_the_connection(connection, pre, post):
    built = connection.build(pre, post, jax.random.key(0))
    view, height = unrolled(built, "test"), 7
    matrix = view.matrix()
    down = -(-matrix.shape[0] // height)
    padded = jnp.pad(matrix, ((0, down * height - matrix.shape[0]), (0, 0))).reshape(down, height, -1)
    signals = jnp.asarray(normal((3, *pre)))
    sums = view.product(signals, jnp.stack([padded, 2 * padded], -1))
    assert sums.shape == (3, down, 2, *post)
    plain = view.with_matrix(matrix)
    bias = getattr(built, "bias", None)
    total = sums.sum(1) + (0 if bias is None else view.spread(bias.reshape(1, -1), len(post))[None])
    np.testing.assert_allclose(total[:, 0], plain(signals), atol=2e-5)
    np.testing.assert_allclose(total[:, 0], built(signals), atol=2e-5)
    np.testing.assert_allclose(sums[:, :, 1], 2 * sums[:, :, 0], rtol=1e-5, atol=1e-5)
    # A row is driven once for each place of its kernel in which its input is on: by hand, input by input.
    counts = np.random.default_rng(0).integers(0, 5, pre)
    driven, unbiased = view.activations(counts), (lambda x: plain(x) - plain(jnp.zeros_like(x)))
    unit = jnp.zeros_like(matrix).at[3, 1].set(1.0)
    one = view.with_matrix(unit)
    alone = float((one(jnp.asarray(counts, jnp.float32)[None]) - one(jnp.zeros((1, *pre)))).sum())
    assert driven[3, 1] == alone
    total = float(unbiased(jnp.asarray(counts, jnp.float32)[None]).sum())
    assert (driven * np.asarray(matrix, np.float64)).sum() == pytest.approx(total, rel=1e-4, abs=1e-4)


def test_sizes_that_cannot_be():
    for wrong in (dict(rows=0), dict(columns=5000), dict(weight_bits=1), dict(cell_bits=2), dict(pair="both"),
                  dict(columns=3, weight_bits=8, cell_bits=1)):
        with pytest.raises(ConfigurationError, match="Tiling"):
            rram.Tiling(**wrong)
    with pytest.raises(ConfigurationError, match="g_min < g_max"):
        rram.Device(25.0, 25.0)
    with pytest.raises(ConfigurationError, match="at most 1"):
        rram.StuckCells(0.6, 0.6)
    with pytest.raises(ConfigurationError, match="Wires"):
        rram.Wires(-1.0)
    with pytest.raises(ConfigurationError, match="1 day"):
        rram.rram_wan("3 days")
    with pytest.raises(ConfigurationError, match="percent"):
        rram.rram_cmo(1.0)
    with pytest.raises(UnsupportedError, match="OneToOne"):
        unrolled(sn.OneToOne(), "test")


# -- wires -----------------------------------------------------------------------------------------------------


def kirchhoff(g, row, column):
    """Conductance that each cell seems to have, from the node equations of the whole array (one row driven a time)."""
    rows, columns = g.shape
    n = rows * columns
    matrix, inject = np.zeros((2 * n, 2 * n)), np.zeros((2 * n, rows))
    node = np.arange(n).reshape(rows, columns)

    def join(a, b, conductance):
        for one, other in ((a, b), (b, a)):
            matrix[one, one] += conductance
            matrix[one, other] -= conductance
    for i in range(rows):
        for j in range(columns):
            join(node[i, j], n + node[i, j], g[i, j])
            if j:
                join(node[i, j], node[i, j - 1], 1 / row)
            else:
                matrix[node[i, 0], node[i, 0]] += 1 / row
                inject[node[i, 0], i] += 1 / row
            if i:
                join(n + node[i, j], n + node[i - 1, j], 1 / column)
            else:
                matrix[n + node[0, j], n + node[0, j]] += 1 / column
    voltage = np.linalg.solve(matrix, inject)
    return voltage[n + node[0]].T / column


@pytest.mark.parametrize(("row", "column"), [(1e-12, 2e-4), (2e-4, 1e-12)])
def test_wires_of_one_direction_are_solved_exactly(x64, row, column):
    g = np.random.default_rng(0).uniform(1, 50, (9, 7))
    ours = g * np.asarray(rram.Wires(row, column).parts(jnp.asarray(g)))
    np.testing.assert_allclose(ours, kirchhoff(g, row, column), rtol=1e-5)
    assert (ours / g).min() < 0.85  # not a small effect


def test_wires_of_both_directions_are_right_to_first_order(x64):
    g = np.random.default_rng(1).uniform(1, 50, (9, 7))
    errors = [np.abs(g * np.asarray(rram.Wires(r, r).parts(jnp.asarray(g))) / kirchhoff(g, r, r) - 1).max()
              for r in (1e-4, 5e-5, 2.5e-5)]
    assert errors[0] < 0.1  # where a third of the voltage is lost
    assert errors[1] < 0.3 * errors[0]  # a quarter: the error is of second order
    assert errors[2] < 0.3 * errors[1]


def test_empty_places_draw_no_current():
    g = jnp.pad(jnp.asarray(np.random.default_rng(0).uniform(1, 50, (5, 4)), jnp.float32), ((0, 3), (0, 2)))
    wires = rram.Wires(1e-4, 1e-4)
    np.testing.assert_allclose(wires.parts(g)[:5, :4], wires.parts(g[:5, :4]), rtol=1e-6)
