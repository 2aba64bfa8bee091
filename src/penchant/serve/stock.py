# SPDX-License-Identifier: Apache-2.0
"""What is on offer: the bundle's items, and all that was said of items since.

A change makes a new view of the catalogue beside the old one, and takes its place in one step: a request holds one
view from its beginning to its end. Rows of items never change, so histories are good for every view.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
import torch

from penchant.features.catalogue import Catalogue
from penchant.schema import ITEM, Kind
from penchant.serve.checks import FieldError
from penchant.serve.columnchecks import LARGEST_BATCH
from penchant.serve.granted import Granted
from penchant.serve.itemchecks import ItemChecks, kinds_of
from penchant.serve.shelf import Shelf
from penchant.serve.wire import ItemReceipt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penchant.batch import Items
    from penchant.bundle.bundle import Bundle
    from penchant.recommend.pipeline import Pipeline
    from penchant.serve.itemstore import ItemChange, ItemStore
    from penchant.serve.wire import Id, NewItem

LOG = logging.getLogger(__name__)

_AT_ONCE = 1000
"""Items whose pictures and sounds are held at once at the start."""
_FILES = (Kind.IMAGE, Kind.AUDIO)


@dataclass(frozen=True)
class View:
    """The catalogue at one moment."""

    pipeline: Pipeline
    shelf: Shelf
    wishes: Granted


class Stock:
    """The items of a bundle, and what was said of items since.

    Args:
        bundle: what answers.
        store: what was said.
    """

    def __init__(self, bundle: Bundle, store: ItemStore) -> None:
        self._bundle = bundle
        self._store = store
        self._schema = bundle.pipeline.space.schema
        self._checks = ItemChecks(self._schema, bundle.pipeline.space.content.sizes)
        self._said: dict[Id, ItemChange] = {}
        pipeline = bundle.pipeline
        self._version = -1
        self.view = self._view(pipeline, {})
        self.follow()

    def follow(self) -> bool:
        """Take up what other processes said of items meanwhile; at the start, all that was said. One at a time.

        Returns:
            whether that was anything.

        Raises:
            ItemStoreError: the database is away.
        """
        changes, version = self._store.after(self._version)
        pipeline = self.view.pipeline
        changes = [self._fitting(one) for one in changes]
        for start in range(0, len(changes), _AT_ONCE):
            some = changes[start : start + _AT_ONCE]
            content = self._store.content([name for one in some for name in one.content.values() if name])
            pipeline = self._with(pipeline, some, content, strict=False)
            self._said |= {one.item_id: one for one in some}
        self._version = version
        if changes:
            self.view = self._view(pipeline, self._said)
        return bool(changes)

    def take(self, items: Sequence[NewItem], *, whole: bool, field: str = "") -> ItemReceipt:
        """Take up what is said of items: durable first, then on offer. One call at a time.

        Args:
            items: what is said.
            whole: whether it takes the place of all that was known of them.
            field: where they stand in the request; empty for one that is the whole body.

        Raises:
            FieldError: names the field that cannot be taken, or the picture or sound that cannot be read.
            ItemStoreError: it could not be written, and nothing has changed.
        """
        if len(items) > LARGEST_BATCH:
            raise FieldError(field, f"at most {LARGEST_BATCH:,} at once, these are {len(items):,}")
        while True:
            receipt = self._take(items, whole, field)
            if receipt is not None:
                return receipt
            self.follow()

    def _take(self, items: Sequence[NewItem], whole: bool, field: str) -> ItemReceipt | None:
        """As `take`; None where another process said something first, which must be known before."""
        changes: dict[Id, ItemChange] = {}
        content: dict[str, bytes] = {}
        for index, item in enumerate(items):
            change, files = self._checks.change(item, f"{field}[{index}]" if field else "", whole=whole)
            content |= files
            earlier = changes.get(change.item_id) or self._said.get(change.item_id)
            changes[change.item_id] = earlier.with_more(change) if earlier else change
        before = self.view.pipeline.catalogue
        pipeline = self._with(self.view.pipeline, list(changes.values()), content, strict=True)
        view = self._view(pipeline, {**self._said, **changes})
        version = self._store.write(list(changes.values()), content, self._version)
        if version is None:
            return None
        self._version = version
        self._said |= changes
        self.view = view
        rows = [(one, pipeline.catalogue.row(one.item_id)) for one in changes.values()]
        return ItemReceipt(
            accepted=len(items),
            new=sum(before.row(item_id) is None for item_id in changes),
            recommendable=sum(
                one.available is not False and row is not None and pipeline.knows(row) for one, row in rows
            ),
        )

    def picture(self, item_id: Id) -> bytes | None:
        """The item's picture, if one was sent since the bundle was made."""
        said, column = self._said.get(item_id), self._schema.image
        name = said.content.get(column) if said and column else None
        return self._store.content([name]).get(name) if name else None

    def _view(self, pipeline: Pipeline, said: Mapping[Id, ItemChange]) -> View:
        catalogue, image = pipeline.catalogue, self._schema.image
        pictured = [catalogue.row(item_id) for item_id, one in said.items() if image and one.content.get(image)]
        shelf = Shelf(catalogue, self._schema, self._bundle.root, {row for row in pictured if row is not None})
        return View(pipeline, shelf, Granted(catalogue, self._schema))

    def _with(
        self, pipeline: Pipeline, changes: Sequence[ItemChange], content: Mapping[str, bytes], *, strict: bool
    ) -> Pipeline:
        """`pipeline` with `changes`; what cannot be read is refused if `strict`, else as if it were not there."""
        before = pipeline.catalogue
        frame = self._frame(before, changes)
        items = self._encoded(before, frame, changes, content)
        if strict:
            _refuse_unread(items, changes)
        fresh = Catalogue(frame, items)
        said = {**self._said, **{one.item_id: one for one in changes}}
        gone = [item_id for item_id, one in said.items() if one.available is False]
        longer = pipeline.changed(fresh)
        rows = [row for row in map(longer.catalogue.row, gone) if row is not None]
        return longer.without(torch.tensor(rows, dtype=torch.int64))

    def _frame(self, before: Catalogue, changes: Sequence[ItemChange]) -> pl.DataFrame:
        """[M] the rows of the item table, as people see them; of a picture that was sent there is no path."""
        columns = before.frame.schema
        nothing = dict.fromkeys(columns)
        rows: list[dict[str, Any]] = []
        for one in changes:
            place = None if one.whole else before.row(one.item_id)
            known = nothing if place is None else before.frame.row(place, named=True)
            said = {**known, ITEM: one.item_id, **one.values, **dict.fromkeys(one.content)}
            rows.append({name: said[name] for name in columns})
        return pl.DataFrame(rows, schema=columns, orient="row")

    def _encoded(
        self, before: Catalogue, frame: pl.DataFrame, changes: Sequence[ItemChange], content: Mapping[str, bytes]
    ) -> Items:
        """The rows as tensors. Pictures and sounds of which nothing was said keep what was made of them."""
        space = self._bundle.pipeline.space
        files = [name for name in space.content.columns if self._schema.items[name].kind in _FILES]
        sent = {
            name: pl.Series(name, [content.get(one.content.get(name) or "") for one in changes], dtype=pl.Binary)
            for name in files
        }
        items = space.items(frame.with_columns(**sent))
        for name in files:
            kept = [
                (at, place)
                for at, one in enumerate(changes)
                if (place := before.row(one.item_id)) is not None and self._same(one, name)
            ]
            if kept:
                here, there = (torch.tensor(side) for side in zip(*kept, strict=True))
                for part, known in zip(items.content[name], before.items.content[name], strict=True):
                    part[here] = known[there]
        return items

    def _same(self, said: ItemChange, column: str) -> bool:
        """Whether the picture or sound of an item is still what it was."""
        if column not in said.content:
            return not said.whole
        earlier = self._said.get(said.item_id)
        return earlier is not None and earlier.content.get(column) == said.content[column]

    def _fitting(self, said: ItemChange) -> ItemChange:
        """What was said, less the columns that this bundle does not have: they came for another one."""
        columns = kinds_of(self._schema)
        strange = [name for name in (*said.values, *said.content) if name not in columns]
        if not strange:
            return said
        LOG.warning("item %r: the bundle has no columns %s: passed over", said.item_id, ", ".join(strange))
        return type(said)(
            item_id=said.item_id,
            values={name: value for name, value in said.values.items() if name in columns},
            content={name: value for name, value in said.content.items() if name in columns},
            whole=said.whole,
            available=said.available,
        )


def _refuse_unread(items: Items, changes: Sequence[ItemChange]) -> None:
    for name, (_, present) in items.content.items():
        for one, read in zip(changes, present.tolist(), strict=True):
            if one.content.get(name) and not read:
                raise FieldError(f"features.{name}", f"of item {one.item_id!r}: this file cannot be read")
