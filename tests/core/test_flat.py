"""The flat layout: every synapse once and in its place, sums in any order, and the numbers of the other engine."""

import itertools
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import snnsim as sn
from snnsim import neurons
from snnsim.core.chunks import FlatLayout, Layers, runner
from snnsim.core.flat import flatten, graded, obstacle, order_free
from snnsim.core.neuron import AbstractNeuron
from snnsim.neurons.composed import AbstractComposed
from snnsim.synapses import Normal

KEY = jax.random.key(0)
DT = 0.5
NAMES = ("in", "a", "b", "c", "d")


def populations(sizes):
    """One input, two populations that merge, one alone, and one of integrators."""
    n, shape = sizes[1], (1, sizes[2])
    return {"in": sn.Input(sizes[0]), "a": sn.Refractory(sn.LIFPscExp(n, tau_mem=10.0), t_ref=1.0),
            "b": sn.Refractory(sn.LIFPscExp(shape, tau_mem=8.0), t_ref=1.0),
            "c": sn.Noisy(sn.LIF(sizes[3], tau_mem=12.0), sigma=0.05), "d": sn.LI(sizes[4])}


@st.composite
def wirings(draw):
    """(populations, projections): lists of synapses of every form of weight, delay and port, pairs repeated."""
    sizes = draw(st.lists(st.integers(1, 7), min_size=5, max_size=5))
    cells, projections = populations(sizes), {}
    for k in range(draw(st.integers(1, 6))):
        pre, post = draw(st.sampled_from(NAMES)), draw(st.sampled_from(NAMES[1:]))
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        n = draw(st.integers(0, 30))
        sources = np.sort(rng.integers(0, cells[pre].size, n))
        weight = rng.normal(0, 1, n) if draw(st.booleans()) else -0.25
        least = 0 if pre == "in" else 1
        delay = draw(st.sampled_from(["one", "source", "synapse", "rounded"]))
        size = {"one": (), "source": cells[pre].shape, "synapse": (n,) if n else (), "rounded": ()}[delay]
        steps = rng.integers(least, draw(st.sampled_from([2, 9, 300])), size)
        given = sn.Delay(steps * DT + 0.2, "nearest") if delay == "rounded" else sn.Delay(steps * DT)
        port = draw(st.sampled_from(["by_sign", "exc", "current"])) if post in "ab" else None
        edges = sn.Sparse.from_edges(sources, rng.integers(0, cells[post].size, n), weight)
        projections[f"p{k}"] = sn.Projection(pre, post, edges, delay=given, port=port)
    for pre, post in draw(st.sets(st.sampled_from([("in", "c"), ("c", "d"), ("a", "b"), ("in", "d")]), max_size=3)):
        if cells[pre].size == cells[post].size:
            projections[f"{pre}_to_{post}"] = sn.Projection(
                pre, post, sn.OneToOne(1.5), port="exc" if post == "b" else None)
    return sn.Network(cells, projections, key=KEY)


def most_of(weights):
    """A bound on all sums of a target's weights, as the rounding uses it: each rounded up to 1/256 of the largest.

    Units are at most 2^-22 of it, so that weights move by at most 2^-23 of it.
    """
    size = np.abs(weights)
    top = max(size.max(initial=0.0), 2.0**-103)
    return max(size.sum() + len(size) * top / 128, 2 * top)


def expected_synapses(network, flat):
    """(source, slot, steps) and weights of all that is not a twin, read from the projections one by one."""
    place = {p.name: p for p in flat.places}
    begin = {name: first for name, first, _ in flat.inputs}
    senders = dict(flat.senders)
    begin |= {name: senders[p.group] + p.first for name, p in place.items() if p.group in senders}
    slot = {(port, group): first for port, group, first in flat.slots}
    found = []
    for p in network.projections.values():
        post, connection = place[p.post], p.connection
        diagonal = connection.diagonal
        if diagonal and p.pre not in network.inputs:
            continue
        n_pre = network.populations[p.pre].size
        sources = np.arange(n_pre) if diagonal else np.repeat(np.arange(n_pre), np.diff(connection.starts))
        targets = sources if diagonal else np.asarray(connection.targets)
        weights = np.asarray(connection.weight).reshape(-1)
        steps = np.full(len(sources), 0) if p.delay is None else np.asarray(p.delay.steps(DT)).reshape(-1)
        if len(steps) == n_pre and len(sources) != n_pre:
            steps = steps[sources]
        steps = np.broadcast_to(steps, sources.shape)
        for source, target, weight, step in zip(sources, targets, weights, steps, strict=True):
            port = p.port if p.port != "by_sign" else "exc" if weight >= 0 else "inh"
            late = int(step) - (p.pre not in network.inputs)
            found.append((begin[p.pre] + source, slot[port, post.group] + post.first + target, late, float(weight)))
    return sorted(found)


