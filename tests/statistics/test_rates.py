"""Rates, histograms and kernels against closed forms."""

import numpy as np
import pytest

import snnsim as sn
from snnsim import statistics as st
from snnsim.core.errors import ConfigurationError


@pytest.fixture(scope="module")
def two_samples():
    one = sn.Events.from_times([1.0, 2.0, 12.0], [0, 0, 1], shape=2)
    other = sn.Events.from_times([3.0], [1], shape=2)
    return sn.Events.concatenate([one, other])


def test_rates_of_units_and_samples(two_samples):
    np.testing.assert_allclose(st.rates(two_samples, stop=20.0), [[100.0, 50.0], [0.0, 50.0]])
    np.testing.assert_allclose(st.rates(two_samples, start=2.0, stop=12.0), [[100.0, 0.0], [0.0, 100.0]])
    assert st.rates([1.0, 2.0], stop=20.0) == 100.0
    assert st.rates([], stop=20.0) == 0.0


def test_rates_agree_with_the_recording():
    import jax

    events = sn.Events.from_times(np.arange(0.0, 50.0, 0.5), np.arange(100) % 3, shape=3)
    net = sn.Network(dict(input=sn.Input(3), cells=sn.LIF(4)), dict(up=sn.Projection("input", "cells", sn.Dense())),
                     key=jax.random.key(1))
    recording = sn.simulate(net, {"input": events}, duration=50.0, dt=1.0, record={"input": ["spikes"]})
    found = st.rates(recording.events("input"), stop=recording.duration)
    np.testing.assert_allclose(found, np.asarray(recording.rates("input")), rtol=1e-6)


def test_population_rate_is_the_mean_over_units(two_samples):
    rate = st.population_rate(two_samples, bin_size=10.0, stop=25.0)
    np.testing.assert_allclose(rate, [[100.0, 50.0], [50.0, 0.0]])  # [bins, batch]; the half bin at the end is out
    np.testing.assert_allclose(st.population_rate([[1.0, 2.0], [3.0]], bin_size=10.0, stop=10.0), [150.0])


def test_time_histogram_counts_means_and_rates():
    trains = st.SpikeTrains.of([[1.0, 2.0], [3.0], [14.0]], stop=20.0)
    for output, expected in dict(counts=[3, 1], mean=[1, 1 / 3], rate=[100, 100 / 3]).items():
        np.testing.assert_allclose(st.time_histogram(trains, bin_size=10.0, output=output), expected)
    np.testing.assert_allclose(st.time_histogram(trains, bin_size=10.0, binary=True), [2, 1])


def test_psth_is_the_mean_over_trials(two_samples):
    found = st.psth(two_samples, bin_size=10.0, stop=20.0)
    np.testing.assert_allclose(found, [[100.0, 50.0], [0.0, 50.0]])  # [bins, units]
    np.testing.assert_allclose(st.psth([[1.0], [2.0], []], bin_size=10.0, stop=20.0), [200 / 3, 0.0])
    np.testing.assert_allclose(st.psth([1.0], bin_size=10.0, stop=20.0), [100.0, 0.0])


@pytest.mark.parametrize("kernel", ["gaussian", "boxcar", "exponential", "alpha"])
def test_a_spike_adds_its_kernel(kernel):
    sigma = 7.0
    rate = st.instantaneous_rate([300.0], sampling_period=0.05, sigma=sigma, kernel=kernel, cutoff=12.0, stop=600.0,
                                 centre=False)
    time = np.arange(12000) * 0.05 - 300.0
    t = np.maximum(time, 0.0)
    density = {
        "gaussian": np.exp(-time**2 / (2 * sigma**2)) / np.sqrt(2 * np.pi * sigma**2),
        "boxcar": (np.abs(time) < np.sqrt(3) * sigma) / (2 * np.sqrt(3) * sigma),
        "exponential": (time >= -1e-9) * np.exp(-t / sigma) / sigma,
        "alpha": t * np.exp(-t * np.sqrt(2) / sigma) * 2 / sigma**2,
    }[kernel]
    inside = np.abs(time) < 12 * sigma - 1
    np.testing.assert_allclose(rate[inside], 1e3 * density[inside], atol=1e-9)
    assert abs(rate.sum() * 0.05e-3 - 1) < 5e-3
    mean = (rate * time).sum() / rate.sum()
    assert abs(np.sqrt((rate * (time - mean)**2).sum() / rate.sum()) - sigma) < 0.02 * sigma


