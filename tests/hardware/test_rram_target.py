"""Resistive memory as a target: ISAAC's totals, counts by hand and by brute force, refusals."""

import json

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError, DelayError, UnsupportedError
from snnsim.hardware import Workload, report, rram, targets
from snnsim.hardware.rram import constants as c
from snnsim.hardware.rram.unrolled import unrolled


def priced(target, net, rec):
    work = Workload.of(net, rec)
    mapping = target.map(net, work)
    return mapping, target.cost(mapping, work)


def chain(pre, post, connection=None, neuron=sn.LIF, inputs=None, **options):
    net = sn.Network(dict(a=sn.Input(pre), b=neuron(post)), [sn.Projection("a", "b", connection or sn.Dense(0.01),
                                                                           **options)], key=jax.random.key(0))
    given = None if inputs is None else {"a": inputs}
    return net, sn.simulate(net, given, duration=float(3 if inputs is None else len(inputs)))


def tables(cost):
    return {table.table: table for table in cost.tables()}


# -- published totals ------------------------------------------------------------------------------------------


def test_isaac_tile_power_and_area():
    """Table I adds up: 289 mW in twelve units, 330 mW a tile, 58 % of it and 31 % of the area in converters."""
    assert 12 * c.ima_power_w() == pytest.approx(0.289, rel=0.005)
    assert c.tile_power_w() == pytest.approx(c.TILE.value * 1e-3, rel=0.005)
    assert 12 * c.IMA_POWER["ADC"].value / c.TILE.value == pytest.approx(0.58, abs=0.005)
    assert 12 * c.IMA_AREA["ADC"].value / c.TILE_AREA.value == pytest.approx(0.31, abs=0.005)
    assert 12 * sum(figure.value for figure in c.IMA_AREA.values()) == pytest.approx(0.157, rel=0.02)
    assert c.TILES_PER_CHIP.value * c.TILE.value == pytest.approx(55.4e3, rel=0.005)


def test_a_busy_tile_uses_isaacs_power():
    """96 arrays, every row driven in a reading: the events' prices over its time are the power of twelve units."""
    net, rec = chain(12 * 128, 4 * 32, inputs=np.ones((1, 1, 12 * 128), np.float32))
    mapping, cost = priced(rram.Rram(), net, rec)
    assert (mapping.summary["arrays"], mapping.tiles) == (96, 1)
    assert mapping.step_ns == pytest.approx(128 / 1.2)
    energy = cost.by_name()
    inside = sum(value for name, value in energy.items() if name not in ("eDRAM", "bus", "tile register"))
    assert inside / (mapping.step_ns * 1e-9) == pytest.approx(12 * c.ima_power_w(), rel=0.05)
    assert energy["conversion"] / inside == pytest.approx(16 / 24.08, abs=0.03)
    tile = tables(cost)["tile-power"]
    assert tile.energy_j == pytest.approx(0.330 * mapping.step_ns * 1e-9)


def test_area_of_a_tiles_arrays():
    net, rec = chain(12 * 128, 4 * 32)
    area = priced(rram.Rram(), net, rec)[0].summary["area of arrays and their periphery (mm2)"]
    assert area["sum"] == pytest.approx(0.157, rel=0.02)
    assert area["ADC"] == pytest.approx(12 * 0.0096, rel=1e-3)


def test_converters_by_bits():
    assert c.conversion(8).band() == pytest.approx((1.5625e-12, 1.67e-12, 1.71e-12))
    assert c.conversion(8).value == pytest.approx(c.IMA_POWER["ADC"].value / 8 / 1.2, rel=0.005)  # mW a GS/s: pJ
    assert not c.conversion(12).known
    known = [c.conversion(bits).value for bits in c.ADC_PJ]
    assert known == sorted(known)


def test_neurosim_by_hand():
    """22 nm, 5 bits (32 levels), columns of 100 kOhm: (0.538 * 5 + 4.3753 + 0.072341 / R) uW for 6 ns."""
    column = 10.0  # uS
    r_column = 1e6 / column * 0.5 / 0.55
    power = 0.538 * 5 + 4.3753 + 0.072341 * np.exp(-2.303 * np.log10(r_column)) * 1e6
    low = c.sar_conversion(5, 22).low + column * c.sar_column(5, 22).low
    assert low == pytest.approx(power * 6, rel=1e-3)
    assert c.sar_conversion(5, 22).value == pytest.approx(1.22 * c.sar_conversion(5, 22).low)
    assert c.cell_pulse(22).low == pytest.approx(0.55**2 * 10)  # 1 uS * V^2 * 10 ns in fJ


