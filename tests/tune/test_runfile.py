# SPDX-License-Identifier: Apache-2.0
"""The best run file: the user's words stay, values change, and it is read whatever way the file was written."""

import tomllib

import pytest

import knobs
import shop
from penchant.config import RunConfig
from penchant.errors import ConfigError
from penchant.tune import runfile
from penchant.tune.space import keys
from penchant.tune.trials import StudyState, Trial


def rendered(run, place=None, **values):
    found = keys(run)
    state = StudyState(
        id="one", source=str(run.path), kind=run.model.kind, metric="ndcg@5", seed=0, prune=True, dataset="d",
        fingerprint="f", created="2026-01-02T03:04:05+00:00", keys=list(found.values()),
    )  # fmt: skip
    first = Trial(number=0, state="done", values={name: key.default for name, key in found.items()}, score=0.25,
                  seconds=2.0)  # fmt: skip
    second = Trial(number=1, state="done", values=first.values | values, score=0.5, seconds=3.0)
    trials = [first, second, Trial(number=2, state="failed", values=first.values, seconds=1.0)]
    place = place or run.path.with_name("run.best.toml")
    best = second if values else first
    return runfile.render(run, found, state, trials, best, run.base / "tune" / "one", place)


def test_words_stay_and_values_change(tmp_path):
    run = knobs.run(tmp_path, kind="slow_knob")
    text = rendered(run, turn=0.25, learning_rate=0.004, batch_size=64)
    head, _, rest = text.partition("\n\n")
    assert "Chosen by penchant tune on 20" in head
    assert "out of 3 trials (1 failed) in 6 s: trial 1." in head
    assert "# ndcg@5 on the validation part: 0.5000; run.toml as it was reached 0.2500." in head
    assert "#   learning_rate: 0.0001 to 0.01, by orders of magnitude" in head
    lines = rest.splitlines()
    assert "turn = 0.25  # was 0.9" in lines
    assert "# A shop with a knob." in lines
    at = lines.index("[train]")
    assert lines[at + 1 : at + 3] == ["learning_rate = 0.004", "batch_size = 64"]
    wanted = tomllib.loads(run.text)
    wanted["model"]["turn"] = 0.25
    wanted["train"] |= {"learning_rate": 0.004, "batch_size": 64}
    assert tomllib.loads(text) == wanted


def test_the_best_may_be_what_was_there(tmp_path):
    run = knobs.run(tmp_path)
    text = rendered(run)
    assert "the settings of the file itself." in text
    assert tomllib.loads(text) == tomllib.loads(run.text)


def test_a_second_tuning_replaces_the_words_of_the_first(tmp_path):
    run = knobs.run(tmp_path)
    first = rendered(run, turn=0.25)
    run.path.write_text(first)
    second = rendered(RunConfig.load(run.path), turn=0.5)
    assert second.count("Chosen by penchant tune") == 1
    assert "turn = 0.5  # was 0.25" in second
    run.path.write_text("# Chosen by penchant tune\n")
    assert runfile._without_mark(run.path.read_text()) == ""


def test_another_model_silences_the_keys_of_the_old_one(tmp_path):
    rest = knobs.RUN.replace('kind = "knob"', 'kind = "sasrec"\nheads = 1  # one').replace(
        "turn = 0.9", "blocks = 1"
    )
    run = RunConfig.load(shop.stock(tmp_path, rest=rest)).override(model="knob")
    text = rendered(run, turn=0.25)
    assert "# heads = 1  # one" in text
    assert 'kind = "knob"  # was "sasrec"\nturn = 0.25\n' in text
    assert tomllib.loads(text)["model"] == {"kind": "knob", "turn": 0.25}


def test_a_file_that_names_no_model_or_training(tmp_path):
    run = RunConfig.load(shop.stock(tmp_path, rest="")).override(model="slow_knob")
    read = tomllib.loads(rendered(run, turn=0.25, batch_size=64))
    assert read["model"] == {"kind": "slow_knob", "turn": 0.25}
    assert read["train"] == {"metric": "ndcg@5", "batch_size": 64}


@pytest.mark.parametrize(
    "written",
    [
        'model = { kind = "knob", turn = 0.9 }\n',
        'model.kind = "knob"\nmodel.turn = 0.9\n',
        '[model]\nkind = "knob"\n"turn" = 0.9\n',
        '[model]\nkind = "knob"\nturn = 0.9\n[data.events.types]\nview = { meaning = "view" }\n',
    ],
)
def test_however_it_was_written(tmp_path, written):
    path = shop.stock(tmp_path, rest="")
    path.write_text(written + path.read_text() if written.startswith("model") else path.read_text() + written)
    run = RunConfig.load(path)
    wanted = tomllib.loads(run.text)
    wanted["model"]["turn"] = 0.25
    wanted["train"] = {"metric": "ndcg@5"}
    assert tomllib.loads(rendered(run, turn=0.25)) == wanted


def test_elsewhere_paths_are_absolute(tmp_path):
    run = knobs.run(tmp_path / "shop")
    read = tomllib.loads(rendered(run, tmp_path / "other" / "x.toml", turn=0.25))
    assert read["data"]["events"]["path"] == str(tmp_path / "shop" / "events.csv")
    assert read["data"]["items"]["path"] == str(tmp_path / "shop" / "items.csv")
    moved = runfile._absolute({"name": "x", "events": {"train": ["a/*.csv", "/b.csv"]}}, tmp_path)
    assert moved == {"name": "x", "events": {"train": [str(tmp_path / "a/*.csv"), "/b.csv"]}}


def test_only_what_tuning_wrote_is_overwritten(tmp_path):
    run = knobs.run(tmp_path)
    place = runfile.target(run, None)
    assert place == tmp_path / "run.best.toml"
    place.write_text(rendered(run))
    assert runfile.target(run, None) == place
    place.write_text("# mine\n")
    with pytest.raises(ConfigError, match=r"run.best.toml is there already .* name another by --out"):
        runfile.target(run, None)
    with pytest.raises(ConfigError, match=r"run.toml is there already"):
        runfile.target(run, run.path)
