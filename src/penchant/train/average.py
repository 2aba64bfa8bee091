# SPDX-License-Identifier: Apache-2.0
"""A moving average of the weights: what answers is smoother than the last step, and usually better.

Polyak averaging in its exponential form, as in Tarvainen and Valpola (https://arxiv.org/abs/1703.01780).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from penchant.models.recommender import Learned
    from penchant.rank.ranker import Ranker


class WeightAverage:
    """An exponential moving average of a model's parameters.

    Args:
        model: whose parameters are followed.
        decay: share of the old average that survives a step; 0 follows the weights themselves. In the first
            steps it is smaller, so that the beginning is forgotten soon.
    """

    def __init__(self, model: Learned | Ranker, decay: float) -> None:
        self._decay = decay
        self._live = dict(model.named_parameters())
        self._rest = {name: t for name, t in model.state().items() if name not in self._live}
        self._mean = {name: p.detach().clone() for name, p in self._live.items()} if decay else {}

    def update(self, step: int) -> None:
        """Take up the weights after a step (counted from 0)."""
        if self._decay:
            decay = min(self._decay, (1 + step) / (10 + step))
            with torch.no_grad():
                torch._foreach_lerp_(list(self._mean.values()), list(self._live.values()), 1 - decay)

    def state(self) -> dict[str, Tensor]:
        """The averaged parameters and the buffers, by name."""
        mean = self._mean or {name: p.detach() for name, p in self._live.items()}
        return {**mean, **self._rest}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take up what `state` returned."""
        with torch.no_grad():
            for name, mean in self._mean.items():
                mean.copy_(state[name])

    @contextmanager
    def applied(self, model: Learned | Ranker) -> Iterator[None]:
        """Inside, the model answers with the averaged weights."""
        if not self._decay:
            yield
            return
        live = {name: p.detach().clone() for name, p in self._live.items()}
        model.load_state(self.state())
        try:
            yield
        finally:
            model.load_state({**live, **self._rest})
