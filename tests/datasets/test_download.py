"""Downloads against a small server of our own on this machine: nothing here touches the net."""

import hashlib
import http.server
import re
import threading
import zipfile
from pathlib import Path
from unittest import mock

import pytest

from snnsim.core.errors import DataError, OutputExistsError
from snnsim.datasets import SOURCES, RemoteFile, Source, download, fetch
from snnsim.datasets.unpack import unpack_zip

DATA = bytes(range(256)) * 4000
MD5 = hashlib.md5(DATA).hexdigest()


class Server:
    """Serves `files`; `cut` sends only so many bytes of an answer; `ranges` False ignores Range."""

    def __init__(self):
        self.files, self.asked, self.cut, self.ranges = {"/data": DATA}, [], None, True
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.path, self.headers.get("Range")))
                data = outer.files.get(self.path)
                if data is None:
                    return self.send_error(404)
                first = re.fullmatch(r"bytes=(\d+)-",
                                     self.headers.get("Range") or "") if outer.ranges else None
                start = int(first.group(1)) if first else 0
                if first and start >= len(data):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(data)}")
                    return self.end_headers()
                self.send_response(206 if first else 200)
                if first:
                    self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
                self.send_header("Content-Length", str(len(data) - start))
                self.end_headers()
                self.wfile.write(data[start:][: outer.cut])

            def log_message(self, *args):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture
def server():
    # A proxy of the machine must not see requests to ourselves.
    with mock.patch.dict("os.environ", {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}):
        one = Server()
        yield one
        one.http.shutdown()
        one.http.server_close()


def test_whole_file_with_progress(server, tmp_path):
    seen = []
    path = download([f"{server.url}/data"], tmp_path / "a", md5=MD5, progress=lambda *x: seen.append(x))
    assert path.read_bytes() == DATA
    assert seen[-1] == ("a", len(DATA), len(DATA))
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    with pytest.raises(OutputExistsError):
        download([f"{server.url}/data"], tmp_path / "a", md5=MD5)


def test_goes_on_after_an_interruption(server, tmp_path):
    server.cut = 300_000
    with pytest.raises(DataError, match="it goes on where it stopped"):
        download([f"{server.url}/data"], tmp_path / "a", md5=MD5)
    assert not (tmp_path / "a").exists()
    have = (tmp_path / "a.part").stat().st_size
    assert 0 < have <= 300_000
    server.cut = None
    download([f"{server.url}/data"], tmp_path / "a", md5=MD5)
    assert server.asked[-1] == ("/data", f"bytes={have}-")
    assert (tmp_path / "a").read_bytes() == DATA


@pytest.mark.parametrize("part", [DATA[:1000], DATA, DATA + b"more", b"wrong" * 10])
@pytest.mark.parametrize("ranges", [True, False])
def test_any_earlier_part_ends_well(server, tmp_path, part, ranges):
    server.ranges = ranges
    (tmp_path / "a.part").write_bytes(part)
    assert download([f"{server.url}/data"], tmp_path / "a", md5=MD5).read_bytes() == DATA


def test_wrong_checksum_leaves_nothing(server, tmp_path):
    with pytest.raises(DataError, match=f"md5 {MD5} instead of 0000"):
        download([f"{server.url}/data"], tmp_path / "a", md5="0" * 32)
    assert list(tmp_path.iterdir()) == []


def test_next_mirror(server, tmp_path):
    server.files["/bad"] = DATA[::-1]
    urls = ["http://127.0.0.1:1/closed", f"{server.url}/missing", f"{server.url}/bad", f"{server.url}/data"]
    assert download(urls, tmp_path / "a", md5=MD5, timeout=5).read_bytes() == DATA
    with pytest.raises(DataError, match=r"(?s)closed.*404"):
        download(urls[:2], tmp_path / "b", md5=MD5, timeout=5)


def test_limits(server, tmp_path):
    with pytest.raises(DataError, match="accept_unverified"):
        download([f"{server.url}/data"], tmp_path / "a", md5=None)
    download([f"{server.url}/data"], tmp_path / "a", md5=None, accept_unverified=True)
    with pytest.raises(DataError, match="http or https"):
        download([(tmp_path / "a").as_uri()], tmp_path / "b", md5=MD5)
    with pytest.raises(DataError, match="more than 1,000 bytes"):
        download([f"{server.url}/data"], tmp_path / "b", md5=MD5, max_bytes=1000)


