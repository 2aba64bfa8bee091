# SPDX-License-Identifier: Apache-2.0
"""What whoever asks wishes of a list, beyond the best items: filters, boosts, pins, caps, freshness, diversity.

`Wishes` is what is said; `Wishes.of` makes it ready for one catalogue, and `Ready` is applied to scores. The same
for one request and for a whole file of users.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec
import polars as pl
import torch

from penchant.errors import nearest
from penchant.recommend import rules
from penchant.recommend.errors import WishError
from penchant.recommend.filters import Filter, passing
from penchant.recommend.greedy import Cap, Method, choose
from penchant.recommend.index import top_k
from penchant.schema import MICROSECONDS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from penchant.features.catalogue import Catalogue
    from penchant.recommend.greedy import Near
    from penchant.schema import Column

Id = int | str

MOST_IDS = 10_000
"""Items that one list of ids may name."""
MOST_RULES = 20
"""Boosts, pins or caps of one request."""

_DAY = 86_400 * MICROSECONDS
_POOL = 10
"""Candidates for each place of a list that is put together greedily."""
_LEAST_POOL = 100


class _Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Strict: a key that means nothing here is refused, not ignored."""


class Boost(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Some items count for more, or for less."""

    where: Filter
    """Which items."""
    by: Annotated[float, msgspec.Meta(ge=-10, le=10)]
    """How much, in standard deviations of this user's scores, so that it means the same for every model."""


class Fresh(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New items count for more."""

    column: str
    """A time column of the items: when each one came."""
    half_life: Annotated[float, msgspec.Meta(gt=0, le=1e6)] = 7.0
    """Days after which half of it is left."""
    by: Annotated[float, msgspec.Meta(ge=0, le=10)] = 1.0
    """What an item gets that comes at this very moment, in standard deviations of this user's scores."""


class Pin(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An item has a place of its own, whatever its score."""

    item_id: Id
    rank: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1


class Diversity(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Items of a list are unlike each other."""

    weight: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.3
    """0 for the best items alone, 1 for difference alone."""
    method: Method = Method.MMR
    pool: Annotated[int, msgspec.Meta(ge=1, le=5000)] | None = None
    """Among how many of the best items the list is put together; left out: ten for each place."""


class Wishes(_Wish, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that may be wished of a list."""

    where: Filter = {}
    """Conditions on the columns of the items: only items that pass all are given."""
    allow: Annotated[list[Id], msgspec.Meta(max_length=MOST_IDS)] | None = None
    """Only these items; ids that the catalogue does not hold are passed over."""
    block: Annotated[list[Id], msgspec.Meta(max_length=MOST_IDS)] = []
    """None of these items."""
    boosts: Annotated[list[Boost], msgspec.Meta(max_length=MOST_RULES)] = []
    fresh: Fresh | None = None
    pins: Annotated[list[Pin], msgspec.Meta(max_length=MOST_RULES)] = []
    caps: Annotated[dict[str, Annotated[int, msgspec.Meta(ge=1)]], msgspec.Meta(max_length=MOST_RULES)] = {}
    """By column (category, tags or id): the most items of one word in a list."""
    diversity: Diversity | None = None

    def of(self, catalogue: Catalogue, columns: Mapping[str, Column], now: int) -> Ready:
        """These wishes over one catalogue.

        Args:
            catalogue: of N items.
            columns: of the item table.
            now: microseconds since 1970.

        Raises:
            WishError: names the field that does not fit these items.
        """
        frame = catalogue.frame
        added = [
            passing(frame, columns, boost.where, f"boosts[{index}].where") * boost.by
            for index, boost in enumerate(self.boosts)
        ]
        if self.fresh:
            added.append(_freshness(frame, columns, self.fresh, now) * self.fresh.by)
        return Ready(
            allowed=self._allowed(catalogue, columns),
            added=torch.stack(added).sum(0) if added else None,
            pins=self._pins(catalogue),
            caps=[(_codes(frame, columns, name), most) for name, most in self.caps.items()],
            diversity=self.diversity,
        )

    def _allowed(self, catalogue: Catalogue, columns: Mapping[str, Column]) -> Tensor | None:
        if not self.where and self.allow is None and not self.block:
            return None
        allowed = passing(catalogue.frame, columns, self.where, "where").clone()
        if self.allow is not None:
            listed = torch.zeros_like(allowed)
            listed[_rows(catalogue, self.allow)] = True
            allowed &= listed
        allowed[_rows(catalogue, self.block)] = False
        return allowed

    def _pins(self, catalogue: Catalogue) -> dict[int, int]:
        pins: dict[int, int] = {}
        for index, pin in enumerate(self.pins):
            row = catalogue.row(pin.item_id)
            if row is None:
                raise WishError(f"pins[{index}].item_id", f"there is no item {pin.item_id!r}")
            if pin.rank in pins or row in pins.values():
                raise WishError(f"pins[{index}]", "this place or this item is pinned already")
            pins[pin.rank] = row
        return pins


@dataclass(frozen=True, kw_only=True)
class Ready:
    """Wishes over one catalogue of N items.

    Attributes:
        allowed: [N] bool, or None for all.
        added: [N] in standard deviations of a user's scores, or None.
        pins: catalogue row by rank.
        caps: [N, T] words of each item as numbers from 1, 0 for none, and how many of a word a list may have.
        diversity: how unlike the items of a list are.
    """

    allowed: Tensor | None
    added: Tensor | None
    pins: Mapping[int, int]
    caps: Sequence[tuple[Tensor, int]]
    diversity: Diversity | None

    def change(self, scores: Tensor) -> None:
        """Boosts and freshness, in place, to the scores [B, N] of what may be given at all."""
        if self.added is not None:
            scores += self.added * _spread(scores)
        if self.allowed is not None:
            scores[:, ~self.allowed] = -torch.inf
        if self.pins:
            rules.forbid(scores, torch.tensor(list(self.pins.values())))

    def choose(
        self, scores: Tensor, k: int, likeness: Callable[[Tensor], Near], order: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The k best of each row of `scores` [B, N] as a list: capped, diverse, with the pins in their places.

        Args:
            scores: after `change`.
            k: places.
            likeness: of candidates [B, P], rows of the catalogue, a function from a position in each list [B] to
                how near every candidate is to the one there, [B, P]: 1 for the same, 0 for unrelated.
            order: [N] in what order equal scores come, as of `index.top_k`.

        Returns:
            rows [B, K] and their scores, as `index.top_k`.

        Raises:
            WishError: diversity was wished for, and the model cannot tell what is alike.
        """
        wanted = k - sum(rank <= k for rank in self.pins)
        size = max((self.diversity and self.diversity.pool) or _POOL * k, _LEAST_POOL)
        if not self.caps and not self.diversity:
            size = wanted
        while True:
            rows, best = top_k(scores, size, order)
            if not self.caps and not self.diversity:
                return self._pinned(rows, best, k)
            at = self._greedy(rows, best, wanted, likeness)
            # Caps can shut out any number of the best: then more are looked at.
            if size >= scores.shape[1] or not self.caps or bool((at >= 0).all()):
                break
            size *= _POOL
        there = at >= 0
        rows = rows.gather(1, at.clamp(min=0)).masked_fill(~there, -1)
        best = best.gather(1, at.clamp(min=0)).masked_fill(~there, -torch.inf)
        return self._pinned(rows, best, k)

    def _greedy(self, rows: Tensor, best: Tensor, k: int, likeness: Callable[[Tensor], Near]) -> Tensor:
        caps = [Cap(codes[rows.clamp(min=0)], most) for codes, most in self.caps]
        wanted = self.diversity
        if wanted is None:
            return choose(best, k, caps=caps)
        near = likeness(rows.clamp(min=0))
        return choose(best, k, near=near, method=wanted.method, weight=wanted.weight, caps=caps)

    def _pinned(self, rows: Tensor, scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Pins put in, each with its neighbour's score; in a list that is shorter they stand at its end."""
        for rank, row in sorted(self.pins.items()):
            if rank > k:
                continue
            place = min(rank - 1, rows.shape[1])
            beside = torch.cat([scores, scores.new_zeros(len(rows), 1)], 1)[:, max(place - 1, 0), None]
            beside = beside.nan_to_num(neginf=0.0)  # the list is shorter: it has no neighbour
            rows = torch.cat([rows[:, :place], torch.full((len(rows), 1), row), rows[:, place:]], 1)
            scores = torch.cat([scores[:, :place], beside, scores[:, place:]], 1)
        if not self.pins:
            return rows, scores
        order = (rows < 0).to(torch.int8).argsort(dim=1, stable=True)
        return rows.gather(1, order), scores.gather(1, order)


def _rows(catalogue: Catalogue, ids: Sequence[Id]) -> Tensor:
    """[n] int64: the rows of those ids that the catalogue holds."""
    found = [catalogue.row(one) for one in ids]
    return torch.tensor([row for row in found if row is not None], dtype=torch.int64)


def _freshness(frame: pl.DataFrame, columns: Mapping[str, Column], fresh: Fresh, now: int) -> Tensor:
    """[N] float32: from 1, for what comes at this moment or later, down to 0 for what is old or has no time."""
    times = [name for name, column in columns.items() if column.kind is Kind.TIME and name in frame.columns]
    if fresh.column not in times:
        raise WishError("fresh.column", f"the items have no such column of times{nearest(fresh.column, times)}")
    days = (now - frame[fresh.column]).cast(pl.Float64) / _DAY
    age = days.clip(lower_bound=0.0).fill_null(float("inf"))
    return torch.exp2(-torch.from_numpy(age.to_numpy().copy()) / fresh.half_life).float()


def _codes(frame: pl.DataFrame, columns: Mapping[str, Column], name: str) -> Tensor:
    """[N, T] int64: the words of each item as numbers from 1; 0 where it has fewer than T."""
    field = f"caps.{name}"
    if name not in columns or name not in frame.columns:
        raise WishError(field, f"the items have no such column{nearest(name, columns)}")
    kind = columns[name].kind
    if kind not in (Kind.CATEGORY, Kind.TAGS, Kind.ID):
        raise WishError(field, f"only words (category, tags, id) can be counted; this column is {kind.value}")
    cells = frame[name]
    words = cells.explode(empty_as_null=True, keep_nulls=True) if kind is Kind.TAGS else cells
    codes = words.rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
    if kind is not Kind.TAGS:
        return torch.from_numpy(codes.copy())[:, None]
    # An empty or absent list still has one row when it is exploded.
    lengths = torch.from_numpy(cells.list.len().fill_null(1).clip(lower_bound=1).cast(pl.Int64).to_numpy().copy())
    owners = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    place = torch.arange(len(owners)) - (lengths.cumsum(0) - lengths)[owners]
    table = torch.zeros(len(lengths), int(lengths.max()) if len(lengths) else 1, dtype=torch.int64)
    table[owners, place] = torch.from_numpy(codes.copy())
    return table


def _spread(scores: Tensor) -> Tensor:
    """[B, 1]: the standard deviation of each row's scores that are not -inf; 1 where all are alike."""
    there = scores > -torch.inf
    count = there.sum(1, keepdim=True).clamp(min=1)
    mean = torch.where(there, scores, 0.0).sum(1, keepdim=True) / count
    spread = (torch.where(there, scores - mean, 0.0).square().sum(1, keepdim=True) / count).sqrt()
    return torch.where(spread > 0, spread, 1.0)
