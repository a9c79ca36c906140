"""Running models: what a summary holds, what is kept, drawn beginnings, comparison with published values."""

import json

import jax
import numpy as np
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError, OutputExistsError
from snnsim.io import read_sonata_spikes
from snnsim.models.cortex import compare, of_microcircuit, started
from snnsim.models.cortex.catalogue import brunel_model, coba_model, cuba_model, microcircuit_model
from snnsim.models.cortex.run import _chunk, run
from snnsim.synapses import Normal, Uniform


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A run of CUBA with 400 neurons whose results are kept."""
    folder = tmp_path_factory.mktemp("cuba") / "run"
    return folder, run(cuba_model(400), duration=200.0, seed=3, out=folder)


def test_summary_counts_what_was_built_and_what_fired(kept):
    folder, summary = kept
    assert summary["neurons"] == 400
    assert summary["synapses"] == pytest.approx(400 * 80, rel=0.02)
    assert summary["path"].startswith("flat")
    spikes = read_sonata_spikes(folder / "spikes.h5")
    assert set(spikes) == {"excitatory", "inhibitory"}
    for name, events in spikes.items():
        late = events.crop(100.0, 200.0)
        found = summary["populations"][name]
        assert found["spikes"] == late.n_events > 0
        assert found["units"] == events.n_units
        assert found["rate_mean"] == pytest.approx(late.n_events / events.n_units / 0.1)
        assert summary["rates_hz"][name] == found["rate_mean"]
    assert 0 < summary["real_time_factor"] * 0.2 <= summary["wall_s"] * 1.001


def test_files_of_a_run(kept):
    folder, summary = kept
    assert {"spikes.h5", "raster.png", "rates.png", "summary.json"} <= {path.name for path in folder.iterdir()}
    assert json.loads((folder / "summary.json").read_text()) == json.loads(json.dumps(summary))
    for picture in ("raster.png", "rates.png"):
        assert (folder / picture).read_bytes()[:4] == b"\x89PNG"


def test_earlier_results_stay(kept):
    folder, _ = kept
    with pytest.raises(OutputExistsError, match="run"):
        run(cuba_model(400), duration=200.0, out=folder)


def test_the_same_seed_gives_the_same_run(kept):
    _, summary = kept
    again = run(cuba_model(400), duration=200.0, seed=3)
    other = run(cuba_model(400), duration=200.0, seed=4)
    assert again["populations"] == summary["populations"]
    assert other["populations"] != summary["populations"]


def test_summary_is_json_without_nan():
    """A run too short for intervals or correlations says so by null."""
    summary = run(coba_model(400), duration=2.0, transient=0.0)
    assert "NaN" not in json.dumps(summary, allow_nan=False)
    assert summary["populations"]["inhibitory"]["correlation_mean"] is None


def test_published_rates_stand_beside_ours():
    summary = run(microcircuit_model(0.01, 0.1), duration=20.0)
    assert summary["in_degree_scale"] == 0.1
    rates = summary["published"]["rates"]
    assert set(rates) == set(summary["rates_hz"])
    assert rates["L4E"]["published"] == 4.414
    assert rates["L4E"]["ours"] == summary["rates_hz"]["L4E"]
    assert "PD14" in summary["published"]["source"]


def test_comparison_leaves_out_what_is_not_known():
    found = compare({"L23E": 1.806, "other": 3.0}, of_microcircuit())
    assert found == {"L23E": {"ours": 1.806, "published": 0.903, "ratio": 2.0}}


def test_brunel_is_compared_with_theory():
    model = brunel_model(500, 5.0, 2.0, 0.2, "delta")
    assert model.published.rates["excitatory"] == model.published.rates["inhibitory"] > 1
    assert "Brunel 2000" in model.published.citation
    with pytest.raises(ConfigurationError, match="multiple of 50"):
        brunel_model(510, 5.0, 2.0, 0.1, "delta")


@pytest.mark.parametrize("steps", [1, 2, 7, 999, 1000, 1001, 5000, 12345, 2027])
def test_chunks_divide_the_run(steps):
    chunk = _chunk(steps)
    assert steps % chunk == 0
    assert chunk <= 1000
    assert steps == 1 or steps // chunk >= 2


@pytest.mark.parametrize(("options", "word"), [({"duration": 10.05}, "multiple"), ({"duration": 0.0}, "positive"),
                                               ({"duration": 5.0, "transient": 5.0}, "transient")])
def test_times_that_do_not_fit(options, word):
    with pytest.raises(ConfigurationError, match=word):
        run(cuba_model(100), **options)


def test_variables_begin_as_drawn():
    net = sn.Network(dict(a=sn.Refractory(sn.LIFPscExp(500)), b=sn.LIF(4)), [], key=jax.random.key(0))
    state = started(net, {"a": {"v": Normal(-65.0, 2.0), "i_exc": Uniform(low=0.1, high=0.2)}},
                    key=jax.random.key(1), dt=0.1, batch=3)
    cells = state.populations["a"].neuron
    assert cells.v.shape == (3, 500)
    assert float(cells.v.mean()) == pytest.approx(-65.0, abs=0.3)
    assert 0.1 <= float(cells.i_exc.min()) < float(cells.i_exc.max()) < 0.2
    assert not cells.i_inh.any()
    assert not state.populations["b"].v.any()
    assert not np.array_equal(cells.v[0], cells.v[1])
    rec = sn.simulate(net, duration=0.1, dt=0.1, state=state, record={"a": ["v"]})
    assert np.abs(np.asarray(rec["a", "v"])[0] - np.asarray(cells.v)).max() < 1.0


@pytest.mark.parametrize(("drawn", "word"), [({"c": {}}, "'c'"), ({"a": {"u": Normal()}}, "'u'")])
def test_unknown_names_cannot_be_drawn(drawn, word):
    net = sn.Network(dict(a=sn.LIF(4)), [], key=jax.random.key(0))
    with pytest.raises(ConfigurationError, match=word):
        started(net, drawn, key=jax.random.key(1), dt=0.1)
