# SPDX-License-Identifier: Apache-2.0
"""How long does it take to find the best of many vectors, beside a bare product and bare faiss on the same ones?

    python benchmarks/retrieval.py --items 100000 1000000

The vectors are those of things and people of the simulated shop: what things are, what people like, and how good a
thing is for everybody, turned into 64 dimensions at random, with a little noise in each. No model has learned
them. Queries are people whom the index was not made with, one at a time or `--batch` at once.

* **bare product**: torch's product and its top-k, which leaves equal scores to chance.
* **exact**: Penchant's: the product, a copy from which what may not be given is struck, and the best in an order
  that is the same every time.
* **bare faiss**: its flat index (in full precision), or that of codes with which the index works.
* **index**: `penchant.recommend.nearest`: the codes, then the scores in full precision.
* **change**: an index and its vectors with one more item, and with one item changed.

Milliseconds are medians over the queries, of a query each.
"""

from __future__ import annotations

import argparse
import logging
import time
from statistics import median
from typing import TYPE_CHECKING

import faiss
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from penchant.batch import replaced
from penchant.recommend.index import top_k
from penchant.recommend.nearest import Nearest
from penchant.simulate.config import ShopConfig
from penchant.simulate.world import draw_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

DIM = 64
PEOPLE = 2000
NOISE = 0.02
"""Standard deviation, where vectors have length 1."""
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


def vectors(items: int) -> tuple[Tensor, Tensor]:
    """([N, D] of things, [PEOPLE, D] of people)."""
    world = draw_world(ShopConfig(users=PEOPLE, items=items, events=1, seed=0))
    things = np.column_stack([world.things.vector, world.things.quality])
    people = np.column_stack([world.people.taste, np.full(PEOPLE, 0.1, np.float32)])
    chance = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(DIM, things.shape[1], generator=chance)).Q.T
    return tuple(
        torch.from_numpy(side.astype(np.float32)) @ turn + NOISE * torch.randn(len(side), DIM, generator=chance)
        for side in (things, people)
    )  # type: ignore[return-value]


def timed(work: Callable[[Tensor], object], queries: Tensor, batch: int, clock: Callable[[], float]) -> float:
    """Milliseconds of a query."""
    seconds = []
    for some in queries.split(batch):
        begin = clock()
        work(some)
        seconds.append((clock() - begin) / len(some))
    return 1000 * median(seconds)


def measure(items: int, k: int, asked: int, batch: int, clock: Callable[[], float]) -> list[tuple[str, str, str]]:
    """Rows of the table: what, milliseconds, share of the best that is found."""
    table, people = vectors(items)
    queries = people[:asked]
    order = torch.randperm(items)
    best = torch.cat([(some @ table.T).topk(k, dim=1).indices for some in queries.split(16)])
    begin = clock()
    index = Nearest.over(table, people[-200:])
    made = clock() - begin
    flat = faiss.IndexFlatIP(DIM)
    flat.add(table.numpy())
    depth = {} if index.depth is None else {
        "params": faiss.IndexRefineSearchParameters(k_factor=max(index.depth, 2 * k) / k)
    }  # fmt: skip

    def exact(some: Tensor) -> object:
        scores = (some @ table.T).clone()
        scores[:, :10] = -torch.inf
        return top_k(scores, k, order)

    rows = [
        (name, f"{timed(work, queries, batch, clock):.2f}", recall)
        for name, work, recall in (
            ("bare product", lambda some: (some @ table.T).topk(k, dim=1), "1"),
            ("exact", exact, "1"),
            ("bare faiss, flat", lambda some: flat.search(some.numpy(), k), "1"),
            ("bare faiss, codes", lambda some: index.codes.search(some.numpy(), k, **depth), ""),
            ("index", lambda some: index.search(some, k), f"{index.measured(queries, best):.4f}"),
        )
    ]
    one, times = table[:1] + 1, []
    for row in (items, 5):
        begin = clock()
        index.changed(replaced(table, torch.tensor([row]), one, max(items, row + 1)), torch.tensor([row]))
        times.append(1000 * (clock() - begin))
    looked = index.depth or items
    return [*rows, ("made, s", f"{made:.1f}", f"{looked:,} looked at"), ("change", f"{max(times):.1f}", "")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--k", type=int, default=500, help="how many are looked for")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--batch", type=int, default=1, help="queries at once")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    told = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(told.threads)
    faiss.omp_set_num_threads(told.threads)
    for items in told.items:
        title = f"{items:,} x {DIM}, best {told.k}, {told.batch} at once, {told.threads} threads, {told.clock}"
        shown = Table("", "ms a query", f"recall@{told.k}", title=title)
        for row in measure(items, told.k, told.queries, told.batch, CLOCKS[told.clock]):
            shown.add_row(*row)
        Console(width=110).print(shown)


if __name__ == "__main__":
    main()
