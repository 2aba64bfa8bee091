# SPDX-License-Identifier: Apache-2.0
"""Lists into files from the command line, from a bundle or a measured run, and what is refused; serving."""

import json
from pathlib import Path

import polars as pl
import pytest

import shop
from penchant.bundle.bundle import find
from penchant.runs import find_run
from penchant.serve.run import ServeConfig, listen
from shop import penchant, refused


@pytest.fixture
def shelf(trained):
    """The options that name the trained shop."""
    return ("--artefacts", trained.artefacts)


def recommend(*words):
    return penchant("recommend", *words)


def read(path: str) -> pl.DataFrame:
    return {".csv": pl.read_csv, ".jsonl": pl.read_ndjson, ".parquet": pl.read_parquet}[Path(path).suffix](path)


@pytest.mark.parametrize("out", ["recs.csv", "deep/recs.jsonl", "recs.parquet"])
def test_each_format_holds_the_same(out, shelf):
    said = recommend("--users", "all", "--k", 3, "--out", out, *shelf).output
    assert f"{3 * shop.USERS} rows for {shop.USERS} users: {out}" in said
    recs = read(out)
    assert recs.columns == ["user_id", "item_id", "rank", "score"]
    assert recs["rank"].to_list() == [1, 2, 3] * shop.USERS
    assert recs.filter(pl.col("score").diff().over("user_id") > 0).is_empty()
    assert not list(Path.cwd().rglob(".*"))
    if not out.endswith(".csv"):
        assert recs["user_id"].sort()[0] == "001"
    else:
        assert Path(out).read_text().splitlines()[1].startswith("001,00")


def test_users_of_a_file_in_its_order_and_strangers(shelf):
    Path("some.txt").write_text("009\n\n002\nnew 你\n009\n")
    result = recommend("--users", "some.txt", "--k", 2, "--out", "recs.parquet", *shelf)
    assert "1 of 3 users are not known, and are answered as strangers (the first: 'new 你')" in result.stderr
    assert read("recs.parquet")["user_id"].unique(maintain_order=True).to_list() == ["009", "002", "new 你"]
    pl.DataFrame({"user_id": ["009", "002", "new 你"]}).write_csv("some.csv")
    pl.DataFrame({"user_id": ["009", "002", "new 你", None]}).write_parquet("some.parquet")
    for name in ("some.csv", "some.parquet"):
        recommend("--users", name, "--k", 2, "--out", "again.parquet", *shelf)
        assert read("again.parquet").equals(read("recs.parquet"))


def test_seen_items_are_left_out_unless_asked_for(shelf):
    events, _ = shop.tables(text=True)
    had = {"left_on": ["user_id", "item_id"], "right_on": ["user", "item"]}
    recommend("--users", "all", "--k", 100, "--out", "recs.parquet", *shelf)
    left = read("recs.parquet")
    assert left.join(events, **had, how="semi").is_empty()
    recommend("--users", "all", "--k", 100, "--out", "recs.parquet", "--include-seen", *shelf)
    assert read("recs.parquet").join(events, **had, how="semi").height == events.height
    assert read("recs.parquet").height == left.height + events.height == shop.USERS * shop.ITEMS


def test_a_run_answers_as_it_was_measured(trained, shelf):
    """Its lists, judged by hand, are as good as its report says."""
    recommend("--run", trained.run, "--users", "all", "--k", 5, "--out", "recs.parquet", *shelf)
    events, _ = shop.tables(text=True)
    hidden = events.sort("when").group_by("user").last()
    hits = read("recs.parquet").join(hidden, left_on=["user_id", "item_id"], right_on=["user", "item"])
    place = find_run(trained.artefacts, None)
    report = json.loads((place.path / "report.json").read_text())
    measured = next(one for one in report["results"] if one["model"] == "sasrec")["measures"]["recall@5"]["mean"]
    assert hits.height / shop.USERS == pytest.approx(measured)
    recommend(
        "--run", place.path.name, "--model", "popularity", "--users", "all", "--out", "other.parquet", *shelf
    )
    assert not read("other.parquet").filter(pl.col("rank") <= 5).equals(read("recs.parquet"))


