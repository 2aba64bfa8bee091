# SPDX-License-Identifier: Apache-2.0
"""A small data set with known numbers, as a profile looks at it."""

import polars as pl

from logs import log
from penchant.data.dataset import Dataset
from penchant.profile.view import View
from penchant.schema import EVENT_EXTRAS, Column, IdType, Kind, Schema

DAY = 86_400.0
KINDS = {"genre": Kind.CATEGORY, "tags": Kind.TAGS, "price": Kind.NUMBER, "plot": Kind.TEXT, "photo": Kind.IMAGE}


def dataset(events, items=None, users=None, *, title=None, root=None, **schema):
    """Events of `logs.log`, and tables whose missing columns are simply not there."""
    items = items if items is not None else events.select("item_id").unique(maintain_order=True)
    users = users if users is not None else events.select("user_id").clear()
    named = {
        name: Column(kind=KINDS.get(name, Kind.CATEGORY))
        for name in items.columns
        if name not in ("item_id", title)
    }
    people = {name: Column(kind=Kind.NUMBER if name == "age" else Kind.CATEGORY) for name in users.columns[1:]}
    return Dataset(
        name="made",
        schema=Schema(
            user_id=IdType.STRING,
            item_id=IdType.STRING,
            items=named,
            users=people,
            title=title,
            has_value=events["value"].count() > 0,
            extras=tuple(name for name in EVENT_EXTRAS if name in events.columns),
            **schema,
        ),
        events=events.drop("_at"),
        items=items,
        users=users,
        root=root,
    )


def view(events, *args, cuts=(0.8, 0.9), sample=1_000_000, report=None, **kwargs):
    """Cut by time at these shares."""
    made = dataset(events.sort("time", "_at"), *args, **kwargs)
    a, b = (int(cut * made.events.height) for cut in cuts)
    frames = (made.events[:a], made.events[a:b], made.events[b:])
    parts = {name: part.lazy() for name, part in zip(("train", "validation", "test"), frames, strict=True)}
    return View(dataset=made, parts=parts, split="by time", report=report or {}, sample=sample)


def steady(days=60, each=10, **columns):
    """Some events on each of some days, at noon and in the minutes after; 20 users, 15 items."""
    n = days * each
    seconds = [day * DAY + DAY / 2 + 97 * k for day in range(days) for k in range(each)]
    users = [f"u{k % 20}" for k in range(n)]
    items = [f"i{k * 7 % 15}" for k in range(n)]
    return log(**{"user_id": users, "item_id": items, "seconds": seconds} | columns)


def words(cells):
    """A column of words as a series without a name."""
    return pl.Series(cells, dtype=pl.String)
