"""What the exact engine refuses, in one sentence that names the part and the reason; and the limit of spikes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim import neurons
from snnsim.core.errors import (
    ConfigurationError,
    DataError,
    DelayError,
    DivergenceError,
    ShapeError,
    UnsupportedError,
)
from snnsim.core.exact_support import neuron_obstacle
from snnsim.core.recording import Status
from snnsim.core.synapse import AbstractSynapse

KEY = jax.random.key(0)
ONE = sn.Events.from_times([1.0], [0], shape=2)


class Learning(AbstractSynapse):
    """A synapse that says it learns."""

    learns = True

    def initial_state(self, connection, pre, post):
        return jnp.zeros(())

    def transmit(self, state, connection, signal, dt, rand):
        return state, connection(signal[None])[0]


def run(cell=None, projection=None, inputs=None, **options):
    cell = sn.LIF(2) if cell is None else cell
    projections = [sn.Projection("input", "cell", **{"connection": sn.Dense(1.0), **(projection or {})})]
    net = sn.Network(dict(input=sn.Input(2), cell=cell), projections, key=KEY)
    return sn.simulate(net, {"input": ONE} if inputs is None else inputs, duration=5.0, engine="exact", **options)


NEURONS = {
    "AdEx": (sn.AdEx(2), "numerical method"),
    "Izhikevich": (sn.Izhikevich(2), "numerical method"),
    "LIFCondExp": (neurons.LIFCondExp(2), "numerical method"),
    "Euler": (sn.LIF(2, method="euler"), "numerical method"),
    "Noisy": (sn.Noisy(sn.LIF(2)), "draws numbers"),
    "Refractory Noisy": (sn.Refractory(sn.Noisy(sn.LIF(2))), "draws numbers"),
    "delayed reset": (sn.LIF(2, reset_timing="delayed"), "waits for a next step"),
    "no reset": (sn.LIF(2, reset_mechanism="none"), "spike without end"),
    "no reset inside": (sn.Refractory(sn.LIF(2, reset_mechanism="none")), "spike without end"),
}


@pytest.mark.parametrize("name", NEURONS)
def test_neurons_that_need_steps(name):
    cell, reason = NEURONS[name]
    with pytest.raises(UnsupportedError, match=f"population 'cell': got .*{reason}.*clocked"):
        run(cell)


@pytest.mark.parametrize("source", [neurons.DCGenerator(2, 0.5), neurons.NoiseGenerator(2)])
def test_generators_that_change_or_draw_step_by_step(source):
    net = sn.Network(dict(source=source, cell=sn.LIF(2)),
                     [sn.Projection("source", "cell", sn.OneToOne(1.0), port="current")], key=KEY)
    with pytest.raises(UnsupportedError, match="population 'source'"):
        sn.simulate(net, duration=5.0, engine="exact")


def test_those_it_takes_have_no_obstacle():
    inside = sn.LIF(1), sn.IF(1), sn.LIFPscExp(1), sn.CubaLIF(1), sn.ALIF(1), neurons.LIFPscAlpha(1)
    for neuron in (*inside, *(sn.Refractory(one) for one in inside), sn.LI(1)):
        assert neuron_obstacle(neuron) is None


PROJECTIONS = {
    "learning": (dict(synapse=Learning()), "projection 'input_cell': got Learning.*learns"),
    "transform": (dict(transforms=[sn.Dropout(0.5)]), "Dropout transforms"),
    "bias": (dict(connection=sn.Dense(1.0, bias=True)), "a bias arrives in every step"),
    "current": (dict(port="current"), "port 'current'"),
}


@pytest.mark.parametrize("name", PROJECTIONS)
def test_projections_that_need_steps(name):
    options, reason = PROJECTIONS[name]
    with pytest.raises(UnsupportedError, match=reason):
        run(projection=options)


def test_connections_without_single_synapses():
    net = sn.Network(dict(input=sn.Input((1, 4, 4)), cell=sn.LIF((1, 2, 2))),
                     [sn.Projection("input", "cell", sn.SumPool2d(2))], key=KEY)
    with pytest.raises(UnsupportedError, match="SumPool2d does not store its synapses"):
        sn.simulate(net, duration=5.0, engine="exact")


def test_graded_sources():
    net = sn.Network(dict(a=sn.LI(1), b=sn.LIF(1)), [sn.Projection("a", "b", sn.Dense(1.0))], key=KEY)
    with pytest.raises(UnsupportedError, match="projection 'a_b': got the output of 'a' is graded"):
        sn.simulate(net, duration=5.0, engine="exact")


def test_inputs_that_are_no_events():
    with pytest.raises(UnsupportedError, match="input 'input': got a ndarray gives values step by step"):
        run(inputs={"input": np.zeros((5, 1, 2))})
    with pytest.raises(ConfigurationError, match="'other'"):
        run(inputs={"other": ONE})
    with pytest.raises(ShapeError, match="events of shape"):
        run(inputs={"input": sn.Events.from_times([1.0], [0], shape=3)})
    with pytest.raises(DataError, match="events before 5 ms"):
        run(inputs={"input": sn.Events.from_times([5.0], [0], shape=2)})


def test_gradients_are_asked_for_elsewhere():
    def loss(weight):
        net = sn.Network(dict(input=sn.Input(2), cell=sn.LIF(2)),
                         [sn.Projection("input", "cell", sn.Dense(weight))], key=KEY)
        return sn.simulate(net, {"input": ONE}, duration=5.0, engine="exact").counts["cell"].sum()
    with pytest.raises(UnsupportedError, match="inside a transformation"):
        jax.jit(loss)(jnp.ones((2, 2)))


def test_a_cycle_needs_a_delay():
    def onto_itself(delay):
        net = sn.Network(dict(input=sn.Input(2), cell=sn.LIF(2)),
                         [sn.Projection("input", "cell", sn.Dense(2.0)),
                          sn.Projection("cell", "cell", sn.Dense(0.1), delay=delay)], key=KEY)
        return sn.simulate(net, {"input": ONE}, duration=5.0, engine="exact")
    with pytest.raises(DelayError, match="projection 'cell_cell': got no delay onto itself"):
        onto_itself(None)
    with pytest.raises(DelayError, match="below 1 fs"):
        onto_itself(1e-14)
    assert onto_itself(1e-3).counts["cell"].sum() >= 2


@pytest.mark.parametrize("duration", [0.0, -1.0, np.nan, np.inf, 1e7])
def test_durations(duration):
    net = sn.Network(dict(cell=sn.LIF(2)), [], key=KEY)
    with pytest.raises(ConfigurationError, match="duration"):
        sn.simulate(net, duration=duration, engine="exact")


def test_samples_need_a_grid_and_spikes_none():
    assert run(dt=1.0).steps == 5
    assert sn.simulate(sn.Network(dict(cell=sn.LIF(2)), [], key=KEY), duration=np.pi, engine="exact").duration == np.pi
    with pytest.raises(ConfigurationError, match="multiple of dt"):
        run(dt=0.3, record={"cell": ["v"]})
    with pytest.raises(UnsupportedError, match="v_before_reset"):
        run(record={"cell": ["v_before_reset"]})
    with pytest.raises(ConfigurationError, match="variable 'w'"):
        run(record={"cell": ["w"]})


def test_states_and_sinks_of_the_clocked_engine():
    net = sn.Network(dict(input=sn.Input(2), cell=sn.LIF(2)), [sn.Projection("input", "cell", sn.Dense(1.0))], key=KEY)
    clocked, exact = (sn.simulate(net, {"input": ONE}, duration=5.0, engine=engine) for engine in ("clocked", "exact"))
    with pytest.raises(UnsupportedError, match="stands between two steps"):
        sn.simulate(net, duration=5.0, engine="exact", state=clocked.state)
    with pytest.raises(UnsupportedError, match="ExactState"):
        sn.simulate(net, duration=5.0, state=exact.state)
    with pytest.raises(ShapeError, match="as in the state"):
        sn.simulate(net, {"input": sn.Events.concatenate([ONE, ONE])}, duration=5.0, engine="exact", state=exact.state)
    with pytest.raises(UnsupportedError, match="'fast'"):
        sn.simulate(net, duration=5.0, engine="fast")
    with pytest.raises(UnsupportedError, match="got a Memory, expected no sink"):
        sn.simulate(net, duration=5.0, engine="exact", sink=sn.core.sink.Memory())


@pytest.mark.parametrize("cell", ["loop", "reset at threshold"])
def test_rates_without_limit_end_with_a_sentence(cell):
    if cell == "loop":  # each spike causes two
        net = sn.Network(dict(input=sn.Input(2), cell=sn.LIF(2, reset_mechanism="zero")),
                         [sn.Projection("input", "cell", sn.Dense(2.0)),
                          sn.Projection("cell", "cell", sn.Dense(1.5), delay=0.01)], key=KEY)
    else:
        net = sn.Network(dict(input=sn.Input(2), cell=sn.LIF(2, i_e=2.0, v_reset=1.0, reset_mechanism="zero")), [],
                         key=KEY)
    with pytest.raises(DivergenceError, match=r"too many spikes, at .* ms.*max_events"):
        sn.simulate(net, {"input": ONE}, duration=100.0, engine="exact", max_events=2000)


def test_a_state_that_is_not_finite_is_told():
    infinite = dict(connection=sn.Dense(np.full((2, 2), np.inf, np.float32)))
    with pytest.raises(DivergenceError, match="not finite in 'cell'"):
        run(sn.LI(2), infinite)
    assert run(sn.LI(2), infinite, throw=False).status is Status.not_finite
