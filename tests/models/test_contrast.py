# SPDX-License-Identifier: Apache-2.0
"""The contrastive term against plain loops."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch
from torch.nn import functional

from penchant.batch import History
from penchant.models.augment import HIDDEN
from penchant.models.contrast import Views, info_nce, vary


def by_loop(one, other, owners, temperature):
    """Each view against all views but itself and the rest of its owner's."""
    views = [functional.normalize(view, dim=0) for view in [*one, *other]]
    owners = [*owners, *owners]
    losses = []
    for a in range(len(views)):
        partner = (a + len(one)) % len(views)
        rivals = [b for b in range(len(views)) if owners[b] != owners[a]]
        cells = {b: math.exp(float(views[a] @ views[b]) / temperature) for b in [partner, *rivals]}
        losses.append(-math.log(cells[partner] / sum(cells.values())))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("owners", [[2, 3, 4, 5], [2, 3, 2, 5], [7, 7, 7, 7]])
def test_info_nce_is_what_a_loop_finds(owners):
    torch.manual_seed(0)
    one, other = torch.randn(4, 3), torch.randn(4, 3)
    found = info_nce(one, other, torch.tensor(owners), 0.5)
    assert float(found) == pytest.approx(by_loop(one, other, owners, 0.5), abs=1e-6)


def test_length_of_a_vector_does_not_count():
    torch.manual_seed(0)
    one, other, owners = torch.randn(4, 3), torch.randn(4, 3), torch.arange(4)
    assert torch.allclose(info_nce(one * 5, other, owners, 0.5), info_nce(one, other, owners, 0.5))


def test_one_user_has_nobody_to_be_told_from():
    one = torch.randn(1, 3, requires_grad=True)
    loss = info_nce(one, torch.randn(1, 3), torch.tensor([4]), 0.1)
    loss.backward()
    assert float(loss.detach()) == 0
    assert torch.isfinite(one.grad).all()


def test_views_that_agree_and_differ_from_others_cost_nothing():
    one = torch.eye(4)
    good = info_nce(one, one, torch.arange(4), 0.05)
    bad = info_nce(one, one.roll(1, 0), torch.arange(4), 0.05)
    assert float(good) < 1e-6
    assert float(bad) > 1


def test_computed_in_float32():
    one = torch.randn(4, 8, dtype=torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = info_nce(one, one, torch.arange(4), 0.1)
    assert found.dtype == torch.float32
    assert torch.equal(found, info_nce(one, one, torch.arange(4), 0.1))


def many(users=300, length=5):
    step = torch.arange(users * length)
    return History(
        offsets=torch.arange(users + 1) * length,
        rows=step % length,
        actions=step,
        times=step,
        values=step.float(),
    ).padded(length)


def way(past, user):
    """In which way the history was varied."""
    rows = past.rows[user, : past.lengths[user]].tolist()
    if len(rows) < 5:
        return "crop"
    if HIDDEN in rows:
        return "mask"
    if max(rows) > 4:
        return "substitute"
    return "same" if rows == sorted(rows) else "reorder"


def test_each_history_is_varied_in_one_way():
    torch.manual_seed(0)
    alike = torch.arange(20)[:, None] + 10
    found = vary(many(), Views(crop=0.4, mask=0.4, reorder=0.9, substitute=0.4), alike)
    counts = Counter(way(found, user) for user in range(300))
    assert counts.keys() <= {"crop", "mask", "reorder", "substitute", "same"}
    assert all(50 < counts[name] < 100 for name in ("crop", "mask", "reorder", "substitute"))
    assert counts["same"] < 10
    # A step is hidden only where no item was changed and no step cut off or moved.
    hidden = [user for user in range(300) if way(found, user) == "mask"]
    for rows in found.rows[hidden].tolist():
        assert all(row in (HIDDEN, step) for step, row in enumerate(rows))


def test_a_way_that_is_left_out_does_not_come():
    torch.manual_seed(0)
    found = vary(many(), Views(crop=0.4, mask=0, reorder=0), torch.zeros(0, 0))
    assert {way(found, user) for user in range(300)} == {"crop"}
