# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001 - Russian is no mistake
"""Do the encoders see, hear and read? Nearest neighbours by content alone, against chance and the light encoder.

    python benchmarks/content.py --data DATA --artefacts artefacts fashion clips plots posters languages
    python benchmarks/content.py --sheet docs/images/content-neighbours.png drawn

Vectors are what a model gets: through the library's store, standardised over the whole table (nothing is trained
and nothing held out here). Neighbours are the ten with the highest cosine.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from torch.nn import functional

from penchant.content.choices import encoder_config
from penchant.content.library import Library
from penchant.content.scaling import Scaler

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Array = np.ndarray[Any, Any]
    Alike = Callable[[Array, Array], Array]
    """How alike two items are, from 0 to 1."""
    Choice = tuple[str, dict[str, Any]]
    """An encoder and its choices."""

K = 10
EFFICIENTNET: tuple[str, dict[str, Any]] = ("efficientnet", {"colours": False})

LANGUAGES = {
    "English": [
        "A cat sleeps on the sofa", "The rocket flies to the moon", "She bakes bread in the morning",
        "A detective looks for the murderer", "Children play football in the rain", "The king loses his crown",
        "A comfortable pair of running shoes", "Waterproof jacket for the mountains", "Fresh tomatoes and cheese",
        "He learns to play the violin", "The hospital needs more doctors", "A love story set in Paris",
    ],
    "Chinese": [
        "一只猫在沙发上睡觉", "火箭飞向月球", "她早上烤面包", "侦探寻找凶手", "孩子们在雨中踢足球",
        "国王失去了王冠",
        "一双舒适的跑鞋",
        "登山用的防水夹克", "新鲜的西红柿和奶酪", "他学习拉小提琴",
        "医院需要更多的医生", "发生在巴黎的爱情故事",
    ],
    "Russian": [
        "Кошка спит на диване", "Ракета летит на Луну", "Утром она печёт хлеб", "Сыщик ищет убийцу",
        "Дети играют в футбол под дождём", "Король теряет свою корону", "Удобная пара кроссовок для бега",
        "Непромокаемая куртка для гор", "Свежие помидоры и сыр", "Он учится играть на скрипке",
        "Больнице нужно больше врачей", "История любви в Париже",
    ],
}  # fmt: skip
"""The same twelve sentences, written for this file."""


def vectors(
    encoders: list[Choice], values: pl.Series, root: Path | None, artefacts: Path
) -> tuple[Tensor, Tensor, float]:
    """([n, D], present [n], seconds) of encoders side by side, as a model gets them."""
    start, found, parts = time.perf_counter(), [], []
    present = torch.ones(len(values), dtype=torch.bool)
    for kind, choices in encoders:
        made, config = encoder_config(kind, choices, kind)
        encoder = made(config)
        encoder.fit(values)
        raw, there = Library(root, folder=artefacts / "content").encode(kind, encoder, values)
        found, parts, present = [*found, raw], [*parts, *encoder.parts], present & there
    seconds = time.perf_counter() - start
    joined = torch.cat(found, dim=1)
    scaled = Scaler.fit(joined, present, parts).apply(joined, present) if encoder.scaled else joined
    return scaled, present, seconds


def neighbours(found: Tensor, present: Tensor) -> tuple[Array, Array]:
    """([p, K] the nearest others of each item that is present, [p] which items those are)."""
    direction = functional.normalize(found, dim=1)
    near = direction @ direction.T
    near[:, ~present] = -torch.inf
    near.fill_diagonal_(-torch.inf)
    return near.topk(K, dim=1).indices[present].numpy(), np.flatnonzero(present.numpy())


def same(labels: list[Any]) -> Alike:
    """How alike two items are: 1 where their labels are equal."""
    table = np.array(labels)
    return lambda a, b: (table[a] == table[b]).astype(float)


def shared(tags: list[set[str]]) -> Alike:
    """How alike two items are: what they share of the tags that either has (Jaccard)."""
    words = sorted({word for some in tags for word in some})
    table = np.array([[word in some for word in words] for some in tags])
    return lambda a, b: (table[a] & table[b]).sum(-1) / np.maximum((table[a] | table[b]).sum(-1), 1)


def measure(alike: Alike, near: Array, own: Array) -> float:
    return float(alike(near, own[:, None]).mean())


def chance(alike: Alike, n: int) -> float:
    """Over pairs drawn at random."""
    random = np.random.default_rng(0)
    a, b = random.integers(0, n, (2, 400_000))
    return float(alike(a[a != b], b[a != b]).mean())


def table(
    title: str,
    encoders: dict[str, list[Choice]],
    questions: dict[str, Alike],
    values: pl.Series,
    root: Path | None,
    artefacts: Path,
) -> tuple[Array, Array]:
    """Print one table; return the neighbours by the last encoder."""
    print(f"\n### {title}\n\n| encoder | " + " | ".join(questions) + " | seconds |")
    print("|---|" + "---|" * (len(questions) + 1))
    n = len(values)
    print(
        "| chance | " + " | ".join(f"{chance(alike, n):.3f}" for alike in questions.values()) + " | |", flush=True
    )
    for name, chosen in encoders.items():
        found, present, seconds = vectors(chosen, values, root, artefacts)
        near, own = neighbours(found, present)
        cells = [f"{measure(alike, near, own):.3f}" for alike in questions.values()]
        print(f"| `{name}` | " + " | ".join(cells) + f" | {seconds:.0f} |", flush=True)
    return near, own


def fashion(data: Path, artefacts: Path) -> None:
    folder = data / "fashion-images"
    items = pl.read_csv(folder / "items.csv", infer_schema=False)
    kinds, hues = same(items["articleType"].to_list()), same(items["baseColour"].to_list())
    near, own = table(
        "Pictures: 3,000 of fashion (`fashion-images`)",
        {
            "histogram": [("histogram", {})],
            "efficientnet, colours = false": [EFFICIENTNET],
            # What `efficientnet` does by itself; put together here, so that the network runs once.
            "efficientnet": [EFFICIENTNET, ("histogram", {"edges": False})],
        },
        {"same article": kinds, "same colour": hues, "both": lambda a, b: kinds(a, b) * hues(a, b)},
        items["image"], folder, artefacts,
    )  # fmt: skip
    chosen = np.random.default_rng(1).choice(len(own), 8, replace=False)
    paths = [[folder / items["image"][int(row)] for row in (own[at], *near[at][:7])] for at in chosen]
    sheet(paths, artefacts / "content-fashion.png")


def clips(data: Path, artefacts: Path) -> None:
    folder = data / "audio-clips"
    names = sorted(path.name for path in folder.glob("*.flac"))
    alike = same([name.partition("_")[0] for name in names])
    encoders = {"logmel": [("logmel", {})]}
    questions = {"same kind in the top 10": alike}
    near, own = table(
        "Sound: 165 clips of 14 kinds (`audio-clips`)", encoders, questions, pl.Series(names), folder, artefacts
    )
    print(f"\nThe nearest clip alone is of the same kind in {measure(alike, near[:, :1], own):.3f} of all cases.")


def films(data: Path) -> tuple[pl.DataFrame, list[set[str]]]:
    items = pl.read_csv(data / "movielens-100k" / "items.csv", infer_schema=False)
    return items, [set((genres or "").split("|")) for genres in items["genres"].to_list()]


def plots(data: Path, artefacts: Path) -> None:
    items, genres = films(data)
    encoders = {name: [(name, {})] for name in ("tfidf", "wordllama", "e5")}
    table(
        "Plots: films of MovieLens-100K",
        encoders,
        {"genres shared": shared(genres)},
        items["plot"],
        None,
        artefacts,
    )


def posters(data: Path, artefacts: Path) -> None:
    items, genres = films(data)
    encoders = {"histogram": [("histogram", {})], "efficientnet": [("efficientnet", {})]}
    folder = data / "movielens-100k"
    questions = {"genres shared": shared(genres)}
    near, own = table("Posters: 1,668 of the same films", encoders, questions, items["poster"], folder, artefacts)
    chosen = np.random.default_rng(1).choice(len(own), 8, replace=False)
    paths = [[folder / items["poster"][int(row)] for row in (own[at], *near[at][:7])] for at in chosen]
    sheet(paths, artefacts / "content-posters.png")


def languages() -> None:
    """Is the nearest sentence of another language the same one?"""
    print(
        "\n### Across languages: the same twelve sentences\n\n| encoder | "
        + " | ".join(_pairs())
        + " | ms a text |"
    )
    print("|---|" + "---|" * (len(_pairs()) + 1))
    print("| chance | " + " | ".join(f"{1 / 12:.2f}" for _ in _pairs()) + " | |")
    texts = pl.Series([text for some in LANGUAGES.values() for text in some])
    for kind in ("tfidf", "wordllama", "e5"):
        made, config = encoder_config(kind, {}, kind)
        encoder = made(config)
        encoder.fit(texts)
        start = time.perf_counter()
        found, _ = encoder.encode(texts)
        each = 1000 * (time.perf_counter() - start) / len(texts)
        parts = dict(zip(LANGUAGES, functional.normalize(found, dim=1).split(12), strict=True))
        cells = []
        for a, b in _pairs().values():
            near = parts[a] @ parts[b].T
            right = torch.arange(12)
            both = (near.argmax(1) == right).float().mean() + (near.argmax(0) == right).float().mean()
            cells.append(f"{float(both) / 2:.2f}")
        print(f"| `{kind}` | " + " | ".join(cells) + f" | {each:.2f} |", flush=True)


def _pairs() -> dict[str, tuple[str, str]]:
    names = list(LANGUAGES)
    return {f"{a} and {b}": (a, b) for at, a in enumerate(names) for b in names[at + 1 :]}


def drawn(artefacts: Path, path: Path) -> None:
    """A contact sheet of pictures drawn here: the first of each row, and its nearest by two encoders."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    import media  # noqa: PLC0415 - pictures of the tests

    random = np.random.default_rng(3)
    colours = [(200, 40, 40), (40, 150, 60), (50, 70, 200), (230, 170, 30), (150, 60, 170)]
    shapes = ("disc", "square", "stripes", "triangle")
    plans = [(shape, colour) for shape in shapes for colour in colours for _ in range(6)]
    pictures = [
        media.drawn(shape, colour, at=tuple(random.integers(-8, 9, 2).tolist()), side=96, seed=seed)
        for seed, (shape, colour) in enumerate(plans)
    ]
    values = pl.Series([media.saved(one) for one in pictures])
    rows = []
    for kind, choices in (
        ("histogram", {"edges": False}),
        ("efficientnet", {"colours": False}),
        ("efficientnet", {}),
    ):
        found, present, _ = vectors([(kind, choices)], values, None, artefacts)
        near, own = neighbours(found, present)
        for question, alike in (
            ("shape", same([shape for shape, _ in plans])),
            ("colour", same([str(c) for _, c in plans])),
        ):
            print(kind, choices, question, f"{measure(alike, near, own):.3f}", flush=True)
        rows += [[pictures[row] for row in (own[at], *near[at][:9])] for at in (3, 45, 77, 110)]
    sheet(rows, path, size=64)