@settings(max_examples=15, deadline=None)
@given(wirings())
def test_every_synapse_is_in_the_table_once(network):
    """With its target, its delay and its weight, the latter within half a unit of rounding of its target."""
    if obstacle(network, DT):
        assert not any(p.event_driven for p in network.projections.values())
        return
    flat = flatten(network, DT)
    expected = expected_synapses(network, flat)
    starts, ends, targets, delays = (np.asarray(array) for array in flat.rows)
    sources = np.repeat(np.arange(len(starts)), ends - starts)
    assert [*starts, len(targets)] == [0, *ends]
    columns = (sources, targets, delays, np.asarray(flat.weight))
    found = sorted(zip(*(column.tolist() for column in columns), strict=True))
    assert [row[:3] for row in found] == [row[:3] for row in expected]
    assert max(delays, default=0) < flat.depth <= max(flat.waits + 1, 1)
    assert max(targets, default=0) < max(flat.n_slots, 1)
    weights = np.array([row[3] for row in expected])
    slots = np.array([row[1] for row in expected], int)
    largest = np.array([most_of(weights[slots == slot]) for slot in slots])
    assert (np.abs(np.array([row[3] for row in found]) - weights) <= largest * 2.0**-23).all()
    assert float(flat.quantum) <= max(largest, default=0) * 2.0**-22


@settings(max_examples=15, deadline=None)
@given(wirings())
def test_units_lie_side_by_side_and_keep_their_parameters_and_random_numbers(network):
    flat = flatten(network, DT)
    cells = {name: n for name, n in network.populations.items() if name not in network.inputs}
    assert sorted(place.name for place in flat.places) == sorted(cells)
    group = {place.name: place.group for place in flat.places}
    assert (group["a"] == group["b"]) == (not any(p.connection.diagonal and p.pre == "a"
                                                 for p in network.projections.values()))
    for g, merged in enumerate(flat.groups):
        mine = [place for place in flat.places if place.group == g]
        assert [place.first for place in mine] == [0, *itertools.accumulate(place.size for place in mine)][:-1]
        assert merged.size == sum(place.size for place in mine)
        stream, unit = (np.broadcast_to(array, merged.shape) for array in flat.streams[g])
        for place in mine:
            span = slice(place.first, place.first + place.size)
            assert unit[span].tolist() == list(range(place.size))
            assert len(set(stream[span].tolist())) == 1
            for whole, own in zip(jax.tree.leaves(merged), jax.tree.leaves(cells[place.name]), strict=True):
                part = np.broadcast_to(whole, merged.shape)[span].reshape(place.shape)
                np.testing.assert_array_equal(part, np.broadcast_to(own, place.shape))
    # A population without stream of its own would repeat another's noise.
    streams = {int(np.broadcast_to(flat.streams[p.group][0], flat.groups[p.group].shape)[p.first]) for p in flat.places}
    assert len(streams) == len(cells)


@st.composite
def weighted(draw):
    """Weights of any size and sign, onto a few targets."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, slots = draw(st.integers(1, 400)), draw(st.integers(1, 5))
    scale = 10.0 ** rng.uniform(*draw(st.sampled_from([(0, 0), (-3, 3), (-20, 20), (-44, -30)])), n)
    weight = (rng.normal(0, 1, n) * scale * (rng.random(n) < 0.9)).astype(np.float32)
    return weight, rng.integers(0, slots, n).astype(np.int32), slots, rng


@settings(max_examples=30, deadline=None)
@given(weighted())
def test_sums_do_not_depend_on_their_order(drawn):
    """Any part of a target's synapses, in any order, by float32 sums: always the same bits, and the exact sum."""
    weight, targets, slots, rng = drawn
    rounded, quantum = order_free(jnp.asarray(weight), jnp.asarray(targets), slots)
    rounded = np.asarray(rounded)
    assert np.isfinite(rounded).all()
    assert (np.sign(rounded) * np.sign(weight) >= 0).all()
    biggest = 0.0
    for slot in range(slots):
        own, given = rounded[targets == slot], weight[targets == slot].astype(np.float64)
        assert (np.abs(own - given) <= most_of(given) * 2.0**-23).all()
        biggest = max(biggest, most_of(given))
        for _ in range(5):
            part = rng.permutation(own)[:rng.integers(0, len(own) + 1)]
            one, two = (np.add.accumulate(order, dtype=np.float32)[-1:] for order in (part, rng.permutation(part)))
            np.testing.assert_array_equal(one, two)
            assert (one == part.sum(dtype=np.float64)).all()
    assert float(quantum) <= biggest * 2.0**-22


def test_the_sum_of_plain_weights_does_depend_on_its_order():
    """What the rounding is for: the test above can fail."""
    weight = np.random.default_rng(0).normal(0, 1, 300).astype(np.float32)
    sums = {float(np.add.accumulate(np.random.default_rng(k).permutation(weight))[-1]) for k in range(20)}
    assert len(sums) > 5


