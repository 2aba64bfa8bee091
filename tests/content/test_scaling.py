# SPDX-License-Identifier: Apache-2.0
"""Vectors on one footing."""

import torch

from penchant.content.scaling import Scaler


def test_places_are_standardised_over_what_is_present():
    vectors = torch.tensor([[1.0, 5, 7], [3, 5, 9], [100, 100, 100]])
    present = torch.tensor([True, True, False])
    scaler = Scaler.fit(vectors, present)
    found = scaler.apply(vectors, present)
    torch.testing.assert_close(found[:2] * 3**0.5, torch.tensor([[-1.0, 0, -1], [1, 0, 1]]))
    assert not found[2].any()


def test_what_is_far_is_not_infinitely_far():
    scaler = Scaler.fit(torch.tensor([[0.0], [1.0]]), torch.ones(2).bool())
    assert scaler.apply(torch.tensor([[1e9]]), torch.ones(1).bool()).item() == 8


def test_nothing_present_makes_everything_zero():
    scaler = Scaler.fit(torch.ones(2, 3), torch.zeros(2).bool())
    assert not scaler.apply(torch.ones(1, 3), torch.ones(1).bool()).any()
    assert Scaler.fit(torch.zeros(2, 0), torch.ones(2).bool()).apply(
        torch.zeros(1, 0), torch.ones(1).bool()
    ).shape == (1, 0)


def test_state():
    scaler = Scaler.fit(torch.randn(5, 3), torch.ones(5).bool())
    again = Scaler.load(scaler.state())
    vectors, present = torch.randn(4, 3), torch.ones(4).bool()
    assert torch.equal(again.apply(vectors, present), scaler.apply(vectors, present))


def test_parts_count_alike_however_long():
    torch.manual_seed(0)
    vectors, present = torch.randn(500, 102), torch.ones(500).bool()
    found = Scaler.fit(vectors, present, (100, 2)).apply(vectors, present)
    assert torch.allclose(found[:, :100].square().sum(1).mean(), torch.tensor(0.5), atol=1e-3)
    assert torch.allclose(found[:, 100:].square().sum(1).mean(), torch.tensor(0.5), atol=1e-3)
