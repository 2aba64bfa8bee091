# SPDX-License-Identifier: Apache-2.0
"""The feature space: raw rows to tensors, the same from a file and from a request.

It is fitted on what training may see and on nothing else: an item or a word that turns up later is unknown.
It travels in the bundle with the model that was trained in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl
import torch
from torch import Tensor

from penchant import registry
from penchant.batch import History, Items, Sizes, Users
from penchant.content.choices import ContentConfig
from penchant.content.library import Library
from penchant.errors import ConfigError, nearest
from penchant.features import history
from penchant.features.catalogue import Catalogue
from penchant.features.columns import COLUMNS, CategoryColumn, ColumnState, NumberColumn, TagsColumn
from penchant.features.content import ContentColumns, EncoderState, column_of
from penchant.features.vocabulary import Vocabulary
from penchant.schema import ITEM, TIME, TYPE, USER, VALUE, Column, IdType, Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.data.dataset import Dataset

AnyColumn = NumberColumn | CategoryColumn | TagsColumn


class FeatureConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[features]` table."""

    leave_out: list[str] = []
    """Columns of the item or user table that models shall not see."""


class SpaceState(msgspec.Struct, frozen=True, kw_only=True):
    """A fitted feature space as JSON; the encoders' tensors go beside it."""

    schema: Schema
    items: list[int | str]
    users: list[int | str]
    actions: list[str]
    item_columns: dict[str, ColumnState]
    user_columns: dict[str, ColumnState]
    encoders: dict[str, EncoderState]
    values: ColumnState


