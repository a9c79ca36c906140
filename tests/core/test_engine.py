"""The clocked engine: however a network is cut in time or in layers, the numbers are the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.synapse import AbstractSynapse

KEY = jax.random.key(3)
STEPS, BATCH = 40, 3
RECORD = {"one": ["spikes", "v"], "two": ["spikes", "v"], "out": ["v"]}


class Depressing(AbstractSynapse):
    """Resource of each source, used up by its spikes: x -> x (1 - u), recovering with tau (ms)."""

    u: float = 0.4
    tau: float = 15.0

    def initial_state(self, connection, pre, post):
        return jnp.ones(pre)

    def transmit(self, state, connection, signal, dt, rand):
        state = 1 - (1 - state) * jnp.exp(-dt / self.tau)
        return state * (1 - self.u * signal), connection((signal * state)[None])[0]


def given(rate=0.3, units=6, steps=STEPS, batch=BATCH):
    rng = np.random.default_rng(0)
    return {"input": (rng.random((steps, batch, units)) < rate).astype(float)}


def network(cyclic=False):
    """Layers with every kind of delay, noise, short-term depression and dropout; optionally one silent loop."""
    rng = np.random.default_rng(1)
    edges = np.array(sorted(zip(rng.integers(6, size=20), rng.integers(8, size=20), strict=True)))
    projections = dict(
        plain=sn.Projection("input", "one", sn.Dense(rng.normal(0.3, 0.4, (6, 8)), bias=rng.normal(0, 0.05, 8)),
                            transforms=[sn.Dropout(0.3)]),
        listed=sn.Projection("input", "one", sn.Sparse.from_edges(*edges.T, weight=rng.normal(0.2, 0.3, 20)),
                             delay=sn.Delay(rng.integers(0, 5, 20).astype(float))),
        by_source=sn.Projection("one", "two", sn.Dense(rng.normal(0.2, 0.4, (8, 7))),
                                delay=sn.Delay(rng.integers(1, 9, 8).astype(float))),
        dynamic=sn.Projection("one", "two", sn.Dense(rng.normal(0.2, 0.4, (8, 7))), synapse=Depressing(), delay=2.0),
        by_synapse=sn.Projection("two", "out", sn.Dense(rng.normal(0, 0.4, (7, 2))),
                                 delay=sn.Delay(rng.integers(0, 6, (7, 2)).astype(float))))
    if cyclic:
        projections["loop"] = sn.Projection("out", "one", sn.Dense(0.0), delay=1.0)
    return sn.Network(dict(input=sn.Input(6), one=sn.Noisy(sn.Refractory(sn.LIF(8, tau_mem=8.0), t_ref=2.0).neuron,
                                                           sigma=0.1),
                           two=sn.Refractory(sn.ALIF(7, tau_mem=10.0), t_ref=1.0), out=sn.LI(2, tau_mem=12.0)),
                      projections, key=KEY)


def traces(network, inputs=None, record=RECORD, **options):
    inputs = given() if inputs is None else inputs
    steps = next(iter(inputs.values())).shape[0]
    return sn.simulate(network, inputs, duration=float(steps), record=record, **options)


def assert_same(a, b, atol=1e-12):
    """Equal spikes, equal variables within rounding, none of them silent."""
    for population, variables in RECORD.items():
        for variable in variables:
            x, y = np.asarray(a[population, variable]), np.asarray(b[population, variable])
            assert (x != 0).mean() > 0
            if variable == "spikes":
                np.testing.assert_array_equal(x, y)
            else:
                np.testing.assert_allclose(x, y, rtol=0, atol=atol)


@pytest.fixture(scope="module")
def whole():
    with jax.enable_x64(True):
        return traces(network())


def test_layer_by_layer_is_step_by_step(x64):
    """With dropout, too; without it the chunks below say the same."""
    a, b = network(), network(cyclic=True)
    assert not any(c.cyclic for c in a.components())
    assert [set(c.populations) for c in b.components() if c.cyclic] == [{"one", "two", "out"}]
    assert_same(traces(a, inference=False), traces(b, inference=False))


def test_layer_by_layer_is_step_by_step_in_single_precision():
    a, b = traces(network()), traces(network(cyclic=True))
    assert a["out", "v"].dtype == np.float32
    assert_same(a, b, atol=1e-5)


def assert_same_bits(a, b):
    """Equal to the bit; sums over sparse synapses are atomic on a GPU, there equal but for rounding."""
    if jax.default_backend() == "cpu":
        np.testing.assert_array_equal(a, b)
    else:
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("cyclic", "chunk"), [(False, 1), (False, 39), (True, 8)])
def test_chunks_do_not_change_results(cyclic, chunk, whole, x64):
    found = traces(network(cyclic), chunk=chunk)
    assert_same(whole, found)
    for name, counts in whole.counts.items():
        np.testing.assert_array_equal(counts, found.counts[name])


@pytest.mark.parametrize("cyclic", [False, True])
def test_a_run_continues_to_the_bit(cyclic):
    inputs = given()
    at_once = traces(network(cyclic), inputs, chunk=20)
    first = traces(network(cyclic), {"input": inputs["input"][:20]})
    second = traces(network(cyclic), {"input": inputs["input"][20:]}, state=first.state)
    for population, variables in RECORD.items():
        for variable in variables:
            joined = np.concatenate([first[population, variable], second[population, variable]])
            assert_same_bits(at_once[population, variable], joined)
    jax.tree.map(assert_same_bits, at_once.state, second.state)
    assert (first.first_step, second.first_step, second.times()[0]) == (0, 20, 20.0)


def test_the_same_run_twice_is_the_same_to_the_bit_and_another_seed_is_not():
    a, b, c = (traces(network(), seed=seed)["one", "v"] for seed in (1, 1, 2))
    assert_same_bits(a, b)
    assert np.abs(a - c).max() > 0.01


@pytest.mark.parametrize(("delay", "dt"), [(0, 1.0), (1, 0.1), (4, 0.1)])
def test_a_recording_fed_back_arrives_after_its_delay(delay, dt):
    source = sn.Network(dict(input=sn.Input(6), one=sn.LIF(4, tau_mem=8.0)),
                        [sn.Projection("input", "one", sn.Dense(0.3))], key=KEY)
    rec = sn.simulate(source, given(), duration=round(STEPS * dt, 9), dt=dt)
    again = sn.Network(dict(input=sn.Input(4), out=sn.LI(4, tau_mem=1e-3)),
                       [sn.Projection("input", "out", sn.OneToOne(1.0), delay=round(delay * dt, 9))], key=KEY)
    arrived = sn.simulate(again, {"input": rec.events("one")}, duration=round(STEPS * dt, 9), dt=dt)["out", "output"]
    spikes = np.asarray(rec["one", "spikes"])
    assert spikes.sum() > 20
    expected = np.concatenate([np.zeros_like(spikes[:delay]), spikes[:STEPS - delay]])
    np.testing.assert_allclose(arrived, expected, atol=1e-6)


# -- delays ---------------------------------------------------------------------------------------------


def delayed(connection, delay, cyclic, pre=6, post=5):
    """Arrivals at a leaky integrator that forgets at once."""
    parts = dict(forward=sn.Projection("input", "out", connection, delay=delay))
    if cyclic:
        parts["loop"] = sn.Projection("out", "out", sn.Dense(0.0))
    net = sn.Network(dict(input=sn.Input(pre), out=sn.LI(post, tau_mem=1e-3)), parts, key=KEY)
    rec = sn.simulate(net, given(units=pre), duration=float(STEPS), chunk=10)
    return np.asarray(rec["out", "output"])


def by_hand(weight, delay, pre=6):
    """out[t, b, j] = sum_i weight[i, j] x[t - delay[i, j], b, i]."""
    x = given(units=pre)["input"]
    out = np.zeros((STEPS, BATCH, weight.shape[1]))
    for (i, j), w in np.ndenumerate(weight):
        out[delay[i, j]:, :, j] += w * x[:STEPS - delay[i, j], :, i]
    return out


def test_one_delay_is_one_a_source_is_one_a_synapse(x64):
    d = 3
    weight = np.random.default_rng(2).normal(size=(6, 5))
    sources, targets = (index.ravel() for index in np.indices((6, 5)))
    sparse = sn.Sparse.from_edges(sources, targets, weight.ravel())
    found = [delayed(sn.Dense(weight), float(d), False), delayed(sn.Dense(weight), sn.Delay(np.full(6, d)), False),
             delayed(sn.Dense(weight), sn.Delay(np.full((6, 5), d)), False), delayed(sparse, float(d), False),
             delayed(sparse, sn.Delay(np.full(30, d)), False)]
    for other in found:
        np.testing.assert_allclose(other, by_hand(weight, np.full((6, 5), d)), atol=1e-12)


@pytest.mark.parametrize("cyclic", [False, True])
@pytest.mark.parametrize("kind", ["source", "synapse", "sparse", "one to one"])
def test_different_delays_by_hand(kind, cyclic, x64):
    rng = np.random.default_rng(4)
    weight, steps = rng.normal(size=(6, 5)), rng.integers(0, 9, (6, 5))
    connection, delay, post = sn.Dense(weight), sn.Delay(steps), 5
    if kind == "source":
        steps = np.repeat(steps[:, :1], 5, 1)
        delay = sn.Delay(steps[:, 0])
    elif kind == "sparse":
        weight = weight * (rng.random((6, 5)) < 0.6)
        i, j = np.nonzero(weight)
        connection, delay = sn.Sparse.from_edges(i, j, weight[i, j]), sn.Delay(steps[i, j])
    elif kind == "one to one":
        post, diagonal = 6, np.arange(6)
        weight, steps = np.diag(rng.normal(size=6)), np.diag(rng.integers(0, 9, 6))
        connection, delay = sn.OneToOne(weight[diagonal, diagonal]), sn.Delay(steps[diagonal, diagonal])
    np.testing.assert_allclose(delayed(connection, delay, cyclic, post=post), by_hand(weight, steps), atol=1e-12)


def test_as_many_synapses_as_sources(x64):
    """A list of delays then belongs to the synapses, not to the units that happen to be as many."""
    sources, targets, steps = np.array([0, 0, 0, 2, 2, 5]), np.array([0, 1, 2, 3, 4, 0]), np.array([1, 2, 3, 4, 5, 6])
    dense, delay = np.zeros((6, 5)), np.zeros((6, 5), int)
    dense[sources, targets], delay[sources, targets] = 1.0, steps
    found = delayed(sn.Sparse.from_edges(sources, targets, 1.0), sn.Delay(steps), False)
    np.testing.assert_allclose(found, by_hand(dense, delay), atol=1e-12)


@pytest.mark.parametrize("cyclic", [False, True])
def test_rounded_delays(cyclic, x64):
    """To the nearest step, and never to none: a positive delay may close a cycle."""
    value, steps = np.array([0.2, 0.9, 1.4, 1.6, 2.5, 0.0]), np.array([1, 1, 1, 2, 2, 0])
    found = delayed(sn.Dense(1.0), sn.Delay(value, rounding="nearest"), cyclic)
    np.testing.assert_allclose(found, by_hand(np.ones((6, 5)), np.repeat(steps[:, None], 5, 1)), atol=1e-12)
    loop = sn.Network(dict(input=sn.Input(1), out=sn.LI(1, tau_mem=1e9)),
                      [sn.Projection("input", "out", sn.Dense(1.0)),
                       sn.Projection("out", "out", sn.Dense(1.0), delay=sn.Delay(0.3, rounding="nearest"))], key=KEY)
    v = sn.simulate(loop, {"input": np.eye(5, 1)[:, None]}, duration=5.0)["out", "output"]
    np.testing.assert_allclose(np.ravel(v), [1, 2, 4, 8, 16], rtol=1e-6)


# -- ports ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cyclic", [False, True])
def test_by_sign_is_two_projections(cyclic, x64):
    rng = np.random.default_rng(5)
    weight = rng.normal(size=(6, 4))

    def currents(*projections):
        loop = [sn.Projection("cell", "cell", sn.Dense(0.0), port="exc")] if cyclic else []
        net = sn.Network(dict(input=sn.Input(6), cell=sn.LIFPscExp(4)),
                         dict(zip("abc", [*projections, *loop], strict=False)), key=KEY)
        rec = sn.simulate(net, given(), duration=float(STEPS), record={"cell": ["i_exc", "i_inh"]})
        return np.asarray(rec["cell", "i_exc"]), np.asarray(rec["cell", "i_inh"])

    found = currents(sn.Projection("input", "cell", sn.Dense(weight), port="by_sign"))
    apart = currents(sn.Projection("input", "cell", sn.Dense(weight.clip(0)), port="exc"),
                     sn.Projection("input", "cell", sn.Dense(weight.clip(None, 0)), port="inh"))
    for a, b in zip(found, apart, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    assert found[0].max() > 0 > found[1].min()


def test_several_projections_onto_a_port_add_up(x64):
    a, b = np.random.default_rng(6).normal(size=(2, 6, 5))
    net = sn.Network(dict(input=sn.Input(6), out=sn.LI(5, tau_mem=1e-3)),
                     dict(a=sn.Projection("input", "out", sn.Dense(a)), b=sn.Projection("input", "out", sn.Dense(b))),
                     key=KEY)
    rec = sn.simulate(net, given(), duration=float(STEPS))
    np.testing.assert_allclose(rec["out", "output"], given()["input"] @ (a + b), atol=1e-12)


# -- transformations of JAX -------------------------------------------------------------------------------


def readout(weight, inputs, state=None, seed=0):
    net = sn.Network(dict(input=sn.Input(6), cell=sn.Noisy(sn.LIF(5, tau_mem=8.0), sigma=0.05), out=sn.LI(2)),
                     [sn.Projection("input", "cell", sn.Dense(weight), delay=2.0),
                      sn.Projection("cell", "cell", sn.Dense(-0.1)), sn.Projection("cell", "out", sn.Dense(0.5))],
                     key=KEY)
    return sn.simulate(net, {"input": inputs}, duration=float(inputs.shape[0]), state=state, seed=seed)


def test_jit_vmap_scan_and_grad_give_the_same_numbers(x64):
    weights = jnp.asarray(np.random.default_rng(7).normal(0.3, 0.3, (2, 6, 5)))
    inputs = jnp.asarray(given()["input"])

    def loss(weight):
        return jnp.sum(readout(weight, inputs)["out", "output"] ** 2)

    plain = [readout(weight, inputs)["out", "output"] for weight in weights]
    assert all(np.abs(found).max() > 0.1 for found in plain)
    np.testing.assert_allclose(jax.jit(lambda w: readout(w, inputs)["out", "output"])(weights[0]), plain[0], rtol=1e-13)
    mapped = jax.vmap(lambda w: readout(w, inputs)["out", "output"])(weights)
    np.testing.assert_allclose(mapped, np.stack(plain), rtol=1e-12)

    state = readout(weights[0], inputs[:10]).state

    def ten_more(state, part):
        rec = readout(weights[0], part, state)
        return rec.state, rec["out", "output"]
    _, scanned = jax.lax.scan(ten_more, state, inputs[10:].reshape(3, 10, *inputs.shape[1:]))
    np.testing.assert_allclose(scanned.reshape(30, BATCH, 2), plain[0][10:], rtol=1e-12)

    value, gradient = jax.value_and_grad(loss)(weights[0])
    compiled = jax.jit(jax.value_and_grad(loss))(weights[0])
    np.testing.assert_allclose(value, loss(weights[0]), rtol=1e-13)
    np.testing.assert_allclose(compiled[1], gradient, rtol=1e-10, atol=1e-12)
    assert np.abs(gradient).max() > 0


class Counted(sn.neurons.LIF):
    """A LIF that counts how often it is traced."""

    traced = [0]

    def margin(self, state):
        self.traced[0] += 1
        return state.v - self.v_th


def test_new_numbers_do_not_compile_again():
    def run(scale, seed):
        net = sn.Network(dict(input=sn.Input(6), cell=Counted(5, tau_mem=10.0 * scale)),
                         [sn.Projection("input", "cell", sn.Dense(0.3 * scale), delay=1.0)], key=jax.random.key(seed))
        return sn.simulate(net, {"input": given()["input"] * scale}, duration=float(STEPS), seed=seed)

    first = run(1.0, 1)
    before = Counted.traced[0]
    assert before >= 1
    second, third = run(1.5, 2), run(jnp.array(2.0), 3)
    assert Counted.traced[0] == before
    assert len({int(rec.counts["cell"].sum()) for rec in (first, second, third)}) == 3


# -- recordings -------------------------------------------------------------------------------------------


def test_counts_rates_and_events_agree():
    rec = traces(network())
    spikes = np.asarray(rec["two", "spikes"])
    np.testing.assert_array_equal(rec.counts["two"], spikes.sum(0))
    np.testing.assert_allclose(rec.rates("two"), spikes.sum(0) / (STEPS * 1e-3), rtol=1e-6)
    np.testing.assert_array_equal(rec.events("two").dense(1.0, STEPS), spikes)
    np.testing.assert_array_equal(rec.counts["input"], given()["input"].sum(0))
    assert (rec.duration, rec.batch, rec.steps) == (float(STEPS), BATCH, STEPS)


def test_membrane_before_and_after_reset():
    net = sn.Network(dict(input=sn.Input(6), cell=sn.LIF(5, tau_mem=8.0)),
                     [sn.Projection("input", "cell", sn.Dense(0.4))], key=KEY)
    rec = sn.simulate(net, given(), duration=float(STEPS), record={"cell": ["spikes", "v", "v_before_reset"]})
    spikes, v, before = (np.asarray(rec["cell", name]) for name in ("spikes", "v", "v_before_reset"))
    assert spikes.sum() > 20
    np.testing.assert_array_equal(spikes, before > 1.0)
    np.testing.assert_allclose(v, before - spikes, atol=1e-6)


def test_without_a_record_the_sinks_are_recorded():
    rec = sn.simulate(network(), given(), duration=float(STEPS))
    assert {name: list(found) for name, found in rec.traces.items()} == {"out": ["output"]}


def test_a_silent_network_has_no_input():
    rec = sn.simulate(network(), duration=5.0)
    assert rec.batch == 1
    assert int(rec.counts["input"].sum()) == 0


def test_a_network_of_inputs_only_continues():
    net = sn.Network(dict(input=sn.Input(6)), [], key=KEY)
    first = sn.simulate(net, given(), duration=float(STEPS))
    second = sn.simulate(net, given(), duration=float(STEPS), state=first.state)
    np.testing.assert_array_equal(first.counts["input"], second.counts["input"])
    assert int(second.state.step) == 2 * STEPS
