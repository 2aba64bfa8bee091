# SPDX-License-Identifier: Apache-2.0
"""Who takes part in `zoo.py`: every model of Penchant's table and those of peers, and what is tried of each."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from penchant import registry
from penchant.config import RunConfig
from penchant.models.objective import ObjectiveConfig
from penchant.models.recommender import Learned, Range
from penchant.tune.space import Key, keys

COLUMNED = {"content_knn", "two_tower"}
"""Models that look at what items are: they see tags, as no other does, and sit out where there are none."""
MOST_ITEMS = {"ease": 10_000}
"""Catalogues beyond which a model is left out: memory grows with the square of the items, time with the cube."""
LARGE = 10_000
"""Items beyond which whoever can learns against a few negatives: a softmax over all would not end an epoch in
time, or not fit into memory."""
BLENDED = {
    "blend": {"members": [{"kind": "sasrec", "loss": "sampled_softmax"}, {"kind": "item_knn", "weight": 0.1}]}
}
"""The same of a model that is made of others: its defaults, but for the loss."""
MANY = 5_000
"""Users beyond which Penchant's models begin with the batches of the peers' sequence models, 128 users, not 32."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One model.

    Attributes:
        runner: the program in `peers`, and its environment.
        kind: what it is called there.
        space: where its settings are looked for.
        whole: those that are whole numbers.
        first: of the first trial, where its own defaults are not to be had; the others keep what they do not draw.
        large: of every trial in a catalogue of more than `LARGE` items.
        many: of trials among more than `MANY` users, unless they draw it.
        slow: whether it learns by epochs.
    """

    runner: str
    kind: str
    space: dict[str, Range]
    whole: frozenset[str] = frozenset()
    first: dict[str, Any] = field(default_factory=dict)
    large: dict[str, Any] = field(default_factory=dict)
    many: dict[str, Any] = field(default_factory=dict)
    slow: bool = False


def _log(low: float, high: float) -> Range:
    return Range(low, high, log=True)


def _among(*values: Any) -> Range:
    return Range(choices=values)


PEERS: dict[str, Entry] = {
    "implicit als": Entry(
        runner="implicit", kind="als", whole=frozenset({"factors"}),
        space={"factors": _log(16, 256), "alpha": _log(0.3, 100), "regularization": _log(0.01, 100)},
    ),
    "implicit bpr": Entry(
        runner="implicit", kind="bpr", whole=frozenset({"factors", "iterations"}),
        space={
            "factors": _log(16, 256), "learning_rate": _log(0.003, 0.3), "regularization": _log(0.0001, 0.1),
            "iterations": _log(50, 400),
        },
    ),
    "implicit cosine": Entry(
        runner="implicit", kind="cosine", whole=frozenset({"K"}), space={"K": _log(10, 1000)}
    ),
    "implicit bm25": Entry(
        runner="implicit", kind="bm25", whole=frozenset({"K"}),
        space={"K": _log(10, 1000), "K1": _log(0.1, 10), "B": Range(0.0, 1.0)},
    ),
    "lightfm-next warp": Entry(
        runner="lightfm", kind="warp", whole=frozenset({"no_components", "max_sampled"}), slow=True,
        space={
            "no_components": _log(10, 128), "learning_rate": _log(0.005, 0.2), "max_sampled": _log(10, 50),
            "item_alpha": _log(1e-7, 1e-4), "user_alpha": _log(1e-7, 1e-4),
        },
    ),
    "recbole BPR": Entry(
        runner="recbole", kind="BPR", slow=True,
        space={"embedding_size": _among(32, 64, 128), "learning_rate": _log(0.0003, 0.01)},
    ),
    "recbole MultiVAE": Entry(
        runner="recbole", kind="MultiVAE", slow=True,
        space={
            "latent_dimension": _among(64, 128, 256), "dropout_prob": Range(0.1, 0.8),
            "anneal_cap": Range(0.1, 1.0), "learning_rate": _log(0.0003, 0.01),
            "train_batch_size": _among(256, 2048),
        },
    ),
    "recbole LightGCN": Entry(
        runner="recbole", kind="LightGCN", whole=frozenset({"n_layers"}), slow=True,
        space={
            "embedding_size": _among(32, 64, 128), "n_layers": Range(1, 4), "learning_rate": _log(0.0005, 0.01),
            "reg_weight": _log(1e-6, 1e-2),
        },
    ),
    "recbole NeuMF": Entry(
        runner="recbole", kind="NeuMF", slow=True,
        space={
            "mf_embedding_size": _among(32, 64), "mlp_embedding_size": _among(32, 64),
            "dropout_prob": Range(0.0, 0.5), "learning_rate": _log(0.0003, 0.01),
        },
    ),
    "rectools SASRec": Entry(
        runner="rectools", kind="SASRec", whole=frozenset({"n_blocks"}), slow=True,
        first={"n_factors": 64, "n_heads": 2, "n_blocks": 2},
        # Negatives of each position, as it has no others.
        large={"loss": "sampled_softmax", "n_negatives": 64, "session_max_len": 50},
        space={
            "n_factors": _among(64, 128), "n_blocks": Range(1, 3), "dropout_rate": Range(0.1, 0.5),
            "lr": _log(0.0005, 0.003),
        },
    ),
    "replay SasRec": Entry(
        runner="replay", kind="SasRec", whole=frozenset({"block_count"}), slow=True,
        first={"hidden_size": 64, "head_count": 2, "block_count": 2, "max_seq_len": 100},
        large={"loss_sample_count": 256, "negatives_sharing": True, "max_seq_len": 50},
        space={
            "hidden_size": _among(64, 128), "block_count": Range(1, 3), "dropout_rate": Range(0.1, 0.5),
            "learning_rate": _log(0.0005, 0.003),
        },
    ),
}  # fmt: skip


def ours() -> dict[str, Entry]:
    """Every model of the table, with its own search space."""
    found = {}
    for kind in registry.MODELS:
        text = f'[data]\nname = "zoo"\n[data.events]\npath = "none"\n[model]\nkind = "{kind}"\n'
        space: dict[str, Key] = keys(RunConfig.parse(text, Path("zoo.toml")))
        model = registry.load(registry.MODELS, kind, "model")
        learned = issubclass(model, Learned)
        sampled = (
            {"loss": "sampled_softmax"} if issubclass(model.Config, ObjectiveConfig) else BLENDED.get(kind, {})
        )
        found[kind] = Entry(
            runner="penchant", kind=kind, slow=learned, large=sampled, many={"batch_size": 128} if learned else {},
            space={name: key.where for name, key in space.items()},
            whole=frozenset(name for name, key in space.items() if key.whole),
        )  # fmt: skip
    return found


def drawn(name: str, entry: Entry, trials: int, users: int = 0, items: int = 0) -> list[dict[str, Any]]:
    """The settings of each trial: the model's own first, then drawn, the same whatever is run beside it."""
    chance = np.random.default_rng(zlib.crc32(name.encode()))
    first = entry.first | (entry.many if users > MANY else {}) | (entry.large if items > LARGE else {})
    return [first, *({**first, **_draw(entry, chance)} for _ in range(trials - 1))]


def _draw(entry: Entry, chance: np.random.Generator) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, where in entry.space.items():
        if where.choices:
            found[key] = where.choices[int(chance.integers(len(where.choices)))]
            continue
        low, high = float(where.low or 0.0), float(where.high or 0.0)
        place = chance.random()
        value = low * (high / low) ** place if where.log else low + (high - low) * place
        found[key] = round(value) if key in entry.whole else float(f"{value:.3g}")
    return found


def said(entry: Entry) -> dict[str, Any]:
    """The space, to be printed."""
    return {
        key: list(where.choices) if where.choices else [where.low, where.high, *(["log"] if where.log else [])]
        for key, where in entry.space.items()
    }


def absence(name: str, items: int, *, tagged: bool) -> str:
    """Why a model takes no part in a set; nothing if it does."""
    if name in COLUMNED and not tagged:
        return "the set has no tags of items, and it looks at nothing else"
    if items > MOST_ITEMS.get(name, items):
        return f"more than {MOST_ITEMS[name]:,} items, whose cube is what a fit takes"
    return ""
