# SPDX-License-Identifier: Apache-2.0
"""The service over HTTP: routes only. Whatever has to be known about recommending is in `service`.

The event loop reads and writes sockets and computes short answers; long ones run in a small pool of threads
(`turns`), and the event log has a thread of its own whose commits are awaited.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated

from fastapi import FastAPI, Path, Query, Request
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import FileResponse, Response
from starlette.routing import Match

from penchant import __version__
from penchant.serve import answers, openapi, wire
from penchant.serve.answers import answer, path_id, read_body, request_id
from penchant.serve.checks import decode, decode_events
from penchant.serve.edge import Edge
from penchant.serve.guard import Guard
from penchant.serve.shelf import image_type
from penchant.serve.telemetry import Telemetry
from penchant.serve.turns import Turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from penchant.serve.guard import Pace
    from penchant.serve.keys import Keys
    from penchant.serve.service import Service

_LARGE_BODY = 16 * 1024
"""Bytes; the events of a larger body are decoded in a thread."""

_DESCRIPTION = "Recommendations that follow each click. Ids are those of your data; in an address, write / as %2F."

_INVALID = (422, "A field does not hold what it should")
_NO_ITEM = (404, "The bundle does not hold this item")
_BODY = ((400, "The body is not JSON"), (413, "The body is too large"), _INVALID)
_UNWRITTEN = (503, "The items cannot be written: nothing was kept")
_UNSEEN = (409, "No impressions are written here")
_UNKEPT = (503, "The impressions cannot be written or read now")
_UNMET = (503, "The users cannot be written: nothing was kept")
_NOBODY = (404, "Nothing is known of this user")
_FULL = (503, "The event log cannot be written: nothing was kept")

UserId = Annotated[str, Path(description="a user id of the data, or anybody else's", examples=["196"])]
ItemId = Annotated[str, Path(description="an item id of the data", examples=["50"])]
K = Annotated[int, Query(description="how many items, 1 to 1000", examples=[10])]
ExcludeSeen = Annotated[bool, Query(description="leave out what the user already did")]


def create_app(
    service: Service, keys: Keys | None = None, pace: Pace | None = None, origins: Sequence[str] = ()
) -> FastAPI:
    """The web application that answers for `service`, in the threads of `app.state.pool`.

    It takes over the number of threads that torch has now. It does not close the service: who made it does.

    Args:
        service: what answers.
        keys: those that let in; None lets everybody in.
        pace: how many requests each client may make; None for any number.
        origins: sites whose pages may ask in a browser (CORS).
    """
    turns = Turns()
    telemetry = Telemetry(service.ready, service.offering.impressions)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        turns.close()

    app = FastAPI(
        title="Penchant",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.pool = turns.pool
    app.add_middleware(Guard, keys=keys, pace=pace)
    if origins:  # before the guard: a browser asks whether it may ask, and brings no key for that
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["authorization", "content-type", "x-api-key", "x-request-id"],
            expose_headers=["retry-after", "x-request-id"],
        )
    app.add_middleware(Edge, telemetry=telemetry)  # outermost: it also counts what the guard refuses
    app.openapi = partial(openapi.document, app)  # type: ignore[method-assign]
    answers.install(app)
    _add_recommendations(app, service, turns)
    _add_events(app, service, turns, telemetry)
    _add_impressions(app, service, turns)
    _add_items(app, service, turns)
    _add_users(app, service, turns)
    _add_operations(app, service, telemetry)
    return app


def _add_recommendations(app: FastAPI, service: Service, turns: Turns) -> None:
    @app.get(
        "/v1/users/{user_id:path}/recommendations",
        tags=["recommendations"],
        **openapi.documented(wire.Recommendations, _INVALID),
    )
    async def recommendations(
        request: Request, user_id: UserId, k: K = 10, exclude_seen: ExcludeSeen = True
    ) -> Response:
        """What to recommend to a user now, the last click included; somebody unknown is a stranger."""
        user = path_id(user_id, "user_id")
        return answer(await turns.take(service.recommend, user, k, exclude_seen, None, request_id(request)))

    body = {"schema": openapi.reference(wire.ListRequest), "examples": openapi.LIST_BODY}

    @app.post(
        "/v1/recommendations",
        tags=["recommendations"],
        **openapi.documented(wire.Recommendations, *_BODY, body=body),
    )
    async def recommendations_for(request: Request) -> Response:
        """What to recommend to a user, or to somebody with this history, as wished; nothing is written down."""
        asked = decode(await read_body(request), wire.ListRequest)
        return answer(await turns.take(service.recommend_as, asked, request_id(request)))


def _add_events(app: FastAPI, service: Service, turns: Turns, telemetry: Telemetry) -> None:
    body = {"schema": openapi.events_schema(), "examples": openapi.EVENTS_BODY}

    @app.post("/v1/events", tags=["events"], **openapi.documented(wire.Receipt, *_BODY, _FULL, body=body))
    async def add_events(request: Request) -> Response:
        """Write down what happened. The answer comes when it is on the disk and in the recommendations."""
        raw = await read_body(request)

        def submit() -> asyncio.Future[wire.Receipt]:
            return asyncio.wrap_future(service.submit(decode_events(raw)), loop=loop)

        loop = asyncio.get_running_loop()
        receipt = await (await turns.aside(submit) if len(raw) > _LARGE_BODY else submit())
        telemetry.events(receipt.accepted, receipt.unknown_items)
        return answer(receipt)


def _add_impressions(app: FastAPI, service: Service, turns: Turns) -> None:
    body = {"schema": openapi.reference(wire.SeenLists), "examples": openapi.SEEN_BODY}

    @app.post(
        "/v1/impressions",
        tags=["experiments"],
        **openapi.documented(wire.SeenReceipt, *_BODY, _UNSEEN, _UNKEPT, body=body),
    )
    async def add_impressions(request: Request) -> Response:
        """Say which lists, or which of their items, came to somebody's eyes."""
        said = decode(await read_body(request), wire.SeenLists)
        receipt: wire.SeenReceipt = await asyncio.wrap_future(service.confirm(said.impressions))
        return answer(receipt)

    @app.get("/v1/experiments", tags=["experiments"], **openapi.documented(wire.ExperimentCards, _UNKEPT))
    async def experiments() -> Response:
        """What each experiment has come to. It may be looked at as often as one likes."""
        return answer(await turns.aside(service.experiments))


