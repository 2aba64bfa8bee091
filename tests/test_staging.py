# SPDX-License-Identifier: Apache-2.0
"""The second stage from end to end: what it learns, that offline is live, that it sees nothing of the future."""

from __future__ import annotations

import json

import polars as pl
import pytest
import torch

import staged
from penchant import recipe, runs
from penchant.bundle.bundle import open_bundle
from penchant.config import RunConfig
from penchant.errors import BundleError, ConfigError, DataError
from penchant.features.live import LiveSignals
from penchant.features.signals import in_log_order
from penchant.rank.config import RankConfig
from penchant.rank.heads import Level
from penchant.rank.tasks import TaskConfig
from penchant.recommend.asking import Asking, moments
from penchant.recommend.pipeline import Pipeline
from penchant.recommend.ranking import Allowed, Source
from penchant.schema import ITEM, TIME, USER
from penchant.serve.eventlog import EventLog
from penchant.serve.service import Service
from penchant.serve.sessions import Sessions
from penchant.serve.wire import HistoryEvent, ItemBody, NewEvent
from penchant.staging import judge
from penchant.workbench import Workbench


@pytest.fixture(scope="module", params=[False, True], ids=["found", "shown"])
def made(request, tmp_path_factory):
    return staged.fitted(tmp_path_factory.mktemp("staged"), shown=request.param)


def pipeline(made):
    return made[2]["item_knn"].pipeline


def everyone(made, events=None):
    data, one = made[1], pipeline(made)
    known = data.split.train if events is None else events
    ids = pl.Series(USER, sorted(known[USER].unique()))
    return one.space.users(ids, known, one.catalogue, data.dataset.users)


def test_what_is_foretold_is_what_was_planted(made):
    one, users = pipeline(made), everyone(made)
    cases = one.second.candidates(one, users, Allowed(exclude_seen=False))
    said = one.second.foretell(cases)
    items = one.catalogue.ids.gather(cases.rows.numpy()).to_numpy() - 1
    own = torch.from_numpy((items % 3) == ((users.ids[cases.owners].numpy() - 2) % 3))
    odd = torch.from_numpy(items % 2 == 1)
    assert said["click"][own].mean() > 1.5 * said["click"][~own].mean()
    assert (said["buy"] <= said["click"]).double().mean() > 0.95
    assert said["buy"][own & odd].mean() > said["buy"][own & ~odd].mean()
    assert 2 < said["spent"].mean() < 6
    measured = one.second.measured
    assert measured["click"]["auc"] > 0.6
    assert measured["click"]["ece"] < 0.1
    assert measured["spent"].keys() == {"mae", "mae_of_mean"}


def test_scores_are_the_formula_of_candidates_and_nothing_else_is_given(made):
    one, users = pipeline(made), everyone(made).select(torch.arange(5))
    second = one.second
    cases = second.candidates(one, users, Allowed(exclude_seen=False))
    said = second.foretell(cases)
    price = one.catalogue.frame["price"].fill_null(one.catalogue.frame["price"].mean())
    worth = torch.log1p(torch.tensor(price.to_numpy())[cases.rows])
    wanted = torch.full((5, len(one.catalogue)), -torch.inf)
    wanted[cases.owners, cases.rows] = (0.2 * said["click"].double() + said["buy"].double() * worth).float()
    ranked = one.recommend(users, 500, exclude_seen=False)
    for row, scores in zip(ranked.rows, ranked.scores, strict=True):
        there = row >= 0
        assert there.sum() <= 35
        assert (scores[there].diff() <= 0).all()
    found = torch.full_like(wanted, -torch.inf)
    there = ranked.rows >= 0
    owners = torch.arange(5)[:, None].expand_as(ranked.rows)
    found[owners[there], ranked.rows[there]] = ranked.scores[there]
    assert torch.allclose(found, wanted)


