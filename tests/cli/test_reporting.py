# SPDX-License-Identifier: Apache-2.0
"""`penchant data report`, of a run file and of a folder."""

from pathlib import Path

import shop
from shop import penchant, refused


def test_of_a_run_file_and_then_of_the_folder(tmp_path):
    run = shop.stock(tmp_path / "shop")
    said = penchant("data", "report", run, "--out", "deep/page.html").output
    assert "The page: deep/page.html" in said
    assert "240" in said
    page = Path("deep/page.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "each user's last event" in page
    (folder,) = Path("artefacts/datasets").iterdir()
    again = penchant("data", "report", folder).output
    assert "by global time" in Path("report.html").read_text(encoding="utf-8")
    assert "rows of events" in again
    (folder / "report.json").unlink()
    assert "rows of events" not in penchant("data", "report", folder).output


def test_what_fell_is_shown(tmp_path):
    run = shop.stock(tmp_path / "shop")
    with (run.parent / "events.csv").open("a", encoding="utf-8") as file:
        file.write(",x[red],1\n")
    said = penchant("data", "report", run).output
    assert "What fell" in said
    assert "no user" in said


def test_what_is_no_data_set(tmp_path):
    assert "is not a data set that Penchant wrote" in refused("data", "report", tmp_path)
    assert "There is no run file nothing.toml" in refused("data", "report", "nothing.toml")
    run = shop.stock(tmp_path / "shop")
    penchant("data", "report", run)
    (folder,) = Path("artefacts/datasets").iterdir()
    (folder / "report.json").write_text("{", encoding="utf-8")
    assert "report.json is damaged" in refused("data", "report", folder)
