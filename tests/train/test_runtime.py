# SPDX-License-Identifier: Apache-2.0
"""Seeds depend on their numbers alone; precision is what was asked for."""

from __future__ import annotations

import time

import pytest
import torch

from penchant.train import runtime
from penchant.train.runtime import Precision, bfloat16_is_faster, computing, generator, seed_step


def draw(seed, step):
    seed_step(seed, step)
    return torch.rand(4).tolist()


def test_a_step_draws_the_same_whatever_came_before():
    first = draw(3, 7)
    torch.rand(100)
    assert draw(3, 7) == first


def test_seeds_and_steps_are_told_apart():
    found = {tuple(draw(seed, step)) for seed in range(5) for step in range(20)}
    assert len(found) == 100


def test_an_epoch_is_ordered_by_a_generator_of_its_own():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    orders = {tuple(torch.randperm(50, generator=generator(seed, e)).tolist()) for seed in (0, 1) for e in (0, 1)}
    assert len(orders) == 4
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.randperm(9, generator=generator(2**40, 5)).tolist() == (
        torch.randperm(9, generator=generator(2**40, 5)).tolist()
    )


def product():
    return torch.mm(torch.ones(2, 2), torch.ones(2, 2)).dtype


def test_precision_asked_for():
    with computing(Precision.FLOAT32):
        assert product() == torch.float32
    with computing(Precision.BFLOAT16):
        assert product() == torch.bfloat16
    assert product() == torch.float32


@pytest.mark.parametrize("faster", [True, False])
def test_automatic_precision_is_the_faster(monkeypatch, faster):
    monkeypatch.setattr(runtime, "bfloat16_is_faster", lambda: faster)
    with computing(Precision.AUTO):
        assert product() == (torch.bfloat16 if faster else torch.float32)


@pytest.mark.parametrize(("half", "faster"), [(1.0, True), (1.9, False), (3.0, False)])
def test_bfloat16_must_be_clearly_faster(monkeypatch, half, faster):
    clock = [0.0]

    def mm(a, _b):
        clock[0] += half if a.dtype == torch.bfloat16 else 2.0

    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(torch, "mm", mm)
    assert bfloat16_is_faster.__wrapped__() is faster
