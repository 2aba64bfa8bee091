# SPDX-License-Identifier: Apache-2.0
"""The keys of a run file lead to the loss that they name."""

from __future__ import annotations

import pytest
import torch

import worlds
from penchant.errors import ConfigError
from penchant.models import losses
from penchant.models.objective import Objective, ObjectiveConfig

NEGATIVE = {
    "sampled_softmax": losses.sampled_softmax,
    "gbce": lambda *given: losses.gbce(*given, n_items=worlds.ITEMS + worlds.COLD, calibration=0.4),
    "bpr": losses.bpr,
}


@pytest.fixture(scope="module")
def users():
    return worlds.train("popularity", worlds.checkerboard()).everyone()


def given():
    torch.manual_seed(0)
    hidden, table = torch.randn(3, 4), torch.randn(worlds.ITEMS + worlds.COLD, 4)
    return hidden, table, torch.tensor([[1], [2], [3]]), torch.ones(3, 1)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_softmax_looks_at_all_items(users, smoothing):
    objective = Objective(ObjectiveConfig(label_smoothing=smoothing))
    objective.begin(users)
    assert objective.draw(torch.tensor([1, 2, 3])) is None
    wanted = losses.softmax_cross_entropy(*given(), smoothing=smoothing)
    assert torch.equal(objective(*given(), None), wanted)


@pytest.mark.parametrize("loss", NEGATIVE)
def test_the_others_look_at_negatives(users, loss):
    objective = Objective(ObjectiveConfig(loss=loss, negative_count=7, shared_negatives=False, calibration=0.4))
    objective.begin(users)
    hidden, table, targets, shares = given()
    drawn = objective.draw(targets[:, 0])
    assert drawn.rows.shape == (3, 7)
    assert torch.equal(
        objective(hidden, table, targets, shares, drawn), NEGATIVE[loss](hidden, table, targets, drawn, shares)
    )


def test_popularity_is_that_of_the_users_whom_it_learns_from(users):
    objective = Objective(
        ObjectiveConfig(loss="bpr", negatives="popularity", negative_count=1000, negative_power=2.0)
    )
    objective.begin(users)
    drawn = objective.draw(torch.tensor([1]))
    events = users.history.rows.bincount(minlength=worlds.ITEMS + worlds.COLD).double().square()
    assert drawn.log_count.exp().tolist() == pytest.approx((1000 * events / events.sum())[drawn.rows].tolist())
    assert drawn.rows.max() < worlds.ITEMS


def test_negatives_need_to_know_whom_the_model_learns_from():
    with pytest.raises(RuntimeError, match="begin comes first"):
        Objective(ObjectiveConfig(loss="gbce")).draw(torch.tensor([1]))


def test_label_smoothing_of_another_loss_is_refused():
    with pytest.raises(ConfigError, match=r"label_smoothing.*sampled_softmax"):
        Objective(ObjectiveConfig(loss="sampled_softmax", label_smoothing=0.1))


@pytest.mark.parametrize("loss", NEGATIVE)
@pytest.mark.parametrize("shared", [True, False])
def test_many_targets_of_one_position_are_as_many_positions(users, loss, shared):
    config = ObjectiveConfig(loss=loss, negative_count=7, shared_negatives=shared, calibration=0.4)
    objective = Objective(config)
    objective.begin(users)
    hidden, table, targets, shares = given()
    drawn, owners = objective.draw(targets[:, 0]), torch.tensor([0, 0, 2])
    found = objective.by_owner(hidden, table, targets[:, 0], owners, drawn)
    torch.testing.assert_close(found, NEGATIVE[loss](hidden[owners], table, targets, drawn, shares))