class FeatureSpace:
    """Vocabularies, fitted columns and content encoders. Made by `fit` or `load`."""

    def __init__(
        self,
        schema: Schema,
        vocabularies: tuple[Vocabulary, Vocabulary, Vocabulary],
        item_columns: Mapping[str, AnyColumn],
        user_columns: Mapping[str, AnyColumn],
        content: ContentColumns,
        values: NumberColumn,
    ) -> None:
        self.schema = schema
        self.item_ids, self.user_ids, self.actions = vocabularies
        self.item_columns = dict(item_columns)
        self.user_columns = dict(user_columns)
        self.content = content
        self.values = values

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        events: pl.DataFrame,
        config: FeatureConfig | None = None,
        content: Mapping[str, Any] | None = None,
        library: Library | None = None,
    ) -> FeatureSpace:
        """Learn everything from `events`, and from the rows of the items and users that occur in them.

        Args:
            dataset: the tables and their schema.
            events: the events that training may see.
            config: the run file's `[features]`.
            content: the run file's `[content]`.
            library: where content is read from and its vectors are kept; else those of the data set's root, for
                this process.

        Raises:
            ConfigError: `leave_out` or `content` names what does not exist.
        """
        config = config or FeatureConfig()
        encoding = registry.read_config(ContentConfig, content or {}, "[content]")
        schema = dataset.schema
        for name in config.leave_out:
            if name not in schema.items and name not in schema.users:
                raise ConfigError(
                    f"[features] leave_out: no column {name!r}{nearest(name, [*schema.items, *schema.users])}"
                )
        items = dataset.items.join(events.select(ITEM).unique(), on=ITEM, how="semi")
        users = dataset.users.join(events.select(USER).unique(), on=USER, how="semi")
        return cls(
            schema,
            (Vocabulary.fit(events[ITEM]), Vocabulary.fit(events[USER]), Vocabulary.fit(events[TYPE])),
            _fit_columns(items, schema.items, config.leave_out),
            _fit_columns(users, schema.users, config.leave_out),
            ContentColumns.fit(
                items, schema.items, config.leave_out, encoding, library or Library(dataset.root, encoding)
            ),
            NumberColumn.fit(events[VALUE]),
        )

    @property
    def sizes(self) -> Sizes:
        """What a model must know of this space."""
        return Sizes(
            items=len(self.item_ids),
            users=len(self.user_ids),
            actions=len(self.actions),
            item_features={name: column.size for name, column in self.item_columns.items()},
            user_features={name: column.size for name, column in self.user_columns.items()},
            content=self.content.sizes,
            has_time=self.schema.has_time,
        )

    def catalogue(
        self, items: pl.DataFrame, content: Mapping[str, tuple[Tensor, Tensor]] | None = None
    ) -> Catalogue:
        """The given item rows as a catalogue, in their order. A column that is absent counts as missing.

        Args:
            items: the rows.
            content: what was encoded of these very rows before; else it is encoded now.
        """
        return Catalogue(items, self.items(items, content))

    def items(self, items: pl.DataFrame, content: Mapping[str, tuple[Tensor, Tensor]] | None = None) -> Items:
        """The given item rows as tensors; arguments as of `catalogue`."""
        return Items(
            ids=self.item_ids.encode(items[ITEM]),
            features={name: column.encode(column_of(items, name)) for name, column in self.item_columns.items()},
            content=self.content.encode(items) if content is None else content,
        )

    def profiles(self, ids: pl.Series, profiles: pl.DataFrame) -> tuple[Tensor, dict[str, Tensor]]:
        """(index [B] in the user vocabulary, features) of raw user ids, their rows looked up in `profiles`."""
        rows = ids.to_frame(USER).join(profiles, on=USER, how="left", maintain_order="left")
        features = {name: column.encode(column_of(rows, name)) for name, column in self.user_columns.items()}
        return self.user_ids.encode(ids), features

    def users(self, ids: pl.Series, events: pl.DataFrame, catalogue: Catalogue, profiles: pl.DataFrame) -> Users:
        """Those who are asked about.

        Args:
            ids: [B] distinct raw user ids.
            events: canonical events in order of arrival, theirs and perhaps others'.
            catalogue: the items that histories may hold.
            profiles: the user table; a user without a row has all features missing.
        """
        index, features = self.profiles(ids, profiles)
        positions = pl.DataFrame({USER: ids}).with_row_index("position")
        owners = events.select(USER).join(positions, on=USER, how="left", maintain_order="left")["position"]
        rows, actions, times, values = self.encode_events(events, catalogue)
        return Users(
            ids=index,
            history=history.build(
                torch.tensor(owners.cast(pl.Int64).fill_null(-1).to_numpy(), dtype=torch.int64),
                rows, actions, times, values, len(ids),
            ),
            catalogue=catalogue.items,
            features=features,
        )  # fmt: skip

    def stranger(self, past: History, catalogue: Catalogue) -> Users:
        """Users of whom nothing is known but what they did."""
        nobody = pl.Series(USER, [None] * len(past), dtype=self.user_ids.values.dtype)
        index, features = self.profiles(nobody, nobody.to_frame())
        return Users(ids=index, history=past, catalogue=catalogue.items, features=features)

    def encode_events(self, events: pl.DataFrame, catalogue: Catalogue) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(catalogue row, action, time, value) of each event; row -1 where the catalogue lacks the item."""
        return (
            catalogue.rows(events[ITEM]),
            self.actions.encode(events[TYPE]),
            torch.tensor(events[TIME].to_numpy(), dtype=torch.int64),
            self.values.encode(events[VALUE]),
        )

    def state(self) -> tuple[SpaceState, dict[str, Tensor]]:
        """(what goes into JSON, named tensors)."""
        encoders, tensors = self.content.state()
        saved = SpaceState(
            schema=self.schema,
            items=self.item_ids.values.to_list(),
            users=self.user_ids.values.to_list(),
            actions=self.actions.values.to_list(),
            item_columns={name: column.state() for name, column in self.item_columns.items()},
            user_columns={name: column.state() for name, column in self.user_columns.items()},
            encoders=encoders,
            values=self.values.state(),
        )
        return saved, tensors

    @classmethod
    def load(
        cls, saved: SpaceState, tensors: Mapping[str, Tensor], library: Library | None = None
    ) -> FeatureSpace:
        """Take up what `state` returned; `library` is where content of further items is read from."""
        return cls(
            saved.schema,
            (
                Vocabulary(pl.Series(saved.items, dtype=_ID[saved.schema.item_id])),
                Vocabulary(pl.Series(saved.users, dtype=_ID[saved.schema.user_id])),
                Vocabulary(pl.Series(saved.actions, dtype=pl.String)),
            ),
            {name: COLUMNS[state.kind].load(state) for name, state in saved.item_columns.items()},
            {name: COLUMNS[state.kind].load(state) for name, state in saved.user_columns.items()},
            ContentColumns.load(saved.encoders, tensors, library),
            NumberColumn.load(saved.values),
        )


_ID = {IdType.INTEGER: pl.Int64(), IdType.STRING: pl.String()}


def _fit_columns(frame: pl.DataFrame, columns: Mapping[str, Column], leave_out: list[str]) -> dict[str, AnyColumn]:
    return {
        name: COLUMNS[column.kind].fit(column_of(frame, name))
        for name, column in columns.items()
        if column.kind in COLUMNS and name not in leave_out
    }
