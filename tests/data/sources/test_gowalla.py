# SPDX-License-Identifier: Apache-2.0
"""Gowalla: SNAP's two files, or a line of places for each user."""

from datetime import datetime

import pytest

from penchant.errors import DataError
from publisher import get


def test_check_ins_and_friends(tmp_path):
    made = get("gowalla", tmp_path, {
        "loc-gowalla_totalCheckins.txt.gz": "0\t2010-10-19T23:55:27Z\t30.2359\t-97.7951\t22847\n"
        "0\t2010-10-18T22:17:43Z\t30.2691\t-97.7494\t420315\n1\tnever\t30.2\t-97.7\t22847\n",
        "loc-gowalla_edges.txt.gz": "0\t1\n1\t0\n",
    })  # fmt: skip
    assert made.events.rows()[0] == (0, 22847, datetime(2010, 10, 19, 23, 55, 27))  # noqa: DTZ001
    assert made.events["time"].to_list()[2] is None
    assert made.items.rows() == [(22847, 30.2359, -97.7951), (420315, 30.2691, -97.7494)]
    assert made.social.rows() == [(0, 1), (1, 0)]


def test_sequences(tmp_path):
    made = get("gowalla", tmp_path, {"train.txt": "0 5 3 5\n1 7 \n2\n"})
    assert made.events.rows() == [(0, 5), (0, 3), (0, 5), (1, 7)]


def test_too_few_columns(tmp_path):
    files = {"loc-gowalla_totalCheckins.txt": "0\t2010-10-19T23:55:27Z\n", "loc-gowalla_edges.txt": "0\t1\n"}
    with pytest.raises(DataError, match="has 2 columns, not 5: user_id, time, latitude, longitude, item_id"):
        get("gowalla", tmp_path, files)