def sheet(rows: list[list[Any]], path: Path, size: int = 96) -> None:
    """One row for each query: itself, a gap, and its neighbours."""
    from PIL import Image  # noqa: PLC0415 - an extra

    width = max(map(len, rows))
    whole = Image.new("RGB", (width * size + size // 4, len(rows) * size), "white")
    for y, row in enumerate(rows):
        for x, one in enumerate(row):
            image = one if isinstance(one, Image.Image) else Image.open(one)
            small = image.convert("RGB").copy()
            small.thumbnail((size - 6, size - 6))
            whole.paste(small, (x * size + (size // 4 if x else 0) + 3, y * size + 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    whole.quantize(128).save(path, optimize=True)
    print(f"\nContact sheet: {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="+", choices=["fashion", "clips", "plots", "posters", "languages", "drawn"])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--artefacts", type=Path, default=Path("artefacts"))
    parser.add_argument("--sheet", type=Path, default=Path("docs/images/content-neighbours.png"))
    chosen = parser.parse_args()
    jobs: dict[str, Callable[[], None]] = {
        "fashion": lambda: fashion(chosen.data, chosen.artefacts),
        "clips": lambda: clips(chosen.data, chosen.artefacts),
        "plots": lambda: plots(chosen.data, chosen.artefacts),
        "posters": lambda: posters(chosen.data, chosen.artefacts),
        "languages": languages,
        "drawn": lambda: drawn(chosen.artefacts, chosen.sheet),
    }
    for what in chosen.what:
        jobs[what]()


if __name__ == "__main__":
    main()
