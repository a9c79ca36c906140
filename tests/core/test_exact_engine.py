"""The exact engine: against closed forms, an independent queue, the clocked engine as dt goes to 0, and itself."""

import equinox as eqx
import exact_oracle as oracle
import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import snnsim as sn
from snnsim.core.exact_engine import ExactRun

KEY = jax.random.key(0)


def spikes_of(recording, name="cells", sample=0):
    """[(time, unit)], sorted."""
    events = recording.events(name)[sample]
    return np.array(sorted(zip(events.times, events.indices, strict=True))).reshape(-1, 2)


def exactly(net, inputs=None, **options):
    return sn.simulate(net, inputs, engine="exact", **options)


# -- closed forms -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", [False, True])
@pytest.mark.parametrize("kind", ["LIF", "LIFPscExp"])
def test_constant_current_to_1e_9_ms_over_ten_seconds(kind, precision):
    """Built in single precision, too: numbers count as they were written."""
    currents = np.array([0.4, 0.3761, 1.13])
    with jax.enable_x64(precision):
        common = dict(tau_mem=13.7, e_l=-70.1, v_th=-55.2, v_reset=-70.1, i_e=currents, reset_mechanism="zero")
        inside = sn.LIF(3, r_m=13.7 / 0.25, **common) if kind == "LIF" else sn.LIFPscExp(3, c_m=0.25, **common)
        net = sn.Network(dict(cells=sn.Refractory(inside, t_ref=2.3)), [], key=KEY)
        found = spikes_of(exactly(net, duration=10_000.0))
    for unit, current in enumerate(currents):
        drive = 13.7 / 0.25 * current
        rise = 13.7 * np.log(drive / (drive - 14.9))
        expected = rise + (rise + 2.3) * np.arange(int((10_000.0 - rise) / (rise + 2.3)) + 1)
        times = found[found[:, 1] == unit, 0]
        assert len(times) == len(expected) > 100
        np.testing.assert_allclose(times, expected, atol=1e-9, rtol=0)


def test_a_membrane_without_leak_counts():
    net = sn.Network(dict(cells=sn.IF(1, i_e=0.3, r=1.0, v_th=1.2)), [], key=KEY)
    np.testing.assert_allclose(spikes_of(exactly(net, duration=20.5))[:, 0], [4.0, 8.0, 12.0, 16.0, 20.0], atol=1e-12)


def test_one_psp_crosses_where_the_formula_says():
    net = sn.Network(dict(input=sn.Input(1), cells=sn.CubaLIF(1, tau_mem=20.0, tau_syn=5.0)),
                     [sn.Projection("input", "cells", sn.Dense(9.0), delay=1.3)], key=KEY)
    rec = exactly(net, {"input": sn.Events.from_times([2.0], [0], shape=1)}, duration=7.0)
    time, *_ = spikes_of(rec)[:, 0]
    d = time - 3.3
    assert 9.0 / 3.0 * (np.exp(-d / 20.0) - np.exp(-d / 5.0)) == pytest.approx(1.0, abs=1e-12)


# -- an independent queue ------------------------------------------------------------------------------------


def random_network(kind, n=14, seed=3, delays=(0.5, 4.0), t_ref=1.5):
    """(network, inputs, oracle's units, synapses and external arrivals) of one random recurrent network."""
    rng = np.random.default_rng(seed)
    mask = rng.random((n, n)) < 0.3
    scale = 0.45 if kind == "delta" else 1.6
    weight = np.round(np.where(mask, rng.normal(0.25 * scale, scale, (n, n)), 0.0), 4)
    delay = np.full((n, n), 2.0) if delays is None else np.round(rng.uniform(*delays, (n, n)), 4)
    drive = np.round(rng.uniform(0.6, 1.15, n), 4)
    in_times = np.sort(np.round(rng.uniform(0.0, 100.0, 300), 3))
    in_units = rng.integers(0, n, 300)
    if kind == "delta":
        inside = sn.LIF(n, tau_mem=20.0, i_e=drive, reset_mechanism="zero")
        cells, port = sn.Refractory(inside, t_ref=t_ref, mode="discard"), "in"
        units = [oracle.DeltaUnit(20.0, d, t_ref) for d in drive]
    else:
        inside = sn.LIFPscExp(n, tau_mem=10.0, tau_exc=2.0, tau_inh=5.0, c_m=10.0, e_l=drive, v_th=1.0, v_reset=0.0)
        cells, port = sn.Refractory(inside, t_ref=t_ref), "by_sign"
        units = [oracle.CurrentUnit(10.0, (2.0, 5.0), d, t_ref) for d in drive]
        for unit, d in zip(units, drive, strict=True):
            unit.v = d  # it rests at e_l
    net = sn.Network(dict(input=sn.Input(n), cells=cells), [
        sn.Projection("input", "cells", sn.OneToOne(0.3 * scale), delay=0.7, port=port if port == "in" else "exc"),
        sn.Projection("cells", "cells", sn.Dense(weight), delay=sn.Delay(delay), port=port)], key=KEY)
    synapses = [[(j, int(port != "in" and weight[i, j] < 0), weight[i, j], delay[i, j]) for j in range(n)
                 if weight[i, j]] for i in range(n)]
    external = [(t + 0.7, int(u), 0, 0.3 * scale) for t, u in zip(in_times, in_units, strict=True)]
    return net, {"input": sn.Events.from_times(in_times, in_units, shape=n)}, units, synapses, external


