# SPDX-License-Identifier: Apache-2.0
"""MovieLens-100K: the publisher's archive, RecBole's wheel and a folder give the same tables."""

import tomllib

import pytest

from penchant.data import sources
from penchant.data.ingest import DataConfig, ingest
from penchant.data.sources import movielens_100k
from penchant.registry import read_config
from publisher import check, get, pack

NAME = "movielens-100k"
INSIDE = "recbole/dataset_example/ml-100k/ml-100k"
DRAMA_WAR = ["1" if genre in ("Drama", "War") else "0" for genre in movielens_100k.GENRES]
EVENTS = "1\t2\t5\t881250949\n2\t1\t3\t881250950\n"
USERS = "1|24|M|technician|01234\n2|53|F|other|94043\n"
ITEMS = (
    "|".join(["1", 'Café "X" (1995)', "01-Jan-1995", "", "http://x", *DRAMA_WAR])
    + "\n"
    + "|".join(["2", "unknown", "", "", "", "1", *["0"] * 18])
    + "\n"
)
ARCHIVE = {"ml-100k/u.data": EVENTS, "ml-100k/u.user": USERS, "ml-100k/u.item": ITEMS}
WHEEL = {
    f"{INSIDE}.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + EVENTS,
    f"{INSIDE}.user": "user_id:token\tage:token\tgender:token\n" + USERS.replace("|", "\t"),
    f"{INSIDE}.item": "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass\n"
    '1\tCafé "X"\t1995\tDrama War\n2\tunknown\tunknown\tunknown\n',
}


@pytest.fixture(autouse=True)
def _unpinned(monkeypatch):
    """The made rows are not those whose checksums are pinned."""
    import dataclasses

    made = dataclasses.replace(sources.SOURCES[NAME], checksums=None)
    monkeypatch.setitem(sources.SOURCES, NAME, made)


def test_both_archives_give_the_same_files(tmp_path):
    for folder, packed, encoding in (("one", ARCHIVE, "latin1"), ("two", WHEEL, "utf-8")):
        place = tmp_path / folder / "downloads" / NAME
        place.mkdir(parents=True)
        pack(place / "some.zip", packed, encoding)
    one, two = (sources.get(NAME, tmp_path / folder) for folder in ("one", "two"))
    assert (one / "items.csv").read_text(encoding="utf-8").splitlines() == [
        "item_id,title,year,genres",
        '1,"Café ""X"" (1995)",1995,Drama|War',
        "2,unknown,,unknown",
    ]
    assert "01234" in (one / "users.csv").read_text()
    for name in ("interactions.csv", "users.csv", "items.csv", "checksums.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    assert check(one) == check(two)


def test_a_folder_in_the_normal_form_with_posters(tmp_path):
    files = {
        "interactions.csv": "user_id,item_id,rating,timestamp\n1,2,5,881250949\n",
        "users.csv": "user_id,age,gender,occupation,zip_code\n1,24,M,technician,01234\n",
        "items.csv": "item_id,title,genres,plot,poster\n2,A (1990),Drama,Words,posters/2.jpg\n",
        "posters/2.jpg": b"a picture",
    }
    made = get(NAME, tmp_path, files)
    assert (made.folder / "posters" / "2.jpg").read_bytes() == b"a picture"
    assert made.run["data"]["items"]["columns"].keys() == {"genres", "plot", "poster"}


def test_the_run_file_reads_elsewhere(tmp_path):
    place = tmp_path / "data" / "downloads" / NAME
    place.mkdir(parents=True)
    pack(place / "ml-100k.zip", ARCHIVE, "latin1")
    text = sources.run_file(sources.get(NAME, tmp_path / "data"))
    config = read_config(DataConfig, tomllib.loads(text)["data"], "[data]")
    made = ingest(config, tmp_path / "elsewhere")
    assert made.dataset.name == NAME
    assert made.dataset.items["genres"].to_list() == [["Drama", "War"], ["unknown"]]
    assert made.dataset.schema.event_types == ("rating",)
