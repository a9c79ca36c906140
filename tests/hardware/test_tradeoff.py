"""Energy against accuracy over a spike-rate penalty."""

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError
from snnsim.hardware import report, tradeoff
from snnsim.hardware.tradeoff import frontier


def priced(weight, accuracy, targets=("loihi", "arithmetic")):
    net = sn.Network(dict(a=sn.Input(4), b=sn.LIF(8), c=sn.LIF(2)),
                     [sn.Projection("a", "b", sn.Dense(weight)), sn.Projection("b", "c", sn.Dense(weight))],
                     key=jax.random.key(0))
    inputs = (np.random.default_rng(0).random((50, 1, 4)) < 0.2).astype(np.float32)
    return report(net, sn.simulate(net, {"a": inputs}, duration=50.0), targets, accuracy=accuracy)


@pytest.fixture(scope="module")
def reports():
    return {"no penalty": priced(2.0, 0.9), "0.01": priced(1.0, 0.88), "0.1": priced(0.3, 0.5)}


def test_points_lie_at_energy_and_accuracy(reports):
    figure = tradeoff(reports, "arithmetic", "quantised-dense")
    axes = figure.axes[0]
    points = [line.get_xydata()[0] for line in axes.lines if line.get_marker() == "o"]
    for point, found in zip(points, reports.values(), strict=True):
        cost = found["arithmetic"].cost.alternatives[2]
        assert point == pytest.approx([found.per_sample_j(cost), 100 * found.accuracy])
    assert axes.get_title(loc="left") == "45 nm arithmetic, quantised-dense"
    bands = [line.get_xdata() for line in axes.lines if line.get_alpha() == 0.35]
    assert all(low < high for low, high in bands)


def test_the_frontier_joins_what_no_other_beats():
    points = {"dear": (3.0, 0.7), "best": (2.0, 0.9), "cheap": (1.0, 0.6), "same": (2.0, 0.8), "tie": (5.0, 0.9)}
    assert frontier(points) == ("cheap", "best")


def test_it_can_stand_in_a_report(reports):
    figure = tradeoff(reports, "loihi")
    net = next(iter(reports.values()))
    assert net.workload.spikes > 0
    assert figure.axes[0].get_xlabel() == "energy of one sample"


def test_wrong_calls(reports):
    with pytest.raises(ConfigurationError, match="no reports"):
        tradeoff({}, "loihi")
    with pytest.raises(ConfigurationError, match="without accuracy"):
        tradeoff({"a": priced(1.0, None)}, "loihi")
    with pytest.raises(ConfigurationError, match="one of operations, operations"):
        tradeoff(reports, "arithmetic", "guess")
    with pytest.raises(ConfigurationError, match="cpu"):
        tradeoff(reports, "cpu")
