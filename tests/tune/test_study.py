# SPDX-License-Identifier: Apache-2.0
"""Tuning from end to end: the knob is found, the test part is not read, what was done is kept whatever happens."""

import itertools
import json

import polars as pl
import pytest

import knobs
import shop
from penchant import registry
from penchant.config import RunConfig
from penchant.data.splits import Split
from penchant.errors import ConfigError, DataError
from penchant.tune.study import tune
from penchant.tune.trials import StudyFolder, Trial, TuneCallback, all_studies


def essence(trials):
    """All of the trials but what the clock says."""
    return [(one.number, one.state, one.values, one.score, one.curve, one.steps, one.reason) for one in trials]


def test_the_knob_is_found(tmp_path):
    run = knobs.run(tmp_path / "shop")
    tuned = tune(run, tmp_path / "a")
    assert [trial.number for trial in tuned.trials] == list(range(30))
    assert tuned.trials[0].values == {"turn": 0.9}
    assert abs(tuned.best.values["turn"] - knobs.BEST) < 0.1
    right = knobs.run(tmp_path / "right", rest=knobs.RUN.replace("turn = 0.9", f"turn = {knobs.BEST}"))
    assert tuned.best.score >= tune(right, tmp_path / "b", trials=1).best.score > 2 * tuned.trials[0].score
    assert tuned.run_file == tmp_path / "shop" / "run.best.toml"
    written = RunConfig.load(tuned.run_file)
    assert written.model.choices == tuned.best.values
    assert tuned.trials == StudyFolder(tuned.folder).trials()
    assert "Trial" in tuned.page.read_text()
    again = tune(written, tmp_path / "a", trials=1)
    assert again.trials[0].score == tuned.best.score


def test_the_test_part_chooses_nothing(tmp_path, monkeypatch):
    run = knobs.run(tmp_path / "shop")
    first = tune(run, tmp_path / "a", trials=6)
    events = pl.read_csv(run.base / "events.csv")
    last = pl.col("when") == pl.col("when").max().over("user")
    events.with_columns(item=pl.when(last).then(1).otherwise("item")).write_csv(run.base / "events.csv")
    monkeypatch.setattr(Split, "test", property(lambda _: pytest.fail("the test part was asked for")))
    assert essence(tune(run, tmp_path / "b", trials=6).trials) == essence(first.trials)


def test_files_of_the_test_part_are_not_even_read(tmp_path):
    events, items = shop.tables()
    rank = pl.col("when").rank("ordinal").over("user")
    for name, chosen in (("train", rank <= 6), ("valid", rank == 7)):
        events.filter(chosen).write_parquet(tmp_path / f"{name}.parquet")
    (tmp_path / "test.parquet").write_bytes(b"\x00 no table at all")
    items.write_csv(tmp_path / "items.csv")
    named = {"train": "train", "validation": "valid", "test": "test", "test_given": "test"}
    parts = "\n".join(f'{key} = "{name}.parquet"' for key, name in named.items())
    head = shop.CSV.replace('path = "events.csv"', parts)
    rest = knobs.RUN.replace('[data.split]\nkind = "leave_last_out"\n', "")
    (tmp_path / "run.toml").write_text(head + rest)
    tuned = tune(RunConfig.load(tmp_path / "run.toml"), tmp_path / "a", trials=4)
    assert tuned.best.score > 0
    assert "test.parquet" in tuned.run_file.read_text()


@pytest.mark.parametrize("kind", ["knob", "slow_knob"])
def test_an_interrupted_study_comes_to_the_same(tmp_path, kind):
    run = knobs.run(tmp_path / "shop", kind=kind)
    whole = tune(run, tmp_path / "a", trials=14)
    with pytest.raises(KeyboardInterrupt):
        tune(run, tmp_path / "b", trials=14, callbacks=[knobs.StopAt(6)])
    kept = all_studies(tmp_path / "b")[0]
    assert len(kept.trials()) == 6
    assert not (kept.path / "running.json").exists()
    assert (kept.path / "tune.html").exists()
    resumed = tune(run, tmp_path / "b", trials=14, resume=True)
    assert resumed.folder == kept.path
    assert essence(resumed.trials) == essence(whole.trials)
    if kind == "slow_knob":
        ends = [trial.state for trial in whole.trials]
        assert "pruned" in ends
        assert all(len(t.curve) == 4 for t in whole.trials if t.state == "pruned")
        assert whole.best.state == "done"


