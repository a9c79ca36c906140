"""Pictures of statistics show the numbers of `snnsim.statistics`."""

import numpy as np
import pytest

import snnsim as sn
from snnsim import plotting
from snnsim import statistics as st
from snnsim.core.errors import ConfigurationError


def poisson(units, rate, duration, seed):
    rng = np.random.default_rng(seed)
    n = rng.poisson(units * rate * duration * 1e-3)
    return sn.Events.from_times(rng.uniform(0, duration, n), rng.integers(0, units, n), shape=units, sort=True)


@pytest.fixture(scope="module")
def populations():
    return dict(exc=poisson(40, 20.0, 2000.0, 0), inh=poisson(20, 40.0, 2000.0, 1))


def area(patch):
    data = patch.get_data()
    return (data.values * np.diff(data.edges)).sum()


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_distributions_and_their_reference(populations):
    reference = dict(exc=poisson(40, 22.0, 2000.0, 2))
    figure = plotting.spike_statistics(populations, reference=reference, reference_name="NEST", stop=2000.0)
    assert len(figure.axes) == 6
    summary = {name: st.summary(part, stop=2000.0)["events"] for name, part in populations.items()}
    for row, name in enumerate(populations):
        for axes, mean in zip(figure.axes[3 * row:3 * row + 3], (
                summary[name].rate_mean, summary[name].cv_mean, summary[name].correlation_mean), strict=True):
            assert len(axes.patches) == (2 if name == "exc" else 1)
            np.testing.assert_allclose([area(patch) for patch in axes.patches], 1.0)
            assert legend(axes)[0] == f"mean {mean:.3g}"
    assert legend(figure.axes[0])[1] == f"NEST {st.rates(reference['exc'], stop=2000.0).mean():.3g}"
    edges = figure.axes[0].patches[0].get_data().edges
    np.testing.assert_allclose(np.diff(edges) / 0.5 % 1, 0, atol=1e-9)  # whole spikes over 2 s
    np.testing.assert_array_equal(edges, figure.axes[0].patches[1].get_data().edges)


def test_populations_and_windows(populations):
    figure = plotting.spike_statistics(populations, ["inh"], start=500.0, stop=1500.0, title="late")
    assert len(figure.axes) == 3
    assert figure.axes[0].get_ylabel() == "inh\ndensity"
    assert figure.axes[0].get_title(loc="left") == "late"
    expected = st.rates(populations["inh"], start=500.0, stop=1500.0).mean()
    assert legend(figure.axes[0]) == [f"mean {expected:.3g}"]


def test_what_is_not_defined_is_said():
    figure = plotting.spike_statistics(dict(a=sn.Events.from_times([1.0], [0], shape=2)), stop=100.0,
                                       reference=dict(a=sn.Events.from_times([], [], shape=2)))
    assert legend(figure.axes[1]) == ["not defined", "reference not defined"]
    same = plotting.spike_statistics(sn.Events.from_times([1.0, 2.0], [0, 1], shape=2), stop=100.0)
    np.testing.assert_allclose(area(same.axes[0].patches[0]), 1.0)


def test_psth_shows_trials_and_their_rate():
    trials = [[10.0, 52.0], [55.0], []]
    figure = plotting.psth(trials, bin_size=10.0, sigma=5.0, stop=100.0, stimulus=(50.0, 60.0))
    above, below = figure.axes
    assert above.lines[0].get_ydata().tolist() == [1, 1, 2]
    np.testing.assert_allclose(below.patches[0].get_data().values, st.psth(trials, bin_size=10.0, stop=100.0))
    assert legend(below) == ["bins of 10 ms", "Gaussian, 5 ms", "stimulus"]
    x, y = below.lines[0].get_data()
    assert abs(x[np.argmax(y)] - 53.5) < 2
    assert above.get_title(loc="left") == "3 trials, 3 spikes"


def test_psth_of_one_unit_and_of_all():
    parts = [poisson(5, 50.0, 100.0, seed) for seed in range(4)]
    events = sn.Events.concatenate(parts)
    expected = st.psth(events, bin_size=20.0, stop=100.0)
    for unit in (None, 3):
        above, below = plotting.psth(events, bin_size=20.0, unit=unit, sigma=4.0, stop=100.0).axes
        chosen = expected.mean(1) if unit is None else expected[:, unit]
        np.testing.assert_allclose(below.patches[0].get_data().values, chosen)
        spikes = events.n_events if unit is None else int((events.indices == unit).sum())
        assert len(above.lines[0].get_xdata()) == spikes
        np.testing.assert_allclose(below.lines[0].get_ydata().mean(), chosen.mean(), rtol=0.2)
    assert plotting.psth([1.0, 3.0], bin_size=5.0, stop=10.0).axes[0].get_title(loc="left") == "1 trial, 2 spikes"


def test_avalanches_and_their_laws():
    sizes = st.sample_power_law(5000, exponent=1.8, maximum=1000, rng=0)
    found = st.Avalanches(sizes, np.maximum(np.sqrt(sizes).astype(np.int64), 1), 0)
    fit = st.crackling_noise(found, size=(1, 1000), duration=(1, 31))
    size, duration, both = plotting.avalanches(found, fit, bin_size=2.0).axes
    y = size.lines[0].get_ydata()
    np.testing.assert_allclose(y[0], (sizes == 1).mean())
    assert f"{fit.size.exponent:.2f}" in legend(size)[0]
    line = size.lines[1]
    np.testing.assert_allclose(line.get_ydata(), fit.size.density(line.get_xdata()))
    assert duration.lines[0].get_xdata()[0] == 2.0  # one bin of 2 ms
    np.testing.assert_allclose(duration.lines[0].get_ydata()[0] * 2.0, (found.durations == 1).mean())
    slope = np.diff(np.log(both.lines[0].get_ydata())) / np.diff(np.log(both.lines[0].get_xdata()))
    np.testing.assert_allclose(slope, fit.fitted)
    assert all(axes.get_xscale() == axes.get_yscale() == "log" for axes in (size, duration, both))
    without = plotting.avalanches(found)
    assert all(axes.get_legend() is None for axes in without.axes)
    assert without.axes[0].get_title(loc="left") == "5,000 avalanches"


def test_avalanches_of_one_size():
    figure = plotting.avalanches(st.avalanches([0, 1, 0, 1, 0]))
    assert figure.axes[0].lines[0].get_data()[1].tolist() == [1.0]


@pytest.mark.parametrize("wrong", [
    lambda p: plotting.spike_statistics(p), lambda p: plotting.spike_statistics(p, ["nobody"], stop=9.0),
    lambda p: plotting.spike_statistics({}, stop=9.0),
    lambda p: plotting.spike_statistics(p, stop=100.0, reference=dict(other=p["exc"])),
    lambda p: plotting.psth(p["exc"], bin_size=5.0), lambda p: plotting.psth(p["exc"], bin_size=0.0, stop=9.0),
    lambda p: plotting.psth(p["exc"], bin_size=5.0, stop=9.0, unit=40),
    lambda p: plotting.avalanches(st.avalanches([0, 0]))])
def test_refusals(populations, wrong):
    with pytest.raises(ConfigurationError):
        wrong(populations)
