# SPDX-License-Identifier: Apache-2.0
"""Part by part is, to the last bit, all at once."""

import threading
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from features.aggregates import naive
from penchant.data.dataset import Dataset, EventFiles
from penchant.data.splits import SplitConfig, split
from penchant.errors import DataError
from penchant.features import streaming
from penchant.features.aggregates.chunk import chunk_of
from penchant.features.aggregates.state import Aggregates
from penchant.features.space import FeatureSpace
from penchant.features.streaming import as_of_parts, fit_vocabularies
from penchant.schema import ITEM, TIME, TYPE, USER, VALUE

TOTAL, USERS, ITEMS = 3_000, 60, 25


def events(*, words=False, seed=0):
    """Events in log order with many ties, of items 0 to 24; with `words`, ids are text."""
    random = np.random.default_rng(seed)
    table = pl.DataFrame(
        {
            USER: random.integers(0, USERS, TOTAL) * 1_000,
            ITEM: random.integers(0, ITEMS, TOTAL),
            TIME: np.sort(random.integers(0, 40 * naive.DAY, TOTAL)) // naive.DAY * naive.DAY,
            TYPE: random.choice([*naive.TYPES, "never heard of"], TOTAL).tolist(),
            VALUE: np.where(random.random(TOTAL) < 0.3, np.nan, random.random(TOTAL) * 9),
            "amount": random.random(TOTAL) * 100,
        }
    ).with_columns(pl.col(VALUE).fill_nan(None))
    return table.with_columns(pl.col(USER, ITEM).cast(pl.String)) if words else table


def pieces(table, cuts):
    return [table[a:b] for a, b in pairwise([0, *cuts, table.height])]


def together(stretches):
    """(events, users, items) of all stretches."""
    made = list(stretches)
    return (
        pl.concat([one.events for one in made]),
        np.concatenate([one.before.users for one in made]),
        np.concatenate([one.before.items for one in made]),
    )


def all_at_once(table, plan):
    users = table[USER].rank("dense").cast(pl.Int64).to_numpy()
    items = table[ITEM].rank("dense").cast(pl.Int64).to_numpy()
    made = Aggregates(plan).advance(chunk_of(table, users, items, plan))
    return made.users, made.items


@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("names", [(), ("events", "recency"), ("value", "amount"), ("distinct", "taste")])
@pytest.mark.parametrize("cuts", [(), (1, 1, 700, 2_999), range(100, TOTAL, 100)])
def test_whatever_the_parts_it_is_the_same_to_the_last_bit(monkeypatch, words, names, cuts):
    monkeypatch.setattr(streaming, "CHUNK", 251)
    table, plan = events(words=words), naive.plan(*names)
    catalogue = table[ITEM].unique()
    given, users, items = together(as_of_parts(pieces(table, cuts), plan, catalogue))
    expected = all_at_once(table, plan)
    assert given.equals(table)
    assert np.array_equal(users, expected[0], equal_nan=True)
    assert np.array_equal(items, expected[1], equal_nan=True)
    assert users.shape == (TOTAL, len(plan.columns))


def test_items_outside_the_catalogue_count_nowhere():
    table, plan = events(), naive.plan("events", "trend")
    inside = pl.col(ITEM) < 20
    given, users, _ = together(as_of_parts(pieces(table, [900]), plan, pl.Series(range(20))))
    assert given.equals(table.filter(inside))
    assert np.array_equal(users, all_at_once(given, plan)[0], equal_nan=True)


def test_rows_are_those_of_the_users_given_and_then_as_they_come():
    table = events()
    known = pl.Series(USER, [5_000, 3_000])
    made = list(as_of_parts(pieces(table, [50]), naive.plan("events"), pl.Series(range(ITEMS)), known))
    rows = np.concatenate([one.users for one in made])
    rest = table[USER].unique(maintain_order=True).to_list()
    order = [5_000, 3_000, *(one for one in rest if one not in (5_000, 3_000))]
    assert [order[row] for row in rows.tolist()] == table[USER].to_list()
    assert np.concatenate([one.items for one in made]).tolist() == table[ITEM].to_list()


def test_parts_are_asked_for_one_ahead_and_no_more():
    asked = []

    def parts():
        for number, part in enumerate(pieces(events(), range(500, TOTAL, 500))):
            asked.append(number)
            yield part

    stretches = as_of_parts(parts(), naive.plan("events"), pl.Series(range(ITEMS)))
    for number, _ in enumerate(stretches):
        assert max(asked) <= number + 1
        if number == 2:
            break
    stretches.close()
    assert max(asked) <= 3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("as-of")]


def test_events_out_of_order_and_parts_that_cannot_be_read_are_told():
    table, plan = events(), naive.plan("events")
    with pytest.raises(DataError, match="sort the events by time"):
        list(as_of_parts([table[2_000:], table[:1_000]], plan, pl.Series(range(ITEMS))))

    def broken():
        yield table[:10]
        raise DataError("the disk is gone")

    with pytest.raises(DataError, match="the disk is gone"):
        list(as_of_parts(broken(), plan, pl.Series(range(ITEMS))))
    assert list(as_of_parts([], plan, pl.Series(range(ITEMS)))) == []


def test_from_files_it_is_what_a_feature_space_learns_of_training(tmp_path):
    table = events()
    paths = []
    for number, part in enumerate(pieces(table, [1_300])):
        paths.append(tmp_path / f"{number}.parquet")
        part.write_parquet(paths[-1])
    data = Dataset(
        name="parts",
        schema=naive.SCHEMA,
        events=EventFiles(paths=tuple(paths)),
        items=pl.DataFrame({ITEM: range(ITEMS)}),
        users=pl.DataFrame(schema={USER: pl.Int64}),
    )
    parts = split(data, SplitConfig(kind="time"))
    space = FeatureSpace.fit(data, parts.train)
    found = fit_vocabularies(parts.scan("train"))
    for one, other in zip(found, (space.item_ids, space.user_ids, space.actions), strict=True):
        assert one.values.equals(other.values)
    plan = naive.plan()
    _, users, items = together(as_of_parts(data.event_parts(), plan, data.items[ITEM], found[1].values))
    expected = all_at_once(table, plan)
    assert np.array_equal(users, expected[0], equal_nan=True)
    assert np.array_equal(items, expected[1], equal_nan=True)
