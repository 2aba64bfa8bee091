# SPDX-License-Identifier: Apache-2.0
"""What RePlay is told of the events: one feature, the item's id."""

from __future__ import annotations

from replay.data import FeatureHint, FeatureSource, FeatureType
from replay.data.nn import TensorFeatureInfo, TensorFeatureSource, TensorSchema


def described(items: int, width: int) -> TensorSchema:
    """One feature: the item's id, counted from 0, with the last number for padding."""
    return TensorSchema(
        TensorFeatureInfo(
            name="item_id",
            is_seq=True,
            cardinality=items,
            padding_value=items,
            embedding_dim=width,
            feature_type=FeatureType.CATEGORICAL,
            feature_hint=FeatureHint.ITEM_ID,
            feature_sources=[TensorFeatureSource(FeatureSource.INTERACTIONS, "item_id")],
        )
    )
