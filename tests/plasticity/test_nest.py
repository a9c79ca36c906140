"""Rules against NEST's synapses: weights that every presynaptic spike carries, in double precision.

NEST's delay is dendritic. Trains are long (1 s in steps of 0.1 ms), and spikes also meet at the synapse.
"""

import json

import numpy as np
import pytest
from parrots import one_synapse

from snnsim.plasticity import NEST, DopamineSTDP, PairSTDP, Power, TripletSTDP, Unbounded
from snnsim.synapses import TsodyksMarkram

DT, DELAY, DURATION = 0.1, 1.5, 1000.0
pytestmark = pytest.mark.usefixtures("x64")


def test_weights_of_the_reference_file(data_folder):
    with np.load(data_folder("nest") / "stdp_pair.npz") as data:
        pre, post, weights, p = data["pre"], data["post"], data["w"], json.loads(str(data["params"]))
    rule = PairSTDP(p["lambda"], p["alpha"] * p["lambda"], tau_plus=p["tau_plus"], tau_minus=p["tau_minus"],
                    w_max=p["Wmax"], dependence=Power(p["mu_plus"], p["mu_minus"]), **NEST)
    found, _ = one_synapse(rule, pre, post, dt=DT, delay=p["delay"], weight=p["weight"], duration=DURATION)
    assert len(weights) == 60
    assert np.ptp(weights) > 2.0
    assert np.abs(found - weights).max() <= 1e-12


@pytest.fixture(scope="module")
def spikes():
    """(pre, post, dopamine) in ms; some postsynaptic spikes reach the synapse together with a presynaptic one."""
    rng = np.random.default_rng(3)
    pre, post, dopamine = (np.round(np.sort(rng.choice(np.arange(20, 9700), n, replace=False)) * DT + 1.0, 1)
                           for n in (200, 200, 40))
    met = np.unique(np.round(np.r_[post, pre[5::5] - DELAY], 1))
    return pre, met[met > pre[0]], dopamine


def of_nest(model, spikes, weight, *, synapse=None, common=None, post=None, dopamine=False):
    """Weights carried by the spikes of the first of two parrots."""
    nest = pytest.importorskip("nest")
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.resolution = DT
    generators = nest.Create("spike_generator", 3, params=[
        dict(spike_times=np.round(times - 1.0, 1)) for times in spikes])
    parrots = nest.Create("parrot_neuron", 3)
    nest.Connect(generators, parrots, "one_to_one", dict(delay=1.0))
    parrots[1].set(post or {})
    recorder = nest.Create("weight_recorder")
    options = {"weight_recorder": recorder, **(common or {})}
    if dopamine:
        options["volume_transmitter"] = nest.Create("volume_transmitter")
        nest.Connect(parrots[2], options["volume_transmitter"], syn_spec=dict(delay=DT))
    nest.CopyModel(model, f"recorded_{model}", options)
    nest.Connect(parrots[0], parrots[1], syn_spec=dict(
        synapse_model=f"recorded_{model}", weight=weight, delay=DELAY, receptor_type=1, **(synapse or {})))
    nest.Simulate(DURATION)
    return np.asarray(recorder.get("events")["weights"])


def compare(theirs, rule, spikes, weight, atol, **options):
    found, _ = one_synapse(rule, *spikes[:2], dt=DT, delay=DELAY, weight=weight, duration=DURATION, **options)
    assert len(theirs) == 200
    assert np.ptp(theirs) > 5.0
    np.testing.assert_allclose(found, theirs, atol=atol)


PAIR = {"tau_plus": 15.0, "lambda": 0.05, "alpha": 1.1, "mu_plus": 0.4, "mu_minus": 0.7, "Wmax": 100.0}


@pytest.mark.parametrize(("model", "pairing"), [
    ("stdp_synapse", "all"), ("stdp_nn_symm_synapse", "nearest"),
    ("stdp_nn_pre_centered_synapse", "nearest_presynaptic"), ("stdp_nn_restr_synapse", "nearest_reduced")])
