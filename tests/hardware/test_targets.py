import dataclasses
from types import MappingProxyType

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError, DelayError, UnsupportedError
from snnsim.hardware import Workload, targets
from snnsim.hardware.loihi.target import Loihi
from snnsim.hardware.processors.arithmetic import matched_bits
from snnsim.hardware.spinnaker.target import SpiNNaker


def priced(target, net, rec):
    work = Workload.of(net, rec)
    mapping = target.map(net, work)
    return mapping, target.cost(mapping, work)


def chain(pre, post, connection=None, neuron=sn.LIF, delay=None, duration=10.0):
    net = sn.Network(
        dict(a=sn.Input(pre), b=neuron(post)),
        [sn.Projection("a", "b", connection or sn.Dense(0.01), delay=delay)],
        key=jax.random.key(0),
    )
    return net, sn.simulate(net, duration=duration)


def test_registry():
    assert {"spinnaker", "spinnaker2", "loihi", "loihi-davies2018", "truenorth", "cpu", "gpu", "arithmetic"} <= {
        t.name for t in targets()}
    with pytest.raises(ConfigurationError, match="spinnaker, spinnaker2, loihi, loihi-davies2018"):
        targets("abacus")
    with pytest.raises(ConfigurationError, match="more than once"):
        targets("cpu", "cpu")


# -- Loihi -------------------------------------------------------------------------------------------------
def test_loihi_equals_sanafe_on_the_cross_check_network(checked):
    """SANA-FE 2.2.9 on this network: 71,320 events, 14,603 active updates, 357 output spikes, 1,390 hops N-S."""
    net, rec = checked
    work = Workload.of(net, rec)
    # SANA-FE delays each projection by one step: its counts of active updates and output spikes differ a little.
    hidden, output = work.populations["hidden"], work.populations["output"]
    given = dict(work.populations, output=dataclasses.replace(output, spikes=357, active=14_603 - hidden.active))
    work = dataclasses.replace(work, populations=MappingProxyType(given))
    target = Loihi(first_core={"input": 0, "hidden": 1, "output": 4})
    mapping = target.map(net, work)
    assert (mapping.messages, mapping.hops_ns["hidden"]) == ({"input": 340, "hidden": 1390, "output": 0}, 1390)
    energy = target.cost(mapping, work).by_name()
    synapse = energy["synaptic event"]
    soma = energy["neuron access"] + energy["neuron update"] + energy["neuron spike"]
    network = energy["message"] + energy["hop N-S"]
    assert synapse == pytest.approx(2.53186e-6, rel=1e-9)
    assert soma == pytest.approx(1.1942519e-6, rel=1e-9)
    assert network == pytest.approx(1.97868e-7, rel=1e-9)
    assert synapse + soma + network == pytest.approx(3.92398e-6, rel=1e-6)


def test_davies_table(checked):
    _, cost = priced(*targets("loihi-davies2018"), *checked)
    work = Workload.of(*checked)
    active = sum(p.active or 0 for p in work.populations.values())
    by_hand = 71_320 * 23.6 + active * 81 + (14_800 - active) * 52 + 1730 * 1.7
    assert cost.energy_j == pytest.approx(by_hand * 1e-12, rel=1e-12)
    assert cost.evidence == ("simulated",)
    assert any("spike" in what for what in cost.unpriced)


def test_loihi_splits_and_refuses():
    mapping, _ = priced(Loihi(), *chain(200, 2000))
    assert {s.size for s in mapping.slices if s.population == "b"} == {512, 464}  # halved twice: 128 KiB of synapses
    mapping, _ = priced(Loihi(), *chain(4, 2000, neuron=sn.LI))
    assert mapping.summary["units per core"] == {"a": 4, "b": 1024}
    with pytest.raises(ConfigurationError, match="exceeds by 904 axons"):
        priced(Loihi(), *chain(5000, 1))
    with pytest.raises(DelayError, match="by 37 steps"):
        priced(Loihi(), *chain(2, 2, delay=100.0))
    with pytest.raises(UnsupportedError, match="AdEx"):
        priced(Loihi(), *chain(2, 2, neuron=sn.AdEx))
    with pytest.raises(ConfigurationError, match="one population each"):
        priced(Loihi(first_core={"b": 0}), *chain(2, 2))
    with pytest.raises(ConfigurationError, match="table"):
        Loihi("guess")


# -- both ----------------------------------------------------------------------------------------------------
def test_membranes_are_not_sent():
    net = sn.Network(
        dict(a=sn.Input(1), b=sn.LI(2), c=sn.LIF(1)),
        [sn.Projection("a", "b", sn.Dense(1.0)), sn.Projection("b", "c", sn.Dense(0.1))],
        key=jax.random.key(0),
    )
    rec = sn.simulate(net, duration=3.0)
    for target in (SpiNNaker(), Loihi()):
        with pytest.raises(UnsupportedError, match="sends its membrane"):
            priced(target, net, rec)


# -- processors --------------------------------------------------------------------------------------------
def test_arithmetic(checked, small):
    _, cost = priced(*targets("arithmetic"), *checked)
    tables = {t.table: t for t in cost.tables()}
    assert cost.energy_j == pytest.approx(71_320 * 0.9e-12)
    assert tables["operations+sram"].energy_j == pytest.approx((71_320 * 5.9 + 2 * 14_800 * 5) * 1e-12)
    assert tables["operations+dram"].energy_j == pytest.approx((71_320 * 640.9 + 2 * 14_800 * 5) * 1e-12)
    assert matched_bits(100) == 7
    low, value, _ = tables["quantised-dense"].band_j()
    assert value == pytest.approx(11_520 * 8.2e-12)
    assert low == pytest.approx(11_520 * (3.1 * 7 / 32 + 0.1 + 5) * 1e-12)
    net, rec = small(np.full((4, 1, 2), 0.5, np.float32))
    assert "multiply-accumulate" in priced(*targets("arithmetic"), net, rec)[1].by_name()


def test_processors_do_not_profit_from_sparsity(checked):
    _, cost = priced(*targets("cpu"), *checked)
    assert cost.energy_j == pytest.approx(1_152_000 * 8.6e-9)
    _, cost = priced(*targets("gpu"), *checked)
    assert cost.energy_j == pytest.approx(1_152_000 * 0.3e-9)
