"""`snnsim simulate MODEL` as a person uses it."""

import contextlib
import io
import json
import sys

import pytest

from snnsim.cli import main


def snnsim(*arguments):
    """(exit code, stdout, stderr) of the entry point, called in this process."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["snnsim", *map(str, arguments)]
    code = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as stop:
        code = stop.code
    finally:
        sys.argv = before
    return code, out.getvalue(), err.getvalue()


SMALL = {
    "cuba": ["--neurons", 200],
    "coba": ["--neurons", 200],
    "brunel": ["--neurons", 100, "--g", 4.0, "--eta", 1.5, "--synapses", "exponential"],
    "microcircuit": ["--scale", 0.005, "--in-degree-scale", 0.1],
}


@pytest.mark.parametrize("model", SMALL)
def test_json_says_what_was_simulated(model):
    code, out, err = snnsim("simulate", model, *SMALL[model], "--duration", 30, "--seed", 2, "--json")
    assert code == 0, err
    assert err == ""  # no terminal, no progress
    found = json.loads(out)
    assert (found["model"], found["seed"], found["duration"]) == (model, 2, 30.0)
    assert found["neurons"] == sum(part["units"] for part in found["populations"].values())
    assert found["synapses"] > 0
    for key in ("rates_hz", "real_time_factor", "wall_s", "build_s", "path", "transient"):
        assert key in found
    assert {"cv_mean", "correlation_mean", "rate_mean"} <= set(next(iter(found["populations"].values())))


def test_text_is_a_table():
    code, out, err = snnsim("simulate", "microcircuit", *SMALL["microcircuit"], "--duration", 20)
    assert code == 0, err
    for word in ("L23E", "L6I", "published", "PD14", "neurons", "synapses", "correlation"):
        assert word in out, word


def test_connectome_of_the_worm(data_folder, tmp_path):
    code, out, err = snnsim("simulate", "connectome", "--data", data_folder("celegans"), "--duration", 50, "--json",
                            "--out", tmp_path / "worm")
    assert code == 0, err
    found = json.loads(out)
    assert found["edges"].endswith("cook2019_herm_edges.csv")
    assert (found["synapses"], found["gap_junctions_left_out"]) == (4681, 2698)
    assert len(found["fastest"]["neurons"]) == 10
    written = {path.name for path in (tmp_path / "worm").iterdir()}
    assert {"spikes.h5", "raster.png", "rates.png", "summary.json"} <= written


@pytest.mark.parametrize(("arguments", "code", "word"), [
    (["simulate", "cuba", "--neurons", "10"], 1, "80"),
    (["simulate", "cuba", "--neurons", "0"], 2, "neurons"),
    (["simulate", "brunel", "--neurons", "123"], 1, "multiple of 50"),
    (["simulate", "brunel", "--synapses", "gamma"], 1, "gamma"),
    (["simulate", "microcircuit", "--scale", "2"], 1, "scale = 2"),
    (["simulate", "microcircuit", "--scale", "0.01", "--duration", "0.25"], 1, "duration"),
    (["simulate", "connectome", "--data", "nowhere"], 1, "nowhere"),
    (["simulate", "connectome"], 2, "data"),
    (["simulate", "unicorn"], 2, "unicorn"),
])
def test_mistakes_get_one_clear_line(arguments, code, word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, out, err = snnsim(*arguments)
    assert found == code, err
    assert out == ""
    assert word in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(("model", "options", "expected"), [
    ("cuba", ["--neurons", 4000, "--duration", 1000], {"excitatory": (4.0, 8.0), "inhibitory": (4.0, 8.0)}),
    ("microcircuit", ["--scale", 0.02, "--duration", 500],
     {"L23E": (0.4, 1.4), "L4E": (3.0, 6.0), "L5I": (6.0, 12.0), "L6I": (5.5, 10.0)}),
])
def test_rates_are_plausible(model, options, expected):
    code, out, err = snnsim("simulate", model, *options, "--seed", 0, "--json")
    assert code == 0, err
    rates = json.loads(out)["rates_hz"]
    for name, (low, high) in expected.items():
        assert low < rates[name] < high, rates