def test_pairings(spikes, model, pairing):
    pre, post, dopamine = spikes
    if pairing == "nearest_reduced":  # NEST counts an older pair again where spikes meet
        post = np.array([time for time in post if np.abs(time + DELAY - pre).min() > DT / 2])
    rule = PairSTDP(0.05, 0.055, tau_plus=15.0, w_max=100.0, dependence=Power(0.4, 0.7), pairing=pairing, **NEST)
    theirs = of_nest(model, (pre, post, dopamine), 50.0, synapse=PAIR)
    compare(theirs, rule, (pre, post), 50.0, 1e-11)


@pytest.mark.parametrize("w_max", [100.0, -100.0])
def test_additive_changes_and_inhibitory_weights(spikes, w_max):
    rule = PairSTDP(0.05, 0.055, tau_plus=15.0, w_max=w_max, **NEST)
    additive = {**PAIR, "mu_plus": 0.0, "mu_minus": 0.0, "Wmax": w_max}
    theirs = of_nest("stdp_synapse", spikes, w_max / 2, synapse=additive)
    compare(theirs, rule, spikes, w_max / 2, 1e-11)


def test_power_law_without_upper_bound(spikes):
    rate, mu = 0.1, 0.4
    rule = PairSTDP(rate / 100.0 ** (1 - mu), rate * 0.1, tau_plus=15.0, w_max=100.0, dependence=Unbounded(mu), **NEST)
    theirs = of_nest("stdp_pl_synapse_hom", spikes, 50.0,
                     common={"lambda": rate, "alpha": 0.1, "mu": mu, "tau_plus": 15.0})
    compare(theirs, rule, spikes, 50.0, 1e-11)


def test_triplets(spikes):
    rule = TripletSTDP(0.005, 0.003, 0.004, 0.002, tau_y=125.0, w_max=100.0, **NEST)
    theirs = of_nest("stdp_triplet_synapse", spikes, 50.0, post=dict(tau_minus=33.7, tau_minus_triplet=125.0),
                     synapse=dict(Aplus=0.5, Aplus_triplet=0.3, Aminus=0.4, Aminus_triplet=0.2, Wmax=100.0,
                                  tau_plus=16.8, tau_plus_triplet=101.0))
    compare(theirs, rule, spikes, 50.0, 1e-10)


def test_dopamine(spikes):
    """The modulator has the delay of the synapse: pairs are treated when the spike arrives at the target."""
    rule = DopamineSTDP(1.0 / 200, 1.5 / 200, tau_plus=15.0, tau_c=100.0, tau_n=50.0, baseline=0.01, w_max=200.0,
                        **NEST)
    theirs = of_nest("stdp_dopamine_synapse", spikes, 50.0, dopamine=True, common=dict(
        A_plus=1.0, A_minus=1.5, tau_plus=15.0, tau_c=100.0, tau_n=50.0, b=0.01, Wmin=0.0, Wmax=200.0))
    compare(theirs, rule, spikes, 50.0, 1e-11, reward=np.round(spikes[2] + DELAY, 1), modulators=["reward"])


@pytest.mark.parametrize(("utilisation", "tau_rec", "tau_fac"), [(0.5, 800.0, 0.0), (0.05, 100.0, 1000.0)])
@pytest.mark.parametrize("model", ["tsodyks2_synapse", "tsodyks_synapse"])
def test_short_term_plasticity(spikes, model, utilisation, tau_rec, tau_fac):
    given = dict(U=utilisation, tau_rec=tau_rec, tau_fac=tau_fac)
    if model == "tsodyks2_synapse":
        synapse, extra = TsodyksMarkram(utilisation, tau_rec, tau_fac), dict(u=utilisation, x=1.0)
    else:
        synapse = TsodyksMarkram(utilisation, tau_rec, tau_fac, 3.0, recovery="inactive")
        extra = dict(tau_psc=3.0, u=0.0, x=1.0, y=0.0)
    theirs = of_nest(model, spikes, 100.0, synapse={**given, **extra})
    compare(theirs, synapse, spikes, 100.0, 1e-10)