@pytest.mark.parametrize("k", ["0", "-1", "1000000000"])
def test_lengths_of_list_that_make_no_sense(k, shelf):
    said = refused("recommend", "--users", "all", "--k", k, "--out", "recs.parquet", *shelf)
    assert f"k must be from 1 to 10,000, not {k}" in said
    assert not Path("recs.parquet").exists()


def test_what_cannot_be_asked(trained, shelf):
    def said(*words, out="r.csv"):
        return refused("recommend", "--out", out, *words, *shelf)

    assert "--out r.txt: the ending says the format" in said("--users", "all", out="r.txt")
    assert "There is no file none.txt. --users takes all, or a file" in said("--users", "none.txt")
    pl.DataFrame({"userid": ["002"]}).write_csv("some.csv")
    assert "some.csv has no column 'user_id' (did you mean 'userid'?)" in said("--users", "some.csv")
    Path("some.parquet").write_text("no")
    assert "some.parquet cannot be read" in said("--users", "some.parquet")
    Path("empty.txt").write_text("\n")
    assert "There is no user to recommend anything to" in said("--users", "empty.txt")
    assert "Say --run or --bundle, not both" in said("--users", "all", "--run", "a", "--bundle", "b")
    assert "There is no run 'a' in" in said("--users", "all", "--run", "a")
    assert "measured no model 'popularty' (did you mean 'popularity'?)" in said(
        "--users", "all", "--run", trained.run, "--model", "popularty"
    )
    assert "holds no bundle" in refused("recommend", "--users", "all", "--out", "r.csv")
    assert not list(Path.cwd().glob("r.*"))


def test_serving_with_the_choices_of_the_run_file(trained, shelf, monkeypatch):
    heard = {}

    def stand_in(bundle, config, *, extend, ready):
        heard.update(bundle=bundle, config=config)
        ready("http://here/", None)

    monkeypatch.setattr("penchant.serve.run.run", stand_in)
    run = Path("own.toml")
    run.write_text(trained.run.read_text() + '\n[serve]\nport = 81\nhost = "0.0.0.0"\n')
    name = find(trained.artefacts / "bundles").name
    said = penchant(
        "serve", "--run-file", run, "--port", "82", "--events-db", "sqlite://", "--bundle", name, *shelf
    )
    assert "Serving at http://here/ (Ctrl-C stops it)" in said.output
    assert heard["config"] == ServeConfig(host="0.0.0.0", port=82, events="sqlite://")
    assert heard["bundle"] == trained.artefacts / "bundles" / name
    penchant("serve", *shelf)
    assert heard["config"] == ServeConfig()


def test_serving_where_that_is_not_possible(shelf):
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert f"Port {port} at 127.0.0.1 is in use" in refused("serve", "--port", port, *shelf)
    assert "holds no bundle" in refused("serve", "--port", 0)
    assert "port: Expected `int` <= 65535" in refused("serve", "--port", 70000, *shelf)


def test_a_disk_that_fills_up_leaves_no_list(shelf, monkeypatch):
    def full(*_, **__):
        raise OSError("No space left on device (os error 28)")

    monkeypatch.setattr(pl.LazyFrame, "sink_csv", full)
    said = refused("recommend", "--users", "all", "--out", "recs.csv", *shelf)
    assert (
        "recs.csv: the disk is full. Free some space, or write to another disk with --artefacts or --out" in said
    )
    assert not list(Path.cwd().iterdir())


def test_ctrl_c_while_lists_are_written(shelf, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("penchant.bundle.offline.recommend_to", stop)
    assert (
        penchant("recommend", "--users", "all", "--out", "recs.csv", *shelf, code=130).stderr.strip() == "Stopped."
    )
    assert not list(Path.cwd().iterdir())
