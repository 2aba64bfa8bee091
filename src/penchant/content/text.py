# SPDX-License-Identifier: Apache-2.0
"""Text as TF-IDF over hashed words and character n-grams, pressed to a short vector by an SVD (LSA).

Latent semantic analysis after Deerwester et al. (1990). Words carry meaning where words are parted by
spaces; character n-grams carry it where they are not (Chinese, Japanese), and across endings (Russian).
Hashing needs no vocabulary, so the fitted state is three small arrays.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
import torch
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd

from penchant.batch import ContentSize
from penchant.content.encoder import ContentEncoder, Note, unheard
from penchant.content.excerpt import TextConfig, cut
from penchant.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from torch import Tensor

_BUCKETS = 2**18
_WORD = r"(?u)\w+"


class TfidfEncoder(ContentEncoder):
    """Hashed TF-IDF, then a truncated SVD; vectors have length 1."""

    class Config(TextConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of the light text encoder."""

        size: Annotated[int, msgspec.Meta(ge=2, le=1024)] = 64
        """Length of a vector."""
        most_terms: Annotated[int, msgspec.Meta(ge=10)] = 50_000
        """The most frequent terms that are kept; memory is `most_terms * size * 4` bytes."""
        seed: int = 0

    reads = Kind.TEXT
    cheap = True
    scaled = False
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._terms = torch.zeros(0, dtype=torch.int64)
        self._weights = torch.zeros(0)
        self._directions = torch.zeros(0, config.size)

    @property
    def size(self) -> ContentSize:
        """A vector."""
        return ContentSize.vector(self.config.size)

    @cached_property
    def _hashers(self) -> tuple[Any, Any]:
        words = HashingVectorizer(
            n_features=_BUCKETS, alternate_sign=False, norm=None, token_pattern=_WORD, ngram_range=(1, 2)
        )
        letters = HashingVectorizer(
            n_features=_BUCKETS, alternate_sign=False, norm=None, analyzer="char_wb", ngram_range=(2, 4)
        )
        return words, letters

    def _counts(self, texts: list[str]) -> Any:
        """[n, 2 * buckets] sparse: damped counts of words and of character n-grams."""
        counts = sparse.hstack([hasher.transform(texts) for hasher in self._hashers], format="csr")
        counts.data = 1.0 + np.log(counts.data)
        return counts

    def _weighted(self, counts: Any) -> Any:
        kept = counts[:, self._terms.numpy()]
        return normalize(kept.multiply(self._weights.numpy()).tocsr())

    def fit(self, values: pl.Series) -> None:
        """Choose the terms, weigh them by rarity, find the directions."""
        texts = cut(values.drop_nulls(), self.config.max_characters).to_list()
        if not texts:
            return
        counts = self._counts(texts)
        frequency = np.bincount(counts.indices, minlength=counts.shape[1])
        # A term of a single text says nothing about its likeness to another.
        useful = np.flatnonzero(frequency >= min(2, len(texts)))
        order = np.lexsort((useful, -frequency[useful]))[: self.config.most_terms]
        terms = np.sort(useful[order])
        self._terms = torch.from_numpy(terms.astype(np.int64))
        rarity = np.log((1 + len(texts)) / (1 + frequency[terms])) + 1
        self._weights = torch.from_numpy(rarity.astype(np.float32))
        directions = torch.zeros(len(terms), self.config.size)
        rank = min(self.config.size, min(len(texts), len(terms)) - 1)
        if rank > 0:
            _, _, found = randomized_svd(self._weighted(counts), rank, n_iter=5, random_state=self.config.seed)
            directions[:, :rank] = torch.from_numpy(found.T.astype(np.float32))
        self._directions = directions

    def encode(self, values: pl.Series, note: Note = unheard) -> tuple[Tensor, Tensor]:
        """(vectors [n, size], present [n]); a text none of whose terms is known counts as absent."""
        vectors = self.size.nothing(len(values))
        if len(self._terms) and len(values):
            texts = cut(values, self.config.max_characters, note)
            weighted = self._weighted(self._counts(texts.fill_null("").to_list()))
            vectors = torch.from_numpy(np.asarray(weighted @ self._directions.numpy(), dtype=np.float32))
        length = vectors.norm(dim=1, keepdim=True)
        present = length.squeeze(1) > 1e-6
        return torch.where(present[:, None], vectors / length.clamp(min=1e-6), 0.0), present

    def state(self) -> dict[str, Tensor]:
        """Terms, weights and directions."""
        return {"terms": self._terms, "weights": self._weights, "directions": self._directions}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state` returned."""
        self._terms, self._weights = state["terms"], state["weights"]
        self._directions = state["directions"]
