# SPDX-License-Identifier: Apache-2.0
"""Through an index a pipeline gives what it gives without one."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import pytest
import torch

import worlds
from penchant.recommend import pipeline as module


@cache
def world():
    quick = worlds.replace_struct(worlds.QUICK, epochs=2)
    return worlds.train("ials", worlds.checkerboard(), config=quick)


def through(monkeypatch, *, at_once=4, most=1):
    """The pipeline with an index, and how often all is scored nevertheless."""
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    monkeypatch.setattr(module, "_ALL", most)
    one = world()
    users = one.everyone()
    indexed = one.pipeline.indexed(one.pipeline.model.encode_user(users))
    asked = []
    monkeypatch.setattr(type(indexed), "score", counted(type(indexed).score, asked))
    return one.pipeline, indexed, asked


def counted(score, asked):
    def counting(pipeline, users):
        if pipeline.index is not None:
            asked.append(len(users))
        return score(pipeline, users)

    return counting


def same(found, wanted):
    assert torch.equal(found.rows, wanted.rows)
    assert torch.allclose(found.scores, wanted.scores, atol=1e-5)


@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("exclude", [None, torch.tensor([3, 5, 6, 7, 11])])
@pytest.mark.parametrize("k", [1, 5])
def test_it_gives_what_all_scores_give(monkeypatch, exclude_seen, exclude, k):
    plain, indexed, asked = through(monkeypatch)
    users = world().everyone()
    wanted = plain.recommend(users, k, exclude_seen=exclude_seen, exclude=exclude)
    same(indexed.recommend(users, k, exclude_seen=exclude_seen, exclude=exclude), wanted)
    # One by one, as a service asks, nothing but the index is needed.
    for at in range(len(users)):
        mine = indexed.recommend(users.select(torch.tensor([at])), k, exclude_seen=exclude_seen, exclude=exclude)
        same(mine, type(wanted)(rows=wanted.rows[[at]], scores=wanted.scores[[at]]))
    assert len(asked) < len(users) / 2


def test_of_whom_nothing_is_known_gets_what_is_popular(monkeypatch):
    plain, indexed, asked = through(monkeypatch)
    nobody = world().users([999])
    same(indexed.recommend(nobody, 5), plain.recommend(nobody, 5))
    assert asked == [1]


def test_where_more_is_wished_than_an_index_can_tell_all_are_scored(monkeypatch):
    plain, indexed, asked = through(monkeypatch, most=8)
    users = world().everyone()
    same(indexed.recommend(users, 10), plain.recommend(users, 10))
    few = torch.arange(8)
    same(indexed.recommend(users, 3, within=few), plain.recommend(users, 3, within=few))
    assert asked == [len(users), len(users)]


def test_what_is_withdrawn_and_what_came_are_known_to_the_index(monkeypatch):
    plain, indexed, _ = through(monkeypatch)
    users = world().everyone()
    gone = torch.unique(plain.recommend(users, 2).rows)
    same(indexed.without(gone).recommend(users, 3), plain.without(gone).recommend(users, 3))
    catalogue = plain.catalogue
    fresh = type(catalogue)(catalogue.frame[:2], catalogue.items.take(torch.tensor([0, 1])))
    later = indexed.changed(fresh)
    assert later.index.beside.tolist() == [0, 1]
    same(later.recommend(users, 3), plain.changed(fresh).recommend(users, 3))


def test_equal_scores_come_in_their_order(monkeypatch):
    plain, indexed, _ = through(monkeypatch)
    rows = torch.arange(6)[None].flip(1)
    scores = torch.tensor([[2.0, 1.0, 1.0, 1.0, 0.0, 0.0]])
    places = {int(row): place for place, row in enumerate(plain.popular_first.tolist())}
    found = indexed._in_order(rows, scores)[0].tolist()
    assert found[0] == 5
    assert found[1:4] == sorted([4, 3, 2], key=places.get)
    assert found[4:] == sorted([1, 0], key=places.get)


def test_what_has_no_vectors_has_no_index():
    one = worlds.train("popularity", worlds.checkerboard())
    with pytest.raises(ValueError, match="there are none"):
        one.pipeline.indexed(torch.zeros(1, 3))


def test_an_index_leaves_a_second_stage_in_its_place():
    one = world()
    ranker, second = torch.nn.Identity(), one.pipeline.alone()
    second.second = SimpleNamespace(ranker=ranker)
    users = one.everyone()
    assert second.indexed(second.model.encode_user(users)).second is second.second
