# SPDX-License-Identifier: Apache-2.0
"""Experiments: users are divided once and for all, answered by their variant, and compared honestly."""

import numpy as np
import pytest

import films
from inprocess import Client
from penchant.bundle import current
from penchant.bundle.bundle import open_bundle
from penchant.errors import BundleError, ConfigError
from penchant.serve import experiments
from penchant.serve.eventtable import Event
from penchant.serve.experiments import Experiment, Variant
from penchant.serve.http import create_app
from penchant.serve.impressions import ImpressionError, ImpressionLog
from penchant.serve.impressiontable import Shown
from penchant.serve.offering import Offering
from penchant.serve.results import results
from penchant.serve.service import Service
from penchant.serve.watching import Watch
from penchant.serve.wire import ItemBody, NewEvent
from serve.conftest import BOTH

DATABASES = BOTH
HOUR = 3_600 * 10**6


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    films.write(folder, films.dataset(), kind="popularity")
    films.write(folder, films.dataset(), kind="ease")
    return folder


@pytest.fixture
def folder(bundles, tmp_path):
    """The same bundles, and a file of experiments of its own."""
    for place in bundles.iterdir():
        (tmp_path / place.name).symlink_to(place) if place.is_dir() else None
    (tmp_path / "CURRENT").write_text((bundles / "CURRENT").read_text())
    (tmp_path / "PREVIOUS").write_text((bundles / "PREVIOUS").read_text())
    return tmp_path


def experiment(folder, share=0.5, **more):
    old, new = current.named(folder, "PREVIOUS"), current.named(folder)
    variants = (Variant(name="old", bundle=old, share=1 - share), Variant(name="new", bundle=new, share=share))
    return Experiment(**{"name": "trial", "variants": variants, "started": 0, "hours": 1.0, **more})


def test_users_are_divided_evenly_once_and_for_all(folder):
    trial = experiment(folder, share=0.25)
    parts = [trial.variant(n).name for n in range(8000)]
    assert parts.count("new") / 8000 == pytest.approx(0.25, abs=0.02)
    assert parts == [trial.variant(n).name for n in range(8000)]
    other = experiment(folder, share=0.25, name="other")
    both = [(a, other.variant(n).name) for n, a in enumerate(parts)]
    assert both.count(("new", "new")) / 8000 == pytest.approx(0.0625, abs=0.012)  # independent of each other
    assert [trial.variant(str(n)).name for n in range(8000)] != parts  # 7 and "7" are two users


def strange(share):
    return Variant(name="x", bundle="x", share=share)


def test_only_one_runs_and_it_must_make_sense(folder):
    trial = experiment(folder)
    experiments.start(folder, trial)
    assert experiments.running(experiments.read(folder)) == trial
    with pytest.raises(ConfigError, match="'trial' runs: end it first"):
        experiments.start(folder, experiment(folder, name="second"))
    ended = experiments.stop(folder, "trial", 5)
    assert ended.ended == 5
    assert experiments.running(experiments.read(folder)) is None
    for change, message in (
        ({}, "choose another name"),
        ({"name": "b", "variants": trial.variants[:1] * 2}, "Two variants have one name"),
        ({"name": "b", "variants": (trial.variants[0], Variant(name="x", bundle="x", share=0.6))}, "add up to 1"),
        (
            {"name": "b", "variants": (trial.variants[0], Variant(name="x", bundle="x", share=0.5))},
            "no bundle 'x'",
        ),
    ):
        with pytest.raises(ConfigError, match=message):
            experiments.start(folder, experiment(folder, **change))
    with pytest.raises(ConfigError, match="has ended already"):
        experiments.stop(folder, "trial", 6)
    with pytest.raises(ConfigError, match=r"no experiment 'trail' \(did you mean 'trial'"):
        experiments.stop(folder, "trail", 6)
    (folder / experiments.FILE).write_text("{")
    with pytest.raises(ConfigError, match="no file of experiments"):
        experiments.read(folder)


