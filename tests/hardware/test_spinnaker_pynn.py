"""PyNN scripts: what they say, what they do in another simulator, and what is refused."""

import ast
import subprocess
import sys

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError, DelayError, OutputExistsError, UnsupportedError
from snnsim.hardware.spinnaker import pynn_script
from snnsim.neurons import AdEx, LIFCondExp, LIFPscAlpha, Noisy, PoissonGenerator
from snnsim.plasticity import NEST, SPYNNAKER, Multiplicative, PairSTDP, Power
from snnsim.synapses import BatchNorm, Delay, FixedProbability, Normal, TsodyksMarkram

MEMBRANE = dict(v_th=-50.0, v_reset=-65.0, e_l=-70.0, spike_at=">=", reset_mechanism="zero")
CELLS = {
    "IF_curr_exp": (lambda: sn.LIFPscExp(10, tau_exc=3.0, tau_inh=5.0, spike_at=">="), 2.0, 0.6, "exc"),
    "IF_cond_exp": (lambda: LIFCondExp(10, tau_exc=2.0, method="rk4", spike_at=">="), 1.0, 0.02, "exc"),
    "cuba": (lambda: sn.CubaLIF(10, tau_mem=10.0, tau_syn=4.0, r_m=40.0, w_in=1.5, **MEMBRANE), 1.0, 0.5, None),
    "IF_curr_delta": (lambda: sn.LIF(10, tau_mem=10.0, r_m=40.0, **MEMBRANE), 1.0, 4.0, None),
}
# Names that sPyNNaker 1!7.4.1 has (its __all__) and a script may use.
SPYNNAKER_HAS = {"setup", "run", "end", "Population", "Projection", "FromListConnector", "StaticSynapse",
                 "STDPMechanism", "SpikePairRule", "AdditiveWeightDependence", "MultiplicativeWeightDependence",
                 "IF_curr_exp", "IF_cond_exp", "IF_curr_delta", "SpikeSourceArray", "SpikeSourcePoisson",
                 "set_number_of_neurons_per_core"}


def recurrent(name):
    """Random input onto a population that is joined to itself by positive and negative weights, delays drawn."""
    cell, t_ref, weight, port = CELLS[name]
    return sn.Network(
        dict(a=sn.Input(20), b=sn.Refractory(cell(), t_ref=t_ref)),
        [sn.Projection("a", "b", sn.Sparse(FixedProbability(0.5), weight=Normal(weight, 0.2 * weight)), port=port,
                       delay=Delay(Normal(2.0, 0.5, low=0.5), rounding="nearest")),
         sn.Projection("b", "b", sn.Sparse(FixedProbability(0.2), weight=Normal(0.0, 0.3 * weight)), delay=1.5,
                       port="by_sign" if port else None)], key=jax.random.key(1))


def plain(neuron=None, connection=None, dt=1.0, **kept):
    net = sn.Network(dict(a=sn.Input(2), b=neuron or sn.LIFPscExp(3)),
                     [sn.Projection("a", "b", connection or sn.Dense(0.5), **{"delay": 1.0, "port": "exc"} | kept)],
                     key=jax.random.key(0))
    return pynn_script(net, dt=dt)


def used(text):
    """Names of the simulator that a script uses; it must be Python."""
    return {node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name) and node.value.id == "sim"}


@pytest.mark.parametrize("name", CELLS)
def test_scripts_are_python_and_use_what_spynnaker_has(name):
    script = pynn_script(recurrent(name), dt=0.5, duration=100.0, neurons_per_core=64, time_scale=10)
    assert used(script.text) <= SPYNNAKER_HAS
    assert "import pyNN.spiNNaker as sim" in script.text
    assert "time_scale_factor=10" in script.text
    assert any("fixed-point" in note for note in script.notes)
    kind = "IF_curr_exp" if name == "cuba" else name
    assert f"sim.{kind}(" in script.text
    assert f"set_number_of_neurons_per_core(sim.{kind}, 64)" in script.text


def test_numbers_of_a_cell():
    text = plain(sn.Refractory(sn.LIFPscExp(3, tau_mem=10.0, tau_exc=0.5, tau_inh=0.7, c_m=0.25, e_l=-65.0, v_th=-50.0,
                                            v_reset=-66.0, i_e=0.1), t_ref=2.0)).text
    assert ("IF_curr_exp(cm=0.25, tau_m=10.0, tau_refrac=2.0, v_rest=-65.0, v_reset=-66.0, v_thresh=-50.0, "
            "i_offset=0.1, tau_syn_E=0.5, tau_syn_I=0.7)") in text
    assert "initialize(v=-65.0)" in text
    script = plain(sn.LIFPscExp(3, tau_mem=np.array([8.0, 9.0, 10.0])))
    assert "tau_m=numbers['b__tau_m'].tolist()" in script.text
    assert script.arrays["b__tau_m"].tolist() == [8.0, 9.0, 10.0]


