"""Which units go where: every unit once, balanced, whole populations; parts of the table hold every synapse once."""

from collections import Counter
from itertools import pairwise

import jax
import numpy as np
import pytest
from device_networks import cells, drawn, islands, mixed, sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import snnsim as sn
from snnsim.core.dealing import UNIT_COST, WORD, deal, of, shortest_remote_delay
from snnsim.core.errors import ConfigurationError, DelayError
from snnsim.core.flat import far_projections, flatten, order_free, outline
from snnsim.core.shards import _entries, _units
from snnsim.core.table import Entry, chosen_of, synapse_arrays
from snnsim.models.cortex import microcircuit
from snnsim.neurons import PoissonGenerator

KEY = jax.random.key(0)


def chain(sizes):
    """Populations of these sizes, each sending to the next one and the last to itself."""
    names = [f"p{k}" for k in range(len(sizes))]
    return sn.Network({name: cells(size) for name, size in zip(names, sizes, strict=True)},
                      [sn.Projection(pre, post, sparse(3, 0.1), delay=drawn(1.0), port="exc")
                       for pre, post in zip(names, [*names[1:], names[-1]], strict=True)], key=KEY)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=6), st.integers(1, 9), st.data())
def test_every_unit_has_one_device(sizes, devices, data):
    network = chain(sizes)
    placed = data.draw(st.dictionaries(st.sampled_from(list(network.populations)), st.integers(0, devices - 1)))
    blocks = deal(network, devices, placed)
    for name, neuron in network.populations.items():
        mine = list(of(blocks, name))
        assert [block.begin for block in mine] == [0, *np.cumsum([block.size for block in mine])[:-1]]
        assert sum(block.size for block in mine) == neuron.size
        assert len({block.device for block in mine}) == len(mine)
        assert all(block.begin % WORD == 0 and block.size > 0 for block in mine)
        if name in placed:
            assert [block.device for block in mine] == [placed[name]]


@pytest.mark.parametrize("devices", [2, 3, 4, 8])
def test_devices_have_like_shares(devices):
    network = microcircuit(0.1, 0.1, key=KEY)
    cost = dict.fromkeys(network.populations, UNIT_COST)
    for p in far_projections(network).values():
        cost[p.post] += p.connection.weight.size / network.populations[p.post].size
    shares = np.zeros(devices)
    for block in deal(network, devices):
        shares[block.device] += cost[block.population] * block.size
    assert shares.max() < 1.2 * shares.mean()


def test_populations_stay_whole_where_they_fit():
    assert [block.device for block in deal(islands(), 2)] == [0, 0, 1, 1]
    assert {len(list(of(deal(chain([100] * 8), 4), f"p{k}"))) for k in range(8)} == {1}
    assert len(list(of(deal(chain([1000, 20]), 4), "p0"))) > 2


def test_those_joined_one_to_one_are_cut_alike():
    network = mixed(900)
    blocks = deal(network, 4)
    for generators, targets in (("noise", "exc"), ("noise_inh", "inh")):
        one, two = ([tuple(block)[1:] for block in of(blocks, name)] for name in (generators, targets))
        assert one == two
    assert len(list(of(blocks, "exc"))) > 1
    assert [block.device for block in deal(islands(), 2, {"cells_0": 1})][:2] == [1, 1]


def test_inputs_are_everywhere():
    network = mixed()
    assert list(of(deal(network, 2), "input")) == []
    with pytest.raises(ConfigurationError, match="they are on every device"):
        deal(network, 2, {"input": 0})


@pytest.mark.parametrize(("delay", "steps"), [(2.0, 20), (0.1, 1), (sn.Delay(0.04, "nearest"), 1),
                                              (sn.Delay(0.26, "nearest"), 3)])
def test_rounds_are_as_long_as_the_shortest_delay_between_devices(delay, steps):
    network = islands(delay=delay)
    assert shortest_remote_delay(network, deal(network, 2), 0.1) == steps
    assert shortest_remote_delay(network, deal(network, 1), 0.1) is None


def test_a_delay_of_zero_between_devices():
    network = sn.Network({"noise": PoissonGenerator(10, 100.0), "cells": cells(10)},
                         [sn.Projection("noise", "cells", sn.OneToOne(1.0), port="exc"),
                          sn.Projection("cells", "cells", sparse(2, 0.1), delay=1.0, port="exc")], key=KEY)
    with pytest.raises(DelayError, match="projections without delay"):
        deal(network, 2, {"noise": 0, "cells": 1})


