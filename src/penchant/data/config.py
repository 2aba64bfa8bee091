# SPDX-License-Identifier: Apache-2.0
"""The run file's `[data]`: which files hold which table, and which column is which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from penchant.data.checks import AT, ChecksConfig
from penchant.data.dataset import PART
from penchant.data.splits import SplitConfig
from penchant.data.times import TimeUnit
from penchant.errors import ConfigError
from penchant.schema import (
    AMOUNT,
    DEFAULT_TYPE,
    EVENT_COLUMNS,
    EVENT_EXTRAS,
    FRIEND,
    ITEM,
    TEXT,
    USER,
    Column,
    EventType,
    Kind,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Files = str | list[str]
"""A file, a pattern, or several of them, relative to the run file."""

Repeats = Literal["refuse", "merge"]

_NAME = r"^\w[\w .-]*$"
_SEPARATOR = Annotated[str, msgspec.Meta(min_length=1, max_length=1)]


class EventsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[data.events]`: where the events lie, and which column is which."""

    path: Files | None = None
    train: Files | None = None
    validation: Files | None = None
    test: Files | None = None
    validation_given: Files | None = None
    """Of users whom train does not have: what models are told before they are asked about `validation`."""
    test_given: Files | None = None
    """The same before they are asked about `test`."""
    separator: _SEPARATOR | None = None
    user_id: str = USER
    item_id: str = ITEM
    time: str | None = None
    time_unit: TimeUnit = TimeUnit.AUTO
    time_format: str | None = None
    """How text times are written, as strftime has it, where it is not ISO 8601."""
    type: str | None = None
    default_type: Annotated[str, msgspec.Meta(min_length=1)] = DEFAULT_TYPE
    """The type of events that name none."""
    value: str | None = None
    dwell: str | None = None
    """The column with the seconds that somebody stayed."""
    amount: str | None = None
    price: str | None = None
    """The column with the price of one piece, where none has the amount: that is price times quantity."""
    quantity: str | None = None
    session: str | None = None
    position: str | None = None
    propensity: str | None = None
    context: dict[str, Column] = {}
    """Further columns, each known when the event begins."""
    types: dict[str, EventType] = {}
    """What each event type means."""

    def __post_init__(self) -> None:
        """Either one table, or a ready split with a train part; and names that do not clash.

        Raises:
            ConfigError: names the key.
        """
        taken = {*EVENT_COLUMNS, *EVENT_EXTRAS, PART}
        check_columns("data.events.context", self.context, taken)
        split = any(files for part, files in self.parts().items() if part)
        if bool(self.path) == bool(split):
            raise ConfigError("[data.events] needs either path, or train (and validation, test) of a ready split")
        if split and not self.train:
            raise ConfigError("[data.events]: a ready split needs train")
        if self.price and (self.amount or not self.quantity):
            raise ConfigError(
                "[data.events] price needs quantity beside it, and no amount, which is their product"
            )

    def extras(self) -> dict[str, str]:
        """The source's column for each of the optional event columns that there are."""
        named = {name: getattr(self, name) for name in EVENT_EXTRAS} | ({AMOUNT: self.price} if self.price else {})
        return {name: column for name, column in named.items() if column is not None}

    def parts(self) -> dict[str | None, Files]:
        """The files of each part; the key None stands for the one table of a set without a ready split."""
        named: dict[str | None, Files | None] = {
            None: self.path,
            "train": self.train,
            "validation": self.validation,
            "test": self.test,
            "validation_given": self.validation_given,
            "test_given": self.test_given,
        }
        return {name: files for name, files in named.items() if files}


class ItemsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[data.items]`."""

    path: Files
    separator: _SEPARATOR | None = None
    item_id: str = ITEM
    title: str | None = None
    """The column that names an item to people; learned from only if `columns` names it too."""
    repeats: Repeats = "refuse"
    """What becomes of rows with one id: the first is kept, or they are merged, column by column the commonest."""
    columns: dict[str, Column] = {}

    def __post_init__(self) -> None:
        """No column takes the name of the id.

        Raises:
            ConfigError: names the column.
        """
        check_columns("data.items.columns", self.columns, {ITEM}, patterns=True)


class UsersConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[data.users]`."""

    path: Files
    separator: _SEPARATOR | None = None
    user_id: str = USER
    repeats: Repeats = "refuse"
    """As for items."""
    columns: dict[str, Column] = {}

    def __post_init__(self) -> None:
        """No column takes the name of the id.

        Raises:
            ConfigError: names the column.
        """
        check_columns("data.users.columns", self.columns, {USER})


class ReviewsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[data.reviews]`: what people wrote of items."""

    path: Files
    separator: _SEPARATOR | None = None
    user_id: str = USER
    item_id: str = ITEM
    text: str = TEXT
    """The column with what they wrote; "" where there is none."""
    rating: str | None = None
    time: str | None = None
    time_unit: TimeUnit = TimeUnit.AUTO
    time_format: str | None = None


class SocialConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[data.social]`: who is whose friend, or follows whom."""

    path: Files
    separator: _SEPARATOR | None = None
    user_id: str = USER
    friend_id: str = FRIEND
    weight: str | None = None
    time: str | None = None
    """The column that says since when; without one, they always were."""
    time_unit: TimeUnit = TimeUnit.AUTO
    time_format: str | None = None


class DataConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[data]`."""

    name: Annotated[str, msgspec.Meta(pattern=_NAME, max_length=100)]
    events: EventsConfig
    items: ItemsConfig | None = None
    users: UsersConfig | None = None
    reviews: ReviewsConfig | None = None
    social: SocialConfig | None = None
    checks: ChecksConfig = ChecksConfig()
    split: SplitConfig = SplitConfig()

    def blind(self) -> DataConfig:
        """The same without the files of the test part."""
        return msgspec.structs.replace(
            self, events=msgspec.structs.replace(self.events, test=None, test_given=None)
        )


def check_columns(
    where: str, columns: Mapping[str, Column], taken: Collection[str], *, patterns: bool = False
) -> None:
    """See that further columns have names of their own, and that `pattern` stands where it means something.

    Args:
        where: the table of the run file, for messages.
        columns: as the run file names them.
        taken: names that the table has already.
        patterns: whether cells may be found by the file's name.

    Raises:
        ConfigError: names the column.
    """
    for name, column in columns.items():
        if name in taken:
            what = "the id" if name in (USER, ITEM) and len(taken) == 1 else "a column that the table has already"
            raise ConfigError(f"[{where}]: {name!r} is the name of {what}; leave it out")
        if name == AT or name.startswith("_"):
            raise ConfigError(f"[{where}]: {name!r} begins with an underscore, as columns of Penchant's own do")
        if column.pattern is None:
            continue
        if not patterns or column.kind not in (Kind.IMAGE, Kind.AUDIO):
            raise ConfigError(f"[{where}] {name}: pattern is for pictures and sounds of items")
        if column.pattern.count("{id}") != 1:
            raise ConfigError(f'[{where}] {name}: pattern needs {{id}} once, as in "posters/{{id}}.*"')
