# SPDX-License-Identifier: Apache-2.0
"""Sampler: everyone once per epoch, of like length, by the seed."""

from __future__ import annotations

import pytest
import torch

from penchant.batch import Items, Users
from penchant.features.history import build
from penchant.train.sampler import Sampler


def users(lengths):
    owners = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    flat = torch.zeros_like(owners)
    return Users(
        ids=torch.ones_like(lengths),
        history=build(owners, flat, flat, flat, flat.float(), len(lengths)),
        catalogue=Items(ids=torch.tensor([2])),
    )


def lengths(n=1000, seed=0):
    return torch.randint(0, 100, (n,), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("n", "size"), [(1000, 32), (1000, 1), (33, 32), (5, 100)])
@pytest.mark.parametrize("longest", [None, 10])
def test_everyone_with_an_event_is_dealt_once(n, size, longest):
    given = lengths(n)
    sampler = Sampler(users(given), size, seed=0, longest=longest)
    batches = sampler.epoch(0)
    active = torch.nonzero(given).squeeze(1)
    assert torch.cat(batches).sort().values.tolist() == active.tolist()
    assert len(batches) == len(sampler)
    assert sorted(map(len, batches), reverse=True)[:-1] == [size] * (len(batches) - 1)


def test_little_is_padded():
    given = lengths()
    padded = sum(int(given[batch].max()) * len(batch) for batch in Sampler(users(given), 32, 0).epoch(0))
    at_random = sum(int(part.max()) * len(part) for part in torch.split(given[given > 0], 32))
    assert int(given.sum()) / padded > 0.85
    assert int(given.sum()) / at_random < 0.6


def test_seed_and_epoch_decide_the_order():
    def order(seed, epoch):
        return torch.cat(Sampler(users(lengths()), 32, seed).epoch(epoch)).tolist()

    assert order(0, 3) == order(0, 3)
    assert order(0, 3) != order(0, 4)
    assert order(0, 3) != order(1, 3)


def test_batches_do_not_come_by_length():
    given = lengths()
    means = torch.tensor([float(given[batch].float().mean()) for batch in Sampler(users(given), 32, 0).epoch(0)])
    assert not torch.equal(means, means.sort().values)


def test_nobody_has_an_event():
    sampler = Sampler(users(torch.zeros(3, dtype=torch.int64)), 32, 0)
    assert len(sampler) == 0
    assert sum(map(len, sampler.epoch(0))) == 0
