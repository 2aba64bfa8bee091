# SPDX-License-Identifier: Apache-2.0
"""Readings: outputs become probabilities and numbers that are right on average."""

from __future__ import annotations

import math

import pytest
import torch

from penchant.rank.heads import Level, levels_of, standardised
from penchant.rank.reading import Reading, learn_readings, read
from penchant.rank.tasks import TaskConfig

CLICK = TaskConfig(name="click")
MONEY = TaskConfig(name="money", kind="regression", of="amount")


def test_numbers_are_right_on_average():
    torch.manual_seed(0)
    spent = torch.exp(1.5 * torch.randn(4000, 1) + 2)
    (level,) = levels_of((MONEY,), spent)
    # A network that knows half of it: what is left in logarithms is lost in numbers.
    said = standardised(MONEY, level, spent) * 0.5
    (plain,) = (Reading(level=level)(MONEY, said[:, 0]),)
    assert plain.mean() < 0.7 * spent.mean()
    (reading,) = learn_readings((MONEY,), (level,), "platt", said, spent)
    assert float(reading(MONEY, said[:, 0]).mean()) == pytest.approx(float(spent.mean()), rel=1e-3)


def test_each_task_is_read_its_own_way():
    said = torch.tensor([[0.0, 1.0], [2.0, -1.0]])
    readings = (Reading(), Reading(level=Level(mean=2.0, deviation=0.5), factor=2.0))
    found = read((CLICK, MONEY), readings, said)
    assert found["click"].tolist() == pytest.approx([0.5, 1 / (1 + math.exp(-2))])
    assert found["money"].tolist() == pytest.approx([2 * math.expm1(2.5), 2 * math.expm1(1.5)], rel=1e-5)


def test_nothing_came_of_anything():
    labels = torch.tensor([[0.0, math.nan], [0.0, math.nan]])
    found = learn_readings((CLICK, MONEY), (Level(), Level()), "platt", torch.zeros(2, 2), labels)
    assert found == (Reading(), Reading())
