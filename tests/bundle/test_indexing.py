# SPDX-License-Identifier: Apache-2.0
"""Who gets an index, and who does not."""

from __future__ import annotations

import logging
import sys
from functools import cache

import pytest

import worlds
from penchant.bundle import indexing
from penchant.bundle.bundle import write_bundle
from penchant.bundle.indexing import open_indexed
from penchant.errors import MissingExtraError


@cache
def world(kind):
    return worlds.train(kind, worlds.checkerboard(), config=worlds.replace_struct(worlds.QUICK, epochs=2))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    def written(kind):
        one = world(kind)
        return write_bundle(
            tmp_path_factory.mktemp(kind), one.pipeline,
            name="board", kind=kind, users=one.dataset.users, events=one.dataset.events,
        )  # fmt: skip

    return {kind: written(kind) for kind in ("ials", "popularity")}


def test_where_it_pays_and_where_it_is_asked_for(made, monkeypatch, caplog):
    assert open_indexed(made["ials"]).pipeline.index is None
    with caplog.at_level(logging.INFO, "penchant"):
        index = open_indexed(made["ials"], "index").pipeline.index
    assert index.recall == 1.0
    assert "recall@100 1.0000 on" in caplog.text
    # A stranger is among those it is tried on.
    assert len(index.queries) == world("ials").dataset.events["user_id"].n_unique() + 1
    monkeypatch.setattr(indexing, "LEAST", 10)
    assert open_indexed(made["ials"]).pipeline.index is not None
    assert open_indexed(made["ials"], "exact").pipeline.index is None


def test_what_has_no_vectors_has_no_index_and_says_so(made, caplog):
    assert open_indexed(made["popularity"], "index").pipeline.index is None
    assert "has no vectors" in caplog.text


def test_without_the_library_it_is_done_without_unless_it_was_asked_for(made, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "faiss", None)
    monkeypatch.setattr(indexing, "LEAST", 10)
    assert open_indexed(made["ials"]).pipeline.index is None
    assert "penchant[ann]" in caplog.text
    with pytest.raises(MissingExtraError):
        open_indexed(made["ials"], "index")
