# SPDX-License-Identifier: Apache-2.0
"""What every request passes first: the address as it was written, its id, the clock, and the access log."""

from __future__ import annotations

import logging
import re
import time
import uuid
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from penchant.serve.telemetry import Telemetry

ACCESS = logging.getLogger("penchant.access")
"""One line of JSON for each request, at level INFO."""

API = "/v1/"

_ID = re.compile(rb"[\w.-]{1,128}", re.ASCII)


class Edge:
    """ASGI middleware.

    Servers decode the address before routing, so `/v1/items/a%2Fsimilar` would mean the same as
    `/v1/items/a/similar` and an id with a slash could not be told from a longer path. Under `/v1/` routing
    therefore sees the address still encoded; handlers decode the id (`answers.path_id`).

    Each answer carries `X-Request-ID`: the request's own, if it brings a plain one, so that one id follows it
    through all services.
    """

    def __init__(self, app: ASGIApp, telemetry: Telemetry) -> None:
        self._app = app
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        raw = scope.get("raw_path")
        if raw and scope["path"].startswith(API):
            scope["path"] = raw.partition(b"?")[0].decode("latin-1")
        name = _name(scope)
        scope.setdefault("state", {})["request_id"] = name.decode()
        status = 500
        start = time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", name)]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", None) or "other"
            method = scope["method"] if route != "other" else "any"
            seconds = time.perf_counter() - start
            self._telemetry.request(method, route, status, seconds)
            if ACCESS.isEnabledFor(logging.INFO):
                ACCESS.info(_line(scope, name, route, status, seconds))


def _name(scope: Scope) -> bytes:
    """The request's id: its own, if that is one that may stand in a log."""
    own = next((value for key, value in scope["headers"] if key == b"x-request-id"), b"")
    return own if _ID.fullmatch(own) else uuid.uuid4().hex.encode()


def _line(scope: Scope, name: bytes, route: str, status: int, seconds: float) -> str:
    """What the access log says. Of the address only the pattern: it may name people."""
    said = {
        "time": time.time(),
        "id": name.decode(),
        "client": (scope.get("client") or (None,))[0],
        "key": scope.get("state", {}).get("key"),
        "method": scope["method"],
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 3),
    }
    return msgspec.json.encode(said).decode()
