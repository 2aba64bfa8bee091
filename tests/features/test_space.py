# SPDX-License-Identifier: Apache-2.0
"""FeatureSpace: fitted on what training may see, the same after a round trip, strict about names."""

from __future__ import annotations

from functools import cache

import msgspec
import polars as pl
import pytest
import torch
from safetensors.torch import load, save

import worlds
from penchant.batch import ContentSize
from penchant.errors import ConfigError
from penchant.features.space import FeatureConfig, FeatureSpace, SpaceState
from penchant.schema import ITEM, TIME, USER, VALUE, IdType


@cache
def board():
    return worlds.checkerboard()


def fitted(events=None, **choices):
    return FeatureSpace.fit(board(), board().events if events is None else events, **choices)


def through_files(space):
    saved, tensors = space.state()
    raw = msgspec.json.encode(saved)
    tensors = load(save({name: tensor.contiguous() for name, tensor in tensors.items()}))
    return FeatureSpace.load(msgspec.json.decode(raw, type=SpaceState), tensors)


def asked(space, events=None, ids=(100, 101, 999), profiles=None):
    return space.users(
        pl.Series(USER, ids, dtype=space.user_ids.values.dtype),
        board().events if events is None else events,
        space.catalogue(board().items),
        board().users if profiles is None else profiles,
    )


def test_sizes():
    sizes = fitted().sizes
    assert (sizes.items, sizes.users, sizes.actions) == (worlds.ITEMS + 2, worlds.USERS + 2, 4)
    assert sizes.item_features == {"year": 0, "genre": 4, "tags": 5}
    assert sizes.user_features == {"age": 0, "job": 3}
    assert sizes.content == {"title": ContentSize.vector(64)}
    assert sizes.has_time


def test_what_only_the_test_part_holds_is_unknown():
    last = board().events.height * 2 // 3
    train = board().events.filter((pl.col(ITEM) != 500) & (pl.col(USER) != 103)).head(last)
    train = train.filter(pl.col("type") == "view")
    space = fitted(train)
    users = asked(space, ids=(100, 103))
    assert users.ids.tolist()[1] == 1
    assert users.ids.tolist()[0] >= 2
    assert users.catalogue.ids.tolist()[0] == 1
    assert set(users.history.actions.tolist()) == {1, 2}


def test_a_word_of_unseen_rows_only_is_unknown():
    items = board().items.with_columns(
        pl.when(pl.col(ITEM) == 500).then(pl.lit("opera")).otherwise("genre").alias("genre"),
        pl.when(pl.col(ITEM) == 500).then(1e9).otherwise("year").alias("year"),
        pl.when(pl.col(ITEM) == 500).then(pl.lit("zither")).otherwise("title").alias("title"),
    )
    data = worlds.dataset(board().events, items, board().users)
    with_it = FeatureSpace.fit(data, data.events)
    without = FeatureSpace.fit(data, data.events.filter(pl.col(ITEM) != 500))
    assert "opera" in with_it.item_columns["genre"].vocabulary.values
    assert "opera" not in without.item_columns["genre"].vocabulary.values
    assert without.item_columns["year"].mean < 2100
    encoded = without.items(items)
    assert encoded.features["genre"][0] == 1
    assert not encoded.content["title"][1][0]


def test_profiles_of_users_without_events_are_not_learned_from():
    users = pl.concat([board().users, pl.DataFrame({USER: [5], "age": [1e6], "job": ["ghost"]})])
    space = FeatureSpace.fit(worlds.dataset(board().events, board().items, users), board().events)
    assert "ghost" not in space.user_columns["job"].vocabulary.values
    assert space.user_columns["age"].mean < 100


@pytest.mark.parametrize("id_type", list(IdType))
def test_through_files_it_encodes_the_same(id_type):
    data = board()
    if id_type is IdType.STRING:
        frames = [
            frame.with_columns(
                pl.col(name).cast(pl.String) + "é" for name in (USER, ITEM) if name in frame.columns
            )
            for frame in (data.events, data.items, data.users)
        ]
        data = worlds.dataset(*frames, user_id=id_type, item_id=id_type)
    space = FeatureSpace.fit(data, data.events)
    again = through_files(space)
    ids = pl.concat([data.users[USER].head(4), data.users[USER].head(0)])
    sides = [one.users(ids, data.events, one.catalogue(data.items), data.users) for one in (space, again)]
    worlds.equal_histories(sides[0].history, sides[1].history)
    worlds.equal_items(sides[0].catalogue, sides[1].catalogue)
    assert sides[0].ids.tolist() == sides[1].ids.tolist()
    assert all(torch.equal(sides[0].features[name], sides[1].features[name]) for name in ("age", "job"))
    assert again.sizes == space.sizes
    assert again.schema == space.schema
    assert again.state()[0] == space.state()[0]


def test_columns_left_out_are_not_seen():
    space = fitted(config=FeatureConfig(leave_out=["title", "year", "job"]))
    assert space.sizes.item_features.keys() == {"genre", "tags"}
    assert space.sizes.user_features.keys() == {"age"}
    assert space.sizes.content == {}
    assert through_files(space).sizes == space.sizes


def test_leaving_out_what_is_not_there():
    with pytest.raises(ConfigError, match=r"leave_out: no column 'genres' \(did you mean 'genre'\?\)"):
        fitted(config=FeatureConfig(leave_out=["genres"]))


