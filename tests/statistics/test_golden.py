"""Every quantity of the reference file of Elephant 1.2.1, to 1e-9."""

import json

import numpy as np
import pytest

from snnsim import statistics as st


@pytest.fixture(scope="module")
def golden(data_folder):
    return json.loads((data_folder("elephant") / "golden.json").read_text())


@pytest.fixture(scope="module")
def trains(golden):
    return st.SpikeTrains.of([np.array(train) * 1e3 for train in golden["trains_s"]], stop=golden["t_stop_s"] * 1e3)


PER_TRAIN = {"rate_hz": st.rates, "cv": st.cv_isi, "cv2": st.cv2, "lv": st.lv,
             "lvr_R5ms": lambda trains: st.lvr(trains, refractoriness=5.0)}
TOGETHER = {
    "corrcoef_5ms": lambda trains: st.correlation(trains, bin_size=5.0),
    "binned_counts_5ms_sum": lambda trains: st.binned(trains, 5.0).per_train(),
    "fanofactor_all": st.fano_factor,
    # Elephant compares spike times with numpy.isclose, whose default relative tolerance is part of its result.
    "sttc_dt5ms": lambda trains: st.spike_time_tiling(trains, window=5.0, relative_tolerance=1e-5),
    "victor_purpura_q10Hz": lambda trains: st.victor_purpura_distance(trains, cost=10e-3),
    "van_rossum_tau10ms": lambda trains: st.van_rossum_distance(trains, tau=10.0),
    "spike_contrast": st.spike_contrast,
}


@pytest.mark.parametrize("name", PER_TRAIN)
def test_number_of_each_train(golden, trains, name):
    expected = [train[name] for train in golden["per_train"]]
    np.testing.assert_allclose(PER_TRAIN[name](trains), expected, rtol=1e-9)


@pytest.mark.parametrize("name", TOGETHER)
def test_number_of_all_trains(golden, trains, name):
    np.testing.assert_allclose(TOGETHER[name](trains), golden[name], rtol=1e-9, atol=1e-9)


def test_every_quantity_of_the_file_is_compared(golden):
    said = {"elephant", "neo", "t_stop_s", "trains_s", "per_train"}
    assert set(golden) == said | set(TOGETHER)
    assert {name for train in golden["per_train"] for name in train} == set(PER_TRAIN)


def test_mean_correlation_is_that_of_all_pairs(golden, trains):
    matrix = np.array(golden["corrcoef_5ms"])
    found = st.mean_correlation(trains, bin_size=5.0)
    np.testing.assert_allclose(found, matrix[np.triu_indices(6, 1)].mean(), rtol=1e-9)


def test_the_tiling_coefficient_as_published_differs_from_elephants(golden, trains):
    difference = st.spike_time_tiling(trains, window=5.0) - golden["sttc_dt5ms"]
    assert 1e-3 < np.abs(difference).max() < 0.02
