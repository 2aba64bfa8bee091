# SPDX-License-Identifier: Apache-2.0
"""Several models that answer with one voice: a weighted sum of their scores, each brought to one scale.

Models of different kinds are wrong about different things, so that a sum is often better than the best of them:
Jahrer, Töscher and Legenstein, "Combining Predictions for Accurate Recommender Systems", KDD 2010. What a model
gives one user is standardised over the catalogue (mean 0, deviation 1) before it is weighed, since scores are
comparable within a row only.

Shape legend: B users, N items that are asked for, C items of the users' catalogue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import torch
from torch import Tensor, nn

from penchant import registry
from penchant.errors import ConfigError
from penchant.models.recommender import Learned, ModelConfig, Recommender, Solved, VectorRecommender

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from penchant.batch import Items, Sizes, TrainBatch, Users

_FLAT = 1e-5
"""A user's scores whose deviation is this small a part of the largest are all the same but for rounding."""


class _Voice(msgspec.Struct, frozen=True, kw_only=True):
    """What a member's table says to the blend; all its other keys are the member's own."""

    kind: str
    weight: Annotated[float, msgspec.Meta(gt=0)] = 1.0


class Blend(Learned):
    """The weighted sum of what its members say; those that learn by steps do so in the same steps."""

    class Config(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Choices of a blend."""

        members: tuple[dict[str, Any], ...] = (
            {"kind": "sasrec"},
            {"kind": "item_knn", "weight": 0.1},
        )
        """Tables `[[model.members]]`: a model's `kind` and keys, and its `weight` in the sum (1 if none is said).
        One at least learns by steps. The first that knows of items alike names reasons and similar items."""

        def __post_init__(self) -> None:
            """Read every member's keys: a wrong one is told before anything runs."""
            found = [_read(table, number) for number, table in enumerate(self.members, 1)]
            if not any(issubclass(model, Learned) for model, _, _ in found):
                raise ConfigError(
                    "[[model.members]]: one member at least must learn by steps, such as sasrec; "
                    "none of these does"
                )

    config: Config

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__(config, sizes)
        self._weights: dict[str, float] = {}
        self._solved: dict[str, Solved] = {}
        learned: dict[str, Learned] = {}
        for number, table in enumerate(config.members, 1):
            model, choices, weight = _read(table, number)
            name = f"{table['kind']}_{number}"
            self._weights[name] = weight
            member = model(choices, sizes)
            if isinstance(member, Learned):
                learned[name] = member
            else:
                self._solved[name] = member
        self.learned = nn.ModuleDict(learned)
        members = list(self._members.values())
        lengths = [member.history_length for member in members]
        self.history_length = None if None in lengths else max(length or 0 for length in lengths)
        self.cold_items = any(member.cold_items for member in members)
        self.uses_signals = any(member.uses_signals for member in members)
        self.remembers = bool(self._solved) or any(member.remembers for _, member in self._learners)
        self._kept: dict[str, tuple[Items, Tensor]] = {}

    @property
    def _learners(self) -> Iterator[tuple[str, Learned]]:
        return ((name, member) for name, member in self.learned.items() if isinstance(member, Learned))

    @property
    def _members(self) -> dict[str, Recommender]:
        """By name, in the order of the run file."""
        found: dict[str, Recommender] = {**self._solved, **dict(self._learners)}
        return {name: found[name] for name in self._weights}

    @property
    def training_length(self) -> int | None:
        """As much as the members that learn by steps want to see."""
        lengths = [member.training_length for _, member in self._learners]
        return None if None in lengths else max(length or 0 for length in lengths)

    def begin(self, users: Users) -> None:
        """Solve those members that have a closed form, and let the others look around."""
        with torch.no_grad():
            for solved in self._solved.values():
                solved.solve(users)
        for _, learner in self._learners:
            learner.begin(users)

    def loss(self, batch: TrainBatch) -> dict[str, Tensor]:
        """The losses of all members: they share no weights, so each learns as it would alone."""
        return {
            f"{name}.{task}": loss for name, member in self._learners for task, loss in member.loss(batch).items()
        }

    def train(self, mode: bool = True) -> Blend:
        """Forget the items' vectors where the weights are about to change."""
        if mode:
            self._kept = {}
        super().train(mode)
        return self

    def score(self, users: Users, items: Items) -> Tensor:
        """[B, N]: how far above a user's mean over the catalogue each member puts an item, weighed and summed."""
        parts = [weight * self._standardised(name, users, items) for name, weight in self._weights.items()]
        return torch.stack(parts).sum(0)

    def _standardised(self, name: str, users: Users, items: Items) -> Tensor:
        """[B, N]: a member's scores in deviations from a user's mean; 0 where it tells no item from another."""
        whole_BC = self._scores(name, users, users.catalogue)
        scores_BN = whole_BC if items is users.catalogue else self._scores(name, users, items)
        mean = whole_BC.mean(1, keepdim=True)
        spread = (whole_BC - mean).square().mean(1, keepdim=True).sqrt()
        flat = spread <= _FLAT * whole_BC.abs().amax(1, keepdim=True)
        return torch.where(flat, 0.0, (scores_BN - mean) / spread)

    def _scores(self, name: str, users: Users, items: Items) -> Tensor:
        member = self._members[name]
        if self.training or member.uses_signals or not isinstance(member, VectorRecommender):
            return member.score(users, items)
        return member.encode_user(users) @ self._vectors(name, member, items).T

    def _vectors(self, name: str, member: VectorRecommender, items: Items) -> Tensor:
        """[N, D]: encoded once for as long as the catalogue stays the same."""
        kept = self._kept.get(name)
        if kept is None or kept[0] is not items:
            # No inference tensors: what is kept may meet weights that want a gradient.
            with torch.inference_mode(mode=False), torch.no_grad():
                kept = (items, member.encode_item(items))
            self._kept[name] = kept
        return kept[1]

    def affinity(self, given: Items, wanted: Items) -> Tensor | None:
        """[A, B]: as the first member has it that knows a relation between items."""
        found = (member.affinity(given, wanted) for member in self._members.values())
        return next((near for near in found if near is not None), None)

    def state(self) -> dict[str, Tensor]:
        """What each member has learned, under its name."""
        return {start + key: tensor for start, member in self._places() for key, tensor in member.state().items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state` returned.

        Raises:
            ValueError: a tensor belongs to no member.
        """
        self._kept = {}
        rest = dict(state)
        for start, member in self._places():
            member.load_state({key.removeprefix(start): rest.pop(key) for key in state if key.startswith(start)})
        if rest:
            raise ValueError(f"these tensors belong to no member of the blend: {', '.join(sorted(rest))}")

    def _places(self) -> Iterator[tuple[str, Recommender]]:
        """Members, and what the names of their tensors begin with: that of torch for those it knows of."""
        for name, member in self._members.items():
            yield f"{'learned' if name in self.learned else 'solved'}.{name}.", member


def _read(table: dict[str, Any], number: int) -> tuple[type[Any], Any, float]:
    """The class, the choices and the weight of the member that a table asks for; `number` counts from 1.

    Raises:
        ConfigError: names the member, the key, and the nearest that is known.
    """
    where = f"[[model.members]] number {number}"
    own = {key: value for key, value in table.items() if key in _Voice.__struct_fields__}
    voice = registry.read_config(_Voice, own, where)
    try:
        model = registry.load(registry.MODELS, voice.kind, "model")
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    choices = {key: value for key, value in table.items() if key not in own}
    return model, registry.read_config(model.Config, choices, f"{where}, kind {voice.kind!r}"), voice.weight
