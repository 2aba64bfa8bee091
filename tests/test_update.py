# SPDX-License-Identifier: Apache-2.0
"""Learning on from the log: better bundles are served, others are not, and no event counts twice."""

import polars as pl
import pytest
import torch

import worlds
from penchant import runs
from penchant.bundle import current
from penchant.bundle.bundle import find, open_bundle, write_bundle
from penchant.config import RunConfig
from penchant.errors import ConfigError, DataError
from penchant.features import growing
from penchant.features.space import FeatureSpace
from penchant.recommend.pipeline import Pipeline
from penchant.schema import Column, Kind
from penchant.serve.eventlog import EventLog
from penchant.serve.eventtable import Event
from penchant.serve.service import Service
from penchant.serve.wire import ItemBody, NewEvent, UserBody
from penchant.train.fit import fit, make
from penchant.update import UpdateConfig, carry, update

RUN = """
[data]
name = "w"
[data.events]
path = "events.csv"
time = "time"
[model]
kind = "{kind}"
[train]
epochs = 2
metric = "recall@5"
learning_rate = 0.01
warmup_steps = 0
"""
NEW = 9000


def begin(artefacts, kind="ease", choices=None):
    """A trained bundle, and the run that made it."""
    data = worlds.checkerboard()
    schema = worlds.replace_struct(data.schema, items={"genre": Column(kind=Kind.CATEGORY)})
    data = worlds.Dataset(name="w", schema=schema, events=data.events, items=data.items, users=data.users)
    space = FeatureSpace.fit(data, data.events)
    shown = space.catalogue(data.items)
    model = make(kind, choices or {}, space.sizes)
    fit(
        model,
        space.training_users(data.events["user_id"].unique().sort(), data.events, shown, data.users),
        worlds.QUICK,
    )
    place = write_bundle(
        artefacts / "bundles",
        Pipeline(model, space, shown),
        name="w",
        kind=kind,
        users=data.users,
        events=data.events,
    )
    run = RunConfig.parse(RUN.format(kind=kind), artefacts / "run.toml")
    state = runs.RunState(id="one", source="run.toml", dataset="w", bundle=place.name, finished=True)
    runs.RunFolder.create(artefacts, run, state)
    return data, place


@pytest.fixture
def log(tmp_path):
    log = EventLog(f"sqlite:///{tmp_path / 'events.db'}")
    yield log
    log.close()


def fashion(log, items, n=40, start=0, users=range(2000, 3000)):
    """From now on people do the one after the other of these items; each comes once, in a random order."""
    order = torch.Generator().manual_seed(start)
    events, time = [], worlds.START * 2 + start * worlds.MINUTE
    for user in list(users)[start : start + n]:
        for at in torch.randperm(len(items), generator=order).tolist():
            time += worlds.MINUTE
            events.append(Event(user_id=user, item_id=items[at], time=time, type="view"))
    log.append(events)
    return events


def done(service, user):
    return [one.item_id for one in service.history(user, 99)]


def test_what_is_better_is_served_and_no_event_counts_twice(tmp_path, log):
    _, old = begin(tmp_path)
    service = Service(open_bundle(old), log)
    service.put_item(NEW, ItemBody(features={"genre": "space"}))
    service.put_user(2000, UserBody(features={"age": 33}))
    service.record([NewEvent(user_id="ann", item_id=500), NewEvent(user_id=7, item_id=12345)])
    events = fashion(log, [500, 501, 502, NEW])
    said = []
    found = update(tmp_path, log, UpdateConfig(least=20), tell=said.append)
    assert len(said) == 3
    assert found.difference.mean > 0.1
    assert found.difference.p < 0.05
    assert found.after == pytest.approx(found.before + found.difference.mean)
    assert found.bundle == find(tmp_path / "bundles") != old
    assert current.named(tmp_path / "bundles", "PREVIOUS") == old.name
    bundle = open_bundle(found.bundle)
    assert bundle.manifest.parent == old.name
    assert bundle.manifest.log.events == log.last
    assert bundle.events.height == open_bundle(old).events.height + len(events)
    assert bundle.users.filter(user_id=2000)["age"].to_list() == [33.0]
    # The same is known as before: strangers, and items that came to nobody's knowledge yet, included.
    again = Service(bundle, log)
    for user in (100, 2000, 2001, "ann", 7):
        assert again.user(user).events == service.user(user).events, user
        assert [one.item_id for one in again.history(user, 99)] == [
            one.item_id for one in service.history(user, 99)
        ]
    for one in (service, again):
        one.put_item(12345, ItemBody(features={}))
        one.follow()
        assert one.user(7).events == 1
    service.swap(found.bundle)
    assert service.user(2001).events == again.user(2001).events
    # With another log nothing of it is taken for known.
    other = EventLog(f"sqlite:///{tmp_path / 'other.db'}")
    other.append([Event(user_id=100, item_id=500, time=5)])
    assert Service(bundle, other).user(100).events == again.user(100).events + 1
    other.close()


