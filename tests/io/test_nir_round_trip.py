"""What `to_nir` writes, `from_nir` reads as the same simulation, and the nir package reads it, too."""

from itertools import pairwise

import io_networks as nets
import jax
import jax.numpy as jnp
import nir
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError, OutputExistsError, UnsupportedError
from snnsim.core.synapse import AbstractSynapse
from snnsim.io import from_nir, to_nir

CELLS = {
    "lif": lambda shape: sn.LIF(shape, tau_mem=7.0, v_th=0.4),
    "lif_euler_zero": lambda shape: sn.LIF(shape, tau_mem=7.0, v_th=0.4, e_l=0.1, v_reset=-0.1, method="euler",
                                           reset_mechanism="zero"),
    "lif_late": lambda shape: sn.LIF(shape, v_th=0.4, reset_timing="residual", spike_at=">="),
    "if": lambda shape: sn.IF(shape, v_th=0.4, r=0.3),
    "li": lambda shape: sn.LI(shape, tau_mem=3.0, e_l=0.2),
    "cubalif": lambda shape: sn.CubaLIF(shape, tau_mem=5.0, tau_syn=3.0, v_th=0.3, w_in=1.5),
    "cubalif_euler": lambda shape: sn.CubaLIF(shape, tau_mem=5.0, tau_syn=3.0, v_th=0.3, method="euler"),
    "cubalif_discrete": lambda shape: sn.CubaLIF(shape, tau_mem=5.0, tau_syn=3.0, v_th=0.3, r_m=0.7, method="discrete"),
}


def check(network, population, tmp_path, dt=1.0, **given):
    """Same output before and after the file; returns the graph as the nir package reads it."""
    to_nir(network, tmp_path / "net.nir", dt=dt, **given)
    again = from_nir(tmp_path / "net.nir", **given)
    before, after = nets.spikes(network, population, dt=dt), nets.spikes(again, population, dt=dt)
    assert before.any()
    if network[population].spiking:
        np.testing.assert_array_equal(before, after)
    np.testing.assert_allclose(before, after, rtol=1e-5, atol=1e-6)
    return nir.read(tmp_path / "net.nir")


