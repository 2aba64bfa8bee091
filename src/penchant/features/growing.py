# SPDX-License-Identifier: Apache-2.0
"""A feature space that goes on: what is new stands behind what it knows, and no index changes its meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penchant.features import history
from penchant.features.space import FeatureSpace
from penchant.schema import ITEM, TYPE, USER

if TYPE_CHECKING:
    import polars as pl


def grown(space: FeatureSpace, events: pl.DataFrame) -> FeatureSpace:
    """The same space with the items, users and types of further events behind those that it knows.

    Every index keeps its meaning, and so does every column. What counts as popular is counted anew.

    Args:
        space: fitted on some of the events.
        events: all events that training may see.
    """
    done = history.deeds(events, space.schema)
    items, users, actions = space.item_ids.grown(done[ITEM]), space.user_ids.grown(done[USER]), space.actions
    columns = (space.item_columns, space.user_columns, space.context)
    longer = FeatureSpace(
        space.schema,
        (items, users, actions.grown(done[TYPE])),
        columns,
        space.content,
        space.values,
        space.signals,
    )
    return longer.before(events)  # which counts what is popular
