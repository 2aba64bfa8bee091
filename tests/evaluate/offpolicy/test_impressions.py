# SPDX-License-Identifier: Apache-2.0
"""Logs of impressions: read strictly, and policies out of them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from penchant.errors import DataError
from penchant.evaluate.offpolicy import impressions
from penchant.evaluate.offpolicy.impressions import Columns, policy_of, uniform

GOOD = {
    "item_id": [7, 8, 7, 9], "position": [1, 1, 2, 2], "click": [0, 1, 0, 1], "propensity": [0.5, 0.5, 0.25, 0.75],
    "who": ["x", "y", "x", "z"], "age": [30, 40, None, 50],
}  # fmt: skip


def written(path, **changes):
    table = pl.DataFrame({**GOOD, **changes})
    {".parquet": table.write_parquet, ".csv": table.write_csv, ".jsonl": table.write_ndjson}[path.suffix](path)
    return path


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_a_log_in_numbers(tmp_path, ending):
    log = impressions.read(written(tmp_path / f"log.{ending}"), Columns(context=("age",), unit="who"))
    found = impressions.encode(log, *impressions.ids(log), ("age",))
    assert found.items.tolist() == [0, 1, 0, 2]
    assert found.positions.tolist() == [0, 0, 1, 1]
    assert found.rewards.tolist() == [0, 1, 0, 1]
    assert found.units.tolist() == [0, 1, 0, 2]
    assert found.context.to_dict(as_series=False) == {"age": [30, 40, None, 50]}
    assert (found.n_items, found.n_positions) == (3, 2)


def test_one_place_and_rows_that_stand_alone(tmp_path):
    log = impressions.read(written(tmp_path / "log.parquet"), Columns(position=None))
    found = impressions.encode(log, *impressions.ids(log))
    assert found.positions.tolist() == [0] * 4
    assert found.units.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"propensity": [0.5, 0.0, 0.2, 2.0]},
            r"row 2: 'propensity' is not above 0 and at most 1 \(2 such rows\)",
        ),
        ({"propensity": [0.5, None, 0.2, 0.2]}, "row 2: 'propensity' is not above 0"),
        ({"click": [0, 1, None, 1]}, "row 3: 'click' is not a number"),
        ({"click": ["0", "1", "x", "1"]}, "row 3: 'click' is not a number"),
        ({"item_id": [None, 1, 2, 3]}, "row 1: 'item_id' is missing"),
        ({"position": [1, 1, 1, None]}, "row 4: 'position' is missing"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(tmp_path, changes, message):
    with pytest.raises(DataError, match=rf"log\.parquet, {message}"):
        impressions.read(written(tmp_path / "log.parquet", **changes), Columns())


def test_a_log_that_cannot_be_read_is_named(tmp_path):
    path = written(tmp_path / "log.parquet")
    with pytest.raises(DataError, match=r"no column 'propensty' \(did you mean 'propensity'"):
        impressions.read(path, Columns(propensity="propensty"))
    with pytest.raises(DataError, match=r"must be \.parquet, \.csv or \.jsonl"):
        impressions.read(tmp_path / "log.xlsx", Columns())
    with pytest.raises(DataError, match=r"none\.parquet cannot be read"):
        impressions.read(tmp_path / "none.parquet", Columns())
    (tmp_path / "bad.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(DataError, match=r"bad\.parquet is not a table"):
        impressions.read(tmp_path / "bad.parquet", Columns())
    pl.DataFrame(schema=pl.DataFrame(GOOD).schema).write_parquet(tmp_path / "empty.parquet")
    with pytest.raises(DataError, match=r"empty\.parquet has no rows"):
        impressions.read(tmp_path / "empty.parquet", Columns())


def shown(items, positions, propensities, n_items=3, n_positions=2):
    n = len(items)
    return impressions.Impressions(
        items=np.array(items), positions=np.array(positions), rewards=np.zeros(n), units=np.arange(n),
        propensities=np.array(propensities), context=pl.DataFrame(), n_items=n_items, n_positions=n_positions,
    )  # fmt: skip


def test_propensities_that_never_change_are_the_policy():
    found = policy_of(shown([0, 0, 0, 1, 2], [0] * 5, [0.2, 0.2, 0.2, 0.3, 0.5]))
    assert found.tolist() == [[0.2, 0.3, 0.5], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize("propensities", [[0.2, 0.2, 0.3, 0.3, 0.5], [0.2, 0.2, 0.2, 0.3, 0.1]])
def test_elsewhere_it_is_how_often(propensities):
    found = policy_of(shown([0, 0, 0, 1, 2], [0] * 5, propensities))
    assert found[0] == pytest.approx([0.6, 0.2, 0.2])


def test_each_position_is_looked_at_alone():
    found = policy_of(shown([0, 1, 2, 2, 0], [0, 0, 1, 1, 1], [0.4, 0.6, 0.9, 0.8, 0.1]))
    assert found[0] == pytest.approx([0.4, 0.6, 0.0])
    assert found[1] == pytest.approx([1 / 3, 0.0, 2 / 3])


def test_uniform():
    assert uniform(2, 4).tolist() == [[0.25] * 4] * 2
