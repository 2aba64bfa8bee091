# SPDX-License-Identifier: Apache-2.0
"""What was shown is written down with its probability, and off-policy evaluation finds the truth in it."""

import numpy as np
import polars as pl
import pytest

import films
from inprocess import Client
from penchant.bundle.bundle import open_bundle
from penchant.evaluate.offpolicy.impressions import Columns
from penchant.evaluate.offpolicy.judging import judge
from penchant.recommend.explore import ExploreConfig
from penchant.serve import impressions
from penchant.serve.eventtable import Event
from penchant.serve.exporting import impressions as export
from penchant.serve.http import create_app
from penchant.serve.impressions import ImpressionError, ImpressionLog
from penchant.serve.impressiontable import Seen, Shown
from penchant.serve.offering import Offering
from penchant.serve.service import Service
from penchant.serve.wire import NewEvent
from serve.conftest import BOTH

DATABASES = BOTH
DAY = 86_400 * 10**6


@pytest.fixture(scope="session")
def popular(tmp_path_factory):
    return open_bundle(films.write(tmp_path_factory.mktemp("popular"), films.dataset(), kind="popularity"))


@pytest.fixture
def shown(log):
    shown = ImpressionLog(log.engine)
    yield shown
    shown.close()


class Clock:
    """Nanoseconds, ten more seconds at each look."""

    def __init__(self):
        self.time = 1_800_000_000 * 10**9

    def __call__(self):
        self.time += 10 * 10**9
        return self.time


@pytest.fixture
def service(popular, log, shown):
    offering = Offering(shown, ExploreConfig(epsilon=0.6, pool=9, last=1))
    return Service(popular, log, now=Clock(), offering=offering)


def test_a_list_is_written_down_with_what_made_it(service, shown, log, popular):
    answer = service.recommend(5, 3, request_id="r1")
    assert answer.request_id == "r1"
    assert answer == service.recommend(5, 3, request_id="r1")  # asked again, it is the same
    service.recommend(5, 3)  # from inside: nobody sees it
    service.recommend_for([], 2, request_id="r2")
    service.record([NewEvent(user_id=5, item_id=answer.items[1].item_id, value=2.5)])
    shown.flush()
    rows = export(log, window=DAY)
    assert rows["request_id"].to_list() == ["r1"] * 3 + ["r2"] * 2
    first = rows.filter(request_id="r1")
    assert first["item_id"].to_list() == [str(one.item_id) for one in answer.items]
    assert first["position"].to_list() == [1, 2, 3]
    assert first["user_id"].to_list() == ["5"] * 3
    assert first["bundle"].unique().to_list() == [popular.manifest.id]
    assert first["propensity"].to_list()[1:] == [1.0, 1.0]
    assert first["propensity"][0] == pytest.approx(0.46) or first["propensity"][0] == pytest.approx(0.06)
    assert first["click"].to_list() == [0, 1, 0]
    assert first["value"].to_list() == [0.0, 2.5, 0.0]
    assert rows.filter(request_id="r2")["user_id"].null_count() == 2


def test_exploring_depends_on_the_request_alone(service):
    lists = {n: service.recommend(5, 1, request_id=f"request {n}").items[0].item_id for n in range(40)}
    assert len(set(lists.values())) > 4
    assert lists == {n: service.recommend(5, 1, request_id=f"request {n}").items[0].item_id for n in lists}


def test_a_list_that_is_put_together_as_a_whole_does_not_explore(service, shown, log):
    wishes = {"pins": [{"item_id": 9, "rank": 1}]}
    with Client(create_app(service)) as client:
        for n in range(20):
            asked = {"user_id": 5, "k": 2, **wishes}
            answer = client.post("/v1/recommendations", json=asked, headers={"x-request-id": f"r{n}"})
            assert answer.json()["items"][0]["item_id"] == 9
    shown.flush()
    assert export(log, window=DAY)["propensity"].unique().to_list() == [1.0]


