# SPDX-License-Identifier: Apache-2.0
"""A history's weighted means: by hand, the same for one place and for all, and blind to what comes later."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from penchant.batch import PaddedHistory, Sizes
from penchant.models.pooling import HistoryPool
from penchant.schema import MICROSECONDS

SIZES = Sizes(items=9, users=3, actions=4)
DIM = 3


def pool(means=2, sizes=SIZES, *, seed: int | None = 0, **choices):
    made = HistoryPool(sizes, DIM, means, **{"use_time": True, "use_action": True, "use_value": True} | choices)
    if seed is not None:  # what starts as nothing would hide whether it is used
        torch.manual_seed(seed)
        for parameter in made.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
    return made


def past(*lengths, width=5):
    chance = torch.Generator().manual_seed(1)
    users = len(lengths)
    valid = torch.arange(width) < torch.tensor(lengths)[:, None]
    return PaddedHistory(
        rows=torch.zeros(users, width, dtype=torch.int64),
        actions=torch.randint(2, 4, (users, width), generator=chance) * valid,
        times=torch.randint(0, 5000, (users, width), generator=chance).cumsum(1) * MICROSECONDS * valid,
        values=torch.randn(users, width, generator=chance) * valid,
        lengths=torch.tensor(lengths),
    )


def vectors(done):
    return torch.randn(*done.rows.shape, DIM, generator=torch.Generator().manual_seed(2))


def test_to_begin_with_a_step_weighs_as_much_as_the_prior_and_means_forget_at_their_own_pace():
    done = past(3)
    x = vectors(done)
    with torch.no_grad():
        network = pool(means=2, seed=None)
        network.prior[:] = torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])
        slow, fast = network.last(x, done)[0]
    torch.testing.assert_close(slow, (x[0, :3].sum(0) + network.prior[0]) / 4)
    # The last event weighs 1, the two before it lie one power of two further back: 1/e.
    weights = torch.tensor([1.0, 1 / torch.e, 1 / torch.e, 1.0])
    wanted = (weights[:, None] * torch.stack([x[0, 2], x[0, 1], x[0, 0], network.prior[1]])).sum(0)
    torch.testing.assert_close(fast, wanted / weights.sum())


def test_an_empty_history_is_the_prior():
    network, done = pool(), past(0, 2)
    torch.testing.assert_close(network.last(vectors(done), done)[0], network.prior)
    torch.testing.assert_close(network(vectors(done), done)[1, 0], network.prior)


def test_what_a_place_sees_is_what_would_be_answered_just_before_it():
    network, done = pool(), past(5, 3)
    x = vectors(done)
    everywhere = network(x, done)
    assert everywhere.shape == (2, 6, 2, DIM)
    for place in range(6):
        lengths = done.lengths.clamp(max=place)
        torch.testing.assert_close(
            network.last(x, replace(done, lengths=lengths))[lengths == place],
            everywhere[lengths == place, place],
        )


def test_nothing_of_the_future_or_of_padding_is_seen():
    network, done = pool(), past(5, 3)
    x = vectors(done)
    later = x.clone()
    later[:, 3:] = 7.0
    other = replace(done, values=done.values.clone(), actions=done.actions.clone(), times=done.times.clone())
    other.values[:, 3:], other.actions[:, 3:], other.times[:, 3:] = 2.0, 1, 2**60
    assert torch.equal(network(x, done)[:, :4], network(later, other)[:, :4])
    assert torch.equal(network.last(x, done)[1], network.last(later, other)[1])
    assert not torch.equal(network.last(x, done)[0], network.last(later, other)[0])


@pytest.mark.parametrize(
    ("choice", "column", "value"),
    [("use_time", "times", 3), ("use_action", "actions", 3), ("use_value", "values", 3)],
)
def test_each_source_counts_unless_it_is_switched_off(choice, column, value):
    done = past(4)
    other = replace(done, **{column: getattr(done, column) * 0 + torch.arange(5) % 2 * value})
    on, off = pool(), pool(**{choice: False})
    assert not torch.allclose(on.last(vectors(done), done), on.last(vectors(done), other))
    assert torch.equal(off.last(vectors(done), done), off.last(vectors(done), other))


def test_times_say_nothing_where_the_source_gives_only_an_order():
    network = pool(sizes=Sizes(items=9, users=3, actions=4, has_time=False))
    done = past(4)
    assert torch.equal(
        network.last(vectors(done), done), network.last(vectors(done), replace(done, times=done.times * 9))
    )


def test_a_dislike_can_push_away():
    network, done = pool(means=1, seed=None), past(1)
    x = vectors(done)
    with torch.no_grad():
        network.values.weight[:] = -3.0
    torch.testing.assert_close(network.last(x, done)[0, 0], -2 * x[0, 0] / 2)
