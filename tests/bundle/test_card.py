# SPDX-License-Identifier: Apache-2.0
"""The page that tells people what a bundle is."""

from __future__ import annotations

from penchant.bundle.card import card
from penchant.bundle.manifest import FORMAT, MAGIC, Manifest, libraries


def manifest(**changes):
    fields = {"magic": MAGIC, "format": FORMAT, "id": "b1", "name": "films", "kind": "ease", "config": {}}
    return Manifest(**fields | {"created": "2026-01-02T03:04:05+00:00"} | changes)


def test_choices_and_measures_are_tables():
    text = card(manifest(config={"reg": 3.5}, metrics={"ndcg@10": 0.12345}, counts={"items": 12345}))
    assert "| ndcg@10 | 0.1235 |" in text or "| ndcg@10 | 0.1234 |" in text
    assert "| reg | 3.5 |" in text
    assert "Holds 12,345 items." in text
    assert "penchant serve --bundle b1" in text


def test_nothing_measured_and_nothing_chosen():
    text = card(manifest())
    assert "Nothing was measured." in text
    assert "None." in text
    assert "|---|" not in text


def test_libraries_are_named_with_their_versions():
    assert {"python", "penchant", "torch", "numpy", "polars"} <= libraries().keys()
    assert all(libraries().values())
