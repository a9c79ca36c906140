import equinox as eqx
import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError
from snnsim.hardware import Workload
from snnsim.hardware.fan import fan_in, fan_out_by_slice


def test_counts_by_hand(small):
    net, rec = small()
    work = Workload.of(net, rec)
    first, second = work.projections["first"], work.projections["second"]
    # Input 0 fires twice onto 2 synapses, input 1 once onto 1: 5 events. Hidden unit 0 fires twice.
    assert (first.signals, first.synapses, first.events, first.dense_events) == (3, 3, 5, 12)
    assert (second.signals, second.synapses, second.events, second.dense_events) == (2, 3, 2, 12)
    assert (first.operand, second.operand) == ("spike", "spike")
    assert work.per_sample() == {"effective_acs": 7.0, "effective_macs": 0.0, "dense": 24.0}
    # A message leaves for each spike of a population that others listen to; each event reads a weight of 32 bits.
    assert {name: p.packets for name, p in work.populations.items()} == {"input": 3, "hidden": 2, "output": 0}
    assert work.packets == 5
    assert work.bytes_read() == {"spike": 7 * 4, "float": 0}
    assert (first.weight_bytes, first.index_bytes) == (12, 0)
    hidden, output = work.populations["hidden"], work.populations["output"]
    assert (hidden.spikes, hidden.updates, hidden.driven) == (2, 12, 4)
    # Unit 2 stays above 0 after its first input in step 0; unit 0 keeps what subtraction leaves.
    assert hidden.active == 4 + 2 + 2
    assert (output.spikes, output.updates, output.driven, output.state_bytes) == (0, 4, 2, 4)
    assert all(type(n) is int for n in (first.events, hidden.driven, hidden.spikes, work.events, work.updates))


def test_cross_check_network_counts_what_sanafe_and_neurobench_count(checked):
    work = Workload.of(*checked)
    assert {n: p.spikes for n, p in work.populations.items()} == {"input": 340, "hidden": 1390, "output": 354}
    assert work.events == 71_320
    assert work.per_sample() == {"effective_acs": 71_320.0, "effective_macs": 0.0, "dense": 1_152_000.0}
    assert work.updates == 14_800


def test_neurobench_counts_the_same(cross_check):
    torch = pytest.importorskip("torch")
    snn = pytest.importorskip("snntorch")
    metrics = pytest.importorskip("neurobench.metrics.workload")
    from neurobench.benchmarks import Benchmark
    from neurobench.models import SNNTorchModel

    net, rec = cross_check()
    layers = [
        torch.nn.Linear(70, 128, bias=False),
        snn.Leaky(0.9, init_hidden=True, reset_mechanism="zero", reset_delay=False),
        torch.nn.Linear(128, 20, bias=False),
        snn.Leaky(0.9, init_hidden=True, reset_mechanism="zero", reset_delay=False, output=True),
    ]
    with torch.no_grad():
        for layer, name in ((layers[0], "input_hidden"), (layers[2], "hidden_output")):
            layer.weight.copy_(torch.tensor(np.asarray(net[name].connection.weight).T))
    data = torch.tensor(np.asarray(rec["input", "spikes"])).swapaxes(0, 1)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(data, torch.zeros(1)), batch_size=1)
    found = Benchmark(
        SNNTorchModel(torch.nn.Sequential(*layers)), loader, [], [], [[], [metrics.SynapticOperations]]
    ).run(quiet=True)["SynapticOperations"]
    per_sample = Workload.of(net, rec).per_sample()
    assert found["Effective_ACs"] == per_sample["effective_acs"]
    assert found["Effective_MACs"] == per_sample["effective_macs"]
    assert found["Dense"] == per_sample["dense"]


def test_numbers_are_multiplied_and_never_called_spikes(small):
    graded = np.full((4, 2, 2), 0.5, np.float32)
    net, rec = small(graded)
    work = Workload.of(net, rec)
    assert work.projections["first"].operand == "float"
    assert "not only 0 and 1" in work.projections["first"].reason
    assert work.projections["second"].operand == "spike"
    assert work.per_sample()["effective_macs"] == 4 * 3