def test_filters_are_asked_before_candidates_are_looked_for(made):
    one, users = pipeline(made), everyone(made).select(torch.arange(3))
    rows = one.recommend(users, 3).rows
    within = torch.tensor([0, 1, 2, 3, 4, 5])
    assert torch.isin(one.recommend(users, 6, within=within, exclude_seen=False).rows, within).all()
    again = one.recommend(users, 3, exclude=rows[0]).rows
    assert not torch.isin(again, rows[0]).any()


def test_nothing_hangs_on_who_else_is_asked(made):
    one, users = pipeline(made), everyone(made)
    together = one.recommend(users, 5)
    for place in (0, 17):
        alone = one.recommend(users.select(torch.tensor([place])), 5)
        assert torch.equal(alone.rows[0], together.rows[place])
        assert torch.allclose(alone.scores[0], together.scores[place], atol=1e-5)


def asked(made, events):
    """All cases of a run, had these been its events."""
    run, data, _ = made
    config = run.read(RankConfig, "rank")
    bench = Workbench.prepare(run, data.dataset, events)
    starts = moments(in_log_order(events)[TIME].to_numpy(), config)
    early = bench.before(events.head(starts[0]))
    then = early.catalogue()
    sources = [
        Source(Pipeline(early.fit(run.model)[0], early.space, then), "item_knn", 10),
    ]
    asking = Asking(
        sources=sources, space=early.space, catalogue=then, events=events, profiles=data.dataset.users,
        config=config, allowed=Allowed(exclude_seen=False),
    )  # fmt: skip
    return starts, list(asking.cases(starts))


def test_what_comes_later_is_in_no_earlier_case(made):
    """Every event from a moment on is of another item now: what was asked before that moment is as it was."""
    events = made[1].split.train
    starts, cases = asked(made, events)
    middle = starts[3]
    late = events.slice(middle).with_columns((pl.col(ITEM) % staged.ITEMS + 1).alias(ITEM))
    other_starts, other = asked(made, pl.concat([events.head(middle), late]))
    assert starts == other_starts
    differ = False
    for (number, one), (_, two) in zip(cases, other, strict=False):
        if number < 3:
            assert torch.equal(one.users.history.rows, two.users.history.rows)
            assert torch.equal(one.rows, two.rows)
            assert torch.equal(one.standing, two.standing)
        else:
            differ |= not torch.equal(one.rows, two.rows)
            differ |= not torch.equal(one.labels.nan_to_num(), two.labels.nan_to_num())
    assert differ


def test_histories_in_cases_end_before_their_moment(made):
    events = made[1].split.train
    starts, cases = asked(made, events)
    times = in_log_order(events)[TIME].to_numpy()
    for number, one in cases:
        assert int(one.users.history.times.max()) < times[starts[number]]


def test_impressions_are_in_no_history_and_not_what_somebody_had(made):
    data = made[1]
    shown = data.dataset.schema.shown
    users = everyone(made)
    deeds = data.split.train.filter(~pl.col("type").is_in(list(shown)))
    assert len(users.history.rows) == deeds.height


def test_one_stage_is_measured_beside(made):
    run, data, fitted = made
    assert list(fitted) == ["item_knn", "item_knn-alone"]
    assert fitted["item_knn-alone"].pipeline.second is None
    report = recipe.evaluate_models(run, data, fitted)
    assert [one.model for one in report.results] == ["item_knn", "item_knn-alone"]
    assert report.results[0].measures["ndcg@5"].mean > 0


@pytest.fixture
def served(made, tmp_path):
    run, data, fitted = made
    folder = recipe.make_bundle(run, data, fitted["item_knn"], tmp_path / "bundles", serve_on="measured")
    log = EventLog(f"sqlite:///{tmp_path / 'events.db'}")
    yield made, folder, log
    log.close()


