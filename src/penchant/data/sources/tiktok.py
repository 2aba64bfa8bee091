# SPDX-License-Identifier: Apache-2.0
"""TikTok as the multimodal literature has it: who watched what, with vectors of picture, sound and words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import polars as pl

from penchant.data.sources.runfile import VECTOR, VIEW, models
from penchant.data.sources.source import PublicSource
from penchant.data.sources.tables import write

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.data.sources.raw import Raw
    from penchant.data.sources.source import Run

_READY = "interactions.parquet"
_PARTS = {"train": "train.json", "validation": "val.json", "test": "test.json"}
_VECTORS = {"picture": "image_feat.npy", "sound": "audio_feat.npy", "words": "text_feat.npy"}


def convert(raw: Raw, out: Path) -> Run:
    """From MMSSL's JSON and NumPy files, or a table of the pairs. Matrices in pickles are never opened.

    The pairs have no times: the order in the files is all there is.
    """
    found = raw.find(_READY, *_VECTORS.values())
    parts = _ready_parts(found[_READY]) if _READY in found else _json_parts(raw)
    for part, rows in parts.items():
        write(rows.lazy(), out / f"{part}.parquet")
    vectors = {name: _vectors(found[file]) for name, file in _VECTORS.items() if file in found}
    data: Run = {
        "events": {
            **{part: f"{part}.parquet" for part in parts}, "default_type": "view",
            "types": {"view": {**VIEW, "strength": 1.0}},
        },
    }  # fmt: skip
    if vectors:
        size = max(len(column) for column in vectors.values())
        items = pl.DataFrame({"item_id": np.arange(size), **vectors})
        write(items.lazy(), out / "items.parquet")
        data["items"] = {"path": "items.parquet", "columns": dict.fromkeys(vectors, VECTOR)}
    return {"data": {**data, "split": {"kind": "given"}}, **models()}


def _ready_parts(path: Path) -> dict[str, pl.DataFrame]:
    """Without a test part, validation takes its place."""
    rows = pl.read_parquet(path).select(
        pl.col("user").cast(pl.Int64).alias("user_id"), pl.col("item").cast(pl.Int64).alias("item_id"), "split"
    )
    has_test = rows["split"].eq("test").any()
    names = {"train": "train", **({"validation": "valid", "test": "test"} if has_test else {"test": "valid"})}
    return {ours: rows.filter(pl.col("split") == theirs).drop("split") for ours, theirs in names.items()}


def _json_parts(raw: Raw) -> dict[str, pl.DataFrame]:
    """Each file maps a user to a list of items."""
    parts = {}
    for part, path in zip(_PARTS, raw.need(*_PARTS.values()), strict=True):
        lists = msgspec.json.decode(path.read_bytes(), type=dict[int, list[int]])
        rows = pl.DataFrame(
            {"user_id": list(lists), "item_id": list(lists.values())},
            schema={"user_id": pl.Int64, "item_id": pl.List(pl.Int64)},
        )
        parts[part] = rows.explode("item_id").drop_nulls()
    return parts


def _vectors(path: Path) -> pl.Series:
    """[items, size] of float32."""
    return pl.Series(np.load(path, allow_pickle=False).astype(np.float32))


SOURCE = PublicSource(
    title="TikTok, multimodal",
    licence="The publishers name no licence: for research",
    citation=(
        "Wei Wei, Chao Huang, Lianghao Xia and Chuxu Zhang. 2023. Multi-Modal Self-Supervised Learning for "
        "Recommendation (MMSSL). WWW. https://github.com/HKUDS/MMSSL"
    ),
    size="9,319 users, 6,710 videos, 59,541 pairs; copies differ a little",
    holds=(
        "Who watched which video, without times; vectors of picture and sound (128 numbers each), and of words "
        "(768) where the copy has them. Pickled matrices are not read"
    ),
    page="https://github.com/HKUDS/MMSSL",
    convert=convert,
    by_hand="train.json, val.json, test.json, image_feat.npy, audio_feat.npy and text_feat.npy",
)
