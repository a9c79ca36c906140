"""Short-term plasticity: steady states in closed form, any step, state of each source or synapse, derivatives."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError, ShapeError
from snnsim.synapses import TsodyksMarkram


def arrivals(synapse, spikes, connection=None, dt=1.0, delay=None, chunk=None):
    """What arrives at the targets, ``[steps, batch, post]``: the steps of an integrator without leak."""
    n = spikes.shape[2]
    connection = sn.Dense(np.ones((n, 1))) if connection is None else connection
    post = 1 if not isinstance(connection, sn.OneToOne) else n
    net = sn.Network(dict(input=sn.Input(n), out=sn.IF(post, v_th=1e9)),
                     dict(p=sn.Projection("input", "out", connection, synapse=synapse, delay=delay)),
                     key=jax.random.key(0))
    rec = sn.simulate(net, {"input": spikes}, duration=round(len(spikes) * dt, 9), dt=dt, chunk=chunk,
                      record={"out": ["v"]})
    return np.diff(np.asarray(rec["out", "v"]), axis=0, prepend=0.0), rec


def periodic(period, n, dt=1.0, units=1):
    spikes = np.zeros((round(period * n / dt), 1, units))
    spikes[::round(period / dt)] = 1.0
    return spikes


@pytest.mark.parametrize("dt", [0.5, 1.0, 10.0])
@pytest.mark.parametrize(("utilisation", "tau_rec", "tau_fac"), [(0.5, 300.0, 0.0), (0.1, 100.0, 500.0)])
def test_steady_state_in_closed_form(dt, utilisation, tau_rec, tau_fac, x64):
    """Periodic spikes: u and x at the spike from their recursion; the same whatever the step."""
    period = 20.0
    got, _ = arrivals(TsodyksMarkram(utilisation, tau_rec, tau_fac), periodic(period, 200, dt), dt=dt)
    kept = np.exp(-period / tau_fac) if tau_fac else 0.0
    u = utilisation / (1 - (1 - utilisation) * kept)
    x = (1 - np.exp(-period / tau_rec)) / (1 - (1 - u) * np.exp(-period / tau_rec))
    released = got[::round(period / dt), 0, 0]
    assert released[0] == pytest.approx(utilisation, rel=1e-9)
    assert released[-1] == pytest.approx(u * x, rel=1e-9)


def test_facilitation_and_depression_go_opposite_ways(x64):
    spikes = periodic(10.0, 5)
    facilitating, depressing = (arrivals(TsodyksMarkram(*values), spikes)[0][::10, 0, 0] for values in
                                ((0.05, 20.0, 500.0), (0.6, 300.0, 0.0)))
    assert (np.diff(facilitating) > 0).all()
    assert (np.diff(depressing) < 0).all()


@pytest.mark.parametrize("recovery", ["direct", "inactive"])
def test_resources_are_conserved_and_recover(recovery, x64):
    """Shares stay between 0 and 1, and a long pause brings everything back."""
    spikes = np.zeros((4000, 1, 1))
    spikes[:40:2] = 1.0
    for tau_psc in (3.0, 100.0, 100.0 + 1e-9):  # equal time constants are no special case
        got, rec = arrivals(TsodyksMarkram(0.4, 100.0, 50.0, tau_psc, recovery=recovery), spikes)
        x, y, u = (float(leaf[0, 0]) for leaf in rec.state.projections["p"].synapse)
        assert (x, y, u) == pytest.approx((1.0, 0.0, 0.0), abs=1e-12)
        assert (got >= 0).all()
        assert got.sum() < 1.5 + 40 / 100  # what was there, and what came back meanwhile


def test_recovery_is_slower_through_the_inactive_state(x64):
    spikes = periodic(10.0, 8)
    direct, inactive = (arrivals(TsodyksMarkram(0.5, 100.0, tau_psc=30.0, recovery=recovery), spikes)[0][10, 0, 0]
                        for recovery in ("direct", "inactive"))
    assert inactive < direct


def test_one_state_a_source_is_that_of_its_synapses(x64):
    """A delay or a parameter for each synapse gives each a state of its own; equal ones give the same arrivals."""
    rng = np.random.default_rng(0)
    spikes, weight = (rng.random((80, 2, 4)) < 0.2).astype(float), rng.normal(size=(4, 1))
    by_source, rec = arrivals(TsodyksMarkram(0.3, 50.0, 30.0), spikes, sn.Dense(weight), delay=2.0)
    assert rec.state.projections["p"].synapse.x.shape == (2, 4)
    for synapse, delay in ((TsodyksMarkram(0.3, 50.0, 30.0), sn.Delay(np.full((4, 1), 2.0))),
                           (TsodyksMarkram(np.full((4, 1), 0.3), np.full(4, 50.0), 30.0), 2.0)):
        each, rec = arrivals(synapse, spikes, sn.Dense(weight), delay=delay)
        np.testing.assert_allclose(each, by_source, atol=1e-12)
        assert rec.state.projections["p"].synapse.x.shape == (2, 4, 1)
    listed, _ = arrivals(TsodyksMarkram(0.3, 50.0, 30.0), spikes, delay=2.0,
                         connection=sn.Sparse.from_edges(np.arange(4), np.zeros(4, int), weight[:, 0]))
    np.testing.assert_allclose(listed, by_source, atol=1e-12)


def test_parameters_of_each_source(x64):
    spikes = np.repeat(periodic(10.0, 6), 3, 2)
    u = np.array([0.1, 0.4, 0.8])
    together, _ = arrivals(TsodyksMarkram(u, 80.0), spikes, sn.OneToOne(np.ones(3)))
    for k in range(3):
        alone, _ = arrivals(TsodyksMarkram(u[k], 80.0), spikes[:, :, k:k + 1])
        np.testing.assert_allclose(together[:, 0, k], alone[:, 0, 0], atol=1e-13)


def test_chunks_are_not_seen(x64):
    spikes = periodic(7.0, 10)
    (whole, _), (cut, _) = (arrivals(TsodyksMarkram(0.3, 40.0, 60.0), spikes, chunk=chunk) for chunk in (None, 11))
    np.testing.assert_allclose(whole, cut, atol=1e-14)


@pytest.mark.parametrize("name", ["utilisation", "tau_rec", "tau_fac"])
def test_derivatives_are_finite_differences(name, x64):
    net = sn.Network(dict(input=sn.Input(1), out=sn.LI(1)), dict(p=sn.Projection(
        "input", "out", sn.Dense(1.0), synapse=TsodyksMarkram(0.2, 50.0, 80.0))), key=jax.random.key(0))

    def of(net):
        return getattr(net["p"].synapse, name)

    def loss(value):
        rec = sn.simulate(eqx.tree_at(of, net, value), {"input": periodic(10.0, 8)}, duration=80.0)
        return jnp.sum(rec["out", "output"] ** 2)
    value, step = of(net), 1e-6 * float(of(net))
    slope = (loss(value + step) - loss(value - step)) / (2 * step)
    assert float(jax.grad(loss)(value)) == pytest.approx(float(slope), rel=1e-5)
    assert abs(float(slope)) > 1e-6


def test_no_facilitation_has_finite_derivatives():
    slope = jax.grad(lambda tau: TsodyksMarkram(0.2, 50.0, tau)._rested(
        TsodyksMarkram().initial_state(sn.Dense(), (1,), (1,)), 1.0).u.sum())(jnp.array(0.0))
    assert np.isfinite(float(slope))


@pytest.mark.parametrize(("make", "error", "said"), [
    (lambda: TsodyksMarkram(1.5), ConfigurationError, "utilisation"),
    (lambda: TsodyksMarkram(tau_rec=0.0), ConfigurationError, "tau_rec"),
    (lambda: TsodyksMarkram(tau_fac=-1.0), ConfigurationError, "tau_fac"),
    (lambda: TsodyksMarkram(recovery="fast"), ConfigurationError, "recovery"),
    (lambda: arrivals(TsodyksMarkram(np.ones(3) * 0.5), periodic(5.0, 2, units=2)), ShapeError, "one a source"),
])
def test_refusals(make, error, said):
    with pytest.raises(error, match=said):
        make()
