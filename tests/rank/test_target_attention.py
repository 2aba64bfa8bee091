# SPDX-License-Identifier: Apache-2.0
"""TargetAttention: what has nothing to attend to says nothing; padding and others' steps are not seen."""

from __future__ import annotations

import torch

from penchant.batch import PaddedHistory, Sizes
from penchant.models.buckets import powers_of_seconds
from penchant.rank.target_attention import TargetAttention

SIZES = Sizes(items=9, users=3, actions=4)


def past(lengths, width=4):
    n = len(lengths)
    return PaddedHistory(
        rows=torch.zeros(n, width, dtype=torch.int64),
        actions=torch.full((n, width), 2),
        times=torch.arange(width).expand(n, -1) * 60_000_000,
        values=torch.zeros(n, width),
        lengths=torch.tensor(lengths),
    )


def made(sizes=SIZES):
    torch.manual_seed(0)
    return TargetAttention(sizes, 6)


def test_an_empty_history_says_nothing():
    found = made()(torch.randn(1, 4, 6), past([0]), torch.randn(3, 6), torch.zeros(3, dtype=torch.int64))
    assert found.shape == (3, 6)
    assert not found.any()


def test_padding_and_other_users_are_not_seen():
    attention, items, owners = made(), torch.randn(2, 6), torch.tensor([0, 1])
    steps = torch.randn(2, 4, 6)
    other = steps.clone()
    other[0, 2:] = 99.0
    before, after = (attention(one, past([2, 3]), items, owners) for one in (steps, other))
    assert torch.equal(before, after)
    other[1, 0] = 99.0
    assert not torch.equal(attention(other, past([2, 3]), items, owners)[1], before[1])


def test_the_item_decides_what_is_looked_at():
    attention, steps = made(), torch.randn(1, 4, 6)
    found = attention(steps, past([4]), torch.randn(2, 6), torch.zeros(2, dtype=torch.int64))
    assert not torch.allclose(found[0], found[1])


def test_it_does_without_times():
    attention = made(Sizes(items=9, users=3, actions=4, has_time=False))
    assert attention.gaps is None
    assert attention(torch.randn(1, 4, 6), past([4]), torch.randn(1, 6), torch.zeros(1, dtype=torch.int64)).any()


def test_it_is_what_the_definition_says_case_by_case():
    attention, owners = made(), torch.tensor([0, 0, 2, 2, 2])
    steps, items, history = torch.randn(3, 4, 6), torch.randn(5, 6), past([4, 1, 3])
    found = attention(steps, history, items, owners)
    for case, owner in enumerate(owners.tolist()):
        own, item = steps[owner, : history.lengths[owner]], items[case]
        ago = history.times[owner, history.lengths[owner] - 1] - history.times[owner, : len(own)]
        inner = attention.of_step(own) + attention.of_item(item) + attention.of_both(own * item)
        inner = inner + attention.actions(torch.full((len(own),), 2)) + attention.gaps(powers_of_seconds(ago))
        bias = torch.cat([torch.zeros(1), attention.out(torch.relu(inner)).squeeze(1)])
        assert torch.allclose(found[case], bias.softmax(0)[1:] @ own, atol=1e-5)


def test_nobody_asks():
    found = made()(torch.randn(2, 4, 6), past([4, 1]), torch.zeros(0, 6), torch.zeros(0, dtype=torch.int64))
    assert found.shape == (0, 6)
