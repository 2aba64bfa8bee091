# SPDX-License-Identifier: Apache-2.0
"""The service without HTTP: what survives a restart and a swap, and the answer equals the pipeline's own."""

import json
import shutil
import threading

import msgspec
import polars as pl
import pytest

import films
from penchant.bundle.bundle import open_bundle
from penchant.errors import BundleError
from penchant.serve.eventlog import EventLog
from penchant.serve.eventtable import Event
from penchant.serve.service import Service
from penchant.serve.wire import HistoryEvent, NewEvent
from serve.conftest import BOTH

DATABASES = BOTH


@pytest.fixture(scope="session")
def other_bundle(tmp_path_factory):
    return films.write(tmp_path_factory.mktemp("bundles"), films.dataset(seed=4), kind="popularity")


def shown(answer):
    return [(item.item_id, item.score) for item in answer.items]


def test_the_live_answer_is_the_pipelines(service, bundle_folder):
    bundle = open_bundle(bundle_folder)
    pipeline = bundle.pipeline
    batch = pipeline.space.users(pl.Series("user_id", [5]), bundle.events, pipeline.catalogue, bundle.users)
    ranked = pipeline.recommend(batch, 10)
    ids = pipeline.catalogue.ids.gather(ranked.rows[0].tolist()).to_list()
    assert shown(service.recommend(5)) == list(zip(ids, ranked.scores[0].tolist(), strict=True))


def test_a_restart_answers_as_before(service, bundle_folder, log):
    users = [5, 999, "不认识"]
    for user in users:
        service.record([NewEvent(user_id=user, item_id=item) for item in (9, 27, 10**6)])
    again = Service(open_bundle(bundle_folder), log)
    for user in users:
        assert shown(again.recommend(user)) == shown(service.recommend(user))
        assert again.recommend(user).known
    assert again.ready() == service.ready()


def test_a_swap_keeps_what_happened(service, bundle_folder, other_bundle):
    before = service.ready().bundle
    service.record([NewEvent(user_id="ann", item_id=9)])
    live = service.recommend("ann")
    service.swap(other_bundle)
    assert service.ready().model == "popularity"
    assert {item.reason.text for item in service.recommend("ann").items} == {"Popular now"}
    assert 9 not in [item.item_id for item in service.recommend("ann", 72).items]
    assert service.similar(9).items == []
    service.swap(bundle_folder)
    assert service.ready().bundle == before
    assert service.recommend("ann") == live


def spoil_nothing(folder):
    (folder / "manifest.json").unlink()


def spoil_weights(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-8])


def spoil_format(folder):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))


def spoil_magic(folder):
    (folder / "manifest.json").write_text('{"magic": "something else"}')


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_nothing, "holds no bundle"),
        (spoil_weights, "model.safetensors is damaged"),
        (spoil_format, "format 99"),
        (spoil_magic, "not a Penchant bundle"),
    ],
)
def test_a_bad_bundle_is_refused_and_the_running_one_stays(service, other_bundle, tmp_path, spoil, message):
    before, answer = service.ready(), service.recommend(5)
    bad = tmp_path / "bad"
    shutil.copytree(other_bundle, bad)
    spoil(bad)
    with pytest.raises(BundleError, match=message):
        service.swap(bad)
    assert service.ready() == before
    assert service.recommend(5) == answer
    service.record([NewEvent(user_id=5, item_id=9)])
    assert service.recommend(5) != answer


def test_no_event_is_lost_or_doubled_by_swaps_under_load(service, bundle_folder, other_bundle):
    stop = threading.Event()
    counts = dict.fromkeys(("u1", "u2", "u3"), 0)

    def post(user):
        while not stop.is_set():
            service.record([NewEvent(user_id=user, item_id=counts[user] % 72 + 1)])
            counts[user] += 1

    threads = [threading.Thread(target=post, args=(user,)) for user in counts]
    for thread in threads:
        thread.start()
    for folder in (other_bundle, bundle_folder, other_bundle):
        service.swap(folder)
    stop.set()
    for thread in threads:
        thread.join()
    for user, count in counts.items():
        assert count > 0
        history = service.history(user, 10**6)
        assert [card.item_id for card in history] == [n % 72 + 1 for n in reversed(range(count))]


def test_events_of_another_process_in_the_log_are_known_after_a_swap(service, bundle_folder, log, tmp_path):
    other = EventLog(log.url)
    other.append([Event(user_id="elsewhere", item_id=9, time=5)])
    other.close()
    service.swap(bundle_folder)
    assert service.recommend("elsewhere").known


def test_all_seen_gives_an_empty_list(service):
    everything = [HistoryEvent(item_id=item) for item in range(1, 73)]
    assert service.recommend_for(everything).items == []
    assert len(service.recommend_for(everything, 72, exclude_seen=False).items) == 72


def test_history_is_newest_first_and_search_finds_titles(service):
    service.record([NewEvent(user_id="ann", item_id=item) for item in (9, 27)])
    assert [card.item_id for card in service.history("ann", 5)] == [27, 9]
    assert [card.item_id for card in service.history("ann", 1)] == [27]
    found = [card.title for card in service.search(" the ")]
    assert len(found) == 10
    assert all(title.startswith("The ") for title in found)
    assert [card.title for card in service.search("umbrellas")] == ["Two Umbrellas"]
    assert service.search("  ") == []
    assert service.search("(no such film") == []
    assert service.users()[-1] == "ann"


def test_answers_survive_json(service):
    answer = service.recommend(5)
    assert msgspec.json.decode(msgspec.json.encode(answer), type=type(answer)) == answer
