# SPDX-License-Identifier: Apache-2.0
"""Lists put together one item after another, so that the list as a whole is good: diversity and caps.

Shape legend: B lists, P candidates of each, K places, D size of a vector, T words of an item.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    Near = Callable[[Tensor], Tensor]

_LEAST = 1e-10
"""What is left of a candidate that the chosen ones already say everything of; its logarithm is finite."""


class Method(StrEnum):
    """How unlike the items of a list should be."""

    MMR = "mmr"
    """Each item as unlike as can be to the one chosen before that is nearest to it: maximal marginal relevance
    (Carbonell and Goldstein, SIGIR 1998)."""
    DPP = "dpp"
    """All items together span as much as can be: a determinantal point process, chosen greedily (Chen, Zhang and
    Zhou, NeurIPS 2018, https://arxiv.org/abs/1709.05135)."""


class Cap:
    """At most `most` items of one word in a list.

    Args:
        codes: [B, P, T] int64: the words of each candidate, counted from 1; 0 where there is none.
        most: how many.
    """

    def __init__(self, codes: Tensor, most: int) -> None:
        # Only words of these candidates are counted: the table is small in a catalogue of any size.
        words, local = torch.unique(codes, return_inverse=True)
        self._codes, self._most = local, most
        self._counts = torch.zeros(len(codes), len(words), dtype=torch.int64)
        self._real = words[local] > 0

    def full(self) -> Tensor:
        """[B, P] bool: a word of this candidate has been taken as often as it may be."""
        b, p, t = self._codes.shape
        taken = self._counts.gather(1, self._codes.view(b, p * t)).view(b, p, t)
        full: Tensor = ((taken >= self._most) & self._real).any(2)
        return full

    def take(self, places: Tensor, there: Tensor) -> None:
        """Count the words of candidate `places` [B], where `there` [B]."""
        chosen = torch.arange(len(places))
        words = self._codes[chosen, places]
        counted = (self._real[chosen, places] & there[:, None]).long()
        self._counts.scatter_add_(1, words, counted)


class _Unlike(ABC):
    """What each candidate would add to the chosen ones, apart from its own relevance.

    Args:
        near: of [B] positions, [B, P] how near every candidate is to them: 1 is the same, 0 unrelated.
        shape: (B, P).
        places: how many will be taken at most.
    """

    @abstractmethod
    def __init__(self, near: Near, shape: tuple[int, int], places: int) -> None: ...

    @abstractmethod
    def gain(self) -> Tensor:
        """[B, P]: the higher, the more it adds."""

    @abstractmethod
    def take(self, chosen: Tensor) -> None:
        """Candidates `chosen` [B] are taken."""


class _Nearest(_Unlike):
    """Maximal marginal relevance: how near the nearest taken item is, against."""

    def __init__(self, near: Near, shape: tuple[int, int], places: int) -> None:  # noqa: ARG002 - needs no room
        self._near = near
        self._worst = torch.zeros(shape)

    def gain(self) -> Tensor:
        return -self._worst

    def take(self, chosen: Tensor) -> None:
        self._worst = torch.maximum(self._worst, self._near(chosen))


class _Volume(_Unlike):
    """A determinantal point process: the logarithm of how much volume a candidate adds.

    One row of the Cholesky factor is added for each chosen item, so a step costs P times the number of items
    chosen so far.
    """

    def __init__(self, near: Near, shape: tuple[int, int], places: int) -> None:
        self._near = near
        self._left = torch.ones(shape)
        self._rows = torch.zeros(*shape, places)
        self._done = 0

    def gain(self) -> Tensor:
        return torch.log(self._left.clamp(min=_LEAST))

    def take(self, chosen: Tensor) -> None:
        lists = torch.arange(len(chosen))
        rows = self._rows[:, :, : self._done]
        known = (rows @ rows[lists, chosen][:, :, None]).squeeze(2)
        left = self._left[lists, chosen][:, None]
        new = (self._near(chosen) - known) / left.clamp(min=_LEAST).sqrt()
        # Who adds no direction of their own takes none from the others.
        new = torch.where(left > _LEAST, new, 0.0)
        self._rows[:, :, self._done] = new
        self._left = self._left - new.square()
        self._done += 1


_WAYS: dict[Method, type[_Unlike]] = {Method.MMR: _Nearest, Method.DPP: _Volume}


def choose(
    relevance: Tensor,
    k: int,
    *,
    near: Near | None = None,
    method: Method = Method.MMR,
    weight: float = 0.0,
    caps: Sequence[Cap] = (),
) -> Tensor:
    """Positions of the k candidates that make the best lists, in their order.

    Each place goes to the candidate with the highest (1 - weight) * relevance + weight * what it adds; of equal
    ones to the first.

    Args:
        relevance: [B, P] float32; -inf where there is no candidate. Brought to 0..1 in each list.
        k: places.
        near: of [B] positions, [B, P] how near every candidate is to them; None where weight is 0.
        method: what unlike means.
        weight: 0 for relevance alone, 1 for difference alone.
        caps: what may not come too often; a candidate that would break one is passed over.

    Returns:
        [B, min(k, P)] int64; -1 where no candidate is left that may be taken.
    """
    b, p = relevance.shape
    k = min(k, p)
    if not p:
        return torch.zeros(b, 0, dtype=torch.int64)
    worth = _scaled(relevance) * (1 - weight)
    open_ = relevance > -torch.inf
    unlike = _WAYS[method](near, (b, p), k) if near is not None and weight else None
    order = torch.full((b, k), -1, dtype=torch.int64)
    # One step a place: the lists of all users grow together.
    for place in range(k):
        gain = worth if unlike is None else worth + weight * unlike.gain()
        free = open_.clone()
        for cap in caps:
            free &= ~cap.full()
        # argmax takes the first of equal ones.
        best = torch.where(free, gain, -torch.inf).argmax(1)
        there = free.any(1)
        order[:, place] = torch.where(there, best, -1)
        open_[torch.arange(b), best] &= ~there
        for cap in caps:
            cap.take(best, there)
        if unlike is not None:
            unlike.take(best)
    return order


def _scaled(relevance: Tensor) -> Tensor:
    """Each row brought to 0..1; 0 where there is no candidate."""
    there = relevance > -torch.inf
    low = torch.where(there, relevance, torch.inf).amin(1, keepdim=True)
    high = relevance.amax(1, keepdim=True)
    span = (high - low).clamp(min=1e-12)
    return torch.where(there, (relevance - low) / span, 0.0)
