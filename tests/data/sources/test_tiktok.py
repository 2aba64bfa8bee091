# SPDX-License-Identifier: Apache-2.0
"""TikTok: JSON of lists, vectors beside it, and no pickle."""

import io

import numpy as np
import polars as pl
import pytest

from penchant.errors import DataError
from publisher import get


def npy(array):
    packed = io.BytesIO()
    np.save(packed, array, allow_pickle=True)
    return packed.getvalue()


VECTORS = {
    "image_feat.npy": npy(np.ones((3, 2), np.float64)),
    "audio_feat.npy": npy(np.zeros((3, 4), np.float32)),
    "text_feat.npy": npy(np.ones((3, 2), np.float32)),
}
PARTS = {"train.json": '{"0": [2, 1], "1": [0]}', "val.json": '{"0": [0], "1": []}', "test.json": '{"1": [2]}'}


def test_as_published(tmp_path):
    made = get("tiktok", tmp_path, {**VECTORS, **PARTS})
    assert made.train.rows() == [(0, 2), (0, 1), (1, 0)]
    assert made.validation.rows() == [(0, 0)]
    assert made.test.rows() == [(1, 2)]
    assert made.items["picture"].to_list() == [[1.0, 1.0]] * 3
    assert made.run["data"]["items"]["columns"].keys() == {"picture", "sound", "words"}


@pytest.mark.parametrize("split", [["train", "valid"], ["train", "valid", "test"]])
def test_a_table_of_pairs(tmp_path, split):
    table = pl.DataFrame({"user": [0] * len(split), "item": range(len(split)), "split": split})
    table.write_parquet(tmp_path / "x.parquet")
    made = get("tiktok", tmp_path, {"interactions.parquet": (tmp_path / "x.parquet").read_bytes()})
    assert made.test.rows() == [(0, len(split) - 1)]
    assert "items" not in made.run["data"]


@pytest.mark.parametrize("broken", [{"train.json": "[1"}, {"train.json": '{"a": [1]}'}, {"image_feat.npy": b""}])
def test_broken_files_are_refused(tmp_path, broken):
    with pytest.raises(DataError, match="not in the form that was expected"):
        get("tiktok", tmp_path, {**PARTS, **VECTORS, **broken})


def test_a_pickle_is_refused(tmp_path):
    evil = npy(np.array([{"code": 1}], dtype=object))
    with pytest.raises(DataError, match="not in the form that was expected"):
        get("tiktok", tmp_path, {**PARTS, "image_feat.npy": evil})