def test_ctrl_c_in_the_first_trial_leaves_a_study_to_go_on_with(tmp_path):
    run = knobs.run(tmp_path / "shop")
    with pytest.raises(KeyboardInterrupt):
        tune(run, tmp_path / "a", callbacks=[knobs.StopAt(0)])
    assert not (tmp_path / "shop" / "run.best.toml").exists()
    assert len(tune(run, tmp_path / "a", trials=2, resume=True).trials) == 2


def test_a_study_can_grow_and_a_finished_one_is_shown_again(tmp_path):
    run = knobs.run(tmp_path / "shop")
    few = tune(run, tmp_path / "a", trials=3)
    assert tune(run, tmp_path / "a", trials=3, resume=True).trials == few.trials
    more = tune(run, tmp_path / "a", trials=5, resume=True)
    assert more.trials[:3] == few.trials
    assert len(more.trials) == 5
    text = run.path.read_text().replace("trials = 30", "trials = 6")
    run.path.write_text(text)
    assert len(tune(RunConfig.load(run.path), tmp_path / "a", resume=True).trials) == 6


def test_another_file_is_not_gone_on_with(tmp_path):
    run = knobs.run(tmp_path / "shop")
    with pytest.raises(ConfigError, match=r"no study of .*run.toml with the model knob .* without --resume"):
        tune(run, tmp_path / "a", resume=True)
    tune(run, tmp_path / "a", trials=1)
    run.path.write_text(run.path.read_text() + "\n[tune.space]\nturn = { low = 0.0, high = 0.5 }\n")
    with pytest.raises(ConfigError, match=r"is not what it was when .*-knob-"):
        tune(RunConfig.load(run.path), tmp_path / "a", resume=True)


def ticking():
    """A clock that goes on by a second whenever it is looked at."""
    seconds = itertools.count()
    return lambda: float(next(seconds))


def test_the_time_budget_cuts_a_trial_off_and_ends_the_study(tmp_path):
    run = knobs.run(tmp_path / "shop", "prune = false\n", kind="slow_knob")
    tuned = tune(run, tmp_path / "a", minutes=0.4, clock=ticking())
    # Trial 0 looks at the clock at its start, at each of its 6 steps, and at its end.
    assert [trial.state for trial in tuned.trials] == ["done", "done", "done", "stopped"]
    assert [trial.seconds for trial in tuned.trials[:3]] == [7.0, 7.0, 7.0]
    last = tuned.trials[-1]
    assert len(last.curve) == 2
    assert last.score == max(last.curve.values())
    more = tune(run, tmp_path / "a", minutes=0.6, resume=True, clock=ticking())
    assert more.trials[:4] == tuned.trials
    assert len(more.trials) > 4


def test_too_little_time_for_anything(tmp_path):
    run = knobs.run(tmp_path / "shop", kind="slow_knob")
    with pytest.raises(DataError, match=r"None of 1 trials came to a result .*; give it more minutes"):
        tune(run, tmp_path / "a", minutes=0.001, clock=ticking())


def test_bad_trials_are_lines_in_the_log(tmp_path):
    traps = 'trap = { choices = ["none", "memory", "config"] }\n'
    run = knobs.run(tmp_path / "shop", f"[tune.space]\nturn = false\n{traps}")
    tuned = tune(run, tmp_path / "a", trials=12)
    found = {trial.values["trap"]: (trial.state, trial.reason) for trial in tuned.trials}
    assert found == {
        "none": ("done", ""),
        "memory": ("failed", "MemoryError: no room for the matrix"),
        "config": ("failed", "ConfigError: [model] trap: refused"),
    }
    assert tuned.best.values == {"trap": "none"}
    page = tuned.page.read_text()
    assert "no room for the matrix" in page


def test_a_loss_that_is_no_number_fails(tmp_path):
    traps = '[tune.space]\ntrap = { choices = ["none", "nan"] }\n'
    tuned = tune(knobs.run(tmp_path / "shop", traps, kind="slow_knob"), tmp_path / "a", trials=8)
    diverged = [trial for trial in tuned.trials if trial.values["trap"] == "nan"]
    assert {(trial.state, trial.reason, trial.score) for trial in diverged} == {
        ("failed", "the loss was nan after 1 steps", None)
    }


