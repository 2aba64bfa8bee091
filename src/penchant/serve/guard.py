# SPDX-License-Identifier: Apache-2.0
"""Who may pass: keys with scopes, and no more requests of anybody than the service can bear."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from penchant.serve.answers import refuse
from penchant.serve.keys import Key, Keys, Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Send
    from starlette.types import Scope as Asked

_OPEN = frozenset({"/healthz", "/readyz"})
"""For whoever watches over the process: they say nothing of anybody."""
_API = "/v1/"
_CLIENTS = 10_000
"""Clients whose pace is remembered; of more, those are forgotten who asked last longest ago."""


class Pace:
    """How many requests each client may make: a bucket that fills as time goes by.

    Args:
        rate: requests a second that go on for ever.
        burst: requests that may come at once.
        now: the clock, in seconds.
    """

    def __init__(self, rate: float, burst: float, now: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._now = rate, burst, now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str) -> float:
        """Seconds until this client may ask again; 0 if now, and then the request is counted."""
        now = self._now()
        left, since = self._left.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        allowed = left >= 1
        self._left[client] = (left - 1 if allowed else left, now)
        if len(self._left) > _CLIENTS:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._rate


class Guard:
    """ASGI middleware; without keys and without a pace it lets everybody pass.

    Args:
        app: what it guards.
        keys: those that let in; None asks for none.
        pace: None for any.
    """

    def __init__(self, app: ASGIApp, keys: Keys | None = None, pace: Pace | None = None) -> None:
        self._app = app
        self._keys = keys
        self._pace = pace

    async def __call__(self, scope: Asked, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it: 401 without a key, 403 with one of too little scope, 429 too soon."""
        if scope["type"] not in {"http", "websocket"} or scope["path"] in _OPEN:
            await self._app(scope, receive, send)
            return
        refused = self._refused(scope)
        if refused is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await refused(scope, receive, send)
        else:  # a connection that was never opened is closed with 403
            await send({"type": "websocket.close", "code": 1008})

    def _refused(self, scope: Asked) -> Response | None:
        client: str = (scope.get("client") or ("",))[0]
        if self._keys:
            key = self._keys.find(dict(scope["headers"]))
            if key is None:
                # Guessing is slowed down as well: it costs its client the same as asking.
                return self._too_soon(client) or _unknown(scope["path"])
            client = key.name
            scope.setdefault("state", {})["key"] = key.name  # for the access log
            needed = needs(scope["method"] if scope["type"] == "http" else "GET", scope["path"])
            if not _allows(key, needed):
                text = f"The key {key.name!r} is not good for this: it needs the scope {needed.value!r}"
                return refuse(403, "forbidden", text)
        return self._too_soon(client)

    def _too_soon(self, client: str) -> Response | None:
        seconds = self._pace.wait(client) if self._pace else 0.0
        if not seconds:
            return None
        response = refuse(429, "too_many_requests", f"Too many requests: ask again in {seconds:.1f} seconds")
        response.headers["Retry-After"] = str(math.ceil(seconds))
        return response


def needs(method: str, path: str) -> Scope:
    """What a key must be good for to make a request."""
    if path in {"/v1/events", "/v1/impressions"}:
        return Scope.EVENTS
    if path.startswith(_API):
        asks = method in {"GET", "HEAD"} or path == "/v1/recommendations"
        return Scope.READ if asks else Scope.ADMIN
    return Scope.READ if path in {"/metrics", "/openapi.json"} else Scope.ADMIN


def _allows(key: Key, needed: Scope) -> bool:
    return needed in key.scopes or Scope.ADMIN in key.scopes


def _unknown(path: str) -> Response:
    response = refuse(401, "unauthorized", "A key is needed: Authorization: Bearer KEY, or X-API-Key: KEY")
    # A browser asks its user for a name, which may be any, and a password, which is the key.
    response.headers["WWW-Authenticate"] = "Bearer" if path.startswith(_API) else 'Basic realm="Penchant"'
    return response
