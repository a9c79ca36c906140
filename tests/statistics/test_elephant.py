"""Live Elephant, on trains that hypothesis makes: none, one spike, spikes at one time, equal trains."""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as hs

from snnsim import statistics as st

neo = pytest.importorskip("neo")
pq = pytest.importorskip("quantities")
pytest.importorskip("elephant")
from elephant import kernels, spike_train_correlation, spike_train_dissimilarity, spike_train_synchrony  # noqa: E402
from elephant import statistics as theirs  # noqa: E402
from elephant.conversion import BinnedSpikeTrain  # noqa: E402

STOP = 400.0
# Times on a grid of 1/8 ms: no rounding decides which bin or window a spike belongs to.
TRAIN = hs.lists(hs.integers(0, 8 * int(STOP) - 1), max_size=25).map(lambda ticks: np.sort(ticks) / 8)
TRAINS = hs.lists(TRAIN, min_size=2, max_size=5).flatmap(
    lambda trains: hs.sampled_from([trains, [*trains, trains[0]], [trains[0]] * 2]))
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def neo_trains(trains):
    return [neo.SpikeTrain(train, units="ms", t_stop=STOP) for train in trains]


@MANY
@given(TRAINS)
def test_intervals_rates_and_counts(trains):
    spikes = neo_trains(trains)
    np.testing.assert_allclose(st.rates(trains, stop=STOP),
                               [theirs.mean_firing_rate(train).rescale("Hz").item() for train in spikes], rtol=1e-9)
    np.testing.assert_allclose(st.fano_factor(trains), theirs.fanofactor(spikes), rtol=1e-9)
    intervals = st.isi(trains)
    for found, expected in zip(intervals, spikes, strict=True):
        np.testing.assert_allclose(found, theirs.isi(expected).rescale("ms").magnitude)
    with np.errstate(all="ignore"):
        for ours, other in ((st.cv2, theirs.cv2), (st.lv, theirs.lv)):
            np.testing.assert_allclose(ours(trains), [other(i, with_nan=True) for i in intervals], rtol=1e-9)
        expected = [theirs.lvr(i * pq.ms, R=3 * pq.ms, with_nan=True) for i in intervals]
        np.testing.assert_allclose(st.lvr(trains, refractoriness=3.0), expected, rtol=1e-9)
        # Of two spikes Elephant says that their single interval does not vary; we say that this is not known.
        expected = [theirs.cv(i) if len(i) > 1 else np.nan for i in intervals]
        np.testing.assert_allclose(st.cv_isi(trains), expected, rtol=1e-9, atol=1e-12)


@MANY
@given(TRAINS, hs.sampled_from([0.7, 5.0, 33.0, 150.0]), hs.booleans())
def test_binned_counts_covariance_and_correlation(trains, bin_size, binary):
    whole = STOP // bin_size * bin_size
    counts = BinnedSpikeTrain([train.time_slice(0 * pq.ms, whole * pq.ms) for train in neo_trains(trains)],
                              bin_size=bin_size * pq.ms, t_start=0 * pq.ms, t_stop=whole * pq.ms)
    dense = counts.to_array()
    found = st.binned(st.SpikeTrains.of(trains, stop=STOP), bin_size)
    np.testing.assert_array_equal(found.dense()[:, :dense.shape[1]], dense)
    setting = dict(bin_size=bin_size, stop=STOP, binary=binary)
    with np.errstate(all="ignore"):
        expected = spike_train_correlation.covariance(counts, binary=binary, fast=False)
        np.testing.assert_allclose(st.covariance(trains, **setting), expected, rtol=1e-9, atol=1e-12)
        expected = spike_train_correlation.correlation_coefficient(counts, binary=binary, fast=False)
        np.testing.assert_allclose(st.correlation(trains, **setting), expected, rtol=1e-9, atol=1e-9)


