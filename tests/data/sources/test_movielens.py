# SPDX-License-Identifier: Apache-2.0
"""MovieLens 1M with its colons, the later sets with their CSV, and a ready split."""

import polars as pl

from publisher import get, pack

ARCHIVE = {
    "ml-1m/ratings.dat": "1::1193::5::978300760\n1::661::3::978302109\n",
    "ml-1m/movies.dat": "661::Fantôme: Part II (1996)::Animation|Children's\n"
    "1193::One: Two::Three (1975)::Drama\n",
    "ml-1m/users.dat": "1::F::1::10::48067\n2::M::56::16::70072\n",
    "ml-1m/README": "Words\n",
}


def test_1m(tmp_path):
    packed = pack(tmp_path / "ml-1m.zip", ARCHIVE, "latin1").read_bytes()
    made = get("movielens-1m", tmp_path, {"ml-1m.zip": packed})
    assert made.events.rows() == [(1, 1193, 978300760, 5.0), (1, 661, 978302109, 3.0)]
    assert made.items.rows() == [
        (661, "Fantôme: Part II (1996)", "Animation|Children's", 1996),
        (1193, "One: Two::Three (1975)", "Drama", 1975),
    ]
    assert made.users.rows() == [(1, "F", 1, "pupil", "48067"), (2, "M", 56, "self-employed", "70072")]
    assert made.run["data"]["events"]["time_unit"] == "s"


def test_1m_as_a_ready_split(tmp_path):
    rows = {
        "user_id": [7, 7, 7],
        "item_id": [1, 2, 3],
        "position": [0, 1, 2],
        "split": ["train", "train", "valid"],
    }
    pl.DataFrame(rows).write_parquet(tmp_path / "x.parquet")
    ready = (tmp_path / "x.parquet").read_bytes()
    made = get("movielens-1m", tmp_path, {
        "interactions.parquet": ready,
        "items.csv": 'movie_id,title,genres,Plot\n1,A (1990),Drama|War,"Words, many"\n',
        "users.csv": "user_id,gender,age,occupation,zip\n7,M,25,4,02460\n",
    })  # fmt: skip
    assert made.train.rows() == [(7, 1, 0), (7, 2, 1)]
    assert made.test.rows() == [(7, 3, 2)]
    assert made.items.rows() == [(1, "A (1990)", "Drama|War", "Words, many", 1990)]
    assert made.users.rows() == [(7, "M", 25, "student")]
    assert made.run["data"]["split"] == {"kind": "given"}
    assert made.run["data"]["events"]["time_unit"] == "order"


def test_a_ready_split_alone(tmp_path):
    rows = {"user_id": [7, 7], "item_id": [1, 2], "position": [0, 1], "split": ["train", "valid"]}
    pl.DataFrame(rows).write_parquet(tmp_path / "x.parquet")
    made = get("movielens-1m", tmp_path, {"interactions.parquet": (tmp_path / "x.parquet").read_bytes()})
    assert "items" not in made.run["data"]


def test_later_sets(tmp_path):
    made = get("movielens-20m", tmp_path, {
        "ml-20m/ratings.csv": "userId,movieId,rating,timestamp\n1,2,3.5,1112486027\n1,29,oops,1112484676\n",
        "ml-20m/movies.csv": 'movieId,title,genres\n2,"Odd, The (1995) ",Adventure|Fantasy\n'
        "29,No year,(no genres listed)\n",
    })  # fmt: skip
    assert made.events.rows() == [(1, 2, 3.5, 1112486027), (1, 29, None, 1112484676)]
    assert made.events.columns == ["user_id", "item_id", "value", "time"]
    assert made.items.rows() == [(2, "Odd, The (1995) ", "Adventure|Fantasy", 1995), (29, "No year", None, None)]