@pytest.mark.parametrize("kind", ["delta", "current"])
@pytest.mark.parametrize("delays", [None, (0.5, 4.0), (0.01, 30.0)])
def test_a_recurrent_network_equals_an_independent_queue(kind, delays):
    """Delays of 2 ms, and delays off any grid, from 10 us to 30 ms."""
    with jax.enable_x64(True):
        net, inputs, *rest = random_network(kind, delays=delays)
    expected, _ = oracle.run(*rest, 100.0)
    found = spikes_of(exactly(net, inputs, duration=100.0))
    assert len(expected) > 50
    assert len(found) == len(expected)
    expected = np.array(expected)
    np.testing.assert_array_equal(found[:, 1], expected[:, 1])
    np.testing.assert_allclose(found[:, 0], expected[:, 0], atol=1e-9, rtol=0)


def test_a_sparse_list_and_a_matrix_are_the_same():
    with jax.enable_x64(True):
        net, inputs, *_ = random_network("current")
        recurrent = net["cells_cells"]
        weight, delay = np.asarray(recurrent.connection.weight), np.asarray(recurrent.delay.value)
        i, j = np.nonzero(weight)
        listed = sn.Network(dict(net.populations), [
            net["input_cells"], sn.Projection("cells", "cells", sn.Sparse.from_edges(i, j, weight[i, j]),
                                              delay=sn.Delay(delay[i, j]), port="by_sign")], key=KEY)
    a, b = (exactly(n, inputs, duration=100.0) for n in (net, listed))
    np.testing.assert_array_equal(a.events("cells").ticks, b.events("cells").ticks)
    np.testing.assert_array_equal(a.events("cells").indices, b.events("cells").indices)


def test_every_spike_is_delivered_once_for_each_synapse(monkeypatch):
    """Counted where arrivals are made, against the fan-out of every spike."""
    net, inputs, *_ = random_network("delta")
    made, taken = [], []
    for name, log in (("add", made), ("take", taken)):
        plain = getattr(sn.core.exact_queue.ArrivalQueue, name)

        def counted(self, *arguments, plain=plain, log=log):
            found = plain(self, *arguments)
            log.append(len((arguments[1] if found is None else found).times))
            return found
        monkeypatch.setattr(sn.core.exact_queue.ArrivalQueue, name, counted)
    rec = exactly(net, inputs, duration=100.0)
    fan_out = np.count_nonzero(np.asarray(net["cells_cells"].connection.weight), axis=1)
    sent = int((np.asarray(rec.counts["cells"])[0] * fan_out).sum()) + int(rec.counts["input"].sum())
    under_way = sum(len(arrivals.times) for arrivals in rec.state.pending.values())
    assert sum(made) == sent > 500
    assert sum(taken) + under_way == sent
    assert under_way > 0


# -- against the clocked engine ----------------------------------------------------------------------------------


