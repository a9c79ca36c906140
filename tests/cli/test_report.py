"""`snnsim report` of a run and of network files: every output file, every target, refusals."""

import csv
import json
import os
from pathlib import Path

import pytest

from snnsim.hardware.target import REGISTRY

ALL = ",".join(name for name in ("spinnaker", "loihi", "sfq", "rram", "truenorth", "cpu", "gpu", "arithmetic")
               if name in REGISTRY)


@pytest.fixture(scope="module")
def run_folder(snnsim, tmp_path_factory):
    """The event-digits recipe, one epoch."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    code, _, err = snnsim("train", "event-digits", "--out", folder, "--epochs", 1)
    assert code == 0, err
    return folder


def nir_file(*parts):
    path = Path(os.environ.get("SNNSIM_DATA", "no-data")).joinpath("nir", *parts)
    if not path.exists():
        pytest.skip(f"$SNNSIM_DATA has no {path.name}")
    return path


def test_a_run_gives_every_file_and_every_term_with_its_source(snnsim, run_folder, tmp_path):
    files = {option: tmp_path / f"r.{option}" for option in ("out", "csv", "markdown")}
    options = [word for option, path in files.items() for word in (f"--{option}", path)]
    code, out, err = snnsim("report", run_folder, "--targets", ALL, *options, "--json")
    assert code == 0, err
    data = json.loads(out)
    assert list(data["targets"]) == sorted(ALL.split(","))
    rows = list(csv.DictReader(files["csv"].open()))
    priced = {name: found for name, found in data["targets"].items() if not found["refused"]}
    assert {"spinnaker", "loihi", "cpu", "gpu", "arithmetic"} <= set(priced)
    for name, found in priced.items():
        tables = [found["cost"], *found["cost"]["alternatives"]]
        terms = [term for table in tables for term in table["terms"]]
        assert terms
        assert {term["source"] for term in terms} <= set(data["sources"])
        assert sum(row["target"] == name for row in rows) == len(terms)
        assert all(table["unpriced"] for table in tables)
    assert files["markdown"].read_text().startswith("# event-digits")
    page = files["out"].read_text()
    assert all(source["url"] in page for source in data["sources"].values())


@pytest.mark.parametrize("option", ["--out", "--csv", "--markdown"])
def test_an_existing_file_is_refused_before_any_work(snnsim, option, tmp_path):
    there = tmp_path / "there"
    there.write_text("mine")
    code, out, err = snnsim("report", tmp_path / "nothing.nir", option, there)
    assert (code, out) == (1, "")
    assert "existing file" in err
    assert there.read_text() == "mine"
    code, _, err = snnsim("report", tmp_path / "nothing.nir", option, tmp_path / "no" / "such")
    assert code == 1
    assert "folder" in err


def test_an_unknown_target_is_refused_before_any_work(snnsim, tmp_path):
    code, out, err = snnsim("report", tmp_path / "nothing.nir", "--targets", "cpu,abacus")
    assert (code, out) == (1, "")
    assert "abacus" in err


@pytest.mark.parametrize("parts", [("lif", "lif_norse.nir"), ("rnn", "braille_noDelay_bias_zero.nir")])
def test_a_graph_of_others_is_reported(snnsim, parts, tmp_path):
    code, out, err = snnsim("report", nir_file(*parts), "--targets", ALL, "--out", tmp_path / "r.html", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["workload"]["totals"]["synaptic_events"] > 0
    assert all(target["refused"] or target["cost"]["terms"] for target in found["targets"].values())


def test_a_target_that_does_not_fit_is_a_stated_refusal(snnsim, tmp_path):
    import jax

    import snnsim as sn

    net = sn.Network(dict(a=sn.Input(3), b=sn.AdEx(2)), [sn.Projection("a", "b", sn.Dense(0.1))],
                     key=jax.random.key(0))
    sn.save(net, tmp_path / "net.h5")
    code, out, err = snnsim("report", tmp_path / "net.h5", "--targets", "loihi,cpu", "--duration", 50, "--json")
    assert code == 0, err
    targets = json.loads(out)["targets"]
    assert "AdEx" in targets["loihi"]["refused"]
    assert targets["cpu"]["refused"] is None
