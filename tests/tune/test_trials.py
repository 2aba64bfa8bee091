# SPDX-License-Identifier: Apache-2.0
"""The log of a study: what is in it stays, what was cut off in writing goes, what is damaged is said."""

import pytest

from penchant.errors import DataError
from penchant.tune.trials import StudyFolder, StudyState, Trial, all_studies, best_of


def state(**changes):
    whole = {
        "id": "one", "source": "run.toml", "kind": "knob", "metric": "ndcg@5", "seed": 0, "prune": True,
        "dataset": "datasets/shop", "fingerprint": "abc", "created": "2026-01-02T03:04:05+00:00", "keys": [],
    }  # fmt: skip
    return StudyState(**(whole | changes))


def trial(number, score=None, **changes):
    whole = {"number": number, "state": "done", "values": {"turn": 0.5}, "score": score, "seconds": 1.0}
    return Trial(**(whole | changes))


@pytest.fixture
def study(tmp_path):
    return StudyFolder.create(tmp_path, state())


def test_what_is_added_is_there(study, tmp_path):
    lines = [trial(0, 0.5, curve={1: 0.25, 3: 0.5}, steps=7), trial(1, state="failed", reason="because")]
    for one in lines:
        study.add(one)
    assert study.trials() == lines
    assert study.state == state()
    assert all_studies(tmp_path) == [study]


def test_a_line_that_was_cut_off_is_dropped(study):
    study.add(trial(0, 0.5))
    path = study.path / "trials.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"number":1,"sta')
    assert study.trials() == [trial(0, 0.5)]
    assert path.read_bytes() == whole
    path.write_bytes(b'{"numb')
    assert study.trials() == []
    study.add(trial(0, 0.25))
    assert study.trials() == [trial(0, 0.25)]


@pytest.mark.parametrize("text", ['{"number": "x"}\n', "nonsense\n"])
def test_a_damaged_log_is_refused(study, text):
    (study.path / "trials.jsonl").write_text(text)
    with pytest.raises(DataError, match=r"trials.jsonl is damaged: .* without --resume"):
        study.trials()


def test_a_log_with_a_gap_is_refused(study):
    study.add(trial(1, 0.5))
    with pytest.raises(DataError, match="trials are missing"):
        study.trials()


def test_what_is_no_study(tmp_path):
    with pytest.raises(DataError, match="is not the folder of a study"):
        _ = StudyFolder(tmp_path).state


def test_trials_that_took_the_process_with_them_are_counted(study):
    assert [study.begin(0), study.begin(0), study.begin(0)] == [0, 1, 2]
    assert study.begin(1) == 0
    study.leave()
    assert study.begin(1) == 0
    study.add(trial(0))
    assert not (study.path / "running.json").exists()


def test_the_best_is_the_first_of_the_highest():
    assert best_of([]) is None
    assert best_of([trial(0), trial(1)]) is None
    assert best_of([trial(0, 0.1), trial(1, 0.3), trial(2, 0.3), trial(3)]).number == 1
    assert best_of([trial(0, 0.0), trial(1)]).number == 0
