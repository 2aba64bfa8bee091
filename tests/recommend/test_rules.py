# SPDX-License-Identifier: Apache-2.0
"""Rules set scores to -inf, in place, and nothing else."""

from __future__ import annotations

import torch

from penchant.features.history import build
from penchant.recommend import rules

GONE = -torch.inf


def scores():
    return torch.arange(6.0).view(2, 3)


def rows(*values):
    return torch.tensor(values, dtype=torch.int64)


def test_everyone_loses_what_they_did_themselves():
    found = scores()
    flat = rows(0, 0, 0)
    past = build(rows(1, 1, 1), rows(2, 0, 2), flat, flat, flat.float(), 2)
    rules.forbid_seen(found, past)
    assert found.tolist() == [[0, 1, 2], [GONE, 4, GONE]]


def test_forbidden_rows_are_gone_for_everyone():
    found = scores()
    rules.forbid(found, rows(1, 1))
    assert found.tolist() == [[0, GONE, 2], [3, GONE, 5]]
    rules.forbid(found, rows())
    assert found.tolist() == [[0, GONE, 2], [3, GONE, 5]]


def test_only_allowed_rows_stay():
    found = scores()
    rules.allow_only(found, rows(2, 2, 0))
    assert found.tolist() == [[0, GONE, 2], [3, GONE, 5]]
    rules.allow_only(found, rows())
    assert (found == GONE).all()
