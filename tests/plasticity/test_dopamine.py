"""Three factors: the integral of eligibility and dopamine in closed form, at any step; reward decides the sign."""

import numpy as np
import pytest
from parrots import network, one_synapse

import snnsim as sn
from snnsim.plasticity import DopamineSTDP

WIDE = dict(w_min=-100.0, w_max=100.0)
TAUS = dict(tau_plus=15.0, tau_minus=25.0, tau_c=60.0, tau_n=20.0)


def after(dt, *, interval=5.0, reward=(80.0,), baseline=0.0, duration=200.0):
    """Change of weight by a pair at 50 ms and dopamine later; no delay."""
    rule = DopamineSTDP(0.01, 0.02, baseline=baseline, **TAUS, **WIDE)
    _, last = one_synapse(rule, [50.0], [50.0 + interval], dt=dt, delay=0.0, weight=1.0, duration=duration,
                          reward=reward, modulators=["reward"])
    return last - 1.0


@pytest.mark.parametrize("dt", [0.5, 1.0, 5.0])
@pytest.mark.parametrize(("interval", "step"), [(5.0, 2.0 * np.exp(-5 / 15)), (-5.0, -4.0 * np.exp(-5 / 25))])
def test_one_pair_and_one_reward_in_closed_form(dt, interval, step, x64):
    """dw = c(td) / tau_n times the integral of exp(-t (1/tau_c + 1/tau_n)): exact for every step."""
    eligible = step * np.exp(-(80 - 50 - max(interval, 0.0)) / 60)
    rate = 1 / 60 + 1 / 20
    until = 200.0 - dt - 80.0  # the last step ends a step before the duration
    expected = eligible / 20 * -np.expm1(-rate * until) / rate
    assert after(dt, interval=interval) == pytest.approx(expected, rel=1e-10)


def test_baseline_in_closed_form(x64):
    eligible = 2.0 * np.exp(-5 / 15)
    expected = -0.03 * eligible * 60 * -np.expm1(-(199.0 - 55.0) / 60)
    assert after(1.0, reward=(), baseline=0.03) == pytest.approx(expected, rel=1e-10)


def test_reward_too_late_or_absent_changes_little_or_nothing(x64):
    at_once, late = after(1.0, duration=900.0), after(1.0, reward=(500.0,), duration=900.0)
    assert late == pytest.approx(at_once * np.exp(-420 / 60), rel=1e-3)
    assert after(1.0, reward=()) == 0.0


def test_rewarded_synapses_are_told_from_others(x64):
    """Pairs of one synapse are rewarded a second later, those of the other punished."""
    duration = 8000
    pre, post, reward = np.zeros((duration, 1, 2)), np.zeros((duration, 1, 1)), np.zeros((duration, 1, 1))
    for trial, start in enumerate(range(0, duration, 2000)):
        pre[start + 100, 0, trial % 2], post[start + 105, 0, 0] = 1.0, 1.0
        reward[start + 400, 0, 0] = 1.0 if trial % 2 == 0 else -1.0
    net = network(DopamineSTDP(tau_c=300.0, tau_n=50.0, a_plus=0.2, a_minus=0.2), sn.Dense(0.5), 2, 1,
                  modulators=["reward"])
    found = sn.simulate(net, {"pre": pre, "teacher": post, "reward": reward}, duration=float(duration)).network()
    good, bad = np.asarray(found["plastic"].connection.weight)[:, 0]
    assert good > 0.6
    assert bad < 0.4


def test_weights_stay_within_bounds():
    rule = DopamineSTDP(1.0, 1.0, **TAUS)
    _, last = one_synapse(rule, [50.0], [55.0], dt=1.0, delay=0.0, weight=0.5, duration=200.0,
                          reward=np.arange(60.0, 100.0, 2.0), modulators=["reward"])
    assert last == 1.0
