# SPDX-License-Identifier: Apache-2.0
"""Signals: scaled by training alone, as of each event, and enough for a model to learn what only they tell."""

from __future__ import annotations

from functools import cache

import msgspec
import numpy as np
import polars as pl
import pytest
import torch

import signalled
import worlds
from penchant.errors import ConfigError
from penchant.features.live import LiveSignals
from penchant.features.signals import Signals, SignalState
from penchant.features.space import FeatureConfig, FeatureSpace
from penchant.schema import ITEM, TIME, USER


@cache
def rage():
    data = signalled.dataset()
    return data, signalled.pipeline(data)


def fitted(data, **choices):
    return FeatureSpace.fit(data, data.events, FeatureConfig(**choices))


def test_a_model_learns_what_only_signals_tell():
    data, pipeline = rage()
    users = pipeline.space.users(pl.Series(USER, [0, 1]), data.events, pipeline.catalogue, data.users)
    last = signalled.DAYS - 1
    first = pipeline.recommend(users, 1, exclude_seen=False).rows[:, 0].tolist()
    assert first == [last % signalled.ITEMS] * 2


def test_a_new_rage_is_followed_without_learning_anew():
    data, pipeline = rage()
    end = int(data.events[TIME].max())
    fresh = pl.DataFrame(
        [(user, 5, end + user * signalled.HOUR // 4, "buy", None) for user in range(30)],
        schema=data.events.schema,
        orient="row",
    )
    events = pl.concat([data.events, fresh])
    users = pipeline.space.users(pl.Series(USER, [0]), events, pipeline.catalogue, data.users)
    assert pipeline.recommend(users, 1, exclude_seen=False).rows.tolist() == [[5]]


def test_training_events_are_scaled_to_mean_0_and_deviation_1():
    data, pipeline = rage()
    users = pipeline.space.training_users(
        data.events[USER].unique().sort(), data.events, pipeline.catalogue, data.users
    )
    for signals in (users.history.user_signals, users.history.item_signals):
        assert signals.shape == (data.events.height, len(pipeline.space.signals.user_columns))
        assert signals.dtype == torch.float32
        always = signals[:, :3]  # counts are there from the start
        assert always.mean(0).abs().max() < 0.02
        assert (always.std(0) - 1).abs().max() < 0.02
    assert users.signals is None
    assert users.catalogue.signals is None


def test_what_comes_after_training_changes_no_scale_and_no_signal_before_it():
    data = signalled.dataset()
    half = data.events.head(700)
    space = FeatureSpace.fit(data, half, FeatureConfig(aggregates=True))
    whole = FeatureSpace.fit(data, data.events, FeatureConfig(aggregates=True))
    assert space.signals.state != whole.signals.state
    catalogue = space.catalogue(data.items)
    before = space.signals.just_before(half, catalogue)
    among = space.signals.just_before(data.events, catalogue)
    for one, other in zip(before, among, strict=True):
        assert torch.equal(one, other[:700])


def test_the_first_event_of_all_knows_nothing():
    data, pipeline = rage()
    users, items = pipeline.space.signals.just_before(data.events.head(1), pipeline.catalogue)
    assert torch.equal(users, pipeline.space.signals.of_users(nothing(pipeline)))
    assert torch.equal(items, pipeline.space.signals.of_items(nothing(pipeline)))


def nothing(pipeline):
    live = LiveSignals(pipeline.space.signals, pipeline.catalogue)
    return live._state.users_at(np.array([0]), 0)


def test_the_order_of_the_table_does_not_matter_to_what_was_known():
    data, pipeline = rage()
    signals = pipeline.space.signals
    shuffled = data.events.sample(fraction=1, shuffle=True, seed=3).with_row_index("place")
    straight = shuffled.sort(TIME)["place"].to_list()
    for one, other in zip(
        signals.just_before(data.events, pipeline.catalogue),
        signals.just_before(shuffled.drop("place"), pipeline.catalogue),
        strict=True,
    ):
        assert torch.equal(one, other[straight])


def test_events_of_unknown_items_count_nowhere():
    data, pipeline = rage()
    known = pipeline.space.catalogue(data.items.filter(pl.col(ITEM) != 3))
    users, items = pipeline.space.signals.just_before(data.events, known)
    rest = data.events.filter(pl.col(ITEM) != 3)
    there = (data.events[ITEM] != 3).to_numpy()
    alone = pipeline.space.signals.just_before(rest, known)
    assert torch.equal(users[there], alone[0])
    assert torch.equal(items[there], alone[1])
    assert not users[~there].any()


def test_through_files_it_is_the_same():
    state = rage()[1].space.signals.state
    again = Signals(msgspec.json.decode(msgspec.json.encode(state), type=SignalState))
    assert again.state == state


def test_a_state_from_a_file_goes_on_where_it_was():
    data, pipeline = rage()
    signals, catalogue = pipeline.space.signals, pipeline.catalogue
    half, rest = data.events.head(600), data.events.slice(600)
    kept = LiveSignals.after(signals, catalogue, half).tensors()
    again = LiveSignals.after(signals, catalogue, half, kept)
    again.take(rest)
    straight = LiveSignals.after(signals, catalogue, data.events)
    assert again.clock == straight.clock
    ids = [*range(signalled.USERS), 4711]
    assert torch.equal(again.users(ids, again.clock), straight.users(ids, straight.clock))
    assert torch.equal(again.items(again.clock), straight.items(straight.clock))
    assert again.of_user(4711, 0)["since_last"] is None
    with pytest.raises(ValueError, match="not of these users"):
        LiveSignals.after(signals, catalogue, rest.head(10), kept)


def test_off_by_default():
    space = fitted(worlds.checkerboard())
    data = worlds.checkerboard()
    assert space.signals is None
    assert space.sizes.user_signals == space.sizes.item_signals == 0
    users = space.users(data.users[USER], data.events, space.catalogue(data.items), data.users)
    assert users.signals is None
    assert users.history.user_signals is None


def test_true_is_all_that_the_data_can_give():
    names = fitted(worlds.checkerboard(), aggregates=True).signals.state.measures.names
    assert names == ("events", "types", "meanings", "taste", "value", "recency", "trend", "distinct")


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"aggregates": ("event",)}, r"there is no 'event' \(did you mean 'events'\?\)"),
        ({"aggregates": ("dwell",)}, r"'dwell' needs a column `dwell` in \[data.events\]; or leave it out"),
        ({"aggregates": ("trend",), "half_lives": (3.0, 2.0)}, r"the shorter first and above 0, not \(3.0, 2.0\)"),
    ],
)
def test_what_cannot_be_had(choices, message):
    with pytest.raises(ConfigError, match=message):
        fitted(worlds.checkerboard(), **choices)


def test_without_times_there_is_no_recency():
    data = worlds.checkerboard()
    data = worlds.dataset(data.events, data.items, data.users, has_time=False)
    with pytest.raises(ConfigError, match="'recency' needs times of events"):
        fitted(data, aggregates=("recency",))
