import csv
import io
import json
from html.parser import HTMLParser

import jax
import pytest

import snnsim as sn
from snnsim.core.errors import ConfigurationError, OutputExistsError
from snnsim.hardware import report

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Checks nesting and collects texts and addresses."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.addresses, self.text = [], set(), [], []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(html):
    page = Page()
    page.feed(html)
    page.close()
    assert not page.open
    return page


def test_two_runs_are_identical(cross_check):
    one, two = (report(*cross_check(), accuracy=0.9) for _ in range(2))
    assert one.to_json() == two.to_json()
    assert one.to_html() == two.to_html()
    assert one.to_csv() == two.to_csv()


def test_json_and_csv_hold_every_term(checked, tmp_path):
    found = report(*checked, accuracy=0.953, facts={"data": "made"})
    text = found.to_json(tmp_path / "r.json")
    data = json.loads((tmp_path / "r.json").read_text())
    assert text == (tmp_path / "r.json").read_text()
    assert data["workload"]["totals"]["synaptic_events"] == 71_320
    assert data["targets"]["loihi"]["normalised"]["sanafe-nahuku-fit"]["per_synaptic_event_j"] > 35.5e-12
    assert set(data["sources"]) == {r.key for r in found.sources}
    rows = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert len(rows) == sum(len(cost.terms) for _, cost in found.tables)
    assert all(row["source"] and row["evidence"] and row["scope"] for row in rows)


def test_html_is_self_contained_and_escaped(checked):
    html = report(*checked, title="<script>alert(1)</script>", figures={'"><b>': PNG}, facts={"a<b": "<i>"}).to_html()
    page = read(html)
    assert not {"script", "link", "iframe", "i"} & (page.tags - {"i"})
    assert "<i>" not in html
    assert all(a.startswith(("https://", "data:image/png;base64,")) for a in page.addresses)
    assert "<script>" in "".join(page.text)  # as text
    assert "What this table leaves out" in html


def test_a_refusal_is_told_and_the_others_are_priced(tmp_path):
    net = sn.Network(dict(a=sn.Input(2), b=sn.AdEx(2)), [sn.Projection("a", "b", sn.Dense(0.1))], key=jax.random.key(0))
    found = report(net, sn.simulate(net, duration=10.0), ["loihi", "cpu"])
    assert found["loihi"].cost is None
    assert found["cpu"].cost.energy_j is not None
    assert "does not fit" in found.to_html()
    assert "cannot hold" in found.to_markdown()
    read(found.to_html())


def test_no_activity_is_said(small):
    net, _ = small()
    found = report(net, sn.simulate(net, duration=10.0))
    assert found.normalised(found["loihi"].cost)["per_spike_j"] is None
    html = found.to_html()
    assert "not defined, no spikes" in html
    assert "no events" in html
    json.loads(found.to_json())


def test_markdown_and_terminal(checked, capsys):
    found = report(*checked, ["loihi", "arithmetic"])
    assert "| Loihi 1 | sanafe-nahuku-fit |" in found.to_markdown()
    assert "Not priced" in found.to_markdown()
    found.print()
    assert "71,320" in capsys.readouterr().out


def test_a_narrow_terminal_loses_no_digit(checked, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "60")
    report(*checked, ["loihi", "arithmetic"]).print()
    assert "…" not in capsys.readouterr().out


def test_pictures_may_be_matplotlib_figures(checked):
    figure = pytest.importorskip("matplotlib.figure").Figure()
    figure.subplots().plot([1, 2])
    assert "data:image/png;base64," in report(*checked, ["cpu"], figures={"line": figure}).to_html()


def test_wrong_calls(checked, tmp_path):
    with pytest.raises(ConfigurationError, match="one of spinnaker"):
        report(*checked, ["abacus"])
    with pytest.raises(ConfigurationError, match="accuracy"):
        report(*checked, ["cpu"], accuracy=95)
    with pytest.raises(ConfigurationError, match="PNG"):
        report(*checked, ["cpu"], figures={"a": b"GIF89a"})
    found = report(*checked, ["cpu"])
    found.to_html(tmp_path / "r.html")
    with pytest.raises(OutputExistsError):
        found.to_html(tmp_path / "r.html")
    found.to_html(tmp_path / "r.html", overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
    with pytest.raises(ConfigurationError, match="cpu"):
        found["loihi"]
