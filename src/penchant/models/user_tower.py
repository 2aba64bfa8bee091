# SPDX-License-Identifier: Apache-2.0
"""What is known of users beyond which items they did: the circumstances of each step, and how they stand.

Shape legend: B users, L steps of a history, D embedding size, A signals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional

from penchant.models.layers import FeatureEmbedding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.batch import Users


def known(users: Users, profile: FeatureEmbedding) -> Tensor:
    """[B] bool: those who did something, or of whose columns in `profile` something that training saw is known."""
    done_B = users.history.lengths > 0
    return done_B | profile.told(users.features) if profile.sizes else done_B


class StepContext(nn.Module):
    """What was known when each step of a history began, as one vector a step.

    Args:
        sizes: per column, as `Sizes.context` has it.
        dim: length of the vectors.
    """

    def __init__(self, sizes: Mapping[str, int], dim: int) -> None:
        super().__init__()
        self.columns = FeatureEmbedding(sizes, dim)

    def forward(self, context: Mapping[str, Tensor]) -> Tensor | float:
        """[B, L, D] of columns [B, L] or [B, L, W]; 0.0 where there is none."""
        if not self.columns.sizes:
            return 0.0
        flat = {name: context[name].flatten(0, 1) for name in self.columns.sizes}
        found: Tensor = self.columns(flat)
        return found.view(*next(iter(context.values())).shape[:2], -1)


class Signals(nn.Module):
    """What is foretold changes with signals: what the user and their friends did of late, and what they wrote.

    They come in when all else is known, not in each step: of the steps before, nobody keeps how signals stood.

    Args:
        count: A.
        dim: length of the vectors.
    """

    def __init__(self, count: int, dim: int) -> None:
        super().__init__()
        self.expand = nn.Linear(count, dim)
        self.contract = nn.Linear(dim, dim)
        # What may turn out to say nothing starts as nothing.
        nn.init.zeros_(self.contract.weight)
        nn.init.zeros_(self.contract.bias)

    def forward(self, signals: Tensor) -> Tensor:
        """[.., D] of [.., A]."""
        found: Tensor = self.contract(functional.gelu(self.expand(signals)))
        return found