def test_every_neuron(tmp_path):
    """All in one network, so that there is one thing to compile."""
    cells = {name: make((4,)) for name, make in CELLS.items()}
    cells |= {"lif_current": CELLS["lif"]((4,)), "if_current": CELLS["if"]((4,))}
    network = sn.Network({"input": sn.Input(3), **cells}, [
        sn.Projection("input", name, sn.Dense(jax.nn.initializers.normal(4.0)),
                      port="current" if name.endswith("current") else "in") for name in cells], key=jax.random.key(3))
    to_nir(network, tmp_path / "net.nir", dt=1.0)
    graph = nir.read(tmp_path / "net.nir")
    before, after = (nets.spikes(n, tuple(cells)) for n in (network, from_nir(tmp_path / "net.nir")))
    for name, cell in cells.items():
        assert type(graph.nodes[name]) is getattr(nir, type(cell).__name__)
        assert before[name].any()
        np.testing.assert_allclose(before[name], after[name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_time_units(tmp_path):
    network = nets.of_neuron(CELLS["cubalif"](4))
    graph = to_nir(network, tmp_path / "net.nir", dt=1.0, time_unit="ms")
    assert from_nir(tmp_path / "net.nir", time_unit="ms")["cell"].tau_mem.tolist() == [5.0] * 4
    assert graph.nodes["cell"].tau_mem.tolist() == [5.0] * 4
    assert to_nir(network, dt=1.0).nodes["cell"].tau_mem.tolist() == [0.005] * 4


def test_parameters_of_each_unit(tmp_path):
    network = nets.of_neuron(sn.LIF(4, tau_mem=jnp.array([3.0, 5.0, 7.0, 9.0]), v_th=jnp.array([0.1, 0.2, 0.3, 0.4])))
    to_nir(network, tmp_path / "net.nir", dt=0.5)
    again = from_nir(tmp_path / "net.nir")["cell"]
    np.testing.assert_array_equal(again.tau_mem, network["cell"].tau_mem)
    np.testing.assert_array_equal(again.v_th, network["cell"].v_th)


@pytest.mark.parametrize("name", [name for name in nets.CONNECTIONS if name != "distance"])
def test_every_connection(name, tmp_path):
    pre, post, connection = nets.CONNECTIONS[name]
    network = sn.Network({"input": sn.Input(pre), "cell": CELLS["lif"](post)},
                         {"forth": sn.Projection("input", "cell", connection(), port="current")}, key=jax.random.key(1))
    graph = to_nir(network, tmp_path / "net.nir", dt=1.0)
    assert "forth" in nir.read(tmp_path / "net.nir", type_check=name != "conv1d").nodes  # nir counts groups wrongly
    signal = jnp.asarray(np.random.default_rng(0).random((3, *pre)), jnp.float32)
    again = from_nir(graph)["forth"].connection
    np.testing.assert_allclose(again(signal), network["forth"].connection(signal), rtol=1e-5, atol=1e-6)


def test_kernels_that_are_not_square(tmp_path):
    network = sn.Network({"input": sn.Input((1, 5, 6)), "cell": CELLS["lif"]((2, 4, 4))},
                         [sn.Projection("input", "cell", sn.Conv2d((2, 3), weight=0.5), port="current")],
                         key=jax.random.key(0))
    to_nir(network, tmp_path / "net.nir", dt=1.0)
    again = from_nir(tmp_path / "net.nir")["input_cell"].connection
    assert again.kernel_size == (2, 3)
    np.testing.assert_array_equal(again.weight, network["input_cell"].connection.weight)


@pytest.mark.parametrize("delay", [2.0, np.array([0.0, 0.3, 1.2]), np.full((3, 4), 0.7), sn.Delay(1.04, "nearest")])
def test_delays(delay, tmp_path):
    network = sn.Network({"input": sn.Input(3), "cell": CELLS["lif"](4)},
                         [sn.Projection("input", "cell", sn.Dense(weight=0.9, bias=jnp.full(4, 0.05)), port="current",
                                        delay=delay if isinstance(delay, float | sn.Delay) else sn.Delay(delay))],
                         key=jax.random.key(0))
    again = from_nir(to_nir(network, tmp_path / "net.nir", dt=0.1))["input_cell"].delay
    wanted = network["input_cell"].delay
    np.testing.assert_array_equal(jnp.broadcast_to(again.value, wanted.value.shape), wanted.value)
    assert (again.rounding, again.bounds) == (wanted.rounding, wanted.bounds)


def test_delays_in_a_simulation(tmp_path):
    network = sn.Network({"input": sn.Input(3), "cell": CELLS["lif"](4)},
                         [sn.Projection("input", "cell", sn.Dense(weight=0.9), delay=sn.Delay([0.0, 0.3, 1.2]))],
                         key=jax.random.key(0))
    check(network, "cell", tmp_path, dt=0.1)


def test_delays_of_targets():
    graph = nir.NIRGraph({"input": nir.Input(np.array([2])),
                          "w": nir.Linear(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])),
                          "late": nir.Delay(np.array([0.001, 0.002, 0.0])),
                          "cell": nir.LI(np.ones(3), np.ones(3), np.zeros(3)), "output": nir.Output(np.array([3]))},
                         [("input", "w"), ("w", "late"), ("late", "cell"), ("cell", "output")])
    assert from_nir(graph)["w"].delay.value.tolist() == [[1.0, 2.0, 0.0]] * 2


def recurrent(**delays):
    return sn.Network(
        {"input": sn.Input(3), "a": CELLS["lif"](4), "b": CELLS["cubalif"](5)},
        {"first": sn.Projection("input", "a", sn.Dense(weight=0.7), port="current"),
         "self": sn.Projection("a", "a", sn.Dense(weight=-0.2), port="current"),
         "onward": sn.Projection("a", "b", sn.Dense(weight=0.5)),
         "back": sn.Projection("b", "a", sn.Dense(weight=-0.4), port="current", delay=delays.get("back", 1.0))},
        key=jax.random.key(0))


