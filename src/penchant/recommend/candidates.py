# SPDX-License-Identifier: Apache-2.0
"""Candidates: what several sources find for each user, merged, and what each source says of each of them.

Shape legend: B users, N rows of the catalogue, C cases, S sources, F figures of a source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from penchant.rank.cases import FIGURES, Cases
from penchant.recommend.index import top_k

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from penchant.batch import Users

_MOST_DEVIATIONS = 8.0
"""A score that lies farther from the user's mean counts as if it lay there."""


@dataclass(frozen=True)
class Found:
    """What one source says of a batch of users.

    Attributes:
        rows: [B, K] the best rows, -1 where there are fewer.
        places: [B, N] int64, place from 0 of what is among them; K for all else.
        standing: [B, N] float32, deviations from the mean of the user's scores; 0 for what may not be given.
    """

    rows: Tensor
    places: Tensor
    standing: Tensor

    def figures(self, owners: Tensor, rows: Tensor) -> Tensor:
        """[C, F] of the pairs of user [C] and row [C]."""
        count = max(self.rows.shape[1], 1)
        place = self.places[owners, rows]
        # Places near the head differ more than those near the end.
        depth = torch.log1p(place.float()) / torch.log1p(torch.tensor(float(count)))
        return torch.stack([self.standing[owners, rows], depth, (place < count).float()], 1)


def find(scores: Tensor, count: int, order: Tensor) -> Found:
    """The best `count` of each row of `scores` [B, N], -inf where something may not be given.

    Args:
        scores: of one source.
        count: how many.
        order: [N] in what order equal scores come, as of `index.top_k`.
    """
    rows, _ = top_k(scores, count, order)
    size, width = scores.shape[1], rows.shape[1]
    # One column more takes what is not there.
    places = torch.full((len(scores), size + 1), width)
    places.scatter_(1, torch.where(rows < 0, size, rows), torch.arange(width).expand_as(rows))
    there = scores > -torch.inf
    held = torch.where(there, scores, 0.0)
    many = there.sum(1, keepdim=True).clamp(min=1)
    mean = held.sum(1, keepdim=True) / many
    apart = torch.where(there, scores - mean, 0.0)
    deviation = (apart.square().sum(1, keepdim=True) / many).sqrt().clamp(min=1e-9)
    return Found(rows, places[:, :size], (apart / deviation).clamp(-_MOST_DEVIATIONS, _MOST_DEVIATIONS))


def merge(users: Users, found: Sequence[Found]) -> Cases:
    """Whatever any source found, each pair of user and item once, in the order of users and rows."""
    size = found[0].places.shape[1]
    wanted = torch.zeros(len(users), size + 1, dtype=torch.bool)
    for one in found:
        wanted.scatter_(1, torch.where(one.rows < 0, size, one.rows), value=True)
    owners, rows = torch.nonzero(wanted[:, :size], as_tuple=True)
    return cases_of(users, owners, rows, found)


def cases_of(users: Users, owners: Tensor, rows: Tensor, found: Sequence[Found]) -> Cases:
    """The given pairs [C] of user and row, whoever found them; owners rise."""
    standing = torch.stack([one.figures(owners, rows) for one in found], 1)
    assert standing.shape[1:] == (len(found), FIGURES)
    return Cases(users=users, owners=owners, rows=rows, standing=standing)