def _add_items(app: FastAPI, service: Service, turns: Turns) -> None:
    @app.get(
        "/v1/items/{item_id:path}/similar",
        tags=["items"],
        **openapi.documented(wire.SimilarItems, _NO_ITEM, _INVALID),
    )
    async def similar(item_id: ItemId, k: K = 10) -> Response:
        """The items most like this one."""
        return answer(await turns.take(service.similar, path_id(item_id, "item_id"), k))

    @app.get(
        "/v1/items/{item_id:path}/image",
        tags=["items"],
        response_class=FileResponse,
        responses=openapi.failures((404, "There is no such item, or no picture of it"), _INVALID),
    )
    async def image(item_id: ItemId) -> Response:
        """The item's picture, if the data set has one."""
        path = await turns.aside(service.picture, path_id(item_id, "item_id"))
        if path is None:
            return answers.refuse(404, "no_image", f"There is no picture of item {item_id!r}", "item_id")
        headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
        if isinstance(path, bytes):
            return Response(path, media_type=image_type(path), headers=headers)
        return FileResponse(path, headers=headers)

    one = {"schema": openapi.reference(wire.ItemBody), "examples": openapi.ITEM_BODY}
    many = {"schema": openapi.reference(wire.NewItems), "examples": openapi.ITEMS_BODY}
    taken = openapi.documented(wire.ItemReceipt, *_BODY, _UNWRITTEN, body=one)

    @app.put("/v1/items/{item_id:path}", tags=["items"], **taken)
    async def put_item(item_id: ItemId, request: Request) -> Response:
        """Say all that is known of an item, new or not: it can be recommended before this answers."""
        body = decode(await read_body(request), wire.ItemBody)
        return answer(await turns.aside(service.put_item, path_id(item_id, "item_id"), body))

    @app.patch(
        "/v1/items/{item_id:path}",
        tags=["items"],
        **openapi.documented(wire.ItemReceipt, *_BODY, _NO_ITEM, _UNWRITTEN, body=one),
    )
    async def patch_item(item_id: ItemId, request: Request) -> Response:
        """Say some of what is known of an item, for example its price; the rest stays."""
        body = decode(await read_body(request), wire.ItemBody)
        return answer(await turns.aside(service.patch_item, path_id(item_id, "item_id"), body))

    @app.delete(
        "/v1/items/{item_id:path}",
        tags=["items"],
        **openapi.documented(wire.ItemReceipt, _NO_ITEM, _INVALID, _UNWRITTEN),
    )
    async def withdraw_item(item_id: ItemId) -> Response:
        """An item is not on offer any more. What people did with it stays known."""
        return answer(await turns.aside(service.withdraw_item, path_id(item_id, "item_id")))

    @app.post("/v1/items", tags=["items"], **openapi.documented(wire.ItemReceipt, *_BODY, _UNWRITTEN, body=many))
    async def add_items(request: Request) -> Response:
        """Say some of what is known of many items, new or not; all of them are taken, or none."""
        body = decode(await read_body(request), wire.NewItems)
        return answer(await turns.aside(service.add_items, body.items))

    @app.get("/v1/items/{item_id:path}", tags=["items"], **openapi.documented(wire.ItemCard, _NO_ITEM, _INVALID))
    async def item(item_id: ItemId) -> Response:
        """What is known of an item."""
        return answer(service.item(path_id(item_id, "item_id")))


