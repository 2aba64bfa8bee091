# SPDX-License-Identifier: Apache-2.0
"""Heads: losses by hand, the chain of probabilities, and places that are looked at more."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from penchant.rank.heads import Heads, Level, levels_of, restored, standardised, task_losses
from penchant.rank.tasks import TaskConfig

CLICK = TaskConfig(name="click")
CART = TaskConfig(name="cart", after="click")
BUY = TaskConfig(name="buy", after="cart")
MONEY = TaskConfig(name="money", kind="regression", of="amount")
STARS = TaskConfig(name="stars", kind="regression", of="value", scale="standard")
NAN = math.nan


def test_losses_by_hand():
    labels = torch.tensor([[1.0, NAN], [0.0, 3.0], [NAN, 0.0]])
    said = torch.tensor([[2.0, 9.0], [-1.0, 0.5], [7.0, -0.5]])
    level = Level(mean=0.5, deviation=2.0)
    found = task_losses((CLICK, MONEY), (Level(), level), said, labels)
    click = (math.log(1 + math.exp(-2)) + math.log(1 + math.exp(-1))) / 2
    wanted = [(math.log(4) - 0.5) / 2, -0.25]
    money = ((0.5 - wanted[0]) ** 2 + (-0.5 - wanted[1]) ** 2) / 4
    assert found.tolist() == pytest.approx([click, money], rel=1e-5)


def test_a_task_that_no_case_has_costs_nothing():
    said = torch.randn(3, 1, requires_grad=True)
    found = task_losses((MONEY,), (Level(),), said, torch.full((3, 1), NAN))
    found.sum().backward()
    assert found.tolist() == [0.0]
    assert not said.grad.any()


@pytest.mark.parametrize("task", [MONEY, STARS])
def test_numbers_there_and_back(task):
    labels = torch.tensor([[4.0], [NAN], [100.0], [-3.0], [0.0]])
    (level,) = levels_of((task,), labels)
    numbers = labels[~labels.isnan()]
    scaled = standardised(task, level, numbers)
    assert scaled.mean() == pytest.approx(0, abs=1e-6)
    assert scaled.std(correction=0) == pytest.approx(1, rel=1e-5)
    assert restored(task, level, scaled).tolist() == pytest.approx(numbers.tolist(), rel=1e-4, abs=1e-5)
    assert restored(task, level, torch.tensor([1e9])).isfinite().all()


def test_levels_of_what_cannot_have_one():
    labels = torch.tensor([[1.0, NAN, 5.0], [0.0, NAN, 5.0]])
    assert levels_of((CLICK, MONEY, STARS), labels) == (Level(), Level(), Level(mean=5.0, deviation=1.0))


def test_a_chain_multiplies_probabilities():
    heads = Heads((CLICK, CART, BUY), 4, 2, 0)
    raw = torch.tensor([[0.3, -1.0, 2.0], [-20.0, 30.0, 0.0], [40.0, 40.0, 40.0], [-90.0, -90.0, -90.0]])
    found = heads._chained(raw)
    click, cart, buy = torch.sigmoid(raw.double()).unbind(1)
    wanted = torch.stack([click, click * cart, click * cart * buy], 1)
    assert torch.allclose(torch.sigmoid(found.double()), wanted, rtol=1e-4, atol=1e-6)
    assert (found[:, 0] >= found[:, 1] - 1e-4).all()
    assert (found[:, 1] >= found[:, 2] - 1e-4).all()


def test_gradients_of_a_chain_are_finite_at_both_ends():
    raw = torch.tensor([[90.0, 90.0, 90.0], [-90.0, -90.0, -90.0], [0.0, 0.0, 0.0]], requires_grad=True)
    heads = Heads((CLICK, CART, BUY), 4, 2, 0)
    labels = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    task_losses((CLICK, CART, BUY), (Level(),) * 3, heads._chained(raw), labels).sum().backward()
    assert raw.grad.isfinite().all()


def test_places_add_to_binary_tasks_in_training_and_nothing_at_an_answer():
    torch.manual_seed(0)
    heads = Heads((CLICK, MONEY), 4, 2, positions=3).eval()
    with torch.no_grad():
        heads.place.weight[1:] = torch.tensor([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    seen, beside = torch.randn(2, 3, 4), torch.randn(3, 2)
    plain = heads(seen, beside, None)
    shown = heads(seen, beside, torch.tensor([0, 2, 99]))
    assert torch.allclose(shown - plain, torch.tensor([[0.0, 0.0], [2.0, 0.0], [3.0, 0.0]]), atol=1e-6)
    # In training it is not told now and then, so that the towers are right without it.
    told = [heads.train()(seen, beside, torch.tensor([0, 2, 99]))[1, 0] - plain[1, 0] for _ in range(100)]
    assert 75 < sum(gap > 1 for gap in told) < 100


def test_what_the_sources_say_goes_straight_to_the_tasks():
    heads = Heads((CLICK,), 4, 2, 0)
    with torch.no_grad():
        heads.straight.weight.copy_(torch.tensor([[1.0, -2.0]]))
    beside = torch.tensor([[3.0, 0.0], [0.0, 1.0]])
    gap = heads(torch.zeros(1, 2, 4), beside, None) - heads(torch.zeros(1, 2, 4), torch.zeros(2, 2), None)
    assert gap.squeeze(1).tolist() == pytest.approx([3.0, -2.0])


def chain(items=300, shown=20):
    """What was shown, clicked and then bought: what draws clicks to an item also sells it."""
    made = torch.Generator().manual_seed(1)
    appeal = torch.randn(items, generator=made)
    item = torch.arange(items).repeat_interleave(shown)
    rate = torch.sigmoid(1.5 * appeal - 0.5)
    click = torch.rand(len(item), generator=made) < torch.sigmoid(1.5 * appeal[item] - 2)
    buy = click & (torch.rand(len(item), generator=made) < rate[item])
    return item, click, buy, rate


class Shop(torch.nn.Module):
    """One learned number an item, and a line from it to each task."""

    def __init__(self, items, tasks):
        super().__init__()
        torch.manual_seed(0)
        self.appeal = torch.nn.Embedding(items, 1)
        self.lines = torch.nn.Linear(1, tasks)

    def forward(self, item):
        return self.lines(self.appeal(item))


def learn(network, loss, steps=150):
    optimiser = torch.optim.Adam(network.parameters(), lr=0.05)
    for _ in range(steps):
        optimiser.zero_grad()
        loss(network).backward()
        optimiser.step()
    return network


def test_the_entire_space_knows_more_of_buying_than_the_clicks_alone():
    tasks = (CLICK, TaskConfig(name="buy", after="click"))
    item, click, buy, rate = chain()
    labels = torch.stack([click, buy], 1).float()
    heads = Heads(tasks, 4, 2, 0)
    levels = (Level(),) * 2
    whole = learn(
        Shop(len(rate), 2), lambda net: task_losses(tasks, levels, heads._chained(net(item)), labels).sum()
    )
    seen, bought = item[click], labels[click, 1]
    naive = learn(
        Shop(len(rate), 1), lambda net: functional.binary_cross_entropy_with_logits(net(seen).squeeze(1), bought)
    )
    with torch.no_grad():
        everything = torch.arange(len(rate))
        errors = [
            (torch.sigmoid(network(everything)[:, -1]) - rate).square().mean().sqrt().item()
            for network in (whole, naive)
        ]
    assert errors[0] < 0.7 * errors[1]
