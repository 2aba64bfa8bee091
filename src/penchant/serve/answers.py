# SPDX-License-Identifier: Apache-2.0
"""Between HTTP and the service: bodies read with a limit, answers written by msgspec, errors of one shape."""

from __future__ import annotations

import http
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from penchant.errors import PenchantError
from penchant.recommend.errors import WishError
from penchant.serve.checks import FieldError, NotJSONError, UnavailableError, UnknownItemError, UnknownUserError
from penchant.serve.eventlog import EventLogError
from penchant.serve.impressions import ImpressionError
from penchant.serve.itemstore import ItemStoreError
from penchant.serve.userstore import UserStoreError
from penchant.serve.wire import ErrorAnswer, Problem

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

LOG = logging.getLogger(__name__)

BODY_LIMIT = 2 * 1024 * 1024
"""Bytes."""

_ENCODE = msgspec.json.Encoder().encode

_STATUS: dict[type[PenchantError], tuple[int, str]] = {
    FieldError: (422, "invalid_field"),
    NotJSONError: (400, "not_json"),
    UnavailableError: (409, "unavailable"),
    ImpressionError: (503, "impressions_unavailable"),
    UnknownItemError: (404, "unknown_item"),
    UnknownUserError: (404, "unknown_user"),
    WishError: (422, "invalid_field"),
    EventLogError: (503, "event_log_unavailable"),
    ItemStoreError: (503, "items_unavailable"),
    UserStoreError: (503, "users_unavailable"),
}


class BodyTooLargeError(PenchantError):
    """The body is larger than the service reads."""


_STATUS[BodyTooLargeError] = (413, "body_too_large")


def answer(value: msgspec.Struct, status: int = 200) -> Response:
    """A struct as a JSON response."""
    return Response(_ENCODE(value), status, media_type="application/json")


def refuse(status: int, code: str, message: str, field: str | None = None) -> Response:
    """An error response."""
    response = answer(ErrorAnswer(error=Problem(code=code, message=message, field=field)), status)
    if status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "5"
    return response


async def read_body(request: Request) -> bytes:
    """The body, never holding more than the limit and one chunk.

    Raises:
        BodyTooLargeError: it is, or says that it is, larger than `BODY_LIMIT`.
    """
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said[:20]) > BODY_LIMIT:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise _too_large()
    return bytes(body)


def request_id(request: Request) -> str:
    """The request's id, as `Edge` has settled it."""
    found: str = request.scope.get("state", {}).get("request_id", "")
    return found


def path_id(raw: str, field: str) -> str:
    """An id out of the address, which `Edge` has left percent-encoded."""
    try:
        return unquote(raw, errors="strict")
    except UnicodeDecodeError:
        raise FieldError(field, "is not percent-encoded UTF-8") from None


def install(app: FastAPI) -> None:
    """Give every error of `app` the one shape."""
    app.add_exception_handler(PenchantError, _penchant)
    app.add_exception_handler(RequestValidationError, _parameters)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def _too_large() -> BodyTooLargeError:
    return BodyTooLargeError(
        f"The body is larger than {BODY_LIMIT // 2**20} MiB: send the events in several requests"
    )


def _penchant(_request: Request, error: Exception) -> Response:
    status, code = next((told for kind, told in _STATUS.items() if isinstance(error, kind)), (422, "bad_request"))
    return refuse(status, code, str(error), getattr(error, "field", None))


def _parameters(_request: Request, error: Exception) -> Response:
    first: dict[str, Any] = error.errors()[0]  # type: ignore[attr-defined]
    field = str(first["loc"][-1])
    return refuse(422, "invalid_field", f"{field}: {first['msg']}", field)


def _http(_request: Request, error: Exception) -> Response:
    status: int = error.status_code  # type: ignore[attr-defined]
    phrase = http.HTTPStatus(status).phrase
    return refuse(status, phrase.lower().replace(" ", "_"), f"{phrase}: /openapi.json says what there is")


def _unforeseen(request: Request, error: Exception) -> Response:
    LOG.error("no answer to %s %s", request.method, request.url.path, exc_info=error)
    return refuse(500, "internal", "The service failed at this request; its log says why")
