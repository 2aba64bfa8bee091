# SPDX-License-Identifier: Apache-2.0
"""How exactly something is computed is decided by whoever trains: a model knows neither device nor precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def of_products(like: Tensor) -> torch.dtype:
    """The type that matrix products are taken in where `like` lies: autocast's where it is on, else its own."""
    where = like.device.type
    return torch.get_autocast_dtype(where) if torch.is_autocast_enabled(where) else like.dtype


def exact(like: Tensor) -> torch.autocast:
    """A context in which nothing is rounded, where `like` lies: for sums that half precision would spoil."""
    return torch.autocast(like.device.type, enabled=False)
