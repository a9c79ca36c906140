"""Pair STDP and short-term plasticity against Brian2: equations written by hand there, in double precision."""

import numpy as np
import pytest
from parrots import network, trains

import snnsim as sn
from snnsim.plasticity import BRIAN2, PairSTDP
from snnsim.synapses import TsodyksMarkram

STEPS, PRE, POST = 300, 5, 4
pytestmark = pytest.mark.usefixtures("x64")

PLASTIC = """w : 1
             dx/dt = -x / (15*ms) : 1 (event-driven)
             dy/dt = -y / (25*ms) : 1 (event-driven)"""
SHORT_TERM = """w : 1
                du/dt = (0.2 - u) / (150*ms) : 1 (event-driven)
                dx/dt = (1 - x) / (200*ms) : 1 (event-driven)"""


def of_brian(equations, delay, initial, weight=None, **pathways):
    """(what reaches each target in each step, weights of all pairs)."""
    b2 = pytest.importorskip("brian2")
    b2.prefs.codegen.target = "numpy"
    b2.start_scope()
    b2.defaultclock.dt = 1 * b2.ms
    groups = []
    for name, n, seed in (("pre", PRE, 1), ("post", POST, 2)):
        step, unit = np.nonzero(trains(STEPS, 1, n, 0.1, seed)[:, 0])
        groups.append(b2.SpikeGeneratorGroup(n, unit, step * b2.ms, name=name))
    ears = b2.NeuronGroup(POST, "heard : 1")
    first = b2.Synapses(groups[0], groups[1], equations + "\nsent : 1", method="exact", **pathways)
    first.connect()
    first.delay = delay * b2.ms
    for variable, value in initial.items():
        setattr(first, variable, value)
    if weight is not None:
        first.w = weight.ravel()
    monitor = b2.StateMonitor(first, "sent", record=True, when="end")
    network = b2.Network(*groups, ears, first, monitor)
    network.run(STEPS * b2.ms)
    sent = np.diff(np.asarray(monitor.sent), axis=1, prepend=0.0).reshape(PRE, POST, STEPS)
    return sent.sum(0).T, np.asarray(first.w).reshape(PRE, POST)


def ours(synapse, weight, delay):
    given = {"pre": trains(STEPS, 1, PRE, 0.1, 1), "teacher": trains(STEPS, 1, POST, 0.1, 2)}
    rec = sn.simulate(network(synapse, sn.Dense(weight), PRE, POST, delay=delay), given, duration=float(STEPS),
                      record={"post": ["heard"]})
    return np.asarray(rec["post", "heard"])[:, 0], np.asarray(rec.network()["plastic"].connection.weight)


@pytest.mark.parametrize("delay", [0.0, 3.0])
def test_pair_stdp(delay):
    weight = np.random.default_rng(0).uniform(0.2, 0.8, (PRE, POST))
    heard, last = of_brian(PLASTIC, delay, {}, weight, on_pre="sent += w; x += 1; w = clip(w - 0.06 * y, 0, 1)",
                           on_post="y += 1; w = clip(w + 0.05 * x, 0, 1)")
    rule = PairSTDP(0.05, 0.06, tau_plus=15.0, tau_minus=25.0, **BRIAN2)
    found, weights = ours(rule, weight, delay)
    np.testing.assert_allclose(found, heard, atol=1e-12)
    np.testing.assert_allclose(weights, last, atol=1e-12)
    assert np.abs(last - weight).max() > 0.2


def test_short_term_plasticity_with_use_at_rest():
    heard, _ = of_brian(SHORT_TERM, 2.0, dict(u=0.2, x=1.0, w=0.7),
                        on_pre="u += 0.2 * (1 - u); sent += w * u * x; x -= u * x")
    synapse = TsodyksMarkram(0.2, tau_rec=200.0, tau_fac=150.0, rest="utilisation")
    found, _ = ours(synapse, 0.7, 2.0)
    np.testing.assert_allclose(found, heard, atol=1e-12)
    assert np.ptp(heard[heard > 0]) > 0.05
