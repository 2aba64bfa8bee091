# SPDX-License-Identifier: Apache-2.0
"""The columns of a table together: sizes as encoded, crosses, choices, and what is refused."""

from __future__ import annotations

import msgspec
import polars as pl
import pytest

import worlds
from penchant.errors import ConfigError
from penchant.features.columns import ColumnChoice
from penchant.features.columnset import ColumnSet, ColumnSetState, crosses_of
from penchant.features.space import FeatureConfig, FeatureSpace, SpaceState
from penchant.schema import Column, Kind

COLUMNS = {
    "age": Column(kind=Kind.NUMBER),
    "job": Column(kind=Kind.CATEGORY),
    "seller": Column(kind=Kind.ID),
    "tags": Column(kind=Kind.TAGS),
    "since": Column(kind=Kind.TIME),
    "words": Column(kind=Kind.TEXT),
}
FRAME = pl.DataFrame(
    {
        "age": [float(n) for n in range(20)],
        "job": ["smith", "baker"] * 10,
        "seller": [f"s{n % 3}" for n in range(20)],
        "tags": [["a"], ["a", "b"]] * 10,
        "since": [n * 10**12 for n in range(20)],
        "words": ["text"] * 20,
    }
)
CROSSES = {"who": ("age", "job"), "where": ("job", "seller")}


def fitted(**choices):
    return ColumnSet.fit(FRAME, COLUMNS, crosses=CROSSES, end=10**14, **choices)


def test_sizes_are_those_of_what_is_encoded():
    made = fitted()
    features = made.encode(FRAME)
    assert features.keys() == made.sizes.keys()
    assert {"age", "job", "seller", "tags", "since age", "since week sin", "who", "where"} <= features.keys()
    assert "words" not in features
    for name, size in made.sizes.items():
        assert features[name].shape[0] == 20
        assert (features[name].dtype.is_floating_point) == (size == 0), name
        assert size == 0 or int(features[name].max()) < size


def test_a_cross_tells_pairs_apart_and_is_missing_with_its_parts():
    made = fitted()
    rows = pl.DataFrame(
        {"age": [0.0, 0.5, 0.0, 19.0, None, 3.0], "job": ["smith", "smith", "baker", "smith", "smith", None]}
    )
    who = made.encode(rows)["who"].tolist()
    assert who[0] == who[1]
    assert len({who[0], who[2], who[3]}) == 3
    assert who[4:] == [0, 0]
    assert made.encode(FRAME.select("job"))["who"].tolist() == [0] * 20


def test_through_json_it_encodes_the_same():
    made = fitted(choices={"age": ColumnChoice(transform="quantile"), "seller": ColumnChoice(buckets=9)})
    state = msgspec.json.decode(msgspec.json.encode(made.state()), type=ColumnSetState)
    again = ColumnSet.load(state)
    assert again.sizes == made.sizes
    for name, tensor in made.encode(FRAME).items():
        assert again.encode(FRAME)[name].tolist() == tensor.tolist(), name


def test_columns_left_out():
    assert "age" not in fitted(leave_out=["age"]).sizes


TABLES = {"items": COLUMNS, "users": {"city": Column(kind=Kind.CATEGORY)}, "context": {}}


@pytest.mark.parametrize(
    ("crosses", "message"),
    [
        ({"x": ("age", "jobs")}, r"\[features.crosses\] x: no column 'jobs' \(did you mean 'job'\?\)"),
        ({"x": ("age", "city")}, "x: age, city are not all of one table"),
        ({"x": ("age",)}, "x: name at least two"),
        ({"x": ("age", "tags")}, "'tags' is tags; only category, id, number can be"),
        ({"job": ("age", "seller")}, "there is a column of this name"),
    ],
)
def test_crosses_that_cannot_be(crosses, message):
    with pytest.raises(ConfigError, match=message):
        crosses_of("items", crosses, TABLES)


def board(**choices):
    data = worlds.checkerboard()
    return data, FeatureSpace.fit(data, data.events, FeatureConfig(**choices))


def test_the_run_file_reaches_every_table():
    choices = {"columns": {"year": ColumnChoice(transform="log")}, "crosses": {"who": ("age", "job")}}
    data, space = board(**choices)
    assert space.item_columns["year"].transform == "log"
    assert space.sizes.user_features.keys() == {"age", "job", "who"}
    again = FeatureSpace.load(
        msgspec.json.decode(msgspec.json.encode(space.state()[0]), type=SpaceState), space.state()[1]
    )
    assert again.sizes == space.sizes
    users = space.users(data.users["user_id"], data.events, space.catalogue(data.items), data.users)
    assert users.features["who"].shape == (len(data.users),)


def test_a_choice_for_no_column():
    with pytest.raises(ConfigError, match=r"\[features.columns\]: no column 'yaer' \(did you mean 'year'\?\)"):
        board(columns={"yaer": ColumnChoice()})
