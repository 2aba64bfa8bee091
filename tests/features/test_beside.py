# SPDX-License-Identifier: Apache-2.0
"""Reviews and friends as signals: switched on by the run file, and refused where there is nothing."""

from __future__ import annotations

import msgspec
import pytest
import torch

import beside
import worlds
from penchant.config import RunConfig
from penchant.errors import ConfigError
from penchant.features.beside import Beside
from penchant.features.signals import Signals
from penchant.features.space import FeatureConfig, FeatureSpace, SpaceState
from penchant.schema import USER

WRITTEN = ("reviews", "review_rating")
FRIENDS = ("friends", "friends_recent", "friends_lately")


def fitted(data, **choices):
    return FeatureSpace.fit(data, data.events, FeatureConfig(**choices))


@pytest.mark.parametrize(
    ("choices", "users", "items"),
    [
        ({"reviews": True}, WRITTEN, WRITTEN),
        ({"social": True}, FRIENDS, ()),
        ({"reviews": True, "social": True}, WRITTEN + FRIENDS, WRITTEN),
        (
            {"reviews": True, "social": True, "aggregates": ("events",)},
            ("events", *WRITTEN, *FRIENDS),
            ("events", *WRITTEN),
        ),
    ],
)
def test_what_is_switched_on_is_there_and_nothing_else(choices, users, items):
    data = beside.dataset()
    space = fitted(data, **choices)
    assert space.signals.user_columns == users
    assert space.signals.item_columns == items
    assert (space.sizes.user_signals, space.sizes.item_signals) == (len(users), len(items))
    everyone, catalogue = data.events[USER].unique(), space.catalogue(data.items)
    trained = space.training_users(everyone, data.events, catalogue, data.users).history
    assert trained.user_signals.shape == (data.events.height, len(users))
    assert trained.item_signals.shape == (data.events.height, len(items))
    for seen in (trained.user_signals, trained.item_signals):
        assert (seen != seen[:1]).any(0).all()  # there is something to see in every column


def test_off_by_default_whatever_the_data_hold():
    space = fitted(beside.dataset())
    assert space.signals is None
    assert space.beside == {}
    assert fitted(beside.dataset(), aggregates=("events",)).beside == {}


def test_a_space_keeps_no_words_of_reviews_and_only_those_of_known_interactions():
    data = beside.dataset()
    half = data.events.head(data.events.height // 2)
    kept = FeatureSpace.fit(data, half, FeatureConfig(reviews=True)).beside["reviews"]
    assert "text" not in kept.columns
    assert 0 < kept.height < data.reviews.height
    assert kept.join(half, on=["user_id", "item_id"], how="anti").is_empty()


def test_what_comes_after_training_changes_no_scale():
    data = beside.dataset()
    cut = data.events.height // 2
    choices = FeatureConfig(reviews=True, social=True)
    space = FeatureSpace.fit(data, data.events.head(cut), choices)
    tables = {"reviews": beside.before(data.reviews, data.events["time"][cut - 1] + 1), "social": data.social}
    less = worlds.Dataset(
        name="less", schema=data.schema, events=data.events, items=data.items, users=data.users, **tables
    )
    again = FeatureSpace.fit(less, data.events.head(cut), choices)
    assert space.signals.state == again.signals.state


def test_through_files_it_is_the_same_and_a_missing_table_is_refused():
    data = beside.dataset()
    space = fitted(data, reviews=True, social=True)
    saved, tensors = space.state()
    read = msgspec.json.decode(msgspec.json.encode(saved), type=SpaceState)
    again = FeatureSpace.load(read, tensors, beside=space.beside)
    catalogue = space.catalogue(data.items)
    for one, other in zip(
        space.signals.just_before(data.events, catalogue),
        again.signals.just_before(data.events, catalogue),
        strict=True,
    ):
        assert torch.equal(one, other)
    with pytest.raises(ValueError, match="look at reviews and social, and there is no such table"):
        FeatureSpace.load(read, tensors)
    assert Beside.load(type(saved.signals.beside)(), {}) is None


def test_a_state_from_before_reviews_and_friends_is_read():
    state = fitted(beside.dataset(), aggregates=("events",)).signals.state
    raw = msgspec.to_builtins(state)
    del raw["beside"]
    assert Signals(msgspec.convert(raw, type(state))).state == state


@pytest.mark.parametrize("name", ["reviews", "social"])
def test_what_the_data_set_lacks_is_refused_with_the_way_out(name):
    message = rf"\[features\] {name}: the data set 'board' has none: .*\[data.{name}\], or set {name} = false"
    with pytest.raises(ConfigError, match=message):
        fitted(worlds.checkerboard(), **{name: True})
    data = beside.dataset(has_time=False)
    with pytest.raises(ConfigError, match=rf"\[features\] {name}: needs times of events"):
        fitted(data, **{name: True})


def test_reviews_without_any_time_are_refused():
    with pytest.raises(ConfigError, match=r"no review has a time.*\[data.reviews\] time, or set reviews = false"):
        fitted(beside.dataset(timeless=True), reviews=True)


def test_half_lives_are_those_of_the_trend():
    data = beside.dataset()
    quick, slow = (fitted(data, social=True, half_lives=(0.001, days)) for days in (0.002, 3.0))
    assert quick.signals.state.users.means[1] == slow.signals.state.users.means[1]
    assert quick.signals.state.users.means[2] < slow.signals.state.users.means[2]
    with pytest.raises(ConfigError, match="half_lives: two numbers of days"):
        fitted(data, social=True, half_lives=(3.0, 2.0))


def test_the_run_file_is_read_strictly(tmp_path):
    text = '[data]\nname = "x"\n[data.events]\npath = "events.csv"\n[features]\nreviews = "yes"\n'
    with pytest.raises(ConfigError, match=r"run.toml \[features\]: reviews: .*bool"):
        RunConfig.parse(text, tmp_path / "run.toml")
