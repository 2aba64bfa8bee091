# SPDX-License-Identifier: Apache-2.0
"""SASRec: a causal Transformer over a user's history. Kang and McAuley, "Self-Attentive Sequential
Recommendation", ICDM 2018 (https://arxiv.org/abs/1808.09781), with a softmax over the whole catalogue, and with
all that `sequence` adds to the paper.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from penchant.models.layers import CausalBlock
from penchant.models.recommender import Range
from penchant.models.sequence import SequenceRecommender


class SASRec(SequenceRecommender):
    """Self-attentive sequential recommendation with a full softmax."""

    class Config(SequenceRecommender.Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of SASRec."""

        inner_size: Annotated[int, msgspec.Meta(ge=4)] = 256
        """Width of the feed-forward part."""

    space: ClassVar[dict[str, Range]] = {
        **SequenceRecommender.space,
        "inner_size": Range(choices=(64, 128, 256, 512)),
    }
    config: Config

    def make_block(self) -> CausalBlock:
        """Softmax attention and a feed-forward network."""
        config = self.config
        return CausalBlock(config.embedding_size, config.heads, config.inner_size, config.dropout)
