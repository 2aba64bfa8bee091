# SPDX-License-Identifier: Apache-2.0
"""Reviews as signals: after they were written and after their interaction, and only where that is known."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from penchant.features.written import Written, known_reviews
from penchant.schema import ITEM, RATING, TIME, USER

IDS, TIMES = st.integers(0, 3), st.integers(0, 9)
REVIEW = st.tuples(IDS, IDS, st.one_of(st.none(), TIMES), st.one_of(st.none(), st.floats(1, 5, width=16)))
EVENTS = st.lists(st.tuples(IDS, IDS, TIMES), max_size=12)


def reviews(rows):
    schema = {USER: pl.Int64, ITEM: pl.Int64, TIME: pl.Int64, RATING: pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def events(rows):
    return pl.DataFrame(rows, schema={USER: pl.Int64, ITEM: pl.Int64, TIME: pl.Int64}, orient="row")


def ask(written, side, owners, times):
    return written.at(side, written.owners(side, owners), np.array(times, np.int64))


@given(st.lists(REVIEW, max_size=15), EVENTS, st.lists(st.tuples(st.integers(0, 4), TIMES), max_size=6))
@settings(deadline=None)
def test_it_is_the_definition(rows, done, asked):
    written = Written(known_reviews(reviews(rows), events(done)))
    for place, side in enumerate((USER, ITEM)):
        found = ask(written, side, [who for who, _ in asked], [now for _, now in asked])
        for (who, now), (count, mean) in zip(asked, found, strict=True):
            visible = [
                row
                for row in rows
                if row[place] == who
                and row[2] is not None
                and row[2] < now
                and any(event[:2] == row[:2] and event[2] < now for event in done)
            ]
            ratings = [row[3] for row in visible if row[3] is not None]
            assert count == len(visible)
            np.testing.assert_allclose(mean, np.mean(ratings) if ratings else np.nan, atol=1e-5)


def test_a_review_is_not_seen_at_its_own_moment_and_not_at_its_own_event():
    done = events([(1, 7, 100), (2, 7, 100)])
    # The second was dated before its interaction: a day that was rounded down.
    written = Written(known_reviews(reviews([(1, 7, 120, 5.0), (2, 7, 90, 1.0), (3, 7, 50, 2.0)]), done))
    found = ask(written, ITEM, [7] * 5, [90, 100, 101, 120, 121])
    assert found[:, 0].tolist() == [0, 0, 1, 1, 2]  # the third has no interaction that is known
    assert found[2:, 1].tolist() == [1, 1, 3]
    assert ask(written, USER, [3, 2, 99], [500] * 3)[:, 0].tolist() == [0, 1, 0]


def test_no_reviews_at_all():
    written = Written(known_reviews(reviews([]), events([])))
    found = ask(written, ITEM, [7], [100])
    assert found[0, 0] == 0
    assert np.isnan(found[0, 1])
    assert ask(written, USER, [], []).shape == (0, 2)
