# SPDX-License-Identifier: Apache-2.0
"""Lists for many users at once are the lists that each would get, however they are cut into chunks."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import films
from penchant.bundle import offline
from penchant.bundle.bundle import open_bundle
from penchant.errors import ConfigError, DataError, RequestError
from penchant.schema import IdType


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return open_bundle(films.write(tmp_path_factory.mktemp("bundles"), films.dataset(n_users=30)))


def lists(bundle, users, k=5, **choices):
    return pl.concat(offline.recommend_to(bundle, users, k, **choices))


def test_ranks_are_in_order_and_nothing_seen_comes_back(bundle):
    found = lists(bundle, offline.everyone(bundle))
    assert found.columns == ["user_id", "item_id", "rank", "score"]
    assert found.height == 30 * 5
    assert found.group_by("user_id", maintain_order=True).agg("rank")["rank"].to_list() == [[1, 2, 3, 4, 5]] * 30
    falling = found.group_by("user_id").agg((pl.col("score").diff().fill_null(0) <= 0).all())
    assert falling["score"].all()
    assert found.join(bundle.events, on=["user_id", "item_id"], how="semi").is_empty()


def test_seen_items_come_back_if_asked_for(bundle):
    found = lists(bundle, offline.everyone(bundle), k=80, include_seen=True)
    seen = bundle.events.select("user_id", "item_id").unique()
    assert found.join(seen, on=["user_id", "item_id"], how="semi").height == seen.height


def test_chunks_do_not_change_the_answer(bundle, monkeypatch):
    users = offline.everyone(bundle).sample(fraction=1, shuffle=True, seed=1)
    whole = lists(bundle, users)
    monkeypatch.setattr(offline, "CELLS", 7 * len(bundle.pipeline.catalogue))
    parts = list(offline.recommend_to(bundle, users, 5))
    assert len(parts) == 5
    assert_frame_equal(pl.concat(parts), whole, check_exact=False, abs_tol=1e-5)
    assert whole["user_id"].unique(maintain_order=True).to_list() == users.to_list()


def test_a_stranger_gets_a_list_too(bundle):
    asked = pl.Series("user_id", [1, 999])
    assert offline.unknown(bundle, asked).to_list() == [999]
    assert lists(bundle, asked, k=3)["user_id"].to_list() == [1, 1, 1, 999, 999, 999]


@pytest.mark.parametrize("k", [0, -1, 10**9])
def test_a_senseless_k_is_refused(bundle, k):
    with pytest.raises(RequestError, match=f"k must be from 1 to 10,000, not {k}$"):
        next(offline.recommend_to(bundle, offline.everyone(bundle), k))


@pytest.mark.parametrize("ending", ["parquet", "csv", "txt"])
def test_users_from_a_file(bundle, tmp_path, ending):
    path = tmp_path / f"users.{ending}"
    table = pl.DataFrame({"user_id": [5, 3, 5]})
    if ending == "txt":
        path.write_text("5\n3\n\n5\n")
    else:
        {"parquet": table.write_parquet, "csv": table.write_csv}[ending](path)
    users = offline.read_users(path, bundle)
    assert (users.to_list(), users.dtype) == ([5, 3], pl.Int64)


def test_ids_that_are_text_stay_text(tmp_path):
    bundle = open_bundle(films.write(tmp_path / "bundles", films.dataset(ids=IdType.STRING, n_users=6)))
    path = tmp_path / "users.txt"
    path.write_text("ann/3 你好\nbob\n", encoding="utf-8")
    users = offline.read_users(path, bundle)
    assert offline.unknown(bundle, users).to_list() == ["bob"]
    assert lists(bundle, users, k=1)["item_id"].str.starts_with("film ").all()


def test_files_that_hold_no_users_are_refused_by_name(bundle, tmp_path):
    with pytest.raises(DataError, match=r"There is no file .*nosuch\.txt"):
        offline.read_users(tmp_path / "nosuch.txt", bundle)
    path = tmp_path / "users.csv"
    path.write_text("userid\n3\n")
    with pytest.raises(DataError, match=r"users\.csv has no column 'user_id'"):
        offline.read_users(path, bundle)
    path = tmp_path / "users.txt"
    path.write_text("3\nann\n")
    with pytest.raises(DataError, match="'ann' is no user id here"):
        offline.read_users(path, bundle)
    path = tmp_path / "users.parquet"
    path.write_text("no parquet")
    with pytest.raises(DataError, match=r"users\.parquet cannot be read"):
        offline.read_users(path, bundle)


READ = {"parquet": pl.read_parquet, "csv": pl.read_csv, "jsonl": pl.read_ndjson}


@pytest.mark.parametrize("ending", READ)
def test_the_ending_says_the_format(bundle, tmp_path, ending):
    path = tmp_path / "deep" / f"recs.{ending}"
    users = offline.everyone(bundle)
    told = []
    rows = offline.write(path, offline.recommend_to(bundle, users, 2), told.append)
    assert rows == sum(told) == 60
    found = READ[ending](path)
    assert_frame_equal(found, lists(bundle, users, 2), check_dtypes=False, check_exact=False, abs_tol=1e-5)
    assert list(path.parent.iterdir()) == [path]


def test_nothing_is_left_of_a_file_that_failed(bundle, tmp_path):
    def broken():
        yield from offline.recommend_to(bundle, offline.everyone(bundle).head(2), 2)
        raise OSError(28, "No space left on device")

    old = tmp_path / "recs.csv"
    old.write_text("old")
    with pytest.raises(OSError, match="No space"):
        offline.write(old, broken())
    assert [path.name for path in tmp_path.iterdir()] == ["recs.csv"]
    assert old.read_text() == "old"
    with pytest.raises(DataError, match="no user to recommend"):
        offline.write(old, iter([]))
    with pytest.raises(ConfigError, match="the ending says the format"):
        offline.write(tmp_path / "recs.xlsx", iter([]))
