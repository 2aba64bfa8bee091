# SPDX-License-Identifier: Apache-2.0
"""A small catalogue of invented films, people with tastes, and a bundle made of them; all made here, no data."""

import random
from pathlib import Path

import polars as pl

from penchant.bundle.bundle import write_bundle
from penchant.data.dataset import Dataset
from penchant.features.space import FeatureSpace
from penchant.recommend.pipeline import Pipeline
from penchant.schema import Column, IdType, Kind, Schema
from penchant.train.fit import fit, make

GENRES = {
    "Mystery": """
        The Lighthouse Clock | A Map of Salt | Nine Silent Doors | The Cartographer's Widow | Fog over
        Harbour Street | The Second Key | Whisper Ward | The Inkwell Murders | Room Without Corners |
        Letters to Nobody | The Glass Witness | Midnight Ledger""",
    "Science Fiction": """
        Orbit of Sparrows | The Last Terraformer | Copper Moon Rising | Signal from Vesta | Children of the
        Ninth Sun | Paper Robots | Gravity Garden | The Quiet Engine | Tomorrow's Cartridge | Starlight
        Salvage | Zero Hour Colony | The Memory Foundry""",
    "Comedy": """
        Three Weddings and a Goat | The Accidental Mayor | Uncle Fergus Moves In | Pancakes at Dawn | My
        Neighbour the Spy | A Very Small Riot | The Bakery Wars | Left Shoe, Right Shoe | Aunt Petunia's
        Yacht | Nobody Told the Band | The Borrowed Dog | Sundays with Boris""",
    "Adventure": """
        The Amber Compass | Beyond the Saffron River | Kites over Kestrel Pass | The Iron Caravan | Raiders
        of the Tin Coast | A Sail for Marisol | The Monsoon Runners | Peak of Echoes | The Pearl Divers |
        Wolves of the North Road | Jungle of Mirrors | The Hidden Aqueduct""",
    "Romance": """
        The Orchard in October | Letters from Lisbon Street | Two Umbrellas | Before the Ferry Leaves | A
        Waltz for Winter | The Florist's Daughter | Somewhere near Sienna | Postcards to Juniper | The Long
        Way to You | Blue Hour Café | Under the Linden Tree | Strangers on Platform Four""",
    "Animation": """
        Pip and the Paper Dragon | The Moon's Apprentice | Snail Express | Tilly Draws the Sea | The Cloud
        Shepherd | Bramble and Bee | A Fox Called Thursday | The Button Kingdom | Night Zoo | Olive the Owl
        | The Kettle Who Sang | Little Thunder""",
}

DAY = 86_400_000_000
START = 1_700_000_000_000_000


def catalogue() -> pl.DataFrame:
    chance = random.Random(7)
    rows = []
    for place, (genre, titles) in enumerate(GENRES.items()):
        for title in titles.split("|"):
            other = chance.choice([name for name in GENRES if name != genre])
            tags = [genre, other] if chance.random() < 0.35 else [genre]
            rows.append((0, " ".join(title.split()), tags, float(chance.randrange(1958, 2026)), place))
    chance.shuffle(rows)
    numbered = [(number, *row[1:4]) for number, row in enumerate(rows, 1)]
    return pl.DataFrame(
        numbered,
        schema={"item_id": pl.Int64, "title": pl.String, "genres": pl.List(pl.String), "year": pl.Float64},
        orient="row",
    )


def dataset(*, ids: IdType = IdType.INTEGER, n_users: int = 80, seed: int = 3) -> Dataset:
    """Everyone loves one genre, likes a second, and strays now and then."""
    chance = random.Random(seed)
    items = catalogue()
    by_genre = {name: [row[0] for row in items.iter_rows() if row[2][0] == name] for name in GENRES}
    names = list(GENRES)
    events = []
    for user in range(1, n_users + 1):
        first, second = chance.sample(names, 2)
        time = START + chance.randrange(30) * DAY
        wanted = chance.sample(by_genre[first], chance.randint(4, 8)) + chance.sample(by_genre[second], 3)
        wanted += [chance.randint(1, len(items))]
        chance.shuffle(wanted)
        for item in dict.fromkeys(wanted):
            time += chance.randrange(1, DAY)
            events.append((user, item, time, "watched", None))
    frame = pl.DataFrame(
        events,
        schema={
            "user_id": pl.Int64, "item_id": pl.Int64, "time": pl.Int64, "type": pl.String, "value": pl.Float64
        },
        orient="row",
    ).sort("time", maintain_order=True)  # fmt: skip
    users = pl.DataFrame({"user_id": range(1, n_users + 1)}, schema={"user_id": pl.Int64})
    if ids is IdType.STRING:
        frame = frame.with_columns(
            pl.format("ann/{} 你好", "user_id").alias("user_id"),
            pl.format("film {}", "item_id").alias("item_id"),
        )
        items = items.with_columns(pl.format("film {}", "item_id").alias("item_id"))
        users = users.with_columns(pl.format("ann/{} 你好", "user_id").alias("user_id"))
    schema = Schema(
        user_id=ids,
        item_id=ids,
        items={
            "title": Column(kind=Kind.TEXT),
            "genres": Column(kind=Kind.TAGS),
            "year": Column(kind=Kind.NUMBER),
        },
        event_types=("watched",),
        title="title",
    )
    return Dataset(name="invented-films", schema=schema, events=frame, items=items, users=users)


def write(folder: Path, data: Dataset, *, kind: str = "ease", root: Path | None = None) -> Path:
    """A bundle of `data` under `folder`."""
    space = FeatureSpace.fit(data, data.events)
    shown = space.catalogue(data.items)
    users = space.users(data.users["user_id"], data.events, shown, data.users)
    model = make(kind, {}, space.sizes)
    fit(model, users)
    pipeline = Pipeline(model, space, shown)
    return write_bundle(
        folder, pipeline, name=data.name, kind=kind, users=data.users, events=data.events, root=root
    )
