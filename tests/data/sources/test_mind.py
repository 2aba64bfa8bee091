# SPDX-License-Identifier: Apache-2.0
"""MIND: impressions one by one, and histories before all of them."""

from datetime import datetime

import pytest

from publisher import get, pack

NEWS = 'N1\tsports\tgolf\tOpen: "the" day\tWords\thttps://x\t[]\t[]\nN2\tnews\tus\tTwo\t\thttps://x\t[]\t[]\n'
TRAIN = (
    "1\tU1\t11/11/2019 9:05:58 AM\tN3 N4\tN1-1 N2-0\n"
    "2\tU1\t11/12/2019 6:11:30 PM\tN3 N4\tN2-1\n"
    "3\tU2\t11/13/2019 12:00:00 AM\t\tN1-0\n"
)
DEV = "4\tU3\t11/15/2019 12:30:00 PM\tN1\tN2-1 N1-0\n"


@pytest.mark.parametrize("packed", [True, False])
def test_train_and_dev(tmp_path, packed):
    files = {}
    for part, log in (("train", TRAIN), ("dev", DEV)):
        members = {"behaviors.tsv": log, "news.tsv": NEWS}
        if packed:
            files[f"MINDsmall_{part}.zip"] = pack(tmp_path / "x.zip", members).read_bytes()
        else:
            files |= {f"MINDsmall_{part}/{name}": text for name, text in members.items()}
    made = get("mind", tmp_path, files)
    past = [(user, item, when) for user, item, when, *_ in made.train.rows()][:3]
    assert past == [
        ("U1", "N3", datetime(2019, 11, 8, 23, 59, 58)),  # noqa: DTZ001
        ("U1", "N4", datetime(2019, 11, 8, 23, 59, 59)),  # noqa: DTZ001
        ("U3", "N1", datetime(2019, 11, 8, 23, 59, 59)),  # noqa: DTZ001
    ]
    log = made.train[3:]
    assert log["item_id"].to_list() == ["N1", "N2"]
    assert log["type"].to_list() == ["click", "click"]
    assert log["impression"].to_list() == ["1", "2"]
    assert made.train_shown["item_id"].to_list() == ["N2", "N1"]
    assert made.train_shown["impression"].to_list() == ["1", "3"]
    assert log["time"][1] == datetime(2019, 11, 12, 18, 11, 30)  # noqa: DTZ001
    assert made.test["item_id"].to_list() == ["N2"]
    assert made.test_shown["item_id"].to_list() == ["N1"]
    assert made.items["title"].to_list() == ['Open: "the" day', "Two"]