@pytest.mark.parametrize(("placement", "error", "word"), [
    ({"nobody": 0}, ConfigurationError, "p0, p1"),
    ({"p0": -1}, ConfigurationError, "0 to 2"),
    ({"p0": 3}, ConfigurationError, "0 to 2"),
    ({"p0": True}, ConfigurationError, "0 to 2"),
    ({"p0": 1.0}, ConfigurationError, "0 to 2"),
])
def test_refusals(placement, error, word):
    with pytest.raises(error, match=word):
        deal(chain([5, 6]), 3, placement)


# -- tables of parts -----------------------------------------------------------------------------------------


def synapses(rows, weight):
    """(source, slot, delay, weight) of every synapse of a table."""
    return Counter((source, int(rows.targets[n]), int(rows.delays[n]), float(weight[n]))
                   for source in range(len(rows.starts)) for n in range(rows.starts[source], rows.ends[source]))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 30), min_size=2, max_size=4), st.booleans(),
       st.sampled_from(["one", "source", "synapse"]))
def test_parts_of_a_projection_are_the_projection(seed, cuts, by_sign, delay):
    rng = np.random.default_rng(seed)
    n = 200
    sources = np.sort(rng.integers(0, 30, n))
    steps = {"one": 2.0, "source": rng.integers(1, 9, 30), "synapse": rng.integers(1, 9, n)}[delay]
    edges = sn.Sparse.from_edges(sources, rng.integers(0, 30, n), rng.normal(0, 1, n))
    port = "by_sign" if by_sign else "exc"
    network = sn.Network({"a": cells(30), "b": cells(30)}, {"p": sn.Projection(
        "a", "b", edges, delay=sn.Delay(np.asarray(steps, float)), port=port)}, key=KEY)
    slots = (0, 30) if by_sign else (0,)

    def table(*entries):
        return synapses(*synapse_arrays(entries, [chosen_of(entry) for entry in entries], 30, 9, 1.0))
    ends = [0, *sorted(cuts), 30]
    parts = [Entry(network["p"], 1, a, slots, (a, b), (c, d))
             for a, b in pairwise(ends) for c, d in pairwise(ends)]
    assert table(*parts) == table(Entry(network["p"], 1, 0, slots))


def test_parts_of_one_to_one_projections():
    network = sn.Network({"a": cells(30), "b": cells(30)}, {"p": sn.Projection(
        "a", "b", sn.OneToOne(np.arange(1.0, 31.0)), delay=2.0, port="exc"), "q": sn.Projection(
        "b", "a", sparse(2, 1.0), delay=1.0, port="exc")}, key=KEY)
    entry = Entry(network["p"], 1, 0, (100,), (5, 20), (10, 25))
    rows, weight = synapse_arrays([entry], [chosen_of(entry)], 15, 9, 1.0, size=40)
    assert synapses(rows, weight) == Counter({(unit - 5, 100 + unit, 1, float(unit + 1)): 1 for unit in range(10, 20)})
    assert (len(rows.targets), len(rows.delays), len(weight)) == (40, 40, 40)
    assert not weight[10:].any()


@pytest.mark.parametrize("devices", [1, 3])
def test_every_synapse_is_on_the_device_of_its_target(devices):
    network = mixed(200)
    flat, blocks = outline(network, 0.1), deal(network, devices)
    units, first = _units(flat, blocks, devices)
    local = outline(network, 0.1, [each.shape[1] for each in units])
    n_units = sum(units[g].shape[1] for g, _ in local.senders)
    count, elsewhere = 0, 0
    for device in range(devices):
        near, remote = _entries(network, local, blocks, first, device, n_units)
        for entry in (*near, *remote):
            chosen = chosen_of(entry)
            count += chosen.starts[-1] - chosen.starts[0]
        elsewhere += len(remote)
    assert count == flatten(network, 0.1).rows.targets.size
    assert (elsewhere > 0) == (devices > 1)


def test_weights_are_rounded_alike_in_any_order():
    rng = np.random.default_rng(0)
    weight = (rng.normal(size=20000) * np.exp(2 * rng.normal(size=20000))).astype(np.float32)
    targets = rng.integers(0, 9, 20000).astype(np.int32)
    order = rng.permutation(20000)
    one, unit = order_free(weight, targets, 9)
    two, other = order_free(weight[order], targets[order], 9)
    np.testing.assert_array_equal(np.asarray(one)[order], two)
    assert unit == other == 2.0 ** np.log2(float(unit)).round()
