# SPDX-License-Identifier: Apache-2.0
"""One simulated shop that many tests look at."""

from types import SimpleNamespace

import polars as pl
import pytest

from penchant.simulate.config import ShopConfig
from penchant.simulate.shop import simulate_shop
from penchant.simulate.truth import Truth

CONFIG = ShopConfig(users=1500, items=400, events=200_000, seed=5, pictures=40, sounds=30)


def opened(folder):
    """The tables of a simulated shop."""
    return SimpleNamespace(
        folder=folder,
        events=pl.read_parquet(folder / "events" / "*.parquet").sort("time", maintain_order=True),
        items=pl.read_parquet(folder / "items.parquet"),
        users=pl.read_parquet(folder / "users.parquet"),
        reviews=pl.read_parquet(folder / "reviews.parquet"),
        social=pl.read_parquet(folder / "social.parquet"),
        truth=Truth.open(folder),
        true_users=pl.read_parquet(folder / "truth" / "users.parquet"),
        true_items=pl.read_parquet(folder / "truth" / "items.parquet"),
    )


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    """A year of a small shop."""
    return opened(simulate_shop(CONFIG, tmp_path_factory.mktemp("simulated") / "shop"))
