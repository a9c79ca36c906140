"""The liquid of NALSM, cell by cell, against a loop written from its published time step."""

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.neurons import AstrocyteLIM
from snnsim.plasticity import NALSM, AstrocyticSTDP
from snnsim.synapses import ExponentialSynapse

STEPS, INPUT, EXCITATORY, INHIBITORY = 400, 10, 8, 3
LIQUID = EXCITATORY + INHIBITORY
TRACE_DECAY, W_ASTRO, FADING = 0.904774, 0.15, 0.99  # ten times the published w_astro: few cells


@pytest.fixture(scope="module")
def given():
    """(input currents, weights of the input, weights of the liquid by source)."""
    rng = np.random.default_rng(0)
    events = 100.0 * (rng.random((STEPS, INPUT)) < 0.15)
    onto = rng.uniform(-2.0, 3.0, (INPUT, LIQUID))
    liquid = np.where(np.arange(LIQUID)[:, None] < EXCITATORY, 2.0, -2.0) * np.ones((LIQUID, LIQUID))
    return events, onto, liquid


def published_step(events, onto, liquid, fading):
    """Spikes [steps, input + liquid], both weights, and the astrocyte by step, in the order of the published code."""
    n = INPUT + LIQUID
    weight = np.zeros((n, n))  # source, target
    weight[:INPUT, INPUT:], weight[INPUT:, INPUT:] = onto, liquid
    inhibitory = np.arange(n) >= INPUT + EXCITATORY
    low = np.where(np.arange(n) < INPUT, -3.0, np.where(inhibitory, -3.0, 0.0))[:, None]
    high = np.where(inhibitory, 0.0, 3.0)[:, None]
    v, held, age, trace = np.zeros(n), np.zeros(n), np.full(n, np.inf), np.zeros(n)
    astro, rate, scale = 0.15, 0.15, 1.0
    table, states = [], []
    for step in range(len(events)):
        spikes = (v >= 20) & (held <= 0)
        v = np.where(spikes, 0.0, v)
        age = np.where(spikes, 0.0, age)
        drive = np.r_[events[step], np.zeros(LIQUID)]
        v = v + np.exp(-age) @ weight + drive - v / 64.0
        age = age + 1
        held = np.where(spikes, 2.0, held - 1)
        at_post = np.where(inhibitory, -astro, rate)[:, None] * trace[:, None] * spikes[None]
        at_pre = np.where(inhibitory, rate, -astro)[:, None] * spikes[:, None] * trace[None]
        weight = np.clip(weight + at_post + at_pre, low, high)
        weight[:, :INPUT] = 0.0
        trace = TRACE_DECAY * (trace + 0.1 * spikes)
        activity = spikes[INPUT:].sum() - float(spikes[:INPUT].sum())
        astro = astro + (W_ASTRO * scale * activity + 0.15 * scale - astro) / 100.0
        astro, rate, scale = astro * fading, rate * fading, scale * fading
        table.append(spikes)
        states.append(astro / scale)
    return np.array(table), weight[:INPUT, INPUT:], weight[INPUT:, INPUT:], np.array(states)


def liquid_network(onto, liquid, fading):
    def cells(n):
        inside = sn.LIF(n, tau_mem=64.0, r_m=64.0, v_th=20.0, method="euler", reset_mechanism="zero", spike_at=">=")
        return sn.Refractory(inside, t_ref=2.0, mode="block")

    def plastic(pre, post, weight, w_min, w_max, sign=1.0):
        rule = AstrocyticSTDP(tau=-1.0 / np.log(TRACE_DECAY), fading=-np.log(fading), w_min=w_min, w_max=w_max,
                              sign=sign, carrier=ExponentialSynapse(1.0, sample="start", spikes="last"), **NALSM)
        return sn.Projection(pre, post, sn.Dense(weight), delay=1.0, port="current", synapse=rule,
                             modulators=["astrocyte"])
    sign = np.where(np.arange(LIQUID) < EXCITATORY, 1.0, -1.0)
    low, high = np.where(sign > 0, 0.0, -3.0), np.where(sign > 0, 3.0, 0.0)
    return sn.Network(
        dict(events=sn.Input(INPUT), input=cells(INPUT), liquid=cells(LIQUID),
             astrocyte=AstrocyteLIM(1, w_astro=W_ASTRO)),
        dict(feed=sn.Projection("events", "input", sn.OneToOne(1.0), port="current"),
             onto=plastic("input", "liquid", onto, -3.0, 3.0),
             within=plastic("liquid", "liquid", liquid, low, high, sign),
             more=sn.Projection("liquid", "astrocyte", sn.Dense(1.0), delay=2.0),
             less=sn.Projection("input", "astrocyte", sn.Dense(-1.0), delay=2.0)), key=jax.random.key(0))


@pytest.mark.parametrize("fading", [1.0, FADING])
def test_spikes_weights_and_astrocyte_of_the_published_step(given, fading, x64):
    events, onto, liquid = given
    table, onto_after, liquid_after, states = published_step(events, onto, liquid, fading)
    net = liquid_network(onto, liquid, fading)
    rec = sn.simulate(net, {"events": events[:, None]}, duration=float(STEPS),
                      record={"input": ["spikes"], "liquid": ["spikes"], "astrocyte": ["a"]})
    found = np.concatenate([np.asarray(rec[name, "spikes"])[:, 0] for name in ("input", "liquid")], 1)
    # A membrane that has reached threshold at the end of our step spikes at the beginning of theirs, one later.
    np.testing.assert_array_equal(found[:-1], table[1:])
    assert found[:, INPUT:].sum() > 200
    np.testing.assert_allclose(np.asarray(rec["astrocyte", "a"])[1:, 0, 0], states[:-1], atol=1e-12)
    assert np.ptp(states) > 0.01
    learned = rec.network()
    # The pairs of their step t are those of our step t: the rule sees both sides a delay of one step late.
    for name, before, after in (("onto", onto, onto_after), ("within", liquid, liquid_after)):
        np.testing.assert_allclose(learned[name].connection.weight, after, atol=1e-12)
        assert np.abs(after - before).max() > 0.05


def test_the_astrocyte_balances_and_follows_activity(x64):
    """At rest at b_astro; the exact solution and Euler's method relax to b_astro + w_astro times the rate."""
    given = np.zeros((2000, 1, 3))
    given[::10] = 1.0
    for method, tolerance in (("exact", 2e-2), ("euler", 2e-2)):
        net = sn.Network(dict(liquid=sn.Input(3), input=sn.Input(3), a=AstrocyteLIM(1, w_astro=0.5, method=method)),
                         [sn.Projection("liquid", "a", sn.Dense(1.0)), sn.Projection("input", "a", sn.Dense(-1.0))],
                         key=jax.random.key(0))
        equal = sn.simulate(net, {"liquid": given, "input": given}, duration=2000.0, record={"a": ["a"]})["a", "a"]
        np.testing.assert_allclose(equal, 0.15, atol=1e-12)
        more = sn.simulate(net, {"liquid": given}, duration=2000.0, record={"a": ["a"]})["a", "a"][-500:].mean()
        assert float(more) == pytest.approx(0.15 + 0.5 * 0.3, rel=tolerance)
