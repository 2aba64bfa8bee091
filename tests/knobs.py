# SPDX-License-Identifier: Apache-2.0
"""Models with a knob whose best place is known, one with a closed form and one that learns by steps."""

from typing import Annotated, ClassVar

import msgspec
import torch
from torch import nn

import shop
from penchant.config import RunConfig
from penchant.errors import ConfigError
from penchant.models.interactions import interactions
from penchant.models.recommender import Learned, ModelConfig, Range, Recommender, Solved
from penchant.tune.trials import TuneCallback

BEST = 0.3
"""Where the knobs answer best; the further away, the more items are ranked the wrong way round."""

RUN = """
# A shop with a knob.
[data.split]
kind = "leave_last_out"

[model]
kind = "knob"
turn = 0.9   # far off

[train]
metric = "ndcg@5"
epochs = 6
warmup_steps = 1
precision = "float32"

[tune]
trials = 30
"""


class Turned(Recommender):
    """What those did who did the same, spoiled by how far the knob is off."""

    class Config(ModelConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
        turn: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.9
        trap: str = "none"
        """none, memory (there is not enough of it), config (refused), nan (a loss that is none)."""
        size: Annotated[int, msgspec.Meta(ge=1, le=8)] = 2
        exact: bool = True
        seed: int = 0

    space: ClassVar[dict[str, Range]] = {"turn": Range(0.0, 1.0)}

    def __init__(self, config, sizes):
        super().__init__(config, sizes)
        if config.trap == "config":
            raise ConfigError("[model] trap: refused")
        self.together = torch.zeros(sizes.items, sizes.items)

    def solve(self, users):
        if self.config.trap == "memory":
            raise MemoryError("no room for the matrix")
        past = torch.from_numpy(interactions(users, self.sizes.items).toarray())
        self.together = past.T @ past

    def score(self, users, items):
        past = torch.from_numpy(interactions(users, self.sizes.items).toarray())
        wrong = (items.ids * 37 % 100) / 100 < abs(self.config.turn - BEST)
        return torch.where(wrong, -1.0, 1.0) * (past @ self.together)[:, items.ids]

    def affinity(self, given, wanted):  # noqa: ARG002
        return None

    def state(self):
        return {"together": self.together}

    def load_state(self, state):
        self.together = state["together"]


class Knob(Turned, Solved):
    """Solved at once."""


class SlowKnob(Turned, Learned):
    """Learns nothing, epoch after epoch; the first step takes up who did what."""

    def __init__(self, config, sizes):
        Learned.__init__(self, config, sizes)
        self.register_buffer("together", torch.zeros(sizes.items, sizes.items))
        self.weight = nn.Parameter(torch.ones(1))

    state = Learned.state
    load_state = Learned.load_state

    def loss(self, batch):
        past = torch.from_numpy(interactions(batch.users, self.sizes.items).toarray())
        self.together += past.T @ past
        worth = float("nan") if self.config.trap == "nan" else 1.0
        return {"loss": (self.weight**2).sum() * worth}


class Plain(Knob):
    """Says nothing of what is worth tuning."""

    space: ClassVar[dict[str, Range]] = {}


MODELS = {"knob": "knobs:Knob", "slow_knob": "knobs:SlowKnob", "plain": "knobs:Plain"}


def run(folder, text: str = "", kind: str = "knob", rest: str = RUN):
    """The run file of a shop with a knob; `text` follows its `[tune]`."""
    return RunConfig.load(shop.stock(folder, rest=rest.replace('"knob"', f'"{kind}"') + text))


class StopAt(TuneCallback):
    """Ctrl-C while a trial runs."""

    def __init__(self, number: int) -> None:
        self.number = number

    def on_trial(self, number, trials, values, best):  # noqa: ARG002
        if number == self.number:
            raise KeyboardInterrupt