def test_each_user_is_answered_by_their_variant_which_knows_everything(folder, log):
    shown = ImpressionLog(log.engine)
    service = Service(open_bundle(folder), log, offering=Offering(shown, every=False))
    watch = Watch(service, folder)
    service.recommend(5, request_id="before")
    trial = experiment(folder)
    experiments.start(folder, trial)
    watch.look()
    service.put_item(9001, ItemBody(features={"title": "New", "genres": ["Comedy"]}))
    service.record([NewEvent(user_id=user, item_id=9) for user in range(1, 21)])
    for user in range(1, 21):
        answer = service.recommend(user, request_id=f"r{user}")
        assert answer.bundle == trial.variant(user).bundle
        assert 9 not in [one.item_id for one in answer.items]
    assert all(one.stock.view.pipeline.catalogue.row(9001) is not None for one in service._all())
    assert service.recommend_for([], request_id="h").bundle == current.named(folder)
    with Client(create_app(service)) as client:
        shown.flush()
        (card,) = client.get("/v1/experiments").json()["experiments"]
    # Not who asked before, nor whom only a history tells.
    assert sum(one["users"] for one in card["variants"]) == 20
    assert [one["name"] for one in card["variants"]] == ["old", "new"]
    assert card["compared"][0]["difference"] is None
    experiments.stop(folder, "trial", 1)
    watch.look()
    assert {service.recommend(user).bundle for user in range(1, 21)} == {current.named(folder)}
    shown.close()


def test_the_current_bundle_is_followed_and_a_bad_one_refused_once(folder, log):
    service = Service(open_bundle(folder), log)
    watch = Watch(service, folder)
    first = service.ready().bundle
    assert current.roll_back(folder) != first
    watch.look()
    second = service.ready().bundle
    assert second == current.named(folder) != first
    service.record([NewEvent(user_id="ann", item_id=9)])
    assert current.roll_back(folder) == first
    watch.look()
    assert service.ready().bundle == first
    assert service.recommend("ann").known
    bad = folder / "bad"
    bad.mkdir()
    (bad / "manifest.json").write_text("{}")
    current.point(folder, "bad")
    with pytest.raises(BundleError, match="not a Penchant bundle"):
        watch.look()
    watch.look()
    assert service.ready().bundle == first


def test_a_variant_that_cannot_answer_ends_the_experiment_here(folder, log):
    service = Service(open_bundle(folder), log)
    watch = Watch(service, folder)
    bad = folder / "bad"
    bad.mkdir()
    (bad / "manifest.json").write_text("{}")
    variants = (
        Variant(name="a", bundle=current.named(folder), share=0.5),
        Variant(name="b", bundle="bad", share=0.5),
    )
    experiments.start(folder, experiment(folder, variants=variants))
    with pytest.raises(BundleError):
        watch.look()
    watch.look()
    assert service.experiment is None


def world(log, shown, trial, lift, users=1500):
    """Users come one after the other; those of the new variant do more."""
    random = np.random.default_rng(0)
    events = []
    for user in range(users):
        variant = trial.variant(user)
        time = user * 10**6
        one = Shown(
            request_id=str(user), time=time, user_id=user, bundle=variant.bundle, items=[1],
            experiment=trial.name, variant=variant.name,
        )  # fmt: skip
        shown.show(one)
        shown.show(one)  # a second list is no second user
        if random.random() < 0.3 + lift * (variant.name == "new"):
            events += [Event(user_id=user, item_id=1, time=time + 5, type="buy")] * 2
        events.append(Event(user_id=user, item_id=1, time=time + 2 * HOUR, type="buy"))  # too late
        events.append(Event(user_id=user, item_id=1, time=time + 5, type="view"))  # of no account
    shown.flush()
    log.append(events)
    return users * 10**6 + HOUR


@pytest.mark.parametrize(("metric", "times"), [("conversion", 1), ("count", 2)])
def test_a_difference_is_found_with_its_size(folder, log, metric, times):
    shown = ImpressionLog(log.engine)
    trial = experiment(folder, types=("buy",), metric=metric)
    end = world(log, shown, trial, 0.2)
    card = results(log.engine, trial, end)
    assert sum(one.counted for one in card.variants) == sum(one.users for one in card.variants) == 1500
    (found,) = card.compared
    assert found.difference == pytest.approx(0.2 * times, abs=0.07 * times)
    assert 0 < found.low < found.high
    assert found.p < 0.05
    assert card.variants[0].low < 0.3 * times < card.variants[0].high
    early = results(log.engine, trial, HOUR + 200 * 10**6)
    assert sum(one.counted for one in early.variants) == 201
    assert early.compared[0].low is None or early.compared[0].low < 0.2 * times < early.compared[0].high
    shown.close()


def test_no_difference_is_found_where_there_is_none(folder, log):
    shown = ImpressionLog(log.engine)
    trial = experiment(folder, types=("buy",))
    end = world(log, shown, trial, 0.0)
    (found,) = results(log.engine, trial, end).compared
    assert found.low < 0 < found.high
    assert found.p > 0.05
    shown.close()
    with log.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE lists")
    with pytest.raises(ImpressionError, match="cannot be read"):
        results(log.engine, trial, end)