def test_rounding_is_for_single_precision_and_told():
    def network():
        cells = populations([8, 9, 12, 7, 6])
        return sn.Network(cells, [sn.Projection(pre, "a", sn.Sparse(sn.FixedInDegree(5), weight=Normal(0.0, 1.0)),
                                                delay=2.0, port="by_sign") for pre in ("in", "b", "c")], key=KEY)
    assert float(flatten(network(), DT).quantum) > 0
    with jax.enable_x64(True):
        network = network()
        flat = flatten(network, DT)
        assert flat.quantum == 0
        given = np.concatenate([np.asarray(p.connection.weight).reshape(-1) for p in network.projections.values()
                                if not p.connection.diagonal])
        assert Counter(np.asarray(flat.weight).tolist()) == Counter(given.tolist())


@pytest.mark.parametrize(("change", "reason"), [
    (dict(), None),
    (dict(extra=sn.Projection("cell", "out", sn.Dense(), delay=1.0)), "'extra' is not event driven"),
    (dict(extra=sn.Projection("cell", "out", sn.OneToOne(), delay=1.0)), "'extra' is not event driven"),
    (dict(extra=sn.Projection("cell", "out", sn.Sparse(sn.FixedInDegree(1)), delay=1.0,
                              synapse=sn.synapses.TsodyksMarkram())), "'extra' is not event driven"),
    (dict(extra=sn.Projection("cell", "out", sn.Sparse(sn.FixedInDegree(1)), delay=1.0,
                              transforms=[sn.Dropout(0.5)])), "'extra' is not event driven"),
    (dict(extra=sn.Projection("cell", "out", sn.Sparse(sn.FixedInDegree(1)))), "'extra' has no delay"),
    (dict(extra=sn.Projection("cell", "out", sn.Sparse(sn.FixedInDegree(1)), delay=sn.Delay([0.0, 1.0, 1.0]))),
     "'extra' has no delay"),
    (dict(extra=sn.Projection("input", "out", sn.Sparse(sn.FixedInDegree(1)))), None),
    (dict(extra=sn.Projection("cell", "out", sn.OneToOne())), None),
    (dict(extra=sn.Projection("cell", "cell2", sn.OneToOne(), port="by_sign")),
     "'extra' is one to one and split by sign"),
    (dict(drive=sn.Projection("input", "cell", sn.Dense()), extra=sn.Projection("cell", "out", sn.Sparse(
        sn.FixedInDegree(1)), delay=1.0)), "'drive' is not event driven"),
    (dict(drive=sn.Projection("input", "cell", sn.OneToOne())), "no projection is event driven"),
], ids=itertools.count())
def test_what_cannot_be_laid_out_flat_is_named(change, reason):
    cells = dict(input=sn.Input(3), cell=sn.LIF(3), out=sn.LI(3), cell2=sn.LIFPscExp(3))
    projections = dict(drive=sn.Projection("input", "cell", sn.Sparse(sn.FixedInDegree(2))))
    network = sn.Network(cells, {**projections, **change}, key=KEY)
    found = obstacle(network, 1.0)
    assert found == reason if reason is None else reason in found
    kind = type(runner(network, {}, 1.0, True))
    assert kind is (FlatLayout if reason is None else Layers)
    assert type(runner(network, {}, 1.0, False)) is Layers  # what is trained


class Mean(AbstractNeuron):
    """Every unit shows the mean of what all of them got."""

    shape: tuple[int, ...] = (3,)
    ports = {"in": "jump"}

    def initial_state(self):
        return jnp.zeros(self.shape)

    def step(self, state, inputs, dt, rand):
        state = jnp.full_like(state, inputs["in"].mean())
        return state, state


def test_neurons_that_mix_units_are_named():
    network = sn.Network(dict(input=sn.Input(3), mean=Mean()), [
        sn.Projection("input", "mean", sn.Sparse(sn.FixedInDegree(2)))], key=KEY)
    assert obstacle(network, 1.0) == "population 'mean' mixes units"


def test_graded_populations_are_those_whose_output_is_their_own():
    assert {name for name, neuron in populations([1] * 5).items() if name != "in" and graded(neuron)} == {"d"}
    assert graded(neurons.PoissonGenerator(2, 10.0))
    assert not graded(sn.Refractory(sn.Noisy(sn.LIF(2))))
    assert graded(sn.Noisy(sn.LI(2)))

    class Doubled(AbstractComposed):
        """Whatever a neuron made of another puts out is its own, unless it says otherwise."""

        init, flow, receive = sn.Noisy.init, sn.Noisy.flow, sn.Noisy.receive

        def fire(self, state):
            state, output = self.neuron.fire(state)
            return state, 2 * output
    assert graded(Doubled(sn.LIF(2)))
