# SPDX-License-Identifier: Apache-2.0
"""An index: which items' vectors have the greatest dot product with a user's, without looking at all of them.

One pass over short codes of all vectors (4 bits a number, compared by the processor's shuffles; no clusters,
so that it is made in seconds) finds some thousands, those are looked at in half precision, and what is left in
single precision, so that scores are those of the whole product. How many are looked at is chosen when the index is
made: so many that it finds what the whole product finds, measured on vectors of users.

A change is cheap: vectors that came since are kept beside and compared one by one, those they replace count no
more, and when there are many the index is made anew.

Shape legend: B queries, N vectors, D their length, K found, M changed.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from penchant.errors import MissingExtraError

if TYPE_CHECKING:
    from types import ModuleType

LOG = logging.getLogger(__name__)

LEAST = 50_000
"""Vectors from which on an index is faster than the whole product by more than it costs to keep."""
RECALL = 0.99
"""Share of what the whole product finds that is to be found."""
MEASURED_AT = 100
"""Of so many best items."""

_DEPTHS = (1000, 2000, 5000, 10_000, 20_000, 40_000)
"""How many are looked at in half precision."""
_CLOSER = 25
"""Where more than one vector in so many would be, to look at all in half precision takes no longer (measured)."""
_TRAINED_ON = 50_000
_AT_ONCE = 16
"""Queries of which the whole product is held: 64 MB for a million vectors."""
_BESIDE = 0.02
"""Share of the vectors that may lie beside before the index is made anew."""
_LEAST_BESIDE = 1000


@dataclass(frozen=True, kw_only=True)
class Nearest:
    """An index over N vectors.

    Attributes:
        vectors: [N, D] float32.
        codes: the library's index over the first vectors, which is never changed.
        coded: how many those are.
        depth: how many are looked at in half precision; None where all are.
        recall: what share of the `MEASURED_AT` best it found when it was made.
        beside: [M] rows, rising, whose vectors came or changed since.
        queries: [B, D] by which it was chosen.
    """

    vectors: Tensor
    codes: Any
    coded: int
    depth: int | None
    recall: float
    beside: Tensor
    queries: Tensor

    @classmethod
    def over(cls, vectors: Tensor, queries: Tensor) -> Nearest:
        """Make one.

        Args:
            vectors: [N, D] float32.
            queries: [B, D] such as will be asked, to choose by; B at least 1.

        Raises:
            MissingExtraError: the library is not installed.
        """
        begin = time.perf_counter()
        most = min(MEASURED_AT, len(vectors))
        best = torch.cat(
            [
                (queries[start : start + _AT_ONCE] @ vectors.T).topk(most, dim=1).indices
                for start in range(0, len(queries), _AT_ONCE)
            ]
        )
        nothing = torch.zeros(0, dtype=torch.int64)
        made = cls(
            vectors=vectors, codes=_codes(vectors, short=True), coded=len(vectors), depth=0, recall=0.0,
            beside=nothing, queries=queries,
        )  # fmt: skip
        for depth in _DEPTHS:
            made = replace(made, depth=depth)
            made = replace(made, recall=made.measured(queries, best))
            if made.recall >= RECALL or depth * _CLOSER > len(vectors):
                break
        if made.recall < RECALL:
            made = replace(made, codes=_codes(vectors, short=False), depth=None)
            made = replace(made, recall=made.measured(queries, best))
        LOG.info(
            "index over %s vectors: recall@%d %.4f on %d users, %s looked at closely, made in %.1f s",
            f"{len(vectors):,}", MEASURED_AT, made.recall, len(queries), made.depth or "all",
            time.perf_counter() - begin,
        )  # fmt: skip
        return made

    def measured(self, queries: Tensor, best: Tensor) -> float:
        """Share of `best` [B, K], the rows that the whole product finds for `queries` [B, D], that this finds."""
        rows, _ = self.search(queries, best.shape[1])
        shift = torch.arange(len(rows))[:, None] * (len(self.vectors) + 1)
        return float(torch.isin(best + shift, rows + shift).float().mean())

    def search(self, queries: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The best `count` of all vectors for each of `queries` [B, D], or nearly.

        Returns:
            [B, K] int64 rows, best first, and [B, K] float32 their products; K is `count`, or N if that is less.
        """
        count = min(count, len(self.vectors))
        # Those that count no more may stand among the best.
        most = min(count + len(self.beside), self.coded)
        found = self._coded(queries, most)
        scores = (self.vectors[found.clamp(min=0)] @ queries[:, :, None]).squeeze(2)
        scores = scores.masked_fill((found < 0) | torch.isin(found, self.beside), -torch.inf)
        if len(self.beside):
            found = torch.cat([found, self.beside.expand(len(found), -1)], 1)
            scores = torch.cat([scores, queries @ self.vectors[self.beside].T], 1)
        best = scores.topk(min(count, scores.shape[1]), dim=1)
        return found.gather(1, best.indices), best.values

    def changed(self, vectors: Tensor, rows: Tensor) -> Nearest:
        """The same over `vectors` [N', D], of which only `rows` [M] are others than they were, or new.

        Args:
            vectors: rows stay what they are; new ones stand at the end.
            rows: which.
        """
        beside = torch.unique(torch.cat([self.beside, rows]))
        if len(beside) > max(_BESIDE * len(vectors), _LEAST_BESIDE):
            return Nearest.over(vectors, self.queries)
        return replace(self, vectors=vectors, beside=beside)

    def _coded(self, queries: Tensor, count: int) -> Tensor:
        """[B, count] int64 rows by the codes, -1 where the library found fewer."""
        asked = queries.contiguous().numpy()
        if self.depth is None:
            return torch.from_numpy(self.codes.search(asked, count)[1])
        depth = max(self.depth, 2 * count) / count
        parameters = _faiss().IndexRefineSearchParameters(k_factor=depth)
        return torch.from_numpy(self.codes.search(asked, count, params=parameters)[1])


def _codes(vectors: Tensor, *, short: bool) -> Any:
    """The library's index: of each number a code of half a byte, and half precision beside it; or that alone."""
    faiss = _faiss()
    numbers = vectors.contiguous().numpy()
    width = numbers.shape[1]
    # One code for two numbers takes hardly less time and finds far less: .86 against .98 of the best 100, of
    # 300,000 vectors of the simulated shop, where 5,000 are looked at closely.
    kind = f"PQ{width}x4fs,Refine(SQfp16)" if short else "SQfp16"
    made = faiss.index_factory(width, kind, faiss.METRIC_INNER_PRODUCT)
    chance = np.random.default_rng(0)
    some = chance.choice(len(numbers), min(_TRAINED_ON, len(numbers)), replace=False)
    made.train(numbers[some])
    made.add(numbers)
    return made


def _faiss() -> ModuleType:
    try:
        import faiss  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("an index over the items' vectors", "ann") from error
    found: ModuleType = faiss
    return found
