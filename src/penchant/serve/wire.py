# SPDX-License-Identifier: Apache-2.0
"""What is asked of the service and what it answers, as structs; JSON in and out follows from them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from penchant.recommend.wishes import Wishes

Id = int | str
Described = msgspec.Meta

_TIME = "ISO-8601 text (UTC where it names no zone) or seconds since 1970; left out: now"


class _Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Strict: a key that means nothing here is refused, not ignored."""


class HistoryEvent(_Request, frozen=True, kw_only=True):
    """One thing that the person asked about did."""

    item_id: Annotated[Id, Described(description="with which item", examples=[50])]
    time: Annotated[str | int | float | None, Described(description=_TIME, examples=["2026-11-25T12:00:00Z"])] = (
        None
    )
    type: Annotated[str | None, Described(description="how; left out: the first type of the data set")] = None
    value: Annotated[float | None, Described(description="how much, for example a rating")] = None
    dwell: Annotated[float | None, Described(description="seconds that they stayed")] = None
    amount: Annotated[float | None, Described(description="money; negative for a return")] = None
    quantity: Annotated[float | None, Described(description="pieces; negative for a return")] = None
    context: Annotated[
        dict[str, str | float | None] | None,
        Described(description="what was known when it began, by column of the data's [data.events.context]"),
    ] = None


class NewEvent(HistoryEvent, frozen=True, kw_only=True):
    """One thing that somebody did."""

    user_id: Annotated[Id, Described(description="who", examples=[196])]
    event_id: Annotated[
        str | None, Described(description="its own name: sent again after a lost answer, it is not written again")
    ] = None
    request_id: Annotated[
        str | None, Described(description="of the answer whose list led to it, where that is known")
    ] = None


class NewEvents(_Request, frozen=True, kw_only=True):
    """Many events at once."""

    events: list[NewEvent]


class SeenList(_Request, frozen=True, kw_only=True):
    """What of a list came to somebody's eyes."""

    request_id: Annotated[str, Described(description="of the answer", examples=["page-8812"])]
    items: Annotated[list[Id] | None, Described(description="which of its items; left out: all of them")] = None
    time: Annotated[str | int | float | None, Described(description=_TIME)] = None


class SeenLists(_Request, frozen=True, kw_only=True):
    """What of several lists came to somebody's eyes."""

    impressions: list[SeenList]


class SeenReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen is on the disk."""

    accepted: int


class ListRequest(Wishes, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to recommend, to whom, and what else is wished of the list."""

    user_id: Annotated[Id | None, Described(description="somebody of the data, or a stranger")] = None
    history: Annotated[
        list[HistoryEvent] | None, Described(description="what they did, oldest first, in place of user_id")
    ] = None
    k: Annotated[int, Described(description="how many items, 1 to 1000")] = 10
    exclude_seen: Annotated[bool, Described(description="leave out what they already did")] = True


FeatureValue = str | float | list[str | float] | None


class ItemBody(_Request, frozen=True, kw_only=True):
    """What is known of an item."""

    features: Annotated[
        dict[str, FeatureValue],
        Described(
            description="by column of the items: text, a number, a list of words or numbers, a time as in events; "
            "a picture or sound as base64; null for nothing",
            examples=[{"title": "A Map of Salt", "genres": ["Mystery"], "year": 2026}],
        ),
    ] = {}
    available: Annotated[
        bool | None, Described(description="whether it is on offer; left out: as it was, and true for a new item")
    ] = None


class NewItem(ItemBody, frozen=True, kw_only=True):
    """An item, and what is known of it."""

    item_id: Annotated[Id, Described(description="which", examples=[50])]


class NewItems(_Request, frozen=True, kw_only=True):
    """Many items at once."""

    items: list[NewItem]


class UserBody(_Request, frozen=True, kw_only=True):
    """Who a user is."""

    features: Annotated[
        dict[str, FeatureValue],
        Described(
            description="by column of the users: text, a number, a list of words or numbers, a time as in events; "
            "null for nothing",
            examples=[{"age": 31, "occupation": "librarian"}],
        ),
    ] = {}


class NewUser(UserBody, frozen=True, kw_only=True):
    """A user, and who they are."""

    user_id: Annotated[Id, Described(description="who", examples=[196])]


