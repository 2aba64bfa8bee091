# SPDX-License-Identifier: Apache-2.0
"""When two answers count as the same: up to rounding, and no further."""

from __future__ import annotations

import pytest

from penchant.bundle.verify import Golden, _same

WAS = Golden(user=7, items=[1, 2, 3], scores=[9.0, 5.0, 1.0])


def now(items=(1, 2, 3), scores=(9.0, 5.0, 1.0), user=7):
    return Golden(user=user, items=list(items), scores=list(scores))


@pytest.mark.parametrize(
    "given",
    [
        now(),
        now(scores=(9.005, 4.995, 1.005)),
        now(items=(1, 2, 4)),
    ],
    ids=["equal", "rounding", "another item at the cut"],
)
def test_same(given):
    assert _same(WAS, given)


@pytest.mark.parametrize(
    "given",
    [
        now(user=8),
        now(items=(1, 2), scores=(9.0, 5.0)),
        now(items=(2, 1, 3)),
        now(items=(4, 2, 3)),
        now(scores=(9.1, 5.0, 1.0)),
    ],
    ids=["another user", "shorter", "another order", "another item", "another score"],
)
def test_not_same(given):
    assert not _same(WAS, given)


def test_items_of_nearly_equal_scores_may_change_places():
    before = now(items=(1, 2, 3), scores=(9.0, 8.999, 1.0))
    assert _same(before, now(items=(2, 1, 3), scores=(9.0, 8.999, 1.0)))
    assert not _same(before, now(items=(1, 3, 2), scores=(9.0, 8.999, 1.0)))


def test_empty_answers():
    assert _same(now(items=(), scores=()), now(items=(), scores=()))
    assert not _same(now(items=(), scores=()), now())


def test_all_scores_zero():
    zero = now(scores=(0.0, 0.0, 0.0))
    assert _same(zero, now(items=(3, 1, 2), scores=(0.0, 0.0, 0.0)))
    assert not _same(zero, now(scores=(0.1, 0.0, 0.0)))
