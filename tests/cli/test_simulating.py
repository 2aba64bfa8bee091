# SPDX-License-Identifier: Apache-2.0
"""The command that simulates a shop."""

import errno
from pathlib import Path

import polars as pl

from penchant.simulate.parts import Parts
from shop import penchant, refused

SIZES = ("--users", 30, "--items", 20, "--events", 500, "--days", 20, "--seed", 4)


def test_a_shop_is_simulated():
    said = penchant("simulate", "shop", *SIZES, "--out", "town/shop", "--sounds", 2).output
    assert "A simulated shop: 20 days, seed 4" in said
    assert "penchant train town/shop/run.toml" in " ".join(said.split())
    events = pl.read_parquet("town/shop/events/*.parquet")
    assert events.height == 500
    for name, count in events["type"].value_counts().iter_rows():
        assert f"│ {name:<11} │ {count:>4} │" in said
    assert "events" in said
    assert "sounds" in said


def test_what_cannot_be_is_refused():
    assert "users must be between 1 and" in refused(
        "simulate", "shop", "--users", 0, "--items", 5, "--events", 9, "--out", "x"
    )
    assert "at least 400 days" in refused(
        "simulate", "shop", "--users", 5, "--items", 5, "--events", 2_000_000_000, "--out", "x"
    )
    assert list(Path().iterdir()) == []
    penchant("simulate", "shop", *SIZES, "--out", "x")
    assert "x is already there" in refused("simulate", "shop", *SIZES, "--out", "x")
    penchant("simulate", "shop", *SIZES, "--out", "x", "--force")


def test_a_full_disk_is_said_in_words(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "x/events")

    monkeypatch.setattr(Parts, "_write", full)
    assert "x/events: the disk is full" in refused("simulate", "shop", *SIZES, "--out", "x")
    assert list(Path().iterdir()) == []
