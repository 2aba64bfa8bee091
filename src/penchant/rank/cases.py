# SPDX-License-Identifier: Apache-2.0
"""Cases: an item that may be shown to somebody, and what the sources of candidates say of the pair.

Shape legend: Q questions (each a user at a moment), C cases, S sources, F figures of a source, T tasks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from penchant.batch import Users

FIGURES = 3
"""What a source says of a case: how its score stands to the user's other scores, at which place, and whether that
is among those that it found."""


@dataclass(frozen=True, kw_only=True)
class Cases:
    """Cases of some questions, those of one question side by side.

    Attributes:
        users: the Q users, as they stood when they were asked; `rows` point into their catalogue.
        owners: [C] int64, whose case it is, rising.
        rows: [C] int64, catalogue row.
        standing: [C, S, F] float32, see `FIGURES`.
        positions: [C] int64, the place from 1 at which it was shown; 0 where it is not known. None at an answer.
        labels: [C, T] float32, what came of it; NaN where a task says nothing of the case. None at an answer.
    """

    users: Users
    owners: Tensor
    rows: Tensor
    standing: Tensor
    positions: Tensor | None = None
    labels: Tensor | None = None

    def __len__(self) -> int:
        return int(self.owners.shape[0])

    def select(self, questions: Tensor, keep: Tensor | None = None) -> Cases:
        """The cases of the questions [M], in that order, those of them that `keep` [C] (bool) has.

        Args:
            questions: distinct positions 0 to Q - 1.
            keep: None for all.
        """
        place = torch.full((len(self.users),), -1)
        place[questions] = torch.arange(len(questions))
        owners = place[self.owners]
        wanted = owners >= 0 if keep is None else (owners >= 0) & keep
        found = torch.nonzero(wanted).squeeze(1)
        found = found[torch.argsort(owners[found], stable=True)]
        return replace(self.pick(found), users=self.users.select(questions), owners=owners[found])

    def pick(self, which: Tensor) -> Cases:
        """Some cases [M] of the same questions; their owners still rise."""
        return Cases(
            users=self.users,
            owners=self.owners[which],
            rows=self.rows[which],
            standing=self.standing[which],
            positions=None if self.positions is None else self.positions[which],
            labels=None if self.labels is None else self.labels[which],
        )

    def unplaced(self) -> Cases:
        """The same as at an answer: nobody knows where anything will stand."""
        return replace(self, positions=None)

    def some_negatives(self, most: int) -> Tensor:
        """[C] bool: every case that something came of, and at random `most` others of each question."""
        if self.labels is None:
            raise ValueError("only cases with labels have negatives")
        positive = (self.labels.nan_to_num(nan=0.0) != 0).any(1)
        # By owner, then the positive ones, then by lot: the place in that order says who is kept.
        keys = self.owners.double() * 2 + torch.rand(len(self), dtype=torch.float64) * (~positive)
        order = torch.argsort(keys)
        taken = positive.long()
        starts = torch.bincount(self.owners, minlength=len(self.users)).cumsum(0)
        starts = torch.cat([starts.new_zeros(1), starts[:-1]])
        positives = torch.zeros(len(self.users), dtype=torch.int64).index_add_(0, self.owners, taken)
        owners = self.owners[order]
        places = torch.arange(len(self)) - starts[owners]
        keep = torch.empty_like(positive)
        keep[order] = places < positives[owners] + most
        return keep