def test_cycles(tmp_path):
    network = recurrent()
    graph = check(network, "b", tmp_path)
    again = from_nir(graph, dt=1.0)
    assert again["self"].delay is None
    assert float(again["back"].delay.value) == 1.0


def test_a_cycle_without_delays_is_closed_by_one_step():
    graph = to_nir(recurrent(), dt=1.0)
    del graph.nodes["back_delay"]
    graph.edges = [("b", "back") if edge == ("b",
                                             "back_delay") else edge for edge in graph.edges if edge[0] != "back_delay"]
    network = from_nir(graph, dt=1.0)
    assert float(network["back"].delay.value) == 1.0
    np.testing.assert_array_equal(nets.spikes(network, "b"), nets.spikes(recurrent(), "b"))


def test_a_cycle_needs_a_step():
    lif = nir.LIF(np.ones(2), np.ones(2), np.zeros(2), np.ones(2))
    graph = nir.NIRGraph({"input": nir.Input(np.array([2])), "a": lif, "b": lif, "output": nir.Output(np.array([2]))},
                         [("input", "a"), ("a", "b"), ("b", "a"), ("b", "output")])
    with pytest.raises(ConfigurationError, match="pass dt"):
        from_nir(graph)
    assert from_nir(graph, dt=0.5)["b_a"].delay.value == 0.5


def test_shared_affine_adds_its_bias_once():
    lif = nir.LI(np.ones(2), np.ones(2), np.zeros(2))
    nodes = {"x": nir.Input(np.array([2])), "y": nir.Input(np.array([2])), "fc": nir.Affine(np.eye(2), np.ones(2)),
             "scale": nir.Scale(np.array([2.0, 3.0])), "cell": lif, "output": nir.Output(np.array([2]))}
    graph = nir.NIRGraph(nodes, [("x", "fc"), ("y", "fc"), ("fc", "scale"), ("scale", "cell"), ("cell", "output")])
    network = from_nir(graph, time_unit="ms", method="euler")
    given = {"x": np.ones((1, 1, 2)), "y": np.full((1, 1, 2), 10.0)}
    out = sn.simulate(network, given, duration=1.0, dt=1.0)["cell", "output"]
    np.testing.assert_allclose(out[0, 0], [24.0, 36.0])


def test_a_convolutional_network():
    """Pooling without neurons behind it, flattening, nested graphs: the form that published networks have."""
    def cells(*shape):
        return nir.IF(np.full(shape, 1000.0), np.ones(shape))
    rng = np.random.default_rng(0)
    inner = nir.NIRGraph({"input": nir.Input(np.array([2, 4, 4])), "cell": cells(2, 4, 4),
                          "output": nir.Output(np.array([2, 4, 4]))},
                         [("input", "cell"), ("cell", "output")])
    nodes = {"input": nir.Input(np.array([1, 8, 8])),
             "conv": nir.Conv2d((8, 8), rng.random((2, 1, 3, 3)).astype(np.float32), 2, 1, 1, 1,
                                np.zeros(2, np.float32)),
             "block": inner, "pool": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
             "flat": nir.Flatten({"input": np.array([2, 2, 2])}, 0, -1),
             "fc": nir.Affine(rng.random((3, 8)).astype(np.float32), np.zeros(3, np.float32)), "cell": cells(3),
             "output": nir.Output(np.array([3]))}
    names = list(nodes)
    graph = nir.NIRGraph(nodes, list(pairwise(names)))
    network = from_nir(graph)
    assert list(network.populations) == ["input", "block_cell", "cell"]
    assert [type(part).__name__ for part in network["fc"].connection.parts] == ["SumPool2d", "Dense"]
    assert nets.spikes(network, "cell").any()
    jumps = from_nir(graph, port="in")  # r = 1000 / s and dt = 1 ms: a current of 1 is a jump of 1
    np.testing.assert_array_equal(nets.spikes(network, "cell"), nets.spikes(jumps, "cell"))


