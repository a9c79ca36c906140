import numpy as np
import pytest

from snnsim.core.dataset import LabelledEvents
from snnsim.core.errors import ConfigurationError, DataError
from snnsim.core.events import Events
from snnsim.datasets import batches, epoch_order


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    dense = rng.integers(0, 3, (6, 10, 2, 3))
    return LabelledEvents(Events.from_dense(dense, dt=2.0), rng.integers(0, 4, 10), tuple("abcd")), dense


def test_batches_hold_every_sample_once(data):
    data, dense = data
    made = list(batches(data, 4, dt=2.0, steps=6, seed=3, epoch=1))
    assert {batch.inputs.shape for batch in made} == {(6, 4, 2, 3)}
    assert {batch.inputs.dtype for batch in made} == {np.dtype(np.float32)}
    index = np.concatenate([batch.index for batch in made])
    mask = np.concatenate([batch.mask for batch in made])
    assert sorted(index[mask == 1]) == list(range(10))
    assert index[mask == 0].tolist() == [10, 10]
    for batch in made:
        for column, (at, real) in enumerate(zip(batch.index, batch.mask, strict=True)):
            expected = dense[:, at] if real else np.zeros((6, 2, 3))
            assert np.array_equal(batch.inputs[:, column], expected)
            assert batch.labels[column] == (data.labels[at] if real else 0)


def test_order_depends_on_seed_and_epoch_alone():
    assert np.array_equal(epoch_order(50, 1, 2), epoch_order(50, 1, 2))
    orders = {tuple(epoch_order(50, seed, epoch)) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9
    assert epoch_order(5, None, 7).tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(ConfigurationError):
        epoch_order(5, -1)


def test_drop_last(data):
    assert len(list(batches(data[0], 4, dt=2.0, steps=6, drop_last=True))) == 2
    assert len(list(batches(data[0], 5, dt=2.0, steps=6, drop_last=True))) == 2


def test_late_events_are_refused_unless_cropped(data):
    data, dense = data
    with pytest.raises(DataError, match="before 8 ms"):
        list(batches(data, 4, dt=2.0, steps=4))
    batch = next(batches(data, 10, dt=2.0, steps=4, crop=True))
    assert np.array_equal(batch.inputs, dense[:4])


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"steps": 0}, {"dt": 0.0}, {"dt": float("nan")}])
def test_refuses_sizes_without_sense(data, wrong):
    with pytest.raises(ConfigurationError):
        batches(data[0], **({"batch_size": 2, "dt": 1.0, "steps": 3} | wrong))
