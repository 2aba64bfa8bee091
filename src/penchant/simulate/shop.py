# SPDX-License-Identifier: Apache-2.0
"""Simulate a shop into a folder: the whole job on one page."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import polars as pl

from penchant.artefact import new_folder, write_json
from penchant.errors import ConfigError, DataError
from penchant.schema import TIME, TYPE
from penchant.simulate import days, words
from penchant.simulate.card import readme, run_file
from penchant.simulate.config import ShopConfig
from penchant.simulate.log import written
from penchant.simulate.parts import ACTIONS, IMPRESSIONS, PART_ROWS, Parts
from penchant.simulate.pictures import draw_pictures
from penchant.simulate.records import SIMULATION, Record, write_truth
from penchant.simulate.reviews import no_reviews
from penchant.simulate.sounds import write_sounds
from penchant.simulate.streams import stream
from penchant.simulate.tables import item_table, social_table, user_table
from penchant.simulate.tastes import ATTRIBUTES
from penchant.simulate.world import draw_world

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penchant.simulate.world import World

Tell = Callable[[str, int, int], None]
"""Told what is being made, how many of it are done, and of how many."""

_EVENT_BYTES, _ROW_BYTES, _PICTURE_BYTES, _SOUND_BYTES = 16, 350, 6_000, 48_100
"""What things take on disk, about."""


def simulate_shop(
    config: ShopConfig,
    folder: Path | str,
    *,
    force: bool = False,
    tell: Tell = lambda *_: None,
    chunk: int = days.CHUNK,
    part_rows: int = PART_ROWS,
) -> Path:
    """Simulate a shop.

    Memory is bounded by the users, the items and one day's events, however many events there are in all.

    Args:
        config: what is wanted; it alone decides what comes.
        folder: what to make; it is there as a whole or not at all.
        force: whether a folder that a simulation made gives way.
        tell: told of the progress.
        chunk: visits that are worked on at once; changes memory and speed, nothing else.
        part_rows: rows of one file of events.

    Returns:
        the folder.

    Raises:
        ConfigError: a number cannot be, or the folder is there already.
        DataError: the disk has too little room.
        MissingExtraError: pictures are asked for, and Pillow is absent.
        OSError: the disk got full, or may not be written.
    """
    folder, config = Path(folder), _checked(config)
    _check_place(folder, config, force=force)
    world = draw_world(config)
    pictures, sounds = (
        _some(world, name, number) for name, number in (("picture", config.pictures), ("sound", config.sounds))
    )
    with new_folder(folder, replace=force) as draft:
        # First what may be refused (no Pillow), then what takes long.
        if len(pictures):
            draw_pictures(
                world.things, pictures, draft / "pictures", size=config.picture_size, seed=config.seed,
                tell=lambda done: tell("pictures", done, len(pictures)),
            )  # fmt: skip
        if len(sounds):
            write_sounds(
                world.things, sounds, draft / "sounds", seed=config.seed,
                tell=lambda done: tell("sounds", done, len(sounds)),
            )  # fmt: skip
        items, users, social = item_table(world, pictures, sounds), user_table(world), social_table(world)
        items.write_parquet(draft / "items.parquet")
        users.write_parquet(draft / "users.parquet")
        social.write_parquet(draft / "social.parquet")
        write_truth(world, draft / "truth")
        types, reviews = _write_days(world, draft, chunk, part_rows, tell)
        counts = types | {
            "events": config.events, "items": items.height, "users": users.height, "reviews": reviews,
            "friendships": social.height // 2, "pictures": len(pictures), "sounds": len(sounds),
        }  # fmt: skip
        record = Record(
            config=config,
            counts=counts,
            seasons=world.calendar.waves.tolist(),
            attributes={name: list(values) for name, (values, _) in ATTRIBUTES.items()},
            weights={name: weight for name, (_, weight) in ATTRIBUTES.items()},
        )
        write_json(draft / SIMULATION, record)
        (draft / "README.md").write_text(readme(record), encoding="utf-8")
        text = run_file(pictures=len(pictures) > 0, sounds=len(sounds) > 0)
        (draft / "run.toml").write_text(text, encoding="utf-8")
    return folder


def _write_days(world: World, draft: Path, chunk: int, part_rows: int, tell: Tell) -> tuple[dict[str, int], int]:
    """Write events and reviews; how many there are of each type of event, and of reviews."""
    actions, impressions = (Parts(draft / "events", name, part_rows) for name in (ACTIONS, IMPRESSIONS))
    by_type = np.zeros(len(words.TYPES), np.int64)
    reviews = [no_reviews()]
    done, last = 0, 0
    tell("events", 0, world.config.events)
    for day in days.live(world, chunk):
        events = written(day.events)
        impressions.add(events.filter(pl.col(TYPE) == "impression"))
        actions.add(events.filter(pl.col(TYPE) != "impression"))
        by_type += np.bincount(day.events[TYPE], minlength=len(by_type))
        reviews.append(day.reviews)
        done += day.events.height
        if day.events.height:
            last = day.events[TIME][-1]
        tell("events", done, world.config.events)
    actions.close()
    impressions.close()
    # What is written after the last event is not known yet.
    table = pl.concat(reviews).filter(pl.col(TIME) <= last).sort(TIME, maintain_order=True)
    table = table.with_columns(pl.col(TIME).cast(pl.Datetime("us", "UTC")))
    table.write_parquet(draft / "reviews.parquet")
    return dict(zip(words.TYPES, by_type.tolist(), strict=True)), table.height


def _some(world: World, name: str, number: int) -> NDArray[np.int64]:
    """Rows of the items that have a picture, or a sound, by lot."""
    return np.sort(stream(world.config.seed, f"has {name}").permutation(world.config.items)[:number])


def _checked(config: ShopConfig) -> ShopConfig:
    """The same, its types looked at: a struct that is made in Python takes anything."""
    try:
        return msgspec.convert(msgspec.to_builtins(config), ShopConfig)
    except msgspec.ValidationError as error:
        raise ConfigError(f"ShopConfig: {error}") from None


def _check_place(folder: Path, config: ShopConfig, *, force: bool) -> None:
    if folder.exists() and not force:
        raise ConfigError(f"{folder} is already there: choose another folder, or replace it with --force")
    if folder.exists() and not (folder / SIMULATION).is_file():
        raise ConfigError(f"{folder} was not made by a simulation, so it is not replaced: choose another folder")
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    needs = config.events * _EVENT_BYTES + (config.users + config.items) * _ROW_BYTES
    needs += config.pictures * _PICTURE_BYTES + config.sounds * _SOUND_BYTES
    free = shutil.disk_usage(place).free
    if needs > free:
        raise DataError(
            f"{folder}: the shop takes about {needs / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free: "
            "ask for less, or choose another disk"
        )