def test_measured_chip():
    net, rec = chain(10, 20, inputs=np.zeros((7, 2, 10), np.float32))
    cost = tables(priced(rram.Rram(), net, rec)[1])["hermes-all-in"]
    low, value, high = cost.band_j()
    assert cost.scope == "all-in"
    assert value == low == pytest.approx(2 * 10 * 20 * 7 * 2 / 9.76e12, rel=1e-3)
    assert high == pytest.approx(2 * 10 * 20 * 7 * 2 / 2.48e12, rel=1e-3)


# -- counts ----------------------------------------------------------------------------------------------------


def test_counts_by_hand(small):
    """Two inputs (2 and 1 spikes) onto 3 units, which spike twice onto 1; 4 steps."""
    net, rec = small()
    mapping, cost = priced(rram.Rram(tiling=rram.Tiling(2, 8, 8, 4)), net, rec)
    first, second = mapping.matrices
    assert (first.rows, first.columns, first.tiling.digits, first.tiling.per_array) == (2, 3, 2, 4)
    assert (first.down, first.across, first.arrays, second.down, second.arrays) == (1, 1, 2, 2, 4)
    assert (first.cells, first.reads, first.drives, first.driven_cells) == (2 * 2 * 6, 4, 3 * 2, 3 * 3 * 2 * 2)
    assert first.conversions == 4 * 3 * 2 * 2  # readings, columns, digits, signs
    # Inputs 0 and 1 spiked together in step 2: with both spikes of 0, two readings at least and three at most.
    assert first.awake == (2 * 12, 3 * 12)
    assert second.conversions == 4 * 2 * 1 * 2 * 2
    assert second.awake == (2 * 4, 2 * 4)
    energy = {(t.name, t.item): t for t in cost.terms}
    assert energy["conversion", "first"].count == 48
    assert energy["row drive", "first"].energy_j == pytest.approx(6 * 0.39e-12)
    assert energy["input register", "second"].count == 4 * 3 * 2
    assert energy["eDRAM", "first"].count == 4 * 1
    assert energy["eDRAM", "hidden"].count == 4 * 1
    assert energy["neuron update", "hidden"].energy_j is None
    quiet = {(t.name, t.item): t.count for t in tables(cost)["isaac-event-driven"].terms}
    assert quiet["conversion", "first"] == 36
    assert quiet["input register", "first"] == 3 * 2 * 2


def test_conductance_of_driven_rows(small):
    net, rec = small()
    device = rram.Device(1.0, 31.0)
    mapping, _ = priced(rram.Rram(device=device, tiling=rram.Tiling()), net, rec)
    weights = np.asarray(net["first"].connection.weight)
    g = 2 * 1.0 + 30 * np.abs(weights) / np.abs(weights).max()
    assert mapping.matrices[0].driven_us == pytest.approx((np.array([2, 1])[:, None] * g).sum(), rel=1e-6)


