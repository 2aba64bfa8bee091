# SPDX-License-Identifier: Apache-2.0
"""`penchant tune`: what it says, how it goes on, what it refuses; and its bars."""

import io

import pytest
from rich.console import Console

import knobs
import shop
from penchant import registry
from penchant.cli.trying import TrialsBar
from penchant.config import RunConfig
from penchant.train.callbacks import EpochReport
from penchant.tune.trials import Trial


@pytest.fixture(autouse=True)
def _knobs(monkeypatch):
    for kind, place in knobs.MODELS.items():
        monkeypatch.setitem(registry.MODELS, kind, place)


def test_from_a_run_file_to_a_better_one(tmp_path):
    run = knobs.run(tmp_path).path
    words = shop.penchant("tune", run, "--trials", 12).output
    assert "Tuning turn of knob by ndcg@5 on the validation part" in words
    assert "trial 0: " in words
    assert "knob: the best of 12 trials" in words
    assert "0 (as it was)" in words
    assert "The numbers are of the validation part" in words
    best = RunConfig.load(tmp_path / "run.best.toml").model.choices["turn"]
    assert abs(best - knobs.BEST) < abs(0.9 - knobs.BEST)
    assert f"{best:g} " in words
    assert "Next: penchant train" in words
    assert "the best of 13 trials" in shop.penchant("tune", run, "--resume", "--trials", 13).output


def test_many_keys_share_a_column(tmp_path):
    text = "\n[tune.space]\nsize = { low = 1, high = 8 }\naverage = { low = 0.5, high = 0.9 }\n"
    run = knobs.run(tmp_path, text, kind="slow_knob").path
    words = " ".join(shop.penchant("tune", run, "--trials", 2, "--minutes", 10).output.split())
    assert "settings" in words
    assert "turn 0.9, learning_rate 0.001, batch_size 32" in words


def test_ctrl_c(tmp_path, monkeypatch):
    run = knobs.run(tmp_path).path
    stop = knobs.StopAt(2)
    shown = TrialsBar.on_trial
    monkeypatch.setattr(TrialsBar, "on_trial", lambda bar, *words: (shown(bar, *words), stop.on_trial(*words)))
    said = " ".join(shop.penchant("tune", run, "--artefacts", "a", "--model", "knob", code=130).stderr.split())
    assert f"go on with penchant tune {run} --resume --model knob --artefacts a" in said
    monkeypatch.undo()
    for kind, place in knobs.MODELS.items():
        monkeypatch.setitem(registry.MODELS, kind, place)
    words = shop.penchant("tune", run, "--resume", "--trials", 3, "--artefacts", tmp_path / "a").output
    assert "Going on with 20" in words
    assert "the best of 3 trials" in words


def test_ctrl_c_before_a_study_began(tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("penchant.recipe.ingest", stop)
    run = knobs.run(tmp_path).path
    said = " ".join(shop.penchant("tune", run, code=130).stderr.split())
    assert f"Stopped before the first trial began: start again with penchant tune {run}" in said
    assert "--resume" not in said


def test_what_is_refused(tmp_path):
    run = knobs.run(tmp_path, "\n[tune.space]\ntrun = { low = 0, high = 1 }\n").path
    assert "[tune.space] trun: neither the model 'knob'" in shop.refused("tune", run)
    assert "did you mean 'turn'?" in shop.refused("tune", run)
    assert "There is no model 'knop' (did you mean 'knob'?)" in shop.refused("tune", run, "--model", "knop")
    run.write_text(run.read_text().replace("trials = 30", "trails = 30"))
    assert "[tune]: unknown key 'trails' (did you mean 'trials'?)" in shop.refused("tune", run)


def test_help_teaches():
    words = " ".join(shop.penchant("tune", "--help").output.split())
    for part in ("--minutes", "--resume", "--fresh", "penchant train run.best.toml", "The test part is not read"):
        assert part in words


def test_the_bars():
    file = io.StringIO()
    with TrialsBar(Console(file=file, width=120)) as bar:
        tasks = bar._progress
        first = Trial(number=0, state="done", values={"turn": 0.5}, score=0.25, seconds=1.5)
        bar.on_trial(0, 3, first.values, None)
        bar.on_step(1, 0.5)
        bar.on_start(2, 10, 0)
        bar.on_step(4, 0.5)
        assert [(task.description, task.completed, task.total) for task in tasks.tasks] == [
            ("  tuning", 0, 3), ("  training", 4, 20),
        ]  # fmt: skip
        report = {"epoch": 1, "step": 10, "loss": 1.0, "learning_rate": 0.1, "seconds": 1, "events_per_second": 1}
        bar.on_epoch(EpochReport(**report))
        assert tasks.tasks[1].fields["note"] == "loss 0.500"
        bar.on_epoch(EpochReport(**report, metrics={"recall@5": 0.5}))
        assert tasks.tasks[1].fields["note"] == "recall@5 0.5000"
        bar.on_result(first, first)
        assert [(task.completed, task.fields["note"]) for task in tasks.tasks] == [(1, "best 0.2500, trial 0")]
        bar.on_result(Trial(number=1, state="pruned", values={"turn": 0.1}, score=0.125, seconds=1), first)
        bar.on_result(Trial(number=2, state="failed", values={"turn": 1.0}, seconds=1, reason="no room"), first)
    with TrialsBar(Console(file=file, width=120)) as bar:
        bar.on_result(Trial(number=0, state="stopped", values={"turn": 0.5}, seconds=9), None)
    said = file.getvalue()
    assert "trial 0: 0.2500 (best); turn 0.5; 1.5 s" in said
    assert "trial 1: given up at 0.1250; turn 0.1" in said
    assert "trial 2: no room; turn 1" in said
    assert "trial 0: cut off" in said
