"""Changed runs: proportion against runs that were really made, and refusals."""

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError
from snnsim.hardware import Change, Workload, report, what_if


@pytest.fixture(scope="module")
def work(checked):
    return Workload.of(*checked)


def test_no_change_changes_nothing(work):
    same = what_if(work, Change())
    assert same == work
    assert all(np.array_equal(same.unit_counts[name], count) for name, count in work.unit_counts.items())


def test_a_run_of_twice_the_steps_of_a_periodic_input_is_what_was_foreseen():
    """Two inputs in every other step, on neurons that forget within a step."""
    net = sn.Network(dict(a=sn.Input(2), b=sn.LIF(3, tau_mem=1e-3)), [sn.Projection("a", "b", sn.Dense(2.0))],
                     key=jax.random.key(0))

    def run(steps):
        inputs = np.zeros((steps, 1, 2), np.float32)
        inputs[::2] = 1
        return Workload.of(net, sn.simulate(net, {"a": inputs}, duration=float(steps)))

    foreseen, made = what_if(run(10), Change(steps=2.0)), run(20)
    assert made.spikes > 0
    assert foreseen == made


def test_bits_change_bytes_only(work):
    eight = what_if(work, Change(bits=8))
    assert eight.bytes_read()["spike"] * 4 == work.bytes_read()["spike"]
    assert (eight.spikes, eight.events, eight.updates) == (work.spikes, work.events, work.updates)


def test_sums_stay_right_however_small_the_counts(work):
    half = what_if(work, Change(rate=0.5))
    for name, p in work.populations.items():
        assert abs(half.populations[name].spikes - p.spikes / 2) <= 0.5
        assert half.unit_counts[name].min() >= 0
    assert half.updates == work.updates
    assert half.operations("spike", dense=True) == work.operations("spike", dense=True)


def test_more_spikes_than_steps_are_refused(work):
    with pytest.raises(ConfigurationError, match=r"at most one a step.*rate below"):
        what_if(work, Change(rate=50.0))


@pytest.mark.parametrize("wrong", [dict(bits=0), dict(bits=2.5), dict(rate=0.0), dict(steps=-1.0),
                                   dict(rate=float("nan"))])
def test_wrong_changes(wrong):
    with pytest.raises(ConfigurationError, match="Change"):
        Change(**wrong)


def test_a_report_prices_each_change(checked):
    found = report(*checked, ["loihi", "arithmetic"], changes=[Change(bits=8), Change(rate=0.5), Change(rate=50.0)])
    bits, rate, much = found.changed
    now = found.per_sample_j(found["arithmetic"].cost)
    assert bits.per_sample_j("arithmetic", "operations") == now
    assert rate.per_sample_j("arithmetic", "operations") == pytest.approx(now / 2, rel=1e-3)
    assert bits.per_sample_j("arithmetic", "operations+dram") < 0.3 * found.per_sample_j(
        found["arithmetic"].cost.alternatives[1])
    assert "rate below" in much.refused
    told = found.to_dict()["what_if"]
    assert [each["title"] for each in told] == ["8-bit weights", "0.5 x the spikes", "50 x the spikes"]
    assert told[2]["per_sample_j"]["loihi"]["sanafe-nahuku-fit"] is None
    for text in (found.to_html(), found.to_markdown()):
        assert "0.5 x the spikes" in text
        assert "refused" in text
