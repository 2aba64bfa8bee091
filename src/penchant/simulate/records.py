# SPDX-License-Identifier: Apache-2.0
"""What is written down about a simulation that no shop would know: its choices and its truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import polars as pl

from penchant.errors import DataError
from penchant.schema import FRIEND, ITEM, USER, WEIGHT
from penchant.simulate import tastes
from penchant.simulate.config import ShopConfig  # noqa: TC001 - msgspec reads the annotation
from penchant.simulate.friends import Friends
from penchant.simulate.people import People
from penchant.simulate.things import Things

if TYPE_CHECKING:
    from pathlib import Path

    from penchant.simulate.world import World

SIMULATION = "simulation.json"
VERSION = 1
"""Raised whenever the same choices give another shop, or the files another meaning."""

_VECTOR = pl.Array(pl.Float32, tastes.SIZE)


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`simulation.json`."""

    simulated: bool = True
    version: int = VERSION
    config: ShopConfig
    counts: dict[str, int]
    """Events by type, and the rows or files of all else."""
    seasons: list[list[float]]
    """Of each category, in the order of `attributes`: the height of its wave, the day of the year of its peak."""
    attributes: dict[str, list[str]]
    """What an item can be: the values of each attribute."""
    weights: dict[str, float]
    """How much each attribute counts in an item's vector."""

    def __post_init__(self) -> None:
        """Refuse another version, whose numbers have other meanings."""
        if self.version != VERSION:
            raise DataError(
                f"{SIMULATION} is of version {self.version} of the simulator, and this is version {VERSION}: "
                "simulate the shop anew"
            )


def write_truth(world: World, folder: Path) -> None:
    """Write `users.parquet`, `items.parquet` and `attributes.parquet` into the folder of the truth."""
    people, things = world.people, world.things
    folder.mkdir()
    pl.DataFrame(
        {
            USER: np.arange(1, len(people.group) + 1),
            "group": people.group,
            "taste": pl.Series(people.taste, dtype=_VECTOR),
            "towards": pl.Series(people.towards, dtype=_VECTOR),
            "turn": people.turn,
            "sensitivity": people.sensitivity,
            "activity": people.activity,
            "joined": people.joined,
            "age": people.age,
            "gender": people.gender,
            "region": people.region,
            "device": people.device,
        }
    ).write_parquet(folder / "users.parquet")
    pl.DataFrame(
        {
            ITEM: things.id,
            **{name: pl.Series(tastes.ATTRIBUTES[name][0]).gather(codes) for name, codes in things.codes.items()},
            "vector": pl.Series(things.vector, dtype=_VECTOR),
            "quality": things.quality,
            "price": things.price,
            "rebate": things.rebate,
            "launched": things.launched,
            "seller": things.seller,
        }
    ).write_parquet(folder / "items.parquet")
    pl.concat(
        pl.DataFrame({"attribute": name, "value": values, "vector": pl.Series(world.known[name], dtype=_VECTOR)})
        for name, (values, _) in tastes.ATTRIBUTES.items()
    ).write_parquet(folder / "attributes.parquet")


def read_people(folder: Path) -> People:
    """The users as they truly are."""
    table = _read(folder, "truth/users.parquet")
    return People(**{name: table[name].to_numpy() for name in People.__dataclass_fields__})


def read_things(folder: Path) -> Things:
    """The items as they truly are."""
    table = _read(folder, "truth/items.parquet")
    codes = {
        name: table[name].replace_strict(list(values), list(range(len(values))), return_dtype=pl.Int8).to_numpy()
        for name, (values, _) in tastes.ATTRIBUTES.items()
    }
    rest = {name: table[name].to_numpy() for name in Things.__dataclass_fields__ if name not in ("id", "codes")}
    return Things(id=table[ITEM].to_numpy(), codes=codes, **rest)


def read_friends(folder: Path, users: int) -> Friends:
    """The social graph."""
    table = _read(folder, "social.parquet").sort(USER, maintain_order=True)
    start = np.zeros(users + 1, np.int64)
    np.cumsum(np.bincount(table[USER].to_numpy() - 1, minlength=users), out=start[1:])
    return Friends(
        start=start,
        friend=(table[FRIEND].to_numpy() - 1).astype(np.int32),
        weight=table[WEIGHT].to_numpy().astype(np.float32),
    )


def _read(folder: Path, name: str) -> pl.DataFrame:
    try:
        return pl.read_parquet(folder / name)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{folder / name} cannot be read: {error}") from None
