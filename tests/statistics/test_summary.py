"""Summaries of recordings, events and populations."""

import dataclasses
import json

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim import statistics as st
from snnsim.core.errors import ConfigurationError


def poisson(rng, units, rate, duration):
    n = rng.poisson(rate * duration * 1e-3 * units)
    return sn.Events.from_times(rng.uniform(0, duration, n), rng.integers(0, units, n), shape=units, sort=True)


def test_a_summary_is_made_of_its_parts():
    rng = np.random.default_rng(0)
    events = sn.Events.concatenate([poisson(rng, 50, 20.0, 2000.0) for _ in range(2)])
    found = st.summary(events, start=100.0, stop=2000.0, bin_size=7.0, most=20, seed=3)["events"]
    trains = st.SpikeTrains.of(events, start=100.0, stop=2000.0)
    assert (found.units, found.samples, found.duration) == (50, 2, 1900.0)
    assert found.spikes == len(trains.times)
    rates, cv = st.rates(trains), st.cv_isi(trains)
    np.testing.assert_allclose([found.rate_mean, found.rate_std], [rates.mean(), rates.std()])
    np.testing.assert_allclose([found.cv_mean, found.cv_std], [cv.mean(), cv.std()])
    matrix = st.correlation(trains, bin_size=7.0)
    pairs = matrix[:, *np.triu_indices(50, 1)]
    np.testing.assert_allclose(found.correlation_mean, pairs.mean(), atol=1e-12)
    assert found.sampled_pairs == 2 * 190
    assert abs(found.correlation_std - pairs.std()) < 0.02
    assert abs(found.rate_mean - 20) < 1
    assert abs(found.cv_mean - 1) < 0.1
    assert json.dumps(dataclasses.asdict(found))


def test_many_units_need_no_matrix():
    found = st.summary(poisson(np.random.default_rng(1), 100_000, 3.0, 1000.0), stop=1000.0)["events"]
    assert found.units == 100_000
    assert abs(found.correlation_mean) < 1e-4  # of 5e9 pairs
    assert found.sampled_pairs == 500 * 499 / 2
    np.testing.assert_allclose(found.silent, np.exp(-3.0), rtol=0.05)


def test_silence_has_a_rate_but_nothing_else():
    found = st.summary({"a": sn.Events.from_times([], [], shape=3), "b": sn.Events.from_times([1.0], [0], shape=1)},
                       stop=100.0)
    assert list(found) == ["a", "b"]
    assert (found["a"].spikes, found["a"].rate_mean, found["a"].silent, found["a"].cv_units) == (0, 0.0, 1.0, 0)
    nothing = [value for name in ("cv_mean", "cv_std", "correlation_mean", "correlation_std")
               for value in (getattr(found["a"], name), getattr(found["b"], name))]
    assert np.isnan(nothing).all()


def test_a_window_shorter_than_two_bins_has_no_correlation():
    found = st.summary(sn.Events.from_times([1.0, 2.0], [0, 1], shape=2), stop=8.0)["events"]
    assert np.isnan(found.correlation_mean)
    assert found.rate_mean == 125.0


@pytest.fixture(scope="module")
def recording():
    rng = np.random.default_rng(2)
    net = sn.Network(dict(noise=sn.Input(6), cells=sn.LIF(5), readout=sn.LI(2)),
                     [sn.Projection("noise", "cells", sn.Dense(weight=0.7)),
                      sn.Projection("cells", "readout", sn.Dense())], key=jax.random.key(0))
    events = poisson(rng, 6, 100.0, 100.0)
    return sn.simulate(net, {"noise": events}, duration=100.0, dt=1.0,
                       record={"noise": ["spikes"], "cells": ["spikes"], "readout": ["v"]})


def test_of_a_recording(recording):
    found = st.summary(recording)
    assert list(found) == ["noise", "cells"]
    for name, part in found.items():
        assert part.duration == 100.0
        np.testing.assert_allclose(part.rate_mean, recording.events(name).weights().sum() / part.units / 0.1)
    np.testing.assert_allclose(found["cells"].rate_mean, np.asarray(recording.rates("cells")).mean(), rtol=1e-6)
    assert found["cells"].spikes > 20
    assert list(st.summary(recording, ["cells"], start=50.0)) == ["cells"]
    assert st.summary(recording, ["cells"], start=50.0)["cells"].duration == 50.0


@pytest.mark.parametrize("wrong", [dict(populations=["readout"]), dict(populations=["nobody"]), dict(populations=[]),
                                   dict(start=200.0), dict(bin_size=0.0), dict(most=1)])
def test_refusals(recording, wrong):
    with pytest.raises(ConfigurationError):
        st.summary(recording, **wrong)


def test_events_do_not_know_their_end():
    with pytest.raises(ConfigurationError, match="stop="):
        st.summary(sn.Events.from_times([1.0], [0], shape=1))