def test_choices_of_an_encoder():
    space = fitted(content={"text": {"kind": "tfidf", "size": 8, "seed": 3}})
    assert space.sizes.content == {"title": ContentSize.vector(8)}
    assert through_files(space).content.columns["title"].encoder.config.seed == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"texts": {}}, r"\[content\]: unknown key 'texts' \(did you mean 'text'\?\)"),
        ({"text": {"kind": "tfidfs"}}, r"no encoder 'tfidfs' \(did you mean 'tfidf'\?\)"),
        (
            {"text": {"sizes": 8}},
            r"\[content.text\] of kind 'tfidf': unknown key 'sizes' \(did you mean 'size'\?\)",
        ),
        ({"text": {"size": 1}}, r"\[content.text\] of kind 'tfidf': size: Expected `int` >= 2"),
    ],
)
def test_bad_choices_of_an_encoder(content, message):
    with pytest.raises(ConfigError, match=message):
        fitted(content=content)


def test_users_are_answered_in_the_order_asked():
    space = fitted()
    users = asked(space, ids=(103, 999, 100))
    rows = users.history.rows + 500
    events = board().events
    assert users.ids.tolist() == [space.user_ids.index(103), 1, space.user_ids.index(100)]
    assert users.history.lengths.tolist() == [worlds.EACH, 0, worlds.EACH]
    assert rows[: worlds.EACH].tolist() == events.filter(pl.col(USER) == 103)[ITEM].to_list()
    assert rows[worlds.EACH :].tolist() == events.filter(pl.col(USER) == 100)[ITEM].to_list()


def test_events_become_rows_actions_times_and_values():
    space = fitted()
    events = worlds.table((100, 501, 7, "buy", 2.5), (100, 1, 8), (100, 537, 9, "odd"), (100, 500, 10, None))
    rows, actions, times, values = space.encode_events(events, space.catalogue(board().items))
    assert rows.tolist() == [1, -1, 37, 0]
    assert actions.tolist() == [space.actions.index("buy"), space.actions.index("view"), 1, 0]
    assert times.tolist() == [7, 8, 9, 10]
    told = board().events[VALUE]
    assert values[0].item() == pytest.approx((2.5 - told.mean()) / told.std(ddof=0))
    assert values[1:].tolist() == [0, 0, 0]
    users = asked(space, events, ids=(100,))
    assert users.history.values.tolist() == [values[0].item(), 0, 0]


def test_a_user_without_a_row_has_all_features_missing():
    users = asked(fitted(), ids=(159, 100))
    assert users.features["age"][0] == 0
    assert users.features["job"].tolist() == [0, 2]


def test_a_stranger_is_a_user_of_whom_only_deeds_are_known():
    space = fitted()
    known = asked(space, ids=(100, 101))
    strangers = space.stranger(known.history, space.catalogue(board().items))
    assert strangers.ids.tolist() == [0, 0]
    assert strangers.features["age"].tolist() == [0, 0]
    worlds.equal_histories(strangers.history, known.history)


def test_missing_tables_columns_count_as_missing_values():
    space = fitted()
    bare = space.items(board().items.select(ITEM))
    nulls = space.items(
        board().items.select(ITEM).with_columns(pl.lit(None, kind).alias(name) for name, kind in NULLS.items())
    )
    worlds.equal_items(bare, nulls)
    assert not bare.content["title"][1].any()
    users = asked(space, profiles=board().users.select(USER))
    assert not users.features["age"].any()


NULLS = {"title": pl.String, "year": pl.Float64, "genre": pl.String, "tags": pl.List(pl.String)}


def test_fitting_where_the_tables_lack_columns():
    data = worlds.dataset(board().events, board().items.select(ITEM), board().users.select(USER))
    space = FeatureSpace.fit(data, data.events)
    assert space.sizes.item_features == {"year": 0, "genre": 2, "tags": 2}
    assert not space.items(board().items).content["title"][1].any()


def test_fitting_on_no_events():
    space = fitted(board().events.clear())
    assert (space.sizes.items, space.sizes.users, space.sizes.actions) == (2, 2, 2)
    users = asked(space)
    assert users.ids.tolist() == [1, 1, 1]
    assert set(users.catalogue.ids.tolist()) == {1}
    assert through_files(space).sizes == space.sizes


def test_events_alone_do_not_depend_on_columns_beyond_the_canonical_ones():
    space = fitted()
    more = board().events.with_columns(part=pl.lit("train")).select(sorted([*board().events.columns, "part"]))
    worlds.equal_histories(asked(space, more).history, asked(space).history)
    assert {TIME, VALUE} < set(more.columns)


def test_how_much_is_known_of_each_item_travels_with_the_space():
    day = 24 * 60 * worlds.MINUTE
    space = fitted(worlds.table((1, 505, 0), (1, 505, 0), (2, 501, 4 * day), (3, None, 4 * day)))
    assert space.popularity.tolist() == [0.0, 0.0, 1.0, 1.0]
    assert torch.equal(through_files(space).popularity, space.popularity)


def test_a_space_that_was_saved_without_it_has_no_favourites():
    saved, tensors = fitted().state()
    older = FeatureSpace.load(msgspec.structs.replace(saved, popularity=[]), tensors)
    assert older.popularity.tolist() == [0.0] * older.sizes.items
