# SPDX-License-Identifier: Apache-2.0
"""OTTO: a session on each line."""

from publisher import get, json_lines


def test_sessions(tmp_path):
    events = [
        {"aid": 59625, "ts": 1661724000278, "type": "clicks"},
        {"aid": 7, "ts": 1661724000300, "type": "orders"},
    ]
    lines = json_lines({"session": 12899779, "events": events}, {"session": 5, "events": []})
    made = get("otto", tmp_path, {"otto-recsys-train.jsonl": lines})
    assert made.events.rows() == [
        (12899779, 59625, 1661724000278, "clicks"),
        (12899779, 7, 1661724000300, "orders"),
    ]
