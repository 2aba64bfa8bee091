# SPDX-License-Identifier: Apache-2.0
"""Yelp: JSON lines, alone or in a tar file in a zip file."""

import io
import tarfile
from datetime import datetime

import pytest

from publisher import get, json_lines, pack

FILES = {
    "yelp_academic_dataset_review.json": json_lines({
        "review_id": "r", "user_id": "u1", "business_id": "b1", "stars": 4.0, "useful": 1, "funny": 0, "cool": 0,
        "text": "Good\nfood", "date": "2018-07-07 22:09:11",
    }),
    "yelp_academic_dataset_business.json": json_lines(
        {"business_id": "b1", "name": "Abby", "address": "", "city": "Goleta", "state": "CA",
         "latitude": 34.4, "longitude": -119.7, "stars": 5.0, "review_count": 7, "is_open": 0,
         "attributes": {"ByAppointmentOnly": "True"}, "categories": "Doctors, Health & Medical", "hours": None},
        {"business_id": "b2", "name": "B", "categories": None, "attributes": None},
    ),
    "yelp_academic_dataset_user.json": json_lines(
        {"user_id": "u1", "name": "W", "review_count": 585, "yelping_since": "2007-01-25 16:47:26",
         "elite": "2007", "friends": "u2, u3", "fans": 267, "average_stars": 3.9},
        {"user_id": "u2", "yelping_since": "2009-01-25 16:47:26", "friends": "None"},
    ),
}  # fmt: skip


def tar():
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in FILES.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return packed.getvalue()


@pytest.mark.parametrize("form", ["files", "tar", "zip"])
def test_every_form(tmp_path, form):
    files = FILES
    if form == "tar":
        files = {"yelp_dataset.tar": tar()}
    elif form == "zip":
        files = {"Yelp-JSON.zip": pack(tmp_path / "z.zip", {"Yelp JSON/yelp_dataset.tar": tar()}).read_bytes()}
    made = get("yelp", tmp_path, files)
    when = datetime(2018, 7, 7, 22, 9, 11)  # noqa: DTZ001
    assert made.events.rows() == [("u1", "b1", when, 4.0)]
    assert made.reviews.rows() == [("u1", "b1", when, "Good\nfood", 4.0)]
    assert made.social.rows() == [("u1", "u2"), ("u1", "u3")]
    assert made.items["categories"].to_list() == [["Doctors", "Health & Medical"], None]
    assert set(made.items.columns).isdisjoint({"stars", "review_count", "is_open"})
