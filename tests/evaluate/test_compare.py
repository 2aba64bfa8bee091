# SPDX-License-Identifier: Apache-2.0
"""Runs side by side: the same question or none, pairs over users, baselines once."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
import pytest

from penchant.errors import DataError
from penchant.evaluate import answers, compare
from penchant.evaluate.compare import Run
from penchant.evaluate.identity import ITEMS, KNOWN, TARGETS, USERS, differences
from penchant.evaluate.report import Measure, Report, Result, keep

ASKED = {USERS: "u", TARGETS: "t", ITEMS: "i", KNOWN: "k"}


def frame(users=40, **levels):
    """Answers in which a model gets about `level` from each user."""
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.01, users)
    parts = [
        pl.DataFrame({"user_id": range(users)}).with_columns(
            model=pl.lit(name),
            **{f"ndcg@{k}": pl.Series((level + noise * (1 + n)).astype(np.float32)) for k in (5, 10)},
        )
        for n, (name, level) in enumerate(levels.items())
    ]
    return pl.concat(parts)


def left_behind(folder, *, ks=(5, 10), kinds=None, question=ASKED, **levels):
    """A run's folder."""
    results = tuple(
        Result(
            model=name,
            kind=(kinds or {}).get(name, name),
            measures={f"ndcg@{k}": Measure(mean=level, low=level - 0.01, high=level + 0.01) for k in ks},
            timings={"fit": 1.0 + n},
        )
        for n, (name, level) in enumerate(levels.items())
    )
    report = Report(
        run="shop: one", protocol=f"Asked.\nLearned by {folder.name}.", users=40, items=9, events=99, ks=ks,
        results=results, question=question,
    )  # fmt: skip
    keep(report, folder)
    answers.write(frame(**levels), folder / answers.FILE)
    return folder


def runs(tmp_path, **others):
    one = left_behind(tmp_path / "one", ease=0.3, popularity=0.1)
    two = left_behind(tmp_path / "two", **{"ease": 0.4, "popularity": 0.1, **others})
    return [Run.open(one), Run.open(two)]


def test_models_of_two_runs_user_by_user(tmp_path):
    found = compare.combine(runs(tmp_path))
    assert [result.model for result in found.results] == ["ease (1)", "popularity", "ease (2)"]
    assert found.run == "shop: 3 models of 2 runs"
    assert found.protocol == "Asked.\nLearned by one.\nLearned by two."
    assert [(c.better, c.worse) for c in found.comparisons] == [
        ("ease (2)", "ease (1)"),
        ("ease (2)", "popularity"),
        ("ease (1)", "popularity"),
    ]
    assert found.comparisons[0].mean == pytest.approx(0.1, abs=1e-6)
    assert found.comparisons[0].low == pytest.approx(0.1, abs=1e-6), "the noise is that of the users and cancels"
    assert all(c.corrected < 0.01 for c in found.comparisons)


def test_a_baseline_that_answered_differently_stands_there_twice(tmp_path):
    found = compare.combine(runs(tmp_path, popularity=0.11))
    assert [r.model for r in found.results] == ["ease (1)", "popularity (1)", "ease (2)", "popularity (2)"]


@pytest.mark.parametrize("what", [USERS, TARGETS, ITEMS, KNOWN])
def test_another_question_is_refused_and_named(tmp_path, what):
    one, two = runs(tmp_path)
    other = msgspec.structs.replace(two.report, question={**ASKED, what: "else"})
    with pytest.raises(DataError, match=rf"one and two cannot be compared.*differ in {what}\. Give both"):
        compare.combine([one, two._replace(report=other)])


def test_another_level_of_intervals_is_refused(tmp_path):
    one, two = runs(tmp_path)
    with pytest.raises(DataError, match=r"level 0\.95 and 0\.9"):
        compare.combine([one, two._replace(report=msgspec.structs.replace(two.report, level=0.9))])


def test_lists_of_the_lengths_that_both_have(tmp_path):
    one, two = runs(tmp_path)
    shorter = two._replace(report=msgspec.structs.replace(two.report, ks=(5,)))
    assert compare.combine([one, shorter]).ks == (5,)
    none = two._replace(report=msgspec.structs.replace(two.report, ks=(7,)))
    with pytest.raises(DataError, match=r"no length of list in common \(one: 5, 10; two: 7\)"):
        compare.combine([one, none])
    with pytest.raises(DataError, match="no run"):
        compare.combine([])


def test_what_cannot_be_compared_says_how_it_can(tmp_path):
    old = left_behind(tmp_path / "old", question={}, ease=0.1)
    with pytest.raises(DataError, match=r"written by an older version\. Write it anew: penchant evaluate old"):
        Run.open(old)
    bare = left_behind(tmp_path / "bare", ease=0.1)
    answers.write(frame(other=0.1), bare / answers.FILE)
    with pytest.raises(DataError, match="lacks the model 'ease'"):
        Run.open(bare)
    (bare / answers.FILE).write_bytes(b"no parquet")
    with pytest.raises(DataError, match=r"holds no answers of single users.*penchant evaluate bare"):
        Run.open(bare)
    (bare / answers.FILE).unlink()
    with pytest.raises(DataError, match="holds no answers"):
        Run.open(bare)


def test_the_page_names_the_runs(tmp_path):
    opened = runs(tmp_path)
    compare.write_page(compare.combine(opened), opened, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    for wanted in (
        "3 models of 2 runs",
        "<strong>one</strong>",
        "<strong>two</strong>",
        "ease (2)",
        "p after Holm",
    ):
        assert wanted in text
    assert 'aria-label="NDCG@10 against time to fit"' in text
    assert 'aria-label="Differences between models"' in text


def test_differences_are_named_in_order():
    assert differences(ASKED, ASKED) == []
    assert differences(ASKED, {}) == [USERS, TARGETS, ITEMS, KNOWN]


def test_a_kept_report_keeps_the_seconds_of_fitting(tmp_path):
    folder = left_behind(tmp_path / "one", ease=0.3)
    report = Run.open(folder).report
    again = [msgspec.structs.replace(result, timings={"evaluate": 2.0}) for result in report.results]
    keep(msgspec.structs.replace(report, results=tuple(again)), folder)
    assert Run.open(folder).report.results[0].timings == {"fit": 1.0, "evaluate": 2.0}
    (folder / "report.json").write_text("damaged")
    keep(report, folder)
    assert Run.open(folder).report == report


def test_many_pairs_are_there_but_not_in_the_way(tmp_path):
    names = {f"m{n}": 0.1 + n / 100 for n in range(8)}
    run = Run.open(left_behind(tmp_path / "many", **names))
    found = compare.combine([run])
    assert len(found.comparisons) == 28
    compare.write_page(found, [run], tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "All 28 pairs" in text
    assert "The first 21 of 28 pairs" in text
