# SPDX-License-Identifier: Apache-2.0
"""What `benchmarks/ablation.py` rests on: rows change one thing, and differences are those of the same seed."""

import importlib
import json
import sys
from pathlib import Path

import pytest

from penchant.config import RunConfig

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def ablation(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    yield importlib.import_module("ablation")
    for name in ("ablation", "ablation_rows"):
        sys.modules.pop(name, None)


@pytest.fixture
def base(ablation):
    return ablation.plain(ablation.blind(RunConfig.load(FOLDER / "movielens-100k-p1.toml")))


def line(row, seed, scores, base="x"):
    metrics = {"ndcg@10": sum(scores) / len(scores), "recall@10": 0.5, "epochs": 3, "steps": 9, "cpu": 1.0}
    found = {"curve": [0.1, 0.3, 0.2, 0.4], "by user": scores}
    return {"base": base, "set": "toys", "row": row, "seed": seed, **metrics, **found}


def test_the_base_is_what_the_program_does_by_itself_and_has_no_test_part(ablation, base):
    assert "test" not in base.tables["data"]["events"]
    assert "train" in base.tables["data"]["events"]
    assert base.model.choices == {}
    assert not {"model", "train", "baselines"} & base.tables.keys()


def test_every_row_can_be_trained_and_changes_something(ablation, base):
    assert ablation.wanted(base, None, []) == list(ablation.ROWS)


def test_a_row_that_the_base_has_anyway_is_left_out(ablation, base):
    same = ablation.changed(base, {"model.dropout": 0.5})
    assert "dropout 0.5" not in ablation.wanted(same, None, [])
    assert ablation.wanted(base, ["sasrec", "no times"], ["no times"]) == ["sasrec"]


def test_a_row_that_does_not_exist_is_told_of(ablation, base):
    with pytest.raises(SystemExit, match="no tims"):
        ablation.wanted(base, ["no tims"], [])


def test_what_a_row_is_held_against_is_a_row(ablation):
    assert all(row.against is None or row.against in ablation.ROWS for row in ablation.ROWS.values())


def test_differences_are_taken_within_a_seed(ablation):
    lines = [
        line("sasrec", 0, [0.1, 0.2, 0.3, 0.4]),
        line("sasrec", 1, [0.5, 0.6, 0.7, 0.8]),
        line("no times", 0, [0.2, 0.3, 0.4, 0.5]),
        line("no times", 1, [0.4, 0.5, 0.6, 0.7]),
        line("no values", 1, [0.6, 0.7, 0.8, 0.9]),
    ]
    first, times, values = ablation.summary(lines)
    assert (first.name, first.difference) == ("sasrec", None)
    assert first.mean["ndcg@10"] == pytest.approx(0.45)
    assert times.by_seed == pytest.approx((0.1, -0.1))
    assert times.difference.mean == pytest.approx(0.0)
    # Of a row that one seed has, the base of that seed alone is looked at.
    assert values.seeds == 1
    assert values.difference[:3] == pytest.approx((0.1, 0.1, 0.1))
    assert values.p == pytest.approx(2 * values.difference.p)


def test_the_table_has_a_line_for_each_row_and_a_place_for_each_set(ablation, tmp_path):
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    same, better = [0.25] * 50, [0.75] * 50
    one.write_text("\n".join(map(json.dumps, (line("sasrec", 0, same), line("no times", 0, better)))))
    other.write_text(json.dumps(line("sasrec", 0, same, base="y")) + '\n{"base": "y", "half')
    head, _, base, times = ablation.markdown([one, other]).split("\n")
    assert head.count("toys, 50 users") == 2
    assert base == "| sasrec |  | .2500 / .5000 |  |  | .2500 / .5000 |  |  |"
    assert times == "| no times | sasrec | .7500 / .5000 | **+.5000 [+.5000, +.5000]** | +.5000 |  |  |  |"


def test_a_table_for_a_terminal_names_the_difference(ablation, tmp_path, capsys):
    path = tmp_path / "one.jsonl"
    path.write_text("\n".join(json.dumps(line(row, 0, [0.25] * 5)) for row in ("sasrec", "no times")))
    ablation.show([path])
    assert "+.0000" in capsys.readouterr().out


@pytest.mark.parametrize(("most", "ended"), [(1, (0.3, 3)), (2, (0.4, 7)), (3, (0.4, 8)), (9, (0.4, 8))])
def test_patience_ends_a_curve(ablation, most, ended):
    assert ablation.ended_by([0.1, 0.3, 0.3, 0.35, 0.4, 0.2, 0.4, 0.1], most) == ended


def test_patience_is_told_of_the_base_alone(ablation, tmp_path, capsys):
    path = tmp_path / "one.jsonl"
    path.write_text(
        "\n".join(json.dumps(line(row, seed, [0.5])) for row in ("sasrec", "no times") for seed in (0, 1))
    )
    ablation.patience([path])
    told = capsys.readouterr().out
    assert "0.3, 0.3" in told
    assert "0.4, 0.4" in told
    assert "0.3, 0.3, " not in told