@pytest.mark.parametrize("kernel", ["exponential", "alpha"])
def test_centred_kernels_have_their_median_at_the_spike(kernel):
    rate = st.instantaneous_rate([300.0], sampling_period=0.05, sigma=7.0, kernel=kernel, cutoff=12.0, stop=600.0)
    assert abs(rate[:6000].sum() / rate.sum() - 0.5) < 5e-3


def test_pooling_is_the_mean_of_the_trains(two_samples):
    setting = dict(sampling_period=1.0, sigma=3.0, stop=20.0)
    each = st.instantaneous_rate(two_samples, **setting)
    assert each.shape == (20, 2, 2)
    np.testing.assert_allclose(st.instantaneous_rate(two_samples, pool=True, **setting), each.mean(2), atol=1e-9)
    lists = [[1.0, 2.0], [12.0]]
    np.testing.assert_allclose(st.instantaneous_rate(lists, **setting), each[:, 0], atol=1e-9)
    np.testing.assert_allclose(st.instantaneous_rate(lists, pool=True, **setting), each[:, 0].mean(1), atol=1e-9)
    assert (each >= 0).all()


def test_fano_factor_of_trials_windows_and_nothing(two_samples):
    np.testing.assert_allclose(st.fano_factor(two_samples), [1.0, 0.0])  # counts (2, 0) and (1, 1)
    assert st.fano_factor([[1.0, 2.0, 3.0], [1.0]]) == 0.5
    assert np.isnan(st.fano_factor([[], []]))
    assert np.isnan(st.fano_factor([[1.0]]))
    np.testing.assert_allclose(st.fano_factor([[1.0, 2.0, 11.0, 12.0], [1.0, 2.0]], window=10.0, stop=20.0), [0.0, 1.0])
    rng = np.random.default_rng(0)
    poisson = np.sort(rng.uniform(0, 1e6, 50_000))
    assert abs(st.fano_factor(poisson, window=100.0, stop=1e6) - 1) < 4 * np.sqrt(2 / 1e4)


def test_no_sample_at_all():
    nothing = sn.Events(np.empty(0, int), np.empty(0, int), np.array([0]), (3,))
    setting = dict(bin_size=5.0, stop=20.0)
    assert st.rates(nothing, stop=20.0).shape == st.cv_isi(nothing).shape == (0, 3)
    assert st.population_rate(nothing, **setting).shape == (4, 0)
    assert np.isnan(st.psth(nothing, **setting)).all()
    assert np.isnan(st.fano_factor(nothing)).all()
    assert st.correlation(nothing, **setting).shape == (0, 3, 3)
    assert st.mean_correlation(nothing, **setting).shape == (0,)
    assert len(st.pair_correlations(nothing, **setting)) == 0
    assert st.instantaneous_rate(nothing, sampling_period=1.0, sigma=2.0, stop=20.0).shape == (20, 0, 3)


@pytest.mark.parametrize("wrong", [
    lambda: st.rates([1.0]), lambda: st.psth(sn.Events.from_times([], [], shape=10**6), bin_size=0.01, stop=100.0),
    lambda: st.binned(st.SpikeTrains.of([[]] * 1000, stop=1e6), 1.0).dense(),
    lambda: st.activity([1.0], bin_size=1e-6, stop=1e6), lambda: st.rates([1.0], start=2.0, stop=1.0),
    lambda: st.population_rate([1.0], bin_size=-1.0, stop=9.0),
    lambda: st.time_histogram([1.0], bin_size=1.0, stop=9.0, output="median"),
    lambda: st.psth([1.0], bin_size=10.0, stop=9.0),
    lambda: st.instantaneous_rate([1.0], sampling_period=1.0, sigma=0.0, stop=9.0),
    lambda: st.instantaneous_rate([1.0], sampling_period=-1.0, sigma=1.0, stop=9.0),
    lambda: st.instantaneous_rate([1.0], sampling_period=1.0, sigma=1.0, stop=9.0, kernel="triangle"),
    lambda: st.instantaneous_rate([1.0], sampling_period=1.0, sigma=1.0, stop=9.0, cutoff=1.0),
    lambda: st.instantaneous_rate([1.0], sampling_period=1.0, sigma=1e9, stop=9.0),
    lambda: st.instantaneous_rate([[1.0]] * 1000, sampling_period=1e-6, sigma=1e-3, stop=9.0),
    lambda: st.fano_factor([1.0], window=20.0, stop=9.0)])
def test_refusals(wrong):
    with pytest.raises(ConfigurationError):
        wrong()
