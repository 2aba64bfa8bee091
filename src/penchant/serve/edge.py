# SPDX-License-Identifier: Apache-2.0
"""What every request passes first: the address as it was written, and the clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from penchant.serve.telemetry import Telemetry

API = "/v1/"


class Edge:
    """ASGI middleware.

    Servers decode the address before routing, so `/v1/items/a%2Fsimilar` would mean the same as
    `/v1/items/a/similar` and an id with a slash could not be told from a longer path. Under `/v1/` routing
    therefore sees the address still encoded; handlers decode the id (`answers.path_id`).
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
        status = 500
        start = time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", None) or "other"
            method = scope["method"] if route != "other" else "any"
            self._telemetry.request(method, route, status, time.perf_counter() - start)
