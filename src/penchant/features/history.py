# SPDX-License-Identifier: Apache-2.0
"""THE history of a user at time t. Training, evaluation and the live service all ask here, and only here.

The definition, in five lines:

1. Events are in *log order*: by time, and among equal times by arrival (in a file: the row's order).
2. The history at an event is every event of the same user before it in log order: as live, just before it.
3. The history at a request is every event of the user that has been recorded when the request is answered.
4. An event of an item that the catalogue does not hold is not part of it: nothing is known of that item.
5. What was merely shown is not part of it: the user did nothing. `deeds` leaves it out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from penchant.batch import History
from penchant.schema import TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from penchant.schema import Schema


def deeds(events: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Canonical events less mere impressions, in the same order."""
    return events.filter(done(events, schema)) if schema.shown else events


def done(events: pl.DataFrame, schema: Schema) -> pl.Series:
    """[E] bool: which of the events somebody did, and did not merely see."""
    return ~events[TYPE].is_in(list(schema.shown))


def build(
    owners: Tensor,
    rows: Tensor,
    actions: Tensor,
    times: Tensor,
    values: Tensor,
    n_users: int,
    *,
    context: Mapping[str, Tensor] | None = None,
    signals: tuple[Tensor, Tensor] | None = None,
) -> History:
    """Ragged histories out of events in order of arrival.

    Args:
        owners: [E] int64, position 0..n_users-1 of each event's user; events of a negative one are left out.
        rows: [E] int64, catalogue row; events of a negative one are left out.
        actions: [E] int64.
        times: [E] int64, microseconds.
        values: [E] float32; NaN becomes 0.
        n_users: how many users; one without events gets an empty history.
        context: per column, [E] or [E, W].
        signals: of each event's user and of its item, [E, A] each, as they stood just before it.
    """
    keep = torch.nonzero((owners >= 0) & (rows >= 0)).squeeze(1)
    owners = owners[keep]
    # lexsort is stable: what is equal in user and time stays in order of arrival.
    order = torch.from_numpy(np.lexsort((times[keep].numpy(), owners.numpy())))
    source = keep[order]
    offsets = torch.zeros(n_users + 1, dtype=torch.int64)
    torch.cumsum(torch.bincount(owners, minlength=n_users), 0, out=offsets[1:])
    return History(
        offsets=offsets,
        rows=rows[source],
        actions=actions[source],
        times=times[source],
        values=torch.nan_to_num(values[source], nan=0.0),
        context={name: value[source] for name, value in (context or {}).items()},
        user_signals=signals[0][source] if signals else None,
        item_signals=signals[1][source] if signals else None,
    )
