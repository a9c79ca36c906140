"""Variation of intervals: closed forms, scaling, and what is not defined."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as hs

import snnsim as sn
from snnsim import statistics as st
from snnsim.core.errors import ConfigurationError

MEASURES = [st.cv_isi, st.cv2, st.lv, st.lvr]


@pytest.mark.parametrize("measure", MEASURES)
def test_a_regular_train_does_not_vary(measure):
    assert abs(measure(np.arange(0.0, 1000.0, 8.0))) < 1e-12


@pytest.mark.parametrize(("shape", "cv", "local"), [(1, 1.0, 1.0), (4, 0.5, 3 / 9)])
def test_gamma_processes(shape, cv, local):
    # CV = 1 / sqrt(k); LV = 3 / (2 k + 1) (Shinomoto et al. 2003), as the mean over (I - I')^2 / (I + I')^2 is
    # 1 / (2 k + 1) for gamma intervals of shape k.
    train = np.cumsum(np.random.default_rng(3).gamma(shape, 10.0, 200_000))
    assert abs(st.cv_isi(train) - cv) < 0.01
    assert abs(st.lv(train) - local) < 0.01
    if shape == 1:
        assert abs(st.cv2(train) - 1) < 0.01  # Holt et al. 1996: 1 for a Poisson process


def test_lvr_with_no_refractoriness_is_lv():
    train = np.cumsum(np.random.default_rng(4).gamma(2, 10.0, 50))
    np.testing.assert_allclose(st.lvr(train, refractoriness=0.0), st.lv(train), rtol=1e-12)
    assert st.lvr(train) > st.lv(train)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("train", [[], [1.0], [1.0, 5.0], [3.0, 3.0, 3.0]])
def test_what_is_not_defined_is_not_a_number(measure, train):
    assert np.isnan(measure(train))


@given(hs.lists(hs.lists(hs.integers(0, 10_000), max_size=12), min_size=1, max_size=5))
@pytest.mark.parametrize("measure", MEASURES)
def test_trains_do_not_see_each_other(measure, trains):
    trains = [np.sort(train).astype(float) for train in trains]
    together = measure(trains)
    assert together.shape == (len(trains),)
    for found, train in zip(together, trains, strict=True):
        np.testing.assert_allclose(found, measure(train), rtol=1e-9, atol=1e-12)


@given(hs.lists(hs.floats(0.01, 100.0), min_size=2, max_size=30), hs.floats(0.1, 10.0))
def test_variation_has_no_unit(intervals, factor):
    train = np.cumsum(intervals)
    for measure in (st.cv_isi, st.cv2, st.lv):
        np.testing.assert_allclose(measure(train * factor), measure(train), rtol=1e-6, atol=1e-9)


def test_intervals_of_trains_events_and_all_together():
    events = sn.Events.from_times([0.0, 1.0, 3.0, 6.0, 7.0], [1, 0, 1, 0, 1], shape=3)
    assert [part.tolist() for part in st.isi(events)] == [[5.0], [3.0, 4.0], []]
    assert st.isi([2.0, 5.0]).tolist() == [3.0]
    assert sorted(st.pooled_isi(events)) == [3.0, 4.0, 5.0]
    assert st.cv_isi(events).shape == (1, 3)
    assert st.isi([]).tolist() == []


@pytest.mark.parametrize("refractoriness", [-1.0, np.nan, np.inf])
def test_refractoriness_is_a_time(refractoriness):
    with pytest.raises(ConfigurationError):
        st.lvr([1.0, 2.0, 3.0], refractoriness=refractoriness)
