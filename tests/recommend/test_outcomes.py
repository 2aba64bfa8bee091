# SPDX-License-Identifier: Apache-2.0
"""Outcomes: what came of an impression, or of a candidate, by hand."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
import torch

from penchant.errors import ConfigError
from penchant.rank.tasks import TaskConfig
from penchant.recommend.outcomes import outcomes, shown_cases, spread, types_of
from penchant.schema import AMOUNT, POSITION, EventType, IdType, Meaning, Schema

SCHEMA = Schema(
    user_id=IdType.INTEGER,
    item_id=IdType.INTEGER,
    event_types=("seen", "click", "buy", "hide"),
    meanings={
        "seen": EventType(meaning=Meaning.IMPRESSION, sign=0),
        "click": EventType(meaning=Meaning.CLICK),
        "hide": EventType(meaning=Meaning.DISLIKE, sign=-1),
    },
    extras=(AMOUNT, POSITION),
)
TASKS = (
    TaskConfig(name="click", types=("click",)),
    TaskConfig(name="buys", kind="count", types=("buy",)),
    TaskConfig(name="spent", kind="regression", types=("buy",), of="amount"),
)
NAMES = [task.name for task in TASKS]


def log(*rows):
    """Of (user, item, time, type[, amount[, position]]) rows."""
    columns = {
        "user_id": pl.Int64, "item_id": pl.Int64, "time": pl.Int64, "type": pl.String, "amount": pl.Float64,
        "position": pl.Int64,
    }  # fmt: skip
    return pl.DataFrame([(*row, None, None)[:6] for row in rows], schema=columns, orient="row")


def test_which_types_a_task_is_about():
    assert types_of(TASKS[0], SCHEMA) == ["click"]
    # No type is named: all that lean towards the item; what the run file says nothing of does.
    assert types_of(TaskConfig(name="taken"), SCHEMA) == ["click", "buy"]
    with pytest.raises(ConfigError, match=r"rank.tasks.* x: types: no event is a 'clik'.*click"):
        types_of(TaskConfig(name="x", types=("clik",)), SCHEMA)
    with pytest.raises(ConfigError, match=r"x: of: the events have no dwell.*amount"):
        types_of(TaskConfig(name="x", kind="regression", of="dwell"), SCHEMA)
    with pytest.raises(ConfigError, match="the events have no value"):
        types_of(TaskConfig(name="x", kind="regression", of="value"), SCHEMA)


def test_what_was_done_belongs_to_the_last_impression_before_it():
    events = log(
        (1, 7, 10, "seen", None, 2),
        (1, 7, 11, "click"),
        (2, 7, 12, "seen", None, 1),
        (1, 7, 20, "seen", None, 4),
        (1, 8, 21, "seen", None, 5),
        (1, 7, 22, "buy", 3.0),
        (1, 7, 23, "buy", 5.0),
        (1, 8, 24, "hide"),
    )
    cases = shown_cases(events, TASKS, SCHEMA)
    assert cases["case"].to_list() == [0, 2, 3, 4]
    assert cases["position"].to_list() == [2, 1, 4, 5]
    assert cases["click"].to_list() == [1.0, 0.0, 0.0, 0.0]
    assert cases["buys"].to_list() == [0.0, 0.0, 2.0, 0.0]
    spent = cases["spent"].to_list()
    assert spent[2] == 4.0
    assert all(math.isnan(spent[place]) for place in (0, 1, 3))


def test_what_no_impression_led_to_was_shown_if_it_has_a_place():
    events = log((1, 7, 10, "click", None, 3), (1, 8, 11, "buy", 2.0), (1, 7, 12, "seen", None, 1))
    cases = shown_cases(events, TASKS, SCHEMA)
    assert cases.select("item_id", "position", "click").rows() == [(7, 3, 1.0), (7, 1, 0.0)]
    # Nothing has a place: then one line stands for both, what was shown and what came of it.
    placeless = shown_cases(events.drop("position"), TASKS, SCHEMA)
    assert placeless.select("item_id", "position", "click", "buys").rows() == [
        (7, 0, 1.0, 0.0), (8, 0, 0.0, 1.0), (7, 0, 0.0, 0.0)
    ]  # fmt: skip


def test_a_click_before_the_impression_does_not_come_of_it():
    events = log((1, 7, 9, "click"), (1, 7, 10, "seen", None, 1), (2, 7, 11, "click"))
    assert shown_cases(events, TASKS, SCHEMA)["click"].to_list() == [0.0]


def test_pairs_of_a_stretch():
    events = log(
        (1, 7, 1, "click"), (1, 7, 2, "buy", 4.0), (1, 7, 3, "buy", None), (2, 9, 4, "click"), (2, 8, 5, "hide")
    )
    found = outcomes(events, TASKS, SCHEMA).sort("user_id")
    assert found.select("user_id", "item_id", "click", "buys").rows() == [(1, 7, 1.0, 2.0), (2, 9, 1.0, 0.0)]
    assert found["spent"][0] == 4.0
    assert math.isnan(found["spent"][1])


def test_labels_go_to_the_cases_of_their_keys():
    table = pl.DataFrame({"click": [1.0, 0.0], "buys": [2.0, 1.0], "spent": [4.0, math.nan]})
    found = spread(np.array([30, 10]), table, torch.tensor([10, 20, 30, 31]), TASKS)
    assert found[:, :2].tolist() == [[0.0, 1.0], [0.0, 0.0], [1.0, 2.0], [0.0, 0.0]]
    assert found[2, 2] == 4.0
    assert found[[0, 1, 3], 2].isnan().all()
    none = spread(np.zeros(0, np.int64), table.clear(), torch.tensor([10]), TASKS)
    assert none[0, :2].tolist() == [0.0, 0.0]