def test_what_was_seen_is_said_and_can_be_had_alone(service, shown, log):
    with Client(create_app(service)) as client:
        lists = {}
        for n in range(3):
            answer = client.get("/v1/users/5/recommendations?k=3", headers={"x-request-id": f"r{n}"}).json()
            assert answer["request_id"] == f"r{n}"
            lists[f"r{n}"] = [one["item_id"] for one in answer["items"]]
        said = {"impressions": [{"request_id": "r0"}, {"request_id": "r2", "items": lists["r2"][:1]}]}
        assert client.post("/v1/impressions", json=said).json() == {"accepted": 2}
        event = {"user_id": 5, "item_id": lists["r0"][1], "request_id": "r0"}
        assert client.post("/v1/events", json=event).status_code == 200
        for body, field in (
            ({"impressions": [{"request_id": ""}]}, "impressions[0].request_id"),
            ({"impressions": [{"request_id": "x" * 129}]}, "impressions[0].request_id"),
            ({"impressions": [{"request_id": "x", "items": [1] * 1001}]}, "impressions[0].items"),
            ({"impressions": [{"request_id": "x"}] * 10_001}, "impressions"),
            ({"impressions": 3}, "impressions"),
        ):
            refused = client.post("/v1/impressions", json=body)
            assert (refused.status_code, refused.json()["error"]["field"]) == (422, field)
    rows = export(log, window=DAY, confirmed=True)
    assert rows["request_id"].to_list() == ["r0"] * 3 + ["r2"]
    # The event names its list: though r2 was shown later, it is not its.
    assert rows.filter(pl.col("click") == 1).select("request_id", "item_id").rows() == [
        ("r0", str(lists["r0"][1]))
    ]


def test_where_nothing_is_written_down_that_is_said(popular, log):
    with Client(create_app(Service(popular, log))) as client:
        refused = client.post("/v1/impressions", json={"impressions": []})
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "unavailable")


def test_off_policy_evaluation_finds_the_truth(service, shown, log, tmp_path):
    """Who is shown an even item clicks: a policy that shows all ten alike earns the share of even ones."""
    pool, clicks = set(), []
    for n in range(500):
        item = service.recommend(f"u{n}", 1, request_id=f"r{n}").items[0].item_id
        pool.add(item)
        if item % 2 == 0:
            clicks.append(NewEvent(user_id=f"u{n}", item_id=item))
    service.record(clicks)
    shown.flush()
    truth = np.mean([item % 2 == 0 for item in pool])
    assert len(pool) == 10
    export(log, window=DAY).write_parquet(tmp_path / "shown.parquet")
    found = judge(tmp_path / "shown.parquet", Columns(), policy="uniform", resamples=200).result
    assert found.logged.mean != pytest.approx(truth, abs=0.05)  # the log itself would tell something else
    assert found.estimates["ips"].low < truth < found.estimates["ips"].high
    assert found.estimates["ips"].mean == pytest.approx(truth, abs=0.15)
    assert found.mean_weight.low < 1 < found.mean_weight.high


def test_an_event_counts_for_the_last_list_before_it_and_not_for_ever(shown, log):
    def at(second, **more):
        return Shown(
            request_id=f"at {second}", time=second * 10**6, user_id="ann", bundle="b", items=[1, 2], **more
        )

    for second in (10, 20, 500):
        shown.show(at(second))
    shown.flush()
    times = [(25, 1, "ann"), (26, 1, "ann"), (90, 2, "ann"), (25, 2, "bob"), (5, 1, "ann")]
    log.append(
        [Event(user_id=who, item_id=item, time=t * 10**6, value=1.0, type="view") for t, item, who in times]
    )
    rows = export(log, window=60 * 10**6)
    assert rows.filter(pl.col("click") == 1).select("request_id", "item_id", "value").rows() == [
        ("at 20", "1", 2.0)
    ]
    assert export(log, window=60 * 10**6, types=["buy"])["click"].sum() == 0
    assert export(log, window=60 * 10**6, since=100 * 10**6)["request_id"].unique().to_list() == ["at 500"]


def test_a_database_that_is_away_makes_lists_wait_and_then_counts_them(log, monkeypatch):
    monkeypatch.setattr(impressions, "MOST_WAITING", 3)
    shown = ImpressionLog(log.engine)
    with log.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE lists RENAME TO away")
    for n in range(5):
        shown.show(Shown(request_id=str(n), time=n, user_id=None, bundle="b", items=[1]))
    with pytest.raises(ImpressionError, match="cannot be written"):
        shown.confirm([Seen(request_id="0", time=1)]).result()
    assert (shown.written, shown.waiting, shown.dropped) == (0, 3, 2)
    with log.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO lists")
    shown.flush()
    assert (shown.written, shown.waiting) == (3, 0)
    with log.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE lists")
    shown.show(Shown(request_id="6", time=6, user_id=None, bundle="b", items=[1]))
    shown.close()
    shown.close()
    # Nobody waits for a writer that has ended.
    with pytest.raises(ImpressionError, match="not written any more"):
        shown.flush()
    shown.show(Shown(request_id="7", time=7, user_id=None, bundle="b", items=[1]))
    assert (shown.written, shown.dropped) == (3, 4)