@MANY
@given(TRAIN, TRAIN, hs.booleans(), hs.booleans(), hs.sampled_from(["counts", "coefficient"]))
def test_cross_correlogram(one, other, binary, border_correction, output):
    binned = [BinnedSpikeTrain(train, bin_size=4 * pq.ms) for train in neo_trains([one, other])]
    with np.errstate(all="ignore"):
        expected, lags = spike_train_correlation.cross_correlation_histogram(
            *binned, window=[-7, 7], binary=binary, border_correction=border_correction,
            cross_correlation_coefficient=output == "coefficient")
    found = st.cross_correlogram(one, other, bin_size=4.0, max_lag=28.0, stop=STOP, binary=binary,
                                 border_correction=border_correction, output=output)
    np.testing.assert_allclose(found.lags, 4.0 * lags)
    np.testing.assert_allclose(found.values, expected.magnitude[:, 0], rtol=1e-9, atol=1e-9)


@MANY
@given(TRAINS, hs.sampled_from([0.3, 5.1, 60.0]))
def test_spike_time_tiling(trains, window):
    spikes = neo_trains(trains)
    found = st.spike_time_tiling(trains, window=window, stop=STOP, relative_tolerance=1e-5)
    for i, one in enumerate(spikes):
        for j, other in enumerate(spikes):
            expected = spike_train_correlation.spike_time_tiling_coefficient(one, other, dt=window * pq.ms)
            np.testing.assert_allclose(found[i, j], expected, rtol=1e-9, atol=1e-12)


@MANY
@given(TRAINS, hs.sampled_from([0.0, 0.003, 0.1, 3.0]))
def test_victor_purpura_distance(trains, cost):
    expected = spike_train_dissimilarity.victor_purpura_distance(neo_trains(trains), cost_factor=cost / pq.ms)
    np.testing.assert_allclose(st.victor_purpura_distance(trains, cost=cost), expected, rtol=1e-9, atol=1e-9)


@MANY
@given(TRAINS, hs.sampled_from([0.5, 10.0, 300.0]))
def test_van_rossum_distance(trains, tau):
    expected = spike_train_dissimilarity.van_rossum_distance(neo_trains(trains), time_constant=tau * pq.ms)
    # The squares are compared: of nearly equal trains Elephant loses half the digits in the root.
    np.testing.assert_allclose(st.van_rossum_distance(trains, tau=tau)**2, expected**2, rtol=1e-9, atol=1e-9)


@MANY
@given(TRAINS)
def test_spike_contrast(trains):
    if all(len(train) < 2 for train in trains):
        assert np.isnan(st.spike_contrast(trains, stop=STOP))  # Elephant raises
        return
    isi = min(np.diff(train).min() for train in trains if len(train) > 1)
    if max(isi / 2, 10.0) > STOP / 2:
        return
    value, trace = spike_train_synchrony.spike_contrast(neo_trains(trains), return_trace=True)
    np.testing.assert_allclose(st.spike_contrast(trains, stop=STOP), value, rtol=1e-9, atol=1e-12)
    found = st.spike_contrast_trace(trains, stop=STOP)
    np.testing.assert_allclose(found.contrast, trace.contrast, rtol=1e-9)
    np.testing.assert_allclose(found.bin_sizes, trace.bin_size.rescale("ms").magnitude)


@MANY
@given(TRAINS, hs.sampled_from([("gaussian", kernels.GaussianKernel), ("boxcar", kernels.RectangularKernel),
                                ("exponential", kernels.ExponentialKernel), ("alpha", kernels.AlphaKernel)]),
       hs.booleans())
def test_instantaneous_rate(trains, kernel, centre):
    name, form = kernel
    expected = theirs.instantaneous_rate(neo_trains(trains), sampling_period=2 * pq.ms, kernel=form(12 * pq.ms),
                                         cutoff=5.0, center_kernel=centre)
    found = st.instantaneous_rate(trains, sampling_period=2.0, sigma=12.0, kernel=name, cutoff=5.0, centre=centre,
                                  stop=STOP)
    np.testing.assert_allclose(found, expected.rescale("Hz").magnitude, rtol=1e-9, atol=1e-8)


@MANY
@given(TRAINS, hs.sampled_from(["counts", "mean", "rate"]), hs.booleans())
def test_time_histogram(trains, output, binary):
    expected = theirs.time_histogram(neo_trains(trains), bin_size=8 * pq.ms, output=output, binary=binary)
    expected = (expected.rescale("Hz") if output == "rate" else expected).magnitude[:, 0]
    found = st.time_histogram(trains, bin_size=8.0, stop=STOP, output=output, binary=binary)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
