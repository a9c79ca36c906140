import numpy as np
import pytest

from snnsim.core.dataset import LabelledEvents
from snnsim.core.errors import ConfigurationError
from snnsim.core.events import Events
from snnsim.datasets import transforms as tf


@pytest.fixture
def sound():
    rng = np.random.default_rng(1)
    ticks = np.concatenate([np.sort(rng.integers(0, 9000, 300)) for _ in range(3)])
    return Events(ticks, rng.integers(0, 20, 900),
                  [0, 300, 600, 900], 20, 0.01, rng.normal(size=900).astype(np.float32))


@pytest.fixture
def film():
    rng = np.random.default_rng(2)
    return Events(np.sort(rng.integers(0, 900, 500)), rng.integers(0, 2 * 7 * 9, 500), [0, 500], (2, 7, 9),
                  0.1)


def test_crop_and_scale(sound):
    assert tf.crop(sound, 30.0).times.max() < 30.0
    part = tf.crop(sound, 30.0, start=10.0)
    inside = (sound.times >= 10.0) & (sound.times < 40.0)
    np.testing.assert_allclose(part.times, sound.times[inside] - 10.0)
    np.testing.assert_allclose(tf.time_scale(sound, 2.0).times, 2 * sound.times)
    assert tf.time_scale(sound, 0.5).n_events == sound.n_events


def test_bin_time_floors(sound):
    coarse = tf.bin_time(sound, 5.0)
    assert coarse.resolution == 5.0
    assert np.array_equal(coarse.ticks, sound.ticks // 500)
    assert np.array_equal(coarse.dense(5.0), sound.dense(5.0))


def test_jitter_has_its_width_and_keeps_each_event_with_its_unit(sound):
    moved = tf.time_jitter(sound, 1.0, seed=3)
    assert np.array_equal(moved.counts, sound.counts)
    for before, after in zip(sound, moved, strict=True):
        assert sorted(zip(before.indices, before.values, strict=True)) == sorted(
            zip(after.indices, after.values, strict=True))
    one = Events.from_times(np.full(20_000, 50.0), np.zeros(20_000, int), shape=1)
    assert tf.time_jitter(one, 2.0, seed=0).times.std() == pytest.approx(2.0, rel=0.03)
    assert np.array_equal(tf.time_jitter(sound, 0.0, seed=3).ticks, sound.ticks)


def test_dropping_keeps_a_fraction():
    many = Events.from_times(np.arange(20_000.0), np.zeros(20_000, int), shape=1)
    assert tf.drop_events(many, 0.3, seed=0).n_events == pytest.approx(14_000, rel=0.03)
    assert tf.drop_events(many, 0.0, seed=0).n_events == 20_000
    assert tf.drop_events(many, 1.0, seed=0).n_events == 0


def test_pooling_sums_groups(sound):
    pooled = tf.channel_pool(sound, 5)
    assert pooled.shape == (4,)
    expected = sound.dense(10.0).reshape(9, 3, 4, 5).sum(-1)
    np.testing.assert_allclose(pooled.dense(10.0), expected, atol=1e-5)


def test_channel_moves_drop_what_falls_off(sound):
    moved = tf.channel_jitter(sound, 3.0, seed=0)
    assert 0 < moved.n_events < sound.n_events
    shifted = tf.channel_shift(sound, 4, seed=5)
    for before, after in zip(sound, shifted, strict=True):
        offsets = [s for s in range(-4, 5) if np.array_equal(
            (before.indices + s)[(before.indices + s >= 0) & (before.indices + s < 20)], after.indices)]
        assert len(offsets) == 1


def test_spatial_downsample_sums_squares(film):
    small = tf.spatial_downsample(film, 2)
    assert small.shape == (2, 4, 5)
    padded = np.pad(film.dense(10.0), ((0, 0), (0, 0), (0, 0), (0, 1), (0, 1)))
    assert np.array_equal(small.dense(10.0), padded.reshape(*padded.shape[:3], 4, 2, 5, 2).sum((4, 6)))


def test_centre_crop_is_a_window(film):
    assert np.array_equal(tf.centre_crop(film, 3, 5).dense(10.0, 9), film.dense(10.0, 9)[..., 2:5, 2:7])
    assert np.array_equal(tf.centre_crop(film, 7, 9).indices, film.indices)


@pytest.mark.parametrize("transform", [
    lambda e, seed: tf.time_jitter(e, 1.0, seed=seed), lambda e, seed: tf.drop_events(e, 0.5, seed=seed),
    lambda e, seed: tf.channel_jitter(e, 2.0, seed=seed), lambda e, seed: tf.channel_shift(e, 6, seed=seed)])
def test_seed_decides(sound, transform):
    one, two, other = transform(sound, 1), transform(sound, 1), transform(sound, 2)
    assert np.array_equal(one.ticks, two.ticks)
    assert np.array_equal(one.indices, two.indices)
    assert not (np.array_equal(one.ticks, other.ticks) and np.array_equal(one.indices, other.indices))


def test_labels_travel(sound):
    data = LabelledEvents(sound, np.array([0, 1, 0]), ("a", "b"), np.array([4, 5, 6]), "toy")
    pooled = tf.channel_pool(data, 5)
    assert isinstance(pooled, LabelledEvents)
    assert (pooled.labels.tolist(), pooled.groups.tolist(), pooled.name) == ([0, 1, 0], [4, 5, 6], "toy")


@pytest.mark.parametrize("wrong", [
    lambda e: tf.channel_pool(e, 3), lambda e: tf.crop(e, 0.0), lambda e: tf.crop(e, 1.0, start=-1.0),
    lambda e: tf.time_jitter(e, -1.0, seed=0), lambda e: tf.drop_events(e, 1.5, seed=0),
    lambda e: tf.bin_time(e, 0.001), lambda e: tf.spatial_downsample(e, 2), lambda e: tf.centre_crop(e, 1, 1),
    lambda e: tf.time_scale(e, 0.0), lambda e: tf.channel_shift(e, -1, seed=0)])
def test_refuses_arguments_without_sense(sound, wrong):
    with pytest.raises(ConfigurationError):
        wrong(sound)


def test_one_per_step_makes_input_binary_and_keeps_every_filled_place():
    rng = np.random.default_rng(5)
    parts = [Events.from_times(np.sort(rng.uniform(0, 30, 200)), rng.integers(0, 6, 200), shape=6) for _ in range(3)]
    events = Events.concatenate(parts)
    kept = tf.one_per_step(events, 2.0)
    np.testing.assert_array_equal(kept.dense(2.0, 15), events.dense(2.0, 15) > 0)
    assert kept.n_events < events.n_events
