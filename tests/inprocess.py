# SPDX-License-Identifier: Apache-2.0
"""A client that talks to an app in this process, without a socket."""

import asyncio
from functools import partialmethod

import httpx


class Client:
    """Use in a `with`: the app starts and ends with it.

    Args:
        app: a FastAPI app.
        strict: whether an error that the app did not foresee is raised here, beside the 500 that it answers.
    """

    def __init__(self, app, *, strict=True):
        self._app = app
        transport = httpx.ASGITransport(app, raise_app_exceptions=strict)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://test")

    def __enter__(self):
        self._loop = asyncio.Runner()
        self._life = self._app.router.lifespan_context(self._app)
        self._loop.run(self._life.__aenter__())
        return self

    def __exit__(self, *_):
        self._loop.run(self._life.__aexit__(None, None, None))
        self._loop.run(self._client.aclose())
        self._loop.close()

    def request(self, method, address, **how):
        return self._loop.run(self._client.request(method, address, **how))

    get = partialmethod(request, "GET")
    post = partialmethod(request, "POST")
    delete = partialmethod(request, "DELETE")
