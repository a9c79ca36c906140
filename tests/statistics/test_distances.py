"""Distances of spike trains: closed forms, the textbook recurrence, and what makes a distance one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as hs

from snnsim import statistics as st
from snnsim.core.errors import ConfigurationError
from snnsim.statistics.van_rossum import decayed_sums

TRAIN = hs.lists(hs.integers(0, 200), max_size=8).map(lambda ticks: np.sort(ticks) * 0.5)
TRAINS = hs.lists(TRAIN, min_size=1, max_size=5)


def textbook(a, b, cost):
    """The recurrence as Victor & Purpura print it."""
    g = np.zeros((len(a) + 1, len(b) + 1))
    g[:, 0], g[0] = np.arange(len(a) + 1), np.arange(len(b) + 1)
    for i, s in enumerate(a):
        for j, t in enumerate(b):
            g[i + 1, j + 1] = min(g[i, j + 1] + 1, g[i + 1, j] + 1, g[i, j] + cost * abs(s - t))
    return g[-1, -1]


@given(TRAINS, hs.sampled_from([0.0, 0.01, 0.2, 5.0]))
def test_victor_purpura_is_the_recurrence(trains, cost):
    expected = [[textbook(a, b, cost) for b in trains] for a in trains]
    np.testing.assert_allclose(st.victor_purpura_distance(trains, cost=cost), expected, atol=1e-11)


@pytest.mark.parametrize("block", [1, 30, 300])
def test_victor_purpura_in_blocks(monkeypatch, block):
    rng = np.random.default_rng(0)
    trains = [np.sort(rng.uniform(0, 100, rng.integers(0, 9))) for _ in range(9)]
    expected = st.victor_purpura_distance(trains, cost=0.1)
    monkeypatch.setattr("snnsim.statistics.victor_purpura._BLOCK", block)
    np.testing.assert_array_equal(st.victor_purpura_distance(trains, cost=0.1), expected)


def test_victor_purpura_at_its_limits():
    trains = [np.arange(0.0, 100.0, 10.0), np.arange(5.0, 100.0, 10.0), [0.0]]
    np.testing.assert_array_equal(st.victor_purpura_distance(trains, cost=0.0), [[0, 0, 9], [0, 0, 9], [9, 9, 0]])
    np.testing.assert_array_equal(st.victor_purpura_distance(trains, cost=1e6)[0], [0, 20, 9])


@pytest.mark.parametrize("gap", [0.0, 1e-9, 0.5, 20.0, 1e5])
def test_van_rossum_of_two_spikes(gap):
    found = st.van_rossum_distance([[10.0], [10.0 + gap]], tau=8.0)[0, 1]
    np.testing.assert_allclose(found, np.sqrt(-2 * np.expm1(-(10.0 + gap - 10.0) / 8.0)), rtol=1e-12)


def test_van_rossum_is_the_integral():
    trains, tau = [np.array([3.0, 9.0, 9.0, 40.0]), np.array([5.0, 41.0])], 7.0
    time = np.arange(0.0, 200.0, 1e-3) + 5e-4
    shape = [sum(np.where(time >= t, np.exp(-(time - t) / tau), 0.0) for t in train) for train in trains]
    expected = 2 / tau * ((shape[0] - shape[1])**2).sum() * 1e-3
    np.testing.assert_allclose(st.van_rossum_distance(trains, tau=tau)[0, 1]**2, expected, rtol=1e-3)


@given(TRAINS, hs.sampled_from([0.7, 10.0, 1e4]))
def test_van_rossum_is_a_sum_over_pairs_of_spikes(trains, tau):
    def product(a, b):
        return np.exp(-np.abs(a[:, None] - b) / tau).sum()

    squared = [[product(a, a) + product(b, b) - 2 * product(a, b) for b in trains] for a in trains]
    np.testing.assert_allclose(st.van_rossum_distance(trains, tau=tau)**2, squared, atol=1e-10)


@given(TRAINS)
@pytest.mark.parametrize("distance", [lambda t: st.victor_purpura_distance(t, cost=0.1),
                                      lambda t: st.van_rossum_distance(t, tau=10.0)])
def test_they_are_distances(distance, trains):
    d = distance([*trains, trains[0]])
    np.testing.assert_array_equal(d, d.T)
    np.testing.assert_array_equal(np.diag(d), 0)
    assert d[0, -1] == 0  # exactly: equal trains lose nothing
    assert (d[:, :, None] <= d[:, None, :] + d.T[None] + 1e-9).all()
    different = np.array([[len(a) != len(b) or (a != b).any() for b in [*trains, trains[0]]]
                          for a in [*trains, trains[0]]])
    assert (d[different] > 0).all()


@given(hs.lists(hs.tuples(hs.floats(0, 1), hs.floats(-5, 5)), max_size=70))
def test_decayed_sums_are_the_recurrence(steps):
    x, expected = 0.0, []
    for decay, added in steps:
        x = decay * x + added
        expected.append(x)
    decay, added = np.array(steps).reshape(-1, 2).T
    np.testing.assert_allclose(decayed_sums(decay, added), expected, atol=1e-10)


@pytest.mark.parametrize("wrong", [lambda: st.van_rossum_distance([[1.0]], tau=0.0),
                                   lambda: st.van_rossum_distance([[1.0]], tau=np.inf),
                                   lambda: st.van_rossum_distance([[1.0]], tau=np.nan),
                                   lambda: st.victor_purpura_distance([[1.0]], cost=-1.0),
                                   lambda: st.victor_purpura_distance([[1.0]], cost=np.inf)])
def test_refusals(wrong):
    with pytest.raises(ConfigurationError):
        wrong()
