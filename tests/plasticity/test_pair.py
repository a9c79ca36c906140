"""Pair STDP: its window in closed form, and every named choice against sums over lists of spikes."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from parrots import learned, one_synapse

import snnsim as sn
from snnsim.plasticity import NALSM, Additive, Multiplicative, PairSTDP, Power, TripletSTDP, Unbounded

TAU = dict(tau_plus=14.0, tau_minus=31.0)


@pytest.mark.parametrize("timing", ["axonal", "somatic", "dendritic"])
@pytest.mark.parametrize("post_delay", [0.0, 2.0])
def test_the_window(timing, post_delay, x64):
    """One pair: a exp(-|interval| / tau) of the range, the interval counted where `timing` says."""
    delay = 3.0
    shift = {"axonal": -delay, "somatic": 0.0, "dendritic": delay}[timing] + post_delay
    rule = PairSTDP(0.1, 0.2, w_min=1.0, w_max=6.0, timing=timing, post_delay=post_delay, coincidence="none", **TAU)
    for apart in (-9.0, -5.0, -3.0, -2.0, -1.0, 0.0, 1.0, 3.0, 7.0):  # post after pre
        _, w = one_synapse(rule, [20.0], [20.0 + apart], dt=1.0, delay=delay, weight=3.0, duration=50.0)
        interval = apart + shift
        expected = 0.5 * np.exp(-interval / 14) if interval > 0 else -1.0 * np.exp(interval / 31) if interval < 0 else 0
        assert w == pytest.approx(3.0 + expected, abs=1e-12), apart


@pytest.mark.parametrize(("sent", "timing"), [("before", "axonal"), ("before", "dendritic"), ("after", "dendritic"),
                                              ("after", "somatic")])
def test_the_weight_that_a_spike_carries(sent, timing, x64):
    rule = PairSTDP(0.1, 0.2, w_max=6.0, weight_sent=sent, timing=timing, **TAU)
    carried, last = one_synapse(rule, [20.0, 30.0], [24.0], dt=1.0, delay=2.0, weight=3.0, duration=50.0)
    shift = {"axonal": -2.0, "somatic": 0.0, "dendritic": 2.0}[timing]
    up, down = 0.6 * np.exp(-(4 + shift) / 14), -1.2 * np.exp((-6 + shift) / 31)
    assert last == pytest.approx(3.0 + up + down, abs=1e-12)
    np.testing.assert_allclose(carried, [3.0, 3.0 + up + (down if sent == "after" else 0.0)], atol=1e-12)


def by_lists(pre, post, steps, w, *, pairing, coincidence, first, up, down, bounds):
    """Weight of one synapse from lists of the steps at which spikes were seen; sums over pairs, no traces."""
    counts = {side: coincidence in (side, "both") for side in ("potentiation", "depression")}

    def kernel(steps_before, now, tau):
        return sum(np.exp(-(now - s) / tau) for s in steps_before)

    for now in range(steps):
        earlier_pre, earlier_post = [s for s in pre if s < now], [s for s in post if s < now]
        x = earlier_pre + [now] * (counts["potentiation"] and now in pre)
        y = earlier_post + [now] * (counts["depression"] and now in post)
        last_pre, last_post = max(earlier_pre, default=-1), max(earlier_post, default=-1)
        if pairing == "nearest_presynaptic":
            x = [s for s in x if s > last_post or (s == last_post and not counts["potentiation"])]
            y = y[-1:]
        elif pairing != "all":
            x, y = x[-1:], y[-1:]
        if pairing == "nearest_reduced":
            x, y = [s for s in x if s >= last_post], [s for s in y if s > last_pre]
        gain = kernel(x, now, TAU["tau_plus"]) * (now in post)
        loss = kernel(y, now, TAU["tau_minus"]) * (now in pre)
        moves = [lambda w, gain=gain: up(w) * gain, lambda w, loss=loss: -down(w) * loss]
        if first == "together":
            w = np.clip(w + moves[0](w) + moves[1](w), *bounds)
        else:
            for move in moves if first == "potentiation" else moves[::-1]:
                w = np.clip(w + move(w), *bounds)
    return w


@pytest.mark.parametrize("pairing", ["all", "nearest", "nearest_presynaptic", "nearest_reduced"])
@pytest.mark.parametrize(("coincidence", "first"), [
    ("none", "potentiation"), ("none", "together"), ("potentiation", "depression"), ("depression", "potentiation"),
    ("both", "depression")])
def test_every_choice_against_lists_of_spikes(pairing, coincidence, first, x64):
    rng = np.random.default_rng(4)
    p, q = (rng.random((80, n)) < rate for n, rate in ((4, 0.25), (3, 0.2)))
    assert (p.T.astype(int) @ q.astype(int) > 0).all()  # spikes meet in every pair
    rule = PairSTDP(0.3, 0.2, w_min=-1.0, w_max=2.0, dependence=Power(0.5, 1.0), pairing=pairing,
                    coincidence=coincidence, first=first, **TAU)
    begin = rng.uniform(-0.5, 1.5, (4, 3))
    _, weight, _ = learned(rule, sn.Dense(begin), p.astype(float), q.astype(float))
    for i, j in np.ndindex(4, 3):
        expected = by_lists(
            np.flatnonzero(p[:, i]).tolist(), np.flatnonzero(q[:, j]).tolist(), 80, begin[i, j], pairing=pairing,
            coincidence=coincidence, first=first, bounds=(-1.0, 2.0),
            up=lambda w: 3.0 * 0.3 * np.sqrt(1 - (w + 1) / 3), down=lambda w: 3.0 * 0.2 * (w + 1) / 3)
        assert weight[i, j] == pytest.approx(expected, abs=1e-11)


def test_choices_differ(x64):
    """The comparison above can fail: no two of the choices agree on these spikes."""
    rng = np.random.default_rng(4)
    p, q = (np.asarray(rng.random((80, n)) < 0.3, float) for n in (4, 3))
    plain = dict(coincidence="none", first="potentiation")
    choices = [{}, *({"pairing": name} for name in ("nearest", "nearest_presynaptic", "nearest_reduced")),
               *({"coincidence": name} for name in ("potentiation", "depression", "both")),
               *({"first": name} for name in ("depression", "together"))]
    ends = [np.asarray(learned(PairSTDP(0.05, 0.03, dependence=Multiplicative(), **{**plain, **chosen}, **TAU),
                               sn.Dense(0.5), p, q)[1]) for chosen in choices]
    for one, other in itertools.combinations(range(len(ends)), 2):
        assert np.abs(ends[one] - ends[other]).max() > 1e-4, (choices[one], choices[other])


@pytest.mark.parametrize(("dependence", "up", "down"), [
    (Additive, lambda u: 1 + 0 * u, lambda u: 1 + 0 * u), (Multiplicative, lambda u: 1 - u, lambda u: u),
    (lambda: Power(0.3, 0.6), lambda u: (1 - u) ** 0.3, lambda u: u**0.6), (Unbounded, lambda u: u**0.4, lambda u: u)])
@pytest.mark.parametrize("kind", [PairSTDP, TripletSTDP])
def test_dependence_on_the_weight(kind, dependence, up, down, x64):
    """One pair at every strength, for excitatory and inhibitory bounds."""
    u = np.linspace(0.2, 0.8, 4)
    rates = dict(a_plus=0.1, a_minus=0.1) if kind is PairSTDP else dict(a2_plus=0.1, a3_plus=0.0, a2_minus=0.1)
    spikes = np.zeros((10, 1)), np.zeros((10, 4))
    spikes[0][3], spikes[1][5] = 1.0, 1.0
    for w_min, w_max in ((1.0, 4.0), (-0.5, -3.0)):
        weight = w_min + (w_max - w_min) * u
        rule = kind(**rates, tau_plus=10.0, tau_minus=10.0, dependence=dependence(), w_min=w_min, w_max=w_max)
        gain = (np.asarray(learned(rule, sn.Dense(weight[None]), *spikes)[1])[0] - weight) / (w_max - w_min)
        np.testing.assert_allclose(gain, 0.1 * np.exp(-0.2) * up(u), atol=1e-12)
        reverse = spikes[1][:, :1], np.repeat(spikes[0], 4, 1)
        loss = (np.asarray(learned(rule, sn.Dense(weight[None]), *reverse)[1])[0] - weight) / (w_max - w_min)
        np.testing.assert_allclose(loss, -0.1 * np.exp(-0.2) * down(u), atol=1e-12)


def test_weights_end_at_their_bounds_and_not_beyond():
    p, q = np.zeros((195, 1)), np.zeros((195, 2))
    p[::10], q[2::10, 0], q[8::10, 1] = 1, 1, 1
    weight = np.asarray(learned(PairSTDP(0.2, 0.2, w_min=-1.0, w_max=3.0), sn.Dense(0.0), p, q)[1])
    np.testing.assert_array_equal(weight, [[3.0, -1.0]])
    above = np.asarray(learned(PairSTDP(0.2, 0.0, dependence=Unbounded()), sn.Dense(0.5), p, q)[1])
    assert above[0, 0] > 2.0


@pytest.mark.parametrize("mu", [0.0, 0.5, 1.0])
def test_slopes_are_finite_at_the_bounds(mu):
    slope = jax.vmap(jax.grad(lambda u: Power(mu, mu).up(u) + Power(mu, mu).down(u)))(jnp.array([0.0, 0.5, 1.0]))
    assert np.isfinite(np.asarray(slope)).all()


def test_nalsm_keeps_bounds_once(x64):
    """Potentiation and depression from one weight: at the bound they cancel, one after the other they do not."""
    p, q = np.zeros((6, 1)), np.zeros((6, 1))
    p[[0, 4]], q[[1, 4]] = 1.0, 1.0  # both traces are there when both spike at 4
    both = {first: float(learned(PairSTDP(0.2, 0.1, **{**NALSM, "timing": "axonal", "first": first}),
                                 sn.Dense(0.95), p, q)[1][0, 0]) for first in ("together", "potentiation")}
    assert both["together"] > both["potentiation"] + 0.01
