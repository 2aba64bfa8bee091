# SPDX-License-Identifier: Apache-2.0
"""What a profile of a data set holds: numbers only, ready for JSON; the page turns them into words and charts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all that a profile holds."""


class Sizes(Facts, frozen=True, kw_only=True):
    """How large the data set is.

    Attributes:
        events: rows of events.
        users: who have events.
        items: that have events.
        catalogue: rows of the item table.
        user_rows: rows of the user table.
        reviews: rows of reviews; None where there is no such table.
        social: rows of the social graph; None likewise.
        pairs: different pairs of user and item with an event.
        pairs_exact: whether `pairs` was counted, or estimated (within about 3 %) as there are too many.
        first: earliest time, microseconds since 1970; None where times are a mere order.
        last: latest time.
        parts: events of each part of the split.
    """

    events: int
    users: int
    items: int
    catalogue: int
    user_rows: int
    reviews: int | None
    social: int | None
    pairs: int
    pairs_exact: bool
    first: int | None
    last: int | None
    parts: dict[str, int]

    @property
    def density(self) -> float:
        """Of all pairs of a user and an item that have events, the share that has one together."""
        return self.pairs / max(self.users * self.items, 1)


class Histogram(Facts, frozen=True, kw_only=True):
    """Counts in bins that stand side by side.

    Attributes:
        starts: where each bin begins; one more than there are bins, the last being the end.
        counts: of each bin, by part or in all ("all").
    """

    starts: tuple[float, ...]
    counts: dict[str, tuple[int, ...]]


class Tail(Facts, frozen=True, kw_only=True):
    """How events are spread over users, or over items.

    Attributes:
        gini: 0 if all have as many, near 1 if few have nearly all.
        lorenz: at 0, 5, ... 100 % of them, the least active first, their share of all events.
        quantiles: events of one of them at 0, 25, 50, 75, 90, 99 and 100 %.
        once: the share that has a single event.
        top: share of events of the most active hundredth.
        lengths: how many have how many events, in bins of powers of two.
        leaders: the most active, each with a name for people and its events, the first first.
    """

    gini: float
    lorenz: tuple[float, ...]
    quantiles: tuple[float, ...]
    once: float
    top: float
    lengths: Histogram
    leaders: tuple[tuple[str, int], ...]


class TypeFacts(Facts, frozen=True, kw_only=True):
    """One event type: what it means, and how often it happened."""

    name: str
    meaning: str
    strength: float
    sign: int
    events: int
    users: int
    values: int
    """Events that carry a value."""


class ColumnFacts(Facts, frozen=True, kw_only=True):
    """One column of one table.

    Attributes:
        table: "events", "items", ...
        name: of the column.
        kind: what it holds, as the schema calls it.
        rows: of the table.
        missing: rows where it is empty.
        distinct: different values, estimated within about 3 % where rows are many.
        example: one value, short.
        quantiles: of numbers: least, 5 %, quarter, median, three quarters, 95 %, greatest.
        histogram: of numbers, between the 1 and 99 % quantiles.
        values: of words: the most frequent with their counts.
        sampled: rows that quantiles, histogram and values were taken from.
    """

    table: str
    name: str
    kind: str
    rows: int
    missing: int
    distinct: int
    example: str = ""
    quantiles: tuple[float, ...] = ()
    histogram: Histogram | None = None
    values: tuple[tuple[str, int], ...] = ()
    sampled: int = 0


class Coverage(Facts, frozen=True, kw_only=True):
    """How much of the catalogue has content of one kind.

    Attributes:
        column: of the item table.
        kind: "text", "image", "audio" or "vector".
        items: rows of the item table.
        present: rows that name something.
        events: share of events whose item names something.
        absent: files that are named but not there; None where the column names no files.
        broken: of `looked`, those that cannot be what their name says.
        looked: files whose first and last bytes were looked at.
        examples: some that are absent or broken, with what is wrong.
    """

    column: str
    kind: str
    items: int
    present: int
    events: float
    absent: int | None = None
    broken: int = 0
    looked: int = 0
    examples: tuple[str, ...] = ()


class Fallen(Facts, frozen=True, kw_only=True):
    """Rows of one table that fell by one rule."""

    table: str
    rule: str
    count: int
    share: float
    """Of the rows that came in."""
    file: str
    row: int
    reason: str
    """Of the first such row."""
    reasons: dict[str, int] = {}
    """How many fell for which, where a rule has several."""


class Drift(Facts, frozen=True, kw_only=True):
    """How one thing differs between train and test.

    Attributes:
        name: of the thing.
        measure: "PSI" or "KS".
        value: the number.
        verdict: "alike", "shifted" or "different".
        shares: for a chart: of each word or bin, its share in train and in test.
    """

    name: str
    measure: Literal["PSI", "KS"]
    value: float
    verdict: Literal["alike", "shifted", "different"]
    shares: tuple[tuple[str, float, float], ...]


class Newcomers(Facts, frozen=True, kw_only=True):
    """What the test part holds that train never saw.

    Attributes:
        users: share of the test part's users.
        user_events: share of its events that are theirs.
        items: share of the test part's items.
        item_events: share of its events that are with them.
    """

    users: float
    user_events: float
    items: float
    item_events: float


class Finding(Facts, frozen=True, kw_only=True):
    """Something that looks wrong, or that one should know.

    Attributes:
        level: "warn" if models or measurements are likely to suffer, else "note".
        title: in a few words.
        words: with the numbers.
        advice: what to do about it.
    """

    level: Literal["warn", "note"]
    title: str
    words: str
    advice: str = ""


class Profile(Facts, frozen=True, kw_only=True):
    """All that a page tells of a data set."""

    name: str
    clock: bool
    split: str
    sizes: Sizes
    over_time: Histogram
    time_unit: str
    """Of the bins of `over_time`: "minute", "hour", "day", "week", "month", "year" or "position"."""
    hours: tuple[int, ...]
    """Events in each hour of the day, UTC; empty without a clock."""
    users: Tail
    items: Tail
    types: tuple[TypeFacts, ...]
    columns: tuple[ColumnFacts, ...]
    coverage: tuple[Coverage, ...]
    rows_in: dict[str, int]
    kept: dict[str, int]
    fallen: tuple[Fallen, ...]
    newcomers: Newcomers | None
    drift: tuple[Drift, ...]
    findings: tuple[Finding, ...]
    versions: dict[str, str]
    created: str = msgspec.field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
