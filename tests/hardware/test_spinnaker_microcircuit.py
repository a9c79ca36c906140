"""The full microcircuit, 77,169 neurons and 298,880,968 synapses, mapped from its numbers."""

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError
from snnsim.hardware.spinnaker import (
    PlannedNetwork,
    PlannedPopulation,
    PlannedProjection,
    SpiNNaker,
    planned_microcircuit,
)
from snnsim.hardware.spinnaker.from_network import application_of
from snnsim.hardware.spinnaker.planned import longest_row
from snnsim.synapses import Delay, FixedTotalNumber, Normal


@pytest.fixture(scope="module")
def plan():
    return planned_microcircuit(external="dc")


def test_counts_of_the_plan(plan):
    work = plan.workload()
    assert sum(p.units for p in work.populations.values()) == 77_169
    assert work.synapses == 298_880_968
    assert work.events == pytest.approx(9.667e8, rel=1e-4)
    assert work.updates == 77_169 * 10_000
    assert all(type(n) is int for n in (work.events, work.spikes, work.packets, work.updates))
    spikes = {name: int(plan.packets(name).sum()) for name in plan.populations}
    assert spikes == {name: round(p.units * p.rate) for name, p in plan.populations.items()}


@pytest.mark.parametrize("options", [
    dict(), dict(delays="ring"), dict(neurons_per_core=64), dict(neurons_per_core=100, placement="radial"),
    pytest.param(dict(neurons_per_core=80, delays="extension", ring_slots=16, boards=6), marks=pytest.mark.slow),
])
def test_every_packet_of_the_full_microcircuit_reaches_its_targets(plan, options):
    mapping = SpiNNaker(**options).place(plan.application())
    assert max(map(len, mapping.tables.values())) <= 1023
    vertices, senders = mapping.vertices, mapping.vertices.senders
    source = np.repeat(np.arange(len(vertices)), np.diff(vertices.first_target))
    place = mapping.placement.chip.astype(np.int64) * 32 + mapping.placement.core
    wanted = np.unique(source * 2**32 + place[vertices.target])
    for compressed in (True, False):
        got = mapping.deliver(compressed=compressed)
        reached = senders[got.packet] * 2**32 + got.chip * 32 + got.core
        assert len(reached) == len(wanted)
        np.testing.assert_array_equal(np.sort(reached), wanted)
    # Memory of each chip, and synapses that are all somewhere.
    used = np.bincount(mapping.placement.chip, vertices.sdram_bytes)
    assert used.max() <= 123_469_792
    assert int(vertices.sdram_bytes.sum()) > 298_880_968 * 4
    assert vertices.events.sum() == pytest.approx(9.667e8, rel=1e-3)


def test_compression_is_needed_and_suffices(plan):
    mapping = SpiNNaker(neurons_per_core=80, delays="extension", ring_slots=16, boards=6).place(plan.application())
    entries = [len(found.table) for found in mapping.full.values()]
    assert max(entries) > 1800
    assert sum(n > 1023 for n in entries) > 100


def test_poisson_input_needs_sources(plan):
    mapping = SpiNNaker().place(planned_microcircuit().application())
    sources = [part for name, part in mapping.parts.items() if name.startswith("external_")]
    assert sum(part.slices for part in sources) == sum(-(-part.units // 500) for part in sources)
    assert any("PoissonGenerator" in note for note in mapping.notes)
    with pytest.raises(ConfigurationError, match="'poisson' or 'dc'"):
        planned_microcircuit(external="ac")


def test_expected_connectivity_is_that_of_a_built_network():
    """Drawn and planned: the same cores and slices, the same events, memory that suffices."""
    numbers = {"a_a": ("a", "a", 30_000, 1.5), "a_b": ("a", "b", 60_000, 3.0), "b_a": ("b", "a", 2_000, 0.8)}
    sizes, rates, dt = {"a": 600, "b": 900}, {"a": 4.0, "b": 9.0}, 0.1
    net = sn.Network(
        {name: sn.LIF(size) for name, size in sizes.items()},
        {name: sn.Projection(pre, post, sn.Sparse(FixedTotalNumber(n)),
                             delay=Delay(Normal(delay, delay / 2, low=dt / 2), rounding="nearest"))
         for name, (pre, post, n, delay) in numbers.items()}, key=jax.random.key(0))
    expected = PlannedNetwork(
        {name: PlannedPopulation(size, rates[name], "LIF", 1) for name, size in sizes.items()},
        {name: PlannedProjection(pre, post, n, delay, delay / 2) for name, (pre, post, n, delay) in numbers.items()},
        dt, 1000.0)
    work = expected.workload()
    target = SpiNNaker(neurons_per_core=64, delays="extension", ring_slots=16, board="large")
    built, planned = target.place(application_of(net, work)), target.place(expected.application())
    assert built.cores == planned.cores
    for name in sizes:
        one, two = built.parts[name], planned.parts[name]
        assert (one.slices, one.neurons_per_core) == (two.slices, two.neurons_per_core)
        assert abs(one.stages - two.stages) <= 1  # the longest of many random delays
    assert len(planned.vertices.target) == pytest.approx(len(built.vertices.target), rel=0.1)
    assert planned.vertices.events.sum() == pytest.approx(int(built.vertices.events.sum()), rel=0.01)
    # Rows are planned so that hardly any is longer, and are therefore longer than the longest that was drawn.
    assert 1.0 < planned.vertices.sdram_bytes.sum() / built.vertices.sdram_bytes.sum() < 1.5


@pytest.mark.parametrize("mean", [0.3, 2.0, 6.8, 30.0])
def test_rows_are_planned_long_enough(mean):
    rng = np.random.default_rng(0)
    longest = rng.poisson(mean, (2000, 128)).max(1)
    assert (longest > longest_row(mean, 128)).mean() < 0.01
    assert longest.max() >= longest_row(mean, 128) - 3  # and no longer than that


@pytest.mark.parametrize(("populations", "projections", "times"), [
    ({"a": PlannedPopulation(0, 1.0)}, {}, (1.0, 10.0)),
    ({"a": PlannedPopulation(5, -1.0)}, {}, (1.0, 10.0)),
    ({"a": PlannedPopulation(5, 1.0)}, {}, (1.0, 0.5)),
    ({"a": PlannedPopulation(5, 1.0)}, {"j": PlannedProjection("a", "b", 3, 1.0)}, (1.0, 10.0)),
    ({"a": PlannedPopulation(5, 1.0)}, {"j": PlannedProjection("a", "a", -3, 1.0)}, (1.0, 10.0)),
    ({"a": PlannedPopulation(5, 1.0)}, {"j": PlannedProjection("a", "a", 3, float("nan"))}, (1.0, 10.0)),
    ({"a": PlannedPopulation(5, 1.0)}, {"j": PlannedProjection("a", "a", 24, 1.0, connection="dense")}, (1.0, 10.0)),
    ({"a": PlannedPopulation(5, 1.0)}, {"j": PlannedProjection("a", "a", 5, 1.0, connection="ring")}, (1.0, 10.0)),
])
def test_numbers_that_cannot_be(populations, projections, times):
    with pytest.raises(ConfigurationError):
        PlannedNetwork(populations, projections, *times)
