# SPDX-License-Identifier: Apache-2.0
"""Parts are kept in memory or on disk, and counted."""

from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from logs import log
from penchant.data.dataset import EventFiles
from penchant.data.keeping import Keeper
from penchant.data.source import Scratch

EVENTS = log(user_id=list("abac"), item_id=list("yxyz"), type=["e", "f", "e", "e"]).drop("_at")


def keep(*parts):
    keeper = Keeper(Scratch())
    for part in parts:
        keeper.add(part)
    return keeper


@pytest.mark.parametrize("cuts", [(0, 4), (0, 1, 4), (0, 2, 2, 3, 4), (0, 0, 4, 4)])
def test_however_they_are_cut(cuts):
    kept = keep(*(EVENTS[a:b] for a, b in pairwise(cuts)))
    assert kept.height == 4
    assert kept.items.to_list() == ["y", "x", "z"]
    assert sorted(kept.users) == ["a", "b", "c"]
    assert sorted(kept.types) == ["e", "f"]
    assert kept.fingerprint() == keep(EVENTS).fingerprint()
    events = kept.events()
    parts = len([1 for a, b in pairwise(cuts) if b > a])
    if parts == 1:
        assert events.equals(EVENTS)
    else:
        assert isinstance(events, EventFiles)
        assert len(events.paths) == parts
        assert events.scan().collect().equals(EVENTS)


def test_another_order_is_another_table():
    assert keep(EVENTS).fingerprint() != keep(EVENTS.reverse()).fingerprint()
    assert keep(EVENTS[:3]).fingerprint() != keep(EVENTS).fingerprint()


def test_a_full_disk(monkeypatch):
    scratch = Scratch()
    monkeypatch.setattr(scratch, "place", lambda _: Path("/dev/full"))
    keeper = Keeper(scratch)
    keeper.add(EVENTS)
    with pytest.raises(OSError, match="No space left on device"):
        keeper.add(EVENTS)


def test_nothing():
    assert keep().height == 0
    assert keep(EVENTS.clear()).users.is_empty()
    assert pl.Series(keep(EVENTS.clear()).items).is_empty()
