# SPDX-License-Identifier: Apache-2.0
"""An index against the whole product: what is found, what changed since, and what cannot be told by it."""

from __future__ import annotations

import sys

import pytest
import torch

from penchant.errors import MissingExtraError
from penchant.recommend import nearest
from penchant.recommend.nearest import Nearest

CHANCE = torch.Generator().manual_seed(0)


def clusters(n, dim=9):
    """Vectors about a few centres, as items have them."""
    centres = torch.randn(12, dim, generator=CHANCE)
    return centres[torch.randint(12, (n,), generator=CHANCE)] + 0.5 * torch.randn(n, dim, generator=CHANCE)


def whole(vectors, queries, k):
    best = (queries @ vectors.T).topk(k, dim=1)
    return best.indices, best.values


@pytest.fixture(scope="module")
def made():
    return Nearest.over(clusters(4000), clusters(20))


def test_it_finds_what_the_whole_product_finds(made):
    queries = clusters(50)
    rows, scores = made.search(queries, 30)
    wanted, best = whole(made.vectors, queries, 30)
    assert made.depth == 1000
    assert made.recall >= 0.99
    assert made.measured(queries, wanted) >= 0.99
    assert torch.allclose(scores[:, :10], best[:, :10], atol=1e-5)
    assert torch.equal(scores, (made.vectors[rows] @ queries[:, :, None]).squeeze(2))
    assert (scores.diff(dim=1) <= 0).all()


def test_what_came_is_found_and_what_it_replaced_is_not(made):
    queries = clusters(5)
    vectors = torch.cat([made.vectors, 3 * queries[:2]])
    first = whole(vectors, queries, 1)[0].squeeze(1)
    vectors[first[2]] = -queries[2]
    rows = torch.tensor([4000, 4001, int(first[2])])
    later = made.changed(vectors, rows)
    assert later.codes is made.codes
    found, scores = later.search(queries, 20)
    assert found[0, 0] == 4000
    assert found[1, 0] == 4001
    assert int(first[2]) not in found[2].tolist()
    assert torch.allclose(scores, (vectors[found] @ queries[:, :, None]).squeeze(2), atol=1e-5)
    assert later.measured(queries, whole(vectors, queries, 20)[0]) >= 0.99
    # No item comes twice, though it is beside and among the codes.
    assert all(len(set(row)) == 20 for row in found.tolist())
    # What was said first stays what it was.
    assert 4000 not in made.search(queries, 20)[0].tolist()[0]


def test_it_is_made_anew_when_much_has_changed(made, monkeypatch):
    monkeypatch.setattr(nearest, "_LEAST_BESIDE", 50)
    rows = torch.arange(100)
    assert len(made.changed(made.vectors, rows[:80]).beside) == 80
    again = made.changed(made.vectors, rows[:80]).changed(made.vectors, rows)
    assert not len(again.beside)
    assert again.codes is not made.codes


def test_more_than_there_are(made):
    rows, scores = made.search(made.queries[:2], 5000)
    assert rows.shape == scores.shape == (2, 4000)


def test_where_short_codes_do_not_do_all_are_looked_at(monkeypatch):
    monkeypatch.setattr(nearest, "_DEPTHS", (1,))
    # Length alone tells them apart.
    vectors = torch.ones(3000, 4) * (1 + torch.arange(3000)[:, None] * 1e-4)
    made = Nearest.over(vectors, torch.ones(2, 4))
    assert made.depth is None
    assert made.recall >= 0.9


def test_the_library_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingExtraError, match=r"penchant\[ann\]"):
        Nearest.over(clusters(100), clusters(2))
