"""Pictures show what they were given: points, labels, limits. What they look like is looked at, not tested."""

import jax
import matplotlib
import numpy as np
import pytest

import snnsim as sn
from snnsim import plotting
from snnsim.core.errors import ConfigurationError, OutputExistsError, ShapeError, UnsupportedError


@pytest.fixture(scope="module")
def recording():
    """Two samples of a small network with a refractory population and a readout."""
    rng = np.random.default_rng(0)
    parts = [sn.Events.from_times(rng.uniform(0, 50, 120), rng.integers(0, 6, 120), shape=6, sort=True)
             for _ in range(2)]
    net = sn.Network(
        dict(zebra=sn.Input(6), cells=sn.Refractory(sn.LIFPscExp(4, reset_mechanism="zero"), t_ref=2.0),
             readout=sn.LI(2)),
        [sn.Projection("zebra", "cells", sn.Dense(weight=0.4), port="exc"),
         sn.Projection("cells", "cells", sn.Sparse(sn.FixedProbability(0.5), weight=-0.1),
                       delay=sn.Delay(2.0), port="inh"),
         sn.Projection("cells", "readout", sn.Dense(), delay=1.0)], key=jax.random.key(0))
    record = {"cells": ["spikes", "v", "i_exc"], "zebra": ["spikes"], "readout": ["v"]}
    return sn.simulate(net, {"zebra": sn.Events.concatenate(parts)}, duration=50.0, record=record)


def points(axes):
    return sum(len(line.get_xdata()) for line in axes.lines)


def test_raster_shows_every_spike_of_the_sample(recording):
    figure = plotting.raster(recording, sample=1)
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == ["zebra\nunit", "cells\nunit"]  # the network's order
    for axes, name in zip(figure.axes[::2], ["zebra", "cells"], strict=True):
        assert points(axes) == recording.events(name)[1].n_events > 0
    assert figure.axes[-2].get_xlabel() == "time (ms)"


def test_raster_window_and_rates():
    events = sn.Events.from_times([1.0, 5.0, 9.0], [0, 1, 1], shape=2)
    left, right = plotting.raster(events, start=4.0, stop=10.0).axes
    assert points(left) == 2
    values = right.patches[0].get_data().values
    np.testing.assert_allclose(values, [0.0, 2 / 6e-3])


def test_raster_of_many_units_groups_the_bars():
    events = sn.Events.from_times(np.arange(1000) * 0.01, np.arange(1000), shape=1000)
    _, right = plotting.raster(events).axes
    values = right.patches[0].get_data().values
    assert len(values) == 80
    np.testing.assert_allclose(values, 1 / 10e-3, rtol=1e-3)


@pytest.mark.parametrize("wrong", [dict(populations=["nobody"]), dict(populations=["readout"]), dict(sample=2),
                                   dict(start=60.0)])
def test_raster_refuses(recording, wrong):
    with pytest.raises(ConfigurationError):
        plotting.raster(recording, **wrong)


def test_traces_show_values_spikes_and_threshold(recording):
    figure = plotting.traces(recording, "cells", units=(0, 2, 99))
    membrane, current = figure.axes  # membranes first
    assert [axes.get_ylabel() for axes in figure.axes] == ["v (mV)", "i_exc (nA)"]
    np.testing.assert_allclose(membrane.lines[1].get_ydata(), np.asarray(recording["cells", "v"])[:, 0, 2])
    assert membrane.lines[2].get_label() == "threshold"
    assert set(membrane.lines[2].get_ydata()) == {-55.0}
    assert len(current.lines) == 2
    spikes = np.asarray(recording["cells", "spikes"])[:, 0, [0, 2]]
    assert [len(strokes.get_segments()) for strokes in membrane.collections] == spikes.sum(0).tolist()


def test_traces_of_a_readout_have_no_threshold(recording):
    (axes,) = plotting.traces(recording, "readout", stop=20.0).axes
    assert len(axes.lines) == 2
    assert len(axes.lines[0].get_xdata()) == 20


@pytest.mark.parametrize("wrong", [dict(units=(7,)), dict(sample=5), dict(variables=["i_inh"]), dict(start=90.0)])
def test_traces_refuse(recording, wrong):
    with pytest.raises(ConfigurationError):
        plotting.traces(recording, "cells", **wrong)


def test_weight_matrix_of_dense_and_sparse(recording):
    net = recording.simulated
    shown = plotting.weight_matrix(net, "zebra_cells").axes[0].images[0]
    np.testing.assert_allclose(shown.get_array(), np.full((6, 4), 0.4), rtol=1e-6)
    assert shown.norm.vmin == -shown.norm.vmax
    sparse = net["cells_cells"].connection
    shown = plotting.weight_matrix(net, "cells_cells").axes[0].images[0].get_array()
    assert np.count_nonzero(shown) == sparse.n_synapses
    assert set(zip(*np.nonzero(shown), strict=True)) == set(zip(np.asarray(sparse.sources).tolist(),
                                                              np.asarray(sparse.targets).tolist(), strict=True))


def test_large_matrices_are_shown_in_blocks():
    net = sn.Network(dict(a=sn.Input(1000), b=sn.LIF(800)), [sn.Projection("a", "b", sn.Dense(weight=0.5))],
                     key=jax.random.key(0))
    figure = plotting.weight_matrix(net, "a_b")
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), np.full((400, 400), 0.5), rtol=0.25)
    assert figure.axes[1].get_ylabel() == "mean weight of a block"