@pytest.mark.parametrize("connection", [sn.Conv2d(3, stride=2, padding=1), sn.Conv2d(3, groups=2)])
def test_convolutions_by_brute_force(connection):
    """Patches cut out one by one: rows driven, readings with a spike, conductance of driven cells."""
    rng = np.random.default_rng(0)
    inputs = (rng.random((6, 2, 4, 7, 7)) < 0.05).astype(np.float32)
    post = connection.output_shape((4, 7, 7), 6)
    net, rec = chain((4, 7, 7), post, connection, inputs=inputs)
    tiling, device = rram.Tiling(12, 8, 4, None), rram.Device(1.0, 25.0)
    m = priced(rram.Rram(tiling=tiling, device=device), net, rec)[0].matrices[0]
    pad, stride, groups = connection.padding[0], connection.stride[0], connection.groups
    padded = np.pad(inputs.reshape(12, 4, 7, 7), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    patches = np.stack([padded[:, :, stride * y:stride * y + 3, stride * x:stride * x + 3]
                        for y in range(post[1]) for x in range(post[2])], 1)
    rows = patches.reshape(12, post[1] * post[2], groups, 4 // groups * 9)
    driven = rows.sum((0, 1))  # [groups, rows]
    assert m.reads == 12 * post[1] * post[2]
    assert (m.rows, m.columns, m.groups, m.arrays) == (36 // groups, 6, groups, m.down * m.across * 2 * groups)
    assert m.drives == driven.sum() * m.across * 2
    assert m.driven_cells == driven.sum() * 6 // groups * 2
    weights = np.asarray(unrolled(net["a_b"].connection, "").matrix())
    g = 2 + 24 * np.abs(np.round(7 * weights / np.abs(weights).max())) / 7
    by_group = g.reshape(m.rows, groups, 6 // groups).sum(2)
    assert m.driven_us == pytest.approx((driven.T * by_group).sum(), rel=1e-5)
    converters = 6 // groups * 2
    blocks = [rows[..., k:k + 12].any(-1).sum() for k in range(0, m.rows, 12)]
    assert m.awake[0] <= sum(blocks) * converters <= m.awake[1] <= m.conversions


def test_numbers_go_in_bit_by_bit(small):
    net, rec = small(np.full((4, 1, 2), 0.5, np.float32))
    mapping, cost = priced(rram.Rram(input_bits=6), net, rec)
    assert mapping.matrices[0].reads == 4 * 6
    assert mapping.matrices[0].drives == 8 * 6 * 2
    assert any("bit by bit" in note for note in cost.notes)


def test_crossbars_keep_their_own_arrays():
    bar = rram.Crossbar(sn.Dense(0.1), rram.gaussian(0.0), rram.Tiling(16, 16, pair="columns"), rram.Converters(5))
    net, rec = chain(20, 20, bar)
    m = priced(rram.Rram(), net, rec)[0].matrices[0]
    assert (m.down, m.across, m.arrays, m.adc_bits, m.conversions) == (2, 3, 6, 5, 3 * 2 * 20)
    assert m.columns_read == 8


def test_chains_and_pooling():
    parts = sn.synapses.Chain((sn.SumPool2d(2), sn.Dense(0.1)), [(1, 3, 3)])
    inputs = np.zeros((4, 1, 1, 6, 6), np.float32)
    inputs[:, 0, 0, 0, :2] = 1
    net, rec = chain((1, 6, 6), 5, parts, inputs=inputs)
    mapping, cost = priced(rram.Rram(input_bits=3), net, rec)
    m, = mapping.matrices
    assert (m.name, m.rows, m.reads, m.drives, m.awake[0]) == ("a_b.1", 9, 12, 8 * 3 * 2, 0)
    assert any("Pooling" in note for note in cost.notes)


def test_no_activity_still_converts():
    net, rec = chain(10, 10)
    cost = priced(rram.Rram(), net, rec)[1]
    assert cost.by_name()["row drive"] == 0
    assert cost.by_name()["conversion"] > 0
    assert tables(cost)["isaac-event-driven"].by_name()["conversion"] == 0


def test_time():
    """A convolution is read place by place, 128 columns take 128 conversions."""
    net, rec = chain((1, 8, 8), (32, 8, 8), sn.Conv2d(3, padding=1))
    mapping, cost = priced(rram.Rram(), net, rec)
    assert mapping.step_ns == pytest.approx(64 * 128 / 1.2)
    assert cost.wall_s == pytest.approx(3 * mapping.step_ns * 1e-9)


def test_report(checked):
    found = report(*checked, ["rram"])
    data = json.loads(found.to_json())["targets"]["rram"]
    assert data["refused"] is None
    assert data["cost"]["energy_j"] > 0
    assert "ISAAC" in found.to_html()
    assert list(found.pictures) == ["Arrays of resistive memory"]
    assert [t.name for t in targets("rram")] == ["rram"]


# -- refusals --------------------------------------------------------------------------------------------------


def test_networks_that_do_not_fit():
    with pytest.raises(ConfigurationError, match=r"exceeds by 2 arrays.*Rram\(arrays=4\)"):
        priced(rram.Rram(arrays=2), *chain(200, 10))
    large = sn.Sparse(sn.FixedTotalNumber(10))  # 3.6e9 pairs: refused before they are made
    with pytest.raises(ConfigurationError, match="3,600,000,000 pairs"):
        priced(rram.Rram(), *chain(60_000, 60_000, large, delay=1.0))
    with pytest.raises(UnsupportedError, match="OneToOne"):
        priced(rram.Rram(), *chain(5, 5, sn.OneToOne()))
    with pytest.raises(DelayError, match="every synapse"):
        priced(rram.Rram(), *chain(2, 2, delay=np.array([[1.0, 2.0], [2.0, 1.0]])))
    with pytest.raises(DelayError, match="exceeds by"):
        priced(rram.Rram(), *chain(60_000, 1, delay=100.0))
    for wrong in (dict(adc_bits=0), dict(input_bits=1.5), dict(arrays=0), dict(node=28)):
        with pytest.raises(ConfigurationError, match="Rram"):
            rram.Rram(**wrong)
    one, other = chain(3, 3), chain(4, 4)
    target = rram.Rram()
    mapping = target.map(one[0], Workload.of(*one))
    with pytest.raises(ConfigurationError, match="map the network"):
        target.cost(mapping, Workload.of(*other))


def test_converters_without_a_price_are_not_free():
    cost = priced(rram.Rram(adc_bits=12), *chain(10, 10))[1]
    assert next(t for t in cost.terms if t.name == "conversion").energy_j is None
    assert any("missing from the sum" in note for note in cost.notes)
