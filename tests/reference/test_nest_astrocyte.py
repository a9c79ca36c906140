"""Li-Rinzel astrocytes against NEST's astrocyte_lr_1994: calcium from a file, and a tripartite synapse live."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import snnsim as sn
from snnsim import neurons
from snnsim.core.state import initial_state

NAMES = ("Ca_tot", "IP3_0", "Kd_IP3_1", "Kd_IP3_2", "Kd_act", "Kd_inh", "Km_SERCA", "SIC_th", "delta_IP3", "k_IP3R",
         "rate_IP3R", "rate_L", "rate_SERCA", "ratio_ER_cyt", "tau_IP3")


def test_calcium_ip3_and_gating_of_nest(data_folder, x64):
    with np.load(data_folder("nest") / "astrocyte_lr_1994.npz") as data:
        p, dt, steps = json.loads(str(data["params"])), 0.1, len(data["t"])
        given = {name: data[name] for name in ("Ca", "IP3", "h", "input_spikes")}
    cell = neurons.AstrocyteLR(1, **{name.lower(): p[name] for name in NAMES}, ca_0=1.0, h_0=1.0)
    net = sn.Network(dict(input=sn.Input(1), astrocyte=cell),
                     [sn.Projection("input", "astrocyte", sn.OneToOne(1.0), delay=dt)], key=jax.random.key(0))
    begin = eqx.tree_at(lambda s: s.populations["astrocyte"].ip3, initial_state(net, 1, dt), jnp.ones((1, 1)))
    spikes = sn.Events.from_times(given["input_spikes"] - dt, [0] * 4, shape=1, resolution=dt)
    rec = sn.simulate(net, {"input": spikes}, duration=round(steps * dt, 6), dt=dt, state=begin,
                      record={"astrocyte": ["ca", "ip3", "h", "output"]})
    found = {name: np.asarray(rec["astrocyte", name])[:, 0, 0] for name in ("ca", "ip3", "h", "output")}
    assert np.ptp(given["Ca"]) > 0.1
    for name, theirs in (("ca", "Ca"), ("ip3", "IP3"), ("h", "h")):
        np.testing.assert_allclose(found[name], given[theirs], atol=1e-8)
    above = 1000 * (given["Ca"] - p["SIC_th"])
    current = np.log(np.maximum(above, 1.0)) * 1e-3
    np.testing.assert_allclose(found["output"], current, atol=1e-10)


def test_calcium_stays_between_nothing_and_all(x64):
    """However strong a flow is given to the port "calcium"."""
    flow = np.zeros((60, 1, 2))
    flow[:30, 0], flow[30:, 0] = [1.0, -1.0], [-1.0, 1.0]
    net = sn.Network(dict(input=sn.Input(2), astrocyte=neurons.AstrocyteLR(2)),
                     [sn.Projection("input", "astrocyte", sn.OneToOne(1.0), port="calcium")], key=jax.random.key(0))
    ca = np.asarray(sn.simulate(net, {"input": flow}, duration=60.0, record={"astrocyte": ["ca"]})["astrocyte", "ca"])
    assert ca[:, 0, 0].max() == 2.0
    assert ca[:, 0, 0].min() == 0.0
    assert (ca[29, 0, 1], ca[59, 0, 1]) == (0.0, 2.0)


TRIPARTITE = dict(dt=0.1, duration=1500.0, weight=2.0, to_astrocyte=300.0, slow=120.0, i_e=0.45)


def tripartite_of_nest():
    """(spikes of the neuron before, first spike behind, traces) of neuron -> astrocyte -> neuron in NEST."""
    nest = pytest.importorskip("nest")
    p = TRIPARTITE
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.resolution = p["dt"]
    pre = nest.Create("iaf_psc_exp", params=dict(I_e=p["i_e"] * 1e3))
    astrocyte = nest.Create("astrocyte_lr_1994")
    post = nest.Create("aeif_cond_alpha_astro", params=dict(tau_syn_ex=2.0, gsl_error_tol=1e-10))
    nest.Connect(pre, post, syn_spec=dict(weight=p["weight"], delay=1.0))
    nest.Connect(pre, astrocyte, syn_spec=dict(weight=p["to_astrocyte"], delay=1.0))
    nest.Connect(astrocyte, post, syn_spec=dict(synapse_model="sic_connection", weight=p["slow"], delay=1.0))
    meters = [nest.Create("multimeter", params=dict(record_from=names, interval=p["dt"]))
              for names in (["Ca_astro"], ["V_m", "I_SIC"])]
    recorder = nest.Create("spike_recorder")
    nest.Connect(meters[0], astrocyte)
    nest.Connect(meters[1], post)
    nest.Connect(pre + post, recorder)
    nest.Simulate(p["duration"] + p["dt"])
    events, traces = recorder.get("events"), {**meters[0].get("events"), **meters[1].get("events")}
    steps = [np.rint(events["times"][events["senders"] == cell.global_id] / p["dt"]).astype(int) - 1
             for cell in (pre, post)]
    return *steps, traces


def test_a_tripartite_synapse(x64):
    """The neuron behind first spikes long after the current of the astrocyte has set in, which is that of NEST."""
    pre, post, traces = tripartite_of_nest()
    p = TRIPARTITE
    before = sn.Refractory(sn.LIFPscExp(1, i_e=p["i_e"], spike_at=">="), t_ref=2.0)
    behind = neurons.AdExCondAlpha(1, tau_exc=2.0, v_reset=-60.0)
    # What NEST receives in a step drives the next one: its delay and a step.
    net = sn.Network(
        dict(before=before, astrocyte=neurons.AstrocyteLR(1), behind=behind),
        [sn.Projection("before", "behind", sn.OneToOne(p["weight"] * 1e-3), delay=1.0, port="exc"),
         sn.Projection("before", "astrocyte", sn.OneToOne(p["to_astrocyte"]), delay=1.0),
         sn.Projection("astrocyte", "behind", sn.OneToOne(p["slow"]), delay=1.1, port="current")],
        key=jax.random.key(0))
    rec = sn.simulate(net, duration=p["duration"], dt=p["dt"], record={
        "before": ["spikes"], "astrocyte": ["ca", "output"], "behind": ["spikes", "v"]})
    ca, sic, v = (np.asarray(rec[name])[:, 0, 0] for name in (("astrocyte", "ca"), ("astrocyte", "output"),
                                                               ("behind", "v")))
    np.testing.assert_array_equal(np.flatnonzero(rec["before", "spikes"]), pre[pre < len(v)])
    np.testing.assert_allclose(ca, traces["Ca_astro"][:len(ca)], atol=1e-8)
    np.testing.assert_allclose(p["slow"] * sic[:-10] * 1e3, traces["I_SIC"][10:len(sic)], atol=1e-7)
    mine = np.flatnonzero(rec["behind", "spikes"])
    assert len(pre) > 30
    assert mine[0] > np.flatnonzero(sic)[0] + 100
    assert abs(mine[0] - post[0]) <= 1
    until = min(mine[0], post[0]) - 5
    np.testing.assert_allclose(v[:until], traces["V_m"][:until], atol=2e-5)
