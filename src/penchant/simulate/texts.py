# SPDX-License-Identifier: Apache-2.0
"""Titles and descriptions: they tell the theme and the category, and colour and material only now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from penchant.simulate import words
from penchant.simulate.streams import stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from penchant.simulate.things import Things

_TOLD = 0.4
"""Probability that a description names the colour, and likewise the material."""
_MISSING = 0.1
"""Share of items without a description, on purpose."""


def item_texts(things: Things, seed: int) -> pl.DataFrame:
    """What is written about each item.

    Args:
        things: the items.
        seed: of the simulation.

    Returns:
        title (String), description (String, some null) and tags (List(String), words of the theme), by row.
    """
    random = stream(seed, "texts")
    count = len(things.id)
    # Three different words of the theme, by the three smallest of random numbers.
    which = np.argsort(random.random((count, len(words.THEME_WORDS[0]))), axis=1)[:, :3]
    theme = np.array(words.THEME_WORDS)[things.codes["theme"][:, None], which]
    columns = {
        "one": theme[:, 0],
        "two": theme[:, 1],
        "three": theme[:, 2],
        "noun": _pick(words.CATEGORIES, things.category),
        "pattern": _pick(words.PATTERNS, things.codes["pattern"]),
        "colour": _pick(words.COLOURS, things.codes["colour"]),
        "material": _pick(words.MATERIALS, things.codes["material"]),
        "name": _pick(words.NAMES, random.integers(0, len(words.NAMES), count)),
        "place": _pick(words.PLACES, random.integers(0, len(words.PLACES), count)),
        "tell_pattern": random.random(count) < _TOLD,
        "tell_colour": random.random(count) < _TOLD,
        "tell_material": random.random(count) < _TOLD,
        "missing": random.random(count) < _MISSING,
    }
    title = pl.concat_str(
        pl.col("one").str.to_titlecase(),
        pl.lit(" "),
        _if("tell_pattern", pl.format("{} ", "pattern")),
        pl.col("noun"),
        pl.format(" {}", "name"),
    )
    description = pl.concat_str(
        pl.format("A {} with a touch of {} and {}, made for {}.", "noun", "two", "three", "place"),
        _if("tell_colour", pl.format(" It comes in {}.", "colour")),
        _if("tell_material", pl.format(" The body is {}.", "material")),
    )
    return pl.DataFrame(columns).select(
        title=title,
        description=pl.when(~pl.col("missing")).then(description),
        tags=pl.concat_list("one", "two"),
    )


def _pick(values: tuple[str, ...], codes: NDArray[np.integer]) -> pl.Series:
    return pl.Series(values).gather(codes)


def _if(flag: str, text: pl.Expr) -> pl.Expr:
    return pl.when(pl.col(flag)).then(text).otherwise(pl.lit(""))
