# SPDX-License-Identifier: Apache-2.0
"""Pipeline: a model of known scores over a catalogue, asked in every way."""

from __future__ import annotations

from functools import cache

import pytest
import torch

import worlds
from penchant.models.recommender import Recommender
from penchant.recommend.pipeline import Pipeline

N = worlds.ITEMS + worlds.COLD
FIVE = [35, 34, 33, 32, 31]


class Rising(Recommender):
    """The higher the row, the better; an item leads to those just after it."""

    relation = True

    def score(self, users, items):
        return torch.arange(float(len(items))).expand(len(users), -1)

    def affinity(self, given, wanted):
        if not self.relation:
            return None
        gap = wanted.ids[None, :] - given.ids[:, None]
        return torch.where(gap > 0, 1.0 / gap.clamp(min=1), -1.0)

    def state(self):
        return {}

    def load_state(self, state):
        pass


@cache
def world():
    return worlds.train("popularity", worlds.checkerboard())


def rising(*, cold=False, relation=True):
    model = Rising(None, world().space.sizes)
    model.cold_items, model.relation = cold, relation
    return Pipeline(model, world().space, world().pipeline.catalogue)


def rows(*values):
    return torch.tensor(values, dtype=torch.int64)


def ranked(k=5, *, user=999, events=None, cold=False, **choices):
    return rising(cold=cold).recommend(world().users([user], events), k, **choices).rows[0].tolist()


def test_best_first_and_scores_with_them():
    found = rising().recommend(world().users([999, 998]), 5)
    assert found.rows.tolist() == [FIVE, FIVE]
    assert found.scores.tolist() == [[float(row) for row in FIVE]] * 2


def test_cold_items_are_given_by_a_model_that_knows_them():
    assert ranked(3, cold=True) == [37, 36, 35]


def test_seen_items_are_left_out_unless_asked_for():
    events = worlds.table((999, 535, 1), (999, 533, 2), (999, 535, 3))
    assert ranked(3, events=events) == [34, 32, 31]
    assert ranked(3, events=events, exclude_seen=False) == [35, 34, 33]


def test_excluded_rows_are_nobodys():
    assert ranked(3, exclude=rows(35, 33)) == [34, 32, 31]
    assert ranked(3, exclude=rows()) == FIVE[:3]


def test_only_rows_within():
    assert ranked(3, within=rows(0, 7, 36)) == [7, 0, -1]
    assert ranked(3, within=rows()) == [-1, -1, -1]


def test_rules_add_up():
    events = worlds.table((999, 507, 1))
    assert ranked(4, events=events, within=rows(1, 7, 9, 36), exclude=rows(9)) == [1, -1, -1, -1]


@pytest.mark.parametrize("k", [N, N + 1, 10**9])
def test_more_than_the_catalogue_holds(k):
    found = ranked(k)
    assert len(found) == N
    assert found == [*range(worlds.ITEMS - 1, -1, -1), -1, -1]


def test_the_models_own_scores_are_left_alone():
    pipeline = world().pipeline
    users = world().users([100])
    before = pipeline.score(users).clone()
    pipeline.recommend(users, 5, exclude=rows(0, 1))
    assert torch.equal(pipeline.score(users), before)


def test_similar_items_leave_out_the_item_and_the_unknown():
    found = rising().similar(30, 3)
    assert found.rows.tolist() == [[31, 32, 33]]
    assert found.scores[0].tolist() == pytest.approx([1, 1 / 2, 1 / 3])
    assert rising().similar(30, 10**6).rows.shape == (1, N)
    assert 36 not in rising().similar(30, 10**6).rows
    assert 36 in rising(cold=True).similar(30, 10**6).rows


def test_no_relation_no_similar_items_and_no_reasons():
    found = rising(relation=False).similar(30, 3)
    assert found.rows.shape == found.scores.shape == (1, 0)
    assert rising(relation=False).reasons(rows(1, 2), rows(5)).tolist() == [-1]


def test_a_reason_is_what_leads_to_it_most_and_only_if_it_does():
    assert rising().reasons(rows(3, 10, 7), rows(8, 11, 2)).tolist() == [7, 10, -1]


def test_reasons_of_nothing():
    assert rising().reasons(rows(), rows(8)).tolist() == [-1]
    assert rising().reasons(rows(3), rows()).tolist() == []


def test_reasons_come_from_recent_events_only():
    past = rows(9, *[20] * 50)
    assert rising().reasons(past, rows(10)).tolist() == [-1]
    assert rising().reasons(past[:-1], rows(10)).tolist() == [9]


def test_vectors_are_computed_once_and_given_ones_are_taken():
    one = worlds.train("sasrec", worlds.checkerboard(), config=worlds.replace_struct(worlds.QUICK, epochs=1))
    assert one.pipeline.item_vectors is one.pipeline.item_vectors
    assert one.pipeline.item_vectors.shape == (N, 16)
    users = one.users([100])
    doubled = Pipeline(one.model, one.space, one.pipeline.catalogue, one.pipeline.item_vectors * 2)
    torch.testing.assert_close(doubled.score(users), one.pipeline.score(users) * 2)
    # Similarity is a cosine: the length of a vector does not count.
    assert doubled.similar(0, 5).rows.tolist() == one.pipeline.similar(0, 5).rows.tolist()
    torch.testing.assert_close(
        one.model.affinity(one.pipeline.catalogue.items, one.pipeline.catalogue.items)[0, 1:2],
        doubled.similar(0, N).scores[0][doubled.similar(0, N).rows[0] == 1],
    )
    assert world().pipeline.item_vectors is None


def test_a_learned_model_is_put_to_answering():
    one = worlds.train("sasrec", worlds.checkerboard(), config=worlds.replace_struct(worlds.QUICK, epochs=1))
    one.model.train()
    Pipeline(one.model, one.space, one.pipeline.catalogue)
    assert not one.model.training


def test_items_that_lead_nowhere_are_followed_by_what_is_popular():
    # One user alone did 530, and nothing else; most did 520, and 510 is next. 500 and 501 come first in the table.
    events = [(1, 530, 0), *((user, 520, 1) for user in range(2, 9)), *((user, 510, 2) for user in range(2, 6))]
    board = worlds.checkerboard()
    data = worlds.dataset(worlds.table(*events, (9, 500, 3), (9, 501, 3)), board.items, board.users)
    for kind in ("item_knn", "user_knn", "ease"):
        one = worlds.train(kind, data)
        (found,) = one.lists(one.users([1]), k=2)
        assert list(found) == [520, 510], kind


def test_similar_items_of_equal_nearness_come_by_popularity():
    order = world().space.popularity[world().pipeline.catalogue.items.ids]
    found = rising().similar(N - worlds.COLD - 1, 5).rows[0]
    assert (order[found].diff() <= 0).all()
