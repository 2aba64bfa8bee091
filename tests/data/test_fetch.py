# SPDX-License-Identifier: Apache-2.0
"""Downloads that go wrong in every way leave nothing, and say what happened."""

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from penchant.data import fetch
from penchant.errors import DataError

CONTENT = b"0123456789" * 100


class Publisher(BaseHTTPRequestHandler):
    """Answers by the path that is asked for."""

    def do_GET(self):
        if self.path == "/absent":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT) * (2 if self.path in ("/short", "/stalls") else 1)))
        self.end_headers()
        self.wfile.write(CONTENT)
        if self.path == "/stalls":
            self.server.gate.wait(5)

    def log_message(self, *_):
        """Be quiet."""


@pytest.fixture(scope="module")
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    server.gate = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.gate.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_lies_there(tmp_path, address):
    told = []
    checksum = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    fetch.download(f"{address}/x", tmp_path / "x", checksum, lambda *said: told.append(said))
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert told[-1] == (1000, 1000)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/absent", "cannot be reached: Not Found"),
        ("/short", "broke off"),
        ("/stalls", "broke off: timed out"),
    ],
)
def test_failures_leave_nothing(tmp_path, address, monkeypatch, path, reason):
    monkeypatch.setattr(fetch, "STALL_SECONDS", 0.2)
    begin = time.monotonic()
    with pytest.raises(DataError, match=reason):
        fetch.download(address + path, tmp_path / "x", None)
    assert not (tmp_path / "x").exists()
    assert time.monotonic() - begin < 5


def test_wrong_and_too_much(tmp_path, address):
    with pytest.raises(DataError, match=r"its md5 is .* not 0"):
        fetch.download(f"{address}/x", tmp_path / "x", "md5:0")
    with pytest.raises(DataError, match="holds more than 999 bytes"):
        fetch.download(f"{address}/x", tmp_path / "x", None, limit=999)
    assert not (tmp_path / "x").exists()


def test_a_full_disk_is_no_fault_of_the_network(tmp_path, address):
    (tmp_path / "x").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        fetch.download(f"{address}/x", tmp_path / "x", None)
    assert not (tmp_path / "x").is_symlink()


@pytest.mark.parametrize("url", ["ftp://x/y.zip", "/etc/passwd"])
def test_strange_addresses(tmp_path, url):
    with pytest.raises(DataError, match="is not an address"):
        fetch.download(url, tmp_path / "x", "md5:0")


def test_nobody_answers(tmp_path):
    with pytest.raises(DataError, match="cannot be reached"):
        fetch.download("http://127.0.0.1:9/x", tmp_path / "x", None)


def test_without_pip(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch.sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(DataError, match=r"pip download a==1 did not work.*No such file"):
        fetch.pip_download("a==1", tmp_path, "sha256:0")
