"""The page in a real browser: no script errors, nothing loaded from elsewhere, every section there, nothing cut off."""

import html
import json
import re
import shutil
import subprocess

import pytest

import snnsim as sn
from snnsim.hardware import Change, report

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SECTIONS = ("Energy of one sample", "Three numbers", "What the network did", "What if", "Pictures",
            "SpiNNaker 1", "Loihi 1", "TrueNorth (all-in)", "CPU", "45 nm arithmetic",
            "What this report leaves out", "Quoted for comparison", "Sources")


@pytest.fixture(scope="module")
def browser():
    found = next((path for path in map(shutil.which, BROWSERS) if path), None)
    return found or pytest.skip(f"none of {', '.join(BROWSERS)} is installed")


def run(browser, folder, *options):
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}",
         "--enable-logging=stderr", "--v=0", "--hide-scrollbars", "--window-size=1200,2000", *options],
        capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="module")
def page(checked, tmp_path_factory):
    net, rec = checked
    found = report(net, rec, ["spinnaker", "loihi", "truenorth", "cpu", "arithmetic"], accuracy=0.9,
                   changes=[Change(rate=0.5)], figures={"Network": sn.plotting.network_diagram(net)})
    path = tmp_path_factory.mktemp("page") / "report.html"
    found.to_html(path)
    return path


def test_every_section_is_shown_without_an_error(browser, page, tmp_path):
    dom, errors = run(browser, tmp_path, "--dump-dom", page.as_uri())
    assert errors == []
    heads = re.findall(r"<h2>(.*?)</h2>", dom)
    assert heads == list(SECTIONS)
    assert not re.findall(r"<(?:script|iframe|link|object)\b", dom)


MEASURE = """<script>
document.querySelectorAll('details').forEach(d => d.open = true);
const boxes = [...document.querySelectorAll('h1,h2,p,.tile,.card,.bar,.value,dl,ul,figure,summary')];
parent.postMessage(JSON.stringify({
  wide: boxes.filter(b => b.scrollWidth > b.clientWidth + 1 && getComputedStyle(b).display != 'inline')
    .map(b => b.className + ': ' + b.textContent.slice(0, 40)),
  beyond: document.documentElement.scrollWidth - window.innerWidth,
  loaded: performance.getEntriesByType('resource').map(e => e.name).filter(name => !name.startsWith('data:')),
  broken: [...document.images].filter(i => !i.naturalWidth).length}), '*')
</script></body>"""


@pytest.mark.parametrize("width", [1200, 800, 400])
def test_nothing_is_loaded_broken_or_cut_off(browser, page, tmp_path, width):
    """Measured by a script in a copy of the page, in a frame: a window cannot be as narrow as a phone."""
    text = page.read_text().replace("default-src 'none'", "default-src 'none'; script-src 'unsafe-inline'")
    (tmp_path / "inner.html").write_text(text.replace("</body>", MEASURE))
    outer = tmp_path / "outer.html"
    outer.write_text("<title></title><script>onmessage = told => document.title = told.data</script>"
                     f"<iframe src='inner.html' style='width:{width}px;height:900px;border:0'></iframe>")
    dom, errors = run(browser, tmp_path, "--virtual-time-budget=3000", "--dump-dom", outer.as_uri())
    assert errors == []
    measured = json.loads(html.unescape(re.search(r"<title>(.*?)</title>", dom, re.DOTALL)[1]))
    assert measured == {"loaded": [], "wide": [], "beyond": 0, "broken": 0}
