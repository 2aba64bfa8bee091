# SPDX-License-Identifier: Apache-2.0
"""KuaiRand: what an event was, by the strongest of its flags."""

import io
import tarfile

import pytest

from penchant.errors import DataError
from publisher import get

FLAGS = ("is_click", "is_like", "is_follow", "is_comment", "is_forward", "is_hate", "long_view")
HEAD = (
    "user_id,video_id,date,hourmin,time_ms," + ",".join(FLAGS)
    + ",play_time_ms,duration_ms,profile_stay_time,comment_stay_time,is_profile_enter,is_rand,tab\n"
)  # fmt: skip
VIDEOS = (
    "video_id,author_id,video_type,upload_dt,upload_type,visible_status,video_duration,server_width,server_height,"
    'music_id,music_type,tag\n9,77,NORMAL,2022-04-03,LongImport,public,46967.0,720,1280,500,9.0,"12,65"\n'
)
PEOPLE = "user_id,user_active_degree," + ",".join(f"onehot_feat{number}" for number in range(18)) + "\n" + (
    "1,full_active," + ",".join("0" for _ in range(18)) + "\n"
)  # fmt: skip


def row(user, video, rand=0, **flags):
    cells = ",".join(str(flags.get(flag, 0)) for flag in FLAGS)
    return f"{user},{video},20220408,1900,1649415600000,{cells},1500,3000,0,0,0,{rand},1\n"


def test_the_tar_file(tmp_path):
    files = {
        "log_standard_4_08_to_4_21_pure.csv": HEAD + row(1, 9, is_click=1) + row(1, 9, is_click=1, is_like=1),
        "log_standard_4_22_to_5_08_pure.csv": HEAD + row(1, 9, is_click=1, is_hate=1),
        "log_random_4_22_to_5_08_pure.csv": HEAD + row(1, 9, rand=1),
        "video_features_basic_pure.csv": VIDEOS,
        "user_features_pure.csv": PEOPLE,
        "video_features_statistic_pure.csv": "video_id,counts\n9,5\n",
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"KuaiRand-Pure/data/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    made = get("kuairand", tmp_path, {"KuaiRand-Pure.tar.gz": packed.getvalue()})
    assert made.events["type"].to_list() == ["click", "like", "hate"]
    assert made.events["dwell"].to_list() == [1.5] * 3
    assert made.events["random"].to_list() == ["0", "0", "0"]
    assert made.events_shown["random"].to_list() == ["1"]
    assert made.events_shown.columns == made.events.columns
    assert made.items["tag"].to_list() == ["12,65"]
    assert "user_active_degree" not in made.users.columns
    assert made.run["data"]["events"]["dwell"] == "dwell"


def test_the_large_one_comes_in_parts(tmp_path):
    made = get("kuairand/27K", tmp_path, {
        "log_standard_4_08_to_4_21_27k_part1.csv": HEAD + row(1, 9, is_click=1),
        "log_standard_4_08_to_4_21_27k_part2.csv": HEAD + row(2, 9, is_forward=1),
        "video_features_basic_27k.csv": VIDEOS,
    })  # fmt: skip
    assert made.events["type"].to_list() == ["click", "forward"]
    assert "users" not in made.run["data"]


def test_another_size_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"There is no log_standard_4_08_to_4_21_1k\.csv"):
        get("kuairand/1K", tmp_path, {"log_standard_4_08_to_4_21_pure.csv": HEAD})
