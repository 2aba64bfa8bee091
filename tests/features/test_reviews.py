# SPDX-License-Identifier: Apache-2.0
"""Reviews: visible once written, never to their own interaction; planted peeks stay unseen."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.features.reviews import Reviews
from penchant.schema import ITEM, RATING, TIME, USER

REVIEW = st.tuples(
    st.integers(0, 3),
    st.integers(0, 3),
    st.one_of(st.none(), st.integers(0, 8)),
    st.one_of(st.none(), st.floats(1, 5, width=16)),
    st.one_of(st.none(), st.tuples(st.floats(-1, 1, width=16), st.floats(-1, 1, width=16))),
)
EVENT = st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 9))


def table(rows):
    schema = {USER: pl.Int64, ITEM: pl.Int64, TIME: pl.Int64, RATING: pl.Float64}
    return pl.DataFrame([row[:4] for row in rows], schema=schema, orient="row")


def reviews(rows):
    vectors = np.array([row[4] or (9.0, 9.0) for row in rows], np.float32).reshape(-1, 2)
    return Reviews(table(rows), vectors, np.array([row[4] is not None for row in rows], bool))


def events(rows):
    return pl.DataFrame(rows, schema={USER: pl.Int64, ITEM: pl.Int64, TIME: pl.Int64}, orient="row")


def same(made, visible, place):
    ratings = [row[3] for row in visible if row[3] is not None]
    told = [row[4] for row in visible if row[4] is not None]
    assert made.counts[place] == len(visible)
    assert made.present[place] == bool(told)
    if ratings:
        np.testing.assert_allclose(made.ratings[place], np.mean(ratings), atol=1e-5)
    else:
        assert np.isnan(made.ratings[place])
    np.testing.assert_allclose(made.vectors[place], np.mean(told, axis=0) if told else [0, 0], atol=1e-5)


@given(st.lists(REVIEW, max_size=15), st.lists(EVENT, max_size=8))
@settings(deadline=None)
def test_it_is_the_definition(rows, asked):
    known = reviews(rows)
    of_items, of_users = known.of_items(events(asked)), known.of_users(events(asked))
    for place, (user, item, time) in enumerate(asked):
        written = [row for row in rows if row[2] is not None and row[2] < time and row[:2] != (user, item)]
        same(of_items, [row for row in written if row[1] == item], place)
        same(of_users, [row for row in written if row[0] == user], place)


PLANTED = [(1, 7, 100, 5.0, (1.0, 0.0)), (2, 7, 100, 1.0, (0.0, 1.0)), (3, 7, 101, 2.0, (0.5, 0.5))]


def test_a_review_of_the_same_moment_or_later_is_not_visible():
    made = reviews(PLANTED).of_items(events([(9, 7, 99), (9, 7, 100), (9, 7, 101), (9, 7, 102)]))
    assert made.counts.tolist() == [0, 0, 2, 3]
    assert np.isnan(made.ratings[:2]).all()
    assert not made.vectors[:2].any()
    assert made.ratings[2] == 3.0


def test_ones_own_review_says_nothing_to_ones_own_event():
    made = reviews(PLANTED).of_items(events([(1, 7, 500), (2, 7, 500), (1, 8, 500)]))
    assert made.counts.tolist() == [2, 2, 0]
    assert made.ratings[:2].tolist() == [1.5, 3.5]
    assert made.vectors[0].tolist() == [0.25, 0.75]
    assert reviews(PLANTED).of_users(events([(1, 7, 500), (1, 8, 500)])).counts.tolist() == [0, 1]


def test_a_planted_peek_changes_nothing():
    asked = events([(4, 7, 100), (1, 7, 100), (1, 7, 300)])
    before = reviews(PLANTED)
    peeking = reviews(
        [*PLANTED, (1, 7, 50, 5.0, (1.0, 1.0)), (4, 7, 100, 5.0, (1.0, 1.0)), (1, 7, 100, 5.0, None)]
    )
    quiet, loud = (one.of_items(asked) for one in (before, peeking))
    # The third event may know of another's review of time 100, but not of its own user's.
    assert loud.counts.tolist() == [1, 0, quiet.counts[2] + 1]
    assert loud.ratings[0] == 5.0  # user 1 wrote at 50, which user 4 may know at 100
    own = peeking.of_items(asked.head(2).tail(1))
    assert own.counts.tolist() == [0]


def test_no_reviews_at_all():
    made = reviews([]).of_items(events([(1, 1, 1)]))
    assert made.counts.tolist() == [0]
    assert made.vectors.shape == (1, 2)
