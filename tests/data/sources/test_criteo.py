# SPDX-License-Identifier: Apache-2.0
"""Criteo: what came after an impression becomes an event of its own, never a column of it."""

import gzip

from publisher import get, pack

HEAD = (
    "timestamp\tuid\tcampaign\tconversion\tconversion_timestamp\tconversion_id\tattribution\tclick\tclick_pos\t"
    "click_nb\tcost\tcpo\ttime_since_last_click\t" + "\t".join(f"cat{number}" for number in range(1, 10)) + "\n"
)
CATEGORIES = "\t".join(str(number) for number in range(9))
ROWS = (
    f"0\t7\t100\t0\t-1\t-1\t0\t0\t-1\t-1\t0.00001\t0.39\t-1\t{CATEGORIES}\n"
    f"5\t8\t100\t1\t90\t3\t0\t1\t0\t2\t0.00001\t0.2\t-1\t{CATEGORIES}\n"
    f"60\t8\t200\t1\t90\t3\t1\t0\t-1\t-1\t0.00001\t0.2\t55\t{CATEGORIES}\n"
)


def test_in_its_archive(tmp_path):
    inner = gzip.compress((HEAD + ROWS).encode())
    name = "criteo_attribution_dataset/criteo_attribution_dataset.tsv.gz"
    packed = pack(tmp_path / "x.zip", {name: inner}).read_bytes()
    made = get("criteo", tmp_path, {"criteo-research-attribution-dataset.zip": packed})
    assert made.events.select("user_id", "item_id", "time", "type").rows() == [
        (8, 100, 5, "click"),
        (8, 200, 90, "conversion"),
    ]
    assert made.events_shown["time"].to_list() == [0, 60]
    assert made.events.columns[4:] == [f"cat{number}" for number in range(1, 10)]


def test_unpacked(tmp_path):
    assert get("criteo", tmp_path, {"criteo_attribution_dataset.tsv.gz": HEAD + ROWS}).events.height == 2