def test_through_a_bundle_and_live(served):
    made, folder, log = served
    bundle = open_bundle(folder)
    events = made[1].everything
    users = everyone(made, events)
    first, again = pipeline(made).recommend(users, 5), bundle.pipeline.recommend(users, 5)
    assert torch.equal(first.rows, again.rows)
    assert torch.equal(first.scores, again.scores)
    assert bundle.pipeline.second.measured == pipeline(made).second.measured
    card = (folder / "card.md").read_text()
    assert "popularity (10), content_knn (5, new items only)" in card
    assert "`0.2*click + buy*log1p(price)` is the score" in card
    assert "| click | auc | 0." in card
    service = Service(bundle, log)
    ids = bundle.pipeline.catalogue.ids.to_list()
    for place, user in enumerate(sorted(events[USER].unique())[:6]):
        said = service.recommend(user, k=5)
        assert [one.item_id for one in said.items] == [ids[row] for row in first.rows[place].tolist() if row >= 0]
        assert [one.score for one in said.items] == pytest.approx(first.scores[place].tolist(), rel=1e-4)


def test_a_click_changes_the_answer_and_an_impression_does_not(served):
    _, folder, log = served
    service = Service(open_bundle(folder), log)

    def answer():
        return [(one.item_id, one.score) for one in service.recommend("nobody", k=5).items]

    before = answer()
    service.record([NewEvent(user_id="nobody", item_id=7, type="seen")])
    assert answer() == before
    told = service.recommend_for([HistoryEvent(item_id=7, type="seen")], k=5).items
    assert [(one.item_id, one.score) for one in told] == before
    service.record([NewEvent(user_id="nobody", item_id=7, type="click")])
    assert answer() != before


def test_an_item_that_is_added_live_can_be_found(served):
    _, folder, log = served
    service = Service(open_bundle(folder), log)
    for number in range(900, 903):
        service.put_item(number, ItemBody(features={"group": "g1", "price": 9.0}))
    service.record([NewEvent(user_id="somebody", item_id=item, type="click") for item in (2, 5, 8)])
    given = {one.item_id for one in service.recommend("somebody", k=40).items}
    assert given & {900, 901, 902}
    service.withdraw_item(901)
    assert 901 not in {one.item_id for one in service.recommend("somebody", k=40).items}


def test_a_second_stage_that_was_changed_is_not_served(served):
    folder = served[1]
    from penchant.artefact import sha256

    state = json.loads((folder / "rank.json").read_text())
    state["config"]["score"] = "buy"
    (folder / "rank.json").write_text(json.dumps(state))
    with pytest.raises(BundleError, match=r"rank\.json"):
        open_bundle(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["rank.json"] = sha256(folder / "rank.json")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="golden"):
        open_bundle(folder)
    state["readings"] = state["readings"][:1]
    (folder / "rank.json").write_text(json.dumps(state))
    manifest["files"]["rank.json"] = sha256(folder / "rank.json")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="cannot be opened"):
        open_bundle(folder)


def test_a_whole_run_and_again(tmp_path):
    choices = "experts = 'ple'\nuse_ids = true\nbalance = 'uncertainty'"
    run = RunConfig.load(staged.stock(tmp_path / "shop", rank=choices, epochs=1))
    told = []
    outcome = recipe.train(run, tmp_path / "artefacts", refit=True, tell=told.append)
    assert any(line.startswith("Ranker, click: auc") for line in told)
    bundle = open_bundle(outcome.bundle)
    assert bundle.pipeline.second is not None
    assert bundle.manifest.learned_from.startswith("all events")
    again = recipe.evaluate_run(runs.RunFolder(outcome.folder))
    for one, other in zip(outcome.report.results, again.results, strict=True):
        assert one.model == other.model
        assert one.measures["ndcg@5"].mean == pytest.approx(other.measures["ndcg@5"].mean)


def test_the_same_seed_makes_the_same_stage(tmp_path):
    first, second = (
        staged.fitted(tmp_path / name, epochs=1)[2]["item_knn"].pipeline.second for name in ("a", "b")
    )
    one, other = first.ranker.state(), second.ranker.state()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert first.readings == second.readings