def _add_users(app: FastAPI, service: Service, turns: Turns) -> None:
    one = {"schema": openapi.reference(wire.UserBody), "examples": openapi.USER_BODY}
    many = {"schema": openapi.reference(wire.NewUsers), "examples": openapi.USERS_BODY}

    @app.put(
        "/v1/users/{user_id:path}",
        tags=["users"],
        **openapi.documented(wire.UserReceipt, *_BODY, _UNMET, body=one),
    )
    async def put_user(user_id: UserId, request: Request) -> Response:
        """Say who a user is, known or not: the next answer knows it."""
        body = decode(await read_body(request), wire.UserBody)
        return answer(await turns.aside(service.put_user, path_id(user_id, "user_id"), body))

    @app.patch(
        "/v1/users/{user_id:path}",
        tags=["users"],
        **openapi.documented(wire.UserReceipt, *_BODY, _NOBODY, _UNMET, body=one),
    )
    async def patch_user(user_id: UserId, request: Request) -> Response:
        """Say some of who a user is; the rest stays."""
        body = decode(await read_body(request), wire.UserBody)
        return answer(await turns.aside(service.patch_user, path_id(user_id, "user_id"), body))

    @app.delete(
        "/v1/users/{user_id:path}",
        tags=["users"],
        **openapi.documented(wire.UserReceipt, _NOBODY, _INVALID, _UNMET),
    )
    async def forget_user(user_id: UserId) -> Response:
        """Who a user is is not known any more. What they did stays known."""
        return answer(await turns.aside(service.forget_user, path_id(user_id, "user_id")))

    @app.post("/v1/users", tags=["users"], **openapi.documented(wire.UserReceipt, *_BODY, _UNMET, body=many))
    async def add_users(request: Request) -> Response:
        """Say some of who many users are, known or not; all of them are taken, or none."""
        body = decode(await read_body(request), wire.NewUsers)
        return answer(await turns.aside(service.add_users, body.users))

    @app.get("/v1/users/{user_id:path}", tags=["users"], **openapi.documented(wire.UserCard, _INVALID))
    async def user_card(user_id: UserId) -> Response:
        """What is known of a user: profile, how much they did, and aggregates of it."""
        return answer(await turns.take(service.user, path_id(user_id, "user_id")))


def _add_operations(app: FastAPI, service: Service, telemetry: Telemetry) -> None:
    @app.get("/healthz", tags=["operations"], response_class=Response)
    async def alive() -> Response:
        """The process answers."""
        return Response(b'{"status":"ok"}', media_type="application/json")

    @app.get("/readyz", tags=["operations"], **openapi.documented(wire.Readiness, (503, "Not ready")))
    async def ready() -> Response:
        """The service can answer requests, and with which bundle."""
        state = service.ready()
        return answer(state, 200 if state.ready else 503)

    @app.get("/metrics", tags=["operations"], response_class=Response)
    async def metrics() -> Response:
        """Numbers for Prometheus."""
        return Response(telemetry.render(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.api_route("/v1/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    async def nothing(request: Request) -> Response:
        """Programs that lost their way get JSON, also when a page for people is mounted at `/`."""
        partly = any(route.matches(request.scope)[0] is Match.PARTIAL for route in app.routes)
        raise HTTPException(405 if partly else 404)
