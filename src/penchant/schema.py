# SPDX-License-Identifier: Apache-2.0
"""What a data set holds: its tables, the kind of each column, its event types.

Names of the canonical columns live here and nowhere else. After ingestion every table has them:

========  =================================================================================
events    user_id, item_id, time (Int64, microseconds since 1970 UTC), type (String),
          value (Float64, null where there is none); sorted by time, ties in the file's order
items     item_id, and the columns of `Schema.items`
users     user_id, and the columns of `Schema.users`
========  =================================================================================

Ids are Int64 or String, whichever they were in the source, and come back as they went in.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

USER = "user_id"
ITEM = "item_id"
TIME = "time"
TYPE = "type"
VALUE = "value"
EVENT_COLUMNS = (USER, ITEM, TIME, TYPE, VALUE)

MICROSECONDS = 1_000_000
"""Ticks of `time` in one second."""

DEFAULT_TYPE = "event"
"""The type of events whose source names none."""


class Kind(StrEnum):
    """How a column of the item or user table is read."""

    NUMBER = "number"
    """A quantity; stored as Float64."""
    CATEGORY = "category"
    """One word out of a list; stored as String."""
    TAGS = "tags"
    """Several words out of a list; stored as List(String)."""
    TEXT = "text"
    """Free text in any language; stored as String."""
    IMAGE = "image"
    """Where a picture lies, relative to its table; stored as String. Shown to people, not learned from yet."""


class IdType(StrEnum):
    """How ids were written in the source."""

    INTEGER = "integer"
    STRING = "string"


class Column(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One column of the item or user table."""

    kind: Kind
    separator: str | None = None
    """For tags: what stands between them in the source (for example `|`)."""


class Schema(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a data set holds."""

    user_id: IdType
    item_id: IdType
    items: dict[str, Column] = {}
    users: dict[str, Column] = {}
    event_types: tuple[str, ...] = (DEFAULT_TYPE,)
    has_value: bool = False
    has_time: bool = True
    """False where the source gives only an order: gaps between events then mean nothing."""
    title: str | None = None
    """The item column that names an item to people."""
    image: str | None = None
    """The item column with the picture's path."""
