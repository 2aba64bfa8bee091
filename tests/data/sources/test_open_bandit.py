# SPDX-License-Identifier: Apache-2.0
"""Open Bandit: two policies, one log; a segment of shoppers in place of a user."""

import polars as pl
import pytest

from publisher import get

SHOPPER = [f"user_feature_{number}" for number in range(4)]
HEAD = ",timestamp,item_id,position,click,propensity_score," + ",".join(SHOPPER) + ",user-item_affinity_0\n"
ITEMS = ",item_id,item_feature_0,item_feature_1,item_feature_2,item_feature_3\n0,14,-0.5,{0}1,{0}2,{0}3\n"


def log(second, click, propensity):
    shopper = ",".join(letter * 32 for letter in "abcd")
    return f"{HEAD}0,2019-11-24 00:00:{second}.004101+00:00,14,2,{click},{propensity},{shopper},0.0\n"


def check(made):
    assert made.events["type"].to_list() == ["click", "impression"]
    assert made.events["policy"].to_list() == ["bts", "random"]
    assert made.events["propensity"].to_list() == [0.087125, 0.0125]
    assert made.events["position"].to_list() == [2, 2]
    assert made.events["time"].dt.microsecond().to_list() == [4101, 4101]
    assert set(made.events["user_id"]) == {"-".join(letter * 8 for letter in "abcd")}
    assert made.users.height == 1
    assert made.items.rows() == [(14, -0.5, "random1", "random2", "random3")]


@pytest.mark.parametrize("name", ["open-bandit", "open-bandit/all"])
def test_csv(tmp_path, name):
    check(get(name, tmp_path, {
        "random/all/all.csv": log(34, 0, 0.0125), "random/all/item_context.csv": ITEMS.format("random"),
        "bts/all/all.csv": log(17, 1, 0.087125), "bts/all/item_context.csv": ITEMS.format("bts"),
    }))  # fmt: skip


def test_parquet_without_the_campaign(tmp_path):
    files = {"random/item_context.csv": ITEMS.format("random"), "bts/item_context.csv": ITEMS.format("bts")}
    for policy, text in (("random", log(34, 0, 0.0125)), ("bts", log(17, 1, 0.087125))):
        pl.read_csv(text.encode()).write_parquet(tmp_path / "x.parquet")
        files[f"{policy}/all.parquet"] = (tmp_path / "x.parquet").read_bytes()
    check(get("open-bandit", tmp_path, files))


def test_one_policy_is_not_enough(tmp_path):
    with pytest.raises(Exception, match="has no random/all"):
        get("open-bandit", tmp_path, {"bts/all.csv": log(17, 1, 0.1), "bts/item_context.csv": ITEMS})