@pytest.fixture
def sources(server, tmp_path):
    """A data set of two archives on our server."""
    files = []
    for name in ("one.h5", "two"):
        archive = tmp_path / "made.zip"
        with zipfile.ZipFile(archive, "w") as file:
            members = (name,) if name == "one.h5" else (f"{name}/0/a.bin", f"{name}/1/b.bin", "__MACOSX/x")
            for member in members:
                file.writestr(member, name * 100)
        server.files[f"/{name}.zip"] = archive.read_bytes()
        checksum = hashlib.md5(archive.read_bytes()).hexdigest()
        files.append(RemoteFile(f"{name}.zip", (f"{server.url}/{name}.zip",), checksum, name))
    return {"toy": Source("toy", "Toy", tuple(files), server.url, None, "none")}


def test_fetch_unpacks_and_goes_on(server, sources, tmp_path):
    folder = fetch("toy", tmp_path / "toy", sources=sources)
    assert sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()) == \
        ["one.h5", "two/0/a.bin", "two/1/b.bin"]
    asked = len(server.asked)
    fetch("toy", folder, sources=sources)
    assert len(server.asked) == asked  # nothing is fetched twice
    (folder / "one.h5").unlink()
    fetch("toy", folder, sources=sources, keep_archives=True)
    assert (folder / "one.h5.zip").exists()
    (folder / "one.h5").unlink()
    (folder / "one.h5.zip").write_bytes(b"another file")
    with pytest.raises(DataError, match="remove this file"):
        fetch("toy", folder, sources=sources)


def test_fetch_asks_before_it_trusts(sources, tmp_path):
    with pytest.raises(DataError, match="one of toy"):
        fetch("shd", tmp_path, sources=sources)
    toy = sources["toy"]
    unknown = tuple(RemoteFile(f.filename, f.urls, None, f.holds) for f in toy.files)
    sources = {"toy": Source("toy", "Toy", unknown, toy.homepage, None, "none")}
    with pytest.raises(DataError, match=r"no known checksum of one.h5.zip, two.zip"):
        fetch("toy", tmp_path / "t", sources=sources)
    assert not (tmp_path / "t").exists()
    fetch("toy", tmp_path / "t", sources=sources, accept_unverified=True)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "..\\evil", "C:/evil"])
def test_archive_cannot_write_elsewhere(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as file:
        file.writestr("a/good", "x")
        info = zipfile.ZipInfo("x")
        info.filename = name
        file.writestr(info, "x")
    with pytest.raises(DataError, match="names inside the folder"):
        unpack_zip(tmp_path / "z.zip", tmp_path / "out", only="a")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "evil").exists()


def test_archive_with_links_damage_or_too_much(tmp_path):
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/zeros", bytes(10**6))
    with pytest.raises(DataError, match="at most 1,000"):
        unpack_zip(path, tmp_path / "out", only="a", max_bytes=1000)
    with pytest.raises(DataError, match="'b' inside"):
        unpack_zip(path, tmp_path / "out", only="b")
    raw = bytearray(path.read_bytes())
    raw[60] ^= 255
    (tmp_path / "bad.zip").write_bytes(raw)
    with pytest.raises(DataError, match=r"bad\.zip"):
        unpack_zip(tmp_path / "bad.zip", tmp_path / "out", only="a")
    assert list((tmp_path / "out").iterdir()) == []  # nothing half unpacked
    unpack_zip(path, tmp_path / "out", only="a")
    with pytest.raises(OutputExistsError):
        unpack_zip(path, tmp_path / "out", only="a")
    with zipfile.ZipFile(path, "w") as file:
        link = zipfile.ZipInfo("a/link")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="a link or device"):
        unpack_zip(path, tmp_path / "links", only="a")


def test_the_table_is_sound():
    assert set(SOURCES) == {"shd", "ssc", "nmnist"}
    for name, source in SOURCES.items():
        assert source.name == name
        for file in source.files:
            assert re.fullmatch("[0-9a-f]{32}", file.md5)
            assert all(url.startswith("https://") for url in file.urls)
            assert Path(file.filename).name == file.filename
