# SPDX-License-Identifier: Apache-2.0
"""NeuMF: a product of vectors, and beside it a small network over them. He et al., "Neural Collaborative
Filtering", WWW 2017 (https://arxiv.org/abs/1708.05031).

As published: each of the two parts has tables of its own; the network sees the vectors of user and item side by
side, and each layer is half as wide as the one before; a last layer weighs both parts together; the loss is binary
cross-entropy over what was done and negatives drawn for each of it.

What differs: the paper's user is a row of a table, so it has no answer for a stranger and learns nothing from a
click. Here a user is the sum of vectors of what they did, from a third pair of tables, each as loud as was learned
for how far back it lies, over the root of how loud all are; in training, of what they did before the event that is
foretold. An item also has a number of its own, for how likely it is for everyone.

The network's first layer is linear, so its two halves are computed once for each user and each item, and only
added for a pair. Scores are computed block by block: no array of users x items x width is ever held.

Shape legend: B users, N items, L length of a history, E events of all of them, S negatives of an event, D
embedding size of each part, W width of a layer.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

from penchant.batch import FIRST, History, Users
from penchant.models.layers import Dropout
from penchant.models.negatives import Kind, Negatives
from penchant.models.recommender import Learned, ModelConfig, Range

if TYPE_CHECKING:
    from penchant.batch import Items, Sizes, TrainBatch

_CELLS = 2**22
"""Numbers of the widest layer that are held at once where nothing is learned: 16 MiB."""


class NeuMF(Learned):
    """Neural matrix factorisation over histories."""

    class Config(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of NeuMF."""

        embedding_size: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 64
        """Length of the vectors of each part."""
        layers: Annotated[int, msgspec.Meta(ge=1, le=8)] = 2
        """Layers of the network: the first as wide as its two vectors, each next one half as wide."""
        dropout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.1
        history_length: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 200
        """How many of a user's last events are looked at."""
        negatives: Kind = "uniform"
        negative_count: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 4
        """Items, drawn for each event; one that the user has done does not count."""
        negative_power: Annotated[float, msgspec.Meta(ge=0, le=2)] = 1.0
        """Of popularity: an item is drawn as often as this power of its events says."""

    space: ClassVar[dict[str, Range]] = {
        "embedding_size": Range(16, 128, log=True),
        "layers": Range(1, 3),
        "dropout": Range(0.0, 0.5),
        "negative_count": Range(1, 32, log=True),
    }
    config: Config

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self.history_length = config.history_length
        self._negatives: Negatives | None = None
        dim = config.embedding_size
        self.past = nn.Embedding(sizes.items, 2 * dim)
        self.items = nn.Embedding(sizes.items, 2 * dim)
        self.bias = nn.Embedding(sizes.items, 1)
        for table in (self.past, self.items):
            nn.init.normal_(table.weight, std=0.1 * dim**-0.5)
            # Padding and unknown: nothing is known of them.
            nn.init.zeros_(table.weight[:FIRST])
        nn.init.zeros_(self.bias.weight)
        self.places = nn.Embedding(config.history_length.bit_length() + 1, 1)
        # All events of a history are as loud as each other, until something else is learned.
        nn.init.zeros_(self.places.weight)
        widths = [max(2 * dim >> n, 1) for n in range(config.layers)]
        self.from_user = nn.Linear(dim, widths[0])
        self.from_item = nn.Linear(dim, widths[0], bias=False)
        self.deeper = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(widths))
        self.dropout = Dropout(config.dropout)
        # What weighs both parts together: one number for each dimension of the product, and one for each of the
        # last layer.
        self.product = nn.Parameter(torch.ones(dim))
        self.last = nn.Linear(widths[-1], 1, bias=False)

    def begin(self, users: Users) -> None:
        """Count the events of every item: negatives may be drawn by that."""
        config = self.config
        events = users.history.rows.bincount(minlength=len(users.catalogue))
        self._negatives = Negatives(
            config.negatives, config.negative_count, events, shared=False, power=config.negative_power
        )

    def score(self, users: Users, items: Items) -> Tensor:
        """[B, N], computed for blocks of users and items."""
        product_BD, wide_BW = self._user_parts(self._asked(users))
        item_ND, wide_NW, bias_N = self._item_parts(items.ids)
        scores = torch.addmm(bias_N, product_BD, item_ND.T)
        width = wide_NW.shape[1]
        across = min(max(_CELLS // width, 1), max(len(items), 1))
        down = max(_CELLS // (width * across), 1)
        for top in range(0, len(users), down):
            for left in range(0, len(items), across):
                pairs = wide_BW[top : top + down, None] + wide_NW[left : left + across]
                scores[top : top + down, left : left + across] += self._network(pairs)
        return scores

    def affinity(self, given: Items, wanted: Items) -> Tensor | None:
        """[A, B]: how much having done the one, and nothing else, raises the score of the other."""
        alone, nothing = torch.arange(len(given) + 1), torch.zeros(0)
        history = History(
            # One history for each of `given`, and an empty one.
            offsets=torch.cat([alone, alone[-1:]]),
            rows=alone[:-1],
            actions=alone.new_zeros(len(given)),
            times=alone.new_zeros(len(given)),
            values=nothing.new_zeros(len(given)),
        )
        scores = self.score(Users(ids=torch.zeros_like(alone), history=history, catalogue=given), wanted)
        return scores[:-1] - scores[-1]

    def loss(self, batch: TrainBatch) -> dict[str, Tensor]:
        """How badly each event, given those before it, is told from items drawn at random.

        Raises:
            RuntimeError: `begin` was not called.
        """
        if self._negatives is None:
            raise RuntimeError("begin comes first: negatives are drawn by what all users did")
        users, catalogue = batch.users, batch.users.catalogue
        past = users.history.padded(self.config.history_length + 1)
        valid_BL = past.valid
        product_ED, wide_EW = self._user_parts(self._before(catalogue.ids[past.rows])[valid_BL])
        rows_E, owners_E = past.rows[valid_BL], valid_BL.nonzero()[:, 0]
        drawn = self._negatives.draw(rows_E)
        done = owners_E * len(catalogue) + rows_E
        counts_ES = ~torch.isin(owners_E[:, None] * len(catalogue) + drawn.rows, done)
        rows = torch.cat([rows_E[:, None], drawn.rows], 1)
        # Each item of the catalogue goes through the first layer once, however often it is drawn.
        item_ND, wide_NW, bias_N = self._item_parts(catalogue.ids)
        found = (functional.embedding(rows, item_ND) @ product_ED[:, :, None]).squeeze(2).float() + bias_N[rows]
        found = found + self._network(wide_EW[:, None] + functional.embedding(rows, wide_NW)).float()
        wanted_E, others_ES = found[:, 0], found[:, 1:]
        lost = functional.softplus(-wanted_E).sum() + (functional.softplus(others_ES) * counts_ES).sum()
        return {"pairs": lost / (len(rows_E) + counts_ES.sum()).clamp(min=1)}

    def _loudness(self, back: Tensor) -> Tensor:
        """How loud an event is that lies so many places back (0 for the last one); the same shape."""
        # By powers of two: 0, 1, 2 and 3, 4 to 7, ...
        steps = torch.frexp(back.clamp(0, self.config.history_length).float()).exponent.long()
        return functional.embedding(steps, self.places.weight).squeeze(-1).exp()

    def _asked(self, users: Users) -> Tensor:
        """[B, 2 D]: the users as they stand."""
        history = users.history.select(torch.arange(len(users)), self.config.history_length)
        owners = history.owners
        loud_E = self._loudness(history.offsets[1:][owners] - 1 - torch.arange(len(owners)))
        total_BD = functional.embedding_bag(
            users.catalogue.ids[history.rows], self.past.weight, history.offsets[:-1],
            mode="sum", per_sample_weights=loud_E,
        )  # fmt: skip
        sums_B = loud_E.new_zeros(len(users)).index_add(0, owners, loud_E)
        return total_BD * _over_root(sums_B)[:, None]

    def _before(self, ids_BL: Tensor) -> Tensor:
        """[B, L, 2 D]: the users as they stood just before each event."""
        length = ids_BL.shape[1]
        steps = torch.arange(length)
        back_LL = steps[:, None] - 1 - steps
        loud_LL = self._loudness(back_LL) * (back_LL >= 0)
        mixed: Tensor = (loud_LL * _over_root(loud_LL.sum(1))[:, None]) @ self.past(ids_BL)
        return mixed

    def _user_parts(self, users: Tensor) -> tuple[Tensor, Tensor]:
        """([.., D] what an item's vector is multiplied by, [.., W] half of the first layer) of users [.., 2 D]."""
        left, right = users.float().chunk(2, -1)
        return left * self.product, self.from_user(right).float()

    def _item_parts(self, ids_N: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """([N, D] vectors of the product, [N, W] half of the first layer, [N] worth for everyone)."""
        left, right = self.items(ids_N).chunk(2, 1)
        return left, self.from_item(right).float(), self.bias(ids_N).squeeze(1)

    def _network(self, wide: Tensor) -> Tensor:
        """[..]: what the layers after the sum of both halves [.., W] say of each pair."""
        for layer in self.deeper:
            wide = layer(self.dropout(functional.relu(wide)))
        found: Tensor = self.last(self.dropout(functional.relu(wide))).squeeze(-1)
        return found


def _over_root(sums: Tensor) -> Tensor:
    """1 over the root of each sum; of nothing it does not matter, and is finite."""
    return sums.clamp(min=1e-6).rsqrt()
