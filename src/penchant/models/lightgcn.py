# SPDX-License-Identifier: Apache-2.0
"""Graph convolution without weights or non-linearities, for users who are what they did.

He et al., "LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation", SIGIR 2020
(https://arxiv.org/abs/2002.02126). There users have vectors of their own, beside those of items. Here they have
none: their layer 0 is zero. All else is the paper's. Then even layers live on items and odd ones on users, and
every layer of users is one hop from a layer of items: a user is the sum of their items' propagated vectors, the
same for one whom training knew, for one with a click more, and for a stranger. Only an item's vector asks for
the graph, and it is computed once.

It learns by a softmax over the catalogue (Wu et al., "On the Effectiveness of Sampled Softmax Loss for Item
Recommendation", https://arxiv.org/abs/2201.02327) or by any other of the losses, the paper's pairwise one among
them. A user's vector holds every item that is to be foretold, so in each step a random part of a history makes
the vector, and the rest is to be found.

Shape legend: B users of a batch, V item vocabulary, N items of the catalogue, E pairs of user and item, D
embedding size, T items to be found, M the most of one user.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional

from penchant.models.graph import Graph, scale
from penchant.models.interactions import interactions
from penchant.models.objective import Objective, ObjectiveConfig
from penchant.models.precision import of_products
from penchant.models.recommender import Learned, Range, VectorRecommender

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.batch import Items, Sizes, TrainBatch, Users

_BEGINNING = 1e-3
"""Deviation of the vectors to begin with: little beside a few steps, so that what was drawn is soon forgotten."""


class LightGCN(Learned, VectorRecommender):
    """Vectors of items, smoothed over who did what."""

    class Config(ObjectiveConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of graph convolution."""

        embedding_size: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 64
        layers: Annotated[int, msgspec.Meta(ge=1, le=16)] = 3
        """The paper's K, hops that are looked at: 1 for a user's own items, 3 for those of people alike too."""
        cosine: bool = True
        """Whether items are compared with users by direction alone, or by their vectors' lengths too."""
        temperature: Annotated[float, msgspec.Meta(gt=0, le=10)] = 0.1
        """In training a user's vector is 1 / temperature long: lower lets the nearest wrong items count more."""
        given: Annotated[float, msgspec.Meta(ge=0.05, le=0.95)] = 0.5
        """Chance of an item to be part of the user's vector in a step of training, and not to be foretold."""
        reg: Annotated[float, msgspec.Meta(ge=0)] = 0.0
        """Weight of the mean squared norm of the items' own vectors."""

    space: ClassVar[dict[str, Range]] = {
        "embedding_size": Range(16, 256, log=True),
        "layers": Range(1, 5),
        "temperature": Range(0.04, 0.5, log=True),
        "given": Range(0.2, 0.8),
    }
    config: Config
    remembers = True

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.items = nn.Embedding(sizes.items, config.embedding_size)
        nn.init.normal_(self.items.weight, std=_BEGINNING)
        self._objective = Objective(config)
        self._take_graph(sparse.csr_array((0, sizes.items), dtype=np.float32))

    def begin(self, users: Users) -> None:
        """Keep the graph of everyone who is learned from."""
        self._objective.begin(users)
        self._take_graph(interactions(users, self.sizes.items))

    def _take_graph(self, matrix: sparse.csr_array) -> None:
        # Buffers, as the graph is part of what answers: without it an item has no vector.
        self.register_buffer("offsets", torch.from_numpy(matrix.indptr.astype(np.int32)))
        self.register_buffer("columns", torch.from_numpy(matrix.indices.astype(np.int32)))
        self._graph = Graph(matrix)
        self._cached: tuple[Tensor, Tensor] | None = None

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up the vectors, and the graph where it is another one."""
        offsets, columns = state["offsets"], state["columns"]
        if not (
            torch.equal(offsets, self.get_buffer("offsets")) and torch.equal(columns, self.get_buffer("columns"))
        ):
            ones = np.ones(len(columns), dtype=np.float32)
            shape = (len(offsets) - 1, self.sizes.items)
            self._take_graph(sparse.csr_array((ones, columns.numpy(), offsets.numpy()), shape=shape))
        self._cached = None
        super().load_state(state)

    def train(self, mode: bool = True) -> LightGCN:
        """Forget what was propagated: the vectors are about to change."""
        self._cached = None
        super().train(mode)
        return self

    def _propagate(self) -> tuple[Tensor, Tensor]:
        """([V, D] what an item brings to a user's vector, [V, D] items as they are compared with users)."""
        # The mean over layers is a factor for all, which no loss and no order sees: a sum does.
        graph, own = self._graph, self.items.weight
        # What is propagated may be rough where products are, too; an item's own vector is not.
        layer = (graph.item_scale * own).to(of_products(own))
        brought, items = layer.to(own.dtype), torch.where(graph.item_scale > 0, own, 0.0)
        for hops in range(2, self.config.layers + 1, 2):
            layer = graph.around(layer)
            items = items + graph.item_root * layer
            # Odd layers, on users, are one hop from those items' layers that lie below them.
            brought = brought + layer if hops < self.config.layers else brought
        return brought, functional.normalize(items, dim=1) if self.config.cosine else items

    def _vectors(self) -> tuple[Tensor, Tensor]:
        """What `_propagate` gives, computed once until the weights change; without gradients."""
        if self._cached is None:
            with torch.no_grad():
                self._cached = self._propagate()
        return self._cached

    def encode_item(self, items: Items) -> Tensor:
        """[N, D]; zero for an item that training never saw."""
        return self._vectors()[1][items.ids]

    def encode_user(self, users: Users) -> Tensor:
        """[B, D]: one hop from the history's items, each of which counts once."""
        past = interactions(users, self.sizes.items)
        brought = self._vectors()[0]
        columns, starts = torch.from_numpy(past.indices), torch.from_numpy(past.indptr[:-1])
        total = functional.embedding_bag(columns.long(), brought, starts.long(), mode="sum")
        return scale(np.diff(past.indptr)) * total

    def loss(self, batch: TrainBatch) -> dict[str, Tensor]:
        """How well the part of each history that is given foretells the rest of it."""
        past, catalogue = interactions(batch.users, self.sizes.items), batch.users.catalogue
        lengths = torch.from_numpy(np.diff(past.indptr)).long()
        ids_E = torch.from_numpy(past.indices).long()
        owners_E = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
        given_E = torch.rand(len(ids_E)) < self.config.given
        brought_VD, items_VD = self._propagate()
        user_BD = brought_VD.new_zeros(len(lengths), brought_VD.shape[1])
        user_BD = user_BD.index_add(0, owners_E[given_E], functional.embedding(ids_E[given_E], brought_VD))
        user_BD = functional.normalize(user_BD, dim=1) / self.config.temperature
        # Whoever has nothing given, or nothing to be found, teaches nothing.
        told_B = torch.bincount(owners_E[given_E], minlength=len(lengths)) > 0
        wanted_E = ~given_E & told_B[owners_E]
        ranking = self._ranking(user_BD, items_VD, catalogue.ids, ids_E[wanted_E], owners_E[wanted_E])
        norms = self.items.weight.square().sum(1).mean()
        return {"ranking": ranking, "norms": self.config.reg * norms}

    def _ranking(
        self, user_BD: Tensor, items_VD: Tensor, catalogue_N: Tensor, ids_T: Tensor, owners_T: Tensor
    ) -> Tensor:
        """The loss of foretelling `ids_T`, each for its user; `owners_T` is ascending."""
        row_V = torch.zeros(len(items_VD), dtype=torch.int64)
        row_V[catalogue_N] = torch.arange(len(catalogue_N))
        rows_T = row_V[ids_T]
        drawn = self._objective.draw(rows_T) if len(rows_T) else None
        if drawn is not None:
            drawn = replace(drawn, rows=catalogue_N[drawn.rows])
            return self._objective.by_owner(user_BD, items_VD, ids_T, owners_T, drawn)
        # All that one user is to find shares one row of logits, and every user counts the same.
        people, place_T, counts = torch.unique_consecutive(owners_T, return_inverse=True, return_counts=True)
        column_T = torch.arange(len(owners_T)) - (counts.cumsum(0) - counts)[place_T]
        targets_BM = rows_T.new_zeros(len(people), int(counts.max()) if len(counts) else 1)
        shares_BM = user_BD.new_zeros(targets_BM.shape)
        targets_BM[place_T, column_T] = rows_T
        shares_BM[place_T, column_T] = 1.0 / counts[place_T]
        items_ND = functional.embedding(catalogue_N, items_VD)
        return self._objective(user_BD[people], items_ND, targets_BM, shares_BM, None)
