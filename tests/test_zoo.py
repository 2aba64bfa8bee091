# SPDX-License-Identifier: Apache-2.0
"""What `benchmarks/zoo.py` rests on: settings are drawn alike and within their space, lists are judged rightly."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penchant import registry

FOLDER = Path(__file__).parent.parent / "benchmarks"
KNOWN = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 1), (2, 4)]
HIDDEN = [(0, 3), (0, 1), (0, 9), (1, 1), (1, 4), (7, 1)]


@pytest.fixture
def zoo(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    yield importlib.import_module("zoo")
    for name in ("zoo", "sets", "turns"):
        sys.modules.pop(name, None)


@pytest.fixture
def runner(monkeypatch):
    """The file that the peers' runners share, which has the same name."""
    monkeypatch.setattr(sys, "path", [str(FOLDER / "peers"), *sys.path])
    sys.modules.pop("zoo", None)
    yield importlib.import_module("zoo")
    sys.modules.pop("zoo", None)


def events(pairs):
    return pl.DataFrame([(u, i, 0) for u, i in pairs], schema=["user", "item", "time"], orient="row")


def test_settings_are_drawn_alike_and_within_their_space(zoo):
    everyone = zoo.ours() | zoo.PEERS
    assert set(registry.MODELS) - zoo.UNSUITED <= everyone.keys()
    for name, entry in everyone.items():
        first, *rest = zoo.drawn(name, entry, 20)
        assert first == entry.first
        assert rest == zoo.drawn(name, entry, 20)[1:]
        assert rest[:4] == zoo.drawn(name, entry, 5)[1:]
        for settings in rest:
            for key, where in entry.space.items():
                value = settings[key]
                assert value in where.choices if where.choices else 0.99 * where.low <= value <= 1.01 * where.high
                assert isinstance(value, int) or key not in entry.whole


def test_only_what_can_be_found_is_asked(zoo):
    stage = zoo.Stage.of(events(KNOWN), events(HIDDEN), 10)
    assert stage.hidden.select("user", "item").rows() == [(0, 3), (1, 1), (1, 4)]
    assert stage.asked.tolist() == [0, 1]
    assert zoo.Stage.of(events(KNOWN), events(HIDDEN), 1).asked.tolist() in ([0], [1])


def test_lists_are_judged(zoo):
    stage = zoo.Stage.of(events(KNOWN), events(HIDDEN), 10)
    lists = np.full((2, 20), -1)
    lists[0, :3] = [4, 0, 3]  # found at the third place
    lists[1, :2] = [4, 0]  # one of two, at the first
    found = stage.judge(lists)
    second = 1 / (1 + 1 / np.log2(3))
    assert found["ndcg@10"] == pytest.approx((0.5 + second) / 2)
    assert found["recall@10"] == pytest.approx((1 + 0.5) / 2)


@pytest.mark.parametrize("final", [False, True])
def test_a_runner_is_told_what_is_hidden_only_while_choosing(zoo, runner, tmp_path, final):
    stage = zoo.Stage.of(events(KNOWN), events(HIDDEN), 10)
    stage.save(tmp_path / "events.npz", tell=not final)
    wanted = {"data": str(tmp_path / "events.npz"), "users": 3, "items": 5, "dated": False, "k": 20, "threads": 1}
    (tmp_path / "job.json").write_text(json.dumps(wanted))
    job = runner.Job(tmp_path / "job.json")
    assert job.final is final

    def recommend(asked):
        lists = np.full((len(asked), 20), -1)
        lists[asked == 0, :3] = [4, 0, 3]
        lists[asked == 1, :2] = [4, 0]
        return lists

    if final:
        with pytest.raises(RuntimeError, match="nothing is hidden"):
            job.score(recommend)
    else:
        assert job.score(recommend) == pytest.approx(stage.judge(job.lists(recommend))["ndcg@10"])


def test_the_best_of_dense_scores(runner):
    scores = np.array([[0.1, 0.5, 0.3, 0.2], [0.4, 0.3, 0.2, 0.1]])
    seen = (np.array([0, 1, 1]), np.array([1, 0, 1]))
    assert runner.best(scores, seen, 3).tolist() == [[2, 3, 0], [2, 3, -1]]
