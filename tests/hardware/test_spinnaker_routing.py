"""Machine, trees, keys, tables and compression: every packet reaches exactly its targets."""

from itertools import pairwise
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import snnsim as sn
from snnsim.core.errors import ConfigurationError
from snnsim.hardware import Workload
from snnsim.hardware.spinnaker import SpiNNaker
from snnsim.hardware.spinnaker import constants as c
from snnsim.hardware.spinnaker.compression import compressed
from snnsim.hardware.spinnaker.from_network import application_of
from snnsim.hardware.spinnaker.machine import BOARD, ETHERNET, LINKS, TRIAD, Machine, opposite
from snnsim.hardware.spinnaker.router import deliver
from snnsim.hardware.spinnaker.tables import ChipTable, Table
from snnsim.hardware.spinnaker.trees import grow
from snnsim.synapses import Delay

QUICK = settings(max_examples=20, deadline=None, derandomize=True,
                 suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
MACHINES = {"small": Machine.small(), "board": Machine.of_boards(1), "triad": Machine.of_boards(3),
            "torus": Machine.of_boards(12), "holes": Machine.of_boards(3, [(1, 0), (5, 9), (6, 9), (0, 3)])}


# -- machine ------------------------------------------------------------------------------------------------
def test_boards_fill_the_torus_without_gap_or_overlap():
    places = {((ex + x) % TRIAD, (ey + y) % TRIAD) for ex, ey in ETHERNET for x, y in BOARD}
    assert len(places) == 3 * len(BOARD) == TRIAD**2
    assert [(m.boards, m.chips, int(m.cores.sum())) for m in map(Machine.of_boards, (1, 2, 6, 12))] == [
        (1, 48, 759), (3, 144, 3 * 759), (6, 288, 6 * 759), (12, 576, 12 * 759)]
    board = Machine.of_boards(1)
    # 40 chips of 18 cores and 8 of 17, less a monitor and one for loading on each, and one more at the Ethernet.
    assert 40 * 18 + 8 * 17 == 856
    assert int(board.cores.sum()) == 856 - 2 * 48 - 1
    assert Machine.small().cores.tolist() == [15, 16, 16, 16]


@pytest.mark.parametrize("name", MACHINES)
def test_links_go_both_ways(name):
    machine = MACHINES[name]
    for link in range(len(LINKS)):
        ends = machine.neighbours[:, link]
        there = np.flatnonzero(ends >= 0)
        assert (machine.neighbours[ends[there], opposite(link)] == there).all()
    inside = Machine.of_boards(12).neighbours
    assert (inside >= 0).all()


@pytest.mark.parametrize("name", ["board", "triad", "torus"])
def test_paths_are_shortest_and_the_longest_dimension_comes_first(name):
    machine = MACHINES[name]
    for start in range(0, machine.chips, 11):
        distance = machine.distances(start)
        waves = _breadth_first(machine, start)
        np.testing.assert_array_equal(distance, waves)
        for end in range(machine.chips):
            path = machine.path(start, end)
            assert len(path) == distance[end]
            links = [link for link, _ in path]
            runs = [k for k in range(len(links)) if k == 0 or links[k] != links[k - 1]]
            assert len(runs) <= 2
            if len(runs) == 2:
                assert runs[1] >= len(links) - runs[1]


def _breadth_first(machine, start):
    far = np.full(machine.chips, -1)
    far[start], wave = 0, [start]
    while wave:
        wave = sorted({int(n) for chip in wave for n in machine.neighbours[chip] if n >= 0 and far[n] < 0})
        far[wave] = far[far >= 0].max() + 1
    return far


# -- trees --------------------------------------------------------------------------------------------------
@QUICK
@given(st.sampled_from(sorted(MACHINES)), st.data())
def test_trees_reach_every_target_and_visit_no_chip_twice(name, data):
    machine = MACHINES[name]
    chips = st.integers(0, machine.chips - 1)
    source, targets = data.draw(chips), np.array(data.draw(st.lists(chips, min_size=1, max_size=40, unique=True)))
    tree = grow(machine, source, targets)
    assert len(np.unique(tree.chips)) == len(tree.chips)
    assert set(targets.tolist()) <= set(tree.chips.tolist())
    # Each chip but the first is entered once, by the link that its neighbour leaves by.
    entered = [(int(machine.neighbours[chip, link]), link) for chip, links in zip(tree.chips, tree.links, strict=True)
               for link in range(6) if links >> link & 1]
    assert sorted(entered) == sorted(zip(tree.chips[1:].tolist(), tree.travel[1:].tolist(), strict=True))
    # Leaves are targets: nothing is sent where nobody listens.
    leaves = tree.chips[(tree.links == 0)]
    assert set(leaves.tolist()) <= {*targets.tolist(), source}


def test_no_way_is_an_error():
    ring = [(x, y) for x, y in ((1, 0), (1, 1), (0, 1))]
    machine = Machine.of_boards(1, ring)
    with pytest.raises(ConfigurationError, match="no way to chip"):
        grow(machine, 0, np.array([machine.index[5, 5]]))


# -- whole networks -----------------------------------------------------------------------------------------
@st.composite
def networks(draw):
    """Random populations joined at random, with delays of all shapes, cut into small slices."""
    n = draw(st.integers(2, 5))
    sizes = [draw(st.sampled_from([1, 2, 17, 40, 90])) for _ in range(n)]  # few shapes: each is compiled once
    seed = draw(st.integers(0, 2**31))
    rng = np.random.default_rng(seed)
    populations = {f"p{k}": sn.Input(size) if k == 0 else sn.LIF(size) for k, size in enumerate(sizes)}
    joins = []
    for pre in range(n):
        for post in range(1, n):
            if rng.random() < 0.6:
                joins.append(_join(rng, f"p{pre}", f"p{post}", sizes[pre], sizes[post]))
    net = sn.Network(populations, {f"j{k}": j for k, j in enumerate(joins)}, key=jax.random.key(seed % 1000))
    options = dict(neurons_per_core=draw(st.integers(1, 12)), delays=draw(st.sampled_from(["ring", "extension"])),
                   ring_slots=draw(st.sampled_from([None, 4, 16])),
                   placement=draw(st.sampled_from(["connected", "radial"])))
    if options["delays"] == "ring":
        options["ring_slots"] = None
    return net, options, rng


def _join(rng, pre, post, n_pre, n_post):
    kind = rng.integers(3)
    count = int(rng.choice([1, 5, 4 * n_pre]))
    source = np.sort(rng.integers(n_pre, size=count))
    if kind == 0:  # some synapses of a matrix, each with a delay of its own
        weight = np.where(rng.random((n_pre, n_post)) < 0.3, 0.1, 0.0).astype(np.float32)
        delay = Delay(rng.integers(1, 30, (n_pre, n_post)).astype(np.float32))
        return sn.Projection(pre, post, sn.Dense(weight), delay=delay)
    connection = sn.Sparse.from_edges(source, rng.integers(n_post, size=count), np.full(count, 0.1, np.float32))
    delay = float(rng.integers(1, 20)) if kind == 1 else Delay(rng.integers(1, 30, count).astype(np.float32))
    return sn.Projection(pre, post, connection, delay=delay)


def counted(net, rng):
    """The network as the mapper sees it, with spikes that nobody simulated."""
    spikes = {name: rng.integers(0, 5, neuron.size) for name, neuron in net.populations.items()}
    about = {name: SimpleNamespace(state_variables=1) for name in net.populations}
    return application_of(net, SimpleNamespace(dt=1.0, total_s=0.003, steps=3, samples=1, unit_counts=spikes,
                                               populations=about))


def synapses(join):
    """(source, target, delay in steps) of each synapse, one by one."""
    weight, delay = np.asarray(join.connection.weight), np.asarray(join.delay.value)
    delay = np.broadcast_to(delay, weight.shape)
    if isinstance(join.connection, sn.Sparse):
        starts, targets = np.asarray(join.connection.starts), np.asarray(join.connection.targets)
        return [(i, int(targets[k]), int(delay[k])) for i in range(len(starts) - 1)
                for k in range(starts[i], starts[i + 1])]
    return [(int(i), int(j), int(delay[i, j])) for i, j in zip(*np.nonzero(weight), strict=True)]


def wanted(net, mapping):
    """Cores that the packets of each slice must reach, from the synapses one by one."""
    vertices, part = mapping.vertices, mapping.parts
    where = {(vertices.name(v), int(u)): v for v in range(len(vertices))
             for u in range(vertices.start[v], vertices.stop[v])}
    found = {v: set() for v in range(len(vertices))}
    for join in net.projections.values():
        for source, target, delay in synapses(join):
            reached = where[join.post, target]
            if delay <= part[join.pre].stage_steps:
                found[where[join.pre, source]].add(reached)
            else:
                found[where[join.pre, source]].add(where[f"{join.pre}_delayed", source])
                found[where[f"{join.pre}_delayed", source]].add(reached)
    return {v: targets for v, targets in found.items() if targets}


@QUICK
@given(networks())
def test_every_spike_reaches_exactly_its_targets(made):
    """One packet of every key, before and after compression to as few entries as can be."""
    net, options, rng = made
    application = counted(net, rng)
    mapping = SpiNNaker(board="large", **options).place(application)
    expected = wanted(net, mapping)
    assert set(expected) == set(mapping.vertices.senders.tolist())
    keys, senders = [], []
    for vertex in expected:
        for unit in range(int(mapping.vertices.keys[vertex])):
            for colour in (0, 15):
                keys.append(mapping.keys.of_unit(vertex, unit, colour))
                senders.append(vertex)
    assert len(set(keys)) == len(keys)
    keys, senders = np.array(keys, np.int64), np.array(senders, np.int64)
    few = {chip: compressed(found, "", target=0) for chip, found in mapping.full.items()}
    for tables in (mapping.tables, {chip: found.table for chip, found in mapping.full.items()}, few):
        got = deliver(mapping.machine, tables, keys, mapping.placement.chip[senders])
        cores = {(int(mapping.placement.chip[v]), int(mapping.placement.core[v])): v
                 for v in range(len(mapping.vertices))}
        reached = {k: set() for k in range(len(keys))}
        for packet, chip, core in zip(got.packet, got.chip, got.core, strict=True):
            assert cores[int(chip), int(core)] not in reached[int(packet)]
            reached[int(packet)].add(cores[int(chip), int(core)])
        assert reached == {k: expected[int(senders[k])] for k in range(len(keys))}
    # Traffic is what the packets really do.
    one = mapping.deliver()
    sent = mapping.vertices.packets[mapping.vertices.senders]
    assert int(mapping.traffic.routers.sum()) == int(sent @ one.visits)
    assert mapping.traffic.hops == int(sent @ (one.visits - 1))
    # Every synaptic event arrives somewhere.
    events = sum(int(application.cells[p.pre].packets[source]) for p in net.projections.values()
                 for source, _, _ in synapses(p))
    assert mapping.vertices.events.sum() == events


@QUICK
@given(networks())
def test_keys_never_collide_and_places_are_taken_once(made):
    net, options, rng = made
    mapping = SpiNNaker(board="large", **options).place(counted(net, rng))
    first = mapping.keys.key[mapping.vertices.senders]
    size = 2**c.KEY_BITS - mapping.keys.mask[mapping.vertices.senders]
    assert ((size & (size - 1)) == 0).all()  # powers of two, ...
    assert (first % size == 0).all()  # ... aligned, ...
    order = np.argsort(first)
    assert (first[order][1:] >= (first + size)[order][:-1]).all()  # ... that do not overlap
    assert (size >= mapping.vertices.keys[mapping.vertices.senders] << mapping.keys.colour_bits).all()
    zones = sorted((base, base + n) for _, base, n in mapping.keys.zones)
    assert all(stop <= begin for (_, stop), (begin, _) in pairwise(zones))
    places = list(zip(mapping.placement.chip.tolist(), mapping.placement.core.tolist(), strict=True))
    assert len(set(places)) == len(places)
    machine = mapping.machine
    for chip, core in places:
        assert machine.first_core[chip] <= core < machine.first_core[chip] + machine.cores[chip]


def test_missing_chips_are_gone_around():
    net = sn.Network(dict(a=sn.Input(400), b=sn.LIF(4000)),
                     [sn.Projection("a", "b", sn.Sparse(sn.FixedProbability(0.05)))], key=jax.random.key(0))
    work = Workload.of(net, sn.simulate(net, duration=1.0))
    gone = [(1, 0), (1, 1), (2, 2), (3, 3)]
    mapping = SpiNNaker(boards=1, neurons_per_core=20, missing=gone).map(net, work)
    assert mapping.machine.chips == 44
    got = mapping.deliver()
    assert len(got.packet) == len(mapping.vertices.target)


# -- tables -------------------------------------------------------------------------------------------------
def _random_table(rng, blocks, routes, passing=0):
    """Disjoint blocks of random size, each with one of a few routes; some pass by default."""
    cuts = np.sort(rng.choice(2**16, blocks, replace=False)) << 8
    mask = np.full(blocks, 2**32 - 1 - (2**6 - 1))
    straight = rng.permutation(blocks) < passing
    route = np.where(straight, 1, 64 << rng.integers(routes, size=blocks))
    table = Table(cuts, mask, route)
    part = [Table(*(getattr(table, n)[chosen] for n in ("key", "mask", "route"))) for chosen in (~straight, straight)]
    return ChipTable(*part)


@QUICK
@given(st.integers(1, 300), st.integers(1, 12), st.integers(0, 40), st.integers(0, 2**31))
def test_compressed_tables_route_as_before(blocks, routes, passing, seed):
    found = _random_table(np.random.default_rng(seed), blocks, routes, min(passing, blocks))
    few = compressed(found, "", target=0, limit=10**6)
    assert len(few) <= len(found.table)
    low = 2**6 - 1
    for key, route in zip(found.table.key, found.table.route, strict=True):
        for packet in (key, key | low):
            first = np.flatnonzero((packet & few.mask) == few.key)
            assert few.route[first[0]] == route
    for key in found.passing.key:
        for packet in (key, key | low):
            assert not ((packet & few.mask) == few.key).any()


def test_compression_of_one_route_is_one_entry_and_stops_where_it_may():
    rng = np.random.default_rng(0)
    assert len(compressed(_random_table(rng, 900, 1), "", target=0)) == 1
    table = _random_table(rng, 900, 3)
    assert compressed(table, "") is table.table  # 900 fit
    assert len(compressed(_random_table(rng, 1500, 2), "")) <= 1023


def test_tables_that_do_not_fit_say_by_how_much():
    rng = np.random.default_rng(1)
    found = _random_table(rng, 1000, 100, 250)
    with pytest.raises(ConfigurationError, match=r"got [\d,]+ routing entries, 750 before compression, expected at "
                       r"most 120.*exceeds by [\d,]+: packets of 1,000 slices pass here, about [\d,]+ would fit"):
        compressed(found, "router of chip (0, 0)", limit=120)


def test_networks_whose_tables_do_not_fit():
    """1,200 slices with targets at random: as many entries on each chip as slices, all different."""
    rng = np.random.default_rng(2)
    source, target = np.nonzero(rng.random((1200, 320)) < 0.4)
    net = sn.Network(dict(a=sn.Input(1200), b=sn.LIF(320)), [sn.Projection("a", "b", sn.Sparse.from_edges(
        source, target))], key=jax.random.key(0))
    with pytest.raises(ConfigurationError, match=r"router of chip \(\d+, \d+\): got 1,1\d\d routing entries.*at most "
                       r"1,023.*exceeds by \d+: packets of 1,1\d\d slices pass here, about [\d,]+ would fit"):
        SpiNNaker(neurons_per_core=1).place(counted(net, rng))
    mapping = SpiNNaker(neurons_per_core=2).place(counted(net, rng))
    assert max(map(len, mapping.tables.values())) <= 1023


def test_keys_that_do_not_suffice(monkeypatch):
    monkeypatch.setattr("snnsim.hardware.spinnaker.keys.FULL", 2**12 - 1)
    net = sn.Network(dict(a=sn.Input(300), b=sn.LIF(2)), [sn.Projection("a", "b", sn.Dense(0.1))],
                     key=jax.random.key(0))
    with pytest.raises(ConfigurationError, match=r"8,192 routing keys.*exceeds by 4,096"):
        SpiNNaker().place(counted(net, np.random.default_rng(0)))


# -- routers ------------------------------------------------------------------------------------------------
def test_broken_tables_are_found():
    machine = MACHINES["board"]
    full, key = np.array([2**32 - 1]), np.array([5])
    def send(**tables):
        return deliver(machine, {int(chip[1:]): Table(key, full, np.array([route])) for chip, route in tables.items()},
                       key, np.array([0]))
    with pytest.raises(ConfigurationError, match="no entry where it is sent"):
        send()
    with pytest.raises(ConfigurationError, match="leaves the machine by link"):
        send(c0=1 << 3)
    east = int(machine.neighbours[0, 0])
    with pytest.raises(ConfigurationError, match="comes here twice"):
        send(c0=1 << 0, **{f"c{east}": 1 << 3})
    with pytest.raises(ConfigurationError, match="leaves the machine"):  # straight on to the end of the board
        send(c0=1 << 0)
    got = send(c0=1 << (6 + 4))
    assert (got.chip.tolist(), got.core.tolist(), got.visits.tolist()) == ([0], [4], [1])
