# SPDX-License-Identifier: Apache-2.0
"""Training from the command line: formats, ids, ready splits, options, interruption, and what is refused."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
import torch
from safetensors.torch import load_file

import shop
from penchant import artefact
from penchant.bundle.bundle import open_bundle
from penchant.runs import find_run
from shop import penchant, refused

EASE = shop.QUICK.replace(
    'kind = "sasrec"\nembedding_size = 8\nblocks = 1\nheads = 1\ninner_size = 8', 'kind = "ease"'
)

SPLIT = """
[data]
name = "ready"

[data.events]
train = "train.csv"
validation = "validation.csv"
test = "test.csv"
user_id = "user"
item_id = "item"
time = "when"
"""


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("text", [False, True])
def test_the_whole_road(ending, text, tmp_path):
    shop.stock(tmp_path, ending=ending, text=text)
    said = penchant(
        "init", "--events", f"events.{ending}", "--items", f"items.{ending}", "--out", "mine.toml"
    ).output
    assert "user = user" in said
    assert "Next: penchant train mine.toml" in said
    whole = Path("mine.toml").read_text()
    Path("mine.toml").write_text(whole[: whole.index("# Bad rows")] + EASE)
    said = penchant("train", "mine.toml").output
    assert "ease" in said
    assert "ndcg" in said
    assert "Bundle: artefacts/bundles/" in said
    again = penchant("evaluate", "mine.toml").output
    assert [line for line in again.splitlines() if "│" in line] == [
        line for line in said.splitlines() if "│" in line
    ]
    penchant("recommend", "--users", "all", "--k", "3", "--out", "recs.parquet")
    recs = pl.read_parquet("recs.parquet")
    assert recs.columns == ["user_id", "item_id", "rank", "score"]
    events, _ = shop.tables(text=text)
    assert recs["user_id"].dtype == recs["item_id"].dtype == (pl.String if text else pl.Int64)
    assert set(recs["user_id"]) == set(events["user"])
    assert set(recs["item_id"]) <= set(events["item"])
    assert recs.join(events, left_on=["user_id", "item_id"], right_on=["user", "item"]).is_empty()


def test_what_training_says_and_leaves(trained):
    assert "sasrec" in trained.words
    assert "popularity" in trained.words
    assert "Next: penchant serve" in trained.words
    place = find_run(trained.artefacts, None)
    assert {"run.toml", "state.json", "metrics.jsonl", "report.json", "report.html"} <= {
        p.name for p in place.path.iterdir()
    }
    assert (place.path / "run.toml").read_text() == trained.run.read_text()
    bundle = open_bundle(trained.artefacts / "bundles")
    assert bundle.manifest.kind == "sasrec"
    assert bundle.manifest.learned_from.startswith("all events, test included (240 events, ")
    assert open_bundle(place.measured("sasrec")).manifest.learned_from.startswith("train (180 events, ")
    assert bundle.manifest.metrics["ndcg@5"] == open_bundle(place.measured("sasrec")).manifest.metrics["ndcg@5"]
    assert not list(trained.artefacts.rglob(".*"))


def test_a_ready_split(tmp_path):
    events, _ = shop.tables()
    for name, part in (("train", events[:160]), ("validation", events[160:200]), ("test", events[200:])):
        part.write_csv(f"{name}.csv")
    Path("run.toml").write_text(SPLIT + EASE.split("[data.split]")[1].split("\n", 2)[2])
    said = penchant("train", "run.toml").output
    assert "Events are cut as the source gave them" in said
    measured = open_bundle(find_run(Path("artefacts"), None).measured("ease"))
    assert measured.manifest.learned_from == "train (160 events)"
    assert measured.events.height == 200
    assert open_bundle(Path("artefacts/bundles")).events.height == 240


def test_without_a_test_part_nothing_is_measured(tmp_path):
    shop.stock(tmp_path, rest=EASE.replace('kind = "leave_last_out"', "test = 0.0"))
    assert "The test part is empty, so nothing was measured" in penchant("train", "run.toml").output
    assert open_bundle(Path("artefacts/bundles")).manifest.metrics == {}
    assert "the test part is empty, so there is nothing to evaluate on" in refused("evaluate")


def test_refit_learns_from_train_and_validation(tmp_path):
    run = shop.stock(tmp_path)
    said = penchant("train", run, "--refit", "--serve-on", "measured").output
    assert "Refitting sasrec on train and validation" in said
    place = find_run(Path("artefacts"), str(run))
    for name in ("sasrec", "popularity"):
        assert open_bundle(place.measured(name)).manifest.learned_from.startswith(
            "train and validation (210 events"
        )
    served = open_bundle(Path("artefacts/bundles"))
    assert served.manifest.learned_from.startswith("train and validation (210 events")
    assert served.events.height == 240


def test_another_model_and_seed(tmp_path):
    run = shop.stock(tmp_path)
    weights = []
    for seed in ("3", "3", "4"):
        penchant("train", run, "--seed", seed)
        weights.append(load_file(open_path("artefacts")))
    same, other = ([torch.equal(weights[0][n], w[n]) for n in weights[0]] for w in weights[1:])
    assert all(same)
    assert not all(other)
    penchant("train", run, "--model", "ease")
    assert open_bundle(Path("artefacts/bundles")).manifest.kind == "ease"
    assert "There is no model 'eese' (did you mean 'ease'?)" in refused("train", run, "--model", "eese")


SLOWED = """
import sys, time
from penchant.cli import main
from penchant.train.trainer import Trainer
plain = Trainer._step
def step(self, batch, number):
    time.sleep(0.1)
    return plain(self, batch, number)