def test_kernels_and_histograms(recording):
    net = sn.Network(dict(image=sn.Input((2, 8, 8)), maps=sn.LIF((5, 6, 6))),
                     [sn.Projection("image", "maps", sn.Conv2d(3))], key=jax.random.key(0))
    figure = plotting.kernels(net, "image_maps", channel=1)
    shown = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    np.testing.assert_array_equal(np.array(shown)[:5], net["image_maps"].connection.weight[:, 1])
    counts = plotting.parameter_histogram(net, "image_maps.connection.weight").axes[0].patches[0].get_data().values
    assert counts.sum() == 5 * 2 * 9
    axes = plotting.parameter_histogram(recording.simulated, "cells_cells.delay.value").axes[0]
    assert axes.get_xlabel() == "delay (ms)"


def test_weights_refuse_what_is_not_there(recording):
    with pytest.raises(UnsupportedError):
        plotting.kernels(recording.simulated, "zebra_cells")
    for draw in (plotting.kernels, plotting.parameter_histogram):
        with pytest.raises(ConfigurationError):
            draw(recording.simulated, "nothing")


def test_training_curves_leave_gaps_and_mark_the_best():
    log = [dict(epoch=k, train_loss=1.0 / k, train_accuracy=0.5 + 0.1 * k, validation_accuracy=accuracy)
           for k, accuracy in ((1, None), (2, 0.8), (3, 0.7))]
    loss, accuracy = plotting.training_curves(log).axes
    np.testing.assert_allclose(loss.lines[0].get_ydata(), [1.0, 0.5, 1 / 3])
    np.testing.assert_allclose(accuracy.lines[1].get_ydata(), [np.nan, 80.0, 70.0])
    assert [text.get_text() for text in accuracy.texts] == ["80.0 %"]
    with pytest.raises(ConfigurationError):
        plotting.training_curves([dict(epoch=1)])


def test_confusion_writes_the_counts():
    counts = np.array([[8, 2], [0, 0]])
    axes = plotting.confusion(counts, ["yes", "no"]).axes[0]
    assert [text.get_text() for text in axes.texts] == ["8", "2"]
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.8, 0.2], [0.0, 0.0]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["yes", "no"]
    with pytest.raises(ShapeError):
        plotting.confusion(counts, ["yes"])


def test_diagram_names_everything_once(recording):
    axes = plotting.network_diagram(recording.simulated).axes[0]
    texts = [text.get_text() for text in axes.texts]
    assert all(texts.count(name) == 1 for name in ("zebra", "cells", "readout"))
    assert "LIFPscExp* 4" in texts
    assert "Dense 8\n1 ms" in texts
    assert len(axes.patches) == 3 + 3  # boxes and arrows
    assert axes.get_title(loc="left").startswith("6 neurons")


def test_diagram_gives_a_cycle_one_column():
    net = sn.Network(dict(i=sn.Input(2), e=sn.LIF(3), h=sn.LIF(3), out=sn.LI(1)),
                     [sn.Projection("i", "e", sn.Dense()), sn.Projection("e", "h", sn.Dense(), delay=1.0),
                      sn.Projection("h", "e", sn.Dense(), delay=1.0), sn.Projection("h", "out", sn.Dense()),
                      sn.Projection("i", "out", sn.Dense())], key=jax.random.key(0))
    from snnsim.plotting.layout import columns
    assert columns(net) == [["i"], ["e", "h"], ["out"]]
    plotting.network_diagram(net)


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_files_are_the_same_each_time(tmp_path, ending):
    def draw():
        return plotting.confusion(np.eye(3, dtype=int))
    first, second = (plotting.save(draw(), tmp_path / f"{k}.{ending}") for k in "ab")
    assert first.read_bytes() == second.read_bytes()
    assert plotting.png_bytes(draw()) == plotting.png_bytes(draw())


def test_save_keeps_earlier_files(tmp_path):
    figure = plotting.confusion(np.eye(2, dtype=int))
    path = tmp_path / "new" / "picture.png"
    plotting.save(figure, path)
    path.write_bytes(b"earlier")
    with pytest.raises(OutputExistsError):
        plotting.save(figure, path)
    assert path.read_bytes() == b"earlier"
    plotting.save(figure, path, overwrite=True)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [p.name for p in path.parent.iterdir()] == ["picture.png"]
    with pytest.raises(ConfigurationError):
        plotting.save(figure, tmp_path / "picture.bmp")


def test_the_readers_settings_stay(recording):
    before = dict(matplotlib.rcParams)
    plotting.raster(recording)
    assert dict(matplotlib.rcParams) == before


def test_parameter_histogram_counts_units_in_the_parameters_unit():
    tau = np.array([10.0, 10.0, 30.0, 20.0])
    net = sn.Network(dict(a=sn.Input(2), b=sn.LIF(4, tau_mem=tau)), [sn.Projection("a", "b", sn.Dense())],
                     key=jax.random.key(0))
    axes = plotting.parameter_histogram(net, "b.tau_mem").axes[0]
    assert axes.patches[0].get_data().values.sum() == 4
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("membrane time constant (ms)", "units")
    assert axes.get_title(loc="left").startswith("b.tau_mem: 17.5")
    with pytest.raises(ConfigurationError, match=r"b\.tau_mem"):
        plotting.parameter_histogram(net, "b.tau")
