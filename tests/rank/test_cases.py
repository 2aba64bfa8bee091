# SPDX-License-Identifier: Apache-2.0
"""Cases: picking questions and negatives."""

from __future__ import annotations

import pytest
import torch

from penchant.batch import History, Items, Users
from penchant.rank.cases import Cases


def cases():
    zero = torch.zeros(4, dtype=torch.int64)
    return Cases(
        users=Users(
            ids=torch.arange(3),
            history=History(offsets=zero, rows=zero[:0], actions=zero[:0], times=zero[:0], values=torch.zeros(0)),
            catalogue=Items(ids=torch.arange(9)),
        ),
        owners=torch.tensor([0, 0, 0, 0, 2, 2]),
        rows=torch.tensor([5, 6, 7, 8, 3, 4]),
        standing=torch.arange(18.0).view(6, 1, 3),
        positions=torch.arange(6),
        labels=torch.tensor([[0.0], [1.0], [0.0], [float("nan")], [0.0], [0.0]]),
    )


def test_select_takes_the_questions_in_the_order_that_is_asked():
    found = cases().select(torch.tensor([2, 1, 0]))
    assert found.users.ids.tolist() == [2, 1, 0]
    assert found.owners.tolist() == [0, 0, 2, 2, 2, 2]
    assert found.rows.tolist() == [3, 4, 5, 6, 7, 8]
    assert found.positions.tolist() == [4, 5, 0, 1, 2, 3]
    assert found.standing[:, 0, 0].tolist() == [12.0, 15.0, 0.0, 3.0, 6.0, 9.0]


def test_select_leaves_out_what_is_not_kept():
    keep = torch.tensor([True, False, False, True, True, True])
    assert cases().select(torch.tensor([0]), keep).rows.tolist() == [5, 8]
    assert len(cases().select(torch.tensor([1]))) == 0


def test_all_positives_and_some_others_are_kept():
    torch.manual_seed(0)
    seen = set()
    for _ in range(60):
        keep = cases().some_negatives(2)
        assert keep[1]
        assert keep[:4].sum() == 3
        assert keep[4:].all()
        seen.add(tuple(keep.tolist()))
    assert len(seen) == 3


def test_an_answer_has_no_negatives():
    one = cases()
    bare = Cases(users=one.users, owners=one.owners, rows=one.rows, standing=one.standing)
    assert bare.pick(torch.tensor([0])).labels is None
    with pytest.raises(ValueError, match="labels"):
        bare.some_negatives(1)
