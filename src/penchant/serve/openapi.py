# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document: schemas from the msgspec structs that do the work, and an example for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from fastapi.openapi.utils import get_openapi

from penchant.serve import wire

if TYPE_CHECKING:
    from fastapi import FastAPI

_REFERENCE = "#/components/schemas/{name}"

_STRUCTS = (
    wire.NewEvent,
    wire.NewEvents,
    wire.ListRequest,
    wire.ItemBody,
    wire.NewItem,
    wire.NewItems,
    wire.ItemReceipt,
    wire.UserBody,
    wire.NewUser,
    wire.NewUsers,
    wire.UserReceipt,
    wire.Receipt,
    wire.Recommendations,
    wire.SimilarItems,
    wire.ItemCard,
    wire.UserCard,
    wire.SeenList,
    wire.SeenLists,
    wire.SeenReceipt,
    wire.ExperimentCards,
    wire.Readiness,
    wire.ErrorAnswer,
)

_REASON = wire.Reason(text="Because of The Lighthouse Clock", because=50, title="The Lighthouse Clock")
_EXAMPLES: dict[type[msgspec.Struct], Any] = {
    wire.Receipt: wire.Receipt(accepted=2, unknown_items=0, last_sequence=1042),
    wire.ItemReceipt: wire.ItemReceipt(accepted=1, new=1, recommendable=1),
    wire.UserReceipt: wire.UserReceipt(accepted=1, new=1),
    wire.Recommendations: wire.Recommendations(
        items=[
            wire.Recommendation(
                item_id=181, rank=1, score=7.31, title="A Map of Salt", has_image=False, reason=_REASON
            )
        ],
        known=True,
        bundle="20261125-sasrec",
    ),
    wire.SimilarItems: wire.SimilarItems(
        item_id=50,
        items=[wire.Similar(item_id=181, rank=1, score=0.83, title="A Map of Salt", has_image=False)],
    ),
    wire.ItemCard: wire.ItemCard(
        item_id=50,
        title="The Lighthouse Clock",
        has_image=True,
        features={"genres": ["Mystery"], "year": 1987},
        signals={"events": 583, "since_last": 41.5},
    ),
    wire.UserCard: wire.UserCard(
        user_id=196,
        known=True,
        events=39,
        features={"age": 49, "occupation": "writer"},
        signals={"events": 39, "since_last": 3600.0},
    ),
    wire.SeenReceipt: wire.SeenReceipt(accepted=1),
    wire.ExperimentCards: wire.ExperimentCards(
        experiments=[
            wire.ExperimentCard(
                name="longer histories",
                started=1_795_000_000_000_000,
                ended=None,
                metric="conversion",
                types=["watched"],
                hours=24.0,
                alpha=0.05,
                variants=[
                    wire.VariantCard(
                        name=name,
                        bundle=bundle,
                        share=0.5,
                        users=5210,
                        counted=4803,
                        mean=mean,
                        low=low,
                        high=high,
                    )
                    for name, bundle, mean, low, high in (
                        ("control", "20261118-sasrec", 0.211, 0.193, 0.229),
                        ("longer", "20261125-sasrec", 0.236, 0.217, 0.255),
                    )
                ],
                compared=[
                    wire.Compared(
                        variant="longer", control="control", difference=0.025, low=0.001, high=0.049, p=0.041
                    )
                ],
            )
        ]
    ),
    wire.Readiness: wire.Readiness(
        ready=True, bundle="20261125-sasrec", model="sasrec", items=1682, users=943, events_logged=1042
    ),
}

_EVENT = {"user_id": 196, "item_id": 50, "time": "2026-11-25T12:00:00Z", "type": "watched"}
EVENTS_BODY = {
    "one": {"summary": "one event", "value": _EVENT},
    "list": {"summary": "a list", "value": [_EVENT, {"user_id": "a stranger", "item_id": 181, "value": 4.5}]},
    "object": {"summary": "a list in an object", "value": {"events": [_EVENT]}},
}
SEEN_BODY = {
    "whole": {"summary": "a whole list", "value": {"impressions": [{"request_id": "page-8812"}]}},
    "part": {
        "summary": "its first two items",
        "value": {"impressions": [{"request_id": "page-8812", "items": [50, 181]}]},
    },
}
LIST_BODY = {
    "stranger": {"summary": "a stranger who watched one film", "value": {"history": [{"item_id": 50}]}},
    "ranking": {"summary": "three items, ranked for a user", "value": {"user_id": 196, "allow": [50, 181, 9]}},
    "wishes": {
        "summary": "a varied list of dramas for a user",
        "value": {
            "user_id": 196,
            "where": {"genres": {"any": ["Drama"]}},
            "caps": {"director": 1},
            "diversity": {"weight": 0.3},
        },
    },
}
_KNOWN = {"title": "A Map of Salt", "genres": ["Mystery"]}
ITEM_BODY = {
    "item": {"summary": "an item", "value": {"features": _KNOWN}},
    "sold out": {"summary": "it is not on offer", "value": {"available": False}},
}
_WHO = {"age": 31, "occupation": "librarian"}
USER_BODY = {"user": {"summary": "a user", "value": {"features": _WHO}}}
USERS_BODY = {
    "users": {
        "summary": "two users",
        "value": {"users": [{"user_id": 5001, "features": _WHO}, {"user_id": 196, "features": {"age": 50}}]},
    }
}
ITEMS_BODY = {
    "items": {
        "summary": "a new item, and a new title",
        "value": {"items": [{"item_id": 9001, "features": _KNOWN}, {"item_id": 50, "features": {"title": "It"}}]},
    }
}


def reference(shape: type[msgspec.Struct]) -> dict[str, Any]:
    """A JSON reference to the schema of `shape`."""
    return {"$ref": _REFERENCE.format(name=shape.__name__)}


def documented(shape: type[msgspec.Struct], *errors: tuple[int, str], body: Any = None) -> dict[str, Any]:
    """Keyword arguments for a route: what it answers when all is well, what else, and what it takes.

    Args:
        shape: of the answer with status 200.
        errors: (status, when).
        body: the OpenAPI media type object of the request's body.
    """
    media = {"schema": reference(shape), "example": msgspec.to_builtins(_EXAMPLES[shape])}
    responses: dict[int | str, Any] = {200: {"description": "Done", "content": {"application/json": media}}}
    responses |= failures(*errors)
    extra = {"requestBody": {"required": True, "content": {"application/json": body}}} if body else None
    return {"responses": responses, "openapi_extra": extra}


def failures(*errors: tuple[int, str]) -> dict[int | str, dict[str, Any]]:
    """The responses of a route that fails: (status, when)."""
    shape = {"application/json": {"schema": reference(wire.ErrorAnswer)}}
    return {status: {"description": when, "content": shape} for status, when in errors}


def events_schema() -> dict[str, Any]:
    """One event, a list, or an object with a list."""
    one = reference(wire.NewEvent)
    return {"anyOf": [one, {"type": "array", "items": one}, reference(wire.NewEvents)]}


def document(app: FastAPI) -> dict[str, Any]:
    """The whole OpenAPI document of `app`, made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        _, components = msgspec.json.schema_components(_STRUCTS, ref_template=_REFERENCE)
        made.setdefault("components", {})["schemas"] = components
        app.openapi_schema = made
    return app.openapi_schema
