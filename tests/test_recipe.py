# SPDX-License-Identifier: Apache-2.0
"""The whole job: what is measured never saw the test part, what is served has seen everything."""

from pathlib import Path

import polars as pl
import pytest
import torch

import shop
from penchant import recipe, runs
from penchant.bundle.bundle import open_bundle
from penchant.config import RunConfig
from penchant.data.dataset import Dataset
from penchant.errors import ConfigError, DataError
from penchant.models.recommender import Solved
from penchant.workbench import Workbench, metric_k


@pytest.fixture
def run(tmp_path):
    return RunConfig.load(shop.stock(tmp_path / "shop"))


def weights(folder):
    return open_bundle(folder).pipeline.model.state()


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def mirrored(run):
    """The same shop, but every event of the test part is of item 1, which training knows anyway."""
    path = run.base / "events.csv"
    events = pl.read_csv(path)
    last = pl.col("when") == pl.col("when").max().over("user")
    events.with_columns(item=pl.when(last).then(1).otherwise("item")).write_csv(path)


@pytest.mark.parametrize("refit", [False, True])
def test_the_test_part_changes_no_measured_weight(run, tmp_path, refit):
    first = recipe.train(run, tmp_path / "a", refit=refit)
    mirrored(run)
    second = recipe.train(run, tmp_path / "b", refit=refit)
    for name in ("sasrec", "popularity"):
        one, other = (weights(runs.RunFolder(outcome.folder).measured(name)) for outcome in (first, second))
        assert same(one, other)
    assert not same(weights(first.bundle), weights(second.bundle))


def test_what_is_served_says_what_it_learned_from(run, tmp_path):
    outcome = recipe.train(run, tmp_path / "a")
    served, measured = open_bundle(outcome.bundle), open_bundle(runs.RunFolder(outcome.folder).measured("sasrec"))
    assert served.manifest.learned_from.startswith("all events, test included (240 events, ")
    assert measured.manifest.learned_from.startswith("train (180 events, ")
    assert (served.events.height, measured.events.height) == (240, 210)
    assert served.manifest.metrics == measured.manifest.metrics
    assert served.manifest.metrics["ndcg@5"] == pytest.approx(outcome.report.results[0].measures["ndcg@5"].mean)
    kept = recipe.train(run, tmp_path / "b", serve_on="measured")
    assert open_bundle(kept.bundle).manifest.learned_from.startswith("train (")
    assert same(weights(kept.bundle), weights(runs.RunFolder(kept.folder).measured("sasrec")))
    assert open_bundle(kept.bundle).events.height == 240


def test_a_refit_takes_exactly_the_chosen_steps(run, tmp_path):
    data = recipe.ingest(run, tmp_path)
    plain = recipe.fit(run, data)
    told = []
    again = recipe.fit(run, data, refit=True, tell=told.append)
    assert plain["sasrec"].steps == again["sasrec"].steps
    assert plain["popularity"].steps is again["popularity"].steps is None
    assert again["sasrec"].learned_from == f"train and validation (210 events, {plain['sasrec'].steps} steps)"
    assert told == ["Fitting sasrec", "Refitting sasrec on train and validation", "Fitting popularity"]
    report = recipe.evaluate_models(run, data, again)
    assert "Models learned from train and validation, and were asked knowing" in report.protocol


def test_a_run_is_measured_again_to_the_same_numbers(run, tmp_path):
    outcome = recipe.train(run, tmp_path)
    again = recipe.evaluate_run(runs.RunFolder(outcome.folder))
    for one, other in zip(outcome.report.results, again.results, strict=True):
        assert (one.model, one.kind) == (other.model, other.kind)
        for name, measure in one.measures.items():
            assert measure.mean == pytest.approx(other.measures[name].mean)
    assert again.protocol == outcome.report.protocol
    assert (outcome.folder / "report.html").stat().st_size > 1000


