"""Events and arrays become trains; windows cut exactly; bad input is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as hs

import snnsim as sn
from snnsim.core.errors import ConfigurationError, DataError, UnsupportedError
from snnsim.statistics import SpikeTrains, binned


def events_of(times, units, shape, resolution=0.1):
    return sn.Events.from_times(times, units, shape=shape, resolution=resolution, sort=True)


def split(trains):
    return [part.tolist() for part in np.split(trains.times, trains.offsets[1:-1])]


def test_a_train_is_a_unit_of_a_sample():
    one = events_of([3.0, 1.0, 2.0], [0, 2, 0], (2, 2))
    other = events_of([0.5], [3], (2, 2))
    trains = SpikeTrains.of(sn.Events.concatenate([one, other]), stop=10.0)
    assert trains.shape == (2, 2, 2)
    assert trains.groups == (2, 4)
    assert split(trains) == [[2.0, 3.0], [], [1.0], [], [], [], [], [0.5]]
    assert trains.shaped(trains.counts).tolist() == [[[2, 0], [1, 0]], [[0, 0], [0, 1]]]
    assert trains.train.tolist() == [0, 0, 2, 7]


@given(hs.lists(hs.tuples(hs.integers(0, 50), hs.integers(0, 4)), max_size=40))
def test_events_and_lists_agree(spikes):
    ticks, units = np.array(spikes, int).reshape(-1, 2).T
    trains = SpikeTrains.of(events_of(ticks * 0.1, units, 5), stop=6.0)
    lists = SpikeTrains.of([np.sort(ticks[units == unit]) * 0.1 for unit in range(5)], stop=6.0)
    np.testing.assert_allclose(trains.times, lists.times)
    assert trains.offsets.tolist() == lists.offsets.tolist()
    assert trains.shape == (1, 5)
    assert lists.shape == (5,)


def test_many_units_and_long_times_sort_without_overflow():
    ticks, units = np.array([0, 2**61, 2**62]), np.array([5, 1, 5])
    trains = SpikeTrains.of(sn.Events(ticks, units, np.array([0, 3]), (7,), 1.0))
    assert split(trains) == [[], [2.0**61], [], [], [], [0.0, 2.0**62], []]


def test_one_array_is_one_train():
    trains = SpikeTrains.of(np.array([1.0, 2.0]))
    assert (trains.shape, trains.groups, trains.shaped(trains.counts)) == ((), (1, 1), 2)
    assert SpikeTrains.of([1, 2]).times.dtype == np.float64
    assert SpikeTrains.of([]).shape == ()
    assert SpikeTrains.of([[], []]).shape == (2,)


@pytest.mark.parametrize("resolution", [0.1, 0.3, 0.7, 1 / 3])
def test_windows_of_events_are_exact(resolution):
    ticks = np.arange(100)
    events = sn.Events(ticks, np.zeros(100, int), np.array([0, 100]), (1,), resolution)
    start, stop = ticks[10] * resolution, ticks[40] * resolution  # the products are not on the grid of decimals
    if resolution != 1 / 3:
        start, stop = round(start, 6), round(stop, 6)
    trains = SpikeTrains.of(events, start=start, stop=stop)
    assert len(trains.times) == 30
    assert trains.duration == stop - start


def test_a_window_of_arrays_is_half_open():
    trains = SpikeTrains.of([[-5.0, 0.0, 9.0], [10.0]], start=0.0, stop=10.0)
    assert split(trains) == [[0.0, 9.0], []]
    assert split(SpikeTrains.of(trains, start=5.0)) == [[9.0], []]
    assert SpikeTrains.of(trains, start=5.0).duration == 5.0
    assert SpikeTrains.of(trains) is trains


def test_selection_and_exchange_of_samples_and_units():
    trains = SpikeTrains.of([[1.0], [], [2.0, 3.0]], stop=5.0)
    assert split(trains[[2, 0]]) == [[2.0, 3.0], [1.0]]
    assert split(trains[1]) == [[]]
    assert split(trains[np.array([False, False, True])]) == [[2.0, 3.0]]
    samples = sn.Events.concatenate([events_of([1.0, 2.0], [0, 1], 2), events_of([3.0], [1], 2)])
    exchanged = SpikeTrains.of(samples, stop=5.0).by_unit()
    assert exchanged.shape == (2, 2)
    assert split(exchanged) == [[1.0], [], [2.0], [3.0]]


@given(hs.lists(hs.integers(0, 999), max_size=30), hs.sampled_from([0.1, 0.3, 0.7, 1.1]),
       hs.sampled_from([1, 3, 7]))
def test_bins_are_exact_on_a_grid_of_decimals(ticks, resolution, ratio):
    trains = SpikeTrains.of(events_of(np.array(ticks) * resolution, np.zeros(len(ticks), int), 1, resolution),
                            stop=1000 * resolution)
    counts = binned(trains, ratio * resolution)
    assert counts.n_bins == 1000 // ratio
    whole = [tick // ratio for tick in ticks if tick // ratio < counts.n_bins]
    expected = np.bincount(whole, minlength=counts.n_bins)
    np.testing.assert_array_equal(counts.dense()[0], expected)
    np.testing.assert_array_equal(counts.pooled()[0], expected)
    np.testing.assert_array_equal(counts.clipped().dense()[0], expected > 0)
    assert counts.per_train(2)[0] == (expected**2).sum()


@pytest.mark.parametrize("wrong", [[1.0, np.nan], [np.inf], [2.0, 1.0], [[1.0], [3.0, 2.0]], [-1.0],
                                   [[[1.0]]], ["a"], [True, False], np.zeros((2, 2)), np.array(3.0)])
def test_damaged_times_are_refused(wrong):
    with pytest.raises(DataError):
        SpikeTrains.of(wrong)


@pytest.mark.parametrize("window", [dict(start=5.0, stop=5.0), dict(start=5.0, stop=1.0), dict(stop=-1.0),
                                    dict(start=np.nan, stop=1.0), dict(stop=np.inf), dict(stop=np.nan)])
def test_windows_that_are_none_are_refused(window):
    for source in ([1.0], events_of([1.0], [0], 1), SpikeTrains.of([1.0], stop=10.0)):
        with pytest.raises(ConfigurationError):
            SpikeTrains.of(source, **window)


def test_a_window_beyond_that_of_the_trains_is_refused():
    trains = SpikeTrains.of([1.0], stop=10.0)
    with pytest.raises(ConfigurationError, match="longer window"):
        SpikeTrains.of(trains, stop=11.0)
    with pytest.raises(ConfigurationError, match="longer window"):
        SpikeTrains.of(trains, start=-1.0)


def test_not_a_number_is_refused_even_outside_the_window():
    with pytest.raises(DataError):
        SpikeTrains.of([1.0, np.nan], start=0.0, stop=10.0)


def test_an_unknown_end_is_asked_for():
    with pytest.raises(ConfigurationError, match="stop="):
        _ = SpikeTrains.of([1.0]).duration


@pytest.mark.parametrize("bin_size", [0.0, -1.0, np.nan, np.inf, 11.0, 1e-300])
def test_bins_that_do_not_fit_are_refused(bin_size):
    with pytest.raises(ConfigurationError):
        binned(SpikeTrains.of([1.0], stop=10.0), bin_size)


def test_counted_events_are_several_spikes():
    events = sn.Events.from_dense(np.array([0, 2, 1, 3.0])[:, None, None], dt=0.5)
    assert SpikeTrains.of(events).times.tolist() == [0.5, 0.5, 1.0, 1.5, 1.5, 1.5]


@pytest.mark.parametrize("value", [-1.0, 0.5, 0.0, 1e30])
def test_graded_events_are_not_spikes(value):
    events = sn.Events.from_times([1.0, 2.0], [0, 0], shape=1, values=np.array([1.0, value]))
    with pytest.raises(UnsupportedError), np.errstate(invalid="ignore"):
        SpikeTrains.of(events)
    assert SpikeTrains.of(replace(events, values=None)).counts.tolist() == [2]


def test_wrong_offsets_are_refused():
    for offsets in ([0, 1], [0, 2, 1], [1, 2, 2], [0, 0, 3]):
        with pytest.raises(DataError):
            SpikeTrains(np.array([1.0, 2.0]), np.array(offsets), (2,))
