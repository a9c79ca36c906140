"""Correlation of counts: known processes, the exact mean, sampled pairs, correlograms, tiling."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as hs

import snnsim as sn
from snnsim import statistics as st
from snnsim.core.errors import ConfigurationError, ShapeError

TRAIN = hs.lists(hs.integers(0, 99), max_size=15).map(lambda ticks: np.sort(ticks).astype(float))


def shared_input(rng, trains, shared, own, duration):
    """Poisson trains (Hz) that have a common part: the counts' correlation is shared / (shared + own)."""
    common = rng.uniform(0, duration, rng.poisson(shared * duration * 1e-3))
    return [np.sort(np.concatenate([common, rng.uniform(0, duration, rng.poisson(own * duration * 1e-3))]))
            for _ in range(trains)]


@pytest.mark.parametrize("bin_size", [2.0, 20.0])
def test_trains_with_a_common_part(bin_size):
    trains = shared_input(np.random.default_rng(0), 8, 6.0, 14.0, 1e6)
    matrix = st.correlation(trains, bin_size=bin_size, stop=1e6)
    np.testing.assert_allclose(np.diag(matrix), 1.0)
    assert abs(matrix[np.triu_indices(8, 1)] - 0.3).max() < 6 / np.sqrt(1e6 / bin_size)
    expected = (6.0 + 14.0) * bin_size * 1e-3  # of a Poisson process the variance is the mean
    np.testing.assert_allclose(np.diag(st.covariance(trains, bin_size=bin_size, stop=1e6)), expected, rtol=0.05)


