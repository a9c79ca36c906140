"""What all rules share: every connection, delay, batch and chunk gives the same weights; derivatives; refusals."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from parrots import network, one_synapse, trains

import snnsim as sn
from snnsim.core.errors import ConfigurationError, DelayError, ShapeError, UnsupportedError
from snnsim.io import load, save
from snnsim.plasticity import (
    NEST,
    AstrocyticSTDP,
    DopamineSTDP,
    Multiplicative,
    PairSTDP,
    Power,
    TripletSTDP,
    Unbounded,
)
from snnsim.plasticity.events import Sides, changed, everywhere, index_of
from snnsim.synapses import TsodyksMarkram

RULES = {
    "pair": lambda **o: PairSTDP(0.1, 0.12, dependence=Power(0.4, 1.0), **o),
    "nearest_presynaptic": lambda **o: PairSTDP(0.1, 0.12, pairing="nearest_presynaptic", **o),
    "triplet": lambda **o: TripletSTDP(0.05, 0.1, 0.04, 0.02, dependence=Multiplicative(), **o),
    "dopamine": lambda **o: DopamineSTDP(0.05, 0.06, tau_c=20.0, tau_n=15.0, baseline=0.01, **o),
    "astrocytic": lambda **o: AstrocyticSTDP(trace=0.5, fading=0.01, **o),
}
STEPS, PRE, POST = 60, 6, 5
every_rule = pytest.mark.parametrize("name", RULES)


def edges(seed=0):
    """Some of all pairs, sorted by source; source 2 has none, target 3 has none."""
    pairs = np.array([(i, j) for i in range(PRE) for j in range(POST) if i != 2 and j != 3])
    chosen = np.sort(np.random.default_rng(seed).choice(len(pairs), 13, replace=False))
    return pairs[chosen].T


def modulators(name):
    return ["reward"] if name in ("dopamine", "astrocytic") else []


def run(rule, connection, name, *, batch=1, delay=2.0, chunk=None, samples=slice(None)):
    net = network(rule, connection, PRE, POST, delay=delay, modulators=modulators(name))
    given = {"pre": trains(STEPS, batch, PRE, 0.2, 1), "teacher": trains(STEPS, batch, POST, 0.2, 2),
             "reward": trains(STEPS, batch, 1, 0.3, 3) * 0.5}
    given = {key: value[:, samples] for key, value in given.items()}
    return sn.simulate(net, given, duration=float(STEPS), chunk=chunk, record={"post": ["heard"]})


def weights(rec):
    return np.asarray(rec.state.projections["plastic"].plastic.weight)


@pytest.mark.parametrize(("name", "options"), [*((name, NEST) for name in RULES), ("pair", {})])
def test_a_list_is_the_matrix(name, options, x64):
    """Visiting synapses by their spikes gives what a pass over the matrix gives, for one sample and for several."""
    (i, j), begin = edges(), np.random.default_rng(5).uniform(0.2, 0.8, (PRE, POST))
    dense = run(RULES[name](**options), sn.Dense(begin), name, batch=3)
    expected = weights(dense)[:, i, j]
    assert np.abs(expected - begin[i, j]).max() > 0.02
    listed = sn.Sparse.from_edges(i, j, begin[i, j])
    found = weights(run(RULES[name](**options), listed, name, batch=3))
    np.testing.assert_allclose(found, expected, atol=1e-13)
    if name != "triplet":
        alone = weights(run(RULES[name](**options), listed, name, batch=3, samples=slice(1, 2)))
        np.testing.assert_allclose(alone[0], expected[1], atol=1e-13)


@pytest.mark.parametrize("name", ["nearest_presynaptic", "dopamine"])
def test_chunks_are_not_seen(name, x64):
    (i, j), begin = edges(), 0.5
    whole, cut = (run(RULES[name](**NEST), sn.Sparse.from_edges(i, j, begin), name, chunk=c) for c in (None, 7))
    np.testing.assert_allclose(weights(whole), weights(cut), atol=1e-14)
    np.testing.assert_allclose(whole["post", "heard"], cut["post", "heard"], atol=1e-13)


LATE = dict(timing="somatic", weight_sent="after", post_delay=1.0)


@pytest.mark.parametrize(("name", "options", "kind"), [
    ("pair", {}, "sparse"), ("triplet", {}, "dense"), ("pair", {}, "each source"), ("pair", NEST, "sparse"),
    ("dopamine", NEST, "dense"), ("triplet", NEST, "each source"), ("nearest_presynaptic", LATE, "sparse")])
def test_a_delay_for_each_synapse_is_that_of_one_synapse(name, options, kind, x64):
    """Each synapse does what a synapse of its delay does alone."""
    i, j = edges()
    steps = np.random.default_rng(6).integers(1, 6, PRE if kind == "each source" else (PRE, POST)).astype(float)
    delay = sn.Delay(steps[i, j] if kind == "sparse" else steps)
    connection = sn.Dense(0.5) if kind == "dense" else sn.Sparse.from_edges(i, j, 0.5)
    rec = run(RULES[name](**options), connection, name, delay=delay)
    found = weights(rec)[0]
    spikes = {key: trains(STEPS, 1, n, rate, seed)[:, 0] for key, n, rate, seed in
              (("pre", PRE, 0.2, 1), ("teacher", POST, 0.2, 2))}
    reward = sn.Events.from_dense(trains(STEPS, 1, 1, 0.3, 3) * 0.5, dt=1.0)
    for k in (0, 12):
        d = steps[i[k]] if kind == "each source" else steps[i[k], j[k]]
        net = network(RULES[name](**options), sn.Dense(0.5), 1, 1, delay=float(d), modulators=modulators(name))
        given = {"pre": spikes["pre"][:, i[k], None, None], "teacher": spikes["teacher"][:, j[k], None, None]}
        one = sn.simulate(net, {**given, "reward": reward}, duration=float(STEPS))
        mine = found[i[k], j[k]] if kind == "dense" else found[k]
        assert mine == pytest.approx(float(weights(one)[0, 0, 0]), abs=1e-12)


def many_edges():
    """Six hundred of all pairs, and few different delays: spikes are then seen on lines."""
    rng = np.random.default_rng(10)
    pairs = np.sort(rng.choice(60 * 50, 600, replace=False))
    return pairs // 50, pairs % 50, rng.choice([1.0, 3.0, 4.0], (60, 50))


@pytest.mark.parametrize(("options", "kind"), [({}, "synapse"), (dict(post_delay=2.0), "synapse"), (NEST, "synapse"),
                                               (NEST, "source"), (LATE, "synapse")])
def test_lines_of_a_list_are_the_delays_of_the_matrix(options, kind, x64):
    (i, j, steps), begin = many_edges(), np.random.default_rng(11).uniform(0.2, 0.8, (60, 50))
    steps = steps if kind == "synapse" else steps[:, 0]
    listed = sn.Sparse.from_edges(i, j, begin[i, j])
    given = {"pre": trains(STEPS, 2, 60, 0.1, 1), "teacher": trains(STEPS, 2, 50, 0.1, 2)}
    found, slopes = [], []
    for connection, delay in ((listed, steps[i, j] if kind == "synapse" else steps), (sn.Dense(begin), steps)):
        net = network(PairSTDP(0.1, 0.12, **options), connection, 60, 50, delay=sn.Delay(delay))
        assert bool(net["plastic"].synapse.lines) == (connection is listed and (kind == "synapse" or options is NEST))

        def end(rate, net=net):
            net = eqx.tree_at(lambda n: n["plastic"].synapse.a_plus, net, rate)
            weight = sn.simulate(net, given, duration=float(STEPS)).state.projections["plastic"].plastic.weight
            weight = weight if weight.ndim == 2 else weight[:, i, j]
            return jnp.sum(weight**2), weight
        (_, weight), slope = jax.jit(jax.value_and_grad(end, has_aux=True))(jnp.asarray(0.1))
        found.append(weight)
        slopes.append(slope)
    np.testing.assert_allclose(*found, atol=1e-12)
    np.testing.assert_allclose(*slopes, rtol=1e-10)
    assert np.abs(np.asarray(found[0]) - begin[i, j]).max() > 0.1
    delay = sn.Delay(steps[i, j] if kind == "synapse" else steps)
    one = network(PairSTDP(0.1, 0.12, **options), listed, 60, 50, delay=delay)
    alone = sn.simulate(one, {name: spikes[:, 1:] for name, spikes in given.items()}, duration=float(STEPS))
    np.testing.assert_allclose(weights(alone)[0], found[0][1], atol=1e-12)


def test_what_arrives_on_lines(x64):
    """The list transmits what the same list does with static synapses."""
    i, j, steps = many_edges()
    given, heard = {"pre": trains(STEPS, 1, 60, 0.1, 1)}, []
    for rule in (PairSTDP(0.0, 0.0, **NEST), None):
        net = network(rule, sn.Sparse.from_edges(i, j, np.linspace(0.0, 1.0, 600)), 60, 50, delay=sn.Delay(steps[i, j]))
        heard.append(sn.simulate(net, given, duration=float(STEPS), record={"post": ["heard"]})["post", "heard"])
    np.testing.assert_allclose(*heard, atol=1e-13)
    assert np.asarray(heard[0]).max() > 1.0


def test_delays_that_are_changed_later_are_refused():
    i, j, steps = many_edges()
    net = network(PairSTDP(), sn.Sparse.from_edges(i, j, 0.5), 60, 50, delay=sn.Delay(steps[i, j]))
    other = eqx.tree_at(lambda n: n["plastic"].delay.value, net, jnp.asarray(steps[i, j] + 1.0, jnp.float32))
    with pytest.raises(DelayError, match="changed after"):
        sn.simulate(other, duration=5.0)


def test_one_to_one(x64):
    net = network(PairSTDP(0.1, 0.1), sn.OneToOne(0.5), 4, 4)
    full = network(PairSTDP(0.1, 0.1), sn.Dense(0.5), 4, 4)
    given = {"pre": trains(STEPS, 2, 4, 0.2, 1), "teacher": trains(STEPS, 2, 4, 0.2, 2)}
    twins, pairs = (weights(sn.simulate(n, given, duration=float(STEPS))) for n in (net, full))
    np.testing.assert_allclose(twins, pairs[:, range(4), range(4)], atol=1e-14)


@pytest.mark.parametrize("listed", [False, True])
def test_numbers_of_each_source_and_each_synapse(listed, x64):
    """Rates and bounds may differ; each synapse follows its own."""
    (i, j), rng = edges(), np.random.default_rng(7)
    rates, high = rng.uniform(0.02, 0.3, PRE), rng.uniform(0.6, 1.0, (PRE, POST))
    connection = sn.Sparse.from_edges(i, j, 0.5) if listed else sn.Dense(0.5)
    found = weights(run(PairSTDP(rates, 0.1, w_max=high[i, j] if listed else high), connection, "pair"))[0]
    for k in (0, 12):
        one = weights(run(PairSTDP(rates[i[k]], 0.1, w_max=high[i[k], j[k]]), sn.Dense(0.5), "pair"))[0]
        assert (found[k] if listed else found[i[k], j[k]]) == pytest.approx(one[i[k], j[k]], abs=1e-13)


def test_learning_and_short_term_plasticity_together(x64):
    """The carrier decides what a spike releases, the rule what the weight is."""
    carrier = TsodyksMarkram(0.4, tau_rec=30.0)
    carried, last = one_synapse(PairSTDP(0.1, 0.1, carrier=carrier), [5.0, 10.0, 15.0], [7.0], dt=1.0, delay=1.0,
                                weight=0.5, duration=30.0)
    plain, same = one_synapse(PairSTDP(0.1, 0.1), [5.0, 10.0, 15.0], [7.0], dt=1.0, delay=1.0, weight=0.5,
                              duration=30.0)
    assert last == same != 0.5
    x = [1.0]
    for _ in range(2):
        x.append(1 - (1 - x[-1] * 0.6) * np.exp(-5 / 30))
    np.testing.assert_allclose(carried, plain * 0.4 * np.array(x), rtol=1e-12)


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.7])
@pytest.mark.parametrize("batch", [1, 3])
def test_visits_are_the_pass_over_all_synapses(rate, batch, x64):
    """Thousands of synapses: several turns of the loop, units that spike on both sides; also the derivative."""
    rng, n, m = np.random.default_rng(8), 40, 30
    sources = np.sort(rng.integers(0, n, 5000)).astype(np.int32)
    targets = rng.integers(0, m, 5000).astype(np.int32)
    index = index_of(sources, n, targets, m)
    p, q = (jnp.asarray(rng.random((batch, size)) < rate, float) for size in (n, m))
    moved, fixed, x, y, shared = (jnp.asarray(rng.random(shape)) for shape in
                                  ((batch, 5000), 5000, (batch, n), (batch, m), batch))
    sides = Sides(moved, fixed, x, y, p, q, shared)
    axes = Sides(0, None, 0, 0, 0, 0, 0)

    def change(w, fixed, x, y, p, q, shared):
        return w + fixed * x * q * (1 - w) - shared * y * p * w

    def total(visit, sides):
        return jax.vmap(lambda s: visit(change, index, s), in_axes=(axes,))(sides)
    found, expected = (jax.jit(total, static_argnums=0)(visit, sides) for visit in (changed, everywhere))
    np.testing.assert_allclose(found, expected, atol=1e-15)
    if batch == 1:
        alone = changed(change, index, jax.tree.map(lambda a: a if a.shape == (5000,) else a[0], sides))
        np.testing.assert_allclose(alone, expected[0], atol=1e-15)
    mine, theirs = (jax.grad(lambda s, visit=visit: jnp.sum(total(visit, s) ** 2))(sides)
                    for visit in (changed, everywhere))
    for one, other in zip(jax.tree.leaves(mine), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize(("name", "listed"), [*((name, True) for name in RULES), ("pair", False), ("dopamine", False)])
def test_derivatives_by_weights_and_rates_are_finite_differences(name, listed, x64):
    (i, j), rng = edges(), np.random.default_rng(9)
    begin = rng.uniform(0.4, 0.6, 13 if listed else (PRE, POST))
    connection = sn.Sparse.from_edges(i, j, begin) if listed else sn.Dense(begin)
    net = network(RULES[name](w_min=-9.0, w_max=9.0), connection, PRE, POST, modulators=modulators(name))
    given = {"pre": trains(30, 2, PRE, 0.2, 1), "teacher": trains(30, 2, POST, 0.2, 2),
             "reward": trains(30, 2, 1, 0.3, 3)}
    rate = "a2_plus" if name == "triplet" else "a_plus"

    def of(net):
        return net["plastic"].connection.weight, getattr(net["plastic"].synapse, rate)

    def loss(values):
        rec = sn.simulate(eqx.tree_at(of, net, values), given, duration=30.0, record={"post": ["heard"]})
        return jnp.sum(rec["post", "heard"] ** 2) + jnp.sum(rec.state.projections["plastic"].plastic.weight ** 3)
    values = of(net)
    slopes = jax.jit(jax.grad(loss))(values)
    loss = jax.jit(loss)
    direction = jnp.asarray(rng.normal(size=values[0].shape))
    for ours, move in ((jnp.vdot(slopes[0], direction), (direction, 0.0)), (slopes[1], (0.0 * direction, 1.0))):
        ends = [float(loss(tuple(v + sign * 1e-6 * jnp.asarray(m) for v, m in zip(values, move, strict=True))))
                for sign in (1, -1)]
        assert float(ours) == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6)
        assert abs(float(ours)) > 1e-3


@every_rule
def test_files_keep_rules(tmp_path, name):
    plastic = sn.Projection("pre", "post", sn.Sparse.from_edges(*edges(), 0.5), delay=1.0, modulators=modulators(name),
                            synapse=RULES[name](**NEST))
    net = sn.Network(dict(pre=sn.Input(PRE), reward=sn.Input(1), post=sn.LIF(POST)), [plastic], key=jax.random.key(0))
    save(net, tmp_path / "net.h5")
    again = load(tmp_path / "net.h5")
    assert jax.tree.structure(again["pre_post"].synapse) == jax.tree.structure(net["pre_post"].synapse)
    given = {"pre": trains(STEPS, 1, PRE, 0.6, 1), "reward": trains(STEPS, 1, 1, 0.3, 3)}
    ends = [sn.simulate(n, given, duration=float(STEPS)).network()["pre_post"].connection.weight for n in (net, again)]
    np.testing.assert_array_equal(*ends)


def projection(rule, connection=None, delay=1.0, **options):
    return network(rule, sn.Dense(0.5) if connection is None else connection, PRE, POST, delay=delay, **options)


@pytest.mark.parametrize(("make", "error", "said"), [
    (lambda: projection(PairSTDP(), sn.Dense(1.5)), ConfigurationError, "weights within 0 and 1"),
    (lambda: projection(PairSTDP(w_max=-1.0)), ConfigurationError, "weights within -1 and 0"),
    (lambda: projection(PairSTDP(w_max=0.0), sn.Dense(0.0)), ConfigurationError, "which differ"),
    (lambda: PairSTDP(tau_plus=0.0), ConfigurationError, "tau_plus"),
    (lambda: PairSTDP(a_minus=-1.0), ConfigurationError, "a_minus"),
    (lambda: PairSTDP(pairing="some"), ConfigurationError, "pairing"),
    (lambda: PairSTDP(timing="late"), ConfigurationError, "timing"),
    (lambda: PairSTDP(post_delay=-1.0), ConfigurationError, "post_delay"),
    (lambda: PairSTDP(carrier=PairSTDP()), ConfigurationError, "does not learn"),
    (lambda: projection(PairSTDP(a_plus=np.ones(4))), ShapeError, "one a source"),
    (lambda: sn.Network(dict(a=sn.Input((1, 4, 4)), b=sn.LIF((1, 2, 2))),
                        [sn.Projection("a", "b", sn.Conv2d(1, 3), synapse=PairSTDP())], key=jax.random.key(0)),
     UnsupportedError, "Conv2d"),
])
def test_refusals(make, error, said):
    with pytest.raises(error, match=said):
        make()


def test_the_bound_of_unbounded_is_a_reference_only():
    projection(PairSTDP(dependence=Unbounded()), sn.Dense(1.5))


@pytest.mark.parametrize(("rule", "delay", "error", "said"), [
    (PairSTDP(weight_sent="after"), 1.0, DelayError, "one step late"),
    (PairSTDP(post_delay=0.3), 1.0, DelayError, "multiple of dt"),
    (PairSTDP(**NEST), 0.0, DelayError, "one step late"),
    (DopamineSTDP(), 1.0, ConfigurationError, "no modulators"),
    (AstrocyticSTDP(), 1.0, ConfigurationError, "one population"),
])
def test_refusals_when_simulated(rule, delay, error, said):
    net = projection(rule, delay=delay)
    with pytest.raises(error, match=said):
        sn.simulate(net, duration=5.0)


def test_modulators_of_a_rule_of_two_factors_are_refused():
    net = projection(PairSTDP(), modulators=["reward"])
    with pytest.raises(ConfigurationError, match="modulators reward"):
        sn.simulate(net, duration=5.0)
