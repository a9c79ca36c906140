"""Mappings as files and pictures, and in the report."""

import json

import numpy as np
import pytest

from snnsim.core.errors import FileFormatError, OutputExistsError
from snnsim.hardware import Workload, report
from snnsim.hardware.spinnaker import SpiNNaker, board_picture, mapping_dict, read_routing, write_mapping
from snnsim.hardware.spinnaker.picture import _both_ways
from snnsim.hardware.spinnaker.router import deliver


@pytest.fixture(scope="module")
def mapped(checked):
    return SpiNNaker(neurons_per_core=8, boards=1, missing=[(2, 2)]).map(checked[0], Workload.of(*checked))


def test_a_file_routes_as_the_mapping_does(mapped, tmp_path):
    write_mapping(mapped, tmp_path / "m.json")
    read = read_routing(tmp_path / "m.json")
    assert read.machine.chips == 47
    senders = np.flatnonzero(read.key >= 0)
    np.testing.assert_array_equal(senders, mapped.vertices.senders)
    got = deliver(read.machine, read.tables, read.key[senders], read.chip[senders])
    place = {(int(c), int(p)): v for v, (c, p) in enumerate(zip(read.chip, read.core, strict=True))}
    reached = {int(s): [] for s in senders}
    for packet, chip, core in zip(got.packet, got.chip, got.core, strict=True):
        reached[int(senders[packet])].append(place[int(chip), int(core)])
    assert {s: sorted(vertices) for s, vertices in reached.items()} == {s: list(read.targets[s]) for s in reached}


def test_the_file_says_everything_in_plain_json(mapped, tmp_path):
    write_mapping(mapped, tmp_path / "m.json")
    text = (tmp_path / "m.json").read_text()
    data = json.loads(text)
    assert (data["format"], data["version"]) == ("snnsim-spinnaker-mapping", 1)
    assert data == json.loads(json.dumps(mapping_dict(mapped)))
    assert [p.name for p in tmp_path.iterdir()] == ["m.json"]
    vertices = [dict(zip(data["vertex_columns"], row, strict=True)) for row in data["vertices"]]
    assert [v["population"] for v in vertices] == ["input"] * 9 + ["hidden"] * 16 + ["output"] * 3
    assert sum(v["packets"] for v in vertices) == 340 + 1390 + 354
    assert sum(sum(link["packets"]) for link in data["links"]) == mapped.traffic.hops
    assert sum(len(t["entries"]) for t in data["tables"]) == sum(map(len, mapped.tables.values()))
    with pytest.raises(OutputExistsError):
        write_mapping(mapped, tmp_path / "m.json")
    write_mapping(mapped, tmp_path / "m.json", overwrite=True)
    assert (tmp_path / "m.json").read_text() == text


@pytest.mark.parametrize(("change", "what"), [
    (lambda d: d.update(format="other"), "another format"),
    (lambda d: d.update(version=2), "version 2"),
    (lambda d: d.pop("tables"), "KeyError"),
    (lambda d: d["tables"][0].update(x=99), "KeyError"),
    (lambda d: d["tables"][0]["entries"][0].append(1), "ValueError"),
    (lambda d: d["tables"][0]["entries"][0].__setitem__(0, 2**33), "32 bits"),
    (lambda d: d["vertices"][0].pop(), "ValueError"),
    (lambda d: d["vertices"][0].__setitem__(-1, [999]), "targets"),
    (lambda d: d["machine"].update(boards=10**9), "1 to 1,200"),
    (lambda d: d["machine"].update(missing=[[50, 50]]), "missing chips"),
])
def test_broken_files_are_refused(mapped, tmp_path, change, what):
    data = mapping_dict(mapped)
    data = json.loads(json.dumps(data))
    change(data)
    (tmp_path / "m.json").write_text(json.dumps(data))
    with pytest.raises(FileFormatError, match=what):
        read_routing(tmp_path / "m.json")


@pytest.mark.parametrize("content", [b"", b"[", b"[1, 2]", b"\xff\xfe", b"[" * 100_000])
def test_files_of_something_else_are_refused(tmp_path, content):
    (tmp_path / "m.json").write_bytes(content)
    with pytest.raises(FileFormatError):
        read_routing(tmp_path / "m.json")


def test_picture_shows_every_chip_and_its_cores(mapped, checked):
    figure = board_picture(mapped)
    (axes, bar) = figure.axes
    chips = next(c for c in axes.collections if c.get_array() is not None)
    np.testing.assert_array_equal(chips.get_array(), mapped.used_cores())
    assert len(chips.get_paths()) == 47
    assert bar.get_ylabel() == "cores in use"
    assert axes.get_title(loc="left") == f"{mapped.cores} cores on {mapped.chips} of 47 chips"
    both, ends = _both_ways(mapped), mapped.machine.neighbours
    assert both.sum() == 2 * mapped.traffic.hops
    assert all(both[k, link] == both[ends[k, link], (link + 3) % 6]
               for k in range(47) for link in range(6) if ends[k, link] >= 0)
    many = SpiNNaker(boards=12, neurons_per_core=1).map(checked[0], Workload.of(*checked))
    assert sum(t.get_text().startswith("board ") for t in board_picture(many).axes[0].texts) == len(
        np.unique(many.machine.board[many.placement.chip]))


def test_report_shows_mapping_and_picture(checked):
    found = report(*checked, [SpiNNaker(), "spinnaker2"])
    assert list(found.pictures) == ["Cores in use and traffic on SpiNNaker"]
    html = found.to_html()
    assert html == report(*checked, [SpiNNaker(), "spinnaker2"]).to_html()
    assert "data:image/png;base64," in html
    assert all(what in html for what in ("routing entries of the fullest chip", "working-cores", "measured-increments",
                                         "Tang 2023", "quoted-22nm"))
    assert found.to_dict()["targets"]["spinnaker"]["mapping"]["needed_time_scale"] == 1.0
    json.loads(found.to_json())
