# SPDX-License-Identifier: Apache-2.0
"""Rules: which items may not be shown, whatever their score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from penchant.batch import History


def forbid_seen(scores: Tensor, history: History) -> None:
    """Set the score of everything in a user's own history to -inf, in place."""
    scores[history.owners, history.rows] = -torch.inf


def forbid(scores: Tensor, rows: Tensor) -> None:
    """Set the score of the given catalogue rows to -inf for everyone, in place."""
    scores[:, rows] = -torch.inf


def allow_only(scores: Tensor, rows: Tensor) -> None:
    """Set the score of all but the given catalogue rows to -inf, in place."""
    others = torch.ones(scores.shape[1], dtype=torch.bool)
    others[rows] = False
    scores[:, others] = -torch.inf
