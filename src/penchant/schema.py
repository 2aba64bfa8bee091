# SPDX-License-Identifier: Apache-2.0
"""What a data set holds: its tables, the kind of each column, its event types.

Names of the canonical columns live here and nowhere else. After ingestion every table has them:

========  =================================================================================
events    user_id, item_id, time (Int64, microseconds since 1970 UTC), type (String),
          value (Float64, null where there is none); sorted by time, ties in the file's order;
          beside them those of `EVENT_EXTRAS` that the source has, and the columns of
          `Schema.context`
items     item_id, and the columns of `Schema.items`
users     user_id, and the columns of `Schema.users`
reviews   user_id, item_id, time (null where the source has none: then it is never used), text
          (String), rating (Float64); sorted by time
social    user_id, friend_id, weight (Float64, 1 where the source has none), time (Int64, null
          where the source has none: then the friendship always was)
========  =================================================================================

Ids are Int64 or String, whichever they were in the source, and come back as they went in.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

USER = "user_id"
ITEM = "item_id"
TIME = "time"
TYPE = "type"
VALUE = "value"
EVENT_COLUMNS = (USER, ITEM, TIME, TYPE, VALUE)

DWELL = "dwell"
"""Seconds that somebody stayed."""
AMOUNT = "amount"
"""Money, in the source's currency; negative for a return."""
QUANTITY = "quantity"
"""Pieces; negative for a return."""
SESSION = "session"
"""Which visit of the user it was: the source's name for it, or a number that ingestion gave."""
POSITION = "position"
"""Of an impression: its place in the list that was shown, from 1."""
PROPENSITY = "propensity"
"""Of an impression: the probability with which the logging policy showed it there."""
EVENT_EXTRAS = (DWELL, AMOUNT, QUANTITY, SESSION, POSITION, PROPENSITY)
"""Optional columns of events: Float64, but String for `session` and Int64 for `position`."""

TEXT = "text"
RATING = "rating"
REVIEW_COLUMNS = (USER, ITEM, TIME, TEXT, RATING)
FRIEND = "friend_id"
WEIGHT = "weight"
SOCIAL_COLUMNS = (USER, FRIEND, WEIGHT, TIME)

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
    """A picture: where it lies, relative to its table, or an address (String), or its bytes (Binary)."""
    AUDIO = "audio"
    """A sound: as a picture."""
    VECTOR = "vector"
    """A ready-made vector; stored as List(Float32), all of one length."""
    TIME = "time"
    """A moment; stored as Int64, microseconds since 1970 UTC."""
    ID = "id"
    """The name of something that has no table (a seller, a director); stored as String."""


class Meaning(StrEnum):
    """What people mean by an event."""

    IMPRESSION = "impression"
    """It was shown; that alone says nothing of the person."""
    VIEW = "view"
    CLICK = "click"
    CART = "cart"
    PURCHASE = "purchase"
    RETURN = "return"
    """A purchase was undone."""
    RATING = "rating"
    """`value` says how much they liked it."""
    LIKE = "like"
    DISLIKE = "dislike"
    SHARE = "share"
    PLAY = "play"
    SKIP = "skip"
    OTHER = "other"


class EventType(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an event of one type says of a person's taste."""

    meaning: Meaning = Meaning.OTHER
    strength: float = 1.0
    """How much it says, against other types; at least 0."""
    sign: Literal[-1, 0, 1] = 1
    """1: they lean towards the item; -1: away from it; 0: it says nothing of taste."""


class IdType(StrEnum):
    """How ids were written in the source."""

    INTEGER = "integer"
    STRING = "string"


class Column(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One column of the item or user table."""

    kind: Kind
    separator: str | None = None
    """For tags, and for a vector written as text: what stands between the parts (for example `|`)."""
    pattern: str | None = None
    """For pictures and sounds: where the file of an item lies, such as `posters/{id}.*`, relative to the table;
    the table then needs no column of that name."""
    time_format: str | None = None
    """For a time: how text is written, as strftime has it, where it is not ISO 8601."""


class Schema(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a data set holds."""

    user_id: IdType
    item_id: IdType
    items: dict[str, Column] = {}
    users: dict[str, Column] = {}
    context: dict[str, Column] = {}
    """Further columns of events, each known when the event begins (a device, a price that was shown)."""
    extras: tuple[str, ...] = ()
    """Which of `EVENT_EXTRAS` the events have."""
    event_types: tuple[str, ...] = (DEFAULT_TYPE,)
    meanings: dict[str, EventType] = {}
    """By event type; a type that is absent here is an `EventType()`."""
    has_value: bool = False
    has_time: bool = True
    """False where the source gives only an order: gaps between events then mean nothing."""
    title: str | None = None
    """The item column that names an item to people."""
    image: str | None = None
    """The item column with the picture's path."""

    @property
    def shown(self) -> tuple[str, ...]:
        """The types of event by which something was shown, and nobody did anything."""
        return tuple(name for name, said in self.meanings.items() if said.meaning is Meaning.IMPRESSION)
