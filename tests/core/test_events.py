"""`Events`: what must hold for any recording, on the exact grid of ticks."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnsim.core.errors import DataError
from snnsim.core.events import Events, exact_ratio

quick = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def recordings(draw):
    """Events of up to 4 samples on a small grid, with or without values."""
    counts = draw(st.lists(st.integers(0, 12), max_size=4))
    n = sum(counts)
    ticks = [t for count in counts
             for t in sorted(draw(st.lists(st.integers(0, 50), min_size=count, max_size=count)))]
    indices = draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    values = draw(st.one_of(st.none(), st.lists(st.integers(-3, 3), min_size=n, max_size=n)))
    resolution = draw(st.sampled_from([0.1, 0.5, 1.0, 0.001]))
    ticks, indices = np.array(ticks, int), np.array(indices, int)
    return Events(ticks, indices, np.cumsum([0, *counts]), (2, 3), resolution, values)


@quick
@given(recordings(), st.sampled_from([1, 2, 5, 7]))
def test_dense_holds_every_event_once(events, factor):
    dt = float(Fraction(repr(events.resolution)) * factor)
    dense = events.dense(dt)
    expected = np.zeros((events.n_steps(dt), len(events), 6))
    for sample, one in enumerate(events):
        for tick, index, value in zip(one.ticks, one.indices, one.weights(), strict=True):
            expected[tick // factor, sample, index] += value
    assert dense.dtype == np.float32
    assert np.array_equal(dense.reshape(expected.shape), expected)


@quick
@given(recordings())
def test_from_dense_inverts_dense(events):
    dense = events.dense(events.resolution)
    back = Events.from_dense(dense, dt=events.resolution)
    assert np.array_equal(back.dense(events.resolution, len(dense)), dense)


@quick
@given(recordings(), st.data())
def test_samples_can_be_taken_apart_and_joined(events, data):
    if len(events):
        joined = Events.concatenate([events[i] for i in range(len(events))])
        assert_equal(joined, events)
        order = data.draw(st.permutations(range(len(events))))
        assert_equal(events[np.array(order)][np.argsort(order)], events)
        assert events[-1].n_events == events.counts[-1]
    assert len(events[:0]) == 0
    assert len(events[np.zeros(len(events), bool)]) == 0


@quick
@given(recordings(), st.integers(0, 60), st.integers(0, 60))
def test_crop_keeps_the_window(events, first, length):
    start, stop = first * events.resolution, (first + length) * events.resolution
    part = events.crop(round(start, 9), round(stop, 9))
    inside = (events.ticks >= first) & (events.ticks < first + length)
    assert np.array_equal(part.ticks, events.ticks[inside] - first)
    assert np.array_equal(part.samples, events.samples[inside])
    assert len(part) == len(events)


@quick
@given(st.integers(1, 400), st.integers(0, 10**9), st.sampled_from(["0.1", "0.25", "0.3", "0.7", "1.1"]))
def test_steps_are_exact(factor, k, dt):
    """The event at k * dt falls into step k, however k * dt is rounded in binary."""
    resolution = float(Fraction(dt) / factor)
    if exact_ratio(resolution, float(dt)) == Fraction(1, factor):  # a resolution written without a rest
        events = Events([k * factor, k * factor + factor - 1], [0, 0], [0, 2], 1, resolution)
        assert events.steps(float(dt)).tolist() == [k, k]


def test_step_widths_without_short_decimals_do_not_overflow():
    """1/3 as a decimal has 16 digits: the product with a tick leaves 64 bits."""
    events = Events.from_times([0.0, 0.4, 1000.0, 1e6], [0, 0, 0, 0], shape=1)
    assert events.steps(1 / 3).tolist() == [0, 1, 3000, 3_000_000]


@quick
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=5), st.booleans())
def test_any_times_give_events_or_a_data_error(times, sort):
    try:
        events = Events.from_times(times, np.zeros(len(times), int), shape=1, sort=sort)
    except DataError:
        return
    assert np.isfinite(times).all()
    assert (np.diff(events.ticks) >= 0).all()
    assert (np.asarray(times) >= -0.0005).all()


@quick
@given(st.lists(st.integers(-(2**40), 2**40), max_size=6), st.lists(st.integers(-9, 9), max_size=6),
       st.lists(st.integers(-2, 7), max_size=4), st.integers(-1, 9))
def test_any_arrays_give_events_or_a_data_error(ticks, indices, offsets, size):
    arrays = (np.array(a, int) for a in (ticks, indices, offsets))
    try:
        events = Events(*arrays, size)
    except DataError:
        return
    assert events.dense(2.0**41).sum() == len(ticks)


@pytest.mark.parametrize(("change", "message"), [
    ({"ticks": [3, 2]}, r"after .* expected times in order"),
    ({"ticks": [-1, 2]}, "times of 0 or later"),
    ({"ticks": [0.5, 1.0]}, "list of integers"),
    ({"indices": [0, 4]}, "unit index 4"),
    ({"indices": [-1, 0]}, "unit index -1"),
    ({"indices": [0, 2**40]}, "indices up to"),
    ({"indices": [0]}, "equal lengths"),
    ({"offsets": [0, 1]}, "0 rising to 2"),
    ({"offsets": [0, 3, 2]}, "0 rising to 2"),
    ({"offsets": []}, "0 rising to 2"),
    ({"resolution": 0.0}, "a positive number"),
    ({"resolution": float("nan")}, "a positive number"),
    ({"values": [1.0, np.inf]}, "finite values"),
    ({"values": [1.0]}, "equal lengths"),
    ({"shape": (2, 0)}, "at least one unit"),
    ({"shape": -4}, "at least one unit"),
])
def test_refusals_say_what_is_wrong(change, message):
    good = {"ticks": [1, 2], "indices": [0, 3], "offsets": [0, 2], "shape": (2, 2)}
    Events(**good)
    with pytest.raises(DataError, match=message):
        Events(**(good | change))


def test_late_events_are_refused():
    events = Events.from_times([0.0, 9.5], [0, 1], shape=2)
    with pytest.raises(DataError, match="events before 9 ms"):
        events.dense(1.0, 9)
    assert events.dense(1.0, 10).sum() == 2


def test_an_order_within_samples_alone_is_asked_for():
    assert Events([5, 1], [0, 0], [0, 1, 2], 1).counts.tolist() == [1, 1]
    assert Events([5, 1], [0, 0], [0, 0, 1, 1, 2, 2], 1).counts.tolist() == [0, 1, 0, 1, 0]


def test_concatenate_wants_one_kind():
    one = Events.from_times([1.0], [0], shape=2)
    with pytest.raises(DataError, match="one shape and one resolution"):
        Events.concatenate([one, Events.from_times([1.0], [0], shape=3)])
    valued = Events.from_times([1.0], [1], shape=2, values=[2.5])
    assert Events.concatenate([one, valued]).weights().tolist() == [1.0, 2.5]


def assert_equal(one, two):
    assert (one.shape, one.resolution) == (two.shape, two.resolution)
    for name in ("ticks", "indices", "offsets"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    assert np.array_equal(one.weights(), two.weights())
