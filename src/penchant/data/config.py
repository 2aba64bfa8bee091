# SPDX-License-Identifier: Apache-2.0
"""The run file's `[data]`: which files hold the events, items and users, and which column is which."""

from __future__ import annotations

from typing import Annotated

import msgspec

from penchant.data.checks import ChecksConfig
from penchant.data.splits import SplitConfig
from penchant.data.times import TimeUnit
from penchant.errors import ConfigError
from penchant.schema import DEFAULT_TYPE, ITEM, USER, Column

Files = str | list[str]
"""A file, a pattern, or several of them, relative to the run file."""

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

    def __post_init__(self) -> None:
        """Either one table, or a ready split with a train part."""
        split = any(self.parts()[name] for name in self.parts() if name)
        if bool(self.path) == bool(split):
            raise ConfigError("[data.events] needs either path, or train (and validation, test) of a ready split")
        if split and not self.train:
            raise ConfigError("[data.events]: a ready split needs train")

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
    columns: dict[str, Column] = {}


class UsersConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[data.users]`."""

    path: Files
    separator: _SEPARATOR | None = None
    user_id: str = USER
    columns: dict[str, Column] = {}


class DataConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[data]`."""

    name: Annotated[str, msgspec.Meta(pattern=_NAME, max_length=100)]
    events: EventsConfig
    items: ItemsConfig | None = None
    users: UsersConfig | None = None
    checks: ChecksConfig = ChecksConfig()
    split: SplitConfig = SplitConfig()
