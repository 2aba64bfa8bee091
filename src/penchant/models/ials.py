# SPDX-License-Identifier: Apache-2.0
"""Implicit matrix factorisation by alternating least squares.

Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008, with the objective,
the frequency-scaled regularisation and the choices of Rendle et al., "Revisiting the Performance of iALS on Item
Recommendation Benchmarks", RecSys 2022 (https://arxiv.org/abs/2110.14037). Solved by conjugate gradients as in
Takács et al., "Applications of the conjugate gradient method for implicit feedback collaborative filtering",
RecSys 2011, but for many rows at once and in the basis in which the other side's Gram matrix is diagonal: there
what all rows share costs nothing, and its inverse is at hand as a preconditioner.

Shape legend: R rows of the side that is solved for, M of the other one, B rows of a block, L the longest of them,
D embedding size, V item vocabulary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import numpy as np
import torch
from torch import Tensor

from penchant.models import padded
from penchant.models.interactions import interactions
from penchant.models.recommender import ModelConfig, Range, Solved, VectorRecommender
from penchant.threads import Each, side_by_side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penchant.batch import Items, Sizes, Users

_BLOCK_CELLS = 2**21
"""Numbers of the gathered vectors [B, L, D] of a block: 8 MiB of float32, which a core's share of the last cache
holds. In smaller ones threads spend their time handing over the interpreter."""
_FOLD_IN_STEPS = 100
"""The most steps for a user who is asked about; nearly all need far fewer."""
_CONVERGED = 1e-12
"""Squared length of what is left, relative to where it began, at which a row is done."""


class IALS(Solved, VectorRecommender):
    """A dot product of a user and an item; the user is solved for anew from the history at every request."""

    class Config(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of implicit matrix factorisation."""

        embedding_size: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 128
        iterations: Annotated[int, msgspec.Meta(ge=1)] = 8
        """How often users and items are solved for in turn."""
        unobserved: Annotated[float, msgspec.Meta(gt=0)] = 16.0
        """Weight of all pairs together as if none were done, where what was done weighs 1 in all. So it means the
        same for sets of any size and density: what the paper found best, as its alpha0, is 14 to 19."""
        reg: Annotated[float, msgspec.Meta(gt=0)] = 0.003
        """Weight of the squared norms. The paper's lambda."""
        frequency: Annotated[float, msgspec.Meta(ge=0, le=2)] = 1.0
        """How much more those are held back who have more events: the power that scales `reg`. The paper's nu."""
        init_scale: Annotated[float, msgspec.Meta(gt=0)] = 0.1
        """Length of the vectors to begin with."""
        steps: Annotated[int, msgspec.Meta(ge=1)] = 2
        """Conjugate gradient steps of each solution; each begins where the last one ended."""
        seed: int = 0

    space: ClassVar[dict[str, Range]] = {
        "embedding_size": Range(16, 512, log=True),
        "unobserved": Range(1.0, 300.0, log=True),
        "reg": Range(0.0001, 0.1, log=True),
        "frequency": Range(0.0, 1.0),
    }
    config: Config

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        # Row 0 of a table of vectors is padding; so is item 0.
        self._items = torch.zeros(sizes.items + 1, config.embedding_size)
        self._spectrum = torch.zeros(config.embedding_size)
        self._n_items = 0
        self._unobserved = 1.0

    def solve(self, users: Users) -> None:
        """Solve for users and items in turn."""
        matrix = interactions(users, self.sizes.items)
        cells = max(1, _BLOCK_CELLS // self.config.embedding_size)
        of_users, of_items = padded.blocks(matrix, cells), padded.blocks(matrix.T.tocsr(), cells)
        popularity = torch.from_numpy(np.bincount(matrix.indices, minlength=self.sizes.items))
        activity = torch.from_numpy(np.diff(matrix.indptr))
        self._n_items, n_users = int((popularity > 0).sum()), int((activity > 0).sum())
        self._unobserved = self.config.unobserved * matrix.nnz / max(self._n_items * n_users, 1)
        held_users, held_items = self._held(activity, self._n_items), self._held(popularity, n_users)
        chance = torch.Generator().manual_seed(self.config.seed)
        items = torch.randn(self.sizes.items, self.config.embedding_size, generator=chance)
        items *= self.config.init_scale * self.config.embedding_size**-0.5
        items = _with_padding(torch.where(popularity[:, None] > 0, items, 0.0))
        people = torch.zeros(len(users) + 1, self.config.embedding_size)
        with side_by_side() as each:
            for _ in range(self.config.iterations):
                people, items, _ = self._half(of_users, people, items, held_users, each)
                items, people, _ = self._half(of_items, items, people, held_items, each)
            # In here too: on busy cores LAPACK's threads wait for each other longer than all the rest takes.
            self._items, self._spectrum = _diagonal(items)[:2]

    def _held(self, events: Tensor, others: int) -> Tensor:
        """[R] float32: the weight of each row's squared norm."""
        weight: Tensor = self.config.reg * (events + self._unobserved * others) ** self.config.frequency
        return weight.float()

    def _half(
        self, blocks: list[padded.Block], wanted: Tensor, given: Tensor, held: Tensor, each: Each
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(wanted, given, spectrum): one side solved for, both in the basis where the other's Gram is diagonal."""
        given, spectrum, directions = _diagonal(given)
        solved = wanted @ directions

        def solve(block: padded.Block) -> None:
            shared = self._unobserved * spectrum + held[block.rows, None]
            rows = block.rows + 1
            solved[rows] = _conjugate_gradients(given, block.columns, shared, solved[rows], self.config.steps)

        each(solve, blocks)
        return solved, given, spectrum

    def encode_item(self, items: Items) -> Tensor:
        """[N, D]; zero for an item that training never saw."""
        return self._items[items.ids + 1]

    def encode_user(self, users: Users) -> Tensor:
        """[B, D]: the solution for the history, whoever did it."""
        past = interactions(users, self.sizes.items)
        held = self._held(torch.from_numpy(np.diff(past.indptr)), self._n_items)
        vectors = torch.zeros(len(users), self.config.embedding_size)

        def solve(block: padded.Block) -> None:
            shared = self._unobserved * self._spectrum + held[block.rows, None]
            start = torch.zeros(len(block.rows), self.config.embedding_size)
            vectors[block.rows] = _conjugate_gradients(self._items, block.columns, shared, start, _FOLD_IN_STEPS)

        with side_by_side() as each:
            each(solve, padded.blocks(past, max(1, _BLOCK_CELLS // self.config.embedding_size)))
        return vectors

    def state(self) -> dict[str, Tensor]:
        """The items' vectors, where their Gram matrix is diagonal, its diagonal, and two numbers."""
        return {
            "items": self._items,
            "spectrum": self._spectrum,
            "n_items": torch.tensor(self._n_items),
            "unobserved": torch.tensor(self._unobserved, dtype=torch.float64),
        }

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up the vectors."""
        self._items, self._spectrum = state["items"], state["spectrum"]
        self._n_items = int(state["n_items"])
        self._unobserved = float(state["unobserved"])


def _with_padding(table: Tensor) -> Tensor:
    return torch.cat([table.new_zeros(1, table.shape[1]), table])


def _diagonal(table_MD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(the table in the basis in which its Gram matrix is diagonal, that diagonal [D], the basis [D, D])."""
    spectrum, directions = torch.linalg.eigh((table_MD.T @ table_MD).double())
    directions = directions.float()
    return table_MD @ directions, spectrum.clamp(min=0).float(), directions


def _conjugate_gradients(
    given: Tensor, columns_BL: Tensor, shared_BD: Tensor, start_BD: Tensor, steps: int
) -> Tensor:
    """[B, D]: x of (diag(shared) + Y'Y) x = Y'1, where Y [L, D] are the vectors of the row's columns.

    A row stands still once it is solved, so it comes out the same whatever else is in its block.
    """
    b, length = columns_BL.shape
    y_BLD = given.index_select(0, columns_BL.view(-1)).view(b, length, -1)
    y_BDL = y_BLD.transpose(1, 2)
    inverse = shared_BD.reciprocal()
    x = start_BD
    # This way round a batched product of a vector and a matrix is ten times as fast as the other.
    left = torch.bmm(1.0 - torch.bmm(x[:, None], y_BDL), y_BLD).squeeze(1).addcmul_(shared_BD, x, value=-1)
    direction = left * inverse
    size = (left * direction).sum(1, keepdim=True)
    enough = _CONVERGED * size
    for _ in range(steps):
        going = size > enough
        if not going.any():
            break
        moved = torch.bmm(torch.bmm(direction[:, None], y_BDL), y_BLD).squeeze(1).addcmul_(shared_BD, direction)
        pace = torch.where(going, size / (direction * moved).sum(1, keepdim=True).clamp_(min=1e-30), 0.0)
        x = x.addcmul(pace, direction)
        left.addcmul_(pace, moved, value=-1)
        nearer = left * inverse
        after = (left * nearer).sum(1, keepdim=True)
        direction = nearer.addcmul_(torch.where(going, after / size.clamp(min=1e-30), 0.0), direction)
        size = torch.where(going, after, size)
    return x