Trainer._step = step
main()
"""


def test_ctrl_c_and_resume_give_the_same_as_a_run_that_was_not_stopped(tmp_path):
    run = shop.stock(tmp_path, rest=shop.QUICK.replace("epochs = 2", "epochs = 6\nbatch_size = 10"))
    begun = subprocess.Popen(
        [sys.executable, "-c", SLOWED, "train", "run.toml"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    until = time.monotonic() + 60
    while (
        not list(Path("artefacts/runs").glob("2*/checkpoints/*"))
        and begun.poll() is None
        and time.monotonic() < until
    ):
        time.sleep(0.02)
    begun.send_signal(signal.SIGINT)
    _, said = begun.communicate(timeout=60)
    assert begun.returncode == 130, said
    assert "Traceback" not in said
    assert "go on with penchant train run.toml --resume" in " ".join(said.split())
    assert "There is no finished run of run.toml" in refused("evaluate", "run.toml")
    went_on = penchant("train", run, "--resume").output
    assert "Going on with" in went_on
    stopped = find_run(Path("artefacts"), None)
    resumed = load_file(open_path("artefacts"))
    measured = load_file(next(stopped.measured("sasrec").glob("*/model.safetensors")))
    penchant("train", run, "--artefacts", "whole")
    whole = load_file(open_path("whole"))
    other = load_file(next(find_run(Path("whole"), None).measured("sasrec").glob("*/model.safetensors")))
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    assert all(torch.equal(measured[name], other[name]) for name in other)
    assert "There is no unfinished run of" in refused("train", run, "--resume")


def open_path(artefacts: str) -> Path:
    folder = Path(artefacts) / "bundles"
    return folder / (folder / "CURRENT").read_text().strip() / "model.safetensors"


def test_a_run_whose_file_was_changed_cannot_go_on(tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    run = shop.stock(tmp_path, rest=EASE)
    with monkeypatch.context() as patched:
        patched.setattr("penchant.recipe.fit", stop)
        said = penchant("train", run, "--artefacts", "elsewhere", code=130).stderr
    assert "--resume --artefacts elsewhere" in " ".join(said.split())
    run.write_text(run.read_text() + "\n")
    assert "is not what it was when" in refused("train", run, "--resume", "--artefacts", "elsewhere")


def spoil(**changes):
    """Change one cell of the events file."""
    rows = Path("events.csv").read_text().splitlines()
    for row, cells in changes.items():
        rows[int(row[1:])] = cells
    Path("events.csv").write_text("\n".join(rows) + "\n")


def test_bad_files_are_named(tmp_path):
    run = shop.stock(tmp_path, rest=EASE)
    whole = run.read_text()
    run.write_text(whole.replace('"events.csv"', '"event.csv"'))
    assert "There is no file" in refused("train", run)
    assert "event.csv (did you mean 'events.csv'?)" in refused("train", run)
    run.write_text(whole.replace('"when"', '"whn"'))
    assert "no column 'whn'" in refused("train", run)
    assert "did you mean 'when'?" in refused("train", run)
    run.write_text(whole)
    Path("events.csv").write_text("")
    assert "events.csv is empty" in refused("train", run)
    Path("events.csv").write_text("user,item,when\n")
    assert "events.csv has no rows" in refused("train", run)
    assert not Path("artefacts").exists()


def test_rows_that_cannot_be_used(tmp_path):
    run = shop.stock(tmp_path, rest=EASE + "\n[data.checks]\nmax_bad_fraction = 0.0\n")
    spoil(_5="3,4,yesterday")
    said = refused("train", run)
    assert "row 5" in said
    assert "yesterday" in said


def test_a_run_file_with_faults(tmp_path):
    run = shop.stock(tmp_path, rest=EASE + "\n[trian]\n")
    assert "unknown table [trian] (did you mean 'train'?)" in refused("train", run)
    run.write_text("[data]\nname = \n")
    assert "run.toml, line 2: this is not TOML" in refused("train", run)
    assert "There is no run file none.toml" in refused("train", "none.toml")
    shop.stock(tmp_path, rest=EASE.replace("ndcg@5", "ndgc@5"))
    assert 'metric = "ndgc@5" is none' in refused("train", run)


def test_a_full_disk(tmp_path, monkeypatch):
    run = shop.stock(tmp_path, rest=EASE)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "artefacts/x")

    monkeypatch.setattr(artefact, "_fsync", full)
    said = refused("train", run)
    assert "artefacts/x: the disk is full. Free some space" in said
    assert not [p for p in Path("artefacts").rglob("*") if p.is_file()]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path):
    run = shop.stock(tmp_path, rest=EASE)
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    assert "you have no permission. Choose another folder with --artefacts" in refused(
        "train", run, "--artefacts", locked
    )


def test_a_read_only_file_system(tmp_path, monkeypatch):
    run = shop.stock(tmp_path, rest=EASE)

    def refuse(self, *_, **__):
        raise OSError(errno.EROFS, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert "the file system can only be read. Choose another folder" in refused("train", run)


def test_runs_side_by_side(tmp_path):
    run = shop.stock(tmp_path / "shop", text=True)
    other = run.with_name("other.toml")
    other.write_text(run.read_text().replace("[train]", "[train]\nlearning_rate = 0.01"))
    for one in (run, other):
        penchant("train", one)
    said = penchant("compare", run, other, "--out", "both.html").output
    assert "sasrec (1)" in said
    assert "sasrec (2)" in said
    assert "popularity" in said
    assert "popularity (" not in said, "both runs have it, with the same answers"
    assert "Holm" in said
    assert "3 models of 2 runs" in Path("both.html").read_text()
    other.write_text(run.read_text().replace('kind = "leave_last_out"', 'kind = "time"'))
    penchant("train", other)
    words = refused("compare", run, other)
    assert "answered different questions. They differ in the users who were asked" in words


@pytest.mark.parametrize("kind", ["strong_generalisation", "cold_users", "cold_items"])
def test_whole_users_or_items_held_out(kind, tmp_path):
    run = shop.stock(tmp_path / "shop")
    run.write_text(run.read_text().replace('kind = "leave_last_out"', f'kind = "{kind}"'))
    said = penchant("train", run, "--refit").output
    assert "held out whole" in said
    again = penchant("evaluate", run).output
    assert [line for line in again.splitlines() if "│" in line] == [
        line for line in said.splitlines() if "│" in line
    ], "the bundle of what was measured knows what was given"
