# SPDX-License-Identifier: Apache-2.0
"""The feature space: raw rows to tensors, the same from a file and from a request.

It is fitted on what training may see and on nothing else: an item or a word that turns up later is unknown.
It travels in the bundle with the model that was trained in it.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl
import torch
from torch import Tensor

from penchant import registry
from penchant.batch import FIRST, History, Items, Sizes, Users
from penchant.content.choices import ContentConfig
from penchant.content.library import Library
from penchant.decay import decayed
from penchant.features import history
from penchant.features.aggregates.measures import Measures
from penchant.features.beside import Beside
from penchant.features.catalogue import Catalogue
from penchant.features.columns import ColumnChoice, ColumnState, NumberColumn
from penchant.features.columnset import ColumnSet, ColumnSetState, check_names, crosses_of
from penchant.features.content import ContentColumns, EncoderState
from penchant.features.live import LiveSignals
from penchant.features.signals import Signals, SignalState
from penchant.features.vocabulary import Vocabulary
from penchant.schema import ITEM, TIME, TYPE, USER, VALUE, Column, IdType, Kind, Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.data.dataset import Dataset


class FeatureConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The run file's `[features]` table."""

    leave_out: list[str] = []
    """Columns of the item or user table that models shall not see."""
    aggregates: bool | tuple[str, ...] = False
    """Aggregates of behaviour that models see and the service shows: names, or true for all that the data can
    give. Off by default: they cost a pass over all events, and a model of ids alone does not look at them."""
    half_lives: tuple[float, float] = (1.0, 30.0)
    """Days, of the aggregate "trend" and of what friends did."""
    reviews: bool = False
    """Whether reviews are among the signals: how many, and their mean rating. Off by default as aggregates are."""
    social: bool = False
    """Whether friends are among the signals: how many, and how active. Off by default: a sum over all friends of a
    user at each of the user's events is the dearest signal of all."""
    columns: dict[str, ColumnChoice] = {}
    """By column of any table: how it becomes a feature."""
    trust: list[str] = []
    """Columns that somebody vouches for: they were known at the time, however much they seem to tell of later."""
    crosses: dict[str, tuple[str, ...]] = {}
    """By name of the new feature: columns of one table that are taken together as one word."""


class SpaceState(msgspec.Struct, frozen=True, kw_only=True):
    """A fitted feature space as JSON; the encoders' tensors go beside it."""

    schema: Schema
    items: list[int | str]
    users: list[int | str]
    actions: list[str]
    item_columns: ColumnSetState
    user_columns: ColumnSetState
    context: ColumnSetState = ColumnSetState()
    encoders: dict[str, EncoderState]
    values: ColumnState
    signals: SignalState | None = None
    popularity: list[float] = []
    """Of each value of `items`, what its events count. Empty in a space of an older version."""