@given(hs.lists(TRAIN, min_size=1, max_size=6), hs.sampled_from([1.0, 7.0, 50.0]), hs.booleans())
def test_the_matrix_is_numpys(trains, bin_size, binary):
    n_bins = int(100 // bin_size)
    dense = np.array([np.bincount((t // bin_size).astype(int), minlength=n_bins)[:n_bins] for t in trains])
    dense = np.minimum(dense, 1) if binary else dense
    setting = dict(bin_size=bin_size, stop=100.0, binary=binary)
    np.testing.assert_allclose(st.covariance(trains, **setting), np.atleast_2d(np.cov(dense)), atol=1e-12)
    with np.errstate(all="ignore"):
        expected = np.atleast_2d(np.corrcoef(dense))
    varies = np.ptp(dense, 1) > 0
    expected[~varies], expected[:, ~varies] = np.nan, np.nan
    found = st.correlation(trains, **setting)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    pairs = found[np.triu_indices(len(trains), 1)]
    pairs = pairs[np.isfinite(pairs)]
    mean = st.mean_correlation(trains, **setting)
    np.testing.assert_allclose(mean, pairs.mean() if len(pairs) else np.nan, atol=1e-12)
    np.testing.assert_allclose(np.sort(st.pair_correlations(trains, **setting)), np.sort(pairs), atol=1e-12)


def test_samples_are_not_mixed():
    rng = np.random.default_rng(1)
    parts = [sn.Events.from_times(rng.uniform(0, 100, 80), rng.integers(0, 6, 80), shape=(2, 3), sort=True)
             for _ in range(3)]
    together = sn.Events.concatenate(parts)
    setting = dict(bin_size=5.0, stop=100.0)
    for measure in (st.correlation, st.covariance, st.mean_correlation):
        found = measure(together, **setting)
        assert found.shape == ((3,) if measure is st.mean_correlation else (3, 6, 6))
        np.testing.assert_allclose(found, [measure(part, **setting)[0] for part in parts], atol=1e-12)
    assert len(st.pair_correlations(together, **setting)) == 3 * 15
    assert st.van_rossum_distance(together, tau=10.0).shape == (3, 6, 6)
    assert st.van_rossum_distance(st.SpikeTrains.of(together).by_unit(), tau=10.0).shape == (6, 3, 3)


def test_sampled_pairs_are_those_of_the_seed():
    rng = np.random.default_rng(2)
    trains = [*shared_input(rng, 40, 5.0, 5.0, 2e4), [], []]
    setting = dict(bin_size=10.0, stop=2e4)
    some = st.pair_correlations(trains, most=10, seed=5, **setting)
    assert len(some) == 45  # silent trains are never drawn
    np.testing.assert_array_equal(some, st.pair_correlations(trains, most=10, seed=5, **setting))
    assert not np.array_equal(some, st.pair_correlations(trains, most=10, seed=6, **setting))
    every = st.pair_correlations(trains, **setting)
    assert len(every) == 40 * 39 / 2
    assert set(np.round(some, 12)) <= set(np.round(every, 12))


def test_counts_that_do_not_vary_have_no_correlation():
    found = st.correlation([[1.0, 6.0], [2.0, 7.0], [1.0]], bin_size=5.0, stop=10.0)
    assert np.isnan(found[:2]).all()
    np.testing.assert_allclose(found[2, 2], 1.0)
    assert np.isnan(st.mean_correlation([[1.0, 6.0], [1.0]], bin_size=5.0, stop=10.0))
    assert np.isnan(st.covariance([[1.0], [1.0]], bin_size=10.0, stop=10.0)).all()


def test_a_correlogram_shows_the_delay():
    rng = np.random.default_rng(3)
    one = np.sort(rng.uniform(0, 1e5, 2000))
    other = one + 7.3
    lags, values = st.cross_correlogram(one, other, bin_size=1.0, max_lag=20.0, stop=1.1e5)
    assert lags[values.argmax()] in (7.0, 8.0)
    assert values[lags < 6].max() < 100 < 500 < values.max()
    again = st.cross_correlogram(other, one, bin_size=1.0, max_lag=20.0, stop=1.1e5)
    np.testing.assert_array_equal(values, again.values[::-1])
    coefficient = st.cross_correlogram(one, one, bin_size=1.0, max_lag=3.0, stop=1.1e5, output="coefficient").values
    np.testing.assert_allclose(coefficient[3], 1.0)
    nothing = st.cross_correlogram(one, [], bin_size=1.0, max_lag=3.0, stop=1.1e5, output="coefficient").values
    assert np.isnan(nothing).all()
    steady = st.cross_correlogram([1.0, 6.0], [1.0], bin_size=5.0, max_lag=5.0, stop=10.0, output="coefficient").values
    assert np.isnan(steady).all()
    zero = st.cross_correlogram(one, other, bin_size=1.0, max_lag=0.0, stop=1.1e5, output="coefficient").values
    np.testing.assert_allclose(zero, st.correlation([one, other], bin_size=1.0, stop=1.1e5)[0, 1], atol=1e-12)


def test_a_correlogram_of_many_pairs_is_made_in_blocks(monkeypatch):
    rng = np.random.default_rng(4)
    one, other = (np.sort(rng.uniform(0, 1000, 300)) for _ in range(2))
    setting = dict(bin_size=1.0, max_lag=100.0, stop=1000.0)
    expected = st.cross_correlogram(one, other, **setting).values
    assert expected.sum() > 5000
    for block in (1, 7, 1000):
        monkeypatch.setattr(sys.modules["snnsim.statistics.cross_correlogram"], "_BLOCK", block)
        np.testing.assert_array_equal(st.cross_correlogram(one, other, **setting).values, expected)


def test_the_matrix_is_made_in_blocks(monkeypatch):
    trains = shared_input(np.random.default_rng(5), 5, 20.0, 20.0, 1000.0)
    expected = st.correlation(trains, bin_size=3.0, stop=1000.0)
    monkeypatch.setattr(sys.modules["snnsim.statistics.correlation"], "_BLOCK", 17)
    np.testing.assert_array_equal(st.correlation(trains, bin_size=3.0, stop=1000.0), expected)


def test_tiling_of_known_trains():
    setting = dict(window=5.0, stop=100.0)
    same = st.spike_time_tiling([[20.0, 60.0], [20.0, 60.0]], **setting)
    np.testing.assert_allclose(same, 1.0)
    apart = st.spike_time_tiling([[20.0], [60.0]], **setting)
    np.testing.assert_allclose(apart[0, 1], -0.1)  # P = 0 and T = 0.1 for both
    near = st.spike_time_tiling([[20.0], [24.0]], **setting)
    np.testing.assert_allclose(near[0, 1], 1.0)
    assert np.isnan(st.spike_time_tiling([[], [24.0]], **setting)[0]).all()
    edge = st.spike_time_tiling([[0.9 * 20], [0.7 * 20]], window=4.0, stop=100.0)  # 18 - 14: the ends belong to it
    np.testing.assert_allclose(edge[0, 1], 1.0)
    # A train that tiles the whole recording: its term P_B T_A = 1 counts as 1, the other is (P_A - T_B) / (1 - P_A T_B)
    # with 2 of 20 spikes near the one at 3 ms, whose tile is cut to 8 ms.
    covered = st.spike_time_tiling([np.arange(0.0, 100.0, 5.0), [3.0]], **setting)
    np.testing.assert_allclose(covered[0, 1], 0.5 * (1.0 + (2 / 20 - 0.08) / (1 - 2 / 20 * 0.08)))


def test_contrast_of_equal_and_of_independent_trains():
    rng = np.random.default_rng(6)
    train = np.sort(rng.uniform(0, 1e4, 40))
    assert st.spike_contrast([train, train, train], stop=1e4) > 0.6
    independent = [np.sort(rng.uniform(0, 1e4, 40)) for _ in range(3)]
    assert st.spike_contrast(independent, stop=1e4) < 0.35
    assert np.isnan(st.spike_contrast([[1.0], []], stop=1e4))
    assert len(st.spike_contrast_trace([[1.0], []], stop=1e4).synchrony) == 0


@pytest.mark.parametrize(("error", "wrong"), [
    (ConfigurationError, lambda t: st.correlation(t, bin_size=1.0)),
    (ConfigurationError, lambda t: st.correlation(t, bin_size=0.0, stop=9.0)),
    (ConfigurationError, lambda t: st.correlation([[]] * 20_000, bin_size=1.0, stop=9.0)),
    (ConfigurationError, lambda t: st.van_rossum_distance([[]] * 20_000, tau=1.0)),
    (ConfigurationError, lambda t: st.pair_correlations(t, bin_size=1.0, stop=9.0, most=1)),
    (ShapeError, lambda t: st.cross_correlogram(t, t, bin_size=1.0, max_lag=2.0, stop=9.0)),
    (ConfigurationError, lambda t: st.cross_correlogram(t[0], t[0], bin_size=1.0, max_lag=-2.0, stop=9.0)),
    (ConfigurationError, lambda t: st.cross_correlogram(t[0], t[0], bin_size=1.0, max_lag=9.0, stop=9.0)),
    (ConfigurationError, lambda t: st.cross_correlogram(t[0], t[0], bin_size=1.0, max_lag=np.nan, stop=9.0)),
    (ConfigurationError, lambda t: st.cross_correlogram(t[0], t[0], bin_size=1.0, max_lag=2.0, stop=9.0, output="x")),
    (ConfigurationError, lambda t: st.spike_time_tiling(t, window=0.0, stop=9.0)),
    (ConfigurationError, lambda t: st.spike_time_tiling(t, relative_tolerance=-1.0, stop=9.0)),
    (ConfigurationError, lambda t: st.spike_time_tiling(t)),
    (ShapeError, lambda t: st.spike_contrast(t[0], stop=9.0)),
    (ConfigurationError, lambda t: st.spike_contrast(t, stop=9.0, shrink=1.0)),
    (ConfigurationError, lambda t: st.spike_contrast(t, stop=9.0))])
def test_refusals(error, wrong):
    with pytest.raises(error):
        wrong([[1.0, 2.0], [3.0]])