def test_on_the_grid_delta_synapses_agree_with_the_clocked_engine():
    rng = np.random.default_rng(5)
    weight = np.round(rng.normal(0.1, 0.5, (12, 12)), 3)
    delay = rng.integers(1, 6, (12, 12)).astype(float)
    events = sn.Events.from_times(np.sort(rng.integers(0, 200, 400)).astype(float), rng.integers(0, 5, 400), shape=5)
    with jax.enable_x64(True):
        net = sn.Network(dict(input=sn.Input(5), cells=sn.LIF(12, tau_mem=9.0, reset_mechanism="zero"), out=sn.LI(3)),
                         [sn.Projection("input", "cells", sn.Dense(0.4)), sn.Projection("cells", "out", sn.Dense()),
                          sn.Projection("cells", "cells", sn.Dense(weight), delay=sn.Delay(delay))], key=KEY)
        wanted = {"cells": ["spikes", "v"], "out": ["output"]}
        clocked = sn.simulate(net, {"input": events}, duration=200.0, record=wanted)
    exact = exactly(net, {"input": events}, duration=200.0, record=wanted)
    assert len(spikes_of(exact)) > 100
    np.testing.assert_allclose(spikes_of(exact), spikes_of(clocked), atol=1e-12)
    np.testing.assert_array_equal(exact["cells", "spikes"], clocked["cells", "spikes"])
    np.testing.assert_allclose(exact["cells", "v"], clocked["cells", "v"], atol=1e-12)
    np.testing.assert_allclose(exact["out", "output"], clocked["out", "output"], atol=1e-12)
    np.testing.assert_array_equal(exact.counts["cells"], clocked.counts["cells"])
    np.testing.assert_allclose(exact.rates("cells"), clocked.rates("cells"), rtol=1e-6)


def test_the_error_of_the_clocked_engine_halves_with_its_step():
    """Currents: the first spikes of a network, whose order of events is the same for all steps."""
    with jax.enable_x64(True):
        net, inputs, *_ = random_network("current", n=10, seed=8, delays=None, t_ref=2.0)
        inputs, late = {"input": inputs["input"].crop(0.0, 30.0)}, []
        exact = spikes_of(exactly(net, inputs, duration=30.0))
        for dt in (0.1, 0.05, 0.025, 0.0125):
            clocked = spikes_of(sn.simulate(net, inputs, duration=30.0, dt=dt))
            first = {u: exact[exact[:, 1] == u, 0][0] for u in np.unique(exact[:, 1])}
            theirs = {u: clocked[clocked[:, 1] == u, 0][0] for u in first}
            # A stamp is the beginning of the step in which the crossing lies: half a step late in the mean.
            late.append(np.mean([abs(theirs[u] + dt / 2 - first[u]) for u in first]))
    assert late[-1] < 0.02
    assert 5.0 < late[0] / late[-1] < 12.0  # three halvings


# -- instants ----------------------------------------------------------------------------------------------------


def test_arrivals_of_one_instant_are_summed_before_the_threshold():
    """1.5 excites, 0.8 inhibits at the same time: no spike, whatever the order and the way; 0.1 + 0.2 is 0.3."""
    events = sn.Events.from_times([0.1, 0.2, 0.2, 0.3], [0, 2, 1, 3], shape=4)
    weights = np.array([[1.5], [-0.8], [0.0], [0.0]])
    net = sn.Network(dict(input=sn.Input(4), cells=sn.LIF(1)),
                     [sn.Projection("input", "cells", sn.Dense(weights), delay=sn.Delay([0.2, 0.1, 1.0, 1.0]))],
                     key=KEY)
    assert not len(spikes_of(exactly(net, {"input": events}, duration=5.0)))
    apart = eqx.tree_at(lambda n: n["input_cells"].delay.value, net, np.array([0.2, 0.100001, 1.0, 1.0]))
    np.testing.assert_allclose(spikes_of(exactly(apart, {"input": events}, duration=5.0)), [[0.3, 0]])


def test_many_spikes_at_one_instant_reach_all():
    """A chain without delay: one event passes through all layers at once, in the order of the graph."""
    chain = [sn.Projection(f"c{i}", f"c{i + 1}", sn.Dense(0.7)) for i in range(4)]
    net = sn.Network(dict(input=sn.Input(2), **{f"c{i}": sn.LIF(3, reset_mechanism="zero") for i in range(5)}),
                     [sn.Projection("input", "c0", sn.Dense(0.6)), *chain], key=KEY)
    rec = exactly(net, {"input": sn.Events.from_times([1.25, 1.25], [0, 1], shape=2)}, duration=3.0,
                  record={f"c{i}": ["spikes"] for i in range(5)})
    for i in range(5):
        np.testing.assert_array_equal(spikes_of(rec, f"c{i}"), [[1.25, 0], [1.25, 1], [1.25, 2]])


