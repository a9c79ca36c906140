"""CUBA and COBA: structure, the same spikes as Brian2 on the same synapses, sustained activity."""

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError
from snnsim.models.cortex import coba, coba_start, cuba, cuba_start

MODELS = {"cuba": (cuba, cuba_start), "coba": (coba, coba_start)}
EQUATIONS = {
    "cuba": """dv/dt = (ge + gi - (v + 49*mV))/(20*ms) : volt (unless refractory)
               dge/dt = -ge/(5*ms) : volt
               dgi/dt = -gi/(10*ms) : volt""",
    "coba": """dv/dt = (10*nS*(-60*mV - v) + ge*(0*mV - v) + gi*(-80*mV - v))/(200*pF) : volt (unless refractory)
               dge/dt = -ge/(5*ms) : siemens
               dgi/dt = -gi/(10*ms) : siemens""",
}
METHOD = {"cuba": "exact", "coba": "exponential_euler"}
JUMPS = {"cuba": ("ge += 1.62*mV", "gi += -9*mV"), "coba": ("ge += 6*nS", "gi += 67*nS")}

both = pytest.mark.parametrize("name", MODELS)


def made(name, neurons=4000, seed=0):
    build, start = MODELS[name]
    network = build(neurons, key=jax.random.key(seed))
    return network, start(network, key=jax.random.key(seed + 100))


@both
@pytest.mark.parametrize("neurons", [400, 4000])
def test_every_neuron_has_eighty_inputs_in_the_mean(name, neurons):
    network, _ = made(name, neurons)
    sizes = {name: neuron.size for name, neuron in network.populations.items()}
    assert sizes == {"excitatory": neurons * 4 // 5, "inhibitory": neurons // 5}
    for post, size in sizes.items():
        for pre, expected in (("excitatory", 64), ("inhibitory", 16)):
            inputs = len(network[f"{pre}_{post}"].connection.targets) / size
            assert inputs == pytest.approx(expected, abs=4.5 * np.sqrt(expected / size))


@both
def test_the_beginning_is_drawn(name):
    network, state = made(name)
    cells = state.populations["excitatory"].neuron
    if name == "cuba":
        assert -60 <= cells.v.min() < -59.9
        assert -50.1 < cells.v.max() < -50
        assert float(cells.v.std()) == pytest.approx(10 / np.sqrt(12), rel=0.05)
        assert not cells.i_exc.any()
    else:
        for value, mean, std in ((cells.v, -65, 5), (cells.g_exc, 0.04, 0.015), (cells.g_inh, 0.2, 0.12)):
            assert float(value.mean()) == pytest.approx(mean, abs=5 * std / np.sqrt(value.size))
            assert float(value.std()) == pytest.approx(std, rel=0.08)
    assert network.populations.keys() == state.populations.keys()


@both
def test_activity_sustains_itself(name):
    """Near the rates of Brian2's examples (without delay): three seeds of COBA gave 18.9 to 19.9 Hz."""
    network, state = made(name)
    rec = sn.simulate(network, duration=500.0, dt=0.1, state=state, record={"excitatory": ["spikes"]})
    late = rec.events("excitatory").crop(250.0, 500.0)
    rate = late.n_events / 3200 / 0.25
    assert {"cuba": 4.0 < rate < 8.0, "coba": 13.0 < rate < 25.0}[name], rate


def test_coba_at_rest_stays_silent():
    network, _ = made("coba", 400)
    rec = sn.simulate(network, duration=50.0, dt=0.1, record={})
    assert all(not counts.any() for counts in rec.counts.values())


@pytest.mark.slow
@both
def test_the_same_spikes_as_brian2_on_the_same_synapses(name, x64):
    """Every spike of the first 100 ms in double precision; the rate of a whole second.

    A delay of 0.1 ms is one step in both; Brian2 counts the refractory period from the beginning of the step of the
    spike, so that it is one step longer there.
    """
    network, state = made(name)
    rec = sn.simulate(network, duration=1000.0, dt=0.1, state=state,
                      record={population: ["spikes"] for population in network.populations})
    ours = [rec.events(population) for population in ("excitatory", "inhibitory")]
    step = np.concatenate([events.ticks for events in ours])
    unit = np.concatenate([ours[0].indices, ours[1].indices + 3200])
    their_step, their_unit = brian2_spikes(name, network, state)

    def first(step, unit):
        early = step < 1000
        return np.unique(np.stack([step[early], unit[early]]), axis=1)
    assert first(step, unit).shape[1] > 500
    np.testing.assert_array_equal(first(step, unit), first(their_step, their_unit))
    assert len(step) == pytest.approx(len(their_step), rel=0.1)


def brian2_spikes(name, network, state):
    """(step, unit) of all spikes of one second, excitatory units first."""
    b = pytest.importorskip("brian2")
    b.prefs.codegen.target = "numpy"
    b.start_scope()
    b.defaultclock.dt = 0.1 * b.ms
    cells = b.NeuronGroup(4000, EQUATIONS[name], threshold="v > -50*mV", reset="v = -60*mV", refractory=5.1 * b.ms,
                          method=METHOD[name])
    begin = [np.concatenate([np.asarray(state.populations[p].neuron[k])[0] for p in ("excitatory", "inhibitory")])
             for k in range(3)]
    cells.v = begin[0] * b.mV
    if name == "coba":
        cells.ge, cells.gi = begin[1] * b.uS, begin[2] * b.uS
    parts = [cells, b.SpikeMonitor(cells)]
    for jump, pre, first in zip(JUMPS[name], ("excitatory", "inhibitory"), (0, 3200), strict=True):
        edges = [(np.asarray(network[f"{pre}_{post}"].connection.sources) + first,
                  np.asarray(network[f"{pre}_{post}"].connection.targets) + shift)
                 for post, shift in (("excitatory", 0), ("inhibitory", 3200))]
        synapses = b.Synapses(cells, cells, on_pre=jump, delay=0.1 * b.ms)
        synapses.connect(i=np.concatenate([i for i, _ in edges]), j=np.concatenate([j for _, j in edges]))
        parts.append(synapses)
    b.Network(*parts).run(1 * b.second)
    return np.rint(parts[1].t / b.ms / 0.1).astype(int), np.asarray(parts[1].i)


@both
def test_too_few_neurons_are_refused(name):
    with pytest.raises(ConfigurationError, match="80"):
        MODELS[name][0](79, key=jax.random.key(0))