class FeatureSpace:
    """Vocabularies, fitted columns and content encoders. Made by `fit` or `load`."""

    def __init__(
        self,
        schema: Schema,
        vocabularies: tuple[Vocabulary, Vocabulary, Vocabulary],
        columns: tuple[ColumnSet, ColumnSet, ColumnSet],
        content: ContentColumns,
        values: NumberColumn,
        signals: Signals | None = None,
        popularity: Tensor | None = None,
    ) -> None:
        self.schema = schema
        self.item_ids, self.user_ids, self.actions = vocabularies
        self.item_columns, self.user_columns, self.context = columns
        self.content = content
        self.values = values
        self.signals = signals
        # [V] float64: of the events that the space was fitted on, what those of each item count at their end.
        self.popularity = (
            torch.zeros(len(self.item_ids), dtype=torch.float64) if popularity is None else popularity
        )

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
        check_names(config.leave_out, _tables(schema), "[features] leave_out")
        done = history.deeds(events, schema)
        items = dataset.items.join(events.select(ITEM).unique(), on=ITEM, how="semi")
        users = dataset.users.join(events.select(USER).unique(), on=USER, how="semi")
        space = cls(
            schema,
            (Vocabulary.fit(done[ITEM]), Vocabulary.fit(done[USER]), Vocabulary.fit(done[TYPE])),
            _fit_columns({"items": items, "users": users, "context": events}, schema, config),
            ContentColumns.fit(
                items, schema.items, config.leave_out, encoding, library or Library(dataset.root, encoding)
            ),
            NumberColumn.fit(done[VALUE]),
        )
        space.popularity = _popularity(space.item_ids, done)
        beside = Beside.choose(config.reviews, config.social, config.half_lives, dataset, events)
        if config.aggregates or beside:
            measures = Measures.choose(config.aggregates, config.half_lives, schema)
            seen = Catalogue(items, Items(ids=space.item_ids.encode(items[ITEM])))
            space.signals = Signals.fit(measures, events, seen, beside)
        return space

    def before(self, events: pl.DataFrame) -> FeatureSpace:
        """The same space as of the end of `events`, the first of those that it was fitted on.

        Indices and columns stay what they are, so that what is learned in one is good in the other. What changes
        is what is popular. Whoever asks must show items that nobody had by then as unknown: `Catalogue.seen_in`.
        """
        earlier = copy(self)
        earlier.popularity = _popularity(self.item_ids, history.deeds(events, self.schema))
        return earlier

    @property
    def sizes(self) -> Sizes:
        """What a model must know of this space."""
        return Sizes(
            items=len(self.item_ids),
            users=len(self.user_ids),
            actions=len(self.actions),
            item_features=self.item_columns.sizes,
            user_features=self.user_columns.sizes,
            content=self.content.sizes,
            has_time=self.schema.has_time,
            user_signals=len(self.signals.user_columns) if self.signals else 0,
            item_signals=len(self.signals.item_columns) if self.signals else 0,
            context=self.context.sizes,
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
            features=self.item_columns.encode(items),
            content=self.content.encode(items) if content is None else content,
        )

    def profiles(self, ids: pl.Series, profiles: pl.DataFrame) -> tuple[Tensor, dict[str, Tensor]]:
        """(index [B] in the user vocabulary, features) of raw user ids, their rows looked up in `profiles`."""
        rows = ids.to_frame(USER).join(profiles, on=USER, how="left", maintain_order="left")
        return self.user_ids.encode(ids), self.user_columns.encode(rows)

    def users(
        self,
        ids: pl.Series,
        events: pl.DataFrame,
        catalogue: Catalogue,
        profiles: pl.DataFrame,
        *,
        live: LiveSignals | None = None,
    ) -> Users:
        """Those who are asked about, now that `events` have happened.

        Args:
            ids: [B] distinct raw user ids.
            events: canonical events in order of arrival, theirs and perhaps others'.
            catalogue: the items that histories may hold.
            profiles: the user table; a user without a row has all features missing.
            live: the signals after `events`, if they are at hand; otherwise they are counted here.
        """
        users = self.known_users(ids, events, catalogue, profiles)
        if self.signals is None:
            return users
        live = live or LiveSignals.after(self.signals, catalogue, events)
        items = replace(catalogue.items, signals=live.items(live.clock))
        return replace(users, catalogue=items, signals=live.users(ids.to_list(), live.clock))

    def training_users(
        self, ids: pl.Series, events: pl.DataFrame, catalogue: Catalogue, profiles: pl.DataFrame
    ) -> Users:
        """Those whom models learn from: each event with the signals as they stood just before it.

        Arguments as in `users`. Signals as of the end are not among what this returns: they would tell the
        earlier events' future.
        """
        done = history.done(events, self.schema)
        signals = None
        if self.signals:
            kept = torch.from_numpy(done.to_numpy().copy())
            users, items = self.signals.just_before(events, catalogue)
            signals = users[kept], items[kept]
        return self.known_users(ids, events.filter(done), catalogue, profiles, signals)

    def known_users(
        self,
        ids: pl.Series,
        events: pl.DataFrame,
        catalogue: Catalogue,
        profiles: pl.DataFrame,
        signals: tuple[Tensor, Tensor] | None = None,
    ) -> Users:
        """Users with their histories and features; arguments as in `users`.

        Their own signals are not among them: those depend on when somebody asks. `signals` are those of `events`,
        each just before it; then there are no impressions among the events.
        """
        events = history.deeds(events, self.schema)
        index, features = self.profiles(ids, profiles)
        positions = pl.DataFrame({USER: ids}).with_row_index("position")
        owners = events.select(USER).join(positions, on=USER, how="left", maintain_order="left")["position"]
        rows, actions, times, values = self.encode_events(events, catalogue)
        return Users(
            ids=index,
            history=history.build(
                torch.tensor(owners.cast(pl.Int64).fill_null(-1).to_numpy(), dtype=torch.int64),
                rows, actions, times, values, len(ids), context=self.context.encode(events), signals=signals,
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

    @property
    def beside(self) -> Mapping[str, pl.DataFrame]:
        """By name: the tables that signals look at beside the events, for whoever keeps this space."""
        return self.signals.beside.tables if self.signals and self.signals.beside else {}

    def state(self) -> tuple[SpaceState, dict[str, Tensor]]:
        """(what goes into JSON, named tensors)."""
        encoders, tensors = self.content.state()
        saved = SpaceState(
            schema=self.schema,
            items=self.item_ids.values.to_list(),
            users=self.user_ids.values.to_list(),
            actions=self.actions.values.to_list(),
            item_columns=self.item_columns.state(),
            user_columns=self.user_columns.state(),
            context=self.context.state(),
            encoders=encoders,
            values=self.values.state(),
            signals=self.signals.state if self.signals else None,
            popularity=self.popularity[FIRST:].tolist(),
        )
        return saved, tensors

    @classmethod
    def load(
        cls,
        saved: SpaceState,
        tensors: Mapping[str, Tensor],
        library: Library | None = None,
        beside: Mapping[str, pl.DataFrame] | None = None,
    ) -> FeatureSpace:
        """Take up what `state` and `beside` returned; `library` is where content of further items is read from.

        Raises:
            ValueError: signals lack a table that they look at.
        """
        signals = saved.signals
        return cls(
            saved.schema,
            (
                Vocabulary(pl.Series(saved.items, dtype=_ID[saved.schema.item_id])),
                Vocabulary(pl.Series(saved.users, dtype=_ID[saved.schema.user_id])),
                Vocabulary(pl.Series(saved.actions, dtype=pl.String)),
            ),
            (
                ColumnSet.load(saved.item_columns),
                ColumnSet.load(saved.user_columns),
                ColumnSet.load(saved.context),
            ),
            ContentColumns.load(saved.encoders, tensors, library),
            NumberColumn.load(saved.values),
            Signals(signals, Beside.load(signals.beside, beside or {})) if signals else None,
            torch.tensor([0.0] * FIRST + saved.popularity, dtype=torch.float64) if saved.popularity else None,
        )


_ID = {IdType.INTEGER: pl.Int64(), IdType.STRING: pl.String()}


def _popularity(vocabulary: Vocabulary, events: pl.DataFrame) -> Tensor:
    """[V] float64: what is known of each item of the vocabulary, old events counting less."""
    weights = decayed(torch.tensor(events[TIME].to_numpy(), dtype=torch.int64))
    found = events.select(ITEM, pl.Series("weight", weights.numpy())).group_by(ITEM, maintain_order=True).sum()
    counts = torch.zeros(len(vocabulary), dtype=torch.float64)
    counts[vocabulary.encode(found[ITEM])] = torch.tensor(found["weight"].to_numpy())
    counts[:FIRST] = 0
    return counts


def _tables(schema: Schema) -> dict[str, Mapping[str, Column]]:
    return {"items": schema.items, "users": schema.users, "context": schema.context}


def _fit_columns(
    frames: Mapping[str, pl.DataFrame], schema: Schema, config: FeatureConfig
) -> tuple[ColumnSet, ColumnSet, ColumnSet]:
    """The columns of items, users and context, fitted to the rows that training may see."""
    tables = _tables(schema)
    check_names(config.columns, tables, "[features.columns]")
    latest = frames["context"][TIME].max()
    items, users, context = (
        ColumnSet.fit(
            frame,
            # Tags of events would make a history ragged twice over; text of events has no encoder yet.
            {
                name: column
                for name, column in tables[table].items()
                if table != "context" or column.kind is not Kind.TAGS
            },
            leave_out=config.leave_out,
            choices=config.columns,
            crosses=crosses_of(table, config.crosses, tables),
            end=latest if isinstance(latest, int) else 0,
        )
        for table, frame in frames.items()
    )
    return items, users, context