def test_a_second_update_goes_on_from_the_first(tmp_path, log):
    begin(tmp_path)
    fashion(log, [500, 501, 502])
    first = update(tmp_path, log, UpdateConfig(least=20))
    with pytest.raises(DataError, match=r"holds 0 new events .* at least 20 are needed"):
        update(tmp_path, log, UpdateConfig(least=20))
    log.append([Event(user_id=1, item_id=500, time=worlds.START)])
    fashion(log, [503, 504, 505], start=100)
    second = update(tmp_path, log, UpdateConfig(least=20))
    assert second.bundle is not None
    assert second.events == 121
    manifest = open_bundle(second.bundle).manifest
    assert manifest.parent == first.bundle.name
    assert manifest.log.events == log.last == 241
    assert current.roll_back(tmp_path / "bundles") == first.bundle.name


def test_what_is_no_better_is_not_served(tmp_path, log):
    data, old = begin(tmp_path, kind="popularity")
    counts = data.events["item_id"].value_counts(sort=True)["item_id"].to_list()
    time = worlds.START * 2
    # A craze for one item, and then everybody does what was popular before: who learned the craze foretells less.
    log.append([Event(user_id=3000 + n, item_id=counts[-1], time=time + n) for n in range(48)])
    log.append([Event(user_id=4000 + n, item_id=counts[n % 5], time=time + 99 + n) for n in range(12)])
    found = update(tmp_path, log, UpdateConfig(least=20))
    assert found.difference.mean <= 0
    assert found.bundle is None
    assert find(tmp_path / "bundles") == old
    assert [path.name for path in (tmp_path / "bundles").iterdir() if path.is_dir()] == [old.name]


def test_a_learned_model_keeps_what_it_knows_of_whom_nothing_is_new(tmp_path, log):
    data, old = begin(tmp_path, kind="two_tower", choices={"embedding_size": 8})
    fashion(log, [500, 501, 502, 503])
    found = update(tmp_path, log, UpdateConfig(least=20, epochs=6))
    before = open_bundle(old).pipeline
    longer = growing.grown(before.space, data.events)
    assert longer.item_ids.values.equals(before.space.item_ids.values)
    if found.bundle is not None:
        after = open_bundle(found.bundle).pipeline
        assert after.space.user_ids.values.head(60).equals(before.space.user_ids.values)
        assert after.space.user_ids.index(2000) == 62
    assert found.after > found.before


@pytest.mark.parametrize("kind", ["lightgcn", "blend"])
def test_whoever_did_nothing_since_is_still_part_of_what_answers(kind, tmp_path, log):
    data, old = begin(tmp_path, kind=kind, choices=worlds.SMALL.get(kind))
    events = fashion(log, [500, 501, 502, 503])
    found = update(tmp_path, log, UpdateConfig(least=20, epochs=6))
    assert found.bundle is not None
    state = open_bundle(found.bundle).pipeline.model.state()
    if kind == "lightgcn":
        # Each pair of user and item is an edge: those of before, and the new ones.
        assert len(state["columns"]) == data.events.n_unique(["user_id", "item_id"]) + len(events)
    else:
        before = open_bundle(old).pipeline.model.state()["solved.item_knn_2.values"]
        assert len(state["solved.item_knn_2.values"]) >= len(before)


def test_rows_are_carried_and_new_ones_stay():
    class Model:
        def named_parameters(self):
            return {name: tensor for name, tensor in self.state().items() if name != "made"}.items()

        def state(self):
            return {
                "items": torch.zeros(4, 2),
                "wide": torch.zeros(2, 5),
                "scale": torch.zeros(()),
                "new": torch.ones(1),
                "made": torch.zeros(3),
            }

        def load_state(self, state):
            self.loaded = state

    model = Model()
    carry(
        {
            "items": torch.ones(3, 2),
            "wide": torch.ones(2, 4),
            "scale": torch.ones(()),
            "gone": torch.ones(1),
            "made": torch.ones(2),
        },
        model,
    )
    assert model.loaded["items"].tolist() == [[1, 1], [1, 1], [1, 1], [0, 0]]
    assert model.loaded["wide"].sum() == 0
    assert model.loaded["scale"] == 1
    assert model.loaded["made"].sum() == 0
    assert model.loaded.keys() == model.state().keys()


def test_a_bundle_of_no_run_that_is_here_is_named(tmp_path, log):
    _, old = begin(tmp_path)
    for path in (tmp_path / "runs" / "one").iterdir():
        path.unlink()
    fashion(log, [500, 501, 502])
    with pytest.raises(ConfigError, match=rf"holds no run that made {old.name}"):
        update(tmp_path, log, UpdateConfig(least=20))


def test_vocabularies_grow_at_their_end():
    from penchant.features.vocabulary import Vocabulary

    known = Vocabulary(pl.Series(["b", "d"]))
    grown = known.grown(pl.Series(["c", "d", None, "a"]))
    assert grown.values.to_list() == ["b", "d", "a", "c"]
    assert [grown.index(word) for word in "bdac"] == [2, 3, 4, 5]