def test_spikes_that_step_the_membrane_become_charges_on_spinnaker():
    """SpiNNaker spreads w over a step as the current w / dt: v = R w / dt (1 - exp(-dt / tau)) must be the weight."""
    net = sn.Network(dict(a=sn.Input(1), b=sn.LIF(1, tau_mem=20.0, r_m=2.0, reset_mechanism="zero")),
                     [sn.Projection("a", "b", sn.Dense(0.7), delay=1.0)], key=jax.random.key(0))
    weight = pynn_script(net).arrays["a_b__synapses"][0, 2]
    assert 2.0 * weight * (1 - np.exp(-1.0 / 20.0)) == pytest.approx(0.7)
    assert pynn_script(net, simulator="pyNN.nest").arrays["a_b__synapses"][0, 2] == pytest.approx(0.7)
    assert "cm=10.0, tau_m=20.0" in pynn_script(net).text


def test_synapses_by_receptor():
    weight = np.array([[0.5, -0.25, 0.0], [1.0, 0.0, -2.0]])
    script = plain(connection=sn.Dense(weight), port="by_sign", delay=Delay(np.array([[1.0, 2, 3], [4, 5, 6]])))
    assert script.arrays["a_b_excitatory__synapses"].tolist() == [[0, 0, 0.5, 1], [1, 0, 1.0, 4]]
    assert script.arrays["a_b_inhibitory__synapses"].tolist() == [[0, 1, -0.25, 2], [1, 2, -2.0, 6]]
    assert "receptor_type='inhibitory', label='a_b_inhibitory'" in script.text
    script = plain(LIFCondExp(3), connection=sn.Dense(weight), port="by_sign")
    assert script.arrays["a_b_inhibitory__synapses"][:, 2].tolist() == [0.25, 2.0]  # conductances have no sign
    conv = sn.Network(dict(a=sn.Input((1, 4)), b=sn.LIFPscExp((1, 2))),
                      [sn.Projection("a", "b", sn.Conv1d(3, weight=np.array([[[1.0, 2.0, 3.0]]])), delay=1.0)],
                      key=jax.random.key(0))
    assert pynn_script(conv).arrays["a_b__synapses"][:, :3].tolist() == [
        [0, 0, 1], [1, 0, 2], [1, 1, 1], [2, 0, 3], [2, 1, 2], [3, 1, 3]]


def test_inputs_and_files(tmp_path):
    events = sn.Events.from_times([0.0, 3.0, 3.0], [1, 0, 1], shape=2)
    net = sn.Network(dict(a=sn.Input(2), noise=PoissonGenerator(3, 25.0, start=5.0, stop=50.0), b=sn.LIFPscExp(3)),
                     [sn.Projection("a", "b", sn.Dense(0.5), delay=1.0, port="exc"),
                      sn.Projection("noise", "b", sn.OneToOne(0.2), delay=1.0, port="exc")], key=jax.random.key(0))
    script = pynn_script(net, inputs={"a": events})
    assert script.arrays["a__times"].tolist() == [4.0, 1.0, 4.0]  # at the end of their steps
    assert script.arrays["a__starts"].tolist() == [0, 1, 3]
    assert "SpikeSourcePoisson(rate=25.0, start=5.0, duration=45.0)" in script.text
    script.write(tmp_path / "net.py")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.npz", "net.py"]
    with np.load(tmp_path / "net.npz", allow_pickle=False) as kept:
        assert set(kept) == set(script.arrays)
        np.testing.assert_array_equal(kept["a_b__synapses"], script.arrays["a_b__synapses"])
    with pytest.raises(OutputExistsError):
        script.write(tmp_path / "net.py")
    script.write(tmp_path / "net.py", overwrite=True)
    with pytest.raises(ConfigurationError, match=r"ends in \.py"):
        script.write(tmp_path / "net.txt")
    assert plain().arrays["a__times"].size == 0  # silent


def test_learning():
    rule = PairSTDP(0.01, 0.02, tau_plus=15.0, tau_minus=25.0, w_min=0.5, w_max=2.5, **SPYNNAKER)
    script = plain(synapse=rule)
    assert "SpikePairRule(tau_plus=15.0, tau_minus=25.0, A_plus=0.02, A_minus=0.04)" in script.text  # times the range
    assert "AdditiveWeightDependence(w_min=0.5, w_max=2.5)" in script.text
    assert used(script.text) <= SPYNNAKER_HAS
    rule = PairSTDP(0.01, 0.02, w_max=2.0, dependence=Multiplicative(), **SPYNNAKER)
    assert "A_plus=0.01, A_minus=0.02),\n        weight_dependence=sim.MultiplicativeWeightDependence" in plain(
        synapse=rule).text
    for wrong in (PairSTDP(**NEST), PairSTDP(dependence=Power(), **SPYNNAKER), PairSTDP(pairing="nearest", **SPYNNAKER),
                  TsodyksMarkram()):
        with pytest.raises(UnsupportedError, match="PairSTDP"):
            plain(synapse=wrong)


