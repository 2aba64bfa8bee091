# SPDX-License-Identifier: Apache-2.0
"""Reviews and friends: what refers to nobody, or says nothing, is put aside."""

import tomllib
from datetime import UTC, datetime

import pytest

from penchant.data.dataset import Dataset
from penchant.data.ingest import DataConfig, ingest
from penchant.errors import DataError
from penchant.registry import read_config

NOW = datetime(2024, 1, 1, tzinfo=UTC)
HEAD = 'name = "x"\n[events]\npath = "e.csv"\n[users]\npath = "u.csv"\n[checks]\nmax_bad_fraction = 1.0\n'
SECOND = 1_000_000


def run(folder, text, users="user_id\n1\n2\n5\n", events="user_id,item_id\n1,10\n3,11\n", most="1.0", **files):
    for name, content in {"e": events, "u": users, **files}.items():
        (folder / f"{name}.csv").write_text(content)
    return ingest(
        read_config(DataConfig, tomllib.loads(HEAD.replace("1.0", most) + text), "run.toml [data]"),
        folder,
        now=NOW,
    )


REVIEWS = (
    '[reviews]\npath = "r.csv"\nuser_id = "who"\nitem_id = "film"\ntext = "said"\nrating = "stars"\ntime = "at"\n'
)


def test_reviews(tmp_path):
    rows = (
        "who,film,said,stars,at\n1,10,Later,4,1600000200\n5,11,,3,1600000100\n3,10,Good,,1600000300\n"
        "4,10,Unknown user,1,1600000000\n1,99,Unknown item,1,1600000000\n"
        ",10,Nobody,1,1600000000\n1,,Nothing,1,1600000000\n"
        "1,10,,,1600000000\n1,10,Bad stars,many,1600000000\n1,10,Bad time,1,soon\n1,10,Later,4,1600000200\n"
        "01,10,Other id,1,1600000000\n1,10,Tomorrow,1,9000000000\n"
    )
    made = run(tmp_path, REVIEWS, r=rows)
    assert made.dataset.reviews.rows() == [
        (5, 11, 1_600_000_100 * SECOND, None, 3.0),
        (1, 10, 1_600_000_200 * SECOND, "Later", 4.0),
        (3, 10, 1_600_000_300 * SECOND, "Good", None),
    ]
    assert made.quarantine.filter(table="reviews").select("row", "reason").rows() == [
        (4, "column 'who': no other table knows this id"),
        (5, "column 'film': no other table knows this id"),
        (6, "column 'who': the id is empty ('')"),
        (7, "column 'film': the id is empty ('')"),
        (8, "neither a text nor a rating"),
        (9, "column 'stars': this is not a number ('many')"),
        (10, "column 'at': this is not a time ('soon')"),
        (11, "an earlier row is the same"),
        (12, "column 'who': no other table knows this id"),
        (13, "column 'at': the time is in the future ('9000000000')"),
    ]
    counts = made.report["reviews"]
    assert (counts["rows"], counts["kept"], counts["quarantined"]) == (13, 3, 10)
    assert counts["refused"]["user_id_unknown"]["count"] == 2
    made.dataset.save(tmp_path / "saved")
    assert Dataset.open(tmp_path / "saved").reviews.equals(made.dataset.reviews)
    assert Dataset.open(tmp_path / "saved").social is None


def test_reviews_without_time_or_text(tmp_path):
    text = '[reviews]\npath = "r.csv"\ntext = ""\nrating = "stars"\n'
    made = run(tmp_path, text, r="user_id,item_id,stars\n1,10,5\n1,11,\n")
    assert made.dataset.reviews.rows() == [(1, 10, None, None, 5.0)]
    assert made.quarantine["reason"].to_list() == ["neither a text nor a rating"]


def test_reviews_of_text_ids(tmp_path):
    text = '[reviews]\npath = "r.csv"\n'
    made = run(
        tmp_path,
        text,
        users="user_id\nann\n7\n",
        events="user_id,item_id\nann,10\n",
        r="user_id,item_id,text\n7,10,Fine\n",
    )
    assert made.dataset.reviews.rows() == [("7", 10, None, "Fine", None)]


SOCIAL = '[social]\npath = "s.csv"\n'


def test_friends(tmp_path):
    rows = (
        "user_id,friend_id,weight,since\n1,2,0.5,100\n2,1,,\n1,3,2,50\n1,1,1,1\n1,4,1,1\n4,1,1,1\n"
        "1,5,-1,1\n1,,1,1\n1,2,0.5,100\n"
    )
    text = SOCIAL + 'weight = "weight"\ntime = "since"\ntime_unit = "s"\n'
    made = run(tmp_path, text, s=rows)
    assert made.dataset.social.rows() == [(1, 3, 2.0, 50 * SECOND), (1, 2, 0.5, 100 * SECOND)]
    assert made.quarantine.select("row", "reason").rows() == [
        (2, "column 'since': this is not a time ('')"),
        (4, "this user and the friend are one"),
        (5, "column 'friend_id': no other table knows this id"),
        (6, "column 'user_id': no other table knows this id"),
        (7, "column 'weight': this is negative ('-1')"),
        (8, "column 'friend_id': the id is empty ('')"),
        (9, "an earlier row is the same"),
    ]
    made.dataset.save(tmp_path / "saved")
    assert Dataset.open(tmp_path / "saved").social.equals(made.dataset.social)


def test_friends_who_always_were(tmp_path):
    made = run(tmp_path, SOCIAL, s="user_id,friend_id\n1,2\n2,3\n")
    assert made.dataset.social.rows() == [(1, 2, 1.0, None), (2, 3, 1.0, None)]
    assert made.report["social"] == {"rows": 2, "kept": 2, "quarantined": 0, "refused": {}}


def test_an_empty_weight_is_one(tmp_path):
    made = run(tmp_path, SOCIAL + 'weight = "w"\n', s="user_id,friend_id,w\n1,2,\n2,3,4\n")
    assert made.dataset.social["weight"].to_list() == [1.0, 4.0]


def test_too_many_strangers_are_an_error(tmp_path):
    with pytest.raises(
        DataError, match=r"1 of 1 rows of social cannot be used\. First: .*row 1: column 'friend_id'"
    ):
        run(tmp_path, SOCIAL, most="0.5", s="user_id,friend_id\n1,77\n")


def test_a_column_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"no column 'text', which \[data.reviews\] text names"):
        run(tmp_path, '[reviews]\npath = "r.csv"\n', r="user_id,item_id\n1,10\n")
