# SPDX-License-Identifier: Apache-2.0
"""The one road to a ranked list. The evaluator, the batch command and the service all take it.

A model scores the catalogue; or it finds candidates, others do too, and a second stage ranks them. Then come
rules.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from penchant.batch import replaced
from penchant.models.recommender import Learned, VectorRecommender
from penchant.recommend import rules
from penchant.recommend.errors import WishError
from penchant.recommend.index import top_k
from penchant.recommend.nearest import Nearest
from penchant.recommend.ranking import Allowed

if TYPE_CHECKING:
    from penchant.batch import Users
    from penchant.features.catalogue import Catalogue
    from penchant.features.space import FeatureSpace
    from penchant.models.recommender import Recommender
    from penchant.recommend.greedy import Near
    from penchant.recommend.ranking import SecondStage
    from penchant.recommend.wishes import Ready

_AT_ONCE = 100
"""How many more than are wanted an index is asked for at first: some of what it finds may not be given."""
_ALL = 8
"""Where more than one item in so many would have to be looked for, all are scored instead."""
_REASONS_FROM = 50
"""How many of the last events may be named as a reason."""


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """Ranked lists.

    Attributes:
        rows: [B, K] int64, catalogue rows, best first; -1 where a list is shorter.
        scores: [B, K] float32; -inf where a list is shorter.
    """

    rows: Tensor
    scores: Tensor

    def listed(self) -> tuple[list[int], list[float]]:
        """The first list, without its empty places: rows, and their scores."""
        rows, scores = self.rows[0], self.scores[0]
        there = rows >= 0
        return rows[there].tolist(), scores[there].tolist()


class Pipeline:
    """A model over a catalogue.

    Args:
        model: a fitted model.
        space: the feature space that the model was fitted in.
        catalogue: what can be recommended.
        item_vectors: [N, D] of the catalogue, if they are at hand; otherwise they are computed when needed.
        withdrawn: catalogue rows that are not on offer: nobody gets them, but histories may hold them.
        second: what ranks what the model finds; None: the model's own order counts.
    """

    def __init__(
        self,
        model: Recommender,
        space: FeatureSpace,
        catalogue: Catalogue,
        item_vectors: Tensor | None = None,
        withdrawn: Tensor | None = None,
        second: SecondStage | None = None,
    ) -> None:
        if isinstance(model, Learned):
            model.eval()
        if second is not None:
            second.ranker.eval()
        self.model = model
        self.space = space
        self.catalogue = catalogue
        self._given_vectors = item_vectors
        self._withdrawn = withdrawn
        self.second = second
        self.index: Nearest | None = None

    def indexed(self, queries: Tensor) -> Pipeline:
        """The same, which finds the best items of many through an index: nearly always the same ones.

        Args:
            queries: [B, D] of users such as will ask; B at least 1.

        Raises:
            MissingExtraError: the library of indexes is not installed.
            ValueError: the model has no vectors, or they change with every event.
        """
        if self.item_vectors is None:
            raise ValueError("an index is over vectors of items, and there are none")
        made = Pipeline(self.model, self.space, self.catalogue, self.item_vectors, self._withdrawn, self.second)
        made.index = Nearest.over(self.item_vectors, queries)
        return made

    @cached_property
    def item_vectors(self) -> Tensor | None:
        """[N, D] of the catalogue, or None for a model that has no vectors."""
        if self.model.uses_signals:
            return None  # they change with every event
        if self._given_vectors is not None or not isinstance(self.model, VectorRecommender):
            return self._given_vectors
        with torch.inference_mode():
            return self.model.encode_item(self.catalogue.items)

    @cached_property
    def _directions(self) -> Tensor | None:
        vectors = self.item_vectors
        return None if vectors is None else functional.normalize(vectors, dim=1)

    @property
    def uses_signals(self) -> bool:
        """Whether anybody here looks at what is counted of users and items."""
        return self.model.uses_signals or (self.second is not None and self.second.uses_signals)

    @cached_property
    def popular_first(self) -> Tensor:
        """[N] catalogue rows, those first of which training saw most, and most lately; among equals the lower row.

        Equal scores come in this order. So somebody of whom nothing is known, or only items that lead nowhere, is
        shown what most people take up, whichever model it is that cannot tell them from anyone else.
        """
        return torch.argsort(self.space.popularity[self.catalogue.items.ids], descending=True, stable=True)

    @cached_property
    def _hidden(self) -> Tensor | None:
        """Rows that nobody gets: the model can say nothing of them, or they are withdrawn. None for no such."""
        parts = [] if self._withdrawn is None else [self._withdrawn]
        if not self.model.cold_items:
            parts.append(torch.nonzero(self.catalogue.items.ids <= 1).squeeze(1))
        rows = torch.cat(parts) if parts else torch.zeros(0)
        return rows if len(rows) else None

    @cached_property
    def _given(self) -> Tensor:
        """[N] bool: what may be given to anybody."""
        given = torch.ones(len(self.catalogue), dtype=torch.bool)
        if self._hidden is not None:
            given[self._hidden] = False
        return given

    def changed(self, fresh: Catalogue) -> Pipeline:
        """The same model over a catalogue with the items of `fresh`, which alone are encoded."""
        catalogue, rows = self.catalogue.changed(fresh)
        return self.over(catalogue, rows, fresh)

    def over(self, catalogue: Catalogue, rows: Tensor, fresh: Catalogue) -> Pipeline:
        """The same over `catalogue`, which came of this pipeline's by `fresh` [M] in the places `rows` [M]."""
        vectors = self.item_vectors
        if vectors is not None and isinstance(self.model, VectorRecommender):
            with torch.inference_mode():
                vectors = replaced(vectors, rows, self.model.encode_item(fresh.items), len(catalogue))
        second = self.second and self.second.over(catalogue, rows, fresh)
        longer = Pipeline(self.model, self.space, catalogue, vectors, self._withdrawn, second)
        if self.index is not None and vectors is not None:
            longer.index = self.index.changed(vectors, rows)
        return longer

    def without(self, withdrawn: Tensor) -> Pipeline:
        """The same with these catalogue rows withdrawn, and no others."""
        second = self.second and self.second.without(withdrawn)
        fewer = Pipeline(self.model, self.space, self.catalogue, self.item_vectors, withdrawn, second)
        fewer.index = self.index
        return fewer

    def alone(self) -> Pipeline:
        """The same without its second stage."""
        return Pipeline(self.model, self.space, self.catalogue, self.item_vectors, self._withdrawn)

    def knows(self, row: int) -> bool:
        """Whether the model can say anything of the item in a catalogue row."""
        return self.model.cold_items or int(self.catalogue.items.ids[row]) > 1

    def score(self, users: Users) -> Tensor:
        """[B, N] float32: every item by the model, nothing left out. May be a shared buffer: copy to keep."""
        with torch.inference_mode():
            if isinstance(self.model, VectorRecommender) and self.item_vectors is not None:
                return self.model.encode_user(users) @ self.item_vectors.T
            items = users.catalogue if self.model.uses_signals else self.catalogue.items
            return self.model.score(users, items)

    def recommend(
        self,
        users: Users,
        k: int,
        *,
        exclude_seen: bool = True,
        exclude: Tensor | None = None,
        within: Tensor | None = None,
        wishes: Ready | None = None,
    ) -> Ranked:
        """The k best items of each user.

        Args:
            users: B users, whose histories point into this pipeline's catalogue.
            k: at most this many; lists are shorter where fewer items are left.
            exclude_seen: leave out what is in the user's own history.
            exclude: [M] catalogue rows that nobody gets.
            within: [M] catalogue rows that alone may be given.
            wishes: what else is wished of the lists, over this pipeline's catalogue.

        Raises:
            WishError: the model cannot do what is wished.
        """
        with torch.inference_mode():
            if self.index is not None and self.second is None and within is None and wishes is None:
                found = self._through(self.index, users, k, exclude_seen, exclude)
                if found is not None:
                    return found
            allowed = Allowed(exclude_seen=exclude_seen, exclude=exclude, within=within)
            if self.second is None:
                scores = self.offered(users, allowed)
            else:
                # Candidates are looked for among what the wish leaves: else few might pass it.
                scores = self.second.scores(
                    self, users, replace(allowed, which=wishes.allowed if wishes else None)
                )
            if wishes is None:
                rows, best = top_k(scores, k, self.popular_first)
            else:
                wishes.change(scores)
                rows, best = wishes.choose(scores, k, self._likeness, self.popular_first)
            return Ranked(rows=rows, scores=best)

    def offered(self, users: Users, allowed: Allowed) -> Tensor:
        """[B, N] float32: the model's scores, a copy; -inf for what may not be given."""
        with torch.inference_mode():
            scores = self.score(users).clone()
            if allowed.exclude_seen:
                rules.forbid_seen(scores, users.history)
            if self._hidden is not None:
                rules.forbid(scores, self._hidden)
            if allowed.exclude is not None:
                rules.forbid(scores, allowed.exclude)
            if allowed.within is not None:
                rules.allow_only(scores, allowed.within)
            if allowed.which is not None:
                scores[:, ~allowed.which] = -torch.inf
            return scores

    def _through(
        self, index: Nearest, users: Users, k: int, exclude_seen: bool, exclude: Tensor | None
    ) -> Ranked | None:
        """As `recommend`, through an index; None where it cannot tell, and all must be scored."""
        assert isinstance(self.model, VectorRecommender)
        queries = self.model.encode_user(users)
        given = self._given
        if exclude is not None:
            given = given.clone()
            given[exclude] = False
        n, count = len(self.catalogue), k + _AT_ONCE
        owners, seen = users.history.owners, users.history.rows
        while count * _ALL <= n:
            rows, scores = index.search(queries, count)
            least = scores[:, -1]
            if exclude_seen:
                keys = torch.arange(len(rows))[:, None] * n + rows
                scores.masked_fill_(torch.isin(keys, owners * n + seen), -torch.inf)
            scores.masked_fill_(~given[rows], -torch.inf)
            places, best = top_k(scores, k)
            # Fewer may be left than are wanted; and what is as good as the last found may not have been found.
            if bool((best[:, -1] > least).all()):
                return Ranked(rows=self._in_order(rows.gather(1, places), best), scores=best)
            count *= 4
        return None

    def _in_order(self, rows: Tensor, scores: Tensor) -> Tensor:
        """[B, K] `rows`, equal scores in the order in which they come everywhere."""
        if not bool((scores[:, 1:] == scores[:, :-1]).any()):
            return rows
        places = torch.empty_like(self.popular_first).scatter_(
            0, self.popular_first, torch.arange(len(self.catalogue))
        )[rows]
        order = places.argsort(dim=1)
        order = order.gather(1, scores.gather(1, order).argsort(dim=1, descending=True, stable=True))
        return rows.gather(1, order)

    def similar(self, row: int, k: int) -> Ranked:
        """The k items nearest to one item [1, K]; empty where the model knows no relation between items."""
        with torch.inference_mode():
            near = self._affinity(torch.tensor([row]), None)
            if near is None:
                return Ranked(rows=torch.zeros(1, 0, dtype=torch.int64), scores=torch.zeros(1, 0))
            near = near.clone()
            rules.forbid(near, torch.tensor([row]))
            if self._hidden is not None:
                rules.forbid(near, self._hidden)
            rows, scores = top_k(near, k, self.popular_first)
            return Ranked(rows=rows, scores=scores)

    def reasons(self, past: Tensor, rows: Tensor) -> Tensor:
        """[K] int64: for each recommended row, which row of the history leads to it most; -1 where none does.

        Args:
            past: [L] catalogue rows of one user's history, oldest first.
            rows: [K] recommended catalogue rows, none negative.
        """
        none = torch.full_like(rows, -1)
        if not len(past) or not len(rows):
            return none
        recent = past[-_REASONS_FROM:]
        with torch.inference_mode():
            near = self._affinity(recent, rows)
        if near is None:
            return none
        best = near.max(dim=0)
        return torch.where(best.values > 0, recent[best.indices], none)

    def _likeness(self, rows: Tensor) -> Near:
        """How near candidates [B, P] are to the one at a position of each list: see `Ready.choose`."""
        lists = torch.arange(len(rows))
        if self._directions is not None:
            directions = self._directions[rows]
            return lambda at: (directions @ directions[lists, at][:, :, None]).squeeze(2)

        def near(at: Tensor) -> Tensor:
            found = self._affinity(rows[lists, at], None)
            if found is None:
                raise WishError("diversity", "this model cannot tell what is alike: leave it out, or cap a column")
            # What leads to one item most is as near as can be; weights of different models are of different sizes.
            most = found.amax(1, keepdim=True).clamp(min=1e-12)
            return (found / most).clamp(min=0, max=1).gather(1, rows)

        return near

    def _affinity(self, given: Tensor, wanted: Tensor | None) -> Tensor | None:
        """[A, B] between catalogue rows; `wanted` None for all."""
        if self._directions is not None:
            to = self._directions if wanted is None else self._directions[wanted]
            return self._directions[given] @ to.T
        items = self.catalogue.items
        return self.model.affinity(items.take(given), items if wanted is None else items.take(wanted))
