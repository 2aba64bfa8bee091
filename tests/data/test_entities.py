# SPDX-License-Identifier: Apache-2.0
"""Item and user tables with every kind of column."""

import tomllib

import polars as pl
import pytest

from penchant.data.dataset import Dataset
from penchant.data.ingest import DataConfig, ingest
from penchant.errors import ConfigError, DataError
from penchant.registry import read_config

HEAD = 'name = "x"\n[events]\npath = "e.csv"\n[items]\npath = "shop/i.parquet"\n'


def run(folder, table, columns, text=HEAD):
    (folder / "e.csv").write_text("user_id,item_id\n1,1\n1,2\n")
    (folder / "shop").mkdir(exist_ok=True)
    pl.DataFrame({"item_id": [1, 2, 3], **table}).write_parquet(folder / "shop" / "i.parquet")
    lines = "".join(f"{name} = {kind}\n" for name, kind in columns.items())
    config = read_config(DataConfig, tomllib.loads(f"{text}[items.columns]\n{lines}"), "run.toml [data]")
    return ingest(config, folder)


def test_every_kind_is_stored_and_survives(tmp_path):
    table = {
        "photo": ["a.jpg", "https://x.org/b.jpg", ""],
        "scan": [b"\x89PNG", None, b"\x89PNG"],
        "clip": ["c.flac", None, "../c.flac"],
        "style": [[1.0, 2.0], None, [0.5, 0.5]],
        "launched": ["2020-01-01", "soon", None],
        "seller": [7, 7, None],
    }
    kinds = {
        "photo": "image",
        "scan": "image",
        "clip": "audio",
        "style": "vector",
        "launched": "time",
        "seller": "id",
    }
    made = run(tmp_path, table, {name: f'{{ kind = "{kind}" }}' for name, kind in kinds.items()})
    data = made.dataset
    assert data.items.rows() == [
        (1, "a.jpg", b"\x89PNG", "c.flac", [1.0, 2.0], 1_577_836_800_000_000, "7"),
        (2, "https://x.org/b.jpg", None, None, None, None, "7"),
        (3, None, b"\x89PNG", None, [0.5, 0.5], None, None),
    ]
    assert data.items.schema["style"] == pl.List(pl.Float32)
    assert data.root == (tmp_path / "shop").resolve()
    assert data.schema.image == "photo"
    assert made.report["items"]["paths_refused"] == {"clip": {"count": 1, "example": "../c.flac"}}
    assert made.report["items"]["times_unread"] == {"launched": {"count": 1, "example": "soon"}}
    data.save(tmp_path / "saved")
    again = Dataset.open(tmp_path / "saved")
    assert again.items.equals(data.items)
    assert again.schema == data.schema


def test_vectors_that_cannot_be_read_are_counted(tmp_path):
    table = {"style": ["[1, 2]", "nothing", "[3, nan]"], "shape": [[1.0], [None], [2.0]]}
    made = run(tmp_path, table, dict.fromkeys(table, '{ kind = "vector" }'))
    assert made.dataset.items["style"].to_list() == [[1.0, 2.0], None, None]
    assert made.report["items"]["vectors_unread"] == {
        "style": {"count": 2, "example": "nothing"},
        "shape": {"count": 1, "example": "List(Float64)"},
    }


def test_vectors_of_one_column_have_one_length(tmp_path):
    with pytest.raises(
        DataError, match=r"i\.parquet, \[data\.items\.columns\] 'style': .* one length, found 1, 2"
    ):
        run(tmp_path, {"style": ["1", "1 2", "3 4"]}, {"style": '{ kind = "vector" }'})


def test_pictures_by_pattern(tmp_path):
    (tmp_path / "shop" / "p").mkdir(parents=True)
    for name in ("1.jpg", "3.png"):
        (tmp_path / "shop" / "p" / name).touch()
    made = run(tmp_path, {}, {"photo": '{ kind = "image", pattern = "p/{id}.*" }'})
    assert made.dataset.items["photo"].to_list() == ["p/1.jpg", None, "p/3.png"]
    assert made.dataset.schema.image == "photo"


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ('{ kind = "image", pattern = "p/*.jpg" }', r"photo: pattern needs {id} once, as in"),
        ('{ kind = "text", pattern = "p/{id}.jpg" }', "pattern is for pictures and sounds"),
        ('{ kind = "image", pattern = "../{id}.jpg" }', "leads out of the table's folder"),
    ],
)
def test_patterns_that_cannot_be(tmp_path, column, message):
    with pytest.raises(ConfigError, match=message):
        run(tmp_path, {}, {"photo": column})


def test_users_have_no_root_of_their_own(tmp_path):
    (tmp_path / "u.csv").write_text("user_id,born\n1,1990-05-01\n9,x\n")
    text = HEAD + '[users]\npath = "u.csv"\ncolumns = { born = { kind = "time" } }\n'
    made = run(tmp_path, {}, {}, text)
    assert made.dataset.users.rows() == [(1, 641_520_000_000_000), (9, None)]
    assert made.report["users"]["times_unread"]["born"]["example"] == "x"
