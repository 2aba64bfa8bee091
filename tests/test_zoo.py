# SPDX-License-Identifier: Apache-2.0
"""What `benchmarks/zoo.py` rests on: settings are drawn alike and within their space, lists are judged rightly."""

import importlib
import json
import sys
from datetime import UTC, datetime
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
    for name in ("zoo", "zoo_models", "zoo_table", "sets", "turns"):
        sys.modules.pop(name, None)


@pytest.fixture
def runner(monkeypatch):
    """The file that the peers' runners share, which has the same name."""
    monkeypatch.setattr(sys, "path", [str(FOLDER / "peers"), *sys.path])
    sys.modules.pop("zoo", None)
    yield importlib.import_module("zoo")
    sys.modules.pop("zoo", None)


@pytest.fixture
def learning(runner):
    yield importlib.import_module("learning")
    sys.modules.pop("learning", None)


@pytest.fixture
def models(zoo):
    return sys.modules["zoo_models"]


@pytest.fixture
def tables(zoo):
    return sys.modules["zoo_table"]


def job_of(stage, runner, folder, *, final=False):
    """What a runner is given of a stage."""
    stage.save(folder / "events.npz", tell=not final)
    wanted = {"data": str(folder / "events.npz"), "users": 3, "items": 5, "dated": False, "k": 20, "threads": 1}
    (folder / "job.json").write_text(json.dumps(wanted))
    return runner.Job(folder / "job.json")


def some_lists(asked):
    """Of user 0 what is hidden stands at the third place, of user 1 one of two at the first."""
    lists = np.full((len(asked), 20), -1)
    lists[asked == 0, :3] = [4, 0, 3]
    lists[asked == 1, :2] = [4, 0]
    return lists


def events(pairs):
    return pl.DataFrame([(u, i, 0) for u, i in pairs], schema=["user", "item", "time"], orient="row")


def test_settings_are_drawn_alike_and_within_their_space(models):
    everyone = models.ours() | models.PEERS
    assert set(registry.MODELS) <= everyone.keys()
    for name, entry in everyone.items():
        first, *rest = models.drawn(name, entry, 20)
        assert first == entry.first
        assert rest == models.drawn(name, entry, 20)[1:]
        assert rest[:4] == models.drawn(name, entry, 5)[1:]
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


def test_large_sets_are_learned_by_samples_and_in_larger_batches(models):
    entry = models.ours()["sasrec"]
    assert models.drawn("sasrec", entry, 1, users=models.MANY, items=models.LARGE) == [{}]
    first, second = models.drawn("sasrec", entry, 2, users=models.MANY + 1, items=models.LARGE + 1)
    assert first == {"batch_size": 128, "loss": "sampled_softmax"}
    assert second["loss"] == "sampled_softmax"


def test_who_takes_no_part_is_told_why(models):
    assert "tags" in models.absence("two_tower", 10, tagged=False)
    assert "cube" in models.absence("ease", 20_000, tagged=True)
    assert not models.absence("two_tower", 20_000, tagged=True)


