# SPDX-License-Identifier: Apache-2.0
"""Where raw content is read from, and where what encoders made of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch

from penchant.content.choices import ContentConfig
from penchant.content.encoder import UnusableError
from penchant.content.fetcher import Fetcher
from penchant.content.origin import Keys, Source, key_of
from penchant.content.report import ContentReport
from penchant.content.store import VectorStore
from penchant.schema import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from penchant.content.encoder import ContentEncoder

Progress = Callable[[str, int, int], None]
"""Told the column, how many of its distinct values are done, and how many there are."""

_MOST_BYTES = 64_000_000
"""Raw content that is held at once while a batch fills."""

_DTYPES = {
    Kind.TEXT: pl.String(),
    Kind.IMAGE: pl.Binary(),
    Kind.AUDIO: pl.Binary(),
    Kind.VECTOR: pl.List(pl.Float32),
}


def _unwatched(column: str, done: int, total: int) -> None:
    """A `Progress` that nobody follows."""


class Library:
    """Encodes columns: looks up what is known, reads and encodes what is new, reports what is broken.

    Args:
        root: the folder that paths are relative to, if there is one.
        config: limits, and whether addresses are fetched.
        folder: where vectors are kept, for every run and data set; None for this process only.
        progress: told how far a column is.
    """

    def __init__(
        self,
        root: Path | None = None,
        config: ContentConfig | None = None,
        folder: Path | None = None,
        progress: Progress = _unwatched,
    ) -> None:
        config = config or ContentConfig()
        fetcher = None
        if config.fetch:
            fetcher = Fetcher(
                max_bytes=config.max_bytes,
                timeout=config.timeout,
                most=config.max_fetches,
                private=config.private,
            )
        self.report = ContentReport()
        self.progress = progress
        self._source = Source(root, max_bytes=config.max_bytes, fetcher=fetcher)
        self._folder = folder
        self._keys = Keys(folder / "keys.parquet" if folder else None)
        self._stores: dict[str, VectorStore] = {}

    def encode(
        self, column: str, encoder: ContentEncoder, values: pl.Series, items: pl.Series | None = None
    ) -> tuple[Tensor, Tensor]:
        """Encode a column.

        Args:
            column: its name, for the report.
            encoder: a fitted one.
            values: [n] text, paths, addresses, bytes or lists of numbers; null where there is none.
            items: [n] whose they are; the report names the first that has a value.

        Returns:
            ([n, *encoder.size.shape], present [n] bool).

        Raises:
            MissingExtraError: something must be encoded, and the library for it is absent.
        """
        return _Encoding(self, column, encoder, values, items).run()

    def store(self, encoder: ContentEncoder) -> VectorStore:
        """What this encoder made so far."""
        name = encoder.fingerprint
        if name not in self._stores:
            folder = self._folder / name if self._folder else None
            self._stores[name] = VectorStore(folder, encoder.size.shape)
        return self._stores[name]

    def find(self, value: Any, kind: Kind) -> tuple[bytes, Any]:
        """(key, content) of a value; the content is None where the key was remembered.

        Raises:
            UnusableError: it cannot be read.
        """
        if kind is Kind.TEXT:
            return key_of(value.encode()), value
        if kind is Kind.VECTOR:
            return key_of(np.asarray(value, np.float32).tobytes()), value
        found = self._source.find(value)
        if key := self._keys.get(found):
            return key, None
        raw = self._source.read(value, found, kind)
        key = key_of(raw)
        self._keys.put(found, key)
        return key, raw

    def read(self, value: Any, kind: Kind) -> bytes:
        """The bytes of a picture or sound whose key was remembered.

        Raises:
            UnusableError: it cannot be read.
        """
        return self._source.read(value, self._source.find(value), kind)

    def save(self) -> None:
        """Write down the keys that were learned."""
        self._keys.save()


class _Encoding:
    """One column on its way through an encoder."""

    def __init__(
        self,
        library: Library,
        column: str,
        encoder: ContentEncoder,
        values: pl.Series,
        items: pl.Series | None,
    ) -> None:
        self._library = library
        self._column = column
        self._encoder = encoder
        self._values = values
        self._items = items

    def run(self) -> tuple[Tensor, Tensor]:
        if self._values.null_count() == len(self._values):
            return self._encoder.size.nothing(len(self._values)), torch.zeros(len(self._values), dtype=torch.bool)
        if self._encoder.cheap:
            return self._at_once()
        return self._through_the_store()

    def _at_once(self) -> tuple[Tensor, Tensor]:
        notes: list[tuple[int, str]] = []
        found, present = self._encoder.encode(self._values, lambda at, reason: notes.append((at, reason)))
        for at, reason in notes:
            self._note(at, reason, absent=not bool(present[at]))
        return found, present

    def _through_the_store(self) -> tuple[Tensor, Tensor]:
        store, kind = self._library.store(self._encoder), self._encoder.reads
        first, owners = _distinct(self._values)
        keys: list[bytes | None] = [None] * len(first)
        fresh: dict[bytes, tuple[int, Any]] = {}
        weight = 0
        try:
            # Files are opened one by one, so this loop is the work itself.
            for number, at in enumerate(first):
                value = self._values[at]
                try:
                    key, content = self._library.find(value, kind)
                    if key not in store and key not in fresh:
                        content = self._library.read(value, kind) if content is None else content
                        fresh[key] = (at, content)
                        weight += len(content)
                    keys[number] = key
                except UnusableError as error:
                    self._note(at, str(error), absent=True)
                if len(fresh) >= self._encoder.batch_size or weight > _MOST_BYTES:
                    self._add(store, fresh)
                    fresh, weight = {}, 0
                    self._library.progress(self._column, number + 1, len(first))
            self._add(store, fresh)
        finally:  # an interrupted run keeps what it has done
            store.flush()
            self._library.save()
        self._library.progress(self._column, len(first), len(first))
        held = [key if key in store else None for key in keys]
        usable = torch.tensor([key is not None for key in held], dtype=torch.bool)
        distinct = self._encoder.size.nothing(len(first))
        distinct[usable] = store.take([key for key in held if key is not None]).to(distinct.dtype)
        present = (owners >= 0) & usable[owners]
        found = distinct[owners]
        found[~present] = 0
        return found, present

    def _add(self, store: VectorStore, fresh: dict[bytes, tuple[int, Any]]) -> None:
        if not fresh:
            return
        places = [at for at, _ in fresh.values()]
        contents = pl.Series([content for _, content in fresh.values()], dtype=_DTYPES[self._encoder.reads])
        notes: list[tuple[int, str]] = []
        made, present = self._encoder.encode(contents, lambda at, reason: notes.append((at, reason)))
        for at, reason in notes:
            self._note(places[at], reason, absent=not bool(present[at]))
        there = present.tolist()
        store.add([key for key, good in zip(fresh, there, strict=True) if good], made[present])

    def _note(self, at: int, reason: str, *, absent: bool) -> None:
        item = None if self._items is None else self._items[at]
        self._library.report.add(self._column, item, self._values[at], reason, absent=absent)


def _distinct(values: pl.Series) -> tuple[list[int], Tensor]:
    """(the first position of each distinct value that is not null, [n] which of them each value is, or -1)."""
    frame = pl.DataFrame({"value": values}).with_row_index("at")
    filled = frame.filter(pl.col("value").is_not_null())
    if values.dtype.is_nested():  # lists are not compared: each is its own
        first = filled.select("at", number=pl.int_range(pl.len()))
        owners = frame.select("at").join(first, on="at", how="left", maintain_order="left")["number"]
    else:
        first = filled.unique("value", keep="first", maintain_order=True).with_columns(
            number=pl.int_range(pl.len())
        )
        owners = frame.join(first.select("value", "number"), on="value", how="left", maintain_order="left")[
            "number"
        ]
    return first["at"].to_list(), torch.tensor(owners.fill_null(-1).to_numpy(), dtype=torch.int64)
