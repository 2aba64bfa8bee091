# SPDX-License-Identifier: Apache-2.0
"""What is written as TOML is read as the same tables."""

import tomllib

from penchant.data.sources.runfile import absolute, to_toml

TABLES = {
    "top": True,
    "data": {
        "name": 'a "quoted" name',
        "events": {
            "path": "événements.parquet",
            "types": {"view": {"strength": 0.2, "sign": -1}, "two words": {"meaning": "like"}},
        },
        "items": {"columns": {"x": {"kind": "tags", "separator": "\t"}}},
        "users": {"columns": {}},
        "empty": {},
    },
    "baselines": [{"kind": "ease", "reg": 10.5}, {"kind": "popularity"}],
    "evaluate": {"ks": [5, 10]},
}


def test_there_and_back():
    text = to_toml(TABLES, "Said first.\n\nThen this")
    expected = {**TABLES, "data": {**TABLES["data"]}}
    del expected["data"]["users"]  # an empty table of columns says nothing
    assert tomllib.loads(text) == expected
    assert text.startswith("# Said first.\n#\n# Then this\n\ntop = true\n")
    assert 'view = { strength = 0.2, sign = -1 }\n"two words" = { meaning = "like" }' in text


def test_paths_that_read_from_anywhere(tmp_path):
    data = {"name": "x", "events": {"train": "a.csv", "test": "b.csv"}, "items": {"path": "c.csv", "title": "t"}}
    moved = absolute(data, tmp_path)
    assert moved["events"] == {"train": str(tmp_path / "a.csv"), "test": str(tmp_path / "b.csv")}
    assert moved["items"] == {"path": str(tmp_path / "c.csv"), "title": "t"}
    assert data["events"]["train"] == "a.csv"
