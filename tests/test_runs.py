# SPDX-License-Identifier: Apache-2.0
"""Which run is meant, and which can go on."""

from datetime import UTC, datetime

import pytest

import shop
from penchant import runs
from penchant.config import RunConfig
from penchant.errors import ConfigError, DataError


@pytest.fixture
def run(tmp_path):
    return RunConfig.load(shop.stock(tmp_path / "shop"))


def begin(artefacts, run, name, **changes):
    state = runs.RunState(id=name, source=str(run.path.resolve()), dataset="datasets/x", **changes)
    return runs.RunFolder.create(artefacts, run, state)


def test_a_new_id_sorts_by_time_and_is_like_no_other():
    ids = {runs.new_id("ease") for _ in range(5000)}
    assert len(ids) == 5000
    assert all(name.split("-")[3] == "ease" for name in ids)


def test_of_two_runs_in_one_second_the_later_one_sorts_last(monkeypatch):
    class Clock:
        @staticmethod
        def now(zone):
            return next(moments).astimezone(zone)

    moments = iter(datetime(2026, 1, 2, 3, 4, 5, millisecond * 1000, tzinfo=UTC) for millisecond in (7, 89, 456))
    monkeypatch.setattr(runs, "datetime", Clock)
    names = [runs.new_id(kind) for kind in ("sasrec", "ease", "bpr")]
    assert names == sorted(names)
    assert names[0].startswith("20260102-030405-007-sasrec-")


def test_what_is_remembered_can_change(tmp_path, run):
    place = begin(tmp_path, run, "a", seed=3)
    assert place.artefacts == tmp_path
    place.update(finished=True, bundle="b")
    assert place.state == runs.RunState(
        id="a", source=str(run.path.resolve()), dataset="datasets/x", seed=3, finished=True, bundle="b"
    )
    (place.path / "state.json").write_text("{")
    with pytest.raises(DataError, match="is not the folder of a run"):
        _ = place.state


def test_the_newest_unfinished_run_of_the_file_goes_on(tmp_path, run):
    with pytest.raises(ConfigError, match="There is no unfinished run of"):
        runs.unfinished(tmp_path, run)
    begin(tmp_path, run, "20250101-a")
    newest = begin(tmp_path, run, "20250102-a")
    begin(tmp_path, run, "20250103-a", finished=True)
    other = RunConfig.load(shop.stock(tmp_path / "other"))
    begin(tmp_path, other, "20250104-a")
    assert runs.unfinished(tmp_path, run) == newest
    run.path.write_text(run.text + "# more\n")
    with pytest.raises(ConfigError, match="is not what it was when 20250102-a was started"):
        runs.unfinished(tmp_path, RunConfig.load(run.path))


def test_a_run_is_found_by_id_folder_file_or_as_the_newest(tmp_path, run, monkeypatch):
    artefacts = tmp_path / "artefacts"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="There is no finished run in"):
        runs.find_run(artefacts, None)
    old = begin(artefacts, run, "20250101-a", finished=True)
    other = RunConfig.load(shop.stock(tmp_path / "other"))
    new = begin(artefacts, other, "20250102-a", finished=True)
    begin(artefacts, run, "20250103-a")
    assert runs.find_run(artefacts, None) == new
    assert runs.find_run(artefacts, "20250101-a").path == old.path
    assert runs.find_run(artefacts, str(old.path)).path == old.path
    assert runs.find_run(artefacts, "artefacts/runs/20250101-a").path.samefile(old.path)
    assert runs.find_run(artefacts, "shop/run.toml") == old
    with pytest.raises(
        DataError, match=r"There is no finished run of nosuch\.toml .* penchant train nosuch\.toml"
    ):
        runs.find_run(artefacts, "nosuch.toml")
    with pytest.raises(
        DataError, match=r"no run '20250109-a' .*\(the newest finished ones: 20250101-a, 20250102-a"
    ):
        runs.find_run(artefacts, "20250109-a")
