# SPDX-License-Identifier: Apache-2.0
"""The whole simulation: as large as asked, the same again, consistent in itself, whole or not there."""

import errno
import hashlib
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import polars as pl
import pytest

from penchant.errors import ConfigError, DataError, MissingExtraError
from penchant.simulate import shop as module
from penchant.simulate.config import ShopConfig
from penchant.simulate.parts import Parts
from penchant.simulate.shop import simulate_shop
from penchant.simulate.truth import Truth

SMALL = ShopConfig(users=60, items=50, events=3000, days=40, seed=3)


def contents(folder):
    """Every file with the hash of its bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def changed(config, **changes):
    return msgspec.structs.replace(config, **changes)


def test_sizes_are_those_asked_for(shop):
    record = shop.truth.record
    assert shop.events.height == record.config.events == record.counts["events"]
    assert shop.users["user_id"].to_list() == list(range(1, 1501))
    assert shop.items["item_id"].to_list() == list(range(1, 401))
    assert shop.items["picture"].count() == len(list((shop.folder / "pictures").iterdir())) == 40
    assert shop.items["sound"].count() == len(list((shop.folder / "sounds").iterdir())) == 30
    for column in ("picture", "sound"):
        assert all((shop.folder / path).is_file() for path in shop.items[column].drop_nulls())
    types = dict(shop.events["type"].value_counts().iter_rows())
    assert types == {name: record.counts[name] for name in types}
    assert len(types) == 5
    assert shop.reviews.height == record.counts["reviews"] > 0


@pytest.mark.parametrize(
    "sizes",
    [
        {"users": 1, "items": 1, "events": 1, "days": 1},
        {"users": 1, "items": 3, "events": 57, "days": 2},
        {"users": 40, "items": 2, "events": 11, "days": 300},
        {"users": 3, "items": 500, "events": 4000, "days": 1, "list_length": 1},
        {"users": 50, "items": 20, "events": 999, "days": 9, "list_length": 40},
    ],
)
def test_any_size_comes_out_exactly(tmp_path, sizes):
    folder = simulate_shop(ShopConfig(**sizes), tmp_path / "shop")
    events = pl.read_parquet(folder / "events" / "*.parquet")
    assert events.height == sizes["events"]
    assert pl.read_parquet(folder / "users.parquet").height == sizes["users"]
    assert pl.read_parquet(folder / "items.parquet").height == sizes["items"]
    assert (events["time"].max() - events["time"].min()).days < sizes["days"]


def test_the_same_choices_give_the_same_bytes(tmp_path):
    config = changed(SMALL, pictures=3, sounds=3, picture_size=16)
    first = contents(simulate_shop(config, tmp_path / "a"))
    assert contents(simulate_shop(config, tmp_path / "b", chunk=3)) == first
    other = contents(simulate_shop(changed(config, seed=4), tmp_path / "c"))
    assert {name for name in first if first[name] == other.get(name)} == {"run.toml"}


def test_parts_hold_the_same_rows(tmp_path):
    whole = simulate_shop(SMALL, tmp_path / "a")
    parts = simulate_shop(SMALL, tmp_path / "b", part_rows=700)
    for half in ("actions", "impressions"):
        heights = [pl.read_parquet(path).height for path in sorted((parts / "events").glob(f"{half}-*"))]
        table = pl.read_parquet(whole / f"events/{half}-*.parquet")
        assert table["time"].is_sorted()
        assert heights == [700] * (table.height // 700) + [table.height % 700]
        assert pl.read_parquet(parts / f"events/{half}-*.parquet").equals(table)


def test_pictures_change_nothing_else(tmp_path):
    without = contents(simulate_shop(SMALL, tmp_path / "a"))
    beside = contents(simulate_shop(changed(SMALL, pictures=2, picture_size=16), tmp_path / "b"))
    same = {name for name in without if without[name] == beside[name]}
    assert same >= {
        "events/actions-00000.parquet",
        "events/impressions-00000.parquet",
        "users.parquet",
        "reviews.parquet",
        "truth/items.parquet",
    }


def test_amounts(shop):
    bought = shop.events.filter(pl.col("type") == "purchase").join(shop.items, on="item_id")
    paid = bought["quantity"] * (bought["price"] * (1 - bought["discount"])).round(2)
    assert np.abs(bought["amount"] - paid).max() < 0.006
    assert bought["quantity"].min() == 1
    assert bought["discount"].max() > 0
    off_sale = bought.filter(pl.col("time").dt.ordinal_day() <= 77)
    assert (off_sale["discount"] == 0).all()
    other = shop.events.filter(pl.col("type").is_in(["impression", "click", "cart"]))
    assert other["amount"].null_count() == other.height


def test_returns_undo_a_purchase(shop):
    back = shop.events.filter(pl.col("type") == "return")
    bought = shop.events.filter(pl.col("type") == "purchase")
    pairs = back.join(bought, on=["session", "item_id"], suffix="_bought")
    assert back.height > 20
    assert pairs.select("session", "item_id", "time").unique().height == back.height
    undone = pairs.filter(
        (pl.col("amount") + pl.col("amount_bought")).abs() < 1e-9,
        pl.col("quantity") == -pl.col("quantity_bought"),
        pl.col("time") > pl.col("time_bought") + pl.duration(days=2),
    )
    assert undone.select("session", "item_id", "time").unique().height == back.height


def test_the_log_is_in_order(shop):
    events = shop.events
    assert events.group_by("session").agg(pl.col("user_id").n_unique())["user_id"].max() == 1
    impressions = events.filter(pl.col("type") == "impression")
    assert impressions.select("session", "time", "position").is_duplicated().sum() == 0
    assert impressions.select("session", "time", "item_id").is_duplicated().sum() == 0
    clicks = events.filter(pl.col("type") == "click")
    seen = clicks.join(impressions, on=["session", "item_id", "position"], suffix="_shown")
    assert seen.filter(pl.col("time_shown") < pl.col("time")).select("session", "time").n_unique() == clicks.height
    assert clicks["dwell"].is_between(1, 900).all()
    bought = events.filter(pl.col("type") == "purchase")
    carts = events.filter(pl.col("type") == "cart").join(clicks, on=["session", "item_id"], how="semi")
    assert bought.join(carts, on=["session", "item_id"], how="semi").height == bought.height


def test_nothing_is_shown_before_its_launch(shop):
    launched = shop.events.join(shop.items, on="item_id").select(pl.col("time") >= pl.col("launched"))
    assert launched.to_series().all()
    begun = shop.events["time"].min()
    assert 100 < shop.items.filter(pl.col("launched") > begun).height < 220
    assert shop.items["launched"].is_sorted()
    joined = shop.events.join(shop.users, on="user_id").select(pl.col("time") >= pl.col("joined"))
    assert joined.to_series().all()


def test_clicks_wear_off_down_the_list(shop):
    rates = shop.events.filter(pl.col("position").is_not_null()).group_by("position").agg(
        (pl.col("type") == "click").sum() / (pl.col("type") == "impression").sum()
    ).sort("position")["type"].to_numpy()  # fmt: skip
    place = np.arange(1, 11)
    slope = np.polyfit(np.log(place), np.log(rates), 1)[0]
    assert slope == pytest.approx(-shop.truth.record.config.habits.position_decay, abs=0.08)
    assert shop.truth.look(place) == pytest.approx(rates / rates[0], rel=0.2)


def test_prices_put_off_those_who_mind_them(shop):
    dear = pl.col("price").log() - pl.col("price").log().mean().over("category")
    carts = shop.events.filter(pl.col("type") == "cart").join(shop.items.with_columns(dear=dear), on="item_id")
    clicks = shop.events.filter(pl.col("type") == "click").join(shop.items.with_columns(dear=dear), on="item_id")
    minds = shop.true_users.select("user_id", minds=pl.col("sensitivity") > pl.col("sensitivity").median())
    gap = {
        which: carts.join(minds.filter(minds=which), on="user_id")["dear"].mean()
        - clicks.join(minds.filter(minds=which), on="user_id")["dear"].mean()
        for which in (False, True)
    }
    assert gap[True] < gap[False] < 0


def test_an_old_folder_gives_way_only_when_told_and_made_by_a_simulation(tmp_path):
    folder = simulate_shop(SMALL, tmp_path / "shop")
    before = contents(folder)
    with pytest.raises(ConfigError, match="already there: choose another folder, or replace it with --force"):
        simulate_shop(changed(SMALL, seed=9), folder)
    assert contents(folder) == before
    simulate_shop(changed(SMALL, seed=9), folder, force=True)
    assert contents(folder) != before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="was not made by a simulation"):
        simulate_shop(SMALL, tmp_path / "mine", force=True)
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_a_disk_that_gets_full_leaves_nothing(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Parts, "_write", refuse)
    with pytest.raises(OSError, match="No space left"):
        simulate_shop(SMALL, tmp_path / "shop")
    assert list(tmp_path.iterdir()) == []


def test_too_little_room_is_seen_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(DataError, match=r"the shop takes about 0\.0 GB, and 0\.0 GB are free"):
        simulate_shop(SMALL, tmp_path / "deep" / "shop")
    assert list(tmp_path.iterdir()) == []


def test_pictures_need_pillow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'penchant\[content\]'"):
        simulate_shop(changed(SMALL, pictures=1), tmp_path / "shop")
    assert list(tmp_path.iterdir()) == []


def test_a_struct_of_wrong_types(tmp_path):
    with pytest.raises(ConfigError, match="Expected `int`, got `float`"):
        simulate_shop(ShopConfig(users=2.5, items=3, events=3), tmp_path / "shop")


def test_progress_is_told(tmp_path):
    told = []
    simulate_shop(
        changed(SMALL, pictures=2, sounds=1, picture_size=16), tmp_path / "s", tell=lambda *x: told.append(x)
    )
    assert told[:3] == [("pictures", 2, 2), ("sounds", 1, 1), ("events", 0, 3000)]
    assert told[-1] == ("events", 3000, 3000)
    assert [done for what, done, _ in told if what == "events"] == sorted(
        done for what, done, _ in told if what == "events"
    )


def test_the_folder_says_that_it_is_simulated(shop):
    assert "Everything here is simulated" in (shop.folder / "README.md").read_text()
    record = msgspec.json.decode((shop.folder / "simulation.json").read_bytes())
    assert record["simulated"] is True
    assert record["config"]["seed"] == 5


def test_the_lines_in_the_documentation(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()
    lines = next(block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "ShopConfig" in block)
    monkeypatch.chdir(tmp_path)
    exec("import penchant\n" + lines.replace("300_000", "300"))
    assert Truth.open("shop").record.config.exploration == 0.3