def test_a_basket_is_never_cut_in_two(zoo, tmp_path):
    (tmp_path / "ta-feng").mkdir()
    days = [*[1] * 14, *[2] * 3, *[3] * 3]  # both cuts by share would fall within a day
    pl.DataFrame(
        {
            "TRANSACTION_DT": [datetime(2001, 2, day, tzinfo=UTC) for day in days],
            "CUSTOMER_ID": [f"c{n % 4}" for n in range(20)],
            "PRODUCT_ID": [f"p{n // 4}" for n in range(20)],
            "PRODUCT_SUBCLASS": [100 + n // 4 for n in range(20)],
        }
    ).write_parquet(tmp_path / "ta-feng" / "ta_feng.parquet")
    parts = sys.modules["sets"].ta_feng(tmp_path)
    assert [part.height for part in (parts.train, parts.validation, parts.test)] == [14, 3, 3]
    assert parts.tags.rows() == [(n, str(100 + n)) for n in range(5)]


def test_lists_are_judged(zoo):
    stage = zoo.Stage.of(events(KNOWN), events(HIDDEN), 10)
    found = stage.judge(some_lists(stage.asked))
    second = 1 / (1 + 1 / np.log2(3))
    assert found["ndcg@10"] == pytest.approx((0.5 + second) / 2)
    assert found["recall@10"] == pytest.approx((1 + 0.5) / 2)


def test_a_runner_is_told_what_is_hidden_only_while_choosing(zoo, runner, tmp_path):
    stage = zoo.Stage.of(events(KNOWN), events(HIDDEN), 10)
    choosing = job_of(stage, runner, tmp_path)
    lists = choosing.lists(some_lists)
    assert not choosing.final
    assert choosing.score(lists) == pytest.approx(stage.judge(lists)["ndcg@10"])
    last = job_of(stage, runner, tmp_path, final=True)
    assert last.final
    with pytest.raises(RuntimeError, match="nothing is hidden"):
        last.score(lists)


class Steps:
    """A model whose weights are how many epochs it has learned; only after the third does it know anything."""

    def __init__(self):
        self.weights = 0

    def epoch(self):
        self.weights += 1

    def recommend(self, asked):
        return some_lists(asked) if self.weights == 3 else np.full((len(asked), 20), -1)

    def keep(self):
        held = self.weights
        return lambda: setattr(self, "weights", held)


def test_the_best_epoch_answers(zoo, runner, learning, tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "SHARE", 0.0)
    job = job_of(zoo.Stage.of(events(KNOWN), events(HIDDEN), 10), runner, tmp_path)
    model = Steps()
    fitted = learning.learn(job, model.epoch, model.recommend, model.keep, None)
    assert (fitted.length, model.weights, len(fitted.curve)) == (3, 3, 3 + learning.PATIENCE)
    assert fitted.lists.tolist() == some_lists(job.asked).tolist()


def test_asking_waits_until_as_much_was_trained(zoo, runner, learning, tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(learning.time, "process_time", lambda: clock[0])
    monkeypatch.setattr(learning, "MOST_EPOCHS", 9)
    job = job_of(zoo.Stage.of(events(KNOWN), events(HIDDEN), 10), runner, tmp_path)
    model = Steps()

    def epoch():
        clock[0] += 1.0
        model.epoch()

    def recommend(asked):
        clock[0] += 1.0
        return model.recommend(asked)

    fitted = learning.learn(job, epoch, recommend, model.keep, None)
    assert [at for at, _ in fitted.curve] == [1.0, 4.0, 7.0, 9.0]


def test_the_clock_rings_within_an_epoch(zoo, runner, learning, tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "SHARE", 0.0)
    job = job_of(zoo.Stage.of(events(KNOWN), events(HIDDEN), 10), runner, tmp_path)
    model = Steps()

    def epoch():
        model.epoch()
        while model.weights > 3:
            pass

    job.deadline = learning.time.process_time() + 0.1
    fitted = learning.learn(job, epoch, model.recommend, model.keep, None)
    assert (fitted.length, model.weights) == (3, 3)
    with pytest.raises(runner.LateError):
        learning.learn(job, epoch, model.recommend, model.keep, None)


def test_a_final_fit_takes_as_many_epochs_as_it_is_told(zoo, runner, learning, tmp_path):
    job = job_of(zoo.Stage.of(events(KNOWN), events(HIDDEN), 10), runner, tmp_path, final=True)
    model = Steps()
    fitted = learning.learn(job, model.epoch, model.recommend, model.keep, 7)
    assert (fitted.length, model.weights, fitted.curve) == (7, 7, ())
    job.deadline = 0.0
    assert learning.learn(job, model.epoch, model.recommend, model.keep, 7).length == 1


def test_what_came_out_is_written_down(zoo, models, tables, tmp_path):
    stage = zoo.Stage.of(events(KNOWN), events(HIDDEN), 10)
    parts = zoo.Parts(
        train=stage.known, validation=stage.known, test=stage.hidden, dated=False, words="cut", tags=None
    )
    table = zoo.Table(
        name="toy", parts=parts, choosing=stage, final=stage, budget={"minutes": 1}, out=tmp_path / "toy.jsonl"
    )
    better, worse = some_lists(stage.asked), np.full((2, 20), -1)
    for name, lists, score in (("ials", better, 0.5), ("sasrec", worse, 0.9), ("implicit als", worse, 0.1)):
        path = tables.lists_of(table.out, name)
        path.parent.mkdir(exist_ok=True)
        np.save(path, lists)
        told = {"settings": {"reg": 2}, "cpu": 2.0, "ask": 1.0, "passes": 3.0, "length": 7, "peak": 100.0}
        trial = {**told, "curve": [[1.0, score]], **stage.judge(lists), "ndcg@10": score}
        table.note({"model": name, "stage": "tuned", "space": {}, "trials": [trial, {"late": True}]})
        table.note({"model": name, "stage": "final", **told, **stage.judge(lists)})
    table.note({"model": "hstu", "stage": "tuned", "space": {}, "trials": [{"late": True}]})
    table.note({"model": "bpr", "stage": "tuned", "space": {}, "trials": [{"failed": "no memory"}]})
    table.note(
        {"model": "ease", "stage": "tuned", "space": {}, "trials": [{"ndcg@10": 0.2, "curve": [], "cpu": 1.0}]}
    )
    text = tables.markdown([table], models.ours() | models.PEERS)
    rows = text.splitlines()
    # The best by what chose, though it came out worst.
    assert any(
        row.startswith("| toy | `sasrec` .0000 | implicit als .0000 | +.0000 (+.0000 to +.0000)") for row in rows
    )
    assert any(row.startswith("| toy, 2; 1 min | `ials` | .5566 (.5000 to .6131) |") for row in rows)
    assert "2 in 3 s, 1 cut off" in text
    assert "not one epoch in the budget: `hstu`" in text
    assert "failed (no memory): `bpr`" in text
    assert "its last fit did not come to an end: `ease`" in text
    assert "not run: `popularity`" in text
    assert "sasrec" in tables.plot(table, models.ours() | models.PEERS)
    page = tmp_path / "README.md"
    page.write_text(f"a\n{tables.BEGIN}\nold\n{tables.END}\nb\n")
    tables.into(page, "new")
    assert page.read_text() == f"a\n{tables.BEGIN}\nnew\n{tables.END}\nb\n"


def test_the_best_of_dense_scores(runner):
    scores = np.array([[0.1, 0.5, 0.3, 0.2], [0.4, 0.3, 0.2, 0.1]])
    seen = (np.array([0, 1, 1]), np.array([1, 0, 1]))
    assert runner.best(scores, seen, 3).tolist() == [[2, 3, 0], [2, 3, -1]]