def test_membranes_sent_on_are_numbers():
    net = sn.Network(
        dict(a=sn.Input(1), b=sn.LI(2), c=sn.LIF(1)),
        [sn.Projection("a", "b", sn.Dense(1.0)), sn.Projection("b", "c", sn.Dense(0.1))],
        key=jax.random.key(0),
    )
    rec = sn.simulate(net, {"a": np.ones((3, 1, 1), np.float32)}, duration=3.0)
    assert Workload.of(net, rec).projections["b_c"].operand == "float"
    assert bool(rec.graded["b"])
    assert not bool(rec.graded["a"])


def test_bias_and_unrecorded_runs(cross_check):
    net = sn.Network(
        dict(a=sn.Input(2), b=sn.LIF(3)), [sn.Projection("a", "b", sn.Dense(0.1, bias=True))], key=jax.random.key(0)
    )
    work = Workload.of(net, sn.simulate(net, duration=5.0))
    assert work.projections["a_b"].bias_adds == 15
    assert work.populations["b"].driven == 15
    net, rec = cross_check(record=False)
    assert Workload.of(net, rec).populations["hidden"].driven is None


def test_chunks_do_not_change_counts(small):
    net, _ = small()
    x = (np.random.default_rng(1).random((20, 3, 2)) < 0.3).astype(np.float32)
    one = Workload.of(net, sn.simulate(net, {"input": x}, duration=20.0))
    two = Workload.of(net, sn.simulate(net, {"input": x}, duration=20.0, chunk=7))
    assert one == two


def test_other_networks_are_refused(checked, small):
    net, rec = small()
    with pytest.raises(ConfigurationError, match="populations of the recording"):
        Workload.of(checked[0], rec)
    other = eqx.tree_at(lambda n: n["first"].connection.weight, net, replace_fn=lambda w: w + 1)
    with pytest.raises(ConfigurationError, match="other parameters"):
        Workload.of(other, rec)
    Workload.of(rec.network(), rec)


def test_bytes_of_lists_and_of_numbers(small):
    net = sn.Network(dict(a=sn.Input(4), b=sn.LIF(3)),
                     [sn.Projection("a", "b", sn.Sparse.from_edges(np.array([0, 0, 2]), np.array([1, 2, 0]), 0.5))],
                     key=jax.random.key(0))
    rec = sn.simulate(net, {"a": np.full((5, 1, 4), 0.5, np.float32)}, duration=5.0)
    work = Workload.of(net, rec, weight_bits=5)
    join = work.projections["a_b"]
    assert (join.weight_bytes, join.index_bytes) == (2, 4 * (3 + 5))  # three targets, and where five sources begin
    assert join.events == 15
    assert work.bytes_read() == {"spike": 0, "float": 10}  # 75 bits


def test_weight_bits(small):
    net, rec = small()
    assert Workload.of(net, rec, weight_bits=5).projections["first"].weight_bytes == 2
    with pytest.raises(ConfigurationError, match="weight_bits"):
        Workload.of(net, rec, weight_bits=0)


@pytest.mark.parametrize(
    "made",
    [
        sn.Dense(),
        sn.Sparse(sn.FixedProbability(0.3)),
        sn.Sparse(sn.FixedTotalNumber(60)),
        sn.Conv1d(3, padding=1),
        sn.OneToOne(),
    ],
)
def test_fans_agree(made):
    pre = post = (2, 7)
    connection = made.build(pre, post, jax.random.key(0))
    rows = fan_out_by_slice(connection, pre, post, 5)
    assert rows.shape == (14, 3)
    np.testing.assert_array_equal(rows.sum(1), connection.fan_out(pre, post).reshape(-1))
    assert rows.sum() == fan_in(connection, pre, post).sum()
