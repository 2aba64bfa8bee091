# SPDX-License-Identifier: Apache-2.0
"""Fetching from a small server of our own: what is taken, and every limit."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from penchant.content.encoder import UnusableError
from penchant.content.fetcher import Fetcher, is_address
from penchant.schema import Kind


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        kind, _, rest = self.path[1:].partition("/")
        self.server.asked.append(self.path)
        if kind == "to":
            self.send_response(302)
            self.send_header("Location", rest)
            self.end_headers()
        elif kind == "code":
            self.send_error(int(rest))
        elif kind == "slow":
            self.begin("image/png", 10_000)
            for _ in range(200):
                if self.server.stop.wait(0.02):
                    return
                try:
                    self.wfile.write(b"x")
                    self.wfile.flush()
                except OSError:
                    return
        elif kind == "rude":
            self.wfile.write(b"\0\0\0")
        else:
            body = b"p" * int(rest or 7)
            self.begin(
                {"png": "image/png", "wav": "audio/wav", "any": "application/octet-stream"}.get(kind, "text/html"),
                len(body),
            )
            self.wfile.write(body)

    def begin(self, kind, length):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as one:
        one.asked, one.stop = [], threading.Event()
        one.url = f"http://127.0.0.1:{one.server_port}"
        thread = threading.Thread(target=one.serve_forever, daemon=True)
        thread.start()
        yield one
        one.stop.set()
        one.shutdown()
        thread.join()


def fetcher(**choices):
    return Fetcher(**{"max_bytes": 100, "timeout": 5.0, "most": 10, "private": True, **choices})


def refused(url, kind=Kind.IMAGE, **choices):
    with pytest.raises(UnusableError) as caught:
        fetcher(**choices).get(url, kind)
    return str(caught.value)


def test_a_picture_and_a_sound_are_fetched(server):
    assert fetcher().get(f"{server.url}/png/5", Kind.IMAGE) == b"ppppp"
    assert fetcher().get(f"{server.url}/wav", Kind.AUDIO) == b"p" * 7
    assert fetcher().get(f"{server.url}/any", Kind.AUDIO) == b"p" * 7
    assert fetcher().get(f"{server.url}/to/{server.url}/png/3", Kind.IMAGE) == b"ppp"


def test_what_is_not_what_was_meant(server):
    assert refused(f"{server.url}/page") == "the server sent text/html, not image"
    assert refused(f"{server.url}/wav") == "the server sent audio/wav, not image"
    assert refused(f"{server.url}/code/404") == "the server answered 404"
    assert "cannot be fetched" in refused(f"{server.url}/rude")


def test_more_bytes_than_wanted(server):
    assert fetcher().get(f"{server.url}/png/100", Kind.IMAGE) == b"p" * 100
    assert refused(f"{server.url}/png/101") == "more than 100 bytes ([content] max_bytes)"


def test_a_server_that_sends_drop_by_drop(server):
    assert refused(f"{server.url}/slow", timeout=0.2, max_bytes=10**6).startswith(("took more than 0.2", "cannot"))


def test_private_addresses_are_not_asked(server):
    before = len(server.asked)
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1"):
        assert "no public address" in refused(f"http://{host}:{server.server_port}/png", private=False)
    assert len(server.asked) == before


@pytest.mark.parametrize(
    "found", ["10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "::1", "fe80::1%eth0", "fd00::1"]
)
def test_names_that_lead_to_private_addresses(monkeypatch, found):
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("93.184.216.34", found)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("was connected"))
    assert "no public address" in refused("http://example.org/a.png", private=False)


def test_the_connection_goes_to_the_address_that_was_judged(monkeypatch, server):
    asked = []
    answers = iter([[(0, 0, 0, "", ("93.184.216.34", 80))], [(0, 0, 0, "", ("127.0.0.1", 80))]])
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: next(answers))

    def connect(address, timeout):
        asked.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", connect)
    assert "Connection refused" in refused("https://example.org/a.png", private=False)
    assert asked == [("93.184.216.34", 443)]


def test_the_next_address_of_a_host_is_tried(monkeypatch, server):
    answer = [(0, 0, 0, "", (address, 0)) for address in ("127.0.0.9", "127.0.0.1")]

    def connect(address, timeout):
        if address[0] == "127.0.0.9":
            raise ConnectionRefusedError(111, "Connection refused")
        one = socket.socket()
        one.settimeout(timeout)
        one.connect(address)
        return one

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    monkeypatch.setattr(socket, "create_connection", connect)
    assert fetcher().get(f"{server.url}/png/5", Kind.IMAGE) == b"ppppp"
    answer.clear()
    assert "has no address" in refused(f"{server.url}/png/5")


def test_a_redirect_is_judged_as_well(server):
    class Trusting(Fetcher):
        calls = 0

        def _connect(self, address, timeout, *rest):
            self.calls += 1
            self.private = self.calls == 1
            return super()._connect(address, timeout, *rest)

    one = Trusting(max_bytes=100, timeout=5, most=10)
    with pytest.raises(UnusableError, match="no public address"):
        one.get(f"{server.url}/to/{server.url}/png", Kind.IMAGE)
    assert one.calls == 2


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a.png", "data:image/png;base64,AAAA"])
def test_a_redirect_to_something_else_than_http(server, target):
    assert refused(f"{server.url}/to/{target}")


def test_redirects_without_end(server):
    ring = f"{server.url}/to/"
    assert refused(f"{ring}{ring}x")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.org/a", "http://", "http://[", "http://a b/", "https://\n/"]
)
def test_addresses_that_are_none(url):
    assert refused(url)


def test_no_more_than_were_allowed(server):
    one = fetcher(most=1)
    one.get(f"{server.url}/png", Kind.IMAGE)
    with pytest.raises(UnusableError, match="max_fetches is reached"):
        one.get(f"{server.url}/png", Kind.IMAGE)


def test_proxies_of_the_environment_are_not_asked(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert fetcher().get(f"{server.url}/png", Kind.IMAGE)


def test_what_is_an_address():
    assert is_address("http://a/b")
    assert is_address("HTTPS://a/b")
    assert not is_address("a/http://b")
    assert not is_address("ftp://a")
