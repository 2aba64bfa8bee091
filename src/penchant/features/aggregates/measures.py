# SPDX-License-Identifier: Apache-2.0
"""What is counted of behaviour, and how it reads.

A *measure* is what the run file names. It needs *totals*, sums per owner that events add to, and gives *columns*,
numbers about an owner at a moment. Totals are whole numbers: counts, and sums in fixed point. So they are exact,
and neither the order of events nor the cutting into chunks can change them by a bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from penchant.errors import ConfigError, nearest
from penchant.features.aggregates import sketch
from penchant.features.aggregates.grouped import NEVER
from penchant.schema import AMOUNT, DWELL, MICROSECONDS, QUANTITY, VALUE, EventType, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.features.aggregates.chunk import Chunk
    from penchant.features.aggregates.grouped import Floats, Ints
    from penchant.schema import Schema

Side = Literal["users", "items"]

MEASURES = {
    "events": "how many events",
    "types": "how many of each type",
    "meanings": "how many of each meaning",
    "taste": "the sum of strength times sign",
    "value": "the mean value",
    "dwell": "seconds stayed, in all and on average",
    "amount": "money, in all",
    "quantity": "pieces, in all",
    "recency": "seconds since the last event, and since the first",
    "trend": "events that count less as they age, at two half-lives, and the shorter one's over the longer one's",
    "distinct": "about how many different items of a user, or users of an item",
    "age": "of an item alone: days since each of its moments",
}
"""What `[features] aggregates` may name."""

FIXED = 2**20
"""Parts of a unit that a sum is kept in: about a millionth."""
LARGEST = 1e9
"""A single number beyond this, either way, counts as this: nine thousand of them still fit into a sum."""

_NEEDS = {
    VALUE: "a column `value` in [data.events]",
    DWELL: "a column `dwell` in [data.events]",
    AMOUNT: "a column `amount` in [data.events]",
    QUANTITY: "a column `quantity` in [data.events]",
    "recency": "times of events that are no mere order",
    "trend": "times of events that are no mere order",
    "age": 'times of events, and a column of kind "time" in [data.items.columns]',
}

_DAY = 86_400 * MICROSECONDS


class Measures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which measures, of which types and meanings, with which half-lives; a feature space remembers it."""

    names: tuple[str, ...]
    types: tuple[str, ...] = ()
    meanings: dict[str, EventType] = {}
    """By type, for each of `types`."""
    half_lives: tuple[float, float] = (1.0, 30.0)
    """Days."""
    moments: tuple[str, ...] = ()
    """Columns of the item table that "age" looks at."""

    @classmethod
    def choose(cls, chosen: tuple[str, ...] | bool, half_lives: tuple[float, float], schema: Schema) -> Measures:
        """What a run file asks for.

        Args:
            chosen: names, or True for all that the data can give.
            half_lives: in days, the shorter first.
            schema: of the data.

        Raises:
            ConfigError: a name is none, the data lack what it needs, or the half-lives are no half-lives.
        """
        lacking = {name for name in (DWELL, AMOUNT, QUANTITY) if name not in schema.extras}
        lacking |= set() if schema.has_value else {VALUE}
        lacking |= set() if schema.has_time else {"recency", "trend", "age"}
        moments = tuple(name for name, column in schema.items.items() if column.kind is Kind.TIME)
        lacking |= set() if moments else {"age"}
        if isinstance(chosen, bool):
            chosen = tuple(name for name in MEASURES if chosen and name not in lacking)
        for name in chosen:
            if name not in MEASURES:
                raise ConfigError(f"[features] aggregates: there is no {name!r}{nearest(name, MEASURES)}")
            if name in lacking:
                raise ConfigError(
                    f"[features] aggregates: {name!r} needs {_NEEDS.get(name, name)}; or leave it out"
                )
        short, long = half_lives
        if not 0 < short < long:
            raise ConfigError(
                f"[features] half_lives: two numbers of days, the shorter first and above 0, not {half_lives}"
            )
        return cls(
            names=tuple(name for name in MEASURES if name in chosen),
            types=schema.event_types,
            meanings={name: schema.meanings.get(name, EventType()) for name in schema.event_types},
            half_lives=half_lives,
            moments=moments if "age" in chosen else (),
        )


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of n owners, each at a moment. It is what `Plan.values` reads.

    Attributes:
        totals: per total, [n] int64.
        now: [n] int64, the moment; never before `last`.
        last, first: [n] int64, the latest and earliest event's time; `NEVER` and `-NEVER` where there is none.
        decayed: per half-life, [n] float64, as of `now`.
        bits: [n] int64, bits of the sketch that are set; None where nobody counts different ones.
    """

    totals: Mapping[str, Ints]
    now: Ints
    last: Ints
    first: Ints
    decayed: tuple[Floats, ...]
    bits: Ints | None


@dataclass(frozen=True)
class Plan:
    """The totals and columns of `measures`, the same for users and for items."""

    measures: Measures

    @cached_property
    def half_lives(self) -> tuple[float, ...]:
        """Microseconds; none where no trend is asked for."""
        return tuple(days * _DAY for days in self.measures.half_lives) if "trend" in self.measures.names else ()

    @property
    def distinct(self) -> bool:
        """Whether different ones are counted."""
        return "distinct" in self.measures.names

    @property
    def typed(self) -> bool:
        """Whether types of events are looked at."""
        return not {"types", "meanings", "taste"}.isdisjoint(self.measures.names)

    @cached_property
    def meanings(self) -> tuple[str, ...]:
        """Those that some type has, in alphabetical order."""
        return tuple(sorted({one.meaning.value for one in self.measures.meanings.values()}))

    @cached_property
    def totals(self) -> tuple[str, ...]:
        """Names of what is summed up."""
        made = {
            "events": ("events",),
            "types": tuple(f"type {name}" for name in self.measures.types),
            "meanings": tuple(f"meaning {name}" for name in self.meanings),
            "taste": ("taste",),
            "value": ("value", "value n"),
            "dwell": ("dwell", "dwell n"),
            "amount": ("amount",),
            "quantity": ("quantity",),
        }
        return tuple(total for name in self.measures.names for total in made.get(name, ()))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """[A] names of the numbers, as people see them."""
        made = {
            "events": ("events",),
            "types": tuple(f"events_{name}" for name in self.measures.types),
            "meanings": tuple(f"meaning_{name}" for name in self.meanings),
            "taste": ("taste",),
            "value": ("value_mean",),
            "dwell": ("dwell_sum", "dwell_mean"),
            "amount": ("amount_sum",),
            "quantity": ("quantity_sum",),
            "recency": ("since_last", "since_first"),
            "trend": ("recent", "lately", "trend"),
            "distinct": ("distinct",),
        }
        return tuple(column for name in self.measures.names for column in made.get(name, ()))

    def weights(self, chunk: Chunk) -> dict[str, Ints]:
        """What each event adds to each total: [E] int64."""
        per_type = [self.measures.meanings[name] for name in self.measures.types]
        lacking = np.full(len(chunk), np.nan)
        made: dict[str, Ints] = {}
        for total in self.totals:
            kind, _, rest = total.partition(" ")
            if kind == "events":
                made[total] = np.ones(len(chunk), dtype=np.int64)
            elif kind == "type":
                made[total] = (chunk.types == self.measures.types.index(rest)).astype(np.int64)
            elif kind == "meaning":
                # One place more, for types that are not told apart: index -1 finds it.
                table = np.array([one.meaning.value == rest for one in per_type] + [False])
                made[total] = table[chunk.types].astype(np.int64)
            elif kind == "taste":
                made[total] = _fixed(np.array([one.strength * one.sign for one in per_type] + [0.0]))[chunk.types]
            elif rest == "n":
                made[total] = (~np.isnan(chunk.numbers.get(kind, lacking))).astype(np.int64)
            else:
                made[total] = _fixed(chunk.numbers.get(kind, lacking))
        return made

    def values(self, known: Known) -> Floats:
        """[n, A] float64, in the order of `columns`; NaN where there is nothing to tell."""
        made: dict[str, list[Floats | Ints]] = {}
        never = known.last == NEVER
        totals = known.totals
        for name in self.measures.names:
            if name in ("events", "types", "meanings"):
                stem = {"events": "events", "types": "type ", "meanings": "meaning "}[name]
                made[name] = [totals[total] for total in totals if total.startswith(stem)]
            elif name in ("taste", "amount", "quantity"):
                made[name] = [totals[name] / FIXED]
            elif name in ("value", "dwell"):
                number = totals[f"{name} n"]
                mean = np.where(number > 0, totals[name] / FIXED / np.maximum(number, 1), np.nan)
                made[name] = [mean] if name == "value" else [totals[name] / FIXED, mean]
            elif name == "recency":
                made[name] = [
                    np.where(never, np.nan, (known.now - moment) / MICROSECONDS)
                    for moment in (known.last, known.first)
                ]
            elif name == "trend":
                short, long = known.decayed
                ratio = np.divide(short, long, out=np.full(len(short), np.nan), where=long > 0)
                made[name] = [short, long, ratio]
            elif name == "distinct" and known.bits is not None:
                made[name] = [sketch.estimate(known.bits)]
        columns = [column for name in self.measures.names for column in made.get(name, ())]
        values = np.empty((len(known.now), len(columns)))
        for place, column in enumerate(columns):
            values[:, place] = column
        return values


def _fixed(numbers: Floats) -> Ints:
    """Whole parts of a unit; 0 where there is no number."""
    held = np.clip(np.nan_to_num(numbers, nan=0.0), -LARGEST, LARGEST)
    whole: Ints = np.rint(held * FIXED).astype(np.int64)
    return whole
