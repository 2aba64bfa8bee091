# SPDX-License-Identifier: Apache-2.0
"""Put the page at `/`, or a note that says how to get it."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

from penchant.errors import MissingExtraError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from penchant.serve.service import Service

_NOTE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Penchant</title>
<style>body{{font:16px/1.6 system-ui,sans-serif;max-width:34rem;margin:18vh auto;padding:0 1.5rem;color:#1c1b22}}
code{{background:#f1eff5;padding:.15em .4em;border-radius:.3em}}a{{color:#6d3df5}}
@media(prefers-color-scheme:dark){{body{{background:#121117;color:#eceaf2}}code{{background:#25232d}}}}</style>
<h1>Penchant is serving</h1><p>{message}</p>
<p>Programs find everything at <a href="/openapi.json">/openapi.json</a>.</p></html>"""


def mount(app: FastAPI, service: Service) -> None:
    """Add the page to `app`, made by `create_app`. Once in a process: NiceGUI keeps its pages for good."""
    if importlib.util.find_spec("nicegui"):
        importlib.import_module("penchant.console.page").mount(app, service)
        return
    note = _NOTE.format(message=MissingExtraError("This page", "console"))

    @app.get("/", include_in_schema=False, response_class=HTMLResponse)
    async def absent() -> HTMLResponse:
        return HTMLResponse(note)