def test_the_stage_in_which_a_run_stops_does_not_matter(run, tmp_path, monkeypatch):
    whole = recipe.train(run, tmp_path / "whole", refit=True, seed=5)

    def stop(*_, **__):
        raise KeyboardInterrupt

    for stage in ("fit", "evaluate_models", "make_bundle"):
        artefacts = tmp_path / stage
        with monkeypatch.context() as patched:
            patched.setattr(recipe, stage, stop)
            with pytest.raises(KeyboardInterrupt):
                recipe.train(run, artefacts, refit=True, seed=5)
        gone_on = recipe.train(run, artefacts, resume=True)
        assert same(weights(gone_on.bundle), weights(whole.bundle))
        assert runs.RunFolder(gone_on.folder).state.finished
        assert len(runs.all_runs(artefacts)) == 1
        assert gone_on.report.results[0].measures == whole.report.results[0].measures


def test_clean_tables_are_kept_once(run, tmp_path):
    first, second = recipe.ingest(run, tmp_path), recipe.ingest(run, str(tmp_path))
    assert first.folder == second.folder == next((tmp_path / "datasets").iterdir())
    assert {path.name for path in first.folder.iterdir()} == {
        "schema.json", "events.parquet", "items.parquet", "users.parquet", "quarantine.parquet", "report.json",
    }  # fmt: skip
    assert Dataset.open(first.folder).events.equals(first.dataset.events)
    assert recipe.reopen(run, first.folder).split.test.equals(first.split.test)


def test_without_a_test_part_there_is_nothing_to_evaluate_on(run, tmp_path):
    text = run.text.replace('kind = "leave_last_out"', 'kind = "time"\ntest = 0')
    data = recipe.ingest(changed := RunConfig.parse(text, run.path), tmp_path)
    with pytest.raises(DataError, match=r"run\.toml \[data\.split\]: the test part is empty"):
        recipe.evaluate_models(changed, data, recipe.fit(changed, data))


def test_the_space_of_a_workbench_knows_only_its_events(run, tmp_path):
    data = recipe.ingest(run, tmp_path)
    few = data.split.train.head(20)
    bench = Workbench.prepare(run, data.dataset, few)
    assert set(bench.space.item_ids.values) == set(few["item_id"])
    assert len(bench.users) == few["user_id"].n_unique()
    assert len(bench.users.catalogue) == few["item_id"].n_unique()
    assert len(bench.catalogue()) == data.dataset.items.height
    assert isinstance(bench.make(run.models["popularity"]), Solved)


def test_a_metric_that_is_none_is_refused_before_any_work(run, tmp_path):
    assert metric_k("recall@20", Path("run.toml")) == 20
    for wrong in ("ndcg", "ndcg@0", "ndgc@10", "ndcg@ten", "ndcg@100000"):
        with pytest.raises(ConfigError, match=rf'run\.toml \[train\]: metric = "{wrong}" is none'):
            metric_k(wrong, Path("run.toml"))
    text = run.text.replace('metric = "ndcg@5"', 'metric = "ndgc@5"')
    with pytest.raises(ConfigError, match="ndgc@5"):
        recipe.train(RunConfig.parse(text, run.path), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_events_in_parts_are_the_same_data_set(run, tmp_path, monkeypatch):
    whole = recipe.ingest(run, tmp_path / "a")
    monkeypatch.setattr("penchant.data.ingest._IN_MEMORY_BYTES", 2000)
    parts = recipe.ingest(run, tmp_path / "b")
    assert (whole.folder / "events.parquet").exists()
    assert len(list((parts.folder / "events").glob("part-*.parquet"))) > 2
    assert parts.folder.name == whole.folder.name
    for data in (parts, recipe.reopen(run, parts.folder)):
        assert data.split.train.equals(whole.split.train)
        assert data.split.test.equals(whole.split.test)
        assert data.everything.equals(whole.everything)
        assert data.report == whole.report
