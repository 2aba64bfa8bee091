# SPDX-License-Identifier: Apache-2.0
"""Bags against plain sets, and their loss against the plain formula."""

from __future__ import annotations

import pytest
import torch

import worlds
from penchant.models import bags
from penchant.models.bags import Bag, bag_cross_entropy


def some(*counts, n_items=11):
    """Bags of so many items, drawn among `n_items` that come after padding and unknown."""
    ids = [torch.randperm(n_items)[:count].sort().values + 2 for count in counts]
    ids = torch.cat(ids)
    return Bag(ids=ids, ages=torch.arange(len(ids)), offsets=torch.tensor([0, *counts]).cumsum(0))


def test_a_bag_holds_each_known_item_once_and_how_long_ago():
    board = worlds.train("popularity", worlds.checkerboard())
    cold = 500 + worlds.ITEMS
    events = worlds.table(
        (7, 503, 1), (7, 500, 2), (7, 503, 3), (7, cold, 4), (8, cold, 5), (9, 506, 6), (9, 500, 7)
    )
    users = board.users([9, 7, 8, 999], events)
    bag = Bag.of(users, board.space.sizes.items)
    assert len(bag) == 4
    assert bag.lengths.tolist() == [2, 2, 0, 0]
    items = {int(id_): item for item, id_ in enumerate(board.pipeline.catalogue.items.ids, 500)}
    found = [(items[id_], age) for id_, age in zip(bag.ids.tolist(), bag.ages.tolist(), strict=True)]
    assert sorted(found[:2]) == [(500, 0), (506, 1)]
    assert sorted(found[2:]) == [(500, 2), (503, 1)]
    assert (bag.ids[:2].diff() > 0).all()
    assert (bag.ids[2:].diff() > 0).all()
    assert bag.spread(torch.tensor([1, 2, 3, 4])).tolist() == [1, 1, 2, 2]


def test_a_part_of_each_bag():
    bag = some(3, 0, 2)
    part = bag.where(torch.tensor([True, False, True, False, True]))
    assert part.lengths.tolist() == [2, 0, 1]
    assert part.ids.tolist() == bag.ids[[0, 2, 4]].tolist()
    assert part.ages.tolist() == [0, 2, 4]


def test_bags_of_nobody():
    board = worlds.train("popularity", worlds.checkerboard())
    bag = Bag.of(board.users([]), board.space.sizes.items)
    assert len(bag) == 0
    assert bag.ids.tolist() == []


@pytest.mark.parametrize("cells", [1, 25, 2**21])
def test_loss_and_gradients_are_those_of_the_plain_formula_whatever_the_chunks(cells, monkeypatch):
    torch.manual_seed(1)
    monkeypatch.setattr(bags, "_CHUNK_CELLS", cells)
    bag = some(3, 0, 11, 1, 5)
    hidden = torch.randn(5, 4, requires_grad=True)
    table, bias = torch.randn(13, 4, requires_grad=True), torch.randn(13, requires_grad=True)
    loss = bag_cross_entropy(hidden, table, bias, bag)
    (3 * loss).backward()
    found = hidden.grad.clone(), table.grad.clone(), bias.grad.clone()
    hidden.grad = table.grad = bias.grad = None
    wanted = torch.nn.functional.cross_entropy(
        (hidden @ table[2:].T + bias[2:])[bag.spread(torch.arange(5))], bag.ids - 2, reduction="mean"
    )
    (3 * wanted).backward()
    torch.testing.assert_close(loss, wanted)
    torch.testing.assert_close(found, (hidden.grad, table.grad, bias.grad))


def test_the_largest_array_is_a_chunk(monkeypatch):
    monkeypatch.setattr(bags, "_CHUNK_CELLS", 40)
    product, shapes = torch.mm, []

    def watched(left, right, out):
        shapes.append(tuple(out.shape))
        return product(left, right, out=out)

    monkeypatch.setattr(torch, "mm", watched)
    bag_cross_entropy(torch.randn(10, 4), torch.randn(13, 4), torch.zeros(13), some(*[2] * 10))
    assert shapes == [(3, 13), (3, 13), (3, 13), (1, 13)]


def test_bags_without_items_cost_nothing():
    hidden = torch.randn(2, 4, requires_grad=True)
    loss = bag_cross_entropy(hidden, torch.randn(13, 4), torch.zeros(13), some(0, 0))
    loss.backward()
    assert loss == 0.0
    assert not hidden.grad.any()


def test_under_autocast_only_the_products_are_rounded():
    torch.manual_seed(2)
    bag = some(4, 6)
    hidden, table = torch.randn(2, 4, requires_grad=True), torch.randn(13, 4, requires_grad=True)
    bias = torch.zeros(13)
    wanted = bag_cross_entropy(hidden, table, bias, bag)
    wanted.backward()
    gradients = hidden.grad.clone(), table.grad.clone()
    hidden.grad = table.grad = None
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = bag_cross_entropy(hidden, table, bias, bag)
    loss.backward()
    assert loss.dtype == hidden.grad.dtype == torch.float32
    torch.testing.assert_close(loss, wanted, rtol=0.02, atol=0)
    torch.testing.assert_close((hidden.grad, table.grad), gradients, rtol=0.05, atol=0.02)