@pytest.mark.parametrize(
    ("rank", "said"),
    [
        ("[[rank.tasks]]\nname = 'x'\ntypes = ['clck']", "no event is a 'clck'.*click"),
        ("[[rank.tasks]]\nname = 'x'\nkind = 'regression'\nof = 'dwell'", "have no dwell"),
    ],
)
def test_what_the_data_do_not_have_is_named_before_any_work(tmp_path, rank, said):
    run = RunConfig.load(staged.stock(tmp_path, extra=rank))
    with pytest.raises(ConfigError, match=said):
        recipe.ingest(run, tmp_path / "artefacts")


def test_an_unknown_name_in_the_formula_is_named_before_any_work(tmp_path):
    path = staged.stock(tmp_path)
    path.write_text(path.read_text().replace("log1p(price)", "log1p(prize)"))
    with pytest.raises(ConfigError, match=r"run.toml \[rank\].*'prize'.*did you mean 'price'"):
        recipe.ingest(RunConfig.load(path), tmp_path / "artefacts")


def test_too_few_times_and_nothing_that_came():
    with pytest.raises(DataError, match="too few different times"):
        moments(pl.Series([5] * 20).to_numpy(), RankConfig())
    with pytest.raises(DataError, match="too few different times"):
        moments(pl.Series([], dtype=pl.Int64).to_numpy(), RankConfig())
    found = moments(pl.Series([0, 1, 1, 1, 1, 2, 3, 4, 5, 5]).to_numpy(), RankConfig(slice=0.5, moments=5))
    assert found == [5, 6, 7, 8]


def test_signals_and_users_at_a_moment_are_what_the_service_would_have_seen(tmp_path):
    path = staged.stock(tmp_path / "shop", rank="questions = 10", extra="\n[features]\naggregates = true\n")
    run = RunConfig.load(path)
    data = recipe.ingest(run, tmp_path / "artefacts")
    events = data.split.train
    bench = Workbench.prepare(run, data.dataset, events)
    config = run.read(RankConfig, "rank")
    starts = moments(events[TIME].to_numpy(), config)
    early = bench.before(events.head(starts[0]))
    then = early.catalogue()
    source = Source(Pipeline(early.fit(run.model)[0], early.space, then), "item_knn", 10)
    asking = Asking(
        sources=[source], space=early.space, catalogue=then, events=events, profiles=data.dataset.users,
        config=config, allowed=Allowed(),
    )  # fmt: skip
    cases = dict(asking.cases(starts))
    assert cases.keys() == set(range(len(starts)))
    for number, one in cases.items():
        assert len(one.users) == 10
        known = events.head(starts[number])
        live = LiveSignals.after(early.space.signals, then, known)
        assert torch.equal(one.users.catalogue.signals, live.items(live.clock))
        sessions = Sessions(early.space, then, known, data.dataset.users)
        for place, index in enumerate(one.users.ids.tolist()):
            user = early.space.user_ids.values[index - 2]
            asked_live = sessions.user(user)
            assert torch.equal(asked_live.signals[0], one.users.signals[place])
            own = one.users.history.select(torch.tensor([place]))
            assert torch.equal(own.rows, asked_live.history.rows[-config.history_length :])


def test_a_task_that_cannot_be_judged_says_nothing():
    tasks = (TaskConfig(name="never"), TaskConfig(name="spent", kind="regression", of="amount"))
    said, came = torch.randn(6, 2), torch.tensor([[0.0, float("nan")]] * 6)
    assert judge(RankConfig(tasks=tasks), (Level(), Level()), said, came) == {"never": {}, "spent": {}}


def test_nothing_that_comes_of_any_case_is_said(tmp_path):
    path = staged.stock(tmp_path)
    path.write_text(path.read_text().replace('types = ["click"]', 'types = ["buy"]'))
    everything = pl.read_csv(tmp_path / "events.csv")
    early = pl.col("time") <= everything["time"].quantile(0.3)
    everything.filter(early | (pl.col("type") != "buy")).write_csv(tmp_path / "events.csv")
    run = RunConfig.load(path)
    with pytest.raises(DataError, match=r"nothing came of any of the .* cases to learn from"):
        recipe.fit(run, recipe.ingest(run, tmp_path / "artefacts"))
