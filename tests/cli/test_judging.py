# SPDX-License-Identifier: Apache-2.0
"""Judging a policy on the log of another, from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from penchant.cli.app import app
from penchant.evaluate.offpolicy import judging
from penchant.evaluate.offpolicy.impressions import Columns
from shop import penchant, refused

ITEMS = 5
CLICKS = np.array([0.1, 0.2, 0.3, 0.4, 0.6])
LIKED = np.array([0.05, 0.1, 0.15, 0.3, 0.4])


def log(path, policy, seed, n=3000, **changes):
    """A log of one place, whose policy may be read off its propensities."""
    random = np.random.default_rng(seed)
    items = random.choice(ITEMS, n, p=policy)
    table = pl.DataFrame(
        {
            "item_id": [f"item {i}" for i in items],
            "position": np.ones(n, np.int64),
            "click": (random.random(n) < CLICKS[items]).astype(np.int64),
            "propensity": policy[items],
            "age": random.integers(20, 60, n),
            "new": LIKED[items],
            **changes,
        }
    )
    table.write_parquet(path)
    return path


@pytest.fixture
def uniform(tmp_path):
    return log(tmp_path / "uniform.parquet", np.full(ITEMS, 1 / ITEMS), 0)


def shown(said, name):
    """(mean, low, high) of a row of the table."""
    row = next(line for line in said.splitlines() if name in line)
    mean, interval = (cell.strip() for cell in row.split("│")[2:4])
    return float(mean), *(float(end) for end in interval.split(" to "))


def test_another_log_and_a_page(uniform, tmp_path):
    other = log(tmp_path / "liked.parquet", LIKED, 1)
    said = penchant("off-policy", uniform, "--policy", other, "--context", "age", "--out", "page.html").output
    truth = float(CLICKS @ LIKED)
    for name in ("IPS", "SNIPS", "Doubly robust"):
        mean, low, high = shown(said, f"│ {name} ")
        assert low <= truth <= high
        assert mean == pytest.approx(truth, abs=0.05)
    assert shown(said, "measured: liked")[0] == pytest.approx(truth, abs=0.03)
    assert "3,000 rows, worth" in said
    assert "AUC 0.7" in said
    page = Path("page.html").read_text()
    for wanted in ("liked on uniform", "Is the model of rewards calibrated?", "Doubly robust"):
        assert wanted in page
    assert "Doubts" not in page
    assert "<script" not in page


def test_the_uniform_policy_on_its_own_log(uniform):
    said = penchant("off-policy", uniform, "--policy", "uniform").output
    assert shown(said, "│ IPS ")[0] == pytest.approx(CLICKS.mean(), abs=0.03)
    assert "worth 3,000 of equal weight" in said


def test_a_column_of_probabilities(uniform):
    said = penchant("off-policy", uniform, "--policy-column", "new", "--position", "none", "--clip", "1.5").output
    assert "Doubly robust" not in said
    assert "largest weight 2.0" in said
    assert shown(said, "│ SNIPS ")[0] == pytest.approx(float(CLICKS @ LIKED), abs=0.06)


def test_rewards_that_are_no_clicks(tmp_path):
    path = log(tmp_path / "money.parquet", LIKED, 2, click=np.arange(3000) % 7 * 1.5)
    said = penchant("off-policy", path, "--policy", "uniform").output
    assert "AUC" not in said
    assert shown(said, "Doubly robust")[0] == pytest.approx(4.5, abs=0.5)


def test_doubts_are_said_and_shown(tmp_path):
    skewed = np.array([0.96, 0.01, 0.01, 0.01, 0.01])
    path = log(tmp_path / "skewed.parquet", skewed, 3, n=500)
    result = CliRunner().invoke(app, ["off-policy", str(path), "--policy", "uniform", "--out", "page.html"])
    assert result.exit_code == 0
    assert "Propensities are too small for this policy (down to 0.01)" in result.stderr.replace("\n", " ")
    assert "Doubts" in Path("page.html").read_text()


def test_two_files_of_one_name_are_told_apart(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    paths = [log(tmp_path / name / "log.parquet", LIKED, n) for n, name in enumerate(("one", "two"))]
    said = penchant("off-policy", paths[0], "--policy", paths[1]).output
    assert "measured: one" in said
    assert "measured: two" in said


def test_what_cannot_be_judged_is_said(uniform, tmp_path):
    assert "--policy with its log or uniform, or --policy-column" in refused("off-policy", uniform)
    words = refused("off-policy", uniform, "--policy-column", "age")
    assert "row 1: 'age' is no probability (3,000 such rows)" in words
    elsewhere = log(tmp_path / "elsewhere.parquet", LIKED, 4, position=np.full(3000, 2))
    words = refused("off-policy", uniform, "--policy", elsewhere)
    assert "has rows at position '1', which" in words
    assert "never fills" in words
    assert "no column 'rank'" in refused("off-policy", uniform, "--policy", "uniform", "--position", "rank")


def test_a_policy_that_shows_what_the_log_never_does(tmp_path):
    some = log(tmp_path / "some.parquet", np.array([0.5, 0.5, 0, 0, 0]), 5)
    other = log(tmp_path / "liked.parquet", LIKED, 6)
    found = judging.judge(some, Columns(), policy=str(other))
    assert any(
        "85.0% of the time the policy shows what the log never does" in words for words in found.result.warnings
    )
