# SPDX-License-Identifier: Apache-2.0
"""The rows of `ablation.py`: what each changes, and which row it is held against."""

from __future__ import annotations

from typing import Any, NamedTuple

BASE = "sasrec"


class Row(NamedTuple):
    """One training.

    Attributes:
        changes: keys of the run file, each as "table.key", set on top of those of `against`.
        against: the row that differs in these keys alone; None for the base.
    """

    changes: dict[str, Any]
    against: str | None = BASE


def fewer(loss: str, negatives: str, count: int = 256) -> dict[str, Any]:
    """The keys of a loss that looks at a few negatives."""
    return {"model.loss": loss, "model.negatives": negatives, "model.negative_count": count}


VIEWS = {"crop": 0.4, "mask": 0.3, "reorder": 0.6, "substitute": 0.3}
ROWS: dict[str, Row] = {
    BASE: Row({"model.kind": "sasrec"}, None),
    # On by default.
    "no dropout": Row({"model.dropout": 0.0}),
    "dropout 0.5": Row({"model.dropout": 0.5}),
    "no average of weights": Row({"train.average": 0.0}),
    "no item features": Row({"model.use_item_features": False}),
    "no user features": Row({"model.use_user_features": False}),
    "no times": Row({"model.use_time": False}),
    "no values": Row({"model.use_value": False}),
    # Off by default.
    "relative places": Row({"model.use_relative": True}),
    "ahead: 3 events": Row({"model.ahead": [0.6, 0.25, 0.15]}),
    "label smoothing 0.1": Row({"model.label_smoothing": 0.1}),
    "id spread 0.02": Row({"model.id_spread": 0.02}),
    "weight decay 0.1": Row({"train.weight_decay": 0.1}),
    "stretch 0.5": Row({"model.stretch": 0.5}),
    "crop 0.2": Row({"model.crop": 0.2}),
    "mask 0.2": Row({"model.mask": 0.2}),
    "reorder 0.2": Row({"model.reorder": 0.2}),
    "substitute 0.1": Row({"model.substitute": 0.1}),
    "contrastive 0.1": Row({"model.contrastive": 0.1}),
    "contrastive 0.1, substitutes too": Row({"model.contrastive": 0.1, "model.views": VIEWS}),
    # Losses; the base has the full softmax.
    "sampled softmax, uniform": Row(fewer("sampled_softmax", "uniform")),
    "sampled softmax, popularity": Row(fewer("sampled_softmax", "popularity")),
    "sampled softmax, in batch": Row(fewer("sampled_softmax", "in_batch")),
    "sampled softmax, mixed": Row(fewer("sampled_softmax", "mixed")),
    "sampled softmax, 1024 mixed": Row(fewer("sampled_softmax", "mixed", 1024)),
    "gBCE, uniform": Row(fewer("gbce", "uniform")),
    "BPR, uniform": Row(fewer("bpr", "uniform")),
    # Another block.
    "hstu": Row({"model.kind": "hstu"}, "relative places"),
    "hstu, no times": Row({"model.use_time": False}, "hstu"),
    "hstu, no values": Row({"model.use_value": False}, "hstu"),
    "hstu, no relative places": Row({"model.use_relative": False}, "hstu"),
    "hstu, gated network behind": Row({"model.inner_size": 128}, "hstu"),
    # Fused items, any part of which may be missing.
    "hybrid": Row({"model.kind": "hybrid"}),
    "hybrid, no id dropout": Row({"model.id_dropout": 0.0}, "hybrid"),
    "hybrid, nothing else missing": Row({"model.modality_dropout": 0.0, "model.mask_parts": 0.0}, "hybrid"),
    "hybrid, content at full pace": Row({"model.content_pace": 1.0}, "hybrid"),
    "hybrid, concat": Row({"model.fusion": "concat"}, "hybrid"),
    "hybrid, gated": Row({"model.fusion": "gated"}, "hybrid"),
    "hybrid, attention": Row({"model.fusion": "attention"}, "hybrid"),
    "hybrid, bilinear": Row({"model.fusion": "bilinear"}, "hybrid"),
    "hybrid, alignment 0.1": Row({"model.alignment": 0.1}, "hybrid"),
    "hybrid, no item features": Row({"model.use_item_features": False}, "hybrid"),
    "hybrid, no user features": Row({"model.use_user_features": False}, "hybrid"),
    # Content alone.
    "two_tower": Row({"model.kind": "two_tower"}, None),
    "two_tower, columns stay whole": Row({"model.drop_columns": 0.0}, "two_tower"),
    "two_tower, parts stay whole": Row({"model.mask_parts": 0.0}, "two_tower"),
    "two_tower, all stays whole": Row({"model.drop_columns": 0.0, "model.mask_parts": 0.0}, "two_tower"),
}
"""By name. Negatives are 256 where nothing is said."""


def changes(name: str) -> dict[str, Any]:
    """All that a row sets, what it is held against included."""
    row = ROWS[name]
    return {**(changes(row.against) if row.against else {}), **row.changes}
