"""What a report says beyond the sums: layers, seconds, learning, generators, quoted rows."""

import csv
import io
import json
import math

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError, DelayError, UnsupportedError
from snnsim.hardware import Mapping, Target, Workload, report
from snnsim.hardware.comparisons import three_rows
from snnsim.hardware.quoted.rows import ROWS
from snnsim.hardware.quoted.truenorth import TrueNorth
from snnsim.plasticity import PairSTDP


def learning(rule, weight=0.6, steps=40):
    net = sn.Network(dict(a=sn.Input(3), b=sn.LIF(2, tau_mem=10.0)),
                     [sn.Projection("a", "b", sn.Dense(weight=weight), delay=1.0, synapse=rule)],
                     key=jax.random.key(0))
    inputs = (np.random.default_rng(0).random((steps, 1, 3)) < 0.3).astype(np.float32)
    return net, sn.simulate(net, {"a": inputs}, duration=float(steps))


def test_layers_add_up_to_every_table(checked):
    found = report(*checked, ["spinnaker", "loihi", "cpu", "arithmetic"])
    for _, cost in found.tables:
        assert math.fsum(found.by_item(cost).values()) == pytest.approx(found.per_sample_j(cost), rel=1e-12)
    assert set(found.by_item(found["arithmetic"].cost)) == {"input_hidden", "hidden_output"}


def test_energy_of_a_second_is_that_of_a_sample_over_its_length(checked):
    found = report(*checked, ["loihi"])
    for row in csv.DictReader(io.StringIO(found.to_csv())):
        sample, second = (float(row[f"energy_per_{what}_j"]) for what in ("sample", "biological_second"))
        assert second == pytest.approx(sample / 0.1, rel=1e-12)


def test_three_numbers_compare_with_the_quantised_network(checked):
    found = report(*checked, ["arithmetic", "cpu"])
    rows = three_rows(found)
    tables = {cost.table: cost for cost in found["arithmetic"].cost.tables()}
    ratios = [float(row[2].removeprefix("x ")) for row in rows]
    base = tables["quantised-dense"].energy_j
    assert ratios == pytest.approx([tables[t].energy_j / base for t in ("operations", "operations+sram",
                                                                        "quantised-dense")], rel=5e-3)
    assert "Three numbers" in found.to_markdown()
    assert three_rows(report(*checked, ["cpu"])) == []


class Unpriceable(Target):
    """Holds every network and has no price for it."""

    name, title = "unpriceable", "A machine without prices"

    def map(self, network, workload):
        return Mapping(self.name, {}, ())

    def cost(self, mapping, workload):
        raise UnsupportedError(got="spikes", expected="none", where="price list", fix="leave it out")


def test_a_target_that_cannot_price_is_refused_and_the_others_are_priced(checked):
    found = report(*checked, [Unpriceable(), "cpu"])
    assert "price list" in found["unpriceable"].refused
    assert found["cpu"].cost.energy_j > 0


def test_scopes_are_never_mixed_in_a_table(checked):
    for _, cost in report(*checked, ["spinnaker", "loihi", "truenorth", "cpu", "gpu", "arithmetic"]).tables:
        assert {term.price.scope for term in cost.terms} == {cost.scope}


# -- learning and generators -------------------------------------------------------------------------------------


def test_a_pair_rule_visits_synapses_at_spikes_of_both_ends():
    net, rec = learning(PairSTDP(w_max=1.0))
    sent, fired = (int(np.asarray(rec.counts[name]).sum()) for name in ("a", "b"))
    assert fired > 0
    work = Workload.of(net, rec)
    join = work.projections["a_b"]
    assert join.operand == "spike"
    assert (join.rule, join.learning_events) == ("PairSTDP", 2 * sent + 3 * fired)
    found = report(net, rec, ["loihi", "loihi-davies2018", "cpu"])
    assert found["loihi-davies2018"].cost.by_name()["synaptic update"] == pytest.approx(120e-12 * join.learning_events)
    for name in ("loihi", "cpu"):
        assert "synaptic update" not in found[name].cost.by_name()
        assert any("learning of a_b (PairSTDP)" in what for what in found[name].cost.unpriced)
    assert "learns by PairSTDP" in found.to_html()


