# SPDX-License-Identifier: Apache-2.0
"""Getting a picture or a sound from an address, with limits on everything that a stranger's server decides.

The name is looked up once, every address that it leads to is judged, and the connection goes to one that was
judged: a name that answers otherwise the second time gains nothing. Each redirect is judged anew.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from penchant.content.encoder import UnusableError

if TYPE_CHECKING:
    from penchant.schema import Kind

_PIECE = 1 << 16
_TRIES = 3
"""Addresses of one host that are tried, such as one of IPv6 and one of IPv4."""
_UNTOLD = ("application/octet-stream", "binary/octet-stream", "application/ogg")
"""Types of a server that does not know better; what came is then judged by the decoder alone."""


def is_address(value: str) -> bool:
    """Whether a value is to be fetched rather than opened."""
    return value[:8].lower().startswith(("http://", "https://"))


class Fetcher:
    """Fetches content by address.

    Args:
        max_bytes: a longer answer is refused.
        timeout: seconds that one address may take in all.
        most: how many addresses are fetched; further ones are refused.
        private: whether addresses that do not belong to the public network are allowed.
    """

    def __init__(self, *, max_bytes: int, timeout: float, most: int, private: bool = False) -> None:
        self.max_bytes = max_bytes
        self.timeout = timeout
        self.private = private
        self._left = most
        # A list of handlers of our own: no proxy, no file, no ftp.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            _Handler(self._connect),
            urllib.request.HTTPRedirectHandler(),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.UnknownHandler(),
        ):
            self._opener.add_handler(handler)

    def get(self, url: str, kind: Kind) -> bytes:
        """What lies at `url`.

        Raises:
            UnusableError: it cannot be fetched, or is not what was meant.
        """
        if self._left <= 0:
            raise UnusableError("not fetched: [content] max_fetches is reached")
        self._left -= 1
        end = time.monotonic() + self.timeout
        try:
            request = urllib.request.Request(url, headers={"User-Agent": "penchant", "Accept": f"{kind}/*"})  # noqa: S310
            with self._opener.open(request, timeout=self.timeout) as answer:
                return self._read(answer, kind, end)
        except urllib.error.HTTPError as error:
            error.close()
            raise UnusableError(f"the server answered {error.code}") from error
        except urllib.error.URLError as error:
            raise UnusableError(f"cannot be fetched: {error.reason}") from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise UnusableError(f"cannot be fetched: {str(error) or type(error).__name__}") from error

    def _read(self, answer: Any, kind: Kind, end: float) -> bytes:
        told = (answer.headers.get_content_type() or "").lower()
        if not told.startswith(f"{kind}/") and told not in _UNTOLD:
            raise UnusableError(f"the server sent {told}, not {kind}")
        come = bytearray()
        # `read1` gives what is there, so a server that sends a byte a minute is noticed.
        while piece := answer.read1(_PIECE):
            come += piece
            if len(come) > self.max_bytes:
                raise UnusableError(f"more than {self.max_bytes:,} bytes ([content] max_bytes)")
            if time.monotonic() > end:
                raise UnusableError(f"took more than {self.timeout:g} seconds ([content] timeout)")
        return bytes(come)

    def _connect(self, address: tuple[str, int], timeout: float, *_: Any) -> socket.socket:
        """A connection to the first address of a host that answers, once all of them have been found allowed."""
        host, port = address
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        for one in found:
            if not self.private and not ipaddress.ip_address(one.partition("%")[0]).is_global:
                raise OSError(f"{host} is no public address ({one}); [content] private = true allows it")
        refused: OSError | None = None
        for one in found[:_TRIES]:
            try:
                return socket.create_connection((one, port), timeout)
            except OSError as error:
                refused = error
        raise refused or OSError(f"{host} has no address")


class _Handler(urllib.request.HTTPSHandler, urllib.request.HTTPHandler):
    """http and https through a connection of our own making."""

    def __init__(self, connect: Any) -> None:
        super().__init__()
        self._connect = connect

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Open an address of http."""
        return self.do_open(self._made(http.client.HTTPConnection), request)

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Open an address of https; the certificate is checked against the host's name."""
        return self.do_open(self._made(http.client.HTTPSConnection), request)

    def _made(self, kind: Any) -> Any:
        def make(host: str, **choices: Any) -> http.client.HTTPConnection:
            connection = kind(host, **choices)
            connection._create_connection = self._connect  # noqa: SLF001
            return connection  # type: ignore[no-any-return]

        return make
