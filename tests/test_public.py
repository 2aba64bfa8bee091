# SPDX-License-Identifier: Apache-2.0
"""The public names, and the few lines of Python that docs/python.md shows."""

import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import penchant
import shop

NAMES = [
    "AsyncClient", "Client", "HistoryEvent", "NewEvent", "NewItem",
    "PenchantError", "RunConfig", "ServeConfig", "ServiceError", "ShopConfig", "Truth", "__version__",
    "evaluate_models", "fit", "ingest", "make_bundle", "open_bundle", "recommend_items", "serve_bundle",
    "simulate_shop", "train_models", "tune_model",
]  # fmt: skip
ROOT = Path(__file__).parents[1]


def test_public_names():
    assert sorted(penchant.__all__) == NAMES
    assert all(callable(getattr(penchant, name)) for name in NAMES if name != "__version__")
    assert set(NAMES) <= set(dir(penchant))
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        penchant.fitt  # noqa: B018


def test_type_checkers_are_told_the_same_names():
    stub = (ROOT / "src/penchant/__init__.pyi").read_text()
    told = re.findall(r"^from (\S+) import (\w+) as (\w+)$", stub, re.MULTILINE)
    assert {public: f"{module}:{name}" for module, name, public in told} == penchant._PUBLIC


def test_nothing_is_imported_before_it_is_asked_for():
    program = "import sys, penchant; print(sorted(n for n in sys.modules if n in ('torch', 'polars', 'msgspec')))"
    shown = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT / "src"
    )
    assert shown.stdout.strip() == "[]"


def test_the_lines_in_the_documentation(tmp_path, monkeypatch, capsys):
    lines = re.search(r"```python\n(.*?)```", (ROOT / "docs/python.md").read_text(), re.DOTALL)[1]
    assert len(lines.splitlines()) < 15
    shop.stock(tmp_path, text=True)
    monkeypatch.chdir(tmp_path)
    known = {}
    exec(lines, known)
    best = known["best"]
    assert best.schema == {"user_id": pl.String, "item_id": pl.String, "rank": pl.Int64, "score": pl.Float32}
    assert best["user_id"].n_unique() == shop.USERS
    assert best.filter(rank=1).height == shop.USERS
    assert best["rank"].max() == 10
    assert known["report"].results[0].model == "sasrec"
    assert "user_id" in capsys.readouterr().out
    few = penchant.recommend_items(known["bundle"], ["002", "nobody", "002"], k=3, include_seen=True)
    assert few["user_id"].to_list() == ["002"] * 3 + ["nobody"] * 3
    assert penchant.recommend_items(known["bundle"], []).is_empty()
    with pytest.raises(penchant.PenchantError, match="ids of users are String in shop, not Int64"):
        penchant.recommend_items(known["bundle"], [2])
