# SPDX-License-Identifier: Apache-2.0
"""What requests say that people did, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penchant.serve.checks import (
    LARGEST_BATCH,
    LARGEST_K,
    FieldError,
    check_batch,
    check_id,
    check_more,
    check_name,
    check_time,
    check_type,
    check_value,
)
from penchant.serve.eventtable import REQUEST, Event
from penchant.serve.impressiontable import Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penchant.features.live import More
    from penchant.schema import Schema
    from penchant.serve.wire import HistoryEvent, Id, NewEvent, SeenList

LONGEST_REQUEST = 128
"""Characters of a request's id."""


def events_of(events: Sequence[NewEvent], schema: Schema, now: int) -> list[Event]:
    """Events as the log takes them.

    Args:
        events: as they came.
        schema: of the running bundle.
        now: microseconds since 1970.

    Raises:
        FieldError: names the index and the field of the first event that cannot be taken.
    """
    check_batch(events, "events")
    default = schema.event_types[0]
    return [
        Event(
            user_id=check_id(event.user_id, schema.user_id, f"events[{index}].user_id"),
            item_id=check_id(event.item_id, schema.item_id, f"events[{index}].item_id"),
            time=check_time(event.time, now, f"events[{index}].time"),
            type=check_type(event.type, default, f"events[{index}].type"),
            value=check_value(event.value, f"events[{index}].value"),
            more=_more(event, schema, now, f"events[{index}]"),
            event_id=check_name(event.event_id, f"events[{index}].event_id"),
        )
        for index, event in enumerate(events)
    ]


def seen_of(lists: Sequence[SeenList], schema: Schema, now: int) -> list[Seen]:
    """Lists that came to somebody's eyes; arguments and errors as of `events_of`."""
    if len(lists) > LARGEST_BATCH:
        raise FieldError("impressions", f"at most {LARGEST_BATCH:,} at once, these are {len(lists):,}")
    return [_seen(one, schema, now, f"impressions[{index}]") for index, one in enumerate(lists)]


def _seen(one: SeenList, schema: Schema, now: int, field: str) -> Seen:
    if len(one.items or []) > LARGEST_K:
        raise FieldError(f"{field}.items", f"at most {LARGEST_K:,}, these are {len(one.items or []):,}")
    items = [check_id(item, schema.item_id, f"{field}.items[{at}]") for at, item in enumerate(one.items or [])]
    if len(one.request_id) > LONGEST_REQUEST:
        raise FieldError(f"{field}.request_id", f"must be at most {LONGEST_REQUEST} characters long")
    check_name(one.request_id, f"{field}.request_id")
    return Seen(
        request_id=one.request_id,
        time=check_time(one.time, now, f"{field}.time"),
        items=None if one.items is None else items,
    )


def _more(event: NewEvent, schema: Schema, now: int, field: str) -> More | None:
    """What an event says beyond, and which answer led to it: a column of the data of that name goes before."""
    said = check_more(event, schema.context, now, field)
    request = check_name(event.request_id, f"{field}.request_id")
    return said if request is None else {REQUEST: request, **(said or {})}


def history_of(
    history: Sequence[HistoryEvent], schema: Schema, now: int
) -> list[tuple[Id, int, str, float | None, More | None]]:
    """A history in a request as (item, time, type, value, more); arguments and errors as of `events_of`."""
    check_batch(history, "history")
    default = schema.event_types[0]
    return [
        (
            check_id(event.item_id, schema.item_id, f"history[{index}].item_id"),
            check_time(event.time, now, f"history[{index}].time"),
            check_type(event.type, default, f"history[{index}].type"),
            check_value(event.value, f"history[{index}].value"),
            check_more(event, schema.context, now, f"history[{index}]"),
        )
        for index, event in enumerate(history)
    ]
