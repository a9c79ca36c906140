"""Triplet STDP: periodic pairs in closed form, and the dependence on frequency that pairs alone do not give."""

import numpy as np
import pytest
from parrots import network

import snnsim as sn
from snnsim.plasticity import PairSTDP, TripletSTDP

RATES = dict(a2_plus=2e-3, a3_plus=6.5e-3, a2_minus=7.1e-3, a3_minus=1e-3)


def periods(rule, period, apart, n):
    """Weight after each of n pairs of period `period`, the postsynaptic spike `apart` later (ms)."""
    net = network(rule, sn.Dense(0.5), 1, 1, delay=0.0)
    spikes = [np.zeros((period, 1, 1)), np.zeros((period, 1, 1))]
    spikes[0][5], spikes[1][(5 + apart) % period] = 1.0, 1.0
    state, found = None, [0.5]
    for _ in range(n):
        rec = sn.simulate(net, {"pre": spikes[0], "teacher": spikes[1]}, duration=float(period), state=state)
        state = rec.state
        found.append(float(state.projections["plastic"].plastic.weight[0, 0, 0]))
    return np.diff(found)


def repeated(apart, period, tau):
    """Sum of exp(-t / tau) over spikes at `apart`, `apart` + period, ... ago."""
    return np.exp(-apart / tau) / -np.expm1(-period / tau)


@pytest.mark.parametrize(("period", "apart"), [(25, 10), (40, -10), (100, 3)])
def test_periodic_pairs_in_closed_form(period, apart, x64):
    change = periods(TripletSTDP(**RATES, w_min=-10.0, w_max=10.0), period, apart, int(1500 / period))[-1] / 20
    since_pre, since_post = apart % period, -apart % period
    up = repeated(since_pre, period, 16.8) * (RATES["a2_plus"] + RATES["a3_plus"] * repeated(period, period, 114.0))
    down = repeated(since_post, period, 33.7)
    down *= RATES["a2_minus"] + RATES["a3_minus"] * repeated(period, period, 101.0)
    assert change == pytest.approx(up - down, rel=1e-4)


def test_nearest_spikes_in_closed_form(x64):
    rule = TripletSTDP(**RATES, w_min=-10.0, w_max=10.0, pairing="nearest")
    change = periods(rule, 25, 10, 20)[-1] / 20
    up = np.exp(-10 / 16.8) * (RATES["a2_plus"] + RATES["a3_plus"] * np.exp(-25 / 114))
    down = np.exp(-15 / 33.7) * (RATES["a2_minus"] + RATES["a3_minus"] * np.exp(-25 / 101))
    assert change == pytest.approx(up - down, rel=1e-9)


def test_frequency_turns_depression_into_potentiation(x64):
    """Pre 10 ms before post: the fitted rule hardly strengthens at 1 Hz; post before pre changes its sign at 50 Hz."""
    wide = dict(w_min=-10.0, w_max=10.0)
    slow, fast = (periods(TripletSTDP(**wide), period, 10, n)[-1] for period, n in ((1000, 3), (20, 30)))
    assert fast > 0
    assert abs(slow) < 0.02 * fast
    slow, fast = (periods(TripletSTDP(**wide), period, -10, 20)[-1] for period in (100, 20))
    assert slow < 0
    assert fast > 0
    pair_slow, pair_fast = (periods(PairSTDP(0.01, 0.01, **wide), period, 10, 3)[-1] for period in (1000, 20))
    assert pair_slow > pair_fast


def test_without_triplets_it_is_the_pair_rule(x64):
    rng = np.random.default_rng(0)
    given = {name: (rng.random((200, 1, 3)) < 0.1).astype(float) for name in ("pre", "teacher")}
    taus = dict(tau_plus=15.0, tau_minus=25.0)
    recs = [sn.simulate(network(rule, sn.Dense(0.5), 3, 3), given, duration=200.0)
            for rule in (TripletSTDP(0.05, 0.0, 0.04, 0.0, **taus), PairSTDP(0.05, 0.04, **taus))]
    triplets, pairs = (np.asarray(rec.network()["plastic"].connection.weight) for rec in recs)
    np.testing.assert_allclose(triplets, pairs, atol=1e-14)
    assert np.abs(pairs - 0.5).max() > 0.05
