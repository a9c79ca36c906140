import numpy as np
import pytest

from snnsim.datasets import event_digits
from snnsim.datasets.event_digits import camera


@pytest.fixture(scope="module")
def parts():
    return event_digits(0)


def test_sizes(parts):
    train, test = parts
    assert (len(train), len(test)) == (1437, 360)
    assert train.events.shape == test.events.shape == (2, 16, 16)
    assert train.events.duration <= 120.0
    assert 300 < train.events.counts.mean() < 800
    assert np.bincount(test.labels).min() >= 34
    on = train.events.indices >= 256
    assert 0.4 < on.mean() < 0.6  # what comes also goes: the path is closed


def test_seed_decides(parts):
    again, _ = event_digits(0)
    other, _ = event_digits(1)
    assert np.array_equal(again.events.ticks, parts[0].events.ticks)
    assert np.array_equal(again.labels, parts[0].labels)
    assert not np.array_equal(other.labels, parts[0].labels)


def test_a_linear_readout_of_time_bins_learns_it(parts):
    """Ridge regression on 10 time bins reached 97.5 % when this was written."""
    x, z = (p.events.dense(12.0, 10).transpose(1, 0, 2, 3, 4).reshape(len(p), -1) for p in parts)
    gram = x @ x.T + 30.0 * np.eye(len(x), dtype=np.float32)
    answer = z @ (x.T @ np.linalg.solve(gram, 2 * np.eye(10, dtype=np.float32)[parts[0].labels] - 1))
    assert np.mean(answer.argmax(1) == parts[1].labels) > 0.95


def test_net_events_of_a_closed_path_cancel():
    """ON and OFF events of a pixel differ by less than its change of light: the reference follows the light."""
    image = np.zeros((1, 8, 8), np.float32)
    image[0, 2:6, 3:5] = 1.0
    dense = camera(image, np.random.default_rng(0)).dense(120.0, 1)[0, 0]
    assert np.abs(dense[1] - dense[0]).max() <= 2


def test_an_empty_screen_gives_noise_alone():
    events = camera(np.zeros((40, 8, 8), np.float32), np.random.default_rng(0))
    assert events.counts.mean() == pytest.approx(0.2 * 0.12 * 512, rel=0.15)