@pytest.mark.parametrize(("neuron", "why"), [
    (lambda: AdEx(3), "no exponential cell"), (lambda: sn.Izhikevich(3), "currents that decay"),
    (lambda: sn.ALIF(3), "adaptive threshold"), (lambda: LIFPscAlpha(3), "alpha currents"),
    (lambda: Noisy(sn.LIF(3)), "noise"), (lambda: sn.LIF(3), "resets the membrane to v_reset"),
    (lambda: sn.LIFPscExp(3, reset_mechanism="subtract"), "resets the membrane to v_reset"),
    (lambda: sn.LIF(3, reset_mechanism="zero", method="euler"), "integrated exactly"),
    (lambda: sn.Refractory(sn.LIFPscExp(3), mode="block"), "the membrane is held"),
])
def test_neurons_without_a_counterpart(neuron, why):
    neuron = neuron()
    with pytest.raises(UnsupportedError, match=why):
        plain(neuron, port=next(iter(neuron.ports)))


def test_projections_without_a_counterpart():
    for kept, what in ((dict(connection=sn.Dense(0.5, bias=True)), "bias"),
                       (dict(transforms=[BatchNorm()]), "BatchNorm"), (dict(port="current"), "port 'current'"),
                       (dict(connection=sn.Dense(-0.5)), "excitatory receptor"),
                       (dict(port="inh"), "inhibitory receptor")):
        with pytest.raises(UnsupportedError, match=what):
            plain(**kept)
    with pytest.raises(DelayError, match="later=True"):
        plain(delay=None)
    net = sn.Network(dict(a=sn.Input(2), b=sn.LIFPscExp(3)), [sn.Projection("a", "b", sn.Dense(0.5), port="exc")],
                     key=jax.random.key(0))
    assert (pynn_script(net, dt=0.5, later=True).arrays["a_b__synapses"][:, 3] == 0.5).all()


def test_wrong_calls():
    join = sn.Projection("a", "b", sn.Dense(0.5), port="exc", delay=1.0)
    net = sn.Network(dict(a=sn.Input(2), b=sn.LIFPscExp(3)), [join], key=jax.random.key(0))
    one = sn.Events.from_times([1.0], [0], shape=2)
    for wrong in (dict(inputs={"c": one}), dict(inputs={"a": sn.Events.from_times([1.0], [0], shape=3)}),
                  dict(inputs={"a": np.zeros(3)}), dict(simulator="os; import x"), dict(duration=-1.0)):
        with pytest.raises(ConfigurationError):
            pynn_script(net, **wrong)
    graded = sn.Events.from_dense(np.full((3, 1, 2), 0.5, np.float32), dt=1.0)
    with pytest.raises(UnsupportedError, match="values other than 1"):
        pynn_script(net, inputs={"a": graded})
    with pytest.raises(DelayError, match="multiple of dt"):
        pynn_script(net, dt=0.3)


TELL = """
import sys
np.savez(sys.argv[1], *[np.asarray(train.magnitude, float) for train in spikes['b']])
"""


@pytest.mark.parametrize("name", CELLS)
def test_the_script_runs_in_nest_and_spikes_as_we_do(name, tmp_path, x64):
    """On a grid of 0.5 ms, where PyNN's sums of times are exact: every spike, stamped one step later."""
    pytest.importorskip("pyNN")
    pytest.importorskip("nest")
    # NEST integrates conductances with steps of its own: rounding grows until a spike falls into another step.
    dt, duration = 0.5, 200.0 if name == "IF_cond_exp" else 500.0
    spikes = (np.random.default_rng(0).random((round(duration / dt), 1, 20)) < 0.03).astype(np.float32)
    spikes[:5] = 0  # PyNN's sources in NEST cannot spike in the first step
    events = sn.Events.from_dense(spikes, dt=dt)
    net = recurrent(name)
    rec = sn.simulate(net, {"a": events}, duration=duration, dt=dt, record={"b": ["spikes"]})
    ours = {tuple(map(int, index)) for index in np.argwhere(np.asarray(rec["b", "spikes"])[:, 0])}
    script = pynn_script(net, dt=dt, duration=duration, inputs={"a": events}, simulator="pyNN.nest")
    script.write(tmp_path / "net.py")
    text = script.text.replace("min_delay=0.5)", "min_delay=0.5, spike_precision='on_grid')") + TELL
    (tmp_path / "net.py").write_text(text)
    done = subprocess.run([sys.executable, "net.py", "out.npz"], cwd=tmp_path, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "out.npz") as kept:
        theirs = {(round(t / dt) - 1, k) for k in range(10) for t in kept[f"arr_{k}"]}
    assert len(ours) > 200
    assert theirs == ours