def test_settings_that_cannot_be_used_at_all_are_said_at_once(tmp_path):
    run = knobs.run(tmp_path / "shop", rest=knobs.RUN.replace("turn = 0.9", 'trap = "config"'))
    with pytest.raises(ConfigError, match="trap: refused"):
        tune(run, tmp_path / "a")
    run = knobs.run(tmp_path / "shop", rest=knobs.RUN.replace("turn = 0.9", 'trap = "memory"'))
    with pytest.raises(DataError, match=r"None of 2 trials came to a result .*; the last one failed: MemoryError"):
        tune(run, tmp_path / "a", trials=2)


def test_training_that_is_never_measured_fails(tmp_path):
    rest = knobs.RUN.replace("epochs = 6", "epochs = 2\nvalidate_every = 5")
    with pytest.raises(DataError, match="the last one failed: ndcg@5 is nan"):
        tune(knobs.run(tmp_path / "shop", kind="slow_knob", rest=rest), tmp_path / "a", trials=1)


def test_a_trial_that_takes_the_process_with_it_is_passed_over(tmp_path):
    run = knobs.run(tmp_path / "shop")
    place = tune(run, tmp_path / "a", trials=2).folder
    (place / "running.json").write_text(json.dumps({"number": 2, "times": 1}))
    assert tune(run, tmp_path / "a", trials=3, resume=True).trials[2].state == "done"
    (place / "running.json").write_text(json.dumps({"number": 3, "times": 2}))
    passed = tune(run, tmp_path / "a", trials=5, resume=True).trials
    assert (passed[3].state, passed[4].state) == ("failed", "done")
    assert "the process ended 2 times while it ran" in passed[3].reason


def test_another_metric_and_another_model(tmp_path):
    text = "\n[tune.space]\nexact = { choices = [true, false] }\n"
    run = knobs.run(tmp_path / "shop", 'metric = "recall@10"\n' + text)
    said = []
    tuned = tune(
        run, tmp_path / "a", model="slow_knob", trials=3, tell=said.append, out=tmp_path / "shop" / "x.toml"
    )
    assert said[0] == "[tune.space] is about knob; slow_knob is tuned within its own space"
    assert tuned.state.metric == "recall@10"
    assert "exact" not in tuned.best.values
    written = RunConfig.load(tmp_path / "shop" / "x.toml")
    assert written.model.kind == "slow_knob"
    assert written.tables["train"]["metric"] == "recall@10"
    with pytest.raises(ConfigError, match=r'\[tune\]: metric = "accuracy" is none'):
        tune(knobs.run(tmp_path / "shop", 'metric = "accuracy"\n'), tmp_path / "a")


def test_an_empty_validation_part(tmp_path):
    rest = knobs.RUN.replace('kind = "leave_last_out"', 'kind = "time"\nvalidation = 0.0')
    with pytest.raises(DataError, match=r"\[data.split\]: the validation part is empty"):
        tune(knobs.run(tmp_path / "shop", rest=rest), tmp_path / "a")


def test_the_data_is_prepared_once(tmp_path, monkeypatch):
    from penchant.features.space import FeatureSpace

    fitted = []
    before = FeatureSpace.fit
    monkeypatch.setattr(FeatureSpace, "fit", lambda *a, **k: (fitted.append(1), before(*a, **k))[1])
    tune(knobs.run(tmp_path / "shop"), tmp_path / "a", trials=4)
    assert len(fitted) == 1


class Heard(TuneCallback):
    def __init__(self):
        self.lines = []

    def on_trial(self, number, trials, values, best):  # noqa: ARG002
        self.lines.append((number, trials, best and best.number))

    def on_result(self, trial, best):
        self.lines.append((trial, best.number))


def test_callbacks_hear_of_every_trial(tmp_path):
    heard = Heard()
    tuned = tune(knobs.run(tmp_path / "shop"), tmp_path / "a", trials=2, callbacks=[heard, TuneCallback()])
    assert heard.lines[::2] == [(0, 2, None), (1, 2, 0)]
    assert [trial for trial, _ in heard.lines[1::2]] == tuned.trials


@pytest.mark.parametrize("kind", [k for k in registry.MODELS if k not in knobs.MODELS])
def test_every_model_can_be_tuned(tmp_path, kind):
    rest = shop.QUICK.replace('kind = "sasrec"\nembedding_size = 8\nblocks = 1\nheads = 1\ninner_size = 8\n',
                              f'kind = "{kind}"\n')  # fmt: skip
    run = RunConfig.load(shop.stock(tmp_path / "shop", rest=rest))
    tuned = tune(run, tmp_path / "a", trials=2)
    assert isinstance(tuned.best, Trial)
    assert RunConfig.load(tuned.run_file).model.kind == kind