def test_same_padding():
    conv = nir.Conv2d((5, 5), np.ones((1, 1, 3, 3), np.float32), 1, "same", 1, 1, np.zeros(1, np.float32))
    cell = nir.IF(np.ones((1, 5, 5)), np.ones((1, 5, 5)))
    graph = nir.NIRGraph({"input": nir.Input(np.array([1, 5, 5])), "conv": conv, "cell": cell,
                          "output": nir.Output(np.array([1, 5, 5]))},
                         [("input", "conv"), ("conv", "cell"), ("cell", "output")])
    assert from_nir(graph)["conv"].connection.padding == (1, 1)


def test_names_that_are_no_identifiers():
    cell = nir.LI(np.ones(1), np.ones(1), np.zeros(1))
    graph = nir.NIRGraph({"in put": nir.Input(np.array([1])), "1.a": cell, "1_a": cell,
                          "0": nir.Linear(np.ones((1, 1)))},
                         [("in put", "0"), ("0", "1.a"), ("1.a", "1_a")], type_check=False)
    network = from_nir(graph)
    assert set(network.populations) == {"in_put", "n1_a", "n1_a_2"}
    assert set(network.projections) == {"n0", "n1_a_n1_a"} or len(network.projections) == 2


# -- what NIR cannot say ----------------------------------------------------------------------------


class Fading(AbstractSynapse):
    def initial_state(self, connection, pre, post):
        return ()

    def transmit(self, state, connection, signal, dt, rand):
        return state, connection(signal[None])[0]


@pytest.mark.parametrize("name", ["alif", "lif_psc_exp", "adex", "izhikevich", "refractory", "noisy"])
def test_neurons_without_primitive(name):
    with pytest.raises(UnsupportedError, match="population 'cell'"):
        to_nir(nets.of_neuron(nets.NEURONS[name]()), dt=1.0)


@pytest.mark.parametrize("given", [dict(synapse=Fading()), dict(transforms=(sn.BatchNorm(),)),
                                   dict(delay=sn.Delay(np.arange(12.0).reshape(3, 4)))])
def test_projections_without_primitive(given):
    network = sn.Network({"input": sn.Input(3), "cell": sn.LIF(4)},
                         [sn.Projection("input", "cell", sn.Dense(), **given)], key=jax.random.key(0))
    with pytest.raises(UnsupportedError, match="projection 'input_cell'"):
        to_nir(network, dt=1.0)


@pytest.mark.parametrize("network", [
    lambda: nets.of_neuron(sn.LIF(4, i_e=0.1)), lambda: nets.of_neuron(sn.LIF((2, 2))),
    lambda: sn.Network({"input": sn.Input(1), "cell": sn.LIF(1)},
                       {"a": sn.Projection("input", "cell", sn.Dense()),
                        "b": sn.Projection("input", "cell", sn.Dense(), port="current")},
                       key=jax.random.key(0)),
    lambda: sn.Network({"input": sn.Input(1), "cell": sn.CubaLIF(1)},
                       {"b": sn.Projection("input", "cell", sn.Dense(), port="current")}, key=jax.random.key(0))])
def test_arrangements_without_primitive(network):
    with pytest.raises(UnsupportedError, match="To fix it"):
        to_nir(network(), dt=1.0)


def test_jumps_need_a_step():
    for cell in (sn.LIF(4), sn.IF(4), sn.LI(4), sn.CubaLIF(4)):
        with pytest.raises(ConfigurationError, match="pass dt"):
            to_nir(nets.of_neuron(cell))


def test_dropout_is_left_out():
    network = sn.Network({"input": sn.Input(3), "cell": sn.LIF(4)},
                         [sn.Projection("input", "cell", sn.Dense(), transforms=(sn.Dropout(0.2),))],
                         key=jax.random.key(0))
    assert set(to_nir(network, dt=1.0).nodes) == {"input", "cell", "input_cell", "output"}


def test_no_overwriting_unless_asked(tmp_path):
    network = nets.of_neuron(sn.LIF(4))
    to_nir(network, tmp_path / "net.nir", dt=1.0)
    first = (tmp_path / "net.nir").read_bytes()
    with pytest.raises(OutputExistsError):
        to_nir(network, tmp_path / "net.nir", dt=1.0)
    to_nir(network, tmp_path / "net.nir", dt=1.0, overwrite=True)
    assert (tmp_path / "net.nir").read_bytes() == first
