# SPDX-License-Identifier: Apache-2.0
"""Items alike in what they are, not in who chose them: an answer for items that nobody has chosen yet.

Content-based filtering in the vector space model (Salton and McGill, 1983): each column of the item table is a
vector of length 1 (words by rarity, a number on an arc, content as its encoder gave it), a user is the mean of
what they did, and the score is the weighted sum of the columns' cosines.

Shape legend: N items, C columns, T tags of a row, W words of a vocabulary, D length of a column's vector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np
import torch
from scipy import sparse
from sklearn.utils.extmath import randomized_svd
from torch import Tensor
from torch.nn import functional

from penchant.errors import ConfigError, nearest
from penchant.models.recommender import ModelConfig, Range, Solved, VectorRecommender

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.batch import Items, Sizes, Users

_SAMPLE = 4096
"""Users from whom the columns' weights are learned."""
_WIDEST = 3.0
"""Deviations from the mean at which the arc of a number ends."""


class ContentKNN(Solved, VectorRecommender):
    """Cosines of what is known of the items, weighted by how well each column tells what people take up."""

    class Config(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of likeness by content."""

        size: Annotated[int, msgspec.Meta(ge=2, le=4096)] = 64
        """Longest vector of a column of words; a larger vocabulary is pressed into it by an SVD."""
        weights: dict[str, Annotated[float, msgspec.Meta(ge=0)]] | None = None
        """How much each column counts, those that are not named nothing; none: learned from what people did."""
        seed: int = 0
        """Of the decomposition and of the sample that weights are learned from."""

    space: ClassVar[dict[str, Range]] = {"size": Range(16, 512, log=True)}
    cold_items = True
    config: Config

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.columns = [*sizes.item_features, *sizes.content]
        for name in config.weights or {}:
            if name not in self.columns:
                raise ConfigError(
                    f"[model] weights: no column {name!r} is learned from{nearest(name, self.columns)}"
                )
        given = config.weights or dict.fromkeys(self.columns, 1.0)
        self._weights = torch.tensor([given.get(name, 0.0) for name in self.columns])
        # By column of words: the vector of each word, its length being the word's rarity.
        self._words = {name: torch.zeros(size, 1) for name, size in sizes.item_features.items() if size}
        self._rarity = {name: torch.zeros(size) for name, size in sizes.item_features.items() if size}

    def solve(self, users: Users) -> None:
        """Weigh words by rarity, find the directions of large vocabularies, and weigh the columns."""
        for name in self._words:
            self._fit_words(name, _table(users.catalogue.features[name]))
        if self.config.weights is None and self.columns:
            self._fit_weights(users)

    def _fit_words(self, name: str, tags_NT: Tensor) -> None:
        size = self.sizes.item_features[name]
        known = tags_NT > 1
        rows, words = torch.nonzero(known)[:, 0], tags_NT[known]
        counts = torch.bincount(words, minlength=size)
        rarity = torch.log((1 + len(tags_NT)) / (1 + counts.double())) + 1
        rarity[:2] = 0
        self._rarity[name] = rarity.float()
        if size <= self.config.size:
            self._words[name] = torch.diag(rarity).float()
            return
        cells = (rarity[words].numpy(), (rows.numpy(), words.numpy()))
        matrix = sparse.csr_array(cells, shape=(len(tags_NT), size))
        rank = min(self.config.size, len(tags_NT) - 1)
        directions = np.zeros((1, size))
        if rank > 0 and matrix.nnz:
            _, _, directions = randomized_svd(matrix, rank, n_iter=3, random_state=self.config.seed)
        self._words[name] = (torch.from_numpy(directions.T.copy()) * rarity[:, None]).float()

    def _fit_weights(self, users: Users) -> None:
        """Fisher's discriminant between what was done and what was done by others, with no weight below 0."""
        chance = torch.Generator().manual_seed(self.config.seed)
        # Chosen by the vocabulary's order, so that the order in which users come does not matter.
        active = torch.nonzero(users.history.lengths > 1).squeeze(1)
        active = active[torch.argsort(users.ids[active])]
        some = users.select(active[torch.randperm(len(active), generator=chance)[:_SAMPLE]])
        history = some.history
        if not len(history.rows):
            return
        owners, others = history.owners, (history.lengths - 1)[history.owners, None]
        drawn = history.rows[torch.randperm(len(history.rows), generator=chance)]
        clash = torch.isin(owners * len(users.catalogue) + drawn, owners * len(users.catalogue) + history.rows)
        gaps = []
        for vectors in self._vectors(users.catalogue):
            total = functional.embedding_bag(history.rows, vectors, history.offsets[:-1], mode="sum")[owners]
            done, other = vectors[history.rows], vectors[drawn]
            rest = (total - done) / others
            gaps.append(((done - other) * rest).sum(1))
        gaps_EC = torch.stack(gaps, 1)[~clash].double()
        if len(gaps_EC) < 2:
            return
        spread = torch.cov(gaps_EC.T).reshape(len(self.columns), -1)
        spread = spread + 1e-3 * torch.diag(spread.diagonal()) + 1e-9 * torch.eye(len(self.columns))
        weights = torch.linalg.solve(spread, gaps_EC.mean(0)).clamp(min=0)
        if weights.sum() > 0:
            self._weights = (weights / weights.sum()).float()

    def _vectors(self, items: Items) -> list[Tensor]:
        """[N, D] of each column, of length at most 1; 0 where nothing is known."""
        found = [self._column(name, items.features[name]) for name in self.sizes.item_features]
        return found + [functional.normalize(items.content[name][0], dim=1) for name in self.sizes.content]

    def _column(self, name: str, values: Tensor) -> Tensor:
        if name not in self._words:
            angle = values.clamp(-_WIDEST, _WIDEST) * (torch.pi / (2 * _WIDEST))
            return torch.stack([angle.cos(), angle.sin()], 1)
        tags_NT = _table(values)
        total = functional.embedding_bag(tags_NT, self._words[name], mode="sum")
        length = self._rarity[name][tags_NT].square().sum(1, keepdim=True).sqrt()
        return total / length.clamp(min=1e-9)

    def encode_item(self, items: Items) -> Tensor:
        """[N, sum of D]: the columns' vectors, each multiplied by the root of its weight."""
        vectors = self._vectors(items)
        if not vectors:
            return torch.zeros(len(items), 1)
        return torch.cat([v * w for v, w in zip(vectors, self._weights.sqrt(), strict=True)], 1)

    def encode_user(self, users: Users) -> Tensor:
        """[B, sum of D]: the mean of the history."""
        rows, local = torch.unique(users.history.rows, return_inverse=True)
        vectors = self.encode_item(users.catalogue.take(rows))
        if not len(rows):
            return vectors.new_zeros(len(users), vectors.shape[1])
        return functional.embedding_bag(local, vectors, users.history.offsets[:-1], mode="mean")

    def state(self) -> dict[str, Tensor]:
        """The columns' weights, and by column of words their vectors and rarities."""
        words = {f"words/{name}": vectors for name, vectors in self._words.items()}
        rarity = {f"rarity/{name}": values for name, values in self._rarity.items()}
        return {"weights": self._weights} | words | rarity

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state` returned."""
        self._weights = state["weights"]
        self._words = {name: state[f"words/{name}"] for name in self._words}
        self._rarity = {name: state[f"rarity/{name}"] for name in self._rarity}


def _table(values: Tensor) -> Tensor:
    """[N, T]: a category as a list of one tag."""
    return values if values.dim() == 2 else values[:, None]