def test_subtracting_reset_fires_again_at_once_as_often_as_it_takes():
    net = sn.Network(dict(input=sn.Input(1), cells=sn.LIF(1)), [sn.Projection("input", "cells", sn.Dense(1.0))],
                     key=KEY)
    events = sn.Events(np.array([1000]), np.array([0]), np.array([0, 1]), (1,), values=np.array([21.5]))
    rec = exactly(net, {"input": events}, duration=3.0, record={"cells": ["spikes", "v"]})
    np.testing.assert_array_equal(spikes_of(rec), [[1.0, 0]] * 21)
    assert float(rec["cells", "v"][1, 0, 0]) == pytest.approx(0.5)
    assert float(rec["cells", "spikes"][1, 0, 0]) == 21.0


@pytest.mark.parametrize(("mode", "expected"), [
    ("discard", [1.0, 4.5]), ("clamp", [1.0, 4.5]), ("block", [1.0, 3.0, 5.0])])
def test_what_arrives_while_refractory(mode, expected):
    """An arrival at 2 ms, in the period from 1 to 3 ms, and one at 3 ms, its very end, which still belongs to it."""
    cells = sn.Refractory(sn.LIF(1, tau_mem=1e6, reset_mechanism="zero"), t_ref=2.0, mode=mode)
    net = sn.Network(dict(input=sn.Input(1), cells=cells), [sn.Projection("input", "cells", sn.Dense(1.0))], key=KEY)
    events = sn.Events.from_times([1.0, 2.0, 3.0, 4.5], [0] * 4, shape=1)
    values = np.array([1.5, 0.7, 0.6, 1.2], np.float32)
    events = sn.Events(events.ticks, events.indices, events.offsets, (1,), values=values)
    np.testing.assert_allclose(spikes_of(exactly(net, {"input": events}, duration=6.0))[:, 0], expected, atol=1e-12)


def test_a_current_that_outlasts_the_refractory_period():
    """Clamp: currents arrive and decay while the membrane is held, and drive it afterwards."""
    cells = sn.Refractory(sn.CubaLIF(1, tau_mem=20.0, tau_syn=5.0, reset_mechanism="zero"), t_ref=3.0)
    net = sn.Network(dict(input=sn.Input(1), cells=cells), [sn.Projection("input", "cells", sn.Dense(40.0))], key=KEY)
    rec = exactly(net, {"input": sn.Events.from_times([1.0], [0], shape=1)}, duration=20.0)
    times, at, i = spikes_of(rec)[:, 0], 1.0, 40.0
    assert len(times) >= 3
    for time in times:  # each follows from the formula, begun anew when the membrane is free
        d = time - at
        assert i / 3.0 * (np.exp(-d / 20.0) - np.exp(-d / 5.0)) == pytest.approx(1.0, abs=1e-11)
        at, i = time + 3.0, i * np.exp(-(d + 3.0) / 5.0)


# -- batches, windows, continuation ---------------------------------------------------------------------------------


def test_samples_do_not_see_each_other():
    net, inputs, *_ = random_network("current")
    other = sn.Events.from_times(np.arange(1.0, 90.0, 0.37), np.arange(241) % 14, shape=14)
    silent = sn.Events.from_times([], [], shape=14)
    samples = [inputs["input"].crop(0.0, 90.0), other, silent]
    together = exactly(net, {"input": sn.Events.concatenate(samples)}, duration=90.0)
    for sample, events in enumerate(samples):
        alone = spikes_of(exactly(net, {"input": events}, duration=90.0))
        assert len(alone) > 0
        np.testing.assert_allclose(spikes_of(together, sample=sample), alone, atol=2e-12, rtol=0)


