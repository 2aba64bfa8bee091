# SPDX-License-Identifier: Apache-2.0
"""No skew: training events, replayed one by one through the live road, give the tensors that training saw.

Before each event the live session is asked for the user; its history must be, bit by bit, the part of the
training history that lies before that event. So a model is never asked anything that it was not trained on.
"""

from __future__ import annotations

from functools import cache

import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import beside
import worlds
from penchant.features import history
from penchant.features.beside import Beside
from penchant.features.live import LiveSignals
from penchant.features.signals import Signals
from penchant.features.space import FeatureConfig, FeatureSpace
from penchant.features.written import known_reviews
from penchant.schema import EVENT_COLUMNS, TIME, USER
from penchant.serve.sessions import Sessions

PARTS = ("rows", "actions", "times", "values")


@cache
def board():
    """A world trained on events with ties in time; some of the items are not in the catalogue any more."""
    data = worlds.checkerboard()
    tied = data.events.with_columns(pl.col(TIME) // (40 * worlds.MINUTE)).sort(TIME, maintain_order=True)
    return worlds.train("popularity", worlds.dataset(tied, data.items, data.users))


def start(space, catalogue, events=None):
    """The live road on the day on which nothing has happened, or where `events` have."""
    data = board().dataset
    return Sessions(space, catalogue, data.events.clear() if events is None else events, data.users)


def live(sessions, event):
    """What is known of the user of an event when it comes; and then it comes."""
    row = dict(zip(EVENT_COLUMNS, event, strict=True))
    users = sessions.user(row[USER])
    sessions.append(*event)
    return users


def training(space, catalogue, events):
    """What training sees: every user's whole history, and the events that are in it, in log order."""
    ids = events[USER].unique().sort()
    return ids.to_list(), space.users(ids, events, catalogue, board().dataset.users)


def replay_equals_training(space, catalogue, events, sessions):
    """Replay `events`, sorted as an ingested table is, and compare before each one."""
    ids, trained = training(space, catalogue, events)
    taken = dict.fromkeys(ids, 0)
    for event in events.select(EVENT_COLUMNS).iter_rows():
        user = event[0]
        position = ids.index(user)
        begin = int(trained.history.offsets[position])
        before = live(sessions, event)
        assert int(before.history.lengths) == taken[user]
        for part in PARTS:
            now = getattr(before.history, part)
            then = getattr(trained.history, part)[begin : begin + taken[user]]
            assert now.dtype == then.dtype
            assert torch.equal(now, then), part
        for name, value in before.features.items():
            assert torch.equal(value, trained.features[name][position : position + 1]), name
        taken[user] += catalogue.row(event[1]) is not None
    assert list(taken.values()) == trained.history.lengths.tolist()


def test_every_training_event_as_live_just_before_it():
    one = board()
    catalogue = one.pipeline.catalogue
    assert one.dataset.events[TIME].n_unique() < 20
    replay_equals_training(one.space, catalogue, one.dataset.events, start(one.space, catalogue))


def test_events_of_items_that_the_catalogue_lacks_are_in_neither():
    one = board()
    catalogue = one.space.catalogue(one.dataset.items.filter(pl.col("item_id") % 5 != 0))
    replay_equals_training(one.space, catalogue, one.dataset.events, start(one.space, catalogue))


def test_it_does_not_matter_where_the_bundle_ends_and_the_log_begins():
    one = board()
    catalogue = one.pipeline.catalogue
    ids, trained = training(one.space, catalogue, one.dataset.events)
    for cut in (1, 200, 419):
        sessions = start(one.space, catalogue, one.dataset.events.head(cut))
        sessions.extend(one.dataset.events.slice(cut))
        for position, user in enumerate(ids):
            whole = trained.select(torch.tensor([position]))
            worlds.equal_histories(sessions.user(user).history, whole.history)
            assert sessions.user(user).ids.tolist() == whole.ids.tolist()


@pytest.mark.parametrize("seed", [1, 2])
def test_late_arrivals_end_in_the_same_history(seed):
    # Times are distinct here: among equal ones, arrival itself is the order.
    data = worlds.checkerboard()
    one = board()
    ids, trained = training(one.space, one.pipeline.catalogue, data.events)
    sessions = start(one.space, one.pipeline.catalogue)
    sessions.extend(data.events.sample(fraction=1, shuffle=True, seed=seed))
    for position, user in enumerate(ids):
        whole = trained.select(torch.tensor([position]))
        worlds.equal_histories(sessions.user(user).history, whole.history)


@cache
def counted():
    """The same world, with every aggregate that its data can give."""
    one = board()
    data = one.dataset
    space = FeatureSpace.fit(data, data.events, FeatureConfig(aggregates=True, half_lives=(0.01, 0.2)))
    return data, space, space.catalogue(data.items)


@pytest.mark.parametrize("start_at", [0, 1, 200])
def test_signals_of_every_training_event_as_live_just_before_it(start_at):
    data, space, catalogue = counted()
    order = data.events[USER].unique().sort()
    trained = space.training_users(order, data.events, catalogue, data.users).history
    places = dict(zip(order.to_list(), trained.offsets.tolist(), strict=False))
    sessions = Sessions(space, catalogue, data.events.head(start_at), data.users, item_signals=True)
    for number, event in enumerate(data.events.select(EVENT_COLUMNS).iter_rows()):
        user, item, time = event[:3]
        place = places[user]
        places[user] += 1
        if number < start_at:
            continue
        asked = sessions.user(user, time)
        assert torch.equal(asked.signals[0], trained.user_signals[place])
        assert torch.equal(asked.catalogue.signals[catalogue.row(item)], trained.item_signals[place])
        sessions.append(*event)
    whole = space.users(order, data.events, catalogue, data.users)
    for position, user in enumerate(order.to_list()):
        assert torch.equal(sessions.user(user).signals[0], whole.signals[position])
    assert torch.equal(sessions.user(user).catalogue.signals, whole.catalogue.signals)


@cache
def befriended(*, aggregates=("trend",), reviews=True, social=True):
    """Reviews and friends count too."""
    data = beside.dataset()
    choices = FeatureConfig(aggregates=aggregates, half_lives=(0.01, 0.2), reviews=reviews, social=social)
    space = FeatureSpace.fit(data, data.events, choices)
    return data, space, space.catalogue(data.items)


@pytest.mark.parametrize(
    ("start_at", "choices"),
    [(0, {}), (200, {}), (0, {"social": False, "aggregates": False}), (200, {"reviews": False})],
)
def test_reviews_and_friends_of_every_training_event_as_live_just_before_it(start_at, choices):
    data, space, catalogue = befriended(**choices)
    order = data.events[USER].unique().sort()
    trained = space.training_users(order, data.events, catalogue, data.users).history
    places = dict(zip(order.to_list(), trained.offsets.tolist(), strict=False))
    sessions = Sessions(space, catalogue, data.events.head(start_at), data.users, item_signals=True)
    for number, event in enumerate(data.events.select(EVENT_COLUMNS).iter_rows()):
        user, item, time = event[:3]
        place = places[user]
        places[user] += 1
        if number < start_at:
            continue
        asked = sessions.user(user, time)
        assert torch.equal(asked.signals[0], trained.user_signals[place])
        assert torch.equal(asked.catalogue.signals[catalogue.row(item)], trained.item_signals[place])
        if number % 2:
            sessions.append(*event)
        else:
            sessions.extend(data.events.slice(number, 1))
    whole = space.users(order, data.events, catalogue, data.users)
    for position, user in enumerate(order.to_list()):
        assert torch.equal(sessions.user(user).signals[0], whole.signals[position])
    assert torch.equal(sessions.user(user).catalogue.signals, whole.catalogue.signals)


def test_a_planted_peek_of_reviews_and_friends_stays_invisible():
    """What is written or done at an event's moment or later leaves every earlier signal as it was."""
    data, space, catalogue = befriended()
    middle = data.events.height // 2
    user, item, time = data.events.row(middle)[:3]
    known = int((data.events[TIME] <= time).sum())
    peeks = pl.DataFrame(
        # Its own event's review: at the same moment, later, and dated before it.
        [(user, item, time, "", 5.0), (user, item, time + 1, "", 5.0), (user, item, 0, "", 5.0)],
        schema=data.reviews.schema,
        orient="row",
    )
    own = {"schema": data.schema, "items": data.items, "users": data.users, "social": data.social, "name": "peek"}
    friends = data.social.filter(pl.col(USER) == user)["friend_id"]
    later = pl.DataFrame(
        [(friend, item, time + 1, "buy", None) for friend in friends], schema=data.events.schema, orient="row"
    )
    events = pl.concat([data.events, later]).sort(TIME, maintain_order=True)
    loud = worlds.Dataset(events=events, reviews=pl.concat([data.reviews, peeks]), **own)
    tables = {"reviews": known_reviews(loud.reviews, loud.events), "social": data.social}
    signals = Signals(space.signals.state, Beside.load(space.signals.state.beside, tables))
    quiet = space.signals.just_before(data.events, catalogue)
    peeking = signals.just_before(events, catalogue)
    for one, other in zip(quiet, peeking, strict=True):
        assert torch.equal(one[:known], other[:known])
    assert not torch.equal(quiet[1][known:], peeking[1][known : data.events.height])
    live = LiveSignals.after(signals, catalogue, events.head(middle))
    assert torch.equal(live.users([user], time)[0], quiet[0][middle])
    assert torch.equal(live.items(time)[catalogue.row(item)], quiet[1][middle])


@pytest.mark.parametrize(("cut", "choices"), [(0, {}), (17, {}), (420, {}), (17, {"social": False})])
def test_friends_do_not_depend_on_where_the_log_begins(cut, choices):
    data, space, catalogue = befriended(**choices)
    at_once = Sessions(space, catalogue, data.events, data.users)
    kept = LiveSignals.after(space.signals, catalogue, data.events.head(cut)).tensors()
    live = LiveSignals.after(space.signals, catalogue, data.events.head(cut), kept)
    pieces = Sessions(space, catalogue, data.events.head(cut), data.users, live=live, counted=cut)
    pieces.take([(*row, None) for row in data.events.slice(cut, 50).select(EVENT_COLUMNS).iter_rows()])
    pieces.extend(data.events.slice(cut + 50))
    for user in (100, 130, 159, 7):
        assert torch.equal(at_once.user(user).signals, pieces.user(user).signals)


@pytest.mark.parametrize("cut", [0, 17, 420])
def test_signals_do_not_depend_on_where_the_log_begins_or_on_its_batches(cut):
    data, space, catalogue = counted()
    at_once = Sessions(space, catalogue, data.events, data.users)
    live = LiveSignals.after(space.signals, catalogue, data.events.head(cut))
    pieces = Sessions(space, catalogue, data.events.head(cut + 3), data.users, live=live, counted=cut)
    pieces.take([(*row, None) for row in data.events.slice(cut + 3, 50).select(EVENT_COLUMNS).iter_rows()])
    pieces.extend(data.events.slice(cut + 53))
    for user in (100, 130, 159, 7):
        assert torch.equal(at_once.user(user).signals, pieces.user(user).signals)


def test_a_stranger_with_this_history_has_the_signals_of_one_who_did_it():
    data, space, catalogue = counted()
    sessions = Sessions(space, catalogue, data.events, data.users)
    own = [
        (*event[1:], None) for event in data.events.filter(pl.col(USER) == 100).select(EVENT_COLUMNS).iter_rows()
    ]
    asked = sessions.stranger(own)
    assert torch.equal(asked.signals, sessions.user(100).signals)
    assert not torch.equal(sessions.stranger([]).signals, asked.signals)


EVENTS = st.lists(
    st.tuples(
        st.sampled_from([100, 101, 4242]),
        st.sampled_from([500, 501, 502, 537, 9]),
        st.integers(-2, 3),
        st.sampled_from(["view", "buy", "never heard of"]),
        st.one_of(st.none(), st.floats(-5, 5, width=32)),
    ),
    max_size=15,
)


@given(EVENTS, st.integers(0, 15))
@settings(max_examples=60, deadline=None)
def test_any_arrival_in_any_order_is_the_table_in_order_of_arrival(rows, cut):
    one = board()
    events = worlds.table(*rows)
    sessions = start(one.space, one.pipeline.catalogue, events.head(cut))
    sessions.extend(events.slice(cut))
    asked = [100, 101, 4242, 7]
    table = one.users(asked, events)
    for position, user in enumerate(asked):
        now, then = sessions.user(user), table.select(torch.tensor([position]))
        worlds.equal_histories(now.history, then.history)
        assert now.ids.tolist() == then.ids.tolist()


@given(EVENTS)
@settings(max_examples=40, deadline=None)
def test_a_history_in_the_request_is_a_history_in_the_table(rows):
    one = board()
    rows = [(100, *row[1:]) for row in rows]
    sessions = start(one.space, one.pipeline.catalogue)
    asked = sessions.stranger([(*row[1:], None) for row in rows])
    worlds.equal_histories(asked.history, one.users([100], worlds.table(*rows)).history)


def test_what_training_deals_is_the_same_history_again():
    """A batch of the trainer holds what `history.build` gives of the same events: nothing is reordered."""
    one = board()
    users = one.everyone()
    picked = torch.tensor([5, 2, 59])
    dealt = users.select(picked, last=4).history
    for place, user in enumerate(picked.tolist()):
        own = users.history.select(torch.tensor([user]))
        alone = [getattr(own, part)[-4:] for part in PARTS]
        again = history.build(torch.zeros(4, dtype=torch.int64), *alone, 1)
        worlds.equal_histories(dealt.select(torch.tensor([place])), again)