def test_a_carrier_that_scales_spikes_multiplies():
    net, rec = learning(PairSTDP(w_max=1.0, carrier=sn.synapses.TsodyksMarkram()))
    assert Workload.of(net, rec).projections["a_b"].operand == "float"


def test_a_network_that_does_not_learn_has_no_such_lines(checked):
    found = report(*checked, ["loihi", "cpu"])
    assert found.limits == ()
    assert all(p.learning_events == 0 for p in found.workload.projections.values())
    assert not any("learning" in what for _, cost in found.tables for what in cost.unpriced)


def test_generators_send_but_are_no_neurons():
    net = sn.Network(dict(noise=sn.neurons.PoissonGenerator(20, 4000.0), cells=sn.LIFPscExp(20)),
                     [sn.Projection("noise", "cells", sn.OneToOne(0.01), port="exc")], key=jax.random.key(0))
    rec = sn.simulate(net, duration=100.0)
    assert bool(rec.graded["noise"])
    found = report(net, rec, ["cpu", "arithmetic"])
    text = " ".join(found.limits)
    assert "noise (PoissonGenerator) put out numbers other than 0 and 1" in text
    assert "lower bound" in text
    assert found.workload.projections["noise_cells"].operand == "float"  # no saving of spikes is claimed
    measured = found["cpu"].cost.alternatives[0]
    assert [t.item for t in measured.terms if t.name.startswith("neuron")] == ["cells"]
    assert any("random numbers of noise" in what for what in measured.unpriced)
    memory = found["arithmetic"].cost.alternatives[0]
    assert [t.item for t in memory.terms if t.name.startswith("state")] == ["cells"]


# -- quoted machines ---------------------------------------------------------------------------------------------


def test_truenorth_is_all_in_at_its_operating_point(small):
    net, rec = small(hidden=sn.LIF(3))
    found = report(net, rec, ["truenorth"])
    cost = found["truenorth"].cost
    assert cost.energy_j == pytest.approx(26e-12 * found.workload.events)
    assert {table.scope for table in cost.tables()} == {"all-in"}
    assert cost.alternatives[0].band_j() == pytest.approx((42e-3 * 4e-3, 72e-3 * 4e-3, 323e-3 * 4e-3))
    assert "0.775 V" in found.to_html()


@pytest.mark.parametrize(("populations", "connection", "delay", "error", "words"), [
    (dict(a=sn.Input(300), b=sn.LIF(2)), sn.Dense(0.1), None, ConfigurationError, "300 synapses.*256.*exceeds by 44"),
    (dict(a=sn.Input(2), b=sn.LIF(2)), sn.Dense(0.1), 20.0, DelayError, "20 steps.*15 ticks.*by 5"),
    (dict(a=sn.Input(2), b=sn.AdEx(2)), sn.Dense(0.1), None, UnsupportedError, "AdEx"),
])
def test_truenorth_says_what_does_not_fit(populations, connection, delay, error, words):
    net = sn.Network(populations, [sn.Projection("a", "b", connection, delay=delay)], key=jax.random.key(0))
    work = Workload.of(net, sn.simulate(net, duration=3.0))
    with pytest.raises(error, match=words):
        TrueNorth().map(net, work)


def test_quoted_rows_have_sources_and_enter_no_sum(checked):
    found = report(*checked, ["cpu"])
    data = json.loads(found.to_json())
    assert [row["title"] for row in data["quoted"]] == [row.title for row in ROWS]
    assert {row.figure.source for row in ROWS} <= set(data["sources"])
    page = found.to_html()
    assert all(row.figure.reference.url in page and row.figure.evidence in page for row in ROWS)
    assert not {row.title for row in ROWS} & {o.title for o, _ in found.tables}