def test_the_windows_of_the_queue_do_not_matter(monkeypatch):
    net, inputs, *_ = random_network("current")
    plain = exactly(net, inputs, duration=100.0)
    width = ExactRun._width
    for parts in (3, 50):
        monkeypatch.setattr(ExactRun, "_width", lambda self, grid, n=parts: width(self, grid) // n)
        narrow = exactly(net, inputs, duration=100.0)
        np.testing.assert_array_equal(narrow.events("cells").ticks, plain.events("cells").ticks)
        np.testing.assert_array_equal(narrow.events("cells").indices, plain.events("cells").indices)


def test_recording_the_membrane_changes_no_spike():
    net, inputs, *_ = random_network("current")
    plain = exactly(net, inputs, duration=100.0)
    traced = exactly(net, inputs, duration=100.0, dt=0.25, record={"cells": ["spikes", "v", "i_exc"]})
    np.testing.assert_array_equal(traced.events("cells").ticks, plain.events("cells").ticks)
    v = traced["cells", "v"]
    assert v.shape == (400, 1, 14)
    assert v.max() <= 1.0 + 1e-12
    assert np.asarray(traced["cells", "spikes"]).sum() == int(plain.counts["cells"].sum()) > 50


@pytest.mark.parametrize("kind", ["delta", "current"])
def test_a_run_in_two_parts_is_the_run(kind):
    net, inputs, *_ = random_network(kind)
    events = inputs["input"]
    whole = spikes_of(exactly(net, inputs, duration=100.0))
    first = exactly(net, {"input": events.crop(0.0, 41.7)}, duration=41.7)
    second = exactly(net, {"input": events.crop(41.7, 100.0)}, duration=58.3, state=first.state)
    joined = np.r_[spikes_of(first), spikes_of(second) + np.array([41.7, 0.0])]
    np.testing.assert_allclose(joined, whole, atol=1e-9)
    assert first.network() is not None


def test_the_same_call_gives_the_same_bits():
    net, inputs, *_ = random_network("current")
    a, b = (exactly(net, inputs, duration=100.0).events("cells") for _ in range(2))
    np.testing.assert_array_equal(a.ticks, b.ticks)
    np.testing.assert_array_equal(a.indices, b.indices)


def test_a_silent_network_costs_nothing_and_says_nothing():
    net, *_ = random_network("current", seed=1)
    quiet = eqx.tree_at(lambda n: n["cells"].neuron.e_l, net, np.zeros(14))
    rec = exactly(quiet, duration=1e6)  # a thousand seconds
    assert not rec.events("cells").n_events
    assert rec.duration == 1e6
    assert not np.asarray(rec.counts["cells"]).any()
    assert not rec.events("cells").times.size


def test_a_late_instant_is_as_precise_as_an_early_one():
    """After two hours a tick is still a tick."""
    net = sn.Network(dict(input=sn.Input(1), cells=sn.CubaLIF(1, tau_mem=20.0, tau_syn=5.0)),
                     [sn.Projection("input", "cells", sn.Dense(9.0))], key=KEY)
    waits = []
    for start in (2.0, 4_000_002.0):
        rec = exactly(net, {"input": sn.Events.from_times([start], [0], shape=1)}, duration=start + 5.0)
        waits.append(int(rec.events("cells").ticks[0]) - int(start) * 10**12)
    assert waits[0] == waits[1] > 0


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), delta=st.booleans())
def test_random_networks_equal_the_queue(seed, delta):
    with jax.enable_x64(True):
        net, inputs, *rest = random_network("delta" if delta else "current", n=6, seed=seed)
    expected = np.array(oracle.run(*rest, 40.0)[0]).reshape(-1, 2)
    inputs = {"input": inputs["input"].crop(0.0, 40.0)}
    found = spikes_of(exactly(net, inputs, duration=40.0))
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found[:, 1], expected[:, 1])
    np.testing.assert_allclose(found[:, 0], expected[:, 0], atol=1e-9, rtol=0)


# -- what the recording is for others ---------------------------------------------------------------------------------


def test_a_recording_fed_back_reaches_its_targets_after_the_delay():
    net, inputs, *_ = random_network("current")
    rec = exactly(net, inputs, duration=100.0)
    relay = sn.Network(dict(input=sn.Input(14), cells=sn.IF(14, v_th=0.5, reset_mechanism="zero")),
                       [sn.Projection("input", "cells", sn.OneToOne(1.0), delay=0.123)], key=KEY)
    again = exactly(relay, {"input": rec.events("cells")}, duration=101.0)
    np.testing.assert_array_equal(again.events("cells").ticks, rec.events("cells").ticks + 123_000_000_000)


def test_events_of_the_exact_engine_serve_as_any_others():
    net, inputs, *_ = random_network("current")
    rec = exactly(net, inputs, duration=100.0)
    events = rec.events("cells")
    assert events.resolution == 1e-12
    dense = events.dense(1.0, 100)
    assert dense.sum() == events.n_events
    np.testing.assert_array_equal(dense, np.asarray(rec["cells", "output"]))
    assert events.crop(10.0, 20.0).n_events == int(dense[10:20].sum())
