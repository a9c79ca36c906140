import jax
import numpy as np
import pytest

import snnsim as sn


def _cross_check(delay=None, record=True):
    """The network of the cross-check against SANA-FE and NeuroBench: 70 inputs, 128 and 20 LIF, 100 steps."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 0.6, (70, 128)), rng.normal(0, 0.5, (128, 20))
    inputs = (rng.random((100, 70)) < 0.05).astype(np.float32)[:, None]
    lif = dict(tau_mem=-1.0 / np.log(0.9), reset_mechanism="zero")
    net = sn.Network(
        dict(input=sn.Input(70), hidden=sn.LIF(128, **lif), output=sn.LIF(20, **lif)),
        [
            sn.Projection("input", "hidden", sn.Dense(first), delay=delay),
            sn.Projection("hidden", "output", sn.Dense(second), delay=delay),
        ],
        key=jax.random.key(0),
    )
    kept = dict(input=["spikes"], hidden=["spikes", "v"], output=["spikes", "v"]) if record else None
    return net, sn.simulate(net, {"input": inputs}, duration=100.0, record=kept)


@pytest.fixture(scope="session")
def checked():
    return _cross_check()


def _small(inputs=None, hidden=None, steps=4):
    """Two inputs, three hidden units, one readout, with one weight of 0."""
    net = sn.Network(
        dict(input=sn.Input(2), hidden=hidden or sn.LIF(3), output=sn.LI(1)),
        dict(
            first=sn.Projection("input", "hidden", sn.Dense(np.array([[1.5, 0.0, 0.1], [0.0, 0.0, 0.2]]))),
            second=sn.Projection("hidden", "output", sn.Dense(0.5)),
        ),
        key=jax.random.key(0),
    )
    if inputs is None:
        inputs = np.zeros((steps, 1, 2), np.float32)
        inputs[0, 0, 0] = inputs[2, 0] = 1.0
    return net, sn.simulate(
        net,
        {"input": inputs},
        duration=float(len(inputs)),
        record=dict(input=["spikes"], hidden=["spikes", "v"], output=["v"]),
    )


@pytest.fixture(scope="session")
def cross_check():
    return _cross_check


@pytest.fixture(scope="session")
def small():
    return _small