class NewUsers(_Request, frozen=True, kw_only=True):
    """Many users at once."""

    users: list[NewUser]


class UserReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What was said of users is on the disk, and their next answers know of it."""

    accepted: int
    new: int
    """Of how many of them nothing was known before."""


class ItemReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """The items are on the disk, and the next answer knows of them."""

    accepted: int
    new: int
    """How many of them the service did not know before."""
    recommendable: int
    """How many of them can be recommended now: they are on offer, and the model can tell who likes them. A model
    of ids alone knows nothing of an item that it did not learn."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The events are on the disk."""

    accepted: int
    unknown_items: int
    """How many of them name an item that the running bundle does not hold. They are kept all the same."""
    last_sequence: int | None
    """The number of the last of them in the log; null for an empty list."""
    repeated: int = 0
    """How many of them were there already, by their `event_id`, and are not there twice."""


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why an item is recommended.

    Attributes:
        text: a sentence for people.
        because: the item of the history that the recommended one is nearest to; null if there is none.
        title: that item's title.
    """

    text: str
    because: Id | None = None
    title: str | None = None


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """One recommended item; `rank` starts at 1, a higher `score` is better."""

    item_id: Id
    rank: int
    score: float
    title: str | None
    has_image: bool
    reason: Reason


class Recommendations(msgspec.Struct, frozen=True, kw_only=True):
    """A ranked list, best first.

    Attributes:
        known: whether anything is known of this user.
        bundle: the id of the bundle that answered.
        request_id: by which `POST /v1/impressions` names this list; also in the header `X-Request-ID`.
    """

    items: list[Recommendation]
    known: bool
    bundle: str
    request_id: str = ""


class Similar(msgspec.Struct, frozen=True, kw_only=True):
    """One item that is like another."""

    item_id: Id
    rank: int
    score: float
    title: str | None
    has_image: bool


class SimilarItems(msgspec.Struct, frozen=True, kw_only=True):
    """Items like `item_id`, nearest first; empty if the model knows no likeness between items."""

    item_id: Id
    items: list[Similar]


class ItemCard(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an item.

    Attributes:
        signals: aggregates of what was done with it and written of it up to now, by name; null where there is
            nothing to tell. Empty where the bundle has none.
    """

    item_id: Id
    title: str | None
    has_image: bool
    features: dict[str, Any]
    signals: dict[str, float | None] = {}


class UserCard(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a user.

    Attributes:
        known: whether that is anything.
        events: how many events of items that the bundle holds.
        features: what the user table says, if it names them.
        signals: aggregates of what they and their friends did up to now, as in `ItemCard`.
    """

    user_id: Id
    known: bool
    events: int
    features: dict[str, Any]
    signals: dict[str, float | None]


class VariantCard(msgspec.Struct, frozen=True, kw_only=True):
    """One variant of an experiment.

    Attributes:
        users: how many were shown a list.
        counted: of how many the time in which what they do counts is over.
        mean: their mean outcome, and an interval that holds the truth at all times at once; null where nothing can
            be said yet.
    """

    name: str
    bundle: str
    share: float
    users: int
    counted: int
    mean: float | None
    low: float | None
    high: float | None


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """How much more one variant's mean outcome is than the first one's.

    Attributes:
        p: always valid: it may be looked at as often as one likes.
    """

    variant: str
    control: str
    difference: float | None
    low: float | None
    high: float | None
    p: float


class ExperimentCard(msgspec.Struct, frozen=True, kw_only=True):
    """What an experiment has come to; times in microseconds since 1970."""

    name: str
    started: int
    ended: int | None
    metric: str
    types: list[str]
    hours: float
    alpha: float
    variants: list[VariantCard]
    compared: list[Compared]


class ExperimentCards(msgspec.Struct, frozen=True, kw_only=True):
    """All experiments, newest first."""

    experiments: list[ExperimentCard]


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the service answers, and with what."""

    ready: bool
    bundle: str
    model: str
    items: int
    users: int
    events_logged: int


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What was wrong: `code` for programs, `message` for people, `field` if it lies in one."""

    code: str
    message: str
    field: str | None = None


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The one shape of every error."""

    error: Problem
